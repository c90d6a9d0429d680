//! Every way into a server, as a user types it: TLS in all its modes, client certificates, several hosts, services,
//! password files and a person at a terminal.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

mod certificates;
mod hosts;
mod passwords;
mod tls;

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use testkit::{Cluster, Output, POSTGRES, Shell, Tools};

/// Who may come in how over TCP; each role has the password `Sesame-right`.
const RULES: &str = "
local all all trust
local replication all trust
hostssl all tls_only 127.0.0.1/32 trust
hostnossl all plain_only 127.0.0.1/32 trust
hostssl all certified 127.0.0.1/32 trust clientcert=verify-ca
host all tls_only,plain_only,certified 127.0.0.1/32 reject
host all locked 127.0.0.1/32 scram-sha-256
host all all 127.0.0.1/32 trust
";

/// What all tests of this file share: a server that listens on 127.0.0.1 and logs who comes in.
struct Lab {
    tools: Tools,
    cluster: Cluster,
    port: String,
    /// A home without any of libpq's files, which goes with the server.
    home: PathBuf,
}

impl Lab {
    fn shared() -> &'static Lab {
        static LAB: OnceLock<Lab> = OnceLock::new();
        LAB.get_or_init(Lab::new)
    }

    fn new() -> Lab {
        let port = free_port();
        let cluster = Cluster::start_with(&[
            ("port", &port),
            ("listen_addresses", "127.0.0.1"),
            ("log_connections", "on"),
        ])
        .unwrap();
        cluster.create_database("twin", POSTGRES).unwrap();
        let lab = Lab {
            tools: Tools::locate(),
            home: cluster.folder("home").unwrap(),
            cluster,
            port,
        };
        lab.write_as_server("data/pg_hba.conf", RULES);
        lab.reload();
        for role in ["anyone", "tls_only", "plain_only", "certified", "locked"] {
            lab.execute(&format!(
                "CREATE ROLE {role} LOGIN PASSWORD 'Sesame-right'; GRANT pg_read_all_data TO {role}"
            ));
        }
        lab
    }

    /// Runs statements as superuser, each by itself.
    fn execute(&self, sql: &str) {
        let mut client = self.cluster.client("twin", POSTGRES).unwrap();
        for statement in sql.split(';') {
            client.batch_execute(statement).unwrap();
        }
    }

    /// Writes a file in the server's folder as its user, who alone may read it: a key must be so.
    fn write_as_server(&self, name: &str, text: &str) {
        let path = self.cluster.root().join(name);
        let folder = path.parent().unwrap().display();
        self.execute(&format!(
            "COPY (SELECT unnest(string_to_array('{text}', E'\\n'))) TO PROGRAM
             'umask 077 && mkdir -p {folder} && cat >{}'",
            path.display()
        ));
    }

    /// Returns when new sessions are those of a server that has read its settings and certificates again.
    fn reload(&self) {
        let loaded = || -> String {
            let mut client = self.cluster.client("twin", POSTGRES).unwrap();
            let row = client.query_one("SELECT pg_conf_load_time()::text", &[]).unwrap();
            row.get(0)
        };
        let before = loaded();
        self.execute("SELECT pg_reload_conf()");
        for _ in 0..400 {
            if loaded() != before {
                return;
            }
            thread::sleep(Duration::from_millis(5));
        }
        panic!(
            "the server has not read its settings again\n{}",
            self.cluster.log()
        );
    }

    /// The server over TCP, as a host with this name; its address saves looking the name up.
    fn over_tcp(&self, host: &str) -> String {
        format!("host={host} hostaddr=127.0.0.1 port={} dbname=twin", self.port)
    }

    fn shell(&self, line: &str) -> Shell {
        self.tools
            .shell(line)
            .env("HOME", &self.home)
            .current_dir(&self.home)
    }

    /// Runs `line` on `words`, which it calls `$SOURCE`. `expected` is what the log of the server says of every
    /// session then, else what the error says.
    #[track_caller]
    fn check(&self, line: &str, home: &Path, words: &str, expected: Result<&str, &str>) -> Output {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("case{}.", NUMBER.fetch_add(1, Ordering::Relaxed));
        let words = format!("{words} application_name={name}");
        let output = self.shell(line).env("SOURCE", &words).env("HOME", home).run();
        let log = self.cluster.log();
        let sessions: Vec<&str> = log
            .lines()
            .filter(|it| it.contains("connection authorized") && it.contains(&name))
            .collect();
        match expected {
            Ok(way) => {
                assert!(output.success(), "{words}\n{output}");
                assert!(!sessions.is_empty(), "{words}\n{output}");
                for session in sessions {
                    let protocol = session.split("protocol=").nth(1).unwrap_or("plain");
                    assert!(protocol.starts_with(way), "{words}: {session}");
                }
            }
            Err(text) => {
                assert!(!output.success(), "{words}\n{output}");
                output
                    .assert_stderr_contains(text)
                    .assert_stderr_contains("hint: ");
            }
        }
        output
    }
}

/// A port on which nothing listens now.
fn free_port() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port().to_string()
}
