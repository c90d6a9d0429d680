//! Where PostgreSQL servers listen.

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use super::environment::Environment;
use crate::error::{Error, ErrorKind, Result};

const DEFAULT_PORT: u16 = 5432;

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Server {
    /// In this folder.
    Socket(PathBuf),
    /// At a host; the address, where there is one, saves the lookup.
    Host {
        name: String,
        address: Option<IpAddr>,
    },
    Address(IpAddr),
}

/// A server and its port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) server: Server,
    pub(super) port: u16,
}

impl Place {
    /// The places that `host`, `hostaddr` and `port` list, which have commas between their parts; one at least.
    pub(super) fn all(
        host: Option<&str>,
        hostaddr: Option<&str>,
        port: Option<&str>,
        environment: &Environment,
    ) -> Result<Vec<Place>> {
        let (hosts, addresses, ports) = (parts(host), parts(hostaddr), parts(port));
        let count = addresses.len().max(hosts.len()).max(1);
        if !hosts.is_empty() && !addresses.is_empty() && hosts.len() != addresses.len() {
            return Err(unequal(hosts.len(), "host", addresses.len(), "hostaddr"));
        }
        if ports.len() > 1 && ports.len() != count {
            return Err(unequal(count, "host", ports.len(), "port"));
        }
        let nth = |list: &[&str], place: usize| -> Option<String> {
            let text = list.get(place).filter(|it| !it.is_empty())?;
            Some((*text).to_owned())
        };
        let mut places = Vec::with_capacity(count);
        for place in 0..count {
            let port = nth(&ports, if ports.len() == 1 { 0 } else { place });
            let port = port.map_or(Ok(DEFAULT_PORT), |it| parse_port(&it))?;
            let (host, address) = (nth(&hosts, place), nth(&addresses, place));
            let server = Server::new(host.as_deref(), address.as_deref(), port, environment)?;
            places.push(Place { server, port });
        }
        Ok(places)
    }

    /// The host's name or address and, if it is not libpq's, the port; `None` for the default one of this
    /// machine.
    pub(super) fn short_name(&self) -> Option<String> {
        let is_default_port = self.port == DEFAULT_PORT;
        match self.server.host() {
            None if is_default_port => None,
            None => Some(format!("port {}", self.port)),
            Some(host) if is_default_port => Some(host),
            Some(host) if host.contains(':') => Some(format!("[{host}]:{}", self.port)),
            Some(host) => Some(format!("{host}:{}", self.port)),
        }
    }
}

/// For messages: which server, by name, by address and by port.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let port = self.port;
        match &self.server {
            Server::Socket(directory) => write!(f, "the socket in {}, port {port}", directory.display()),
            Server::Host {
                name,
                address: Some(address),
            } if *name != address.to_string() => write!(f, "{name} ({address}), port {port}"),
            Server::Host { name, .. } => write!(f, "{name}, port {port}"),
            Server::Address(address) => write!(f, "{address}, port {port}"),
        }
    }
}

impl Server {
    /// `host` and `hostaddr` are one host's parts of the keywords of these names.
    fn new(
        host: Option<&str>,
        hostaddr: Option<&str>,
        port: u16,
        environment: &Environment,
    ) -> Result<Server> {
        let address = hostaddr.map(str::parse::<IpAddr>).transpose().map_err(|source| {
            Error::new(ErrorKind::Endpoint, "hostaddr is no IP address").with_source(source)
        })?;
        match (host, address) {
            (Some(host), _) if host.starts_with('@') => Err(Error::new(
                ErrorKind::Endpoint,
                "sockets in the abstract namespace are not supported",
            )),
            (Some(host), None) if host.starts_with('/') => Ok(Server::Socket(host.into())),
            (Some(host), Some(address)) if host.starts_with('/') => Ok(Server::Address(address)),
            (Some(host), address) => Ok(Server::Host {
                name: host.to_owned(),
                address,
            }),
            (None, Some(address)) => Ok(Server::Address(address)),
            (None, None) => match environment.socket_directory(port) {
                Some(directory) => Ok(Server::Socket(directory.to_owned())),
                None => Ok(Server::Host {
                    name: "localhost".to_owned(),
                    address: None,
                }),
            },
        }
    }

