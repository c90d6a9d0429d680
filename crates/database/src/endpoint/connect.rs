//! Opening a session on the server that an endpoint means.
//!
//! Servers are tried as libpq tries them: host after host, address after address, and on each address what
//! `sslmode` allows. One that answers, even by refusing, ends the search, unless it is about to start or stop or
//! its sessions are not of the kind that is wanted.

use std::error::Error as StdError;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;

use postgres::Client;
use postgres::config::SslNegotiation;
use postgres::error::SqlState;
use tokio_postgres::Config;

use super::address::{Place, Server};
use super::client::Open;
use super::password::{Password, PasswordOrigin, Secret};
use super::protection::{Protection, allows_another_try};
use super::refusal::{Cause, find_cause, is_password_missing};
use super::server::Host;
use super::session::pin_session;
use super::session_kind::SessionKind;
use super::{PostgresEndpoint, RowSession, Session};
use crate::error::{Error, Result};

/// Why a host has no session for us.
pub(super) enum Failure {
    /// Another host may do.
    Passed(Cause),
    /// It is the one that is meant, and it refuses.
    Refused(Cause),
    /// No host would do.
    Unusable(Error),
}

impl PostgresEndpoint {
    /// Opens a session whose settings are pinned. The first one chooses among the endpoint's servers; all later
    /// ones go to the same address.
    ///
    /// `application_name` is what the server's administrators see, unless the endpoint says otherwise.
    pub fn connect(&self, application_name: &str) -> Result<Client> {
        self.connect_as(application_name)
    }

    /// Opens a session in the same way, for reading rows.
    pub fn connect_for_rows(&self, application_name: &str) -> Result<RowSession> {
        self.connect_as(application_name)
    }

    fn connect_as<S: Open>(&self, application_name: &str) -> Result<S> {
        let config = self.config(application_name);
        if let Some(host) = self.settlement.host() {
            return self.open_settled(&config, host);
        }
        let _turn = self.settlement.turn();
        if let Some(host) = self.settlement.host() {
            return self.open_settled(&config, host);
        }
        let (client, host) = self.choose(&config)?;
        self.settlement.settle(host);
        Ok(client)
    }

    /// Another session on the server that was chosen.
    fn open_settled<S: Open>(&self, config: &Config, mut host: Host) -> Result<S> {
        let kind = match self.kind {
            // Whatever it was that could be had.
            SessionKind::PreferStandby => SessionKind::Any,
            kind => kind,
        };
        let opened = self.open(config, &mut host, kind);
        opened.map_err(|failure| self.refused(vec![(host, failure)]))
    }

