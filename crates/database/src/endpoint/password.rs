//! Where a password comes from: the words, a service file, the environment, a password file, or a person at a
//! terminal who is asked once.

use std::fmt;
use std::io;
use std::path::PathBuf;

use super::environment::Environment;
use super::keyword::{Keywords, Origin};
use super::passfile::{self, Key, Lookup};

/// Asks a person for the password of what the text names; `None` where nobody can be asked.
pub type AskPassword = fn(&str) -> io::Result<Option<String>>;

/// A text that is never shown.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Secret(pub(super) String);

/// A password and where it was found.
#[derive(Clone, Debug)]
pub(super) struct Password {
    pub(super) text: Secret,
    pub(super) origin: PasswordOrigin,
}

/// Where a password was found, for the hint of an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PasswordOrigin {
    Written(Origin),
    PassFile { path: PathBuf, line: usize },
    Terminal,
}

/// Where passwords are looked for, in the order of libpq.
pub(super) struct PasswordSource {
    written: Option<Password>,
    passfile: Option<PathBuf>,
    /// The file was asked for, so that its absence is worth a word.
    is_named: bool,
}

impl PasswordSource {
    pub(super) fn new(keywords: &Keywords, environment: &Environment) -> Self {
        let written = keywords.get_with_origin("password", environment);
        let named = keywords.get("passfile", environment).map(PathBuf::from);
        PasswordSource {
            written: written.map(|(text, origin)| Password::new(text, PasswordOrigin::Written(origin))),
            is_named: named.is_some(),
            passfile: named.or_else(|| environment.home_file(".pgpass")),
        }
    }

    /// The password for one server; what should be said of the password file goes into `warnings`, once.
    pub(super) fn find(&self, key: &Key, warnings: &mut Vec<String>) -> Option<Password> {
        if self.written.is_some() {
            return self.written.clone();
        }
        let path = self.passfile.as_ref()?;
        let warning = match passfile::look_up(path, key) {
            Lookup::Found(text, line) => {
                let path = path.clone();
                return Some(Password::new(&text, PasswordOrigin::PassFile { path, line }));
            }
            Lookup::Missing if self.is_named => format!("password file {} does not exist", path.display()),
            Lookup::Ignored(warning) => warning,
            Lookup::Missing | Lookup::NotFound => return None,
        };
        if !warnings.contains(&warning) {
            warnings.push(warning);
        }
        None
    }
}

impl Password {
    pub(super) fn new(text: &str, origin: PasswordOrigin) -> Self {
        Password {
            text: Secret(text.to_owned()),
            origin,
        }
    }

    /// Whether a person typed it in.
    pub(super) fn is_typed(&self) -> bool {
        self.origin == PasswordOrigin::Terminal
    }
}

/// For the hint of an error.
impl fmt::Display for PasswordOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PasswordOrigin::Written(Origin::Words) => {
                f.write_str("the password stands in the words that name the database")
            }
            PasswordOrigin::Written(Origin::Variable) => f.write_str("the password came from PGPASSWORD"),
            PasswordOrigin::Written(Origin::ServiceFile { path, line })
            | PasswordOrigin::PassFile { path, line } => {
                write!(f, "the password came from line {line} of {}", path.display())
            }
            PasswordOrigin::Terminal => f.write_str("the password is the one that was typed in"),
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("********")
    }
}
