//! Whether a session is ours: a pooler in transaction mode hands each transaction to whatever session of the server
//! is free.
//!
//! There a setting, a lock or an exported snapshot is gone in the next transaction, and what we set stays behind for
//! others. So this is asked before anything is set, and by process numbers rather than by settings, which some poolers
//! carry over. A pooler in session mode does no harm.

use std::net::{IpAddr, ToSocketAddrs};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use postgres::SimpleQueryMessage;
use postgres::error::DbError;

use super::address::{Place, Server};
use super::{PostgresEndpoint, Session};
use crate::error::{Error, ErrorKind, Result};

/// How long a second session may take to answer. One that waits for a free session of the server waits because ours
/// keeps its own, as it should.
const SECOND_WITHIN: Duration = Duration::from_secs(5);

/// Who answers. All names are qualified, since the search path is a stranger's until the session is pinned.
const WHO: &str = "SELECT pg_catalog.pg_backend_pid(), pg_catalog.host(pg_catalog.inet_server_addr()), \
    pg_catalog.inet_server_port(), pg_catalog.current_setting('port')";

/// Whether the way to this server has been found good; the same for all copies of an endpoint.
#[derive(Clone, Debug, Default)]
pub(super) struct WayIsClear(Arc<AtomicBool>);

/// The server's process behind a session, and where it took the connection.
#[derive(Debug, PartialEq, Eq)]
struct Backend {
    pid: i64,
    /// `None` for a Unix socket.
    address: Option<(IpAddr, u16)>,
    /// The server's own port, by which its Unix sockets are named.
    port: u16,
}

