//! Rows whose foreign key leads to no row: counted and named, and by choice left out, with the rows that refer to
//! them, or without the key.
//!
//! Which rows these are stands in SQLite's temporary database, so that any number of them takes no memory; what reads
//! the rows gets a condition in SQL.

use rusqlite::Connection;

use super::choices::Orphans;
use super::collisions::label;
use super::discard::{Discard, Fate};
use super::inspection::Blocker;
use super::keys::{Keys, Orphanage};
use super::links::Link;
use super::orphaned_key::{ORPHANS_NAMED_MAX, OrphanedKey};
use super::row_label::brief;
use super::rows::quote;
use super::schema::{Schema, Table};
use super::scratch::{Scratch, failed};
use crate::Result;

/// Which rows of a table are read, and what stands in place of some of their values, as SQL in which `s` is the table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Omission {
    /// Which rows are kept; `None` for all.
    pub(super) condition: Option<String>,
    /// Places of columns, and when their value becomes NULL.
    pub(super) nulls: Vec<(usize, String)>,
}

impl Orphanage<'_> {
    /// Does what was chosen, and says it.
    pub(super) fn settle(
        mut self,
        schema: &mut Schema,
        keys: &Keys,
        fate: Orphans,
        discards: &mut Vec<Discard>,
        blockers: &mut Vec<Blocker>,
    ) -> Result<Vec<OrphanedKey>> {
        let connection = self.rows.connection;
        if !self.rows.found.is_empty() && matches!(fate, Orphans::Delete | Orphans::Null) {
            let nameless = self.links.iter().filter(|it| !it.names_rows());
            let nameless: Vec<Blocker> = nameless
                .map(|it| Blocker::NamelessRows {
                    table: schema.tables[it.table].name.clone(),
                })
                .collect();
            if nameless.is_empty() {
                self.rows.follow(schema, keys, &self.links, fate)?;
                apply(connection, &self.rows.rows.sql(), schema, &self.links, fate)?;
            }
            blockers.extend(nameless);
        }
        for link in &self.links {
            link.forget(connection)?;
        }
        if fate == Orphans::Null {
            let found = self.rows.found.iter();
            let mut columns: Vec<String> = found
                .flat_map(|(number, _)| not_null_columns(schema, keys, *number))
                .collect();
            columns.sort();
            columns.dedup();
            if !columns.is_empty() {
                blockers.push(Blocker::OrphansNotNull { columns });
            }
        }
        let report = self.rows.into_report(fate);
        for key in &report {
            match fate {
                Orphans::Stop => blockers.push(Blocker::Orphans { key: key.clone() }),
                Orphans::Keep => {}
                Orphans::Delete => discards.extend(key.discard(schema, Fate::LeftOut)),
                Orphans::Null => discards.extend(key.discard(schema, Fate::Null)),
            }
        }
        Ok(report)
    }
}

/// The rows without a parent of all foreign keys.
#[derive(Debug)]
pub(super) struct OrphanRows<'a> {
    connection: &'a Connection,
    /// Numbers of foreign keys with names of rows.
    rows: Scratch<'a>,
    found: Vec<(usize, OrphanedKey)>,
}

