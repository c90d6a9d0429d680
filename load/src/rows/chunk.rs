//! A chunk of rows: framed, hashed, and written by COPY.

use std::io::Write;
use std::sync::Arc;

use archive::{Header, RowsRecord, decompress};
use catalog::{QualifiedName, Table, TableKind};
use cli::{Exit, Failure, Pace, Result, count, size};
use fingerprint::{Fingerprint, Form, Row, each_row_of_chunk, scan_chunk};
use postgres::{Client, Transaction};

use crate::journal::{self, Run};
use crate::large_objects;
use crate::script;
use crate::target::failed;

/// Rows handed to the connection at once; it copies what it is given.
const PIECE_BYTES: usize = 64 << 10;

/// A chunk whose SHA-256 holds.
pub(crate) struct Chunk {
    pub(crate) rows: RowsRecord,
    pub(crate) stored: Vec<u8>,
}

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Freeze {
    /// Into a table that was truncated in the same transaction.
    Yes,
    No,
}

/// The table whose rows a chunk holds.
pub(crate) fn table_of<'a>(header: &'a Header, rows: &RowsRecord) -> Result<&'a Table> {
    table_at(header, rows.table)
}

/// The table with this number.
pub(crate) fn table_at(header: &Header, number: u32) -> Result<&Table> {
    let place = usize::try_from(number).unwrap_or(usize::MAX);
    header.catalog.tables.get(place).ok_or_else(|| {
        Failure::new(
            Exit::Archive,
            format!("archive is damaged: it has no table {number}"),
        )
    })
}

/// A chunk whose rows are framed and hashed.
pub(crate) struct OpenedChunk<'a> {
    pub(crate) table: &'a Table,
    pub(crate) rows: RowsRecord,
    pub(crate) bytes: Vec<u8>,
    pub(crate) fingerprint: Fingerprint,
    /// How fast its rows may go in.
    pace: Arc<Pace>,
}

impl<'a> OpenedChunk<'a> {
    pub(crate) fn new(table: &'a Table, chunk: Chunk) -> Result<Self> {
        let rows = chunk.rows;
        let name = table.qualified_name();
        let bytes = decompress(rows.codec, chunk.stored, rows.raw).map_err(Failure::archive)?;
        let names: Vec<&str> = table
            .stored_columns()
            .map(|column| column.name.as_str())
            .collect();
        let fingerprint = scan_chunk(rows.form, names, &bytes).map_err(|error| {
            Failure::new(
                Exit::Archive,
                format!("archive is damaged: chunk {} of {name}", rows.chunk),
            )
            .with_source(error)
        })?;
        if fingerprint.rows != rows.rows {
            let message = format!(
                "archive is damaged: chunk {} of {name} has another number of rows",
                rows.chunk
            );
            return Err(Failure::new(Exit::Archive, message));
        }
        Ok(OpenedChunk {
            table,
            rows,
            bytes,
            fingerprint,
            pace: Arc::default(),
        })
    }

    /// Its rows go in no faster than `pace`.
    pub(super) fn with_pace(mut self, pace: &Arc<Pace>) -> Self {
        self.pace = Arc::clone(pace);
        self
    }

    /// Gives every row to `take`.
    pub(crate) fn each_row(&self, take: impl FnMut(Row<'_>)) -> Result<()> {
        let names: Vec<&str> = self.table.stored_columns().map(|it| it.name.as_str()).collect();
        each_row_of_chunk(self.rows.form, names, &self.bytes, take).map_err(|error| {
            let message = format!(
                "archive is damaged: chunk {} of {}",
                self.rows.chunk,
                self.table.qualified_name()
            );
            Failure::new(Exit::Archive, message).with_source(error)
        })
    }

    /// Its table's number and its own.
    pub(crate) fn place(&self) -> (u32, u32) {
        (self.rows.table, self.rows.chunk)
    }

    /// Bytes of its rows.
    pub(super) fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// Writes the rows into the table `name`, with their row in the journal, in one transaction.
    pub(crate) fn copy(
        &self,
        client: &mut Client,
        run: &Run,
        header: &Header,
        name: &QualifiedName,
    ) -> Result<()> {
        let rows = &self.rows;
        let step = || format!("rows of {name} could not be written (chunk {})", rows.chunk);
        let mut transaction = client.transaction().map_err(|error| failed(step(), error))?;
        journal::hold(&mut transaction, run)?;
        if self.table.kind == TableKind::LargeObjects {
            self.pace.wait(self.bytes.len())?;
            large_objects::put(&mut transaction, header, self.table, rows, &self.bytes)?;
        } else {
            self.copy_into(&mut transaction, &name.to_string(), Freeze::No)?;
        }
        journal::note_chunk(&mut transaction, run, self.place(), &self.fingerprint)?;
        transaction.commit().map_err(|error| failed(step(), error))
    }

    /// Writes the rows into `name`, a table that has the same columns.
    pub(crate) fn copy_into(
        &self,
        transaction: &mut Transaction<'_>,
        name: &str,
        freeze: Freeze,
    ) -> Result<()> {
        self.copy_part_into(transaction, name, freeze, (self.rows.rows, &[&self.bytes]))
    }

    /// Writes some of its rows into `name`: their number, and the bytes that are a chunk of them when put together.
    pub(crate) fn copy_part_into(
        &self,
        transaction: &mut Transaction<'_>,
        name: &str,
        freeze: Freeze,
        (rows, pieces): (u64, &[&[u8]]),
    ) -> Result<()> {
        let step = || {
            let (table, chunk) = (self.table.qualified_name(), self.rows.chunk);
            format!("rows of {table} could not be written (chunk {chunk})")
        };
        let mut writer = transaction
            .copy_in(&copy_in_sql(self.table, name, self.rows.form, freeze))
            .map_err(|error| failed(step(), error))?;
        for piece in pieces.iter().flat_map(|it| it.chunks(PIECE_BYTES)) {
            self.pace.wait(piece.len())?;
            writer
                .write_all(piece)
                .map_err(|error| Failure::new(Exit::Target, step()).with_source(error))?;
        }
        let copied = writer.finish().map_err(|error| failed(step(), error))?;
        if copied == rows {
            let bytes: usize = pieces.iter().map(|it| it.len()).sum();
            script::remark(format_args!("{} rows, {}", count(copied), size(bytes as u64)));
            return Ok(());
        }
        let message = format!("{name} took {copied} of {rows} rows of chunk {}", self.rows.chunk);
        Err(Failure::new(Exit::Target, message))
    }
}

pub(crate) fn copy_in_sql(table: &Table, into: &str, form: Form, freeze: Freeze) -> String {
    let format = match form {
        Form::Text => "FORMAT csv, HEADER",
        Form::Binary => "FORMAT binary",
    };
    let freeze = match freeze {
        Freeze::Yes => ", FREEZE",
        Freeze::No => "",
    };
    format!(
        "COPY {into} {} FROM STDIN ({format}{freeze})",
        table.column_list()
    )
}
