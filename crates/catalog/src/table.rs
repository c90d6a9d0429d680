//! Tables, their columns, sequences and materialized views.

use serde::{Deserialize, Serialize};

use crate::{
    ColumnChanges, Merged, Part, PartitionKey, QualifiedName, StoredNames, ThroughRoot, quote_ident,
};

/// A table of any kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// Identifies the table within its archive; equal to its place in [`crate::Catalog::tables`].
    pub number: u32,
    pub schema: String,
    pub name: String,
    pub kind: TableKind,
    pub unlogged: bool,
    /// In the order of `attnum`, dropped columns left out.
    pub columns: Vec<Column>,
    /// Names of the primary key's columns in the key's order; empty without one.
    pub primary_key: Vec<String>,
    /// The parent of a partition.
    pub partition_of: Option<QualifiedName>,
    /// Of a partitioned table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition_key: Option<PartitionKey>,
    /// `None` where each partition has its own rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub through_root: Option<ThroughRoot>,
    /// Parents by inheritance.
    pub inherits: Vec<QualifiedName>,
    /// The planner's estimate of rows; `None` when the table was never analyzed.
    pub rows_estimate: Option<u64>,
    /// Bytes of the heap and its TOAST table, without indexes; where [`Table::through_root`] says so, those of all
    /// partitions are the root's.
    pub bytes: u64,
    /// Bytes of its indexes; `None` where the source does not know them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index_bytes: Option<u64>,
    /// Its name in a file of another kind, where it has got a new one since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// The extension that a table of kind [`TableKind::Configuration`] belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extension: Option<String>,
    /// Which of its rows are meant, as SQL of the source: `WHERE …`; `None` for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    /// Of a table of kind [`TableKind::Merged`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged: Option<Merged>,
    /// Of a table of kind [`TableKind::Part`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<Part>,
    /// What becomes of its columns behind the rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changes: Option<ColumnChanges>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TableKind {
    /// Holds rows of its own, partitions among them.
    Ordinary,
    /// Holds no rows of its own, unless they go through it.
    Partitioned,
    /// Its rows live elsewhere.
    Foreign,
    /// Stands for all large objects: see [`crate::large_objects_table`].
    LargeObjects,
    /// Belongs to an extension and holds rows of the user's (`pg_extension.extconfig`).
    Configuration,
    /// Its rows come out of several sources: it has [`Table::merged`], and no rows in an archive.
    Merged,
    /// One source's rows of a merged table: it has [`Table::part`], and no definition in an archive.
    Part,
}

impl Table {
    /// The schema and the name that it has had from the beginning.
    pub fn first_name(&self) -> QualifiedName {
        let name = self.origin.as_deref().unwrap_or(&self.name);
        QualifiedName::new(&self.schema, name)
    }

    pub fn qualified_name(&self) -> QualifiedName {
        QualifiedName::new(&self.schema, &self.name)
    }

    /// Whether rows of its own are read and written.
    pub fn has_rows(&self) -> bool {
        match self.through_root {
            Some(place) => place == ThroughRoot::Root,
            None => !matches!(
                self.kind,
                TableKind::Partitioned | TableKind::Foreign | TableKind::Merged
            ),
        }
    }

    /// Whether it lives in one of the source's own schemas, and is made by its definitions.
    pub fn is_own(&self) -> bool {
        !matches!(
            self.kind,
            TableKind::LargeObjects | TableKind::Configuration | TableKind::Part
        )
    }

    /// Columns whose values are stored and travel; generated ones are computed again by the target.
    pub fn stored_columns(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter().filter(|column| column.generated.is_none())
    }

    /// Whether values of its stored columns hold names of objects.
    pub fn stores_names(&self) -> bool {
        self.stored_columns().any(|column| column.names.is_some())
    }

    /// The stored columns' names as SQL, `(a, "B")`; empty for a table without stored columns.
    pub fn column_list(&self) -> String {
        let names: Vec<String> = self
            .stored_columns()
            .map(|column| quote_ident(&column.name))
            .collect();
        if names.is_empty() {
            String::new()
        } else {
            format!("({})", names.join(", "))
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// The name under which the column is made and filled.
    pub name: String,
    /// The name that it gets after the rows, when that is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_name: Option<String>,
    #[serde(rename = "type")]
    pub column_type: ColumnType,
    pub not_null: bool,
    pub identity: Option<IdentityKind>,
    pub generated: Option<GeneratedKind>,
    /// Whether the type's binary form means the same bytes in every database.
    pub binary_safe: bool,
    /// Where names of objects stand in the values; a table that has such a column travels as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub names: Option<StoredNames>,
}

impl Column {
    /// What the column is called when everything is done.
    pub fn target_name(&self) -> &str {
        self.new_name.as_deref().unwrap_or(&self.name)
    }
}

/// A column's type, its schema apart from the rest so that it can be given a new name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnType {
    pub schema: String,
    /// `pg_type.typname`, for an array that of its element: `mood`, never `_mood`.
    pub name: String,
    /// As `format_type` writes it, but for types outside `pg_catalog` only what follows the name: `[]`, `(3,2)`.
    pub text: String,
    /// Of a domain: the built-in type below it, as `format_type` writes it without a modifier. `None` for all else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
}

impl ColumnType {
    pub const BUILT_IN_SCHEMA: &'static str = "pg_catalog";
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdentityKind {
    Always,
    ByDefault,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GeneratedKind {
    Stored,
    Virtual,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sequence {
    pub schema: String,
    pub name: String,
    /// The column whose default or identity it serves.
    pub owned_by: Option<SequenceOwner>,
    pub last_value: i64,
    pub is_called: bool,
    /// Negative for a sequence that counts down.
    pub increment: i64,
    /// Where it begins.
    #[serde(default = "first")]
    pub start: i64,
}

/// Where sequences begin that say nothing else.
fn first() -> i64 {
    1
}

/// The column that a sequence belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SequenceOwner {
    pub table: QualifiedName,
    pub column: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MaterializedView {
    pub schema: String,
    pub name: String,
    /// False after `WITH NO DATA`: it stays so on the target.
    pub populated: bool,
    /// Bytes with TOAST and indexes; `None` where the source does not know them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
}
