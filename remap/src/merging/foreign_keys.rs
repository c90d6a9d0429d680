//! Which columns of a source hold keys of which of its tables.

use catalog::{ForeignKey, QualifiedName};
use rewrite::{About, TablePart};

use super::group::Groups;
use super::source::Source;
use super::statements::Parsed;

/// A foreign key within one source, by the places of its tables.
pub(crate) struct Key {
    pub(super) table: usize,
    pub(super) columns: Vec<String>,
    pub(super) parent: usize,
    pub(super) parent_columns: Vec<String>,
}

/// The foreign keys of every source, those that only its declarations know among them, and those that a merged table
/// has from another part: the column means the same.
pub(super) fn all_keys(sources: &[Source], texts: &[Parsed<'_>], groups: &Groups) -> Vec<Vec<Key>> {
    let declared = |(source, texts): (&Source, &Parsed<'_>)| -> Vec<ForeignKey> {
        let statements = texts.iter().flat_map(|(_, statements)| statements);
        let keys = statements.filter_map(|it| match &it.about {
            About::Part {
                table,
                part: TablePart::ForeignKey(key),
            } => Some(ForeignKey {
                table: table.clone(),
                columns: key.columns.clone(),
                parent: key.parent.clone(),
                parent_columns: key.parent_columns.clone(),
            }),
            _ => None,
        });
        keys.chain(source.catalog.left_out_keys.iter().cloned()).collect()
    };
    let declared: Vec<Vec<ForeignKey>> = sources.iter().zip(texts).map(declared).collect();
    let mut all: Vec<Vec<Key>> = Vec::new();
    for (place, source) in sources.iter().enumerate() {
        let tables = &source.catalog.tables;
        let mut keys: Vec<Key> = Vec::new();
        let of_others = declared
            .iter()
            .flatten()
            .filter(|it| groups.by_target.contains_key(&it.table));
        for key in declared[place].iter().chain(of_others) {
            let find = |name: &QualifiedName| {
                tables
                    .iter()
                    .position(|it| it.is_own() && it.qualified_name() == *name)
            };
            let (Some(table), Some(parent)) = (find(&key.table), find(&key.parent)) else {
                continue;
            };
            let parent_columns = if key.parent_columns.is_empty() {
                tables[parent].primary_key.clone()
            } else {
                key.parent_columns.clone()
            };
            let has = |table: usize, columns: &[String]| {
                let mut columns = columns.iter();
                columns.all(|it| tables[table].columns.iter().any(|column| column.name == *it))
            };
            let is_known = keys.iter().any(|it| {
                (it.table, it.parent) == (table, parent)
                    && it.columns == key.columns
                    && it.parent_columns == parent_columns
            });
            if !is_known && has(table, &key.columns) && has(parent, &parent_columns) {
                let columns = key.columns.clone();
                keys.push(Key {
                    table,
                    columns,
                    parent,
                    parent_columns,
                });
            }
        }
        all.push(keys);
    }
    all
}
