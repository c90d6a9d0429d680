//! Tables and views that SQL of the file may name, and what they are on the target.

use crate::{Affinity, Collation, ValueType};

/// The schema on the target that all relations of a file are in.
pub(crate) const SCHEMA: &str = "public";

/// A table or a view.
#[derive(Clone, Debug)]
pub struct Relation {
    /// As the file has it; SQLite compares names without regard to ASCII case.
    pub name: String,
    /// Its exact name on the target, without quotes.
    pub target: String,
    pub is_view: bool,
    pub columns: Vec<RelationColumn>,
    /// Places of the columns of the target's primary key, none of which is NULL; empty without one.
    pub primary_key: Vec<usize>,
    /// Place of the column that is an alias of the rowid.
    pub rowid: Option<usize>,
    /// Further keys that the target enforces, as places of columns.
    pub uniques: Vec<Vec<usize>>,
    /// Whether foreign keys refer to it.
    pub is_referenced: bool,
    /// Whether triggers belong to it.
    pub has_triggers: bool,
}

/// A column of a [`Relation`].
#[derive(Clone, Debug)]
pub struct RelationColumn {
    pub name: String,
    pub target: String,
    pub value_type: ValueType,
    pub nullable: bool,
    /// Whether the server itself computes its values, so that no statement may give one.
    pub generated: bool,
    pub collation: Collation,
    pub affinity: Affinity,
}

/// All that SQL of a file may name.
#[derive(Clone, Debug, Default)]
pub struct Relations {
    /// Whether the file keeps its texts in UTF-16.
    pub utf16: bool,
    all: Vec<Relation>,
    /// What the file has and the target does not, with its kind: `view`, `virtual table`.
    absent: Vec<(String, &'static str)>,
}

impl Relations {
    /// Adds one, which later SQL may name.
    pub fn add(&mut self, relation: Relation) {
        self.all.push(relation);
    }

    /// Says that the file has `name`, of `kind`, and that the target has not.
    pub fn add_absent(&mut self, name: &str, kind: &'static str) {
        self.absent.push((name.to_owned(), kind));
    }

    /// The relation of that name.
    pub fn get(&self, name: &str) -> Option<&Relation> {
        self.all.iter().find(|it| it.name.eq_ignore_ascii_case(name))
    }

    /// Whether one of them is called so on the target.
    pub fn is_target(&self, name: &str) -> bool {
        self.all.iter().any(|it| it.target == name)
    }

    /// What kind of relation the file alone has under that name.
    pub(crate) fn absent_kind(&self, name: &str) -> Option<&'static str> {
        let mut found = self.absent.iter().filter(|(it, _)| it.eq_ignore_ascii_case(name));
        found.next().map(|(_, kind)| *kind)
    }
}

impl Relation {
    /// The place of the column of that name.
    pub fn place(&self, name: &str) -> Option<usize> {
        self.columns
            .iter()
            .position(|it| it.name.eq_ignore_ascii_case(name))
    }

    /// Its name with the schema, quoted where needed.
    pub(crate) fn qualified(&self) -> String {
        catalog::QualifiedName::new(SCHEMA, &self.target).to_string()
    }
}

/// Whether SQLite takes `name` for the number of a row where no column has it.
pub(crate) fn is_rowid(name: &str) -> bool {
    ["rowid", "_rowid_", "oid"]
        .iter()
        .any(|it| it.eq_ignore_ascii_case(name))
}
