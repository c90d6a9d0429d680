//! The two forms of a session: one for everything, one that reads rows.

use std::fmt;

use postgres::{Client, NoTls, SimpleQueryMessage, Socket};
use tokio::runtime;
use tokio_postgres::Config;
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::protection::Protection;
use super::refusal::Cause;
use super::row_session::RowSession;

/// A session with a server, in either form.
pub trait Session: sealed::Sealed + Sized + Send + 'static {
    /// Runs statements and returns what they say, all values as text.
    fn simple_query(&mut self, sql: &str) -> Result<Vec<SimpleQueryMessage>, postgres::Error>;

    /// What cancels the session's statement, for another thread; see [`super::PostgresEndpoint::canceller`].
    fn cancel_token(&self) -> CancelToken;
}

/// How a session is opened.
pub(super) trait Open: Session {
    /// `config` says where and as whom, and how TLS is asked for, the type of `tls` whether.
    fn open_with<T>(config: &Config, tls: T) -> Result<Self, Cause>
    where
        T: MakeTlsConnect<Socket> + Send + 'static,
        T::TlsConnect: Send,
        T::Stream: Send,
        <T::TlsConnect as TlsConnect<Socket>>::Future: Send;
}

/// What names a session to its server, in another session's words.
#[derive(Clone)]
pub struct CancelToken(Token);

#[derive(Clone)]
enum Token {
    Blocking(postgres::CancelToken),
    Awaiting(tokio_postgres::CancelToken),
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for postgres::Client {}
    impl Sealed for super::RowSession {}
}

impl fmt::Debug for CancelToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelToken").finish_non_exhaustive()
    }
}

impl Session for Client {
    fn simple_query(&mut self, sql: &str) -> Result<Vec<SimpleQueryMessage>, postgres::Error> {
        Client::simple_query(self, sql)
    }

    fn cancel_token(&self) -> CancelToken {
        CancelToken(Token::Blocking(Client::cancel_token(self)))
    }
}

impl Open for Client {
    fn open_with<T>(config: &Config, tls: T) -> Result<Self, Cause>
    where
        T: MakeTlsConnect<Socket> + Send + 'static,
        T::TlsConnect: Send,
        T::Stream: Send,
        <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
    {
        Ok(postgres::Config::from(config.clone()).connect(tls)?)
    }
}

impl Session for RowSession {
    fn simple_query(&mut self, sql: &str) -> Result<Vec<SimpleQueryMessage>, postgres::Error> {
        RowSession::simple_query(self, sql)
    }

    fn cancel_token(&self) -> CancelToken {
        CancelToken(Token::Awaiting(RowSession::cancel_token(self)))
    }
}

impl Open for RowSession {
    fn open_with<T>(config: &Config, tls: T) -> Result<Self, Cause>
    where
        T: MakeTlsConnect<Socket> + Send + 'static,
        T::TlsConnect: Send,
        T::Stream: Send,
        <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
    {
        RowSession::open(config, tls)
    }
}

impl Protection {
    pub(super) fn open<S: Open>(self, config: &Config) -> Result<S, Cause> {
        use tokio_postgres::config::SslMode;
        let mut config = config.clone();
        match self {
            Protection::Plain => S::open_with(config.ssl_mode(SslMode::Disable), NoTls),
            Protection::TlsIfOffered(tls) => {
                S::open_with(config.ssl_mode(SslMode::Prefer), MakeRustlsConnect::new(tls))
            }
            Protection::Tls(tls) => {
                S::open_with(config.ssl_mode(SslMode::Require), MakeRustlsConnect::new(tls))
            }
        }
    }

    /// Asks the server to cancel what a session runs; whether it could be asked.
    pub(super) fn cancel(&self, token: &CancelToken) -> bool {
        match self {
            Protection::Plain => token.cancel(NoTls),
            Protection::TlsIfOffered(tls) | Protection::Tls(tls) => {
                token.cancel(MakeRustlsConnect::new(tls.clone()))
            }
        }
    }
}

impl CancelToken {
    fn cancel(&self, tls: impl MakeTlsConnect<Socket>) -> bool {
        match &self.0 {
            Token::Blocking(token) => token.cancel_query(tls).is_ok(),
            Token::Awaiting(token) => runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .is_ok_and(|it| it.block_on(token.cancel_query(tls)).is_ok()),
        }
    }
}
