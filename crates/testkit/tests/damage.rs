//! Archives that were damaged, cut, joined or forged on their way: `load` refuses each, leaves nothing live, and
//! its remains can be removed.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use std::ops::Range;
use std::path::Path;
use std::sync::OnceLock;

use testkit::{Cluster, Database, Output, Shell, Tools};

mod remains;

const SCHEMA: &str = "small";

/// Damage is spread over the archive in so many places.
const PLACES: usize = 100;

/// Small enough that every hundredth of it means something, with two chunks of one table, both forms, and every
/// kind of schema member.
const SOURCE: &str = "
CREATE TABLE users (id integer PRIMARY KEY, name text NOT NULL, note text);
INSERT INTO users SELECT n, 'user ' || n, CASE n % 3 WHEN 0 THEN NULL WHEN 1 THEN '' ELSE md5(n::text) END
  FROM generate_series(1, 60) AS n;
CREATE TYPE mood AS ENUM ('calm', 'cross');
CREATE TABLE moods (user_id integer REFERENCES users, moods mood[], at timestamptz);
INSERT INTO moods SELECT n, '{calm,cross}', '2024-02-29 00:00+00' FROM generate_series(1, 40) AS n;
CREATE TABLE wide (id bigint GENERATED ALWAYS AS IDENTITY, filler text);
INSERT INTO wide (filler) SELECT repeat(chr(96 + n), 700000) FROM generate_series(1, 4) AS n;
CREATE VIEW calm_users AS SELECT name FROM users JOIN moods ON user_id = id WHERE 'calm' = ANY (moods);
GRANT SELECT ON users TO source_reader;";

#[test]
fn a_flipped_byte_anywhere_leaves_nothing_live() {
    // Fault 1.
    let lab = Lab::new();
    let archive = archive();
    let places: Vec<usize> = (0..PLACES)
        .map(|it| it * archive.len() / PLACES + it % 7)
        .collect();
    for member in members(archive) {
        assert!(
            places.iter().any(|it| member.whole.contains(it)),
            "no flip hits {}",
            member.name
        );
    }
    for place in places {
        let mut damaged = archive.to_vec();
        damaged[place] ^= [0x01, 0x20, 0x80][place % 3];
        lab.check_refused(&damaged, "archive", &format!("byte {place} flipped"));
    }
    lab.check_loads(archive);
}

#[test]
fn an_archive_cut_anywhere_is_called_truncated() {
    // Fault 2.
    let lab = Lab::new();
    let archive = archive();
    for number in 0..PLACES {
        let place = number * archive.len() / PLACES + number % 5;
        lab.check_refused(
            &archive[..place],
            "archive is truncated",
            &format!("cut at {place}"),
        );
    }
    let last = archive.len() - 1;
    lab.check_refused(
        &archive[..last],
        "archive is truncated",
        "the last byte is missing",
    );
    lab.check_loads(archive);
}

#[test]
fn members_out_of_place_are_refused() {
    // Faults 3, 5, 6 and 9.
    let lab = Lab::new();
    let archive = archive();
    let all = members(archive);
    let [first, second] = ["00000.bin", "00001.bin"].map(|name| {
        let found = all
            .iter()
            .find(|it| it.name.contains("wide") && it.name.contains(name));
        &archive[found.unwrap().whole.clone()]
    });
    let users = &archive[all
        .iter()
        .find(|it| it.name.contains("users"))
        .unwrap()
        .whole
        .clone()];
    let other = dump_archive("another.tar");
    let strange = members(&other)
        .into_iter()
        .find(|it| it.name.contains("users"))
        .unwrap();

    lab.check_refused(&[archive, b"x"].concat(), "follows the end", "one more byte");
    lab.check_refused(
        &[archive, &[0; 512]].concat(),
        "follows the end",
        "one more block",
    );
    lab.check_refused(
        &[archive, archive].concat(),
        "follows the end",
        "two archives in a row",
    );
    let swapped = replaced(archive, first, second);
    lab.check_refused(
        &swapped,
        "does not belong here",
        "two chunks of one table swapped",
    );
    lab.check_refused(
        &replaced(archive, users, first),
        "archive is damaged",
        "chunks of two tables",
    );
    lab.check_refused(
        &without(archive, second),
        "archive is damaged",
        "a chunk left out",
    );
    lab.check_refused(
        &without(archive, first),
        "does not belong here",
        "the first chunk left out",
    );
    let twice = [
        &archive[..all[5].whole.start],
        users,
        &archive[all[5].whole.start..],
    ]
    .concat();
    lab.check_refused(&twice, "archive is damaged", "a chunk twice");
    let foreign = replaced(archive, users, &other[strange.whole]);
    lab.check_refused(&foreign, "another run", "a chunk of another run");
    lab.check_loads(archive);
}

