//! What a source is known to hold: its own objects, and those that belong to its extensions.

use std::collections::{HashMap, HashSet};

use catalog::{Catalog, ObjectKind};
use plan::{DEFAULT_SCHEMA, is_built_in};
use squawk_syntax::{SyntaxKind, SyntaxNode};

use crate::parse::Parsed;
use crate::reference::{self, Role};

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
    extension_schemas: HashSet<String>,
    /// Everything the source holds is known, as from a catalog, not only what some SQL text creates.
    complete: bool,
    /// The source's `search_path` where something says it.
    path: Option<Vec<String>>,
}

/// Sets of spaces in which a name belongs to the source, to an extension that can be moved, or to an
/// extension that has put the object elsewhere than into its own schema.
#[derive(Clone, Copy, Debug, Default)]
struct Standing {
    own: u16,
    member: u16,
    member_elsewhere: u16,
}

/// To whom a name belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    Source,
    Extension,
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
        for table in &catalog.tables {
            known.standing(&table.schema, &table.name).own |= Space::Relation.bit();
        }
        for sequence in &catalog.sequences {
            known.standing(&sequence.schema, &sequence.name).own |= Space::Relation.bit();
        }
        for extension in &catalog.extensions {
            known.extension_schemas.insert(extension.schema.clone());
            for member in &extension.members {
                let standing = known.standing(&member.schema, &member.name);
                let set = if member.schema == extension.schema {
                    &mut standing.member
                } else {
                    &mut standing.member_elsewhere
                };
                *set |= spaces_of(member.kind)
                    .iter()
                    .fold(0, |bits, space| bits | space.bit());
            }
        }
        known
    }

    /// What the CREATE statements of `sql` create, and the schemas in which it installs extensions.
    pub fn from_sql(sql: &str) -> Self {
        let mut known = Known::default();
        known.extend(sql);
        known
    }

    /// Adds what `sql` creates.
    pub fn extend(&mut self, sql: &str) {
        for piece in crate::split::split(sql) {
            let text = &sql[piece.range.clone()];
            let first = text.get(..6).unwrap_or_default();
            if first.eq_ignore_ascii_case("create") || first.eq_ignore_ascii_case("alter ") {
                self.learn(&Parsed::new(sql, &piece));
            }
        }
    }

    pub(crate) fn learn(&mut self, parsed: &Parsed<'_>) {
        let Some(statement) = parsed.statement() else {
            return;
        };
        if !matches!(
            first_word(&statement),
            Some(SyntaxKind::CREATE_KW | SyntaxKind::ALTER_KW)
        ) {
            return;
        }
        let mut subject = None;
        for reference in reference::names(&statement) {
            match reference.role {
                Role::Schema if reference.defines => {
                    self.own_schemas.insert(reference.schema);
                }
                Role::ExtensionSchema => {
                    self.extension_schemas.insert(reference.schema);
                }
                Role::Object(space) => {
                    if reference.defines {
                        self.define(&reference.schema, &reference.name, space);
                    }
                    subject.get_or_insert(reference.schema);
                }
                Role::Schema => {}
            }
        }
        let Some(schema) = subject else { return };
        for kind in [SyntaxKind::INDEX, SyntaxKind::CONSTRAINT_NAME] {
            for node in statement.descendants().filter(|node| node.kind() == kind) {
                self.define(
                    &schema,
                    &squawk_syntax::ast::normalize_name_node(&innermost(node)),
                    Space::Relation,
                );
            }
        }
    }

    fn define(&mut self, schema: &str, name: &str, space: Space) {
        if is_built_in(schema) {
            return;
        }
        self.own_schemas.insert(schema.to_owned());
        self.standing(schema, name).own |= space.bit();
    }

    fn standing(&mut self, schema: &str, name: &str) -> &mut Standing {
        self.names
            .entry(schema.to_owned())
            .or_default()
            .entry(name.to_owned())
            .or_default()
    }

    /// What `ALTER DATABASE … SET search_path` in a dump says.
    pub(crate) fn set_path(&mut self, path: Vec<String>) {
        if !self.complete {
            self.path = Some(path);
        }
    }

    /// The schemas in which the source finds names that no schema qualifies.
    pub(crate) fn path(&self) -> Vec<String> {
        let Some(path) = &self.path else {
            // A dump does not say the path; where it holds one schema alone and that is not `public`, nothing
            // could work but with that one.
            return match self.schemas().as_slice() {
                [only] => vec![only.clone()],
                _ => vec![DEFAULT_SCHEMA.to_owned()],
            };
        };
        let exists = |it: &&String| {
            self.complete
                || *it == DEFAULT_SCHEMA
                || is_built_in(it)
                || self.own_schemas.contains(*it)
                || self.extension_schemas.contains(*it)
        };
        path.iter().filter(exists).cloned().collect()
    }

    /// Whether an object of that name, in whatever schema, is the source's own or an extension's.
    pub(crate) fn is_listed(&self, space: Space, name: &str) -> bool {
        let bits = space.bits_read();
        self.names.values().any(|names| {
            names
                .get(name)
                .is_some_and(|it| (it.own | it.member | it.member_elsewhere) & bits != 0)
        })
    }

    /// Where extensions live, the system's schemas left out.
    pub(crate) fn extension_schemas(&self) -> Vec<String> {
        let schemas = self.extension_schemas.iter().filter(|it| !is_built_in(it));
        let mut schemas: Vec<String> = schemas.cloned().collect();
        schemas.sort();
        schemas
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
        match (own, member, fixed) {
            (true, false, false) => Owner::Source,
            (false, true, false) => Owner::Extension,
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

    pub(crate) fn is_complete(&self) -> bool {
        self.complete
    }

    /// Whether `schema` holds something of the source's own.
    pub(crate) fn is_own_schema(&self, schema: &str) -> bool {
        self.own_schemas.contains(schema)
    }

    /// Whether an extension lives in `schema`.
    pub(crate) fn has_extension(&self, schema: &str) -> bool {
        self.extension_schemas.contains(schema)
    }

    /// Every schema known, those of extensions among them, in no order.
    pub(crate) fn all_schemas(&self) -> impl Iterator<Item = &str> {
        self.own_schemas
            .union(&self.extension_schemas)
            .map(String::as_str)
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
        | ObjectKind::Index
        | ObjectKind::Constraint => &[Space::Relation],
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
        ObjectKind::Trigger | ObjectKind::Rule | ObjectKind::Policy => &[],
    }
}

fn first_word(statement: &SyntaxNode) -> Option<SyntaxKind> {
    statement.first_token().map(|token| token.kind())
}

/// The last segment of an unqualified name.
fn innermost(node: SyntaxNode) -> SyntaxNode {
    node.descendants().last().unwrap_or(node)
}
