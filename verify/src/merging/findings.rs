//! What is to be proved of a merged table beside the rows of each part: that every row is some source's, that constants are
//! what they were to be, and that each joined row has the row that stays.

use catalog::{quote_ident, quote_literal};
use cli::{Failure, Result, count};
use conversion::{Comparable, PartRecord};

use super::journal::NotedPart;
use super::views::{rows, source_column, type_sql};
use super::{Merging, Part};
use crate::report::{Area, Finding, Weight};
use crate::sides::Live;

const FAILED: &str = "rows of merged tables could not be counted";

impl Merging {
    /// Everything that is wrong with the merged tables and that no comparison of rows shows, and what was not compared.
    pub(crate) fn findings(&self, target: &Live) -> Result<Vec<Finding>> {
        let mut findings = Vec::new();
        for part in self.parts.iter().filter(|it| self.is_readable(it)) {
            findings.extend(part.strange_constants(target)?);
            if let Some(noted) = part.noted.as_ref().filter(|it| it.joined > 0) {
                findings.extend(part.strange_joins(target, noted)?);
            }
            findings.extend(part.not_compared());
        }
        for (table, sources) in self.sources.iter().filter(|it| self.standing.contains_key(it.0)) {
            findings.extend(self.different_columns(table));
            findings.extend(self.rows_of_nobody(target, table, sources)?);
        }
        findings.extend(self.obstacle());
        findings.extend(self.definitions());
        Ok(findings)
    }

    /// Rows whose source is none of those that were merged.
    fn rows_of_nobody(&self, target: &Live, table: &str, sources: &[String]) -> Result<Option<Finding>> {
        let of_table = |it: &&Part| it.record.into.qualified_name().to_string() == table;
        let Some(part) = self.parts.iter().find(of_table) else {
            return Ok(None);
        };
        let Some(column) = source_column(&part.record).filter(|_| self.is_readable(part)) else {
            return Ok(None);
        };
        let known: Vec<String> = sources.iter().map(|it| quote_literal(it)).collect();
        let sql = format!(
            "SELECT pg_catalog.count(*) FROM ONLY {table} m WHERE m.{column} IS NULL OR m.{column} NOT IN ({})",
            known.join(", "),
            column = quote_ident(column),
        );
        let found = number(target, &sql)?;
        let finding = Finding::new(Area::Rows, format!("table {table}"), "rows of no source")
            .between(None, Some(count(found)))
            .with_note(format!(
                "{} is none of {}",
                quote_ident(column),
                sources.join(", ")
            ));
        Ok((found > 0).then_some(finding))
    }

    fn different_columns(&self, table: &str) -> Vec<Finding> {
        let of_table = |it: &&Part| it.record.into.qualified_name().to_string() == table;
        let part = self.parts.iter().find(of_table);
        let standing = part.and_then(|it| Some((it, self.standing.get(table)?)));
        standing.map_or(Vec::new(), |(part, it)| it.differences(&part.record.into))
    }

    fn obstacle(&self) -> Option<Finding> {
        let reason = self.obstacle?;
        let joins = |part: &Part| part.noted.is_none() && part.needs_journal();
        if self.is_archive && !self.parts.iter().any(joins) {
            return None;
        }
        let finding = Finding::new(Area::Rows, "merged tables", "journal not asked");
        Some(finding.weighing(Weight::NotCompared).with_note(reason))
    }

    /// A source alone does not say what the merged table is to be like.
    fn definitions(&self) -> Vec<Finding> {
        if self.is_archive {
            return Vec::new();
        }
        let finding = |table: &String| {
            Finding::new(Area::Schema, format!("table {table}"), "only columns compared")
                .weighing(Weight::NotCompared)
                .with_note("its keys, indexes and constraints come out of several sources: verify the merged archive")
        };
        self.sources.keys().map(finding).collect()
    }
}

impl Part {
    /// Whether rows of it, or those that it refers to, may be joined to others.
    fn needs_journal(&self) -> bool {
        let merged = self.record.into.merged.as_ref();
        merged.is_some_and(|it| !it.dedupe.is_empty()) || !self.record.parents.is_empty()
    }

    /// Columns of the source that are not in the merged table.
    fn not_compared(&self) -> Vec<Finding> {
        let comparable = self.record.comparable();
        let columns = self.record.table.stored_columns();
        let left = columns.filter(|it| comparable.iter().all(|(known, _)| known.name != it.name));
        let finding = |it: &catalog::Column| {
            let object = format!(
                "column {} of {} in source {}",
                quote_ident(&it.name),
                self.record.table.qualified_name(),
                self.record.source()
            );
            Finding::new(Area::Rows, object, "not compared")
                .weighing(Weight::NotCompared)
                .with_note("there is no way back to its values from those of the merged table")
        };
        left.map(finding).collect()
    }

