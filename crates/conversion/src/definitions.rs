//! What objects are defined as after a conversion, in the words in which they are read from a server.

use catalog::{
    Catalog, Definition, DefinitionKind, ObjectKind, Property, QualifiedName, Table, Value, quote_ident,
};

use crate::{ColumnConversion, TableConversion, conversion_of, kept_indexes, own_sequences};

/// What a key gets that the source's database made by itself.
const NEW_KEY: &str = "gen_random_uuid()";

/// Gives `definitions` of the source, whose `catalog` was not settled yet, what its converted columns have on the target.
/// What mentions a column keeps its text.
pub fn redefine(definitions: &mut Vec<Definition>, catalog: &Catalog, conversions: &[TableConversion]) {
    if definitions.is_empty() || conversions.is_empty() {
        return;
    }
    let gone = own_sequences(catalog, conversions);
    definitions.retain(|it| {
        let is_sequence = it.kind == DefinitionKind::Object(ObjectKind::Sequence);
        !(is_sequence
            && gone
                .iter()
                .any(|gone| *gone == QualifiedName::new(&it.schema, &it.name)))
    });
    for table in &catalog.tables {
        let Some(conversion) = conversion_of(conversions, table.number) else {
            continue;
        };
        let is_of_table = |it: &Definition| {
            it.kind == DefinitionKind::Column
                && it.schema == table.schema
                && it.table.as_ref() == Some(&table.name)
        };
        for definition in definitions.iter_mut().filter(|it| is_of_table(it)) {
            if let Some(column) = conversion.column(&definition.name) {
                let makes_keys = is_key(table, column);
                convert(&mut definition.properties, column, makes_keys);
            }
        }
        let end = definitions
            .iter()
            .rposition(is_of_table)
            .map_or(definitions.len(), |it| it + 1);
        let kept = conversion.kept().map(|(column, kept)| Definition {
            kind: DefinitionKind::Column,
            schema: table.schema.clone(),
            name: kept.name.clone(),
            table: Some(table.name.clone()),
            arguments: None,
            properties: vec![plain("type", column.from.name())],
        });
        definitions.splice(end..end, kept.collect::<Vec<_>>());
    }
    definitions.extend(kept_indexes(catalog, conversions).into_iter().map(|it| {
        let (name, column) = (quote_ident(&it.name), quote_ident(&it.column));
        let sql = format!(
            "CREATE UNIQUE INDEX {name} ON {} USING btree ({column});",
            it.table
        );
        Definition {
            kind: DefinitionKind::Object(ObjectKind::Index),
            schema: it.table.schema,
            name: it.name,
            table: Some(it.table.name),
            arguments: None,
            properties: vec![Property {
                name: "definition".to_owned(),
                value: Value::Statement(sql),
            }],
        }
    }));
}

/// Whether the column is a key itself, and so gets new values from nowhere else.
fn is_key(table: &Table, column: &ColumnConversion) -> bool {
    column.key_of == table.qualified_name() && table.primary_key == [column.column.clone()]
}

fn convert(properties: &mut Vec<Property>, column: &ColumnConversion, makes_keys: bool) {
    let counted = properties.iter().any(|it| it.name == "identity");
    let default = properties
        .iter()
        .find(|it| it.name == "default")
        .map(|it| match &it.value {
            Value::Plain(text) => text.clone(),
            Value::Statement(sql) | Value::Written(sql) => sql
                .split_once(" SET DEFAULT ")
                .map_or(sql.as_str(), |it| it.1)
                .to_owned(),
        });
    let new = match default {
        None if counted => makes_keys.then(|| NEW_KEY.to_owned()),
        None => None,
        Some(text) if text.contains("nextval(") => makes_keys.then(|| NEW_KEY.to_owned()),
        Some(text) => key_in(&text).map(|key| format!("'{}'::uuid", column.namespace.uuid_text(key))),
    };
    properties.retain(|it| !["type", "identity", "default"].contains(&it.name.as_str()));
    let default = new.map(|it| plain("default", &it));
    let converted = std::iter::once(plain("type", "uuid")).chain(default);
    properties.splice(0..0, converted);
}

/// The integer that a default is.
fn key_in(text: &str) -> Option<i64> {
    let value = text.trim_matches(['(', ')', ' ', ';']);
    let value = value.split("::").next().unwrap_or_default();
    value.trim_matches(['(', ')', ' ', '\'']).parse().ok()
}

fn plain(name: &str, value: &str) -> Property {
    Property {
        name: name.to_owned(),
        value: Value::Plain(value.to_owned()),
    }
}
