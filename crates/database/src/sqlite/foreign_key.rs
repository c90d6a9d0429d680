//! Foreign keys as a SQLite file has them: its pragma tells the columns and actions, the table's statement the rest.

use rusqlite::Connection;

use super::schema::query;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignKey {
    pub columns: Vec<String>,
    pub parent: String,
    /// `None` stands for the parent's primary key.
    pub parent_columns: Vec<Option<String>>,
    pub on_update: String,
    pub on_delete: String,
    /// The constraint's own name.
    pub name: Option<String>,
    /// `None` where the table's statement could not be read.
    pub deferral: Option<Deferral>,
    /// The name after MATCH, which SQLite reads and does not heed.
    pub match_name: Option<String>,
}

/// When a foreign key is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deferral {
    NotDeferrable,
    Deferrable,
    InitiallyDeferred,
}

/// Those of one table, in the order in which `sql`, its statement, has them.
pub(super) fn read(connection: &Connection, table: &str, sql: &str) -> rusqlite::Result<Vec<ForeignKey>> {
    let rows = query(
        connection,
        "SELECT id, \"table\", \"from\", \"to\", on_update, on_delete FROM pragma_foreign_key_list(?1, 'main')
         ORDER BY id DESC, seq",
        [table],
        |row| {
            let key = ForeignKey {
                columns: vec![row.get(2)?],
                parent: row.get(1)?,
                parent_columns: vec![row.get(3)?],
                on_update: row.get(4)?,
                on_delete: row.get(5)?,
                name: None,
                deferral: None,
                match_name: None,
            };
            Ok((row.get::<_, i64>(0)?, key))
        },
    )?;
    let mut keys: Vec<(i64, ForeignKey)> = Vec::new();
    for (id, key) in rows {
        match keys.last_mut() {
            Some((last, open)) if *last == id => {
                open.columns.extend(key.columns);
                open.parent_columns.extend(key.parent_columns);
            }
            _ => keys.push((id, key)),
        }
    }
    let mut keys: Vec<ForeignKey> = keys.into_iter().map(|(_, key)| key).collect();
    complete_foreign_keys(&mut keys, sql);
    Ok(keys)
}

/// Adds what only the table's statement tells; a statement that is not understood tells nothing.
fn complete_foreign_keys(keys: &mut [ForeignKey], sql: &str) {
    let written = dialect::table_definition(sql).map_or_else(|_| Vec::new(), |it| it.foreign_keys);
    if written.len() != keys.len() {
        return;
    }
    for (key, written) in keys.iter_mut().zip(written) {
        if key.parent.eq_ignore_ascii_case(&written.parent) {
            key.name = written.name;
            key.match_name = written.match_name;
            key.deferral = Some(match (written.deferrable, written.initially_deferred) {
                (false, _) => Deferral::NotDeferrable,
                (true, false) => Deferral::Deferrable,
                (true, true) => Deferral::InitiallyDeferred,
            });
        }
    }
}
