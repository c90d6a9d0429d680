//! A database on which statements are run: its snapshot, and sessions that see it.

use std::fmt::Write as _;
use std::time::Duration;

use cli::{Exit, Failure, Result, Ui};
use database::Endpoint;
use database::endpoint::PostgresEndpoint;
use database::postgres::{Description, QuerySession, Selection, Surroundings, Trouble};
use fingerprint::{Form, FrameError, RowStream, Rows, each_row};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::NAME;
use crate::sides::Live;

type Mapper = fn(database::Error) -> Failure;

/// One of the two sides.
pub(crate) struct Side {
    pub(crate) live: Live,
    pub(crate) endpoint: PostgresEndpoint,
    failure: Mapper,
}

/// A session of a side.
pub(crate) struct Asker {
    session: QuerySession,
    failure: Mapper,
}

/// What came of a statement: its outcome, or why the server would not run it.
pub(crate) type Ran<T> = Result<std::result::Result<T, Trouble>>;

/// An answer, by what it adds up to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Answer {
    /// Over the values' text.
    pub(crate) fingerprint: fingerprint::Fingerprint,
    /// SHA-256 over the rows' hashes in their order.
    pub(crate) sequence: String,
}

/// A PostgreSQL database by the words that name it.
pub(crate) fn endpoint(words: &str, failure: Mapper, ui: &Ui) -> Result<PostgresEndpoint> {
    match Endpoint::parse(words, &cli::environment()).map_err(failure)? {
        Endpoint::Postgres(endpoint) => {
            endpoint.warnings().iter().for_each(|it| ui.warning(it));
            Ok(endpoint)
        }
        Endpoint::Sqlite(path) => Err(Failure::usage(format!(
            "`{}` is a SQLite file, and statements are run on PostgreSQL alone",
            path.display()
        ))),
    }
}

impl Side {
    /// Takes the snapshot, with the locks of what `selection` chooses.
    pub(crate) fn open(endpoint: PostgresEndpoint, selection: Selection, failure: Mapper) -> Result<Side> {
        let live = Live::open(&endpoint, selection, 0, failure)?;
        Ok(Side {
            live,
            endpoint,
            failure,
        })
    }

    /// Opens a session.
    pub(crate) fn asker(&self) -> Result<Asker> {
        let snapshot = self.live.with_snapshot(|it| it.id().to_owned());
        let session = QuerySession::open(&self.endpoint, NAME, &snapshot).map_err(self.failure)?;
        cli::on_interrupt(session.canceller()).keep();
        Ok(Asker {
            session,
            failure: self.failure,
        })
    }

    /// Makes sure that the snapshot was there to the end.
    pub(crate) fn confirm(&self) -> Result<()> {
        self.live.confirm(self.failure)
    }
}

impl Asker {
    /// What the server says of a statement without running it.
    pub(crate) fn describe(&mut self, around: &Surroundings, sql: &str) -> Ran<Description> {
        let described = self.session.describe(around, sql).map_err(self.failure);
        cli::check_interrupt()?;
        described
    }

    /// The plan, as JSON.
    pub(crate) fn explain(&mut self, around: &Surroundings, sql: &str, generic: bool) -> Ran<String> {
        let explained = self.session.explain(around, sql, generic).map_err(self.failure);
        cli::check_interrupt()?;
        explained
    }

    /// The answer, of so many columns.
    pub(crate) fn answer(&mut self, around: &Surroundings, sql: &str, columns: usize) -> Ran<Answer> {
        let mut stream = RowStream::new(Form::Text, columns);
        let mut sequence = Sha256::new();
        let mut count = |rows: &Rows| {
            each_row(Form::Text, columns, &rows.bytes, |row| {
                sequence.update(row.hash());
            })?;
            Ok::<_, Stop>(rows.fingerprint)
        };
        let read = self
            .session
            .read(around, sql, |piece| stream.push(piece, &mut count));
        cli::check_interrupt()?;
        if let Err(trouble) = read.map_err(|it| it.into_failure(self.failure))? {
            return Ok(Err(trouble));
        }
        let fingerprint = stream.finish(&mut count);
        let fingerprint = fingerprint.map_err(|it| it.into_failure(self.failure))?;
        let sequence = hexadecimal(&sequence.finalize());
        Ok(Ok(Answer {
            fingerprint,
            sequence,
        }))
    }

    /// How long it takes until the last row is here.
    pub(crate) fn time(&mut self, around: &Surroundings, sql: &str) -> Ran<Duration> {
        let read = self.session.read(around, sql, |_| Ok::<(), Stop>(()));
        cli::check_interrupt()?;
        read.map_err(|it| it.into_failure(self.failure))
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Why an answer was not read to its end.
enum Stop {
    Database(database::Error),
    Frame(FrameError),
}

impl From<database::Error> for Stop {
    fn from(error: database::Error) -> Self {
        Stop::Database(error)
    }
}

impl From<FrameError> for Stop {
    fn from(error: FrameError) -> Self {
        Stop::Frame(error)
    }
}

impl Stop {
    fn into_failure(self, failure: Mapper) -> Failure {
        match self {
            Stop::Database(error) => failure(error),
            Stop::Frame(error) => {
                Failure::new(Exit::Internal, "an answer is not framed as it should be").with_source(error)
            }
        }
    }
}
