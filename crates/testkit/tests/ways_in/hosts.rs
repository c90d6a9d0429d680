//! Several hosts: which of them is taken, and that everything stays with it; services, which name them.

use std::fs;
use std::net::TcpListener;
use std::path::Path;

use testkit::Standby;

use crate::{Lab, free_port};

/// A primary and its standby, which nothing but their being one tells apart.
struct Pair {
    lab: &'static Lab,
    standby: Standby,
}

#[test]
fn everything_stays_with_the_server_of_the_first_session() {
    // Fault 20.
    let lab = Lab::shared();
    lab.execute("CREATE TABLE stays AS SELECT n AS id FROM generate_series(1, 1000) AS n");
    let standby = lab.cluster.standby(&[("ssl", "off")]).unwrap();
    let pair = Pair { lab, standby };
    let (primary, standby) = (lab.cluster.root().display(), pair.standby.root().display());
    let (port, closed) = (&lab.port, free_port());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = listener.local_addr().unwrap().port();
    let forth = format!("host={primary},{standby} port={port}");
    let back = format!("host={standby},{primary} port={port}");
    let first = format!("host={primary} port={port}");
    let half = format!("host=127.0.0.1,{primary} port={closed},{port}");

    pair.check(&forth, "", Ok("primary"));
    pair.check_dump(&back, "target_session_attrs=any", Ok("standby"));
    pair.check_dump(&back, "target_session_attrs=read-write", Ok("primary"));
    pair.check(&back, "target_session_attrs=primary", Ok("primary"));
    pair.check(&forth, "target_session_attrs=standby", Ok("standby"));
    pair.check(&forth, "target_session_attrs=read-only", Ok("standby"));
    pair.check(&forth, "target_session_attrs=prefer-standby", Ok("standby"));
    pair.check(&first, "target_session_attrs=prefer-standby", Ok("primary"));
    for _ in 0..2 {
        pair.check_dump(&forth, "load_balance_hosts=random", Ok("either"));
    }
    pair.check(&half, "", Ok("primary"));
    let mute = format!("host=127.0.0.1,{primary} port={silent},{port}");
    pair.check(&mute, "connect_timeout=1", Ok("primary"));

    pair.check(
        &half,
        "target_session_attrs=standby",
        Err(&["refused", "the server is no standby"]),
    );
    pair.check(
        &first,
        "target_session_attrs=read-only",
        Err(&["the session is not read-only"]),
    );
    pair.check(&back, "user=nobody_here", Err(&["nobody_here"]));
    let nowhere = format!("host=127.0.0.1,/nowhere port={closed}");
    let words = [
        "at any of 2 servers",
        &format!("127.0.0.1, port {closed}"),
        "the socket in /nowhere",
    ];
    pair.check(&nowhere, "", Err(&words));

    pair.check_service(&format!("host={primary},{standby}\nport={port}"));
}

impl Pair {
    #[track_caller]
    fn check(&self, hosts: &str, more: &str, expected: Result<&str, &[&str]>) {
        self.check_words(&format!("{hosts} {more}"), &self.lab.home, expected);
    }

    /// With readers beside the first session, and `pg_dump`.
    #[track_caller]
    fn check_dump(&self, hosts: &str, more: &str, expected: Result<&str, &[&str]>) {
        let words = format!("{hosts} {more}");
        self.check_tool("dump --jobs 2", &words, &self.lab.home, expected);
    }

    #[track_caller]
    fn check_words(&self, words: &str, home: &Path, expected: Result<&str, &[&str]>) {
        self.check_tool("assess", words, home, expected);
    }

    /// All sessions but the trials must be on one server.
    #[track_caller]
    fn check_tool(&self, tool: &str, words: &str, home: &Path, expected: Result<&str, &[&str]>) {
        let before = self.sessions();
        let output = self
            .lab
            .shell(&format!("{tool} \"$SOURCE\" | wc -c"))
            .env(
                "SOURCE",
                format!("dbname=twin user=anyone application_name=pair {words}"),
            )
            .env("HOME", home)
            .run();
        let after = self.sessions();
        let (primary, standby) = (after.0 - before.0, after.1 - before.1);
        match expected {
            Ok(server) => {
                assert!(output.success(), "{words}\n{output}");
                let is_one = primary.min(standby) <= 1 && primary.max(standby) >= 2;
                let is_it = server == "either" || (server == "primary") == (primary > standby);
                assert!(
                    is_one && is_it,
                    "{words}: {primary} and {standby} sessions\n{output}"
                );
            }
            Err(texts) => {
                output.assert_stages(&[4, 0]).assert_stderr_contains("hint: ");
                for text in texts {
                    output.assert_stderr_contains(text);
                }
            }
        }
    }

    /// The same pair under a name, in a file of the user's.
    fn check_service(&self, lines: &str) {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join(".pg_service.conf");
        let text = format!("[pair]\n{lines}\n[broken]\nhost = db\n");
        fs::write(&file, text).unwrap();
        self.check_words("service=pair", home.path(), Ok("primary"));
        self.check_words(
            "service=pair target_session_attrs=standby",
            home.path(),
            Ok("standby"),
        );
        for (service, words) in [
            ("gone", "service gone is defined nowhere"),
            ("broken", "line 5 of service file"),
        ] {
            let line = format!("dump service={service}");
            let output = self.lab.shell(&line).env("HOME", home.path()).run();
            output.assert_code(2).assert_stderr_contains(words);
        }
    }

    /// How many sessions of these tests each server has logged.
    fn sessions(&self) -> (usize, usize) {
        let log = fs::read_to_string(self.standby.root().join("log")).unwrap();
        let count = |log: &str| {
            let lines = log.lines().filter(|it| it.contains("connection authorized"));
            lines.filter(|it| it.contains("application_name=pair")).count()
        };
        (count(&self.lab.cluster.log()), count(&log))
    }
}
