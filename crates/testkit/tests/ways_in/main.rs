//! Every way into a server, as a user types it: TLS in all its modes, client certificates, several hosts, services,
//! password files and a person at a terminal.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

mod certificates;
mod hosts;
mod passwords;
mod tls;

use std::net::TcpListener;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

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
    /// A home without any of libpq's files.
    home: tempfile::TempDir,
}

impl Lab {
    fn shared() -> &'static Lab {
        static LAB: OnceLock<Lab> = OnceLock::new();
        LAB.get_or_init(Lab::new)
    }

    fn new() -> Lab {
        let rules = tempfile::Builder::new()
            .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))
            .tempfile()
            .unwrap();
        std::fs::write(rules.path(), RULES).unwrap();
        let port = free_port();
        let cluster = Cluster::start_with(&[
            ("port", &port),
            ("listen_addresses", "127.0.0.1"),
            ("log_connections", "on"),
            ("hba_file", &rules.path().display().to_string()),
        ])
        .unwrap();
        cluster.create_database("twin", POSTGRES).unwrap();
        let lab = Lab {
            tools: Tools::locate(),
            cluster,
            port,
            home: tempfile::tempdir().unwrap(),
        };
        // The rules must outlive the server, which reads them again with its certificates.
        rules.keep().unwrap();
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

    /// The server over TCP, as a host with this name; its address saves looking the name up.
    fn over_tcp(&self, host: &str) -> String {
        format!("host={host} hostaddr=127.0.0.1 port={} dbname=twin", self.port)
    }

    fn shell(&self, line: &str) -> Shell {
        self.tools
            .shell(line)
            .env("HOME", self.home.path())
            .current_dir(self.home.path())
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