impl<'a> OrphanRows<'a> {
    pub(super) fn new(connection: &'a Connection) -> Result<OrphanRows<'a>> {
        const DEFINITION: &str = "(f INTEGER NOT NULL, r NOT NULL, PRIMARY KEY (f, r)) WITHOUT ROWID";
        Ok(OrphanRows {
            connection,
            rows: Scratch::create(connection, "orphan", DEFINITION)?,
            found: Vec::new(),
        })
    }

    /// Finds and counts those of one foreign key.
    pub(super) fn count(&mut self, schema: &Schema, link: &Link) -> Result<u64> {
        if link.is_complete(schema) {
            return Ok(0);
        }
        let (table, parent) = (&schema.tables[link.table], &schema.tables[link.parent]);
        let orphans = link.orphans();
        let number = i64::try_from(link.number).unwrap_or(i64::MAX);
        let count = if link.names_rows() {
            self.rows.fill(&format!("SELECT {number}, * FROM ({orphans})"))?
        } else {
            let sql = format!("SELECT count(*) FROM ({orphans})");
            let count = self.connection.query_row(&sql, [], |row| row.get::<_, i64>(0));
            count.map_err(failed)?.unsigned_abs()
        };
        if count > 0 {
            let (rows, values) = self.examples(table, link)?;
            let names = |table: &Table, places: &[usize]| -> Vec<String> {
                places
                    .iter()
                    .map(|&place| table.columns[place].name.clone())
                    .collect()
            };
            let key = OrphanedKey {
                table: table.name.clone(),
                columns: names(table, &link.columns),
                parent: parent.name.clone(),
                parent_columns: names(parent, &link.parent_columns),
                count,
                followers: 0,
                rows,
                values,
                fate: Orphans::Stop,
            };
            self.found.push((link.number, key));
        }
        Ok(count)
    }

    /// The first rows, and what their keys are.
    fn examples(&self, table: &Table, link: &Link) -> Result<(Vec<String>, Vec<String>)> {
        let Some(name) = table.row_name("s") else {
            return Ok((Vec::new(), Vec::new()));
        };
        let names: Vec<&str> = link
            .columns
            .iter()
            .map(|&it| table.columns[it].name.as_str())
            .collect();
        let object = format!("{} ({})", table.name, names.join(", "));
        let columns: Vec<String> = link
            .columns
            .iter()
            .map(|&place| format!("s.{}", quote(&table.columns[place].name)))
            .collect();
        let sql = format!(
            "SELECT {name}, {} FROM main.{} AS s WHERE {name} IN (SELECT r FROM {} WHERE f = ?1 ORDER BY r LIMIT {ORPHANS_NAMED_MAX})",
            columns.join(", "),
            quote(&table.name),
            self.rows.sql(),
        );
        let mut statement = self.connection.prepare(&sql).map_err(failed)?;
        let number = i64::try_from(link.number).unwrap_or(i64::MAX);
        let rows = statement.query_map([number], |row| {
            let mut values = Vec::new();
            for field in 0..columns.len() {
                values.push(brief(row.get_ref(field + 1)?));
            }
            let label = label(table, &row.get(0)?);
            let value = format!("{object} of {label} is ({})", values.join(", "));
            Ok((label, value))
        });
        rows.and_then(Iterator::collect).map_err(failed)
    }

    fn into_report(self, fate: Orphans) -> Vec<OrphanedKey> {
        let found = self.found.into_iter();
        found.map(|(_, key)| OrphanedKey { fate, ..key }).collect()
    }

    /// Adds what becomes an orphan because its parent is left out (or loses its key), until there is none.
    fn follow(&mut self, schema: &Schema, keys: &Keys, links: &[Link], fate: Orphans) -> Result<()> {
        let connection = self.connection;
        let reached = self.reached(keys, fate);
        let edges = Scratch::create(connection, "edge", "(f INTEGER, c, p)")?;
        for link in links.iter().filter(|it| reached.contains(&it.number)) {
            edges.fill(&format!("SELECT {}, * FROM ({})", link.number, link.pairs()))?;
        }
        edges.index("f, p")?;
        let pairs = Scratch::create(connection, "pair", "(f INTEGER, g INTEGER)")?;
        for (f, g) in dependent_pairs(keys, fate) {
            pairs.fill(&format!("VALUES ({f}, {g})"))?;
        }
        self.rows.fill(&format!(
            "WITH RECURSIVE gone (f, r) AS (
               SELECT f, r FROM {rows}
               UNION SELECT e.f, e.c FROM gone CROSS JOIN {pairs} AS d ON d.f = gone.f
                 CROSS JOIN {edges} AS e ON e.f = d.g AND e.p = gone.r)
             SELECT f, r FROM gone WHERE true ON CONFLICT DO NOTHING",
            rows = self.rows.sql(),
            pairs = pairs.sql(),
            edges = edges.sql()
        ))?;
        edges.remove()?;
        pairs.remove()?;
        self.tell_followers(schema, links)
    }

    /// Numbers of foreign keys that can lose a parent.
    fn reached(&self, keys: &Keys, fate: Orphans) -> Vec<usize> {
        let pairs = dependent_pairs(keys, fate);
        let mut reached: Vec<usize> = self.found.iter().map(|(number, _)| *number).collect();
        let mut followed = Vec::new();
        while let Some(number) = reached.pop() {
            for &(_, next) in pairs.iter().filter(|(first, _)| *first == number) {
                if !followed.contains(&next) {
                    followed.push(next);
                    reached.push(next);
                }
            }
        }
        followed
    }