impl PostgresEndpoint {
    /// Refuses a pooler that hands transactions to different sessions. `client` is a new session at `place`, `open`
    /// opens another one like it.
    ///
    /// Only the first session is asked, in one round trip where the server itself says that we came to its own door. A
    /// second session is opened where it says something else, as behind a pooler, a proxy or translated addresses.
    pub(super) fn refuse_pooler<S: Session>(
        &self,
        client: &mut S,
        place: &Place,
        open: impl FnOnce() -> Option<S> + Send + 'static,
    ) -> Result<()> {
        if self.way.0.load(Ordering::Relaxed) {
            return Ok(());
        }
        let backend = who(client).map_err(|source| {
            Error::new(
                ErrorKind::Connect,
                "the server does not say which process serves the session",
            )
            .with_source(source)
        })?;
        let is_ours = is_own_door(place, &backend) || self.keeps_its_backend(client, &backend, open)?;
        if !is_ours {
            return Err(self.pooled());
        }
        self.way.0.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Whether the session keeps its process while another one comes and asks for its own.
    fn keeps_its_backend<S: Session>(
        &self,
        client: &mut S,
        backend: &Backend,
        open: impl FnOnce() -> Option<S> + Send + 'static,
    ) -> Result<bool> {
        let (sender, receiver) = mpsc::sync_channel(1);
        let second = move || {
            let mut second = open()?;
            let pid = who(&mut second).ok()?.pid;
            // Where sessions are few, the next one needs its place.
            drop(second);
            sender.send(pid).ok()
        };
        let unopened =
            |source| Error::new(ErrorKind::Connect, "no second session could be tried").with_source(source);
        thread::Builder::new()
            .name("pooler".to_owned())
            .spawn(second)
            .map_err(unopened)?;
        match receiver.recv_timeout(SECOND_WITHIN) {
            // Most poolers give away first what they got back last.
            Ok(pid) if pid == backend.pid => return Ok(false),
            // Where there is no second session the first one tells enough.
            Ok(_) | Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
        }
        // Asked twice: of two sessions that take turns, every second one would be the same.
        for _ in 0..2 {
            let now = who(client).map_err(|source| self.pooled().with_source(source))?;
            if now.pid != backend.pid {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn pooled(&self) -> Error {
        let message = format!(
            "between us and {} stands a connection pooler that gives each transaction another session: a setting made \
             in one is gone in the next, and so is a snapshot or a lock",
            self.display_name()
        );
        Error::new(ErrorKind::Connect, message).with_hint(
            "connect to the server itself, or by the pooler's session mode (PgBouncer: pool_mode = session)",
        )
    }
}

/// Whether the server took the connection where we made it.
fn is_own_door(place: &Place, backend: &Backend) -> bool {
    match (&place.server, backend.address) {
        // Every socket of a server has such a file beside it, a pooler's has none.
        (Server::Socket(folder), None) => {
            let lock = folder.join(format!(".s.PGSQL.{}.lock", place.port));
            backend.port == place.port && lock.symlink_metadata().is_ok()
        }
        (Server::Socket(_), Some(_)) | (_, None) => false,
        (
            Server::Address(ours)
            | Server::Host {
                address: Some(ours), ..
            },
            Some((address, port)),
        ) => port == place.port && address == ours.to_canonical(),
        (Server::Host { name, address: None }, Some((address, port))) => {
            let found = (name.as_str(), place.port).to_socket_addrs();
            port == place.port && found.is_ok_and(|mut all| all.any(|it| it.ip().to_canonical() == address))
        }
    }
}

/// What helps where a pooler refuses a session for what is asked of it; `None` where it was no pooler.
pub(super) fn hint_for_refusal(answer: &DbError) -> Option<String> {
    // PgBouncer's words, with the SQLSTATE of every breach of the protocol.
    let is_pooler = answer.message().starts_with("unsupported startup parameter");
    is_pooler.then(|| {
        "a connection pooler answers here, which takes no `options`; connect to the server itself, or leave them out \
         where the pooler has session mode"
            .to_owned()
    })
}

fn who(client: &mut impl Session) -> std::result::Result<Backend, Box<dyn std::error::Error + Send + Sync>> {
    let answer = client.simple_query(WHO)?;
    let backend = answer.iter().find_map(|it| match it {
        SimpleQueryMessage::Row(row) => {
            let address = row.get(1).zip(row.get(2)).and_then(|(address, port)| {
                Some((address.parse::<IpAddr>().ok()?.to_canonical(), port.parse().ok()?))
            });
            Some(Backend {
                pid: row.get(0)?.parse().ok()?,
                address,
                port: row.get(3)?.parse().ok()?,
            })
        }
        _ => None,
    });
    backend.ok_or_else(|| "the answer is not understood".into())
}

#[cfg(test)]
mod tests {
    use super::super::{Endpoint, Environment};
    use super::*;

    #[test]
    fn a_server_that_took_the_connection_at_its_own_door_needs_no_second_session() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join(".s.PGSQL.5433.lock"), "").expect("a file");
        let socket = format!("host={} port=5433", folder.path().display());
        let pooler = format!("host={} port=5432", folder.path().display());
        let here = |port| Some((IpAddr::from([127, 0, 0, 1]), port));
        for (words, address, port, expected) in [
            (socket.as_str(), None, 5433, true),
            (&socket, None, 5432, false),
            (&socket, here(5433), 5433, false),
            (&pooler, None, 5432, false),
            ("host=127.0.0.1 port=5433", here(5433), 5433, true),
            ("host=127.0.0.1 port=5433", here(5432), 5432, false),
            ("host=127.0.0.2 port=5433", here(5433), 5433, false),
            ("host=127.0.0.1 port=5433", None, 5433, false),
            (
                "host=db.test hostaddr=127.0.0.1 port=5433",
                here(5433),
                5433,
                true,
            ),
            ("host=localhost port=5433", here(5433), 5433, true),
            ("hostaddr=::ffff:127.0.0.1 port=5433", here(5433), 5433, true),
        ] {
            let backend = Backend {
                pid: 1,
                address,
                port,
            };
            match Endpoint::parse(words, &Environment::empty().with_user_name("ada")) {
                Ok(Endpoint::Postgres(it)) => {
                    assert_eq!(
                        is_own_door(&it.hosts[0].place, &backend),
                        expected,
                        "{words} {backend:?}"
                    );
                }
                other => panic!("{other:?}"),
            }
        }
    }
}
