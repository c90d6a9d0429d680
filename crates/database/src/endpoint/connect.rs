//! Opening a session, and saying what stood in the way.

use std::error::Error as StdError;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;

use postgres::error::SqlState;
use postgres::{Client, Config, NoTls};
use rustls::ClientConfig;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::PostgresEndpoint;
use super::address::Server;
use super::refusal::{Cause, find_cause};
use super::session::pin_session;
use super::tls::SslMode;
use crate::error::Result;

/// How one attempt protects what is sent.
#[derive(Clone)]
enum Protection {
    Plain,
    TlsIfOffered(ClientConfig),
    Tls(ClientConfig),
}

impl PostgresEndpoint {
    /// Opens a session whose settings are pinned.
    ///
    /// `application_name` is what the server's administrators see, unless the endpoint says otherwise.
    pub fn connect(&self, application_name: &str) -> Result<Client> {
        let config = self.config(application_name);
        let mut client = self.open(&config)?;
        let another = self.clone();
        self.refuse_pooler(&mut client, move || another.open(&config))?;
        pin_session(&mut client)?;
        Ok(client)
    }

    /// What cancels the statement that `client`, a session with this endpoint, is running; for another thread.
    pub fn canceller(&self, client: &Client) -> impl FnMut() + Send + 'static + use<> {
        let token = client.cancel_token();
        let protections = self.protections().unwrap_or_default();
        move || {
            // The first way that reaches the server is enough; where none does there is nothing to cancel.
            let _ = protections.iter().any(|protection| match protection {
                Protection::Plain => token.cancel_query(NoTls).is_ok(),
                Protection::TlsIfOffered(tls) | Protection::Tls(tls) => {
                    token.cancel_query(MakeRustlsConnect::new(tls.clone())).is_ok()
                }
            });
        }
    }

    fn config(&self, application_name: &str) -> Config {
        let fallback = self
            .fallback_application_name
            .as_deref()
            .unwrap_or(application_name);
        let mut config = Config::new();
        config
            .port(self.port)
            .dbname(self.dbname())
            .user(self.user())
            .application_name(self.application_name.as_deref().unwrap_or(fallback))
            .channel_binding(self.channel_binding)
            .keepalives(self.keepalives.enabled);
        if let Some(password) = self.password() {
            config.password(password);
        }
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

    fn open(&self, config: &Config) -> Result<Client> {
        let mut first = None;
        for protection in self.protections()? {
            let cause = match self.open_anywhere(config, &protection) {
                Ok(client) => return Ok(client),
                Err(cause) => cause,
            };
            let may_try_again = allows_another_try(&protection, &*cause);
            // The first refusal is about what was wanted, the second about a way around it.
            first.get_or_insert(cause);
            if !may_try_again {
                break;
            }
        }
        Err(self.refused(first))
    }

    /// The attempts that the mode allows, in their order.
    fn protections(&self) -> Result<Vec<Protection>> {
        if self.server.socket_directory().is_some() || self.tls.mode == SslMode::Disable {
            return Ok(vec![Protection::Plain]);
        }
        let tls = self.tls.client_config()?;
        Ok(match self.tls.mode {
            SslMode::Allow => vec![Protection::Plain, Protection::Tls(tls)],
            SslMode::Prefer => vec![Protection::TlsIfOffered(tls), Protection::Plain],
            _ => vec![Protection::Tls(tls)],
        })
    }

    /// Tries every address of the host; a server that answers, even by refusing, is the one that is meant.
    fn open_anywhere(&self, config: &Config, protection: &Protection) -> std::result::Result<Client, Cause> {
        let (name, addresses) = match &self.server {
            Server::Socket(directory) => {
                let mut config = config.clone();
                config.host_path(directory);
                return self.open_once(config, protection.clone());
            }
            Server::Host {
                name,
                address: Some(address),
            } => (name.clone(), vec![*address]),
            Server::Host { name, address: None } => (name.clone(), look_up(name, self.port)?),
            Server::Address(address) => (address.to_string(), vec![*address]),
        };
        let mut last: Cause = Box::new(io::Error::new(io::ErrorKind::NotFound, "the host has no address"));
        for address in addresses {
            let mut config = config.clone();
            config.host(&name).hostaddr(address);
            match self.open_once(config, protection.clone()) {
                Err(cause) if !is_an_answer(&*cause) => last = cause,
                outcome => return outcome,
            }
        }
        Err(last)
    }

    /// The client's own timeout ends with the TCP handshake, so a server that accepts and stays silent is
    /// left to a thread of its own.
    fn open_once(&self, config: Config, protection: Protection) -> std::result::Result<Client, Cause> {
        let Some(timeout) = self.connect_timeout else {
            return protection.connect(&config).map_err(Into::into);
        };
        let (sender, receiver) = mpsc::sync_channel(1);
        thread::Builder::new().name("connect".to_owned()).spawn(move || {
            // Nobody listens any more when it took too long; the session, if there is one, is dropped.
            let _ = sender.send(protection.connect(&config));
        })?;
        match receiver.recv_timeout(timeout) {
            Ok(outcome) => outcome.map_err(Into::into),
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

impl Protection {
    fn connect(self, config: &Config) -> std::result::Result<Client, postgres::Error> {
        use postgres::config::SslMode;
        let mut config = config.clone();
        match self {
            Protection::Plain => config.ssl_mode(SslMode::Disable).connect(NoTls),
            Protection::TlsIfOffered(tls) => config
                .ssl_mode(SslMode::Prefer)
                .connect(MakeRustlsConnect::new(tls)),
            Protection::Tls(tls) => config
                .ssl_mode(SslMode::Require)
                .connect(MakeRustlsConnect::new(tls)),
        }
    }
}

/// Whether `sslmode` allows the other way after this failure.
///
/// libpq tries again after every refusal; we do so only where the other way can be what the server asked
/// for. A wrong password is not sent a second time without encryption, and a certificate that we cannot
/// read does not make a session without any.
fn allows_another_try(protection: &Protection, cause: &(dyn StdError + Send + Sync + 'static)) -> bool {
    let code = cause
        .downcast_ref::<postgres::Error>()
        .and_then(postgres::Error::code);
    let is_refused = code == Some(&SqlState::INVALID_AUTHORIZATION_SPECIFICATION);
    match (protection, find_cause::<rustls::Error>(cause)) {
        (Protection::TlsIfOffered(_), Some(error)) => !matches!(error, rustls::Error::InvalidCertificate(_)),
        (Protection::TlsIfOffered(_) | Protection::Plain, None) => is_refused,
        _ => false,
    }
}

/// Whether a server has spoken, so that another address of the same host would say the same.
fn is_an_answer(cause: &(dyn StdError + Send + Sync + 'static)) -> bool {
    let is_io = find_cause::<rustls::Error>(cause).is_none() && find_cause::<io::Error>(cause).is_some();
    !is_io
}

fn look_up(name: &str, port: u16) -> std::result::Result<Vec<IpAddr>, Cause> {
    let unknown = |error: io::Error| io::Error::new(io::ErrorKind::NotFound, error.to_string());
    let addresses = (name, port).to_socket_addrs().map_err(unknown)?;
    Ok(addresses.map(|it: SocketAddr| it.ip()).collect())
}

#[cfg(test)]
mod tests {
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
}