    /// What cancels the statement that `session`, one with this endpoint, is running; for another thread.
    pub fn canceller<S: Session>(&self, session: &S) -> impl FnMut() + Send + 'static + use<S> {
        // It knows the address of its session.
        let token = session.cancel_token();
        let protections = self.protections(&self.chosen_host().place).unwrap_or_default();
        move || {
            // The first way that reaches the server is enough; where none does there is nothing to cancel.
            let _ = protections.iter().any(|it| it.cancel(&token));
        }
    }

    /// What is the same for every host.
    fn config(&self, application_name: &str) -> Config {
        let fallback = self
            .fallback_application_name
            .as_deref()
            .unwrap_or(application_name);
        let mut config = Config::new();
        config
            .dbname(self.dbname())
            .user(self.user())
            .application_name(self.application_name.as_deref().unwrap_or(fallback))
            .channel_binding(self.channel_binding)
            .keepalives(self.keepalives.enabled);
        if let Some(options) = &self.options {
            config.options(options);
        }
        if let Some(timeout) = self.connect_timeout {
            config.connect_timeout(timeout);
        }
        if let Some(idle) = self.keepalives.idle {
            config.keepalives_idle(idle);
        }
        if let Some(interval) = self.keepalives.interval {
            config.keepalives_interval(interval);
        }
        if let Some(count) = self.keepalives.count {
            config.keepalives_retries(count);
        }
        if let Some(timeout) = self.keepalives.user_timeout {
            config.tcp_user_timeout(timeout);
        }
        config
    }

    /// The first session, and the server that it is on.
    fn choose<S: Open>(&self, config: &Config) -> Result<(S, Host)> {
        let mut hosts = self.hosts.clone();
        if self.is_shuffled {
            fastrand::shuffle(&mut hosts);
        }
        let mut failures = Vec::new();
        for kind in self.kind.rounds() {
            failures.clear();
            for place in 0..hosts.len() {
                let failure = match self.open(config, &mut hosts[place], *kind) {
                    Ok(client) => return Ok((client, hosts.swap_remove(place))),
                    Err(failure) => failure,
                };
                let is_last = !matches!(failure, Failure::Passed(_));
                failures.push((hosts[place].clone(), failure));
                if is_last {
                    return Err(self.refused(failures));
                }
                let typed = hosts[place].password.clone().filter(Password::is_typed);
                // A person is asked once.
                for host in hosts
                    .iter_mut()
                    .filter(|it| typed.is_some() && it.password.is_none())
                {
                    host.password.clone_from(&typed);
                }
            }
        }
        Err(self.refused(failures))
    }

    /// Opens a session of this kind on one host, at the first of its addresses that answers. The host keeps that
    /// address, and the password that was asked for.
    fn open<S: Open>(
        &self,
        config: &Config,
        host: &mut Host,
        kind: SessionKind,
    ) -> std::result::Result<S, Failure> {
        let protections = self.protections(&host.place).map_err(Failure::Unusable)?;
        let addresses = self.addresses(&host.place).map_err(Failure::Passed)?;
        let mut last: Cause = Box::new(io::Error::new(io::ErrorKind::NotFound, "the host has no address"));
        for address in addresses {
            let place = Place {
                server: host.place.server.at(address),
                port: host.place.port,
            };
            let mut client: S = match self.open_at(config, host, &place, &protections)? {
                Ok(client) => client,
                Err(cause) if !is_an_answer(&*cause) => {
                    last = cause;
                    continue;
                }
                Err(cause) if is_between_states(&*cause) => return Err(Failure::Passed(cause)),
                Err(cause) => return Err(Failure::Refused(cause)),
            };
            let (endpoint, config) = (self.clone(), at(config, host, &place));
            let another = {
                let protections = protections.clone();
                move || endpoint.open_beside(&config, protections)
            };
            self.refuse_pooler(&mut client, &place, another)
                .map_err(Failure::Unusable)?;
            pin_session(&mut client).map_err(Failure::Unusable)?;
            let wrong = kind
                .check(&mut client)
                .map_err(|it| Failure::Refused(it.into()))?;
            if let Some(wrong) = wrong {
                return Err(Failure::Passed(Box::new(wrong)));
            }
            host.place = place;
            return Ok(client);
        }
        Err(Failure::Passed(last))
    }

    /// Tries what the mode allows at one address, and asks for a password if it takes one.
    fn open_at<S: Open>(
        &self,
        config: &Config,
        host: &mut Host,
        place: &Place,
        protections: &[Protection],
    ) -> std::result::Result<std::result::Result<S, Cause>, Failure> {
        let mut first = None;
        for protection in protections {
            let mut outcome = self.open_once(at(config, host, place), protection.clone());
            if outcome.as_ref().is_err_and(|it| is_password_missing(&**it)) && self.ask(host)? {
                outcome = self.open_once(at(config, host, place), protection.clone());
            }
            let cause = match outcome {
                Ok(client) => return Ok(Ok(client)),
                Err(cause) => cause,
            };
            let may_try_again = allows_another_try(protection, &*cause);
            // The first refusal is about what was wanted, the second about a way around it.
            first.get_or_insert(cause);
            if !may_try_again {
                break;
            }
        }
        Ok(Err(first.unwrap_or_else(|| {
            io::Error::other("no attempt was made").into()
        })))
    }

    /// A session like one that there is already.
    fn open_beside<S: Open>(&self, config: &Config, protections: Vec<Protection>) -> Option<S> {
        let mut attempts = protections.into_iter();
        attempts.find_map(|it| self.open_once(config.clone(), it).ok())
    }

    /// Asks for the host's password; whether there is one now.
    fn ask(&self, host: &mut Host) -> std::result::Result<bool, Failure> {
        let Some(ask) = self.ask_password.filter(|_| host.password.is_none()) else {
            return Ok(false);
        };
        let what = format!(
            "user {} on database {} at {}",
            self.user(),
            self.dbname(),
            host.place
        );
        let answer = ask(&what).map_err(|it| Failure::Refused(it.into()))?;
        host.password = answer.map(|it| Password::new(&it, PasswordOrigin::Terminal));
        Ok(host.password.is_some())
    }

    /// Every address of the host; `None` for a socket.
    fn addresses(&self, place: &Place) -> std::result::Result<Vec<Option<IpAddr>>, Cause> {
        match &place.server {
            Server::Socket(_) => Ok(vec![None]),
            Server::Address(address)
            | Server::Host {
                address: Some(address),
                ..
            } => Ok(vec![Some(*address)]),
            Server::Host { name, address: None } => {
                let mut addresses = look_up(name, place.port)?;
                if self.is_shuffled {
                    fastrand::shuffle(&mut addresses);
                }
                Ok(addresses.into_iter().map(Some).collect())
            }
        }
    }

    /// The client's own timeout ends with the TCP handshake, so a server that accepts and stays silent is
    /// left to a thread of its own.
    fn open_once<S: Open>(
        &self,
        mut config: Config,
        protection: Protection,
    ) -> std::result::Result<S, Cause> {
        if self.tls.is_direct && matches!(protection, Protection::Tls(_)) {
            config.ssl_negotiation(SslNegotiation::Direct);
        }
        let Some(timeout) = self.connect_timeout else {
            return protection.open(&config);
        };
        let (sender, receiver) = mpsc::sync_channel(1);
        thread::Builder::new().name("connect".to_owned()).spawn(move || {
            // Nobody listens any more when it took too long; the session, if there is one, is dropped.
            let _ = sender.send(protection.open(&config));
        })?;
        match receiver.recv_timeout(timeout) {
            Ok(outcome) => outcome,
            Err(RecvTimeoutError::Timeout) => {
                let text = format!("no answer within {} s", timeout.as_secs());
                Err(io::Error::new(io::ErrorKind::TimedOut, text).into())
            }
            Err(RecvTimeoutError::Disconnected) => {
                Err(io::Error::other("the attempt to connect broke off").into())
            }
        }
    }
}

