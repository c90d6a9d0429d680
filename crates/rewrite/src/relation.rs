//! What the definition of a relation says of its parts: columns, and names that its indexes take.

mod view_columns;

use std::collections::{BTreeMap, HashSet};

use catalog::{QualifiedName, Table, TableKind, quote_ident};
use plan::{Mapping, Namespace};
use squawk_syntax::ast::normalize_name_node;
use squawk_syntax::{SyntaxKind, SyntaxNode};

use crate::reference;
use crate::rewriter::child;

/// A name that stands among the relations of its table's schema.
pub(crate) struct Index {
    pub(crate) name: String,
    /// The constraint that it serves is called so too.
    pub(crate) of_constraint: bool,
}

/// The indexes that `statement` makes by name, those of constraints among them.
pub(crate) fn indexes(statement: &SyntaxNode) -> impl Iterator<Item = Index> {
    let named = statement.descendants().filter(|node| match node.kind() {
        SyntaxKind::INDEX => true,
        SyntaxKind::CONSTRAINT_NAME => has_index(node),
        _ => false,
    });
    named.map(|node| Index {
        of_constraint: node.kind() == SyntaxKind::CONSTRAINT_NAME,
        name: normalize_name_node(&innermost(node)),
    })
}

/// The function that a trigger calls, and the names of the transition tables that it gives it.
pub(crate) fn transition_tables(statement: &SyntaxNode) -> (Option<QualifiedName>, Vec<String>) {
    if statement.kind() != SyntaxKind::CREATE_TRIGGER {
        return (None, Vec::new());
    }
    let tables = statement
        .descendants()
        .filter(|it| it.kind() == SyntaxKind::TRANSITION_RELATION_NAME);
    let tables = tables.map(|it| normalize_name_node(&it)).collect();
    let call = child(statement, SyntaxKind::CALL_EXPR);
    (call.and_then(|it| referenced(&it).next()), tables)
}

/// Whether the constraint that `name` names when it is made has an index.
pub(crate) fn has_index(name: &SyntaxNode) -> bool {
    name.ancestors().skip(1).any(|it| {
        matches!(
            it.kind(),
            SyntaxKind::PRIMARY_KEY_CONSTRAINT
                | SyntaxKind::UNIQUE_CONSTRAINT
                | SyntaxKind::EXCLUDE_CONSTRAINT
        )
    })
}

/// Everything that has columns, by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Relations {
    by_name: BTreeMap<QualifiedName, Relation>,
    column_names: HashSet<String>,
}

#[derive(Clone, Debug)]
struct Relation {
    kind: RelationKind,
    /// `None` when the definition does not say all of them.
    columns: Option<Vec<String>>,
    /// What its columns can come from: tables, or the type of a typed table.
    parents: Vec<QualifiedName>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RelationKind {
    Table,
    ForeignTable,
    View,
    MaterializedView,
    CompositeType,
}

impl Relations {
    pub(crate) fn insert_table(&mut self, table: &Table) {
        let kind = match table.kind {
            TableKind::Foreign => RelationKind::ForeignTable,
            _ => RelationKind::Table,
        };
        let parents = table.inherits.iter().chain(&table.partition_of);
        let relation = Relation {
            kind,
            columns: Some(
                table
                    .columns
                    .iter()
                    .map(|it| it.target_name().to_owned())
                    .collect(),
            ),
            parents: parents.cloned().collect(),
        };
        self.insert(table.qualified_name(), relation);
    }