#[test]
fn what_a_forger_seals_is_refused_all_the_same() {
    // Faults 4, 7 and 8.
    let lab = Lab::new();
    let inputs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../invariants/corpus/members");
    for (name, words) in [
        ("newer", "version 2"),
        ("feature", "time-travel"),
        // It says of 22 bytes that they are 2^63.
        ("huge", "another size"),
    ] {
        let input = std::fs::read(inputs.join(name)).unwrap();
        let input = replaced_all(&input, b"public", SCHEMA.as_bytes());
        lab.check_refused(&invariants::forge(&input).unwrap(), words, name);
    }
    std::fs::write(lab.folder.path().join("archive.tar"), archive()).unwrap();
    for name in ["../outside", "/etc/outside", "data/../../outside", "data/a\0b"] {
        let unpacked = lab.shell(
            "rm -rf unpacked && mkdir unpacked && tar xf archive.tar -C unpacked && cp archive.tar outside",
        );
        unpacked.run().assert_success();
        let path = lab.folder.path().join("unpacked/end.json");
        let mut end = archive::End::parse(&std::fs::read(&path).unwrap()).unwrap();
        name.clone_into(&mut end.members.last_mut().unwrap().name);
        std::fs::write(&path, invariants::seal_end(&end).unwrap()).unwrap();
        let output = lab.shell("load --jobs 1 \"$TARGET\" unpacked").run();
        lab.check_output(&output, "a name that none can have", name);
    }
}

#[test]
fn what_is_no_archive_is_called_so() {
    let lab = Lab::new();
    let sql = "CREATE TABLE small.users (id integer);\n".repeat(40);
    lab.check_refused(sql.as_bytes(), "no archive", "plain SQL");
    lab.check_refused(b"", "truncated", "empty input");
    lab.check_refused(b"SELECT 1;\n", "no archive", "one statement");
    let from_nothing = lab
        .tools
        .shell("true | load \"$TARGET\"")
        .env("TARGET", lab.target.target())
        .run();
    from_nothing
        .assert_stages(&[0, 6])
        .assert_stderr_contains("truncated");
    let from_pg_dump = lab
        .tools
        .shell("pg_dump \"$SOURCE\" | load \"$TARGET\"")
        .env("SOURCE", source().source())
        .env("TARGET", lab.target.target())
        .run();
    from_pg_dump
        .assert_code(6)
        .assert_stderr_contains("no archive")
        .assert_stderr_contains("hint: ");
}

#[test]
fn a_directory_is_refused_like_a_stream() {
    // Faults 1, 2 and 5.
    let lab = Lab::new();
    let whole = lab.folder.path().join("whole");
    lab.tools
        .shell("dump \"$SOURCE\" --rows csv | remap-schema --to small -o whole/")
        .env("SOURCE", source().source())
        .current_dir(lab.folder.path())
        .run()
        .assert_success();
    let users = find_file(&whole, "users");
    for (label, words, damage) in directory_damages(&users) {
        let output = lab
            .tools
            .shell(&format!(
                "rm -rf copy && cp -r whole copy && cd copy && {damage}; load \"$TARGET\" ../copy"
            ))
            .env("TARGET", lab.target.target())
            .current_dir(lab.folder.path())
            .run();
        lab.check_output(&output, words, label);
    }
    let load = "load \"$TARGET\" whole && verify whole \"$TARGET\"";
    let shell = lab.tools.shell(load).env("TARGET", lab.target.target());
    shell.current_dir(lab.folder.path()).run().assert_success();
}

/// What is done to a directory by a shell that stands in it, with the words that must answer it.
fn directory_damages(users: &str) -> [(&'static str, &'static str, String); 9] {
    let flip = |file: &str, place: usize| {
        format!(
            "byte=$(od -An -tu1 -j{place} -N1 {file}) && \
             printf \"\\\\$(printf %03o $((byte ^ 1)))\" | dd of={file} bs=1 seek={place} conv=notrunc status=none"
        )
    };
    [
        ("a chunk is missing", "a member is missing", format!("rm {users}")),
        (
            "the SQL is missing",
            "a member is missing",
            "rm schema/pre-data.sql".into(),
        ),
        (
            "the header is missing",
            "a member is missing",
            "rm archive.json".into(),
        ),
        (
            "a chunk is longer",
            "longer than its record",
            format!("echo >>{users}"),
        ),
        ("a chunk is cut", "archive is", format!("truncate -s -1 {users}")),
        ("a chunk is flipped", "SHA-256", flip(users, 100)),
        ("the SQL is flipped", "SHA-256", flip("schema/pre-data.sql", 100)),
        ("the end is flipped", "SHA-256", flip("end.json", 200)),
        ("the end is missing", "archive is truncated", "rm end.json".into()),
    ]
}

/// A target of its own, so that tests can run side by side.
struct Lab {
    tools: Tools,
    target: Database<'static>,
    folder: tempfile::TempDir,
}

