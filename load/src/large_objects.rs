//! Large objects under the OIDs that they had: made before the rows, filled like tables, opened with the schemas.

use archive::{Header, RowsRecord};
use catalog::{LargeObject, LargeObjectGrant, PIECE_BYTES, Table, oid_ranges, quote_ident, quote_literal};
use cli::{Exit, Failure, Result, Ui, count};
use fingerprint::{Form, Row, each_row_of_chunk};
use postgres::{Client, GenericClient, Transaction};

use crate::checks::locks;
use crate::journal::{self, Run};
use crate::statements::execute;
use crate::steps::Steps;
use crate::target::{Target, failed};

/// Large objects in one transaction: what is done to each takes a lock, of which a server has a limited number.
const BATCH: usize = 500;

/// Bytes sent in one statement.
const SENT_BYTES: usize = 1 << 20;

/// Those of the archive's large objects that the target has already, with what can be done, as sentences.
pub(crate) fn taken(target: &mut Target, header: &Header) -> Result<Vec<String>> {
    let wanted = oids(&header.catalog.large_objects);
    let rows = target
        .client()
        .query(
            "SELECT m.oid FROM pg_catalog.pg_largeobject_metadata m WHERE m.oid = ANY ($1) ORDER BY m.oid",
            &[&wanted],
        )
        .map_err(|error| failed("the large objects could not be listed", error))?;
    let found: Vec<u32> = rows.iter().map(|row| row.get(0)).collect();
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let is_one = found.len() == 1;
    let (things, verb) = if is_one {
        ("large object", "exists")
    } else {
        ("large objects", "exist")
    };
    let taken = format!("{things} {} {verb}", oid_ranges(&found).join(", "));
    let makers = journal::unfinished_makers(target.client(), &found)?;
    if makers.is_empty() {
        return Ok(vec![format!(
            "{taken}: leave them out (`dump --no-large-objects`), or load into another database"
        )]);
    }
    let sentence = |(run, place): &(i64, String)| {
        format!("{taken}, of what run {run} left unfinished: `load --abandon {place} …` removes it")
    };
    Ok(makers.iter().map(sentence).collect())
}

/// Roles to whom the source grants something on its large objects.
pub(crate) fn roles(header: &Header) -> Vec<String> {
    let objects = header.catalog.large_objects.iter();
    let mut roles: Vec<String> = objects
        .flat_map(|it| it.grants.iter().filter_map(|grant| grant.to.clone()))
        .collect();
    roles.sort_unstable();
    roles.dedup();
    roles
}

/// Makes all of them, empty and without grants to anyone, each with its row in the journal.
pub(crate) fn create(target: &mut Target, steps: Steps<'_>, header: &Header) -> Result<()> {
    for batch in header
        .catalog
        .large_objects
        .chunks(locks::batch(target.client(), BATCH)?)
    {
        let oids = oids(batch);
        let named: Vec<String> = oids.iter().map(u32::to_string).collect();
        let named: Vec<&str> = named.iter().map(String::as_str).collect();
        steps.once_in_order(target, "large objects", &named, |transaction, left| {
            let batch: Vec<&LargeObject> = batch
                .iter()
                .filter(|it| left.contains(&it.oid.to_string().as_str()))
                .collect();
            create_batch(transaction, steps.run, &batch)
        })?;
    }
    Ok(())
}

fn create_batch(transaction: &mut Transaction<'_>, run: &Run, batch: &[&LargeObject]) -> Result<()> {
    let oids: Vec<u32> = batch.iter().map(|it| it.oid).collect();
    transaction
        .execute(
            "SELECT pg_catalog.lo_create(x.oid) FROM pg_catalog.unnest($1::pg_catalog.oid[]) AS x (oid)",
            &[&oids],
        )
        .map_err(|error| failed("the large objects could not be created", error))?;
    revoke_all(transaction, &oids)?;
    for object in batch {
        if let Some(comment) = &object.comment {
            let text = quote_literal(comment);
            execute(
                transaction,
                &format!("COMMENT ON LARGE OBJECT {} IS {text}", object.oid),
            )?;
        }
    }
    journal::note_large_objects(transaction, run, &oids)
}

