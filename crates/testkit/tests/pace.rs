//! Readers and servers that are slow, silent or gone, with `dump` between them: memory stays bounded, bytes stay the
//! same, and it ends when it is told to.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock};
use std::thread;

use testkit::{Cluster, Database, Output, Skipped, Tools};

mod proxy;

use proxy::Proxy;

/// Twice about 40 MiB of rows, and a small table.
const SOURCE: &str = "
CREATE TABLE big AS SELECT n AS id, repeat(md5(n::text), 30) AS text FROM generate_series(1, 40000) AS n;
CREATE TABLE large AS SELECT * FROM big;";

const FEW: &str =
    "CREATE TABLE few AS SELECT n AS id, md5(n::text) AS text FROM generate_series(1, 300) AS n;";

/// Far less than the rows, more than the buffers of two readers.
const MEMORY_KIB: u64 = 56 * 1024;

#[test]
fn a_reader_that_stalls_does_not_fill_our_memory() {
    // Fault 14.
    if !Path::new("/proc/self/status").exists() {
        let _ = Skipped::because("this system does not tell a process's memory in /proc");
        return;
    }
    let lab = Lab::new();
    for source in ["\"$SOURCE\"", "big.sqlite"] {
        let output = lab.run(&format!(
            "sh -c 'echo $$ >dump.pid; exec dump --chunk-size 1 --jobs 2 --rows csv {source}' | \
             {{ head -c 1000 >/dev/null; sleep 1; cat /proc/$(cat dump.pid)/status >stalled; kill -9 $(cat dump.pid); }}"
        ));
        output.assert_stages(&[137, 0]);
        let status = std::fs::read_to_string(lab.folder.path().join("stalled")).unwrap();
        let peak = status.lines().find_map(|it| it.strip_prefix("VmHWM:")).unwrap();
        let peak: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
        assert!(peak < MEMORY_KIB, "{source}: {peak} KiB");
    }
}

