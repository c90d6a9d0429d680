//! What the target's journal knows of merged tables: which rows of a source are joined to another's, and which keys follow.

use catalog::{JOURNAL_COMMENT, quote_literal};
use cli::{Failure, Result};
use conversion::PartRecord;
use fingerprint::{Fingerprint, Form};

use crate::sides::Live;

/// One part of a merged table, as the load noted it that is live.
#[derive(Clone)]
pub(super) struct NotedPart {
    pub(super) run: String,
    pub(super) part_number: String,
    /// The merged table, as SQL.
    pub(super) table: String,
    pub(super) record: PartRecord,
    /// How many rows of the source are not in the merged table, since another source has the same.
    pub(super) joined: u64,
    /// What the hashes of these add up to, in both forms; binary only where the part could have it.
    joined_text: Option<Fingerprint>,
    joined_binary: Option<Fingerprint>,
}

impl NotedPart {
    /// The joined rows, as they were in the source.
    pub(super) fn joined_rows(&self, form: Form) -> Option<Fingerprint> {
        match form {
            Form::Text => self.joined_text,
            Form::Binary => self.joined_binary,
        }
    }
}

/// What could be read.
pub(super) enum Journal {
    /// There is none, or none that knows of merged tables.
    Nothing,
    /// Why it is not believed, or not read.
    Closed(&'static str),
    Noted(Vec<NotedPart>),
}

const READABLE: &str = "
SELECT pg_catalog.pg_has_role(n.nspowner, 'MEMBER')::pg_catalog.text,
  (pg_catalog.has_schema_privilege(n.oid, 'USAGE')
   AND COALESCE((SELECT pg_catalog.bool_and(pg_catalog.has_table_privilege(c.oid, 'SELECT') AND NOT c.relrowsecurity)
       FROM pg_catalog.pg_class c WHERE c.relnamespace = n.oid AND c.relkind = 'r'
         AND c.relname IN ('run', 'merged', 'joined', 'redirected')), false))::pg_catalog.text
FROM pg_catalog.pg_namespace n
JOIN pg_catalog.pg_class m ON m.relnamespace = n.oid AND m.relname = 'merged' AND m.relkind = 'r'
WHERE n.nspname = 'coalesce' AND pg_catalog.obj_description(n.oid, 'pg_namespace') = ";

/// Of each merged table that is there what the last load noted of it.
const PARTS: &str = "
SELECT m.run::pg_catalog.text, m.part_number::pg_catalog.text, m.table_name, m.part, m.joined::pg_catalog.text,
  m.joined_text, m.joined_binary
FROM coalesce.merged m JOIN coalesce.run r ON r.id OPERATOR(pg_catalog.=) m.run
JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) pg_catalog.to_regclass(m.table_name)
WHERE r.state OPERATOR(pg_catalog.=) 'live' AND c.relnamespace OPERATOR(pg_catalog.=) ANY (r.schema_oids)
  AND NOT EXISTS (SELECT FROM coalesce.merged l JOIN coalesce.run n ON n.id OPERATOR(pg_catalog.=) l.run
    WHERE l.table_name OPERATOR(pg_catalog.=) m.table_name AND n.state OPERATOR(pg_catalog.=) 'live'
      AND l.run OPERATOR(pg_catalog.>) m.run)
ORDER BY m.run, m.part_number";

const FAILED: &str = "the journal could not be read";

/// Reads what loads of merged tables noted. Its SQL is run on the target, so it must be of a role that verifies.
pub(super) fn read(target: &Live) -> Result<Journal> {
    let sql = format!("{READABLE}{}", quote_literal(JOURNAL_COMMENT));
    let found = target.ask(&sql, FAILED, Failure::target)?;
    let Some(row) = found.first() else {
        return Ok(Journal::Nothing);
    };
    let is = |place: usize| row.get(place).and_then(Option::as_deref) == Some("true");
    if !is(1) {
        return Ok(Journal::Closed(
            "this role may not read the target's journal (schema coalesce), which knows how rows were merged: verify as \
             the role that loaded",
        ));
    }
    if !is(0) {
        return Ok(Journal::Closed(
            "the target's journal (schema coalesce) is another role's, and its SQL is not run: verify as the role that \
             loaded",
        ));
    }
    let rows = target.ask(PARTS, FAILED, Failure::target)?;
    let noted = |row: &Vec<Option<String>>| {
        let text = |place: usize| row.get(place).cloned().flatten();
        let joined: u64 = text(4)?.parse().ok()?;
        let sum = |form, place| Fingerprint::from_parts(form, joined, &text(place)?);
        Some(NotedPart {
            run: text(0)?,
            part_number: text(1)?,
            table: text(2)?,
            record: serde_json::from_str(&text(3)?).ok()?,
            joined,
            joined_text: sum(Form::Text, 5),
            joined_binary: sum(Form::Binary, 6),
        })
    };
    let parts: Option<Vec<NotedPart>> = rows.iter().map(noted).collect();
    Ok(parts.map_or(
        Journal::Closed("the target's journal (schema coalesce) holds what load did not write"),
        Journal::Noted,
    ))
}

/// The keys of the joined rows of a part, as the source writes them.
pub(super) fn joined_keys(target: &Live, part: &NotedPart) -> Result<Vec<Vec<Option<String>>>> {
    let sql = format!(
        "SELECT pg_catalog.to_json(j.key)::pg_catalog.text FROM coalesce.joined j
         WHERE j.run = {} AND j.part_number = {}",
        part.run, part.part_number
    );
    let rows = target.ask(&sql, FAILED, Failure::target)?;
    let key = |row: &Vec<Option<String>>| {
        let json = row.first().cloned().flatten()?;
        serde_json::from_str(&json).ok()
    };
    Ok(rows.iter().filter_map(key).collect())
}
