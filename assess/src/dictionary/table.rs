//! One table in the dictionary.

use std::fmt::Write as _;

use cli::{count, size};
use inventory::{Column, KeyKind, Policy, Table, TableKind};

use super::Chapter;
use super::markdown::{code, comment, table, text};

impl Chapter<'_> {
    pub(super) fn write_table(&self, out: &mut String, it: &Table) {
        let place = self
            .places
            .get(&(it.schema.as_str(), it.name.as_str()))
            .copied()
            .unwrap_or(0);
        let _ = write!(
            out,
            "\n#### <a id=\"t{}-{place}\"></a>{}\n",
            self.number,
            text(&it.name)
        );
        if let Some(words) = &it.comment {
            let _ = write!(out, "\n{}\n", comment(words));
        }
        let _ = write!(out, "\n{}\n", facts(it));
        let rows: Vec<Vec<String>> = it.columns.iter().map(|column| column_cells(it, column)).collect();
        if !rows.is_empty() {
            table(
                out,
                &["Column", "Type", "Null", "Default", "Key", "Declared", "Comment"],
                &rows,
            );
        }
        write_keys(out, it);
        self.write_foreign_keys(out, it);
        write_indexes(out, it);
        self.write_referrers(out, it);
        write_policies(out, it);
        let triggers: Vec<_> = self
            .source
            .triggers
            .iter()
            .filter(|of| of.schema == it.schema && of.table == it.name)
            .collect();
        if !triggers.is_empty() {
            let rows: Vec<Vec<String>> = triggers
                .iter()
                .map(|it| {
                    vec![
                        text(&it.name),
                        code(&it.definition),
                        enabled(&it.enabled).to_owned(),
                    ]
                })
                .collect();
            table(out, &["Trigger", "Definition", "Fires"], &rows);
        }
    }

    fn write_foreign_keys(&self, out: &mut String, it: &Table) {
        let rows: Vec<Vec<String>> = it
            .foreign_keys
            .iter()
            .map(|key| {
                let label = format!("{}.{}", key.parent_schema, key.parent);
                let columns = if key.parent_columns.is_empty() {
                    String::new()
                } else {
                    format!(" ({})", names(&key.parent_columns))
                };
                vec![
                    text(&key.name),
                    names(&key.columns),
                    format!("{}{columns}", self.link(&key.parent_schema, &key.parent, &label)),
                    rules(&key.definition),
                    if key.validated {
                        String::new()
                    } else {
                        "not validated".to_owned()
                    },
                ]
            })
            .collect();
        if !rows.is_empty() {
            table(
                out,
                &["Foreign key", "Columns", "Refers to", "Rules", "State"],
                &rows,
            );
        }
    }

    fn write_referrers(&self, out: &mut String, it: &Table) {
        let Some(referrers) = self.referrers.get(&(it.schema.as_str(), it.name.as_str())) else {
            return;
        };
        let links: Vec<String> = referrers
            .iter()
            .map(|(table, key)| {
                format!(
                    "{} ({})",
                    self.link(&table.schema, &table.name, &table.label()),
                    names(&key.columns)
                )
            })
            .collect();
        let _ = write!(out, "\nReferred to by {}.\n", links.join(", "));
    }
}

/// `1,204 rows, 3.1 MiB, owned by app.`
fn facts(it: &Table) -> String {
    let mut facts = Vec::new();
    match it.kind {
        TableKind::Ordinary => {}
        TableKind::Partitioned => facts.push("partitioned".to_owned()),
        TableKind::Partition => facts.push("partition".to_owned()),
        TableKind::Foreign => facts.push("foreign table".to_owned()),
        TableKind::Virtual => facts.push("virtual table".to_owned()),
    }
    if !it.parents.is_empty() {
        let parents: Vec<String> = it.parents.iter().map(|it| text(it)).collect();
        facts.push(format!("of {}", parents.join(", ")));
    }
    match it.rows_counted.or(it.rows_estimate) {
        Some(rows) => {
            let about = if it.rows_exact { "" } else { "about " };
            facts.push(format!("{about}{} rows", count(rows)));
        }
        None => facts.push("rows unknown".to_owned()),
    }
    if it.bytes() > 0 {
        facts.push(size(it.bytes()));
    }
    if it.unlogged {
        facts.push("unlogged".to_owned());
    }
    if !it.owner.is_empty() {
        facts.push(format!("owned by {}", text(&it.owner)));
    }
    if it.row_security {
        let forced = if it.row_security_forced {
            ", forced on the owner"
        } else {
            ""
        };
        facts.push(format!("row level security{forced}"));
    }
    let mut facts = facts.join(", ");
    if let Some(first) = facts.get(..1) {
        let first = first.to_uppercase();
        facts.replace_range(..1, &first);
    }
    format!("{facts}.")
}