/// Takes back what default privileges give (PostgreSQL 18 has them for large objects).
fn revoke_all(transaction: &mut Transaction<'_>, oids: &[u32]) -> Result<()> {
    const REVOKES: &str = "
        SELECT DISTINCT 'REVOKE ALL ON LARGE OBJECT ' || m.oid || ' FROM '
               || COALESCE(pg_catalog.quote_ident(r.rolname), 'PUBLIC')
        FROM pg_catalog.pg_largeobject_metadata m CROSS JOIN LATERAL pg_catalog.aclexplode(m.lomacl) a
        LEFT JOIN pg_catalog.pg_roles r ON r.oid = a.grantee
        WHERE m.oid = ANY ($1) AND a.grantee <> m.lomowner AND (r.rolname IS NOT NULL OR a.grantee = 0)";
    let step = "what default privileges give could not be taken back";
    let rows = transaction
        .query(REVOKES, &[&oids])
        .map_err(|error| failed(step, error))?;
    rows.iter().try_for_each(|row| execute(transaction, row.get(0)))
}

/// Writes a chunk's pieces, in the transaction that notes the chunk. Only objects that the archive lists, and
/// that were made by this load, are written to.
pub(crate) fn put(
    transaction: &mut Transaction<'_>,
    header: &Header,
    table: &Table,
    rows: &RowsRecord,
    chunk: &[u8],
) -> Result<()> {
    let damaged = || {
        let message = format!("archive is damaged: chunk {} of the large objects", rows.chunk);
        Failure::new(Exit::Archive, message)
    };
    let names: Vec<&str> = table.columns.iter().map(|it| it.name.as_str()).collect();
    let mut pieces: Option<Vec<Piece>> = Some(Vec::new());
    each_row_of_chunk(rows.form, names, chunk, |row| {
        let piece = Piece::new(rows.form, row).filter(|it| it.is_listed(header));
        // One that cannot be read makes all of them none.
        pieces = pieces.take().zip(piece).map(|(mut pieces, piece)| {
            pieces.push(piece);
            pieces
        });
    })
    .map_err(|error| damaged().with_source(error))?;
    let pieces = pieces.ok_or_else(damaged)?;
    for batch in Batches(&pieces) {
        send(transaction, rows.form, batch)?;
    }
    Ok(())
}

fn send(transaction: &mut Transaction<'_>, form: Form, pieces: &[Piece]) -> Result<()> {
    // In form `text` the server reads the bytes itself, as it wrote them.
    let of_type = match form {
        Form::Binary => "bytea",
        Form::Text => "text",
    };
    let sql = format!(
        "SELECT pg_catalog.lo_put(x.oid, x.start, x.data::pg_catalog.bytea)
         FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.oid[]), pg_catalog.unnest($2::pg_catalog.int8[]),
                         pg_catalog.unnest($3::pg_catalog.{of_type}[])) AS x (oid, start, data)"
    );
    let oids: Vec<u32> = pieces.iter().map(|it| it.oid).collect();
    let starts: Vec<i64> = pieces.iter().map(|it| it.start).collect();
    let step = || {
        let named = oid_ranges(&oids).join(", ");
        format!("bytes of large objects could not be written ({named})")
    };
    let sent = match form {
        Form::Binary => {
            let data: Vec<&[u8]> = pieces.iter().map(|it| it.data.as_slice()).collect();
            transaction.execute(&sql, &[&oids, &starts, &data])
        }
        Form::Text => {
            let data: Vec<_> = pieces
                .iter()
                .map(|it| String::from_utf8_lossy(&it.data))
                .collect();
            transaction.execute(&sql, &[&oids, &starts, &data])
        }
    };
    sent.map(drop).map_err(|error| failed(step(), error))
}

/// Bytes of a large object, as the archive's form has them.
struct Piece {
    oid: u32,
    /// Where they begin.
    start: i64,
    data: Vec<u8>,
}

impl Piece {
    fn new(form: Form, row: Row<'_>) -> Option<Piece> {
        let mut values = row.values();
        let (oid, number, data) = (values.next()??, values.next()??, values.next()??);
        let text = |value| std::str::from_utf8(value).ok();
        let (oid, number, bytes_max) = match form {
            Form::Binary => (
                u32::from_be_bytes(oid.try_into().ok()?),
                i32::from_be_bytes(number.try_into().ok()?),
                PIECE_BYTES as usize,
            ),
            Form::Text => (
                text(oid)?.parse().ok()?,
                text(number)?.parse().ok()?,
                2 * PIECE_BYTES as usize + 2,
            ),
        };
        let fits = number >= 0 && data.len() <= bytes_max;
        fits.then(|| Piece {
            oid,
            start: i64::from(number) * i64::from(PIECE_BYTES),
            data: data.to_vec(),
        })
    }

