//! A session for reading rows: many pieces of a COPY for each time that its runtime is entered.
//!
//! The server sends each row in a message of its own, and [`postgres::Client`] enters and leaves its runtime for each
//! message, which takes longer than to hash a row. Here all that has arrived is gathered within one entry. The rest is
//! as there: the same client underneath, on the thread that asks.

use std::fmt;
use std::future::{self, Future};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, stream};
use postgres::error::Error;
use postgres::types::ToSql;
use postgres::{Row, SimpleQueryMessage, Statement};
use tokio::runtime::{self, Runtime};
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::{AsyncMessage, CancelToken, Client, Config, Socket};

use super::refusal::Cause;

/// So many bytes are gathered before they are looked at: those of many rows, and few enough for a core's cache.
const GATHERED_BYTES: usize = 64 << 10;

/// A session that reads rows, with the same settings as every other.
pub struct RowSession {
    // Dropped first: the line ends when nobody can ask through it any more.
    client: Client,
    line: Line,
    gathered: Vec<u8>,
}

/// The line to the server: it moves while somebody waits.
struct Line {
    runtime: Runtime,
    /// `None` when the session has ended.
    connection: Option<Connection>,
    /// Why it has ended, until somebody was told.
    failure: Option<Error>,
}

type Connection = Pin<Box<dyn Stream<Item = Result<AsyncMessage, Error>> + Send>>;

/// How far a COPY has come.
enum Arrived {
    /// What was gathered is to be looked at.
    Gathered,
    /// Behind it came a piece that is too long to be copied for nothing.
    Alone(Bytes),
    End,
}

impl RowSession {
    pub(super) fn open<T>(config: &Config, tls: T) -> Result<Self, Cause>
    where
        T: MakeTlsConnect<Socket> + Send + 'static,
        T::TlsConnect: Send,
        T::Stream: Send,
        <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
    {
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let (client, mut connection) = runtime.block_on(config.connect(tls))?;
        let connection: Connection = Box::pin(stream::poll_fn(move |cx| connection.poll_message(cx)));
        let line = Line {
            runtime,
            connection: Some(connection),
            failure: None,
        };
        Ok(RowSession {
            client,
            line,
            gathered: Vec::new(),
        })
    }

    /// Runs statements and returns what they say, all values as text.
    pub fn simple_query(&mut self, sql: &str) -> Result<Vec<SimpleQueryMessage>, Error> {
        self.line.wait_for(self.client.simple_query(sql))
    }

    /// Runs statements whose answer is that they succeeded.
    pub fn batch_execute(&mut self, sql: &str) -> Result<(), Error> {
        self.line.wait_for(self.client.batch_execute(sql))
    }

    /// Asks for one row, if there is one.
    pub fn query_opt(&mut self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Result<Option<Row>, Error> {
        self.line.wait_for(self.client.query_opt(sql, params))
    }

    /// Has the server read one statement, which says what its parameters and the columns of its answer are.
    pub fn prepare(&mut self, sql: &str) -> Result<Statement, Error> {
        self.line.wait_for(self.client.prepare(sql))
    }

    /// Whether the server answers an empty question within this time.
    pub fn is_valid(&mut self, within: Duration) -> bool {
        let question = self.client.simple_query("");
        let answered = async { Ok(tokio::time::timeout(within, question).await) };
        matches!(self.line.wait_for(answered), Ok(Ok(Ok(_))))
    }

    /// Gives what `sql`, a COPY … TO STDOUT, sends to `take`, which may stop by an error of its own; the next statement
    /// waits until the server has sent the rest. The pieces are cut anywhere.
    pub fn copy_out<E>(
        &mut self,
        sql: &str,
        mut take: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<Result<(), E>, Error> {
        let RowSession {
            client,
            line,
            gathered,
        } = self;
        let mut stream = pin!(line.wait_for(client.copy_out(sql))?);
        loop {
            gathered.clear();
            let arrived = line.wait(|cx| gather(stream.as_mut(), gathered, cx))?;
            let taken = if gathered.is_empty() {
                Ok(())
            } else {
                take(gathered)
            };
            let taken = match (taken, &arrived) {
                (Ok(()), Arrived::Alone(piece)) => take(piece),
                (taken, _) => taken,
            };
            if taken.is_err() || matches!(arrived, Arrived::End) {
                return Ok(taken);
            }
        }
    }

    pub(super) fn cancel_token(&self) -> CancelToken {
        self.client.cancel_token()
    }
}

impl fmt::Debug for RowSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RowSession").finish_non_exhaustive()
    }
}

/// Takes what has arrived; waits only for the first of it.
fn gather(
    mut stream: Pin<&mut impl Stream<Item = Result<Bytes, Error>>>,
    gathered: &mut Vec<u8>,
    cx: &mut Context<'_>,
) -> Poll<Result<Arrived, Error>> {
    while gathered.len() < GATHERED_BYTES {
        match stream.as_mut().poll_next(cx) {
            Poll::Ready(Some(Ok(piece))) if piece.len() < GATHERED_BYTES => {
                gathered.extend_from_slice(&piece);
            }
            Poll::Ready(Some(Ok(piece))) => return Poll::Ready(Ok(Arrived::Alone(piece))),
            Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(error)),
            Poll::Ready(None) => return Poll::Ready(Ok(Arrived::End)),
            Poll::Pending if gathered.is_empty() => return Poll::Pending,
            Poll::Pending => break,
        }
    }
    Poll::Ready(Ok(Arrived::Gathered))
}

impl Line {
    fn wait_for<T>(&mut self, answer: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let mut answer = pin!(answer);
        self.wait(|cx| answer.as_mut().poll(cx))
    }

    fn wait<T>(
        &mut self,
        mut answer: impl FnMut(&mut Context<'_>) -> Poll<Result<T, Error>>,
    ) -> Result<T, Error> {
        let Line {
            runtime,
            connection,
            failure,
        } = self;
        runtime.block_on(future::poll_fn(|cx| {
            move_on(connection, failure, cx);
            // What arrived before the end of the line still counts, and says more than that it ended.
            answer(cx).map_err(|error| match failure.take() {
                Some(failure) if error.is_closed() => failure,
                _ => error,
            })
        }))
    }
}

/// Sends and receives what can be sent and received now. Nobody listens to notices. Without a connection, all that waits
/// for an answer hears that the session is closed.
fn move_on(connection: &mut Option<Connection>, failure: &mut Option<Error>, cx: &mut Context<'_>) {
    while let Some(open) = connection {
        match open.as_mut().poll_next(cx) {
            Poll::Ready(Some(Ok(_))) => {}
            Poll::Ready(Some(Err(error))) => {
                *failure = Some(error);
                *connection = None;
            }
            Poll::Ready(None) => *connection = None,
            Poll::Pending => return,
        }
    }
}

impl Drop for Line {
    /// Takes leave of the server, as a client should; it hears the rest of what it asked for first.
    fn drop(&mut self) {
        let Line {
            runtime,
            connection,
            failure,
        } = self;
        runtime.block_on(future::poll_fn(|cx| {
            move_on(connection, failure, cx);
            if connection.is_none() {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        }));
    }
}
