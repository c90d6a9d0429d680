//! Definitions compared one by one, each by its properties.

use std::collections::{HashMap, HashSet};

use catalog::{Definition, DefinitionKind, ObjectKind, Property, QualifiedName, quote_ident};

use super::Schemas;
use super::columns::orders;
use super::label::{label, said, shown};
use super::renamed::Renamed;
use super::tokens::{Names, Tokens};
use crate::report::{Area, Finding, Weight};

/// What tells objects apart.
type Key<'a> = (DefinitionKind, &'a str, &'a str, Option<&'a str>, Option<&'a str>);

/// What is shown of both sides.
type Shown = (Option<String>, Option<String>);

/// Both sides' definitions under the same names.
pub(crate) struct Comparison<'a> {
    source: &'a [Definition],
    target: &'a [Definition],
    here: Held<'a>,
    there: Held<'a>,
    names: Names,
    /// Tables whose rows are compared.
    with_rows: HashSet<QualifiedName>,
    there_with_rows: HashSet<QualifiedName>,
    /// Stands before the names of everything that came from the source.
    prefix: Option<&'a str>,
    majors: (Option<u32>, Option<u32>),
    /// For each of the source's definitions, whether it has a search path of its own.
    own_paths: &'a [bool],
    /// Where the source keeps each extension.
    extension_homes: &'a HashMap<String, String>,
}

/// What one side has.
struct Held<'a> {
    definitions: HashMap<Key<'a>, &'a Definition>,
    /// Schemas, and what columns, constraints, indexes and triggers can belong to.
    schemas: HashSet<&'a str>,
    owners: HashSet<(&'a str, &'a str)>,
    /// Indexes, those of constraints among them.
    indexes: HashSet<String>,
}

impl<'a> Held<'a> {
    fn new(definitions: &'a [Definition]) -> Self {
        let place = |it: &'a Definition| (it.schema.as_str(), it.name.as_str());
        let schemas = definitions.iter().filter(|it| it.kind == DefinitionKind::Schema);
        let owners = definitions.iter().filter(|it| is_owner(it.kind));
        let indexes = definitions.iter().filter(|it| {
            matches!(
                it.kind,
                DefinitionKind::Object(ObjectKind::Index | ObjectKind::Constraint)
            )
        });
        Held {
            schemas: schemas.map(|it| it.name.as_str()).collect(),
            owners: owners.map(place).collect(),
            indexes: indexes
                .map(|it| QualifiedName::new(&it.schema, &it.name).to_string())
                .collect(),
            definitions: definitions.iter().map(|it| (key(it), it)).collect(),
        }
    }

    /// Whether `definition` of the other side cannot be here, because what it belongs to is not.
    fn lacks_owner_of(&self, definition: &Definition) -> bool {
        let schema = definition.schema.as_str();
        // An extension can be missing although its schema is, too.
        let is_extension = definition.kind == DefinitionKind::Extension;
        let lacks_schema = !is_extension && !schema.is_empty() && !self.schemas.contains(schema);
        let lacks_table = definition
            .table
            .as_deref()
            .is_some_and(|table| !self.owners.contains(&(schema, table)));
        // Behind the two words that begin the statement.
        let parent = property(definition, "attached to")
            .and_then(|it| said(it).split_once(" ATTACH ")?.0.splitn(3, ' ').nth(2));
        let lacks_parent = parent.is_some_and(|it| !self.indexes.contains(it));
        lacks_schema || lacks_table || lacks_parent
    }

    /// Whether a cast goes with one of its types, whose schema `other` has and this side has not.
    fn lacks_types_of(&self, cast: &Definition, other: &Held<'_>) -> bool {
        let has = |side: &Held<'_>, schema: &str| side.schemas.iter().any(|it| quote_ident(it) == schema);
        let types = cast.arguments.as_deref().unwrap_or_default().split(", ");
        let mut schemas = types.filter_map(|it| it.split_once('.').map(|(schema, _)| schema));
        cast.kind == DefinitionKind::Cast && schemas.any(|it| has(other, it) && !has(self, it))
    }