    /// What a password file calls the server.
    pub(super) fn passfile_host(&self, environment: &Environment) -> String {
        match self {
            Server::Socket(directory) if environment.is_default_socket_directory(directory) => {
                "localhost".to_owned()
            }
            Server::Socket(directory) => directory.display().to_string(),
            Server::Host { name, .. } => name.clone(),
            Server::Address(address) => address.to_string(),
        }
    }

    /// The host's name or address; `None` for a server that is reached through a socket.
    pub(super) fn host(&self) -> Option<String> {
        match self {
            Server::Socket(_) => None,
            Server::Host { name, .. } => Some(name.clone()),
            Server::Address(address) => Some(address.to_string()),
        }
    }

    /// The same server, looked up once and for all.
    pub(super) fn at(&self, found: Option<IpAddr>) -> Server {
        match self {
            Server::Host { name, address } => Server::Host {
                name: name.clone(),
                address: found.or(*address),
            },
            other => other.clone(),
        }
    }

    pub(super) fn socket_directory(&self) -> Option<&Path> {
        match self {
            Server::Socket(directory) => Some(directory),
            Server::Host { .. } | Server::Address(_) => None,
        }
    }
}

/// What stands between the commas; nothing at all in an empty list.
fn parts(list: Option<&str>) -> Vec<&str> {
    list.map(|it| it.split(',').collect()).unwrap_or_default()
}

fn parse_port(text: &str) -> Result<u16> {
    text.trim()
        .parse()
        .ok()
        .filter(|it| *it > 0)
        .ok_or_else(|| Error::new(ErrorKind::Endpoint, "the port is no number from 1 to 65535"))
}

fn unequal(count: usize, what: &str, other_count: usize, other: &str) -> Error {
    Error::new(
        ErrorKind::Endpoint,
        format!("{count} values of {what} do not go with {other_count} of {other}"),
    )
    .with_hint(format!(
        "write as many of {other} as of {what}, with commas between them"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(lists: [Option<&str>; 3], expected: std::result::Result<&[&str], &str>) {
        let environment = Environment::empty().with_socket_directories(["/"]);
        let [host, hostaddr, port] = lists;
        let places = Place::all(host, hostaddr, port, &environment)
            .map(|it| it.iter().map(ToString::to_string).collect::<Vec<_>>())
            .map_err(|it| it.to_string());
        let expected = expected
            .map(|it| it.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>())
            .map_err(str::to_owned);
        assert_eq!(places, expected, "{lists:?}");
    }

    #[test]
    fn lists_go_together_as_libpq_has_it() {
        check([None, None, None], Ok(&["the socket in /, port 5432"]));
        check([Some("a,b"), None, None], Ok(&["a, port 5432", "b, port 5432"]));
        check([Some("a,b"), None, Some("1")], Ok(&["a, port 1", "b, port 1"]));
        check(
            [Some("a,b"), None, Some("1,")],
            Ok(&["a, port 1", "b, port 5432"]),
        );
        check(
            [Some("a,/s,"), None, Some("1,2,3")],
            Ok(&["a, port 1", "the socket in /s, port 2", "the socket in /, port 3"]),
        );
        check(
            [Some("a,b"), Some("::1,"), None],
            Ok(&["a (::1), port 5432", "b, port 5432"]),
        );
        check(
            [None, Some("::1,::2"), None],
            Ok(&["::1, port 5432", "::2, port 5432"]),
        );
        check(
            [Some("a,b"), None, Some("1,2,3")],
            Err("2 values of host do not go with 3 of port"),
        );
        check(
            [None, None, Some("1,2")],
            Err("1 values of host do not go with 2 of port"),
        );
        check(
            [Some("a"), Some("::1,::2"), None],
            Err("1 values of host do not go with 2 of hostaddr"),
        );
        check(
            [Some("a,@b"), None, None],
            Err("sockets in the abstract namespace are not supported"),
        );
    }
}
