//! What becomes of a name: to whom it belongs, and what that one is called on the target.

use catalog::{IDENTIFIER_BYTES_MAX, QualifiedName, quote_ident};
use plan::{DEFAULT_SCHEMA, Namespace, is_built_in as is_built_in_schema};

use crate::built_in;
use crate::known::{Owner, Space};
use crate::reference::{Reference, Role};
use crate::rewriter::Rewriter;
use crate::unqualified::Unqualified;

/// What becomes of one reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Keep,
    Rename(NewName),
    Doubt(String),
}

/// Where something is on the target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NewName {
    pub(crate) schema: String,
    /// Without the schema; as it was where the reference is to a schema.
    pub(crate) object: String,
}

/// How much trust the place of a reference deserves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    /// PostgreSQL resolved the name itself when it wrote the text.
    Resolved,
    /// Text that a person wrote and nothing has checked since: names may mean what is no longer there.
    Unchecked,
}

/// To whom the object of a reference belongs.
enum Belongs {
    Source,
    /// With the extension's name, where it is known.
    Extension(Option<String>),
    Nobody(Verdict),
}

impl Rewriter {
    /// Whether the schema called `name` moves, whole or in part.
    pub(crate) fn moves(&self, name: &str) -> bool {
        self.moved.binary_search_by(|it| it.as_str().cmp(name)).is_ok()
    }

    pub(crate) fn verdict(&self, reference: &Reference, trust: Trust) -> Verdict {
        let old = reference.schema.as_str();
        let own_schema = self.mapping.schema(old);
        if own_schema == old && !self.extension_moves(old) && !self.mapping.renames_objects() {
            return Verdict::Keep;
        }
        let belongs = match reference.role {
            Role::ExtensionSchema => Belongs::Extension(reference.extension.clone()),
            Role::Schema if self.is_extensions_alone(old) && !reference.defines => Belongs::Extension(None),
            Role::Schema if trust == Trust::Unchecked && !self.moves(old) => return Verdict::Keep,
            Role::Schema => Belongs::Source,
            Role::Object(_) if reference.defines && trust == Trust::Resolved => Belongs::Source,
            Role::Object(space) => self.belongs(reference, space, trust),
        };
        let new = match belongs {
            Belongs::Nobody(verdict) => return verdict,
            Belongs::Source => NewName {
                object: match reference.role {
                    Role::Object(space) => self.object_name(space, old, &reference.name),
                    Role::Schema | Role::ExtensionSchema => reference.name.clone(),
                },
                schema: own_schema,
            },
            Belongs::Extension(extension) => match self.home(extension.as_deref(), old) {
                Some(schema) => NewName {
                    schema,
                    object: reference.name.clone(),
                },
                None => {
                    return Verdict::Doubt(format!(
                        "{old} holds several extensions with different homes, and plain SQL does not say whose this \
                         is (an archive does)"
                    ));
                }
            },
        };
        if new.schema == old && new.object == reference.name {
            Verdict::Keep
        } else {
            Verdict::Rename(new)
        }
    }

    fn belongs(&self, reference: &Reference, space: Space, trust: Trust) -> Belongs {
        let old = reference.schema.as_str();
        match self.known.owner(space, old, &reference.name) {
            Owner::Source => Belongs::Source,
            Owner::Extension(extension) => Belongs::Extension(extension),
            Owner::Fixed => Belongs::Nobody(Verdict::Keep),
            Owner::Ambiguous => {
                let same_schema = self
                    .home(None, old)
                    .is_some_and(|it| it == self.mapping.schema(old));
                if same_schema && self.object_name(space, old, &reference.name) == reference.name {
                    return Belongs::Source;
                }
                Belongs::Nobody(Verdict::Doubt(format!(
                    "{old}.{} is both an extension's and the source's own",
                    reference.name
                )))
            }
            Owner::Unknown => self.unknown(reference, space, trust),
        }
    }

