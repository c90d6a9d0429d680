//! Keys and indexes as tasks that can be done beside each other.
//!
//! `ALTER TABLE … ADD CONSTRAINT` has its table to itself while it builds an index. For a large table with several
//! indexes the index of a key is therefore made by `CREATE UNIQUE INDEX`, which others may stand beside, and becomes
//! the key's afterwards (`USING INDEX`, which asks for plain columns in their own order, collation and operator class).

use std::collections::HashMap;

use catalog::{QualifiedName, Table, TableKind, quote_ident};
use rewrite::{ConstraintKind, PlainKey, Statement, StatementKind, plain_key};

use crate::beside::{OfTable, Task, tasks};

/// How much longer an index of many entries for each row takes than one of one.
const MANY_ENTRIES: u64 = 4;

/// Keys and indexes of all tables.
#[derive(Default)]
pub(crate) struct Keys<'a>(HashMap<QualifiedName, Vec<&'a Statement<'a>>>);

/// What is to be done, in this order.
#[derive(Default)]
pub(crate) struct Building {
    pub(crate) tasks: Vec<Task>,
    /// Statements that make keys of indexes.
    pub(crate) attachments: Vec<String>,
}

impl<'a> Keys<'a> {
    pub(crate) fn push(&mut self, table: &QualifiedName, statement: &'a Statement<'a>) {
        self.0.entry(table.clone()).or_default().push(statement);
    }

    pub(crate) fn building(self, tables: &HashMap<QualifiedName, &Table>) -> Building {
        let mut building = Building::default();
        let mut of_tables: Vec<_> = self.0.into_iter().collect();
        of_tables.sort_by(|one, other| one.0.cmp(&other.0));
        let mut together = Vec::new();
        for (name, statements) in of_tables {
            let table = tables.get(&name);
            let of_table = OfTable {
                statements: statements.iter().map(|it| it.text.to_owned()).collect(),
                bytes: table.map_or(0, |it| it.bytes),
            };
            let is_plain = table.is_some_and(|it| it.kind == TableKind::Ordinary);
            if is_plain && of_table.is_large() && statements.len() > 1 {
                for statement in statements {
                    let (sql, attachment) = apart(&name, statement);
                    building.attachments.extend(attachment);
                    building.tasks.push(Task {
                        weight: of_table.bytes * factor(&sql),
                        statements: vec![sql],
                    });
                }
            } else {
                together.push(of_table);
            }
        }
        building.tasks.extend(tasks(together));
        building
    }
}

/// What builds the index, and what makes the key of it afterwards.
fn apart(table: &QualifiedName, statement: &Statement<'_>) -> (String, Option<String>) {
    let whole = || (statement.text.to_owned(), None);
    let StatementKind::AddConstraint {
        kind: ConstraintKind::PrimaryKey | ConstraintKind::Unique,
        name: Some(name),
        ..
    } = &statement.kind
    else {
        return whole();
    };
    let Some(key) = plain_key(statement.text) else {
        return whole();
    };
    let PlainKey {
        primary,
        columns,
        include,
        nulls,
        with,
        timing,
    } = key;
    let (name, kind) = (quote_ident(name), if primary { "PRIMARY KEY" } else { "UNIQUE" });
    let create =
        format!("CREATE UNIQUE INDEX {name} ON {table} USING btree {columns} {include} {nulls} {with}");
    let attach = format!("ALTER TABLE ONLY {table} ADD CONSTRAINT {name} {kind} USING INDEX {name} {timing}");
    (create.trim_end().to_owned(), Some(attach.trim_end().to_owned()))
}

/// How much more than a plain index one takes, by its access method: a guess that only orders the work.
fn factor(sql: &str) -> u64 {
    let many = [" USING gin ", " USING gist ", " USING spgist "];
    if many.iter().any(|it| sql.contains(it)) {
        MANY_ENTRIES
    } else {
        1
    }
}

#[cfg(test)]
mod tests {
    use rewrite::statements;

    use super::*;

    fn check(definition: &str, expected: Option<(&str, &str)>) {
        let sql = format!("ALTER TABLE ONLY s.t\n    ADD CONSTRAINT \"K\" {definition};");
        let table = QualifiedName::new("s", "t");
        let (built, attached) = apart(&table, &statements(&sql)[0]);
        match expected {
            Some((create, attach)) => {
                assert_eq!(
                    built,
                    format!("CREATE UNIQUE INDEX \"K\" ON s.t USING btree {create}")
                );
                let wanted = format!("ALTER TABLE ONLY s.t ADD CONSTRAINT \"K\" {attach}");
                assert_eq!(attached, Some(wanted));
            }
            None => assert_eq!((built, attached), (sql, None)),
        }
    }

    #[test]
    fn keys_over_plain_columns_are_made_of_indexes() {
        check("PRIMARY KEY (a)", Some(("(a)", "PRIMARY KEY USING INDEX \"K\"")));
        check(
            "UNIQUE (a) DEFERRABLE INITIALLY DEFERRED",
            Some(("(a)", "UNIQUE USING INDEX \"K\" DEFERRABLE INITIALLY DEFERRED")),
        );
        check("EXCLUDE USING gist (a WITH &&)", None);
        check("PRIMARY KEY (a, b WITHOUT OVERLAPS)", None);
    }
}