    /// Whether an identity's sequence goes with its column, which is no identity here, or is not here.
    fn lacks_identity_of(&self, sequence: &Definition) -> bool {
        property(sequence, "identity").is_some()
            && property(sequence, "owned by").is_some_and(|owner| {
                let column = self.definitions.values().find(|it| {
                    it.kind == DefinitionKind::Column
                        && it.table.as_ref().is_some_and(|table| {
                            let table = QualifiedName::new(&it.schema, table);
                            format!("{table}.{}", quote_ident(&it.name)) == said(owner)
                        })
                });
                column.is_none_or(|it| property(it, "identity").is_none())
            })
    }
}

impl<'a> Comparison<'a> {
    pub(crate) fn new(sides: &'a Schemas<'a>, source: &'a Renamed, target: &'a [Definition]) -> Self {
        let with_rows = |catalog: &catalog::Catalog| {
            let tables = catalog.tables.iter().filter(|it| it.has_rows());
            tables.map(catalog::Table::qualified_name).collect()
        };
        let extensions = sides.target.catalog.extensions.iter().map(|it| it.schema.clone());
        let own = sides.target.catalog.schemas.iter().map(|it| it.name.clone());
        Comparison {
            source: &source.definitions,
            target,
            here: Held::new(&source.definitions),
            there: Held::new(target),
            names: Names {
                columns: source.columns.clone(),
                schemas: own
                    .chain(extensions)
                    .chain(sides.targets.iter().cloned())
                    .collect(),
            },
            with_rows: with_rows(sides.renamed),
            there_with_rows: with_rows(&sides.target.catalog),
            prefix: source.mapping.prefix.as_deref(),
            majors: (sides.source.major(), sides.target.major()),
            own_paths: &source.own_paths,
            extension_homes: &source.extension_homes,
        }
    }

    pub(crate) fn findings(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (place, definition) in self.source.iter().enumerate() {
            match self.counterpart(definition) {
                Some(found) => {
                    let has_path = self.own_paths.get(place).copied().unwrap_or_default();
                    findings.extend(self.properties(definition, found, has_path));
                }
                None => findings.extend(self.missing(definition)),
            }
        }
        findings.extend(orders(self.source, self.target));
        let extra = self
            .target
            .iter()
            .filter(|it| !self.here.definitions.contains_key(&key(it)));
        findings.extend(extra.filter_map(|it| self.extra(it)));
        findings
    }