    /// Adds what `statement`, which is about `subject`, says of columns and of where they come from.
    pub(crate) fn learn(&mut self, statement: &SyntaxNode, subject: &QualifiedName) {
        if statement.kind() == SyntaxKind::ALTER_TABLE {
            let attached = statement
                .children()
                .find(|it| it.kind() == SyntaxKind::ATTACH_PARTITION)
                .and_then(|it| referenced(&it).next());
            if let Some(partition) = attached.and_then(|it| self.by_name.get_mut(&it)) {
                partition.parents.push(subject.clone());
            }
            return;
        }
        let Some(kind) = RelationKind::of(statement) else {
            return;
        };
        let columns = match kind {
            RelationKind::View | RelationKind::MaterializedView => view_columns::of(statement),
            RelationKind::CompositeType => Some(listed(
                statement,
                SyntaxKind::COMPOSITE_FIELD_DEF,
                SyntaxKind::COMPOSITE_FIELD,
            )),
            RelationKind::Table | RelationKind::ForeignTable => {
                Some(listed(statement, SyntaxKind::COLUMN, SyntaxKind::COLUMN_NAME))
            }
        };
        let clauses = statement.children().filter(|it| {
            matches!(
                it.kind(),
                SyntaxKind::INHERITS | SyntaxKind::PARTITION_OF | SyntaxKind::OF_TYPE
            )
        });
        let parents = clauses.flat_map(|it| referenced(&it).collect::<Vec<_>>());
        let relation = Relation {
            kind,
            columns,
            parents: parents.collect(),
        };
        match self.by_name.get_mut(subject) {
            // A catalog knows all columns; the type of a typed table is in the text alone.
            Some(known) => known.parents.extend(relation.parents),
            None => self.insert(subject.clone(), relation),
        }
    }

    fn insert(&mut self, name: QualifiedName, relation: Relation) {
        self.column_names.extend(relation.columns().iter().cloned());
        self.by_name.insert(name, relation);
    }

    /// Whether anything has a column called `name`.
    pub(crate) fn has_column(&self, name: &str) -> bool {
        self.column_names.contains(name)
    }

    pub(crate) fn columns_of(&self, relation: &QualifiedName) -> Option<&[String]> {
        self.by_name.get(relation)?.columns.as_deref()
    }

    /// Each relation with the names of its columns, as far as they are known.
    pub(crate) fn columns(&self) -> impl Iterator<Item = (&QualifiedName, &[String])> {
        self.by_name.iter().map(|(name, it)| (name, it.columns()))
    }

    /// Whether the column comes from more than one parent.
    pub(crate) fn is_inherited_twice(&self, relation: &QualifiedName, column: &str) -> bool {
        let has_it = |parent: &&QualifiedName| {
            self.by_name
                .get(*parent)
                .is_some_and(|it| it.columns.iter().flatten().any(|it| it == column))
        };
        let parents = self.by_name.get(relation).map(|it| it.parents.as_slice());
        let parents: std::collections::HashSet<&QualifiedName> = parents.unwrap_or_default().iter().collect();
        parents.into_iter().filter(has_it).count() > 1
    }

    /// Whether the relation has parents, or is one.
    pub(crate) fn has_kin(&self, relation: &QualifiedName) -> bool {
        let has_parents = self
            .by_name
            .get(relation)
            .is_some_and(|it| !it.parents.is_empty());
        has_parents || self.by_name.values().any(|it| it.parents.contains(relation))
    }

    /// Every column that `mapping` gives another name, once where it is inherited.
    pub(crate) fn renamed_columns(&self, mapping: &Mapping) -> Vec<ColumnRename> {
        let mut renames = Vec::new();
        for (name, relation) in &self.by_name {
            let target = QualifiedName::new(
                mapping.schema(&name.schema),
                mapping.object(Namespace::Objects, &name.schema, &name.name),
            );
            for column in relation.columns() {
                let new = mapping.column_of(&name.schema, &name.name, column);
                if new == *column || self.is_inherited(relation, column) {
                    continue;
                }
                renames.push(ColumnRename {
                    relation: name.clone(),
                    statement: relation.kind.rename(&target, column, &new),
                    old: column.clone(),
                    new,
                });
            }
        }
        renames
    }

