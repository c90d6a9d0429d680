//! Which kind of session is wanted: `target_session_attrs`.

use std::error::Error as StdError;
use std::fmt;
use std::str::FromStr;

use postgres::SimpleQueryMessage;

use super::Session;
use crate::error::{Error, ErrorKind, Result};

/// The values of `target_session_attrs`, with libpq's words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum SessionKind {
    #[default]
    Any,
    ReadWrite,
    ReadOnly,
    Primary,
    Standby,
    /// A standby if one of the hosts is one, else any of them.
    PreferStandby,
}

/// The server answers, but its sessions are of another kind.
#[derive(Debug)]
pub(super) struct WrongKind(SessionKind);

impl SessionKind {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            SessionKind::Any => "any",
            SessionKind::ReadWrite => "read-write",
            SessionKind::ReadOnly => "read-only",
            SessionKind::Primary => "primary",
            SessionKind::Standby => "standby",
            SessionKind::PreferStandby => "prefer-standby",
        }
    }

    /// What is asked of the hosts, one round after the other.
    pub(super) fn rounds(self) -> &'static [SessionKind] {
        match self {
            SessionKind::Any => &[SessionKind::Any],
            SessionKind::ReadWrite => &[SessionKind::ReadWrite],
            SessionKind::ReadOnly => &[SessionKind::ReadOnly],
            SessionKind::Primary => &[SessionKind::Primary],
            SessionKind::Standby => &[SessionKind::Standby],
            SessionKind::PreferStandby => &[SessionKind::Standby, SessionKind::Any],
        }
    }

    /// Why the session is not of this kind, if it is not.
    pub(super) fn check(
        self,
        client: &mut impl Session,
    ) -> std::result::Result<Option<WrongKind>, postgres::Error> {
        if self == SessionKind::Any {
            return Ok(None);
        }
        // As libpq asks: a session is read-only on a standby, and where default_transaction_read_only says so.
        let answer = client.simple_query(
            "SELECT pg_catalog.pg_is_in_recovery(), pg_catalog.current_setting('transaction_read_only')",
        )?;
        let is_on = |column| {
            answer.iter().any(|it| match it {
                SimpleQueryMessage::Row(row) => matches!(row.get(column), Some("t" | "on")),
                _ => false,
            })
        };
        let (is_standby, is_read_only) = (is_on(0), is_on(1));
        let fits = match self {
            SessionKind::Any | SessionKind::PreferStandby => true,
            SessionKind::ReadWrite => !is_read_only,
            SessionKind::ReadOnly => is_read_only,
            SessionKind::Primary => !is_standby,
            SessionKind::Standby => is_standby,
        };
        Ok((!fits).then_some(WrongKind(self)))
    }
}

impl FromStr for SessionKind {
    type Err = Error;

    fn from_str(word: &str) -> Result<SessionKind> {
        use SessionKind::{Any, PreferStandby, Primary, ReadOnly, ReadWrite, Standby};
        let kinds = [Any, ReadWrite, ReadOnly, Primary, Standby, PreferStandby];
        kinds.into_iter().find(|it| it.as_str() == word).ok_or_else(|| {
            let message = "the value of target_session_attrs is none of libpq's";
            let words = kinds.map(SessionKind::as_str).join(", ");
            Error::new(ErrorKind::Endpoint, message).with_hint(format!("one of {words}"))
        })
    }
}

impl fmt::Display for WrongKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            SessionKind::ReadWrite => "the session is read-only",
            SessionKind::ReadOnly => "the session is not read-only",
            SessionKind::Primary => "the server is a standby",
            _ => "the server is no standby",
        })
    }
}

impl StdError for WrongKind {}
