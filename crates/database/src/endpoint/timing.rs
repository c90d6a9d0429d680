//! How long a connection may be silent, and how that is noticed.

use std::str::FromStr;
use std::time::Duration;

use super::environment::Environment;
use super::keyword::Keywords;
use crate::error::{Error, ErrorKind, Result};

/// libpq would wait for ever.
const DEFAULT_CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// How a connection notices that the other side is gone. `None` is the system's own choice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Keepalives {
    pub(super) enabled: bool,
    pub(super) idle: Option<Duration>,
    pub(super) interval: Option<Duration>,
    pub(super) count: Option<u32>,
    pub(super) user_timeout: Option<Duration>,
}

impl Keepalives {
    /// Unlike libpq's two hours a minute of silence is probed by default: long index builds are silent,
    /// and many firewalls forget a connection sooner.
    const DEFAULT_IDLE: Duration = Duration::from_mins(1);

    pub(super) fn new(keywords: &Keywords, environment: &Environment) -> Result<Keepalives> {
        let get = |name| number::<u32>(keywords.get(name, environment), name);
        // In libpq 0 means the system's own choice in all of these.
        let seconds = |it: Option<u32>| it.filter(|it| *it > 0).map(|it| Duration::from_secs(it.into()));
        let idle = get("keepalives_idle")?;
        Ok(Keepalives {
            enabled: get("keepalives")? != Some(0),
            idle: if idle.is_none() {
                Some(Keepalives::DEFAULT_IDLE)
            } else {
                seconds(idle)
            },
            interval: seconds(get("keepalives_interval")?),
            count: get("keepalives_count")?.filter(|it| *it > 0),
            user_timeout: get("tcp_user_timeout")?
                .filter(|it| *it > 0)
                .map(|it| Duration::from_millis(it.into())),
        })
    }
}

/// How long one attempt to connect may take; `None` waits for ever.
pub(super) fn connect_timeout(keywords: &Keywords, environment: &Environment) -> Result<Option<Duration>> {
    const NAME: &str = "connect_timeout";
    Ok(match number::<i64>(keywords.get(NAME, environment), NAME)? {
        None => Some(DEFAULT_CONNECT_TIMEOUT),
        Some(seconds) => u64::try_from(seconds)
            .ok()
            .filter(|it| *it > 0)
            .map(Duration::from_secs),
    })
}

fn number<T: FromStr>(text: Option<&str>, name: &str) -> Result<Option<T>> {
    text.map(|it| it.trim().parse()).transpose().map_err(|_| {
        Error::new(
            ErrorKind::Endpoint,
            format!("the value of {name} is no number that fits"),
        )
    })
}
