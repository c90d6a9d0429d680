//! The catalog as it is after a conversion.

use std::collections::HashSet;

use catalog::{
    Catalog, Column, ColumnType, IDENTIFIER_BYTES_MAX, NewNames, Object, ObjectKind, QualifiedName, Table,
};

use crate::{KeptColumn, TableConversion, conversion_of};

/// The unique index over a column that keeps old keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptIndex {
    pub table: QualifiedName,
    pub name: String,
    pub column: String,
}

/// The sequences that serve converted columns alone: UUIDs come from none.
pub fn own_sequences(catalog: &Catalog, conversions: &[TableConversion]) -> Vec<QualifiedName> {
    let converted: HashSet<(QualifiedName, &str)> = columns(catalog, conversions).collect();
    let owned = catalog.sequences.iter().filter(|it| {
        let owner = it.owned_by.as_ref();
        owner.is_some_and(|it| converted.contains(&(it.table.clone(), it.column.as_str())))
    });
    owned.map(|it| QualifiedName::new(&it.schema, &it.name)).collect()
}

fn columns<'a>(
    catalog: &'a Catalog,
    conversions: &'a [TableConversion],
) -> impl Iterator<Item = (QualifiedName, &'a str)> {
    catalog.tables.iter().flat_map(|table| {
        let conversion = conversion_of(conversions, table.number);
        let columns = conversion.into_iter().flat_map(|it| &it.columns);
        columns.map(|it| (table.qualified_name(), it.column.as_str()))
    })
}

/// Takes away what converted columns have no use for (sequences, identities), and adds the indexes of those that keep
/// old keys. The columns stay what the rows have. To be done once.
pub fn settle(catalog: &mut Catalog, conversions: &[TableConversion]) {
    let indexes = kept_indexes(catalog, conversions);
    let gone: HashSet<QualifiedName> = own_sequences(catalog, conversions).into_iter().collect();
    let is_gone = |schema: &str, name: &str| gone.contains(&QualifiedName::new(schema, name));
    catalog.sequences.retain(|it| !is_gone(&it.schema, &it.name));
    catalog
        .objects
        .retain(|it| it.kind != ObjectKind::Sequence || !is_gone(&it.schema, &it.name));
    for table in &mut catalog.tables {
        for it in conversion_of(conversions, table.number)
            .into_iter()
            .flat_map(|it| &it.columns)
        {
            let column = table.columns.iter_mut().find(|column| column.name == it.column);
            if let Some(column) = column {
                column.identity = None;
            }
        }
    }
    catalog.objects.extend(indexes.into_iter().map(|it| Object {
        kind: ObjectKind::Index,
        schema: it.table.schema,
        name: it.name,
        table: Some(it.table.name),
        indexed: false,
    }));
}

/// The indexes over columns that keep old keys, under names that nothing else in the schema has.
pub fn kept_indexes(catalog: &Catalog, conversions: &[TableConversion]) -> Vec<KeptIndex> {
    let names = catalog
        .objects
        .iter()
        .map(|it| QualifiedName::new(&it.schema, &it.name));
    let mut taken: HashSet<QualifiedName> = names.collect();
    let mut indexes = Vec::new();
    for table in &catalog.tables {
        let conversion = conversion_of(conversions, table.number);
        for (_, kept) in conversion.into_iter().flat_map(TableConversion::kept) {
            let whole = format!("{}_{}", table.name, kept.name);
            let mut numbers = (1..).map(|number| format!("_key{number}"));
            let mut name = cut(&whole, "_key");
            while !taken.insert(QualifiedName::new(&table.schema, &name)) {
                name = cut(&whole, &numbers.next().unwrap_or_default());
            }
            indexes.push(KeptIndex {
                table: table.qualified_name(),
                name,
                column: kept.name.clone(),
            });
        }
    }
    indexes
}

fn cut(name: &str, end: &str) -> String {
    let length = name.floor_char_boundary(IDENTIFIER_BYTES_MAX - end.len());
    format!("{}{end}", &name[..length])
}

/// Gives the columns of a catalog that was settled the types that they have on the target, and adds those that keep
/// old values.
pub fn reshape(catalog: &mut Catalog, conversions: &[TableConversion]) {
    for table in &mut catalog.tables {
        if let Some(conversion) = conversion_of(conversions, table.number) {
            reshape_table(table, conversion);
        }
    }
}

fn reshape_table(table: &mut Table, conversion: &TableConversion) {
    for column in &mut table.columns {
        if conversion.column(&column.name).is_some() {
            column.column_type = built_in("uuid", "uuid");
            column.binary_safe = true;
        }
    }
    let kept = conversion.kept().map(|(it, kept)| Column {
        name: kept.name.clone(),
        new_name: kept.new_name.clone(),
        column_type: built_in(it.from.internal_name(), it.from.name()),
        not_null: false,
        identity: None,
        generated: None,
        binary_safe: true,
        names: None,
    });
    table.columns.extend(kept);
}

fn built_in(name: &str, text: &str) -> ColumnType {
    ColumnType {
        schema: ColumnType::BUILT_IN_SCHEMA.to_owned(),
        name: name.to_owned(),
        text: text.to_owned(),
        base: None,
    }
}

/// Gives columns that keep old values the names that `names` has for them.
pub fn rename_kept(conversions: &mut [TableConversion], names: &dyn NewNames) {
    let columns = conversions.iter_mut().flat_map(|it| &mut it.columns);
    // The source has no such column, so that only a rule for all names can mean it.
    for KeptColumn { name, new_name } in columns.filter_map(|it| it.kept_as.as_mut()) {
        let new = names.column("", "", new_name.as_deref().unwrap_or(name));
        *new_name = (new != *name).then_some(new);
    }
}
