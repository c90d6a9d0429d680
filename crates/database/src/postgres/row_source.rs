//! What rows are read through: a session for it, or any other one.

use std::error::Error as StdError;
use std::io::BufRead;

use postgres::types::ToSql;
use postgres::{GenericClient, Row};

use crate::endpoint::RowSession;

/// A session, or a transaction in one, through which rows are read.
pub trait RowSource {
    /// Gives what `sql`, a COPY … TO STDOUT, sends to `take`, in pieces cut anywhere. The outer result is the server's,
    /// the inner one `take`'s, which may stop by an error of its own.
    fn copy_out<E>(
        &mut self,
        sql: &str,
        take: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<Result<(), E>, Box<dyn StdError + Send + Sync>>;

    /// Runs statements whose answer is that they succeeded.
    fn batch_execute(&mut self, sql: &str) -> Result<(), postgres::Error>;

    /// Asks for one row, if there is one.
    fn query_opt(
        &mut self,
        sql: &str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Option<Row>, postgres::Error>;
}

impl RowSource for RowSession {
    fn copy_out<E>(
        &mut self,
        sql: &str,
        take: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<Result<(), E>, Box<dyn StdError + Send + Sync>> {
        Ok(RowSession::copy_out(self, sql, take)?)
    }

    fn batch_execute(&mut self, sql: &str) -> Result<(), postgres::Error> {
        RowSession::batch_execute(self, sql)
    }

    fn query_opt(
        &mut self,
        sql: &str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Option<Row>, postgres::Error> {
        RowSession::query_opt(self, sql, params)
    }
}

impl<C: GenericClient> RowSource for C {
    fn copy_out<E>(
        &mut self,
        sql: &str,
        mut take: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<Result<(), E>, Box<dyn StdError + Send + Sync>> {
        let mut reader = GenericClient::copy_out(self, sql)?;
        loop {
            let piece = reader.fill_buf()?;
            if piece.is_empty() {
                return Ok(Ok(()));
            }
            if let Err(stop) = take(piece) {
                return Ok(Err(stop));
            }
            let length = piece.len();
            reader.consume(length);
        }
    }

    fn batch_execute(&mut self, sql: &str) -> Result<(), postgres::Error> {
        GenericClient::batch_execute(self, sql)
    }

    fn query_opt(
        &mut self,
        sql: &str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Option<Row>, postgres::Error> {
        GenericClient::query_opt(self, sql, params)
    }
}
