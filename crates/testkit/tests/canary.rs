//! A password that can be recognised, given in every way there is, is looked for wherever it must not be: arguments and
//! environments of programs that we run, messages, archives, plans, reports, the server's log, folders for temporary
//! files. And no process of ours leaves a core file that would hold it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use testkit::{Cluster, Database, Output, Skipped, Tools};

mod proxy;

use proxy::Proxy;

const CANARY: &str = "Canary-5a7d31";

/// Some rows, more than a pipe holds, for a look at `dump` while it works.
const SOURCE: &str = "CREATE TABLE few AS SELECT n AS id, md5(n::text) AS one, repeat('x', 90) AS filler
    FROM generate_series(1, 20000) AS n; CREATE VIEW v AS SELECT id FROM few;";

/// About 20 MiB of rows, more than all buffers on their way hold.
const LARGE: &str = "CREATE TABLE large AS SELECT n AS id, md5(n::text) AS one, repeat('x', 90) AS filler
    FROM generate_series(1, 140000) AS n;";

/// Runs a program of PostgreSQL's and writes down what others can see of it.
const WITNESS: &str = "#!/bin/sh
for it; do case $it in */schema) stat -c 'folder %a' \"${it%/*}\" >>\"$WITNESSED\";; esac; done
{ echo \"${0##*/}\"; tr '\\0' '\\n' </proc/$$/cmdline; tr '\\0' '\\n' </proc/$$/environ; } >>\"$WITNESSED\"
exec \"$REAL\"/${0##*/} \"$@\"
";

/// What can hold a password in a database itself.
const SECRETS: &str = "CREATE FOREIGN DATA WRAPPER far; CREATE SERVER away FOREIGN DATA WRAPPER far;
    CREATE USER MAPPING FOR CURRENT_USER SERVER away OPTIONS (user 'u', password 'Canary-5a7d31');
    CREATE SUBSCRIPTION feed CONNECTION 'host=127.0.0.1 port=1 password=Canary-5a7d31' PUBLICATION p
      WITH (connect = false)";

/// Lets a part of the archive pass, writes down what others can see of `dump`, and lets the rest pass.
const LOOK: &str = "{ head -c 200000; p=/proc/$(cat dump.pid); tr '\\0' '\\n' <$p/cmdline >dump.arguments; \
    tr '\\0' '\\n' <$p/environ >dump.environment; grep 'core file' $p/limits >dump.limits; cat; }";

#[test]
fn a_password_stays_where_the_user_put_it() {
    // Faults 19 and 49.
    if !Path::new("/proc/self/environ").exists() {
        let _ = Skipped::because("this system does not show processes in /proc");
        return;
    }
    let lab = Lab::new();
    for way in [Way::Words, Way::Variable, Way::File] {
        lab.check_run(way);
        lab.check_errors(way);
    }
    lab.check_secrets();
    lab.check_crash();
    let log = lab.cluster.log();
    assert!(
        log.contains("COPY ") && log.contains("connection authorized: user=locked"),
        "{log}"
    );
    assert!(!log.contains(CANARY), "the server's log holds the password");
}

/// How the password is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Words,
    Variable,
    File,
}

struct Lab {
    source: Database<'static>,
    target: Database<'static>,
    cluster: &'static Cluster,
    /// What the tools make, and where they may put temporary files.
    folder: tempfile::TempDir,
    /// Where the user keeps the password.
    user: tempfile::TempDir,
    way_to_server: Proxy,
}