fn column_cells(table: &Table, it: &Column) -> Vec<String> {
    let mut marks = Vec::new();
    for key in table.keys.iter().filter(|key| key.columns.contains(&it.name)) {
        match key.kind {
            KeyKind::Primary => marks.push("PK"),
            KeyKind::Unique => marks.push("unique"),
            KeyKind::Check | KeyKind::Exclusion => {}
        }
    }
    if table
        .foreign_keys
        .iter()
        .any(|key| key.columns.contains(&it.name))
    {
        marks.push("FK");
    }
    marks.dedup();
    let value = it.default.as_deref().map(code).unwrap_or_default();
    let value = match (it.identity, it.generated) {
        (true, _) => "identity".to_owned(),
        (_, true) => format!("generated: {value}"),
        _ => value,
    };
    let collation = it
        .collation
        .as_deref()
        .map(|it| format!(" collate {}", text(it)))
        .unwrap_or_default();
    vec![
        text(&it.name),
        format!("{}{collation}", code(&it.type_name)),
        if it.not_null {
            "no".to_owned()
        } else {
            "yes".to_owned()
        },
        value,
        marks.join(", "),
        it.declared.as_deref().map(code).unwrap_or_default(),
        it.comment.as_deref().map(comment).unwrap_or_default(),
    ]
}

fn write_keys(out: &mut String, it: &Table) {
    let kind = |kind: KeyKind| match kind {
        KeyKind::Primary => "primary key",
        KeyKind::Unique => "unique",
        KeyKind::Check => "check",
        KeyKind::Exclusion => "exclusion",
    };
    let row = |key: &inventory::Key| {
        let state = if key.validated { "" } else { "not validated" };
        vec![
            text(&key.name),
            kind(key.kind).to_owned(),
            names(&key.columns),
            code(&key.definition),
            state.to_owned(),
        ]
    };
    let rows: Vec<Vec<String>> = it.keys.iter().map(row).collect();
    if !rows.is_empty() {
        table(out, &["Key", "Kind", "Columns", "Definition", "State"], &rows);
    }
}

fn write_indexes(out: &mut String, it: &Table) {
    let rows: Vec<Vec<String>> = it
        .indexes
        .iter()
        .map(|index| {
            let flags = [
                (index.flags.unique, "unique"),
                (index.flags.partial, "partial"),
                (index.flags.constraint, "of a constraint"),
                (!index.flags.valid, "not valid"),
            ];
            let mut notes: Vec<String> = flags.iter().filter(|it| it.0).map(|it| it.1.to_owned()).collect();
            notes.extend(
                index
                    .duplicate_of
                    .as_deref()
                    .map(|it| format!("same as {}", text(it))),
            );
            vec![
                text(&index.name),
                text(&index.method),
                names(&index.columns),
                notes.join(", "),
                if index.bytes > 0 {
                    size(index.bytes)
                } else {
                    String::new()
                },
                index.scans.map(count).unwrap_or_default(),
                code(&index.definition),
            ]
        })
        .collect();
    if !rows.is_empty() {
        table(
            out,
            &["Index", "Method", "Columns", "Is", "Size", "Scans", "Definition"],
            &rows,
        );
    }
}

fn write_policies(out: &mut String, it: &Table) {
    let row = |it: &Policy| {
        let kind = if it.permissive {
            "permissive"
        } else {
            "restrictive"
        };
        vec![
            text(&it.name),
            text(&it.command),
            names(&it.roles),
            kind.to_owned(),
        ]
    };
    let rows: Vec<Vec<String>> = it.policies.iter().map(row).collect();
    if !rows.is_empty() {
        table(out, &["Policy", "Command", "Roles", "Kind"], &rows);
    }
}

fn names(names: &[String]) -> String {
    names.iter().map(|it| text(it)).collect::<Vec<_>>().join(", ")
}

/// What follows the columns of a foreign key's definition: `ON DELETE CASCADE`.
fn rules(definition: &str) -> String {
    let rules = [" MATCH ", " ON UPDATE ", " ON DELETE ", " DEFERRABLE"];
    let first = rules.iter().filter_map(|it| definition.find(it)).min();
    first.map(|at| code(&definition[at..])).unwrap_or_default()
}

/// What `tgenabled` says, where it is not the usual.
fn enabled(flag: &str) -> &'static str {
    match flag {
        "D" => "never: disabled",
        "R" => "on replicas",
        "A" => "always",
        _ => "",
    }
}
