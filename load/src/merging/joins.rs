//! Rows that are the same by a natural key: which of them stay, and which are joined to those.

use catalog::quote_literal;
use cli::{Exit, Failure, Result};
use postgres::Transaction;

use super::{MergedTable, Merging, PHASE, StagedPart};
use crate::grants;
use crate::statements::execute;
use crate::steps::Steps;
use crate::target::{Target, failed};

/// Keys of rows that are named in a message.
const NAMED_MAX: usize = 5;

impl Merging<'_> {
    /// Finds the joined rows of all merged tables, one table after the other: a natural key can have keys in it that
    /// follow the rows of another table.
    pub(super) fn find_joins(&self, target: &mut Target, steps: Steps<'_>) -> Result<()> {
        for table in self.in_order_of_keys()? {
            let (filling, joining) = (self.key_statements(table), table.join_statements());
            let statements: Vec<&str> = filling.iter().chain(&joining).map(String::as_str).collect();
            steps.once_in_order(target, PHASE, &statements, |transaction, _| {
                filling.iter().try_for_each(|sql| execute(transaction, sql))?;
                for part in &table.parts {
                    table.refuse_doubles(transaction, part)?;
                }
                joining.iter().try_for_each(|sql| execute(transaction, sql))?;
                grants::revoke_all(transaction, steps.run)
            })?;
        }
        Ok(())
    }

    /// The statements that make and fill the table of natural keys. Its columns get the types of the merged table, so
    /// that what is equal here is equal there.
    pub(super) fn key_statements(&self, table: &MergedTable<'_>) -> Vec<String> {
        let keyed = table.keyed_columns();
        let typed = |prefix: &str, columns: &[&str]| -> Vec<String> {
            let column = |(place, column): (usize, &&str)| {
                format!(", t.{} AS {prefix}{place}", catalog::quote_ident(column))
            };
            columns.iter().enumerate().map(column).collect()
        };
        let natural: Vec<&str> = table.merged.dedupe.iter().map(String::as_str).collect();
        let mut statements = vec![format!(
            "CREATE TABLE {} AS SELECT NULL::pg_catalog.int8 AS part, NULL::pg_catalog.int4 AS place, \
             NULL::pg_catalog.text AS source, NULL::pg_catalog.tid AS spot{}{} FROM ONLY {} t WITH NO DATA",
            table.keys,
            typed("n", &natural).concat(),
            typed("k", &keyed).concat(),
            table.table.qualified_name(),
        )];
        for (place, part) in table.parts.iter().enumerate() {
            let select = self.select(table, part, natural.iter().copied());
            let keys: Vec<String> = keyed.iter().map(|it| format!("({})", part.value(it))).collect();
            let values: Vec<&str> = select.values.iter().chain(&keys).map(String::as_str).collect();
            statements.push(format!(
                "INSERT INTO {} SELECT {}, {place}, {}, s.ctid, {} {}",
                table.keys,
                part.table.number,
                quote_literal(&part.part.source),
                values.join(", "),
                select.from,
            ));
        }
        statements
    }
}

impl MergedTable<'_> {
    /// The names of the natural key's columns in the table of keys.
    fn natural(&self) -> Vec<String> {
        (0..self.merged.dedupe.len())
            .map(|it| format!("k.n{it}"))
            .collect()
    }

    /// The condition that a natural key is whole: a row without a value there is the same as no other.
    fn is_whole(&self) -> String {
        let whole: Vec<String> = self
            .natural()
            .iter()
            .map(|it| format!("{it} IS NOT NULL"))
            .collect();
        whole.join(" AND ")
    }

    /// The statements that say which row is joined to which, from the natural keys, which are gone then.
    pub(super) fn join_statements(&self) -> Vec<String> {
        let keys = 0..self.keyed_columns().len();
        let of = |alias: &str, prefix: &str| -> String {
            let column = |it: usize| format!(", {alias}.k{it} AS {prefix}{it}");
            keys.clone().map(column).collect()
        };
        let (natural, whole) = (self.natural().join(", "), self.is_whole());
        vec![
            format!(
                "CREATE TABLE {joins} AS SELECT x.part, x.source, x.spot, w.part AS winner_part, w.source AS winner_source, \
                 w.spot AS winner_spot{own}{winners} FROM (SELECT k.*, \
                 pg_catalog.first_value(k.part) OVER same AS first_part, \
                 pg_catalog.first_value(k.spot) OVER same AS first_spot FROM {keys} k WHERE {whole} \
                 WINDOW same AS (PARTITION BY {natural} ORDER BY k.place)) x \
                 JOIN {keys} w ON w.part = x.first_part AND w.spot = x.first_spot WHERE x.part <> x.first_part",
                joins = self.joins,
                keys = self.keys,
                own = of("x", "o"),
                winners = of("w", "w"),
            ),
            format!("DROP TABLE {}", self.keys),
            format!("ANALYZE {}", self.joins),
        ]
    }

    /// One source's rows that are the same by their natural key would be joined to each other, which nobody asked for.
    fn refuse_doubles(&self, transaction: &mut Transaction<'_>, part: &StagedPart<'_>) -> Result<()> {
        let step = || {
            format!(
                "natural keys of {} could not be compared",
                part.table.qualified_name()
            )
        };
        let sql = format!(
            "SELECT pg_catalog.array_agg(x.named) FROM (SELECT {}, {} AS named FROM {} k JOIN {} s ON s.ctid = k.spot \
             WHERE k.part = {} AND {}) x GROUP BY {} HAVING pg_catalog.count(*) > 1",
            self.natural().join(", "),
            part.named(),
            self.keys,
            part.name,
            part.table.number,
            self.is_whole(),
            self.natural()
                .iter()
                .map(|it| it.replace("k.", "x."))
                .collect::<Vec<_>>()
                .join(", "),
        );
        let groups = transaction
            .query(&sql, &[])
            .map_err(|error| failed(step(), error))?;
        if groups.is_empty() {
            return Ok(());
        }
        let natural = self.merged.dedupe.join(", ");
        let message = format!(
            "rows of source {} cannot be joined: {} keys ({natural}) of {} are there more than once in it",
            part.part.source,
            cli::count(groups.len() as u64),
            part.table.qualified_name(),
        );
        let named = groups.iter().take(NAMED_MAX).map(|row| {
            let mut keys: Vec<Option<String>> = row.get(0);
            keys.sort();
            let keys: Vec<String> = keys.into_iter().flatten().take(NAMED_MAX).collect();
            if keys.is_empty() {
                "rows without a primary key".to_owned()
            } else {
                format!(
                    "rows with ({}): {}",
                    part.table.primary_key.join(", "),
                    keys.join("; ")
                )
            }
        });
        Err(named
            .fold(Failure::new(Exit::Target, message), Failure::with_state)
            .with_hint(format!(
                "make {natural} unique in the source and dump it again, leave rows out (`dump --where`), or choose other \
                 columns for dedupe in the plan"
            )))
    }
}

impl StagedPart<'_> {
    /// The text by which a message names a row: of its key alone, since other values may be private.
    fn named(&self) -> String {
        if self.table.primary_key.is_empty() {
            return "NULL::pg_catalog.text".to_owned();
        }
        let key = self.table.primary_key.iter();
        let key: Vec<String> = key
            .map(|it| format!("s.{}::pg_catalog.text", catalog::quote_ident(it)))
            .collect();
        format!("pg_catalog.concat_ws(', ', {})", key.join(", "))
    }
}