    fn is_listed(&self, header: &Header) -> bool {
        let objects = &header.catalog.large_objects;
        objects.binary_search_by_key(&self.oid, |it| it.oid).is_ok()
    }
}

/// Pieces for one statement each.
struct Batches<'a>(&'a [Piece]);

impl<'a> Iterator for Batches<'a> {
    type Item = &'a [Piece];

    fn next(&mut self) -> Option<Self::Item> {
        let mut bytes = 0;
        let mut fits = |piece: &Piece| {
            bytes += piece.data.len();
            bytes <= SENT_BYTES
        };
        let end = self
            .0
            .iter()
            .take_while(|it| fits(it))
            .count()
            .max(1)
            .min(self.0.len());
        let (batch, rest) = self.0.split_at(end);
        self.0 = rest;
        (!batch.is_empty()).then_some(batch)
    }
}

/// Grants what the source granted, in the transaction that makes everything live.
pub(crate) fn open(transaction: &mut Transaction<'_>, header: &Header, keep: bool) -> Result<()> {
    for object in header.catalog.large_objects.iter().filter(|_| keep) {
        for grant in &object.grants {
            execute(transaction, &grant_sql(object.oid, grant))?;
        }
    }
    Ok(())
}

fn grant_sql(oid: u32, grant: &LargeObjectGrant) -> String {
    let role = grant.to.as_deref().map_or("PUBLIC".to_owned(), quote_ident);
    let option = if grant.with_grant_option {
        " WITH GRANT OPTION"
    } else {
        ""
    };
    format!(
        "GRANT {} ON LARGE OBJECT {oid} TO {role}{option}",
        grant.privilege.word()
    )
}

/// How many grants stay behind without `--privileges keep`.
pub(crate) fn grants(header: &Header) -> usize {
    header
        .catalog
        .large_objects
        .iter()
        .map(|it| it.grants.len())
        .sum()
}

/// Whether they can go in one transaction with everything else that a load left.
pub(crate) fn are_few(client: &mut impl GenericClient, run: &Run) -> Result<bool> {
    Ok(journal::large_objects(client, run)?.len() <= BATCH)
}

/// Removes those that the run has made and that nobody has changed since, all or the first of them.
fn remove_batch(transaction: &mut Transaction<'_>, run: &Run, oids: &[u32]) -> Result<()> {
    let step = "the large objects could not be removed";
    let (own, _) = journal::own_large_objects(transaction, run, oids)?;
    transaction
        .execute(
            "SELECT pg_catalog.lo_unlink(x.oid) FROM pg_catalog.unnest($1::pg_catalog.oid[]) AS x (oid)",
            &[&own],
        )
        .map(drop)
        .map_err(|error| failed(step, error))
}

/// Removes all of a run's, in one transaction with whatever else goes.
pub(crate) fn remove(transaction: &mut Transaction<'_>, run: &Run) -> Result<()> {
    let oids = journal::large_objects(transaction, run)?;
    remove_batch(transaction, run, &oids)
}

/// Removes most of a run's where they are many, so that what is left is few.
pub(crate) fn remove_in_batches(client: &mut Client, run: &Run) -> Result<()> {
    let step = "the large objects could not be removed";
    for batch in journal::large_objects(client, run)?.chunks(BATCH) {
        cli::check_interrupt()?;
        let mut transaction = client.transaction().map_err(|error| failed(step, error))?;
        journal::hold(&mut transaction, run)?;
        remove_batch(&mut transaction, run, batch)?;
        transaction.commit().map_err(|error| failed(step, error))?;
    }
    Ok(())
}

/// Names those that stay, since somebody has changed them or made them again under the same OID.
pub(crate) fn mention_others(transaction: &mut Transaction<'_>, run: &Run, ui: &Ui) -> Result<()> {
    let oids = journal::large_objects(transaction, run)?;
    let (_, others) = journal::own_large_objects(transaction, run, &oids)?;
    if !others.is_empty() {
        ui.status(format_args!(
            "large objects that are not as the load made them stay ({}): {}",
            count(others.len() as u64),
            oid_ranges(&others).join(", ")
        ));
    }
    Ok(())
}

fn oids(objects: &[LargeObject]) -> Vec<u32> {
    objects.iter().map(|it| it.oid).collect()
}