/// The configuration for one address, with the host's password.
fn at(config: &Config, host: &Host, place: &Place) -> Config {
    let mut config = config.clone();
    config.port(place.port);
    match &place.server {
        Server::Socket(directory) => config.host_path(directory),
        Server::Host { name, address } => {
            if let Some(address) = address {
                config.hostaddr(*address);
            }
            config.host(name)
        }
        Server::Address(address) => config.host(address.to_string()).hostaddr(*address),
    };
    if let Some(Password {
        text: Secret(password),
        ..
    }) = &host.password
    {
        config.password(password);
    }
    config
}

/// Whether a server has spoken, so that another address of the same host would say the same.
fn is_an_answer(cause: &(dyn StdError + Send + Sync + 'static)) -> bool {
    let is_io = find_cause::<rustls::Error>(cause).is_none() && find_cause::<io::Error>(cause).is_some();
    !is_io
}

/// Whether the server is starting or stopping, in which case libpq goes on to the next one.
fn is_between_states(cause: &(dyn StdError + Send + Sync + 'static)) -> bool {
    let code = cause
        .downcast_ref::<postgres::Error>()
        .and_then(postgres::Error::code);
    code == Some(&SqlState::CANNOT_CONNECT_NOW)
}

fn look_up(name: &str, port: u16) -> std::result::Result<Vec<IpAddr>, Cause> {
    let unknown = |error: io::Error| io::Error::new(io::ErrorKind::NotFound, error.to_string());
    let addresses = (name, port).to_socket_addrs().map_err(unknown)?;
    Ok(addresses.map(|it: SocketAddr| it.ip()).collect())
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::net::TcpListener;

    use super::super::{Endpoint, Environment};
    use super::*;
    use crate::error::Error;

    fn connect(words: &str) -> Error {
        match Endpoint::parse(words, &Environment::empty().with_user_name("ada")) {
            Ok(Endpoint::Postgres(endpoint)) => match endpoint.connect("test") {
                Ok(_) => panic!("there is no server"),
                Err(error) => error,
            },
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_missing_server_is_named_and_the_password_is_not() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|it| it.local_addr())
            .expect("a free port")
            .port();
        let socket = format!(
            "host={} dbname=mandible password=hunter2",
            folder.path().display()
        );
        let tcp = format!("postgres://ada:hunter2@127.0.0.1:{port}/mandible");
        for (words, place) in [
            (socket, folder.path().display().to_string()),
            (tcp, format!("127.0.0.1, port {port}")),
        ] {
            let error = connect(&words);
            let text = error.to_string();
            assert!(
                text.contains(&place) && text.contains("mandible") && text.contains("ada"),
                "{text}"
            );
            assert!(
                error
                    .hint()
                    .is_some_and(|it| it.contains("no server listens there")),
                "{error:?}"
            );
            assert!(!format!("{error:?}").contains("hunter2"));
        }
    }

    #[test]
    fn a_silent_server_is_given_up() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        for mode in ["disable", "prefer", "require"] {
            let error = connect(&format!(
                "host=127.0.0.1 port={port} connect_timeout=1 sslmode={mode}"
            ));
            assert_eq!(
                error.source().map(ToString::to_string).as_deref(),
                Some("no answer within 1 s")
            );
        }
    }

    #[test]
    fn a_direct_handshake_comes_without_asking_for_it() {
        // What a client says first: the length of a request for TLS, or the mark of a handshake.
        for (negotiation, byte) in [("postgres", 0), ("direct", 0x16)] {
            let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
            let port = listener.local_addr().expect("an address").port();
            let heard = thread::spawn(move || {
                let mut first = [0xff];
                let (mut stream, _) = listener.accept()?;
                stream.read_exact(&mut first).map(|()| first[0])
            });
            connect(&format!(
                "host=127.0.0.1 port={port} sslmode=require sslnegotiation={negotiation}"
            ));
            let first = heard.join().expect("a listener").expect("a byte");
            assert_eq!(first, byte, "{negotiation}");
        }
    }
}