    fn counterpart(&self, definition: &Definition) -> Option<&'a Definition> {
        self.there.definitions.get(&key(definition)).copied()
    }

    fn missing(&self, definition: &Definition) -> Option<Finding> {
        let is_told = self.with_rows.contains(&table_name(definition))
            && definition.kind == DefinitionKind::Object(ObjectKind::Table);
        let follows = property(definition, "inherited").is_some()
            || self.there.lacks_owner_of(definition)
            || self.there.lacks_identity_of(definition)
            || self.there.lacks_types_of(definition, &self.here)
            // What makes one out of nothing is the operator that names it.
            || property(definition, "kind").is_some_and(|it| said(it) == "shell")
                && definition.kind == DefinitionKind::Object(ObjectKind::Operator);
        let finding = Finding::new(Area::Schema, label(definition), "missing");
        let stands_apart = matches!(
            definition.kind,
            DefinitionKind::EventTrigger | DefinitionKind::DefaultPrivileges
        );
        let finding = if stands_apart {
            finding
                .weighing(Weight::Expected)
                .with_note("`load` makes it only where --apply asks for it")
        } else {
            finding
        };
        (!is_told && !follows).then_some(finding)
    }

    /// What only the target has: extensions and what others keep under names without the prefix are no concern of
    /// the source's.
    fn extra(&self, definition: &Definition) -> Option<Finding> {
        let outside = matches!(
            definition.kind,
            DefinitionKind::Extension | DefinitionKind::Schema
        );
        let is_told = self.there_with_rows.contains(&table_name(definition))
            && definition.kind == DefinitionKind::Object(ObjectKind::Table);
        let follows = property(definition, "inherited").is_some()
            || self.here.lacks_owner_of(definition)
            || self.here.lacks_identity_of(definition);
        let name = definition.table.as_deref().unwrap_or(&definition.name);
        let is_others = self.prefix.is_some_and(|it| !name.starts_with(it))
            && !definition.schema.is_empty()
            && definition.kind != DefinitionKind::Object(ObjectKind::Operator);
        (!outside && !is_told && !follows && !is_others)
            .then(|| Finding::new(Area::Schema, label(definition), "not in the source"))
    }

    /// Every property that is not the same.
    fn properties(&self, source: &Definition, target: &Definition, has_path: bool) -> Vec<Finding> {
        let mut findings = Vec::new();
        if source.kind == DefinitionKind::Extension && source.schema != target.schema {
            let schema = |it: &Definition| Some(quote_ident(&it.schema));
            findings.push(
                Finding::new(Area::Schema, label(source), "schema")
                    .between(schema(source), schema(target))
                    .with_note("--extensions-schema says where the target keeps it"),
            );
        }
        findings.extend(self.moved_extension(source, target));
        let here = source.properties.iter().map(|it| it.name.as_str());
        let only_there = target.properties.iter().map(|it| it.name.as_str());
        let only_there = only_there.filter(|it| property(source, it).is_none());
        // What both have from their parents is told with these.
        let inherit = property(source, "inherited").is_some() && property(target, "inherited").is_some();
        let is_own = |it: &&str| {
            *it != "inherited"
                && !(inherit && matches!(*it, "definition" | "validated" | "deferrable" | "enforced"))
                && !self.follows(source, target, it)
        };
        for name in here.chain(only_there).filter(is_own) {
            let (a, b) = (property(source, name), property(target, name));
            let finding = self.property(source, name, a, b);
            findings.extend(finding.map(|it| {
                match self.pinned(a, b, has_path) {
                    Some((path, note)) => Finding::new(it.area, it.object, "search path")
                        .between(path.0, path.1)
                        .weighing(Weight::Expected)
                        .with_note(note),
                    None => it,
                }
            }));
        }
        findings
    }

    /// Whether that `name` is not the same follows from what is told already: the expression of a column that one side
    /// alone generates, and an index of a partition that one side alone has as a partition.
    fn follows(&self, source: &Definition, target: &Definition, name: &str) -> bool {
        let one_alone = |a: Option<&Definition>, b: Option<&Definition>, name: &str| {
            let has = |it: Option<&Definition>| it.is_some_and(|it| property(it, name).is_some());
            has(a) != has(b)
        };
        match name {
            "expression" => one_alone(Some(source), Some(target), "generated"),
            "attached to" => {
                let table = |side: &Held<'a>, index: &Definition| {
                    let kind = DefinitionKind::Object(ObjectKind::Table);
                    let key = (kind, index.schema.as_str(), index.table.as_deref()?, None, None);
                    side.definitions.get(&key).copied()
                };
                one_alone(table(&self.here, source), table(&self.there, target), "partition")
            }
            _ => false,
        }
    }

    /// An extension that the target keeps elsewhere than the source, as it was asked to.
    fn moved_extension(&self, source: &Definition, target: &Definition) -> Option<Finding> {
        let home = self.extension_homes.get(&source.name)?;
        let is_moved = source.kind == DefinitionKind::Extension
            && source.schema == target.schema
            && *home != target.schema;
        is_moved.then(|| {
            Finding::new(Area::Schema, label(source), "schema")
                .between(Some(quote_ident(home)), Some(quote_ident(&target.schema)))
                .weighing(Weight::Expected)
                .with_note("the names say that the target keeps it there")
        })
    }

    /// Where the search path that `remap-schema` gives a routine, or does not give, is all that differs: what both have,
    /// and why.
    fn pinned(
        &self,
        source: Option<&Property>,
        target: Option<&Property>,
        has_path: bool,
    ) -> Option<(Shown, &'static str)> {
        let (source, target) = (source?, target?);
        if has_path || source.name != "definition" {
            return None;
        }
        let (here, path) = Tokens::of(said(source)).without_search_path();
        let (there, found) = Tokens::of(said(target)).without_search_path();
        let is_ours = |path: &Vec<String>| {
            let (last, rest) = path.split_last()?;
            (last == "pg_temp" && rest.iter().all(|it| self.names.schemas.contains(it))).then_some(())
        };
        let note = match (&path, &found) {
            (None, None) => return None,
            (_, Some(found)) => {
                is_ours(found)?;
                "`remap-schema` gave it the path on which its body leans"
            }
            (Some(_), None) => {
                "its body leans on the path of whoever calls it, as `remap-schema --search-path leave` has it"
            }
        };
        let shown =
            |path: Option<Vec<String>>| Some(path.map_or_else(|| "none".to_owned(), |it| it.join(", ")));
        here.say_the_same(&there, &self.names)
            .then(|| ((shown(path), shown(found)), note))
    }

    fn property(
        &self,
        definition: &Definition,
        name: &str,
        source: Option<&Property>,
        target: Option<&Property>,
    ) -> Option<Finding> {
        let finding = || {
            let (here, there) = shown(name, source, target, &self.names);
            Finding::new(Area::Schema, label(definition), name).between(here, there)
        };
        let note = match name {
            // No dump says so.
            "enabled"
                if definition.kind == DefinitionKind::Object(ObjectKind::Constraint) && target.is_none() =>
            {
                Some("`load` makes keys that are enforced")
            }
            "access method" => Some("`load` makes tables with the target's default access method"),
            "version" if definition.kind == DefinitionKind::Extension => {
                Some("the target has its own version of the extension")
            }
            _ => None,
        };
        if let (Some(source), Some(target)) = (source, target) {
            let (here, there) = (said(source), said(target));
            if here == there {
                return None;
            }
            if source.value == target.value || is_words(source) && is_words(target) && note.is_none() {
                return Some(finding());
            }
            let (here, there) = (Tokens::of(here), Tokens::of(there));
            if here.say_the_same(&there, &self.names) {
                return None;
            }
            if let (Some(old), Some(new)) = self.majors
                && old != new
                && is_deparsed(name)
            {
                if here.say_the_same_unqualified(&there, &self.names) {
                    return None;
                }
                if may_be_worded_otherwise(definition, old.min(new)) && here.have_the_same_values(&there) {
                    let note = format!("PostgreSQL {old} and {new} write it each in its own way");
                    return Some(finding().weighing(Weight::NotCompared).with_note(note));
                }
            }
        }
        Some(match note {
            Some(note) => finding().weighing(Weight::Expected).with_note(note),
            None => finding(),
        })
    }
}

