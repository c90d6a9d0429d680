//! What a source is known to hold: its own objects, and those that belong to its extensions.

mod learn;
mod path;
mod settle;

use std::collections::{BTreeMap, HashMap, HashSet};

use catalog::{Catalog, Extension, ObjectKind, QualifiedName};
use plan::{Mapping, Namespace};

use crate::relation::{ColumnRename, Relations};

pub(crate) use learn::may_define;

/// Objects whose names share a namespace in PostgreSQL, as the system catalogs keep them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Space {
    /// `pg_class`: tables, views, indexes, sequences.
    Relation,
    Type,
    Routine,
    Operator,
    OperatorClass,
    OperatorFamily,
    Collation,
    Conversion,
    Statistics,
    TextSearch,
    /// The grammar does not say of what kind the object is.
    Any,
}

/// What belongs to whom in a source.
#[derive(Clone, Debug, Default)]
pub struct Known {
    names: HashMap<String, HashMap<String, Standing>>,
    own_schemas: HashSet<String>,
    /// Schema to the extensions in it.
    extension_schemas: BTreeMap<String, Vec<String>>,
    /// Sequences that belong to a column, with its table.
    owned_sequences: Vec<(QualifiedName, QualifiedName)>,
    /// Indexes with their tables.
    indexes: HashSet<(QualifiedName, String)>,
    /// Constraints that are called like their indexes, with their tables.
    indexed_constraints: HashSet<(QualifiedName, String)>,
    relations: Relations,
    /// Constraints, triggers, rules and policies, each with its table and whether it is called like an index.
    of_tables: Vec<(QualifiedName, ObjectKind, String, bool)>,
    /// Trigger functions with the transition tables of their triggers.
    transition_tables: HashMap<QualifiedName, HashSet<String>>,
    /// Some text has made a table, a type or a routine.
    shows_definitions: bool,
    /// Everything the source holds is known, as from a catalog, not only what some SQL text creates.
    complete: bool,
    /// The source's `search_path` where something says it.
    path: Option<Vec<String>>,
    /// Nothing has been learned since a mapping was settled by this.
    is_settled: bool,
}

/// Sets of spaces in which a name belongs to the source, to an extension that can be moved, or to an
/// extension that has put the object elsewhere than into its own schema.
#[derive(Clone, Copy, Debug, Default)]
struct Standing {
    own: u16,
    member: u16,
    member_elsewhere: u16,
    extension: ExtensionOf,
}

/// Which of the extensions in its schema a member belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum ExtensionOf {
    #[default]
    None,
    /// By its place in the list of the schema's extensions.
    One(usize),
    Several,
}

/// To whom a name belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    Source,
    /// With the extension's name, where it is one.
    Extension(Option<String>),
    /// An extension's object that stays where it is.
    Fixed,
    /// Overloads of both.
    Ambiguous,
    Unknown,
}

impl Known {
    /// Everything that `catalog` lists, with the members of its extensions.
    pub fn from_catalog(catalog: &Catalog) -> Self {
        let mut known = Known {
            complete: true,
            path: Some(catalog.search_path.clone()),
            ..Known::default()
        };
        known
            .own_schemas
            .extend(catalog.schemas.iter().map(|schema| schema.name.clone()));
        for object in &catalog.objects {
            for space in spaces_of(object.kind) {
                known.standing(&object.schema, &object.name).own |= space.bit();
            }
        }
        for object in &catalog.objects {
            let Some(table) = &object.table else { continue };
            let key = (QualifiedName::new(&object.schema, table), object.name.clone());
            match object.kind {
                ObjectKind::Index => _ = known.indexes.insert(key),
                ObjectKind::Constraint | ObjectKind::Trigger | ObjectKind::Rule | ObjectKind::Policy => {
                    let (table, name) = key.clone();
                    known.of_tables.push((table, object.kind, name, object.indexed));
                    if object.indexed {
                        known.indexed_constraints.insert(key);
                    }
                }
                _ => {}
            }
        }
        for table in catalog.tables.iter().filter(|it| it.is_own()) {
            known.standing(&table.schema, &table.name).own |= Space::Relation.bit();
            known.relations.insert_table(table);
        }
        for sequence in &catalog.sequences {
            known.standing(&sequence.schema, &sequence.name).own |= Space::Relation.bit();
            if let Some(owner) = &sequence.owned_by {
                let name = QualifiedName::new(&sequence.schema, &sequence.name);
                known.owned_sequences.push((name, owner.table.clone()));
            }
        }
        for extension in &catalog.extensions {
            known.learn_extension(extension);
        }
        known
    }