    /// Columns of the merged table that do not come from the source, or come from a column of it that another one tells
    /// too: each value must be what the merge says.
    fn strange_constants(&self, target: &Live) -> Result<Vec<Finding>> {
        let record = &self.record;
        let comparable = record.comparable();
        let is_compared = |column: &str| {
            comparable.iter().any(|(_, way)| match way {
                Comparable::Back(value, _) | Comparable::Forth(value) => value.column == column,
            })
        };
        let known = |name: &str| {
            comparable
                .iter()
                .any(|(column, way)| column.name == name && matches!(way, Comparable::Back(..)))
        };
        let mut findings = Vec::new();
        for value in record.values() {
            let is_source = source_column(record) == Some(value.column.as_str());
            if is_source || is_compared(&value.column) {
                continue;
            }
            let column = quote_ident(&value.column);
            let object = format!(
                "column {column} of {} of source {}",
                record.into.qualified_name(),
                record.source()
            );
            if value.from.as_deref().is_some_and(|it| !known(it)) {
                let finding = Finding::new(Area::Rows, object, "not compared").weighing(Weight::NotCompared);
                findings
                    .push(finding.with_note("it is made of a value that the target does not have any more"));
                continue;
            }
            let found = number(target, &self.counting(&value.column, &value.sql))?;
            if found > 0 {
                let finding = Finding::new(Area::Rows, object, "other values").between(
                    Some(value.sql.clone()),
                    Some(format!(
                        "something else in {}",
                        crate::report::counted(found, "row")
                    )),
                );
                findings.push(finding);
            }
        }
        Ok(findings)
    }

    /// Counts rows in which a column is not what it is to be.
    fn counting(&self, column: &str, sql: &str) -> String {
        let record = &self.record;
        let back = record.comparable().into_iter().filter_map(|(it, way)| match way {
            Comparable::Back(_, back) => Some(format!("({back}) AS {}", quote_ident(&it.name))),
            Comparable::Forth(_) => None,
        });
        let back: Vec<String> = back.collect();
        let kind = record.into.columns.iter().find(|it| it.name == column);
        let kind = kind.map_or("pg_catalog.text".to_owned(), |it| type_sql(&it.column_type));
        format!(
            "SELECT pg_catalog.count(*) FROM {} CROSS JOIN LATERAL (SELECT {}) s \
             WHERE t.{}::pg_catalog.text IS DISTINCT FROM (({sql})::{kind})::pg_catalog.text",
            rows(record, self.noted.as_ref()),
            back.join(", "),
            quote_ident(column),
        )
    }

    /// Each joined row stands once in the journal, and the row that it is joined to is there, with the natural key that it
    /// had.
    fn strange_joins(&self, target: &Live, noted: &NotedPart) -> Result<Vec<Finding>> {
        let of_part = format!("j.run = {} AND j.part_number = {}", noted.run, noted.part_number);
        let sql = format!("SELECT pg_catalog.count(*) FROM coalesce.joined j WHERE {of_part}");
        let listed = number(target, &sql)?;
        let sql = format!("SELECT pg_catalog.count(DISTINCT j.key) FROM coalesce.joined j WHERE {of_part}");
        let different = number(target, &sql)?;
        let object = format!("table {} of source {}", noted.table, self.record.source());
        let mut findings = Vec::new();
        if listed != noted.joined || different != noted.joined {
            findings.push(Finding::new(Area::Rows, object.clone(), "joined rows").between(
                Some(count(noted.joined)),
                Some(format!(
                    "{} in the journal, {} different",
                    count(listed),
                    count(different)
                )),
            ));
        }
        let lost = number(target, &self.lost_winners(&of_part))?;
        if lost > 0 {
            findings.push(
                Finding::new(Area::Rows, object, "joined rows without the row that stays")
                    .between(None, Some(count(lost)))
                    .with_note("it is gone, or its natural key is another one now"),
            );
        }
        Ok(findings)
    }

    fn lost_winners(&self, of_part: &str) -> String {
        let into = &self.record.into;
        let dedupe = into.merged.as_ref().map_or(&[][..], |it| it.dedupe.as_slice());
        let naming = if into.primary_key.is_empty() {
            dedupe
        } else {
            into.primary_key.as_slice()
        };
        let texts = |columns: &[String]| -> String {
            let text = |name: &String| {
                let column = into.columns.iter().find(|it| it.name == *name);
                let name = column.map_or(name.as_str(), catalog::Column::target_name);
                format!("m.{}::pg_catalog.text", quote_ident(name))
            };
            let texts: Vec<String> = columns.iter().map(text).collect();
            format!("ARRAY[{}]::pg_catalog.text[]", texts.join(", "))
        };
        let of_source = source_column(&self.record).map_or(String::new(), |it| {
            format!(" AND m.{} = j.winner_source", quote_ident(it))
        });
        format!(
            "SELECT pg_catalog.count(*) FROM coalesce.joined j WHERE {of_part} AND NOT EXISTS (SELECT FROM ONLY {} m \
             WHERE {} = j.winner_key{of_source} AND pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(\
             {}::pg_catalog.text, 'UTF8')), 'hex') = j.natural_sum)",
            into.qualified_name(),
            texts(naming),
            texts(dedupe),
        )
    }
}

fn number(target: &Live, sql: &str) -> Result<u64> {
    let rows = target.ask(sql, FAILED, Failure::target)?;
    let number = rows.first().and_then(|it| it.first().cloned().flatten());
    Ok(number.and_then(|it| it.parse().ok()).unwrap_or_default())
}

/// What is compared of a part, for those who look at one alone.
pub(super) fn has_all_columns(record: &PartRecord) -> bool {
    record.comparable().len() == record.table.stored_columns().count()
}
