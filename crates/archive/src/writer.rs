//! Writes an archive, member by member. It must be finished: a writer that is dropped leaves an archive
//! without its end, which every reader refuses.

use std::collections::HashMap;
use std::io::Read;

use fingerprint::Fingerprint;

use crate::reader::{END_NAME, HEADER_NAME};
use crate::{
    Codec, End, Error, ErrorKind, Header, MemberKind, Record, Result, RowsRecord, SchemaMember, TableEnd,
};

/// Where members go: a tar stream, or files in a directory.
pub trait Sink {
    type Output;

    /// Stores one member; `body` has exactly `record.stored` bytes.
    fn member(&mut self, run: &str, record: &Record, body: &mut dyn Read) -> Result<()>;

    /// Makes everything durable; called once, after the end member.
    fn finish(self) -> Result<Self::Output>;
}

#[derive(Debug)]
pub struct Writer<S> {
    sink: S,
    run: String,
    /// Labels of tables: (schema, name), by number.
    names: Vec<(String, String)>,
    members: Vec<Record>,
    tables: HashMap<u32, TableEnd>,
}

impl<S: Sink> Writer<S> {
    /// Starts an archive with its `archive.json`.
    pub fn new(sink: S, header: &Header) -> Result<Self> {
        let names = header
            .catalog
            .tables
            .iter()
            .map(|it| (it.schema.clone(), it.name.clone()))
            .collect();
        let empty = |it: &crate::TableForm| {
            (
                it.table,
                TableEnd {
                    table: it.table,
                    chunks: 0,
                    fingerprint: Fingerprint::empty(it.form),
                    source_fingerprint: None,
                },
            )
        };
        let tables = header.forms.iter().map(empty).collect();
        let mut writer = Writer {
            sink,
            run: header.run.clone(),
            names,
            members: Vec::new(),
            tables,
        };
        let json = serde_json::to_vec(header).map_err(|error| Error::new(ErrorKind::Json(error)))?;
        writer.put(HEADER_NAME.to_owned(), MemberKind::Header, None, &json)?;
        Ok(writer)
    }

    /// Adds SQL text; members come in the order of [`SchemaMember::ALL`], before the first chunk.
    pub fn schema(&mut self, member: SchemaMember, sql: &str) -> Result<()> {
        self.put(member.name().to_owned(), MemberKind::Schema, None, sql.as_bytes())
    }

    /// Adds a chunk of `table` (see [`crate::compress`] for `stored`), whose rows have `fingerprint`.
    pub fn chunk(
        &mut self,
        table: u32,
        codec: Codec,
        raw: u64,
        stored: &[u8],
        fingerprint: &Fingerprint,
    ) -> Result<()> {
        let end = self
            .tables
            .get_mut(&table)
            .ok_or_else(|| Error::damaged("a chunk of no table"))?;
        let (chunk, form) = (end.chunks, end.fingerprint.form);
        let rows = RowsRecord {
            table,
            chunk,
            form,
            codec,
            rows: fingerprint.rows,
            raw,
        };
        end.chunks += 1;
        end.fingerprint
            .merge(fingerprint)
            .map_err(|_| Error::damaged("rows in another form"))?;
        let name = self.label(&rows);
        self.put(name, MemberKind::Rows, Some(rows), stored)
    }

    /// Passes a chunk of the same run on, unopened, under the label that its table has here.
    pub fn pass_chunk(&mut self, rows: RowsRecord, record: &Record, body: &mut dyn Read) -> Result<()> {
        let record = Record {
            name: self.label(&rows),
            ..record.clone()
        };
        self.sink
            .member(&self.run, &record, body)
            .map_err(|error| error.in_member(&record.name))?;
        self.members.push(record);
        Ok(())
    }

    /// Adds a chunk that was made again, among others that are passed on: `rows` has the numbers of the one that
    /// it stands for.
    pub fn changed_chunk(&mut self, rows: RowsRecord, stored: &[u8]) -> Result<()> {
        let name = self.label(&rows);
        self.put(name, MemberKind::Rows, Some(rows), stored)
    }

    /// Ends an archive whose chunks came by [`Writer::chunk`].
    pub fn finish(mut self) -> Result<(S::Output, End)> {
        let mut tables: Vec<TableEnd> = self.tables.drain().map(|(_, end)| end).collect();
        tables.sort_by_key(|it| it.table);
        self.finish_with(tables)
    }

    /// Ends an archive whose chunks were passed on, with the fingerprints that came with them or were made again.
    pub fn finish_with(mut self, tables: Vec<TableEnd>) -> Result<(S::Output, End)> {
        let end = End {
            run: self.run.clone(),
            members: std::mem::take(&mut self.members),
            tables,
        };
        self.put(END_NAME.to_owned(), MemberKind::End, None, &end.to_json()?)?;
        Ok((self.sink.finish()?, end))
    }

    fn put(
        &mut self,
        name: String,
        kind: MemberKind,
        rows: Option<RowsRecord>,
        mut body: &[u8],
    ) -> Result<()> {
        let record = Record::sealed(name, kind, rows, &self.run, body);
        self.sink
            .member(&self.run, &record, &mut body)
            .map_err(|error| error.in_member(&record.name))?;
        self.members.push(record);
        Ok(())
    }

    fn label(&self, rows: &RowsRecord) -> String {
        let index = usize::try_from(rows.table).unwrap_or(usize::MAX);
        let (schema, name) = self
            .names
            .get(index)
            .map_or(("", ""), |(schema, name)| (schema, name));
        rows.label(schema, name)
    }
}