    fn learn_extension(&mut self, extension: &Extension) {
        let there = self
            .extension_schemas
            .entry(extension.schema.clone())
            .or_default();
        there.push(extension.name.clone());
        let place = there.len() - 1;
        for member in &extension.members {
            let is_at_home = member.schema == extension.schema;
            let standing = self.standing(&member.schema, &member.name);
            let set = if is_at_home {
                &mut standing.member
            } else {
                &mut standing.member_elsewhere
            };
            *set |= spaces_of(member.kind)
                .iter()
                .fold(0, |bits, space| bits | space.bit());
            if is_at_home {
                standing.extension = match standing.extension {
                    ExtensionOf::None => ExtensionOf::One(place),
                    ExtensionOf::One(other) if other == place => ExtensionOf::One(place),
                    _ => ExtensionOf::Several,
                };
            }
        }
    }

    /// Takes `schema` for one of the source's own although nothing is created in it.
    pub(crate) fn suppose_schema(&mut self, schema: &str) {
        self.own_schemas.insert(schema.to_owned());
        self.is_settled = false;
    }

    /// Takes `schema` for one that holds extensions.
    pub(crate) fn suppose_extensions(&mut self, schema: &str) {
        self.extension_schemas.entry(schema.to_owned()).or_default();
        self.is_settled = false;
    }

    /// Transition tables of the triggers that call `function`.
    pub(crate) fn transition_tables(&self, function: &QualifiedName) -> Option<&HashSet<String>> {
        self.transition_tables.get(function)
    }

    /// Every column that `mapping` gives another name.
    pub fn renamed_columns(&self, mapping: &Mapping) -> Vec<ColumnRename> {
        if mapping.renames_columns() {
            self.relations.renamed_columns(mapping)
        } else {
            Vec::new()
        }
    }

    /// The columns of one of the source's relations; `None` when they are not known.
    pub(crate) fn columns(&self, relation: &QualifiedName) -> Option<&[String]> {
        self.relations.columns_of(relation)
    }

    /// Whether a table, a view or a composite type has a column called `name`.
    pub(crate) fn has_column(&self, name: &str) -> bool {
        self.relations.has_column(name)
    }

    /// Whether a constraint called `name`, of whatever table, has an index.
    pub(crate) fn has_indexed_constraint(&self, name: &str) -> bool {
        self.indexed_constraints.iter().any(|(_, it)| it == name)
    }

    /// Whether the constraint `name` of `table` has an index, and so a name among the relations.
    pub(crate) fn has_index(&self, table: QualifiedName, name: &str) -> bool {
        self.indexed_constraints.contains(&(table, name.to_owned()))
    }

    fn standing(&mut self, schema: &str, name: &str) -> &mut Standing {
        self.names
            .entry(schema.to_owned())
            .or_default()
            .entry(name.to_owned())
            .or_default()
    }

    /// To whom `schema.name` belongs when it is read in `space`.
    pub(crate) fn owner(&self, space: Space, schema: &str, name: &str) -> Owner {
        let Some(names) = self.names.get(schema) else {
            return Owner::Unknown;
        };
        let found = names.get(name).copied().unwrap_or_default();
        let element = if space == Space::Type {
            name.strip_prefix('_')
        } else {
            None
        };
        let array = element
            .and_then(|name| names.get(name))
            .copied()
            .unwrap_or_default();
        let bits = space.bits_read();
        let own = (found.own | array.own) & bits != 0;
        let member = (found.member | array.member) & bits != 0;
        let fixed = (found.member_elsewhere | array.member_elsewhere) & bits != 0;
        let extension = || match found.extension {
            ExtensionOf::One(place) => self.extension_schemas.get(schema)?.get(place).cloned(),
            ExtensionOf::None | ExtensionOf::Several => None,
        };
        match (own, member, fixed) {
            (true, false, false) => Owner::Source,
            (false, true, false) => Owner::Extension(extension()),
            (false, false, true) => Owner::Fixed,
            (false, false, false) => Owner::Unknown,
            _ => Owner::Ambiguous,
        }
    }

    /// The source's own schemas, in byte order.
    pub fn schemas(&self) -> Vec<String> {
        let mut schemas: Vec<String> = self.own_schemas.iter().cloned().collect();
        schemas.sort();
        schemas
    }

    /// How many schemas [`Known::schemas`] gives; they only grow.
    pub fn schema_count(&self) -> usize {
        self.own_schemas.len()
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.complete
    }

    /// Whether definitions are known at all, and not only rows or what comes behind them.
    pub(crate) fn shows_definitions(&self) -> bool {
        self.complete || self.shows_definitions
    }

