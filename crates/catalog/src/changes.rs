//! Columns that a table loses, gets, or has with another type when its rows have arrived: what becomes of them, as
//! statements, and what the table's definitions say then.

use serde::{Deserialize, Serialize};

use crate::sql_words::{mentions, words};
use crate::{Definition, DefinitionKind, Property, Table, Value, quote_ident};

/// As `format_type` writes them, without a modifier.
const OWN: [&str; 42] = [
    "bigint",
    "bit",
    "bit varying",
    "boolean",
    "box",
    "bytea",
    "character",
    "character varying",
    "cidr",
    "circle",
    "date",
    "double precision",
    "inet",
    "integer",
    "interval",
    "json",
    "jsonb",
    "jsonpath",
    "line",
    "lseg",
    "macaddr",
    "macaddr8",
    "money",
    "name",
    "numeric",
    "oid",
    "path",
    "pg_lsn",
    "point",
    "polygon",
    "real",
    "smallint",
    "text",
    "time with time zone",
    "time without time zone",
    "timestamp with time zone",
    "timestamp without time zone",
    "tsquery",
    "tsvector",
    "uuid",
    "xml",
    "int4range",
];

/// Other names of them.
const OTHER_NAMES: [(&str, &str); 18] = [
    ("int8", "bigint"),
    ("varbit", "bit varying"),
    ("bool", "boolean"),
    ("char", "character"),
    ("bpchar", "character"),
    ("varchar", "character varying"),
    ("char varying", "character varying"),
    ("float8", "double precision"),
    ("float", "double precision"),
    ("int", "integer"),
    ("int4", "integer"),
    ("decimal", "numeric"),
    ("float4", "real"),
    ("int2", "smallint"),
    ("timetz", "time with time zone"),
    ("time", "time without time zone"),
    ("timestamptz", "timestamp with time zone"),
    ("timestamp", "timestamp without time zone"),
];

/// What becomes of a table's columns behind the rows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnChanges {
    /// The names under which they are filled.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dropped: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub retyped: Vec<RetypedColumn>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub added: Vec<AddedColumn>,
}

/// A column that gets another type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetypedColumn {
    /// The name under which it is filled.
    pub column: String,
    /// As `format_type` writes it.
    #[serde(rename = "type")]
    pub target: String,
    /// SQL over the columns as they are filled; `None` for an assignment cast.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub using: Option<String>,
}

/// A column that the source does not have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddedColumn {
    pub name: String,
    /// As `format_type` writes it.
    #[serde(rename = "type")]
    pub target: String,
    /// SQL over the columns as they are filled.
    pub value: String,
}

impl ColumnChanges {
    pub fn drops(&self, column: &str) -> bool {
        self.dropped.iter().any(|it| it == column)
    }

    pub fn adds(&self, column: &str) -> bool {
        self.added.iter().any(|it| it.name == column)
    }

    pub fn retypes(&self, column: &str) -> Option<&RetypedColumn> {
        self.retyped.iter().find(|it| it.column == column)
    }

    /// The statements that carry it out, in their order. Where several columns get other values, each is calculated of the
    /// row as it was.
    pub fn statements(&self, table: &Table) -> Vec<String> {
        let name = table.qualified_name();
        let (mut added, mut altered) = (Vec::new(), Vec::new());
        for column in &self.added {
            let (own, target, value) = (quote_ident(&column.name), &column.target, &column.value);
            if table.columns.iter().any(|it| mentions(value, &it.name)) {
                added.push(format!("ADD COLUMN {own} {target}"));
                altered.push(format!("ALTER COLUMN {own} TYPE {target} USING ({value})"));
            } else {
                // A default that needs no row is kept for all rows at once, where the table need not be written again.
                added.push(format!("ADD COLUMN {own} {target} DEFAULT ({value})"));
                altered.push(format!("ALTER COLUMN {own} DROP DEFAULT"));
            }
        }
        for column in &self.retyped {
            let using = column
                .using
                .as_ref()
                .map_or_else(String::new, |it| format!(" USING ({it})"));
            let own = quote_ident(&column.column);
            altered.push(format!("ALTER COLUMN {own} TYPE {}{using}", column.target));
        }
        let dropped = self.dropped.iter();
        let dropped: Vec<String> = dropped
            .map(|it| format!("DROP COLUMN {}", quote_ident(it)))
            .collect();
        [added, altered, dropped]
            .into_iter()
            .filter(|it| !it.is_empty())
            .map(|it| format!("ALTER TABLE {name} {};", it.join(", ")))
            .collect()
    }
}