    /// An object that is not listed anywhere.
    fn unknown(&self, reference: &Reference, space: Space, trust: Trust) -> Belongs {
        let old = reference.schema.as_str();
        let by_sql_alone = !self.known.is_complete();
        let may_be_extension = self.known.has_extension(old);
        // A part of a dump, without the definitions, or the object that a statement is about.
        let is_elsewhere = !self.known.shows_definitions() || reference.is_subject;
        match trust {
            Trust::Resolved if self.is_extensions_alone(old) => Belongs::Extension(None),
            Trust::Resolved if !by_sql_alone => Belongs::Source,
            // A whole dump makes everything else; but for relations, of which extensions have few, a dump may have
            // been told to leave some out.
            Trust::Resolved if may_be_extension && (space != Space::Relation || is_elsewhere) => {
                Belongs::Extension(None)
            }
            Trust::Resolved if is_elsewhere => Belongs::Source,
            Trust::Resolved if !self.moves(old) && !self.mapping.renames_objects() => {
                Belongs::Nobody(Verdict::Keep)
            }
            Trust::Resolved => Belongs::Nobody(Verdict::Doubt(format!(
                "{old}.{} is not made by the dump",
                reference.name
            ))),
            // An extension brings functions, types and operators; a table of that name would be dumped.
            Trust::Unchecked if by_sql_alone && may_be_extension && space != Space::Relation => {
                Belongs::Extension(None)
            }
            // Keys and indexes come behind the rows, and bodies before them.
            Trust::Unchecked if !self.moves(old) && (self.known.is_complete() || !self.renames_in(old)) => {
                Belongs::Nobody(Verdict::Keep)
            }
            Trust::Unchecked => Belongs::Nobody(Verdict::Doubt(format!(
                "{old}.{} is not known to be an object of the source",
                reference.name
            ))),
        }
    }

    fn renames_in(&self, schema: &str) -> bool {
        self.mapping.renames_objects() && self.known.is_own_schema(schema)
    }

    /// Where the target keeps an extension that the source has in `schema`; `None` when that differs among the
    /// extensions there, and nothing says which one is meant.
    fn home(&self, extension: Option<&str>, schema: &str) -> Option<String> {
        if let Some(extension) = extension {
            return Some(self.mapping.extension_schema(extension, schema));
        }
        match self.homes(schema).as_slice() {
            [] => Some(self.mapping.extension_schema("", schema)),
            [home] => Some(home.clone()),
            _ => None,
        }
    }

    /// Every schema of the target that gets an extension from `schema`.
    pub(crate) fn homes(&self, schema: &str) -> Vec<String> {
        let extensions = self.known.extensions_in(schema);
        if extensions.is_empty() && self.known.has_extension(schema) {
            // Which ones is not known.
            return vec![self.mapping.extension_schema("", schema)];
        }
        let mut homes: Vec<String> = Vec::new();
        for extension in extensions {
            let home = self.mapping.extension_schema(extension, schema);
            if !homes.contains(&home) {
                homes.push(home);
            }
        }
        homes
    }

    /// Every schema of the target in which the source's extensions are expected, but for built-in ones.
    pub fn extension_homes(&self) -> Vec<String> {
        let schemas = self.known.all_schemas().filter(|it| !is_built_in_schema(it));
        let mut homes: Vec<String> = schemas.flat_map(|it| self.homes(it)).collect();
        homes.sort();
        homes.dedup();
        homes
    }

    /// The name that one of the source's own objects gets.
    pub(crate) fn object_name(&self, space: Space, schema: &str, name: &str) -> String {
        let is_routine = self.known.defines(Space::Routine, schema, name);
        let is_type = self.known.defines(Space::Type, schema, name);
        let namespace = match space {
            Space::Operator => Namespace::Operators,
            // A range type has functions of its name.
            Space::Routine if is_routine || !is_type => Namespace::Routines,
            Space::Any if is_routine && !is_type && !self.known.defines(Space::Relation, schema, name) => {
                Namespace::Routines
            }
            _ => Namespace::Objects,
        };
        let is_known =
            |name: &str| is_type || self.known.owner(Space::Relation, schema, name) == Owner::Source;
        if let (Space::Type, Some(element)) = (space, name.strip_prefix('_'))
            && !self.known.defines(Space::Relation, schema, name)
            && !is_type
            && is_known(element)
        {
            let array = format!("_{}", self.mapping.object(Namespace::Objects, schema, element));
            let end = array.floor_char_boundary(IDENTIFIER_BYTES_MAX);
            return array[..end].to_owned();
        }
        self.mapping.object(namespace, schema, name)
    }