impl Lab {
    fn new() -> Self {
        Lab {
            tools: Tools::locate(),
            target: Cluster::shared().target().unwrap(),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// `load` must call the archive damaged with these words; its remains must go.
    #[track_caller]
    fn check_refused(&self, archive: &[u8], words: &str, what: &str) {
        self.check_output(&self.load(archive), words, what);
    }

    #[track_caller]
    fn check_output(&self, output: &Output, words: &str, what: &str) {
        assert_eq!(output.code(), Some(6), "{what}\n{output}");
        assert!(
            output.stderr().contains(words),
            "{what}: expected `{words}`\n{output}"
        );
        remains::assert_nothing_live(&self.target, SCHEMA, output);
        remains::abandon(&self.tools, &self.target, SCHEMA);
    }

    /// After all that was refused, what is whole still loads.
    #[track_caller]
    fn check_loads(&self, archive: &[u8]) {
        self.load(archive)
            .assert_success()
            .assert_stderr_contains("small is live");
        assert_eq!(remains::states(&self.target).last().unwrap(), "live");
    }

    fn load(&self, archive: &[u8]) -> Output {
        let file = self.folder.path().join("archive.tar");
        std::fs::write(&file, archive).unwrap();
        self.shell("load --jobs 1 \"$TARGET\" archive.tar").run()
    }

    fn shell(&self, line: &str) -> Shell {
        let shell = self.tools.shell(line).env("TARGET", self.target.target());
        shell.current_dir(self.folder.path())
    }
}

fn source() -> &'static Database<'static> {
    static DATABASE: OnceLock<Database<'static>> = OnceLock::new();
    DATABASE.get_or_init(|| {
        let database = Cluster::shared().database("small").unwrap();
        database.execute(SOURCE).unwrap();
        database
    })
}

fn archive() -> &'static [u8] {
    static ARCHIVE: OnceLock<Vec<u8>> = OnceLock::new();
    ARCHIVE.get_or_init(|| {
        let archive = dump_archive("small.tar");
        let forms = [".bin", ".csv"].map(|form| members(&archive).iter().any(|it| it.name.contains(form)));
        assert!(
            archive.len() < 40 << 10 && forms == [true, true],
            "{} bytes",
            archive.len()
        );
        archive
    })
}

fn dump_archive(name: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let line = "dump \"$SOURCE\" --rows binary --compress zstd:19 --chunk-size 1 | remap-schema --to small -o \"$FILE\"";
    Tools::locate()
        .shell(line)
        .env("SOURCE", source().source())
        .env("FILE", name)
        .current_dir(folder.path())
        .run()
        .assert_success();
    std::fs::read(folder.path().join(name)).unwrap()
}

/// A member of a stream.
struct Member {
    name: String,
    /// With both of its headers and its padding.
    whole: Range<usize>,
}

fn members(archive: &[u8]) -> Vec<Member> {
    let mut all = Vec::new();
    let mut place = 0;
    while archive[place] != 0 {
        let header = place + 512 + size(&archive[place..]).next_multiple_of(512);
        let end = header + 512 + size(&archive[header..]).next_multiple_of(512);
        let name = archive[header..header + 100]
            .split(|byte| *byte == 0)
            .next()
            .unwrap();
        all.push(Member {
            name: String::from_utf8(name.to_vec()).unwrap(),
            whole: place..end,
        });
        place = end;
    }
    all
}

/// The size in a tar header: eleven octal digits at byte 124.
fn size(header: &[u8]) -> usize {
    usize::from_str_radix(std::str::from_utf8(&header[124..135]).unwrap(), 8).unwrap()
}

/// The archive with both parts in each other's place.
fn replaced(archive: &[u8], one: &[u8], other: &[u8]) -> Vec<u8> {
    let at = |part: &[u8]| archive.windows(part.len().max(1)).position(|it| it == part);
    let first = at(one).unwrap();
    let Some(second) = at(other) else {
        return [&archive[..first], other, &archive[first + one.len()..]].concat();
    };
    if second < first {
        return replaced(archive, other, one);
    }
    let between = &archive[first + one.len()..second];
    [
        &archive[..first],
        other,
        between,
        one,
        &archive[second + other.len()..],
    ]
    .concat()
}

fn replaced_all(bytes: &[u8], one: &[u8], other: &[u8]) -> Vec<u8> {
    let (mut replaced, mut rest) = (Vec::new(), bytes);
    while let Some(at) = rest.windows(one.len()).position(|it| it == one) {
        replaced.extend_from_slice(&rest[..at]);
        replaced.extend_from_slice(other);
        rest = &rest[at + one.len()..];
    }
    replaced.extend_from_slice(rest);
    replaced
}

fn without(archive: &[u8], part: &[u8]) -> Vec<u8> {
    replaced(archive, part, b"")
}

/// The path within `folder` of the one file whose path contains `word`.
fn find_file(folder: &Path, word: &str) -> String {
    let data = folder.join("data");
    let table = std::fs::read_dir(&data).unwrap().map(|it| it.unwrap().path());
    let table = table
        .into_iter()
        .find(|it| it.to_string_lossy().contains(word))
        .unwrap();
    let file = std::fs::read_dir(table).unwrap().next().unwrap().unwrap().path();
    file.strip_prefix(folder).unwrap().display().to_string()
}
