//! What an endpoint takes from the process around it: libpq's variables, the operating system's user, the
//! home folder, and where servers keep their sockets.
//!
//! All of it is read once and handed on as a value, so that the meaning of an endpoint depends on nothing
//! that a caller cannot see.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use super::password::AskPassword;

/// Where servers keep their Unix sockets: as Debian and Red Hat build PostgreSQL, and as its authors do.
const SOCKET_DIRECTORIES: [&str; 2] = ["/var/run/postgresql", "/tmp"];

/// The surroundings in which an endpoint is understood.
#[derive(Clone, Default)]
pub struct Environment {
    variables: BTreeMap<String, String>,
    user_name: Option<String>,
    home: Option<PathBuf>,
    socket_directories: Vec<PathBuf>,
    ask_password: Option<AskPassword>,
}

impl Environment {
    /// An environment without variables, user or home, in which no server listens.
    pub fn empty() -> Self {
        Self::default()
    }

    /// The environment of this process.
    pub fn from_process() -> Self {
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
            .filter(|(name, _)| name.starts_with("PG"))
            .map(|(name, value)| (name, value.to_string_lossy().into_owned()))
            .collect();
        Environment {
            variables,
            user_name: whoami::username().ok().filter(|it| !it.is_empty()),
            home: std::env::home_dir().filter(|it| !it.as_os_str().is_empty()),
            socket_directories: SOCKET_DIRECTORIES.iter().map(PathBuf::from).collect(),
            ask_password: None,
        }
    }

    #[must_use]
    pub fn with_variable(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    #[must_use]
    pub fn with_user_name(mut self, name: &str) -> Self {
        self.user_name = Some(name.to_owned());
        self
    }

    #[must_use]
    pub fn with_home(mut self, home: &Path) -> Self {
        self.home = Some(home.to_owned());
        self
    }

    /// The folders that are searched for a server's socket, first to last.
    #[must_use]
    pub fn with_socket_directories<P: Into<PathBuf>>(
        mut self,
        directories: impl IntoIterator<Item = P>,
    ) -> Self {
        self.socket_directories = directories.into_iter().map(Into::into).collect();
        self
    }

    /// Who asks a person for a password that a server wants and that was found nowhere; nobody does otherwise.
    #[must_use]
    pub fn with_ask_password(mut self, ask_password: AskPassword) -> Self {
        self.ask_password = Some(ask_password);
        self
    }

    pub(super) fn ask_password(&self) -> Option<AskPassword> {
        self.ask_password
    }

    /// A variable that is set and not empty; libpq takes an empty one for none almost everywhere.
    pub(super) fn variable(&self, name: &str) -> Option<&str> {
        self.variables
            .get(name)
            .map(String::as_str)
            .filter(|it| !it.is_empty())
    }

    pub(super) fn user_name(&self) -> Option<&str> {
        self.user_name.as_deref()
    }

    /// A file below the home folder.
    pub(super) fn home_file(&self, name: &str) -> Option<PathBuf> {
        self.home.as_ref().map(|it| it.join(name))
    }

    /// The folder in which a server for `port` has its socket, else the first that exists at all, so that
    /// the error of a missing server names a place worth looking at.
    pub(super) fn socket_directory(&self, port: u16) -> Option<&Path> {
        let has_socket = |it: &&PathBuf| it.join(format!(".s.PGSQL.{port}")).exists();
        let directories = || self.socket_directories.iter();
        directories()
            .find(has_socket)
            .or_else(|| directories().find(|it| it.is_dir()))
            .map(PathBuf::as_path)
    }

    /// Whether `.pgpass` calls this socket folder `localhost`.
    pub(super) fn is_default_socket_directory(&self, directory: &Path) -> bool {
        self.socket_directories.iter().any(|it| it == directory)
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |(name, value): (&String, &String)| {
            let secret = name.contains("PASSWORD");
            (
                name.clone(),
                if secret {
                    "********".to_owned()
                } else {
                    value.clone()
                },
            )
        };
        f.debug_struct("Environment")
            .field(
                "variables",
                &self.variables.iter().map(shown).collect::<BTreeMap<_, _>>(),
            )
            .field("user_name", &self.user_name)
            .field("home", &self.home)
            .field("socket_directories", &self.socket_directories)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_not_debugged() {
        let text = format!(
            "{:?}",
            Environment::empty().with_variable("PGPASSWORD", "hunter2")
        );
        assert!(text.contains("PGPASSWORD") && !text.contains("hunter2"), "{text}");
    }

    #[test]
    fn the_folder_that_has_the_socket_wins() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let other = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(other.path().join(".s.PGSQL.5433"), "").expect("a file");
        let environment = Environment::empty().with_socket_directories([folder.path(), other.path()]);
        assert_eq!(environment.socket_directory(5433), Some(other.path()));
        assert_eq!(environment.socket_directory(5432), Some(folder.path()));
    }
}