    /// What becomes of a name without a schema that is looked up along `path`, the source's schemas in order.
    pub(crate) fn unqualified_verdict(&self, found: &Unqualified, path: &[String]) -> Verdict {
        let Unqualified { name, space, .. } = found;
        if !self.renamed.contains(name) && !name.starts_with('_') {
            return Verdict::Keep;
        }
        let rename = |schema: &String| {
            let new = self.object_name(*space, schema, name);
            (new != *name).then(|| NewName {
                schema: schema.clone(),
                object: new,
            })
        };
        let own = path
            .iter()
            .find(|schema| self.known.owner(*space, schema, name) != Owner::Unknown);
        if is_built_in(found) {
            // Overloads are told apart by their arguments, which nothing here knows.
            let is_overloaded = *space == Space::Routine && own.is_some_and(|it| rename(it).is_some());
            return if is_overloaded {
                Verdict::Doubt(format!(
                    "{name} is a built-in function and one of the source's own"
                ))
            } else {
                Verdict::Keep
            };
        }
        let Some(schema) = own else {
            return self.unqualified_elsewhere(found, path);
        };
        match self.known.owner(*space, schema, name) {
            Owner::Source => rename(schema).map_or(Verdict::Keep, Verdict::Rename),
            Owner::Ambiguous if rename(schema).is_some() => {
                Verdict::Doubt(format!("{name} is both an extension's and the source's own"))
            }
            _ => Verdict::Keep,
        }
    }

    /// A name that no schema of `path` has: a doubt when another one has it and gives it another name.
    fn unqualified_elsewhere(&self, found: &Unqualified, path: &[String]) -> Verdict {
        let Unqualified { name, space, .. } = found;
        let is_renamed = |schema: &&String| {
            self.known.owner(*space, schema, name) == Owner::Source
                && self.object_name(*space, schema, name) != *name
        };
        let schemas = self.known.schemas();
        schemas.iter().find(is_renamed).map_or(Verdict::Keep, |schema| {
            Verdict::Doubt(format!(
                "{name} is looked up along the search_path {}, and {}.{} gets another name",
                path.join(", "),
                quote_ident(schema),
                quote_ident(name)
            ))
        })
    }

    /// The first of the source's own relations called `name` along `path`.
    pub(crate) fn relation_on(&self, path: &[String], name: &str) -> Option<QualifiedName> {
        let schema = path
            .iter()
            .find(|schema| self.known.owner(Space::Relation, schema, name) == Owner::Source)?;
        Some(QualifiedName::new(schema, name))
    }

    /// What stands in a search path for `schema`: its new name, and after it where its extensions go.
    pub(crate) fn path_entries(&self, schema: &str) -> Option<Vec<String>> {
        if !self.moves(schema) {
            return None;
        }
        let mut entries = Vec::new();
        if !self.is_extensions_alone(schema) {
            entries.push(self.mapping.schema(schema));
        }
        for home in self.homes(schema) {
            if !entries.contains(&home) {
                entries.push(home);
            }
        }
        (entries != [schema]).then_some(entries)
    }

    pub(crate) fn is_extensions_alone(&self, schema: &str) -> bool {
        self.known.has_extension(schema) && !self.known.is_own_schema(schema)
    }

    pub(crate) fn find_moved(&mut self) {
        let named = self.mapping.map.keys().map(String::as_str);
        let known = self.known.all_schemas().chain(named).chain([DEFAULT_SCHEMA]);
        let mut moved: Vec<String> = known
            .filter(|it| self.mapping.schema(it) != **it || self.extension_moves(it))
            .map(str::to_owned)
            .collect();
        moved.sort();
        moved.dedup();
        // Of two that differ in case alone, the first.
        let in_lower_case = moved.iter().rev().map(|it| (it.to_ascii_lowercase(), it.clone()));
        self.moved_in_lower_case = in_lower_case.collect();
        self.moved = moved;
    }

    fn extension_moves(&self, schema: &str) -> bool {
        self.homes(schema).iter().any(|home| home != schema)
    }
}

fn is_built_in(found: &Unqualified) -> bool {
    let name = found.name.as_str();
    let is_quoted = found.token.starts_with('"');
    match found.space {
        Space::Routine if is_quoted => built_in::is_quoted_routine(name),
        Space::Type if is_quoted => built_in::is_quoted_type(name),
        Space::Routine => built_in::is_routine(name),
        Space::Type => built_in::is_type(name),
        Space::Relation => built_in::is_relation(name),
        _ => false,
    }
}