    /// Whether `schema` holds something of the source's own.
    pub(crate) fn is_own_schema(&self, schema: &str) -> bool {
        self.own_schemas.contains(schema)
    }

    /// Whether an extension lives in `schema`.
    pub(crate) fn has_extension(&self, schema: &str) -> bool {
        self.extension_schemas.contains_key(schema)
    }

    /// The extensions that live in `schema`.
    pub(crate) fn extensions_in(&self, schema: &str) -> &[String] {
        self.extension_schemas.get(schema).map_or(&[], Vec::as_slice)
    }

    /// Whether the source has an object of its own called `schema.name` in exactly this space.
    pub(crate) fn defines(&self, space: Space, schema: &str, name: &str) -> bool {
        let standing = self.names.get(schema).and_then(|it| it.get(name));
        standing.is_some_and(|it| it.own & space.bit() != 0)
    }

    /// Every object of the source's own, as schema, name and namespace; overloads once.
    fn own_objects(&self) -> impl Iterator<Item = (&str, &str, Namespace)> {
        let all = self.names.iter().flat_map(|(schema, names)| {
            names
                .iter()
                .map(move |(name, standing)| (schema.as_str(), name.as_str(), standing.own))
        });
        all.flat_map(|(schema, name, own)| {
            let routine = Space::Routine.bit();
            let others = own & !routine & !Space::Operator.bit();
            let routine = (own & routine != 0).then_some((schema, name, Namespace::Routines));
            let other = (others != 0).then_some((schema, name, Namespace::Objects));
            routine.into_iter().chain(other)
        })
    }

    /// Whether an object of the source's own is called `name`, in whatever schema.
    pub(crate) fn is_own_name(&self, name: &str) -> bool {
        self.names
            .values()
            .any(|names| names.get(name).is_some_and(|it| it.own != 0))
    }

    /// Whether a routine of the source's own is called `name`, in whatever schema.
    pub(crate) fn is_routine_name(&self, name: &str) -> bool {
        self.names.values().any(|names| {
            names
                .get(name)
                .is_some_and(|it| it.own & Space::Routine.bit() != 0)
        })
    }

    /// Names of the source's own objects that `mapping` changes.
    pub(crate) fn renamed(&self, mapping: &Mapping) -> HashSet<String> {
        self.own_objects()
            .filter(|(schema, name, namespace)| mapping.object(*namespace, schema, name) != **name)
            .map(|(_, name, _)| name.to_owned())
            .collect()
    }

    /// Every schema known, those of extensions among them, in no order.
    pub(crate) fn all_schemas(&self) -> impl Iterator<Item = &str> {
        let own = self.own_schemas.iter();
        own.chain(self.extension_schemas.keys()).map(String::as_str)
    }
}

impl Space {
    fn bit(self) -> u16 {
        match self {
            Space::Any => u16::MAX,
            other => 1 << other as u16,
        }
    }

    /// Tables have row types, types of ranges have functions of their name, and `COMMENT ON COLUMN` reaches
    /// composite types: the spaces in which a name may have been defined that is read in this one.
    fn bits_read(self) -> u16 {
        match self {
            Space::Relation | Space::Type => Space::Relation.bit() | Space::Type.bit(),
            Space::Routine => Space::Routine.bit() | Space::Type.bit(),
            other => other.bit(),
        }
    }
}

fn spaces_of(kind: ObjectKind) -> &'static [Space] {
    match kind {
        ObjectKind::Table
        | ObjectKind::ForeignTable
        | ObjectKind::View
        | ObjectKind::MaterializedView
        | ObjectKind::Sequence
        | ObjectKind::Index => &[Space::Relation],
        ObjectKind::Type | ObjectKind::Domain => &[Space::Type],
        ObjectKind::Function | ObjectKind::Procedure | ObjectKind::Aggregate => &[Space::Routine],
        ObjectKind::Operator => &[Space::Operator],
        ObjectKind::OperatorClass => &[Space::OperatorClass],
        ObjectKind::OperatorFamily => &[Space::OperatorFamily],
        ObjectKind::Collation => &[Space::Collation],
        ObjectKind::Conversion => &[Space::Conversion],
        ObjectKind::Statistics => &[Space::Statistics],
        ObjectKind::TextSearchConfiguration
        | ObjectKind::TextSearchDictionary
        | ObjectKind::TextSearchParser
        | ObjectKind::TextSearchTemplate => &[Space::TextSearch],
        // One that has an index is listed as that index too.
        ObjectKind::Constraint | ObjectKind::Trigger | ObjectKind::Rule | ObjectKind::Policy => &[],
    }
}
