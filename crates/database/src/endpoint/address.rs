//! Where a PostgreSQL server listens.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use super::conninfo::several_hosts;
use super::environment::Environment;
use crate::error::{Error, ErrorKind, Result};

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

impl Server {
    /// `host` and `hostaddr` are the keywords of these names.
    pub(super) fn new(
        host: Option<&str>,
        hostaddr: Option<&str>,
        port: u16,
        environment: &Environment,
    ) -> Result<Server> {
        if [host, hostaddr].into_iter().flatten().any(|it| it.contains(',')) {
            return Err(several_hosts());
        }
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

    pub(super) fn socket_directory(&self) -> Option<&Path> {
        match self {
            Server::Socket(directory) => Some(directory),
            Server::Host { .. } | Server::Address(_) => None,
        }
    }
}