fn key(definition: &Definition) -> Key<'_> {
    let schema = match definition.kind {
        DefinitionKind::Extension => "",
        _ => definition.schema.as_str(),
    };
    (
        definition.kind,
        schema,
        &definition.name,
        definition.table.as_deref(),
        definition.arguments.as_deref(),
    )
}

pub(super) fn property<'a>(definition: &'a Definition, name: &str) -> Option<&'a Property> {
    definition.properties.iter().find(|it| it.name == name)
}

fn table_name(definition: &Definition) -> QualifiedName {
    QualifiedName::new(&definition.schema, &definition.name)
}

/// What columns, constraints, indexes, triggers, rules and policies can belong to.
pub(super) fn is_owner(kind: DefinitionKind) -> bool {
    matches!(
        kind,
        DefinitionKind::Object(
            ObjectKind::Table
                | ObjectKind::ForeignTable
                | ObjectKind::View
                | ObjectKind::MaterializedView
                | ObjectKind::Domain
        )
    )
}

/// Words for people, which are the same or not.
fn is_words(property: &Property) -> bool {
    matches!(property.value, catalog::Value::Plain(_))
        && !is_deparsed(&property.name)
        && property.name != "type"
}

/// Whether versions may differ in more than the names before columns: queries, and before 14 the modes of a procedure's
/// arguments. All else they write in the same words, so other words say something else.
fn may_be_worded_otherwise(definition: &Definition, older: u32) -> bool {
    let is_query = |it: &Property| !Tokens::of(said(it)).has_body();
    match definition.kind {
        DefinitionKind::Object(ObjectKind::View | ObjectKind::MaterializedView | ObjectKind::Rule) => true,
        DefinitionKind::Object(ObjectKind::Procedure) if older < 14 => true,
        DefinitionKind::Object(ObjectKind::Function | ObjectKind::Procedure) => {
            property(definition, "definition").is_some_and(is_query)
        }
        _ => false,
    }
}

/// What the server keeps as a tree, and writes anew whenever it is asked.
fn is_deparsed(property: &str) -> bool {
    matches!(
        property,
        "definition" | "default" | "expression" | "partition key" | "partition"
    )
}