    /// Ancestors are looked at once each: broken input can make a table its own ancestor.
    fn is_inherited(&self, relation: &Relation, column: &str) -> bool {
        let mut waiting: Vec<&QualifiedName> = relation.parents.iter().collect();
        let mut seen = HashSet::new();
        while let Some(name) = waiting.pop() {
            let Some(parent) = self.by_name.get(name).filter(|_| seen.insert(name)) else {
                continue;
            };
            if parent.columns().iter().any(|it| it == column) {
                return true;
            }
            waiting.extend(&parent.parents);
        }
        false
    }
}

impl Relation {
    /// None where they are not known.
    fn columns(&self) -> &[String] {
        self.columns.as_deref().unwrap_or_default()
    }
}

/// A column's new name, which PostgreSQL itself gives it after everything that mentions the old one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnRename {
    /// Under its names in the source.
    pub relation: QualifiedName,
    pub old: String,
    pub new: String,
    /// `ALTER … RENAME COLUMN …;` with the names of the target.
    pub statement: String,
}

impl RelationKind {
    fn of(statement: &SyntaxNode) -> Option<Self> {
        match statement.kind() {
            SyntaxKind::CREATE_TABLE => Some(RelationKind::Table),
            SyntaxKind::CREATE_FOREIGN_TABLE => Some(RelationKind::ForeignTable),
            SyntaxKind::CREATE_VIEW => Some(RelationKind::View),
            SyntaxKind::CREATE_MATERIALIZED_VIEW => Some(RelationKind::MaterializedView),
            SyntaxKind::CREATE_TYPE => child(statement, SyntaxKind::COMPOSITE_TYPE)
                .is_some()
                .then_some(RelationKind::CompositeType),
            _ => None,
        }
    }

    fn rename(self, relation: &QualifiedName, old: &str, new: &str) -> String {
        let (object, part, end) = match self {
            RelationKind::Table => ("TABLE", "COLUMN", ""),
            RelationKind::ForeignTable => ("FOREIGN TABLE", "COLUMN", ""),
            RelationKind::View => ("VIEW", "COLUMN", ""),
            RelationKind::MaterializedView => ("MATERIALIZED VIEW", "COLUMN", ""),
            // Typed tables follow.
            RelationKind::CompositeType => ("TYPE", "ATTRIBUTE", " CASCADE"),
        };
        let (old, new) = (quote_ident(old), quote_ident(new));
        format!("ALTER {object} {relation} RENAME {part} {old} TO {new}{end};")
    }
}

fn referenced(node: &SyntaxNode) -> impl Iterator<Item = QualifiedName> {
    reference::names(node).map(|it| QualifiedName::new(it.schema, it.name))
}

fn listed(statement: &SyntaxNode, definition: SyntaxKind, name: SyntaxKind) -> Vec<String> {
    let definitions = statement.descendants().filter(|it| it.kind() == definition);
    definitions
        .filter_map(|it| child(&it, name))
        .map(|it| normalize_name_node(&it))
        .collect()
}

/// The last segment of a name.
pub(crate) fn innermost(node: SyntaxNode) -> SyntaxNode {
    node.descendants().last().unwrap_or(node)
}

#[cfg(test)]
mod tests {
    use plan::Mapping;

    use crate::Known;

    #[test]
    fn tables_that_inherit_from_each_other_are_no_trouble() {
        let known = Known::from_sql(
            "CREATE TABLE s.a (\"Of\" integer) INHERITS (s.b); CREATE TABLE s.b () INHERITS (s.a);
             CREATE TABLE s.c (\"Own\" integer, \"Of\" integer) INHERITS (s.b);",
        );
        let mapping = Mapping::new(None, &[]).expect("nothing is wrong");
        let mapping = Mapping {
            snake_case: true,
            ..mapping
        };
        let renamed = known.renamed_columns(&mapping).into_iter().map(|it| it.old);
        assert_eq!(renamed.collect::<Vec<_>>(), ["Own"]);
    }
}