    fn tell_followers(&mut self, schema: &Schema, links: &[Link]) -> Result<()> {
        for link in links {
            let sql = format!("SELECT count(*) FROM {} WHERE f = ?1", self.rows.sql());
            let number = i64::try_from(link.number).unwrap_or(i64::MAX);
            let all = self
                .connection
                .query_row(&sql, [number], |row| row.get::<_, i64>(0));
            let all = all.map_err(failed)?.unsigned_abs();
            let known = self.found.iter_mut().find(|(number, _)| *number == link.number);
            match known {
                Some((_, key)) => key.followers = all - key.count,
                None if all > 0 => {
                    let (table, parent) = (&schema.tables[link.table], &schema.tables[link.parent]);
                    let (rows, values) = self.examples(table, link)?;
                    let name = |table: &Table, place: &usize| table.columns[*place].name.clone();
                    let key = OrphanedKey {
                        table: table.name.clone(),
                        columns: link.columns.iter().map(|it| name(table, it)).collect(),
                        parent: parent.name.clone(),
                        parent_columns: link.parent_columns.iter().map(|it| name(parent, it)).collect(),
                        count: 0,
                        followers: all,
                        rows,
                        values,
                        fate: Orphans::Stop,
                    };
                    self.found.push((link.number, key));
                }
                None => {}
            }
        }
        self.found.sort_by_key(|(number, _)| *number);
        Ok(())
    }
}

/// Columns of a foreign key that can never be NULL: NOT NULL, of a primary key, or generated.
fn not_null_columns(schema: &Schema, keys: &Keys, number: usize) -> Vec<String> {
    let reference = &keys.references[number];
    let table = &schema.tables[reference.table];
    let is_key = |place: usize| {
        keys.uniques
            .iter()
            .any(|it| it.primary && it.table == reference.table && it.columns.contains(&place))
    };
    let columns = reference
        .columns
        .iter()
        .map(|&place| (place, &table.columns[place]));
    columns
        .filter(|(place, column)| column.not_null || column.generated.is_some() || is_key(*place))
        .map(|(_, column)| format!("{}.{}", table.name, column.name))
        .collect()
}

/// Pairs of foreign keys: when a row is lost by the first, rows that refer to it are orphans of the second.
fn dependent_pairs(keys: &Keys, fate: Orphans) -> Vec<(usize, usize)> {
    let mut pairs = Vec::new();
    for (f, first) in keys.references.iter().enumerate() {
        for (g, second) in keys.references.iter().enumerate() {
            // Without its key, a row stays a parent by its other columns.
            let is_touched =
                fate == Orphans::Delete || first.columns.iter().any(|it| second.parent_columns.contains(it));
            if second.parent == first.table && is_touched {
                pairs.push((f, g));
            }
        }
    }
    pairs
}

/// Says in the schema what is read of each table, and counts again.
fn apply(
    connection: &Connection,
    rows: &str,
    schema: &mut Schema,
    links: &[Link],
    fate: Orphans,
) -> Result<()> {
    for (at, table) in schema.tables.iter_mut().enumerate() {
        let own: Vec<&Link> = links.iter().filter(|it| it.table == at).collect();
        let Some(name) = table.row_name("s").filter(|_| !own.is_empty()) else {
            continue;
        };
        let is_among = |numbers: &[usize]| {
            let numbers: Vec<String> = numbers.iter().map(usize::to_string).collect();
            format!(
                "EXISTS (SELECT 1 FROM {rows} AS o WHERE o.f IN ({}) AND o.r = +{name})",
                numbers.join(", ")
            )
        };
        let count = |numbers: &[usize]| -> Result<u64> {
            let numbers: Vec<String> = numbers.iter().map(usize::to_string).collect();
            let sql = format!(
                "SELECT count(DISTINCT r) FROM {rows} WHERE f IN ({})",
                numbers.join(", ")
            );
            let count = connection.query_row(&sql, [], |row| row.get::<_, i64>(0));
            Ok(count.map_err(failed)?.unsigned_abs())
        };
        if fate == Orphans::Delete {
            let numbers: Vec<usize> = own.iter().map(|it| it.number).collect();
            let lost = count(&numbers)?;
            if lost > 0 {
                table.row_count -= lost;
                table.omission.condition = Some(format!("NOT {}", is_among(&numbers)));
            }
            continue;
        }
        for place in 0..table.columns.len() {
            let numbers: Vec<usize> = own
                .iter()
                .filter(|it| it.columns.contains(&place))
                .map(|it| it.number)
                .collect();
            let lost = if numbers.is_empty() { 0 } else { count(&numbers)? };
            if lost > 0 {
                table.columns[place].nulls += lost;
                table.omission.nulls.push((place, is_among(&numbers)));
            }
        }
    }
    Ok(())
}