#[test]
fn one_byte_at_a_time_is_as_good_as_many() {
    // Fault 15.
    let lab = Lab::new();
    let few = Cluster::shared().database("few").unwrap();
    few.execute(FEW).unwrap();
    let port = trickle(&Cluster::shared().root().join(".s.PGSQL.5432"));
    let trickled = format!("{} host=127.0.0.1 port={port}", few.source());
    let fingerprint = |source: &str, stages: &str| {
        let output = lab.run(&format!("dump \"{source}\" --rows csv --compress none {stages}"));
        let said = output.assert_success().stderr();
        said.split_once("fingerprint ").unwrap().1.trim().to_owned()
    };
    let expected = fingerprint(&few.source(), "-o whole.tar");
    assert_eq!(
        fingerprint(&trickled, "| dd bs=1 status=none | cat >slow.tar"),
        expected
    );
    let rows = |archive: &str| lab.run(&format!("tar xOf {archive} data")).stdout().to_vec();
    // What follows the tables says which archive it was, and when.
    let listed = |archive: &str| {
        let output = lab.run(&format!("verify --archive {archive}"));
        let text = output.assert_success().stdout_text();
        text.lines().take(2).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(listed("slow.tar"), listed("whole.tar"));
    let whole = rows("whole.tar");
    assert!(!whole.is_empty() && rows("slow.tar") == whole);
}

#[test]
fn a_silent_server_does_not_keep_an_interrupted_dump() {
    // Faults 17 and 20.
    let lab = Lab::new();
    let output = lab.run(
        "sh -c 'echo $$ >dump.pid; exec dump --chunk-size 1 \"$PROXIED\"' \
         | { head -c 3000000; touch silent; sleep 0.3; kill -INT $(cat dump.pid); cat; } | wc -c",
    );
    output
        .assert_stages(&[130, 0, 0])
        .assert_stderr_contains("interrupted");
    assert!(!output.timed_out(), "{output}");
}

#[test]
fn servers_that_hang_up_or_say_nothing_are_named() {
    // Fault 20.
    let lab = Lab::new();
    let hangs_up = listen(drop);
    let talks_otherwise = listen(|mut client| {
        let _ = client.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    let is_silent = listen(|mut client| {
        let _ = client.read_to_end(&mut Vec::new());
    });
    for (port, words) in [
        (hangs_up, "no session on database shop at 127.0.0.1"),
        (talks_otherwise, "no session on database shop at 127.0.0.1"),
        (is_silent, "no answer within 1 s"),
    ] {
        let endpoint = format!("host=127.0.0.1 port={port} dbname=shop user=ada connect_timeout=1");
        let output = lab.run(&format!("dump \"{endpoint}\" -o x.tar"));
        output.assert_code(4).assert_stderr_contains(words);
        assert!(!lab.folder.path().join("x.tar").exists(), "{output}");
    }
}

#[test]
fn a_sqlite_file_is_read_for_as_long_as_somebody_takes_it() {
    // Faults 11, 12 and 17.
    let lab = Lab::new();
    for (line, stages) in [
        ("dump some.sqlite | head -c 100", [3, 0]),
        ("dump some.sqlite --compress gzip | head -c 300000", [3, 0]),
    ] {
        let output = lab.run(line);
        output.assert_stages(&stages);
        assert_eq!(output.stderr(), "", "{output}");
    }
    for (signal, code) in [("INT", 130), ("TERM", 143), ("KILL", 137)] {
        let output = lab.run(&format!(
            "sh -c 'echo $$ >dump.pid; exec dump some.sqlite --chunk-size 1 --compress none' \
             | {{ head -c 1000000; kill -{signal} $(cat dump.pid); cat; }} | verify --archive -"
        ));
        output
            .assert_stages(&[code, 0, 6])
            .assert_stderr_contains("archive is truncated");
    }
}

/// A folder with two SQLite files for each test, and a way to the source that falls silent; the source is one for
/// all.
struct Lab {
    folder: tempfile::TempDir,
    way: Proxy,
}

impl Lab {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(sqlite("big", 20_000), folder.path().join("big.sqlite")).unwrap();
        std::os::unix::fs::symlink(sqlite("some", 1_500), folder.path().join("some.sqlite")).unwrap();
        let server = Cluster::shared().root().join(".s.PGSQL.5432");
        Lab {
            way: Proxy::start(&server, &folder.path().join("silent")),
            folder,
        }
    }

    fn run(&self, line: &str) -> Output {
        let source = source().source();
        Tools::locate()
            .shell(line)
            .env(
                "PROXIED",
                format!("{source} host=127.0.0.1 port={}", self.way.port()),
            )
            .env("SOURCE", source)
            .current_dir(self.folder.path())
            .run()
    }
}

fn source() -> &'static Database<'static> {
    static DATABASE: OnceLock<Database<'static>> = OnceLock::new();
    DATABASE.get_or_init(|| {
        let database = Cluster::shared().database("pace").unwrap();
        database.execute(SOURCE).unwrap();
        database
    })
}

/// A file of so many rows of 4 kB, in the server's own folder, which goes with it.
fn sqlite(name: &str, rows: u32) -> PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    static MAKING: Mutex<()> = Mutex::new(());
    let _guard = MAKING.lock();
    let folder = FOLDER.get_or_init(|| Cluster::shared().folder("sqlite").unwrap());
    let path = folder.join(format!("{name}.sqlite"));
    if !path.exists() {
        let sql = format!(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT);
             WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
             INSERT INTO t SELECT i, hex(randomblob(2000)) FROM n;"
        );
        rusqlite::Connection::open(&path)
            .unwrap()
            .execute_batch(&sql)
            .unwrap();
    }
    path
}

/// A port where each client meets `answer`.
fn listen(answer: impl Fn(TcpStream) + Send + Sync + Copy + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || answer(client));
        }
    });
    port
}

/// A way to a server on which every byte travels alone.
fn trickle(socket: &Path) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (port, socket) = (listener.local_addr().unwrap().port(), socket.to_owned());
    thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            client.set_nodelay(true).unwrap();
            let server = UnixStream::connect(&socket).unwrap();
            let (mut from_client, mut to_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            thread::spawn(move || one_by_one(&mut from_client, &mut to_server));
            let (mut from_server, mut to_client) = (server, client);
            thread::spawn(move || {
                one_by_one(&mut from_server, &mut to_client);
                let _ = to_client.shutdown(std::net::Shutdown::Both);
            });
        }
    });
    port
}

fn one_by_one(from: &mut impl Read, to: &mut impl Write) {
    let mut piece = [0; 4096];
    while let Ok(length @ 1..) = from.read(&mut piece) {
        if piece[..length].iter().any(|byte| to.write_all(&[*byte]).is_err()) {
            return;
        }
    }
}