/// Gives `definitions` the columns that the tables have when their changes are done.
pub fn redefine_changed(definitions: &mut Vec<Definition>, tables: &[Table]) {
    if definitions.is_empty() {
        return;
    }
    for table in tables {
        let Some(changes) = &table.changes else { continue };
        let is_of_table = |it: &Definition| {
            it.kind == DefinitionKind::Column
                && it.schema == table.schema
                && it.table.as_ref() == Some(&table.name)
        };
        let end = definitions.iter().rposition(is_of_table);
        let end = end.map_or(definitions.len(), |it| it + 1);
        let added = changes.added.iter().map(|it| Definition {
            kind: DefinitionKind::Column,
            schema: table.schema.clone(),
            name: it.name.clone(),
            table: Some(table.name.clone()),
            arguments: None,
            properties: vec![type_property(&it.target)],
        });
        definitions.splice(end..end, added.collect::<Vec<_>>());
        definitions.retain(|it| !is_of_table(it) || !changes.drops(&it.name));
        for definition in definitions.iter_mut().filter(|it| is_of_table(it)) {
            let Some(retyped) = changes.retypes(&definition.name) else {
                continue;
            };
            // PostgreSQL takes them from the new type.
            definition
                .properties
                .retain(|it| !["type", "storage", "compression"].contains(&it.name.as_str()));
            definition.properties.insert(0, type_property(&retyped.target));
        }
    }
}

fn type_property(target: &str) -> Property {
    Property {
        name: "type".to_owned(),
        value: Value::Plain(target.to_owned()),
    }
}

/// The type as `format_type` writes it; an error for one that is none of PostgreSQL's own, or not written as a type.
pub fn own_type(text: &str) -> Result<String, String> {
    let refusal = || format!("`{text}` is none of PostgreSQL's own types, which alone can be given yet");
    let lower = text.trim().to_ascii_lowercase();
    let (lower, array) = match lower.strip_suffix("[]") {
        Some(element) => (element.trim_end().to_owned(), "[]"),
        None => (lower, ""),
    };
    let (front, modifier, back) = match lower.split_once('(') {
        Some((front, rest)) => {
            let (modifier, back) = rest.split_once(')').ok_or_else(refusal)?;
            let numbers: Vec<&str> = modifier.split(',').map(str::trim).collect();
            let is_number =
                |it: &&str| !it.is_empty() && it.len() < 6 && it.bytes().all(|it| it.is_ascii_digit());
            if numbers.len() > 2 || !numbers.iter().all(is_number) {
                return Err(refusal());
            }
            (front.trim(), Some(numbers), back.trim())
        }
        None => (lower.as_str(), None, ""),
    };
    let name: Vec<&str> = front.split_whitespace().chain(back.split_whitespace()).collect();
    let mut name = name.join(" ");
    if let Some(own) = name.strip_prefix("pg_catalog.") {
        name = own.to_owned();
    }
    if let Some((_, own)) = OTHER_NAMES.iter().find(|(other, _)| *other == name) {
        (*own).clone_into(&mut name);
    }
    if !OWN.contains(&name.as_str()) || (name == "real" || name == "double precision") && modifier.is_some() {
        return Err(refusal());
    }
    let modifier = match (name.as_str(), modifier) {
        // Without a length they have one.
        ("character" | "bit", None) => "(1)".to_owned(),
        ("numeric", Some(numbers)) if numbers.len() == 1 => format!("({},0)", numbers[0]),
        (_, Some(numbers)) => format!("({})", numbers.join(",")),
        (_, None) => String::new(),
    };
    let (front, back) = match name.split_once(' ') {
        Some((front @ ("time" | "timestamp"), back)) => (front, format!(" {back}")),
        _ => (name.as_str(), String::new()),
    };
    Ok(format!("{front}{modifier}{back}{array}"))
}

/// Which of the functions in `sql` are called, in lower case as they stand there.
pub fn called(sql: &str) -> Vec<String> {
    let words = words(sql);
    words
        .into_iter()
        .filter(|it| it.is_call)
        .map(|it| it.name)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_written_as_the_server_writes_them() {
        for (text, expected) in [
            ("int", "integer"),
            ("VARCHAR( 20 )", "character varying(20)"),
            ("numeric(10)", "numeric(10,0)"),
            ("numeric(10, 2)[]", "numeric(10,2)[]"),
            ("timestamptz(3)", "timestamp(3) with time zone"),
            (
                "timestamp (3) without  time zone",
                "timestamp(3) without time zone",
            ),
            ("char", "character(1)"),
            ("pg_catalog.int8", "bigint"),
        ] {
            assert_eq!(own_type(text).as_deref(), Ok(expected), "{text}");
        }
        for text in [
            "public.mood",
            "int; DROP TABLE t",
            "text NOT NULL",
            "numeric(",
            "serial",
        ] {
            assert!(own_type(text).is_err(), "{text}");
        }
    }
}