impl Lab {
    fn new() -> Self {
        let user = tempfile::tempdir().unwrap();
        fs::set_permissions(user.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let rules = user.path().join("rules");
        fs::write(&rules, "local all locked scram-sha-256\nlocal all all trust\n").unwrap();
        let settings = [
            ("hba_file", rules.to_str().unwrap()),
            ("log_statement", "all"),
            ("log_connections", "on"),
        ];
        // Lives as long as the process, which has one test.
        let cluster: &'static Cluster = Box::leak(Box::new(Cluster::start_with(&settings).unwrap()));
        let source = cluster.database("source").unwrap();
        source.execute(SOURCE).unwrap();
        let target = cluster.target().unwrap();
        let mut admin = source.admin().unwrap();
        // What the test itself says is not to be found in the log.
        admin.batch_execute("SET log_statement = none").unwrap();
        let sql = format!(
            "CREATE ROLE locked LOGIN PASSWORD '{CANARY}'; GRANT pg_read_all_data TO locked;
             GRANT CREATE ON DATABASE {} TO locked",
            target.name()
        );
        admin.batch_execute(&sql).unwrap();
        let folder = tempfile::tempdir().unwrap();
        for name in ["tmp", "bin"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        for program in ["pg_dump", "pg_restore"] {
            let path = folder.path().join("bin").join(program);
            fs::write(&path, WITNESS).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        let lab = Lab {
            source,
            target,
            cluster,
            way_to_server: Proxy::start(
                &cluster.root().join(".s.PGSQL.5432"),
                &folder.path().join("never"),
            ),
            folder,
            user,
        };
        lab.keep("password", CANARY);
        lab.keep("pgpass", &format!("*:*:*:locked:{CANARY}\n"));
        lab
    }

    /// A file of the user's.
    fn keep(&self, name: &str, text: &str) -> PathBuf {
        let path = self.user.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    fn words(&self, way: Way, dbname: &str) -> String {
        let port = self.way_to_server.port();
        match way {
            Way::Words => format!("postgres://locked:{CANARY}@127.0.0.1:{port}/{dbname}"),
            Way::Variable | Way::File => format!("postgres://locked@127.0.0.1:{port}/{dbname}"),
        }
    }

    /// Runs a line whose words for the source and the target stand in files of the user's, so that no variable holds
    /// what the user did not put there.
    fn run(&self, way: Way, line: &str) -> Output {
        self.keep("source", &self.words(way, self.source.name()));
        self.keep("target", &self.words(way, self.target.name()));
        self.keep("nowhere", &self.words(way, "no_such_database"));
        let before = match way {
            Way::Variable => "export PGPASSWORD=\"$(cat \"$USERS\"/password)\"; ",
            Way::Words | Way::File => "",
        };
        let mut shell = Tools::locate()
            .shell(&format!("{before}ulimit -S -c unlimited 2>/dev/null; {line}"))
            .env("USERS", self.user.path())
            .env("TMPDIR", self.folder.path().join("tmp"))
            .env("XDG_RUNTIME_DIR", self.folder.path().join("tmp"))
            .env("PG_BIN", self.folder.path().join("bin"))
            .env("REAL", real_programs())
            .env("WITNESSED", self.folder.path().join("witnessed"))
            .current_dir(self.folder.path());
        if way == Way::File {
            shell = shell.env("PGPASSFILE", self.user.path().join("pgpass"));
        }
        let output = shell.run();
        let said = output.stderr() + &output.stdout_text();
        assert!(!said.contains(CANARY), "{way:?}: the password is shown\n{output}");
        output
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).unwrap()
    }

    /// Everything goes well, and whatever comes out of it is looked through.
    fn check_run(&self, way: Way) {
        let name = format!("{way:?}").to_lowercase();
        for line in [
            format!(
                "sh -c 'echo $$ >dump.pid; exec dump --verbose --chunk-size 1 --rows csv \"$(cat \"$USERS\"/source)\"' \
                 | {LOOK} | tee {name}.tar | remap-schema --verbose --to {name} --report {name}.json \
                 | load --verbose --format json \"$(cat \"$USERS\"/target)\""
            ),
            format!(
                "verify --verbose --format json \"$(cat \"$USERS\"/source)\" \"$(cat \"$USERS\"/target)\" --to {name}"
            ),
            format!("assess --verbose --format json \"$(cat \"$USERS\"/source)\" --plan {name}.plan"),
        ] {
            self.run(way, &line).assert_success();
        }
        let witnessed = self.read("witnessed");
        for program in ["pg_dump", "pg_restore"] {
            let was_run = witnessed.lines().any(|it| it == program);
            assert!(was_run, "{way:?}: {program} was not run");
        }
        let secret = |it: &&str| it.contains(CANARY) || it.starts_with("PGPASSWORD=");
        assert_eq!(witnessed.lines().find(secret), None, "{way:?}");
        assert!(
            witnessed.contains("\nPGPASSFILE="),
            "{way:?}: pg_dump got no password"
        );
        let (arguments, environment) = (self.read("dump.arguments"), self.read("dump.environment"));
        assert_eq!(
            arguments.contains(CANARY),
            way == Way::Words,
            "{way:?}: {arguments}"
        );
        assert_eq!(
            environment.contains(CANARY),
            way == Way::Variable,
            "{way:?}: {environment}"
        );
        let limits = self.read("dump.limits");
        assert_eq!(limits.split_whitespace().nth(4), Some("0"), "{limits}");
        for mine in ["dump.arguments", "dump.environment", "witnessed"] {
            fs::remove_file(self.folder.path().join(mine)).unwrap();
        }
        self.check_files();
    }

    fn check_errors(&self, way: Way) {
        self.run(way, "dump --verbose \"$(cat \"$USERS\"/nowhere)\"")
            .assert_code(4)
            .assert_stderr_contains("no_such_database");
        let mut admin = self.source.admin().unwrap();
        admin
            .batch_execute("ALTER ROLE locked PASSWORD 'another'")
            .unwrap();
        for (line, code) in [
            ("dump --verbose \"$(cat \"$USERS\"/source)\" -o x.tar", 4),
            ("load --verbose \"$(cat \"$USERS\"/target)\" words.tar", 5),
        ] {
            self.run(way, line)
                .assert_code(code)
                .assert_stderr_contains("password authentication failed");
        }
        admin.batch_execute("SET log_statement = none").unwrap();
        admin
            .batch_execute(&format!("ALTER ROLE locked PASSWORD '{CANARY}'"))
            .unwrap();
        self.check_files();
    }

    /// `pg_dump` writes what can hold a password into a file: nobody else can read it, and it is gone afterwards.
    fn check_secrets(&self) {
        let keeper = self.cluster.database("keeper").unwrap();
        let mut admin = keeper.admin().unwrap();
        admin.batch_execute("SET log_statement = none").unwrap();
        admin.batch_execute(SECRETS).unwrap();
        self.keep("keeper", &keeper.conninfo(testkit::POSTGRES));
        // Others may read what a process makes, unless it says otherwise.
        let line = "umask 022; dump --verbose \"$(cat \"$USERS\"/keeper)\" -o keeper.tar";
        let output = self.run(Way::File, line);
        output.assert_success();
        for note in [
            "USER MAPPING",
            "subscription feed is in the archive without its password",
        ] {
            output.assert_stderr_contains(note);
        }
        let witnessed = self.read("witnessed");
        let mut folders = witnessed
            .lines()
            .filter(|it| it.starts_with("folder "))
            .peekable();
        assert!(folders.peek().is_some(), "{witnessed}");
        assert!(folders.all(|it| it == "folder 700"), "{witnessed}");
        fs::remove_file(self.folder.path().join("witnessed")).unwrap();
        admin
            .batch_execute("ALTER SUBSCRIPTION feed SET (slot_name = NONE); DROP SUBSCRIPTION feed")
            .unwrap();
        self.check_files();
    }

    /// A server that crashes takes the snapshot with it: the dump fails, and no second snapshot is taken instead.
    fn check_crash(&self) {
        let sql = "SELECT pid FROM pg_stat_activity WHERE usename = 'locked' AND query LIKE 'COPY %' LIMIT 1";
        let large = self.cluster.database("large").unwrap();
        large.execute(LARGE).unwrap();
        self.keep("large", &self.words(Way::File, large.name()));
        let admin = large.conninfo(testkit::POSTGRES);
        let line = format!(
            "dump --verbose --chunk-size 1 --rows csv \"$(cat \"$USERS\"/large)\" \
             | {{ head -c 2000000; kill -9 $(psql -XAtq \"{admin}\" -c \"{sql}\"); cat; }} \
             | tee torn.tar | verify --archive -"
        );
        let output = self.run(Way::File, &line);
        output.assert_stages(&[4, 0, 0, 6]);
        output.assert_stderr_contains("archive is truncated");
        let end = self.run(Way::File, "grep -ac '\"tables\":\\[{\"table\"' torn.tar");
        assert_eq!(end.stdout_text(), "0\n", "{end}");
        self.check_files();
    }

    /// No file that a tool has made holds the password, and no temporary one is left.
    fn check_files(&self) {
        let found = Tools::locate()
            .shell("grep -rla \"$(cat \"$USERS\"/password)\" . ; ls -A tmp; ls | grep -w core")
            .env("USERS", self.user.path())
            .current_dir(self.folder.path())
            .run();
        assert_eq!(found.stdout_text(), "", "{found}");
    }
}

/// The folder with the `pg_dump` that a user would get.
fn real_programs() -> PathBuf {
    let path = Tools::locate().path();
    let has_both = |folder: &PathBuf| {
        ["pg_dump", "pg_restore"]
            .iter()
            .all(|it| folder.join(it).is_file())
    };
    std::env::split_paths(&path).find(has_both).unwrap()
}
