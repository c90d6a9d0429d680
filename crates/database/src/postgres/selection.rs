//! What of a database is wanted, and what the snapshot has of it.

use std::collections::{BTreeSet, HashMap};

use catalog::{Catalog, ObjectKind, QualifiedName};
use postgres::Client;

use super::finder::{Among, Finder};
use super::pattern::{Pattern, exact};
use crate::{Error, ErrorKind, Result};

/// What is wanted of a database, by `pg_dump`'s patterns. The default wants everything.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Schemas by their exact names, for those who know them already; no list means all.
    pub named_schemas: Option<Vec<String>>,
    pub schemas: Vec<Pattern>,
    pub excluded_schemas: Vec<Pattern>,
    /// Relations of every kind, as with `pg_dump --table`: nothing but them is wanted then.
    pub tables: Vec<Pattern>,
    pub excluded_tables: Vec<Pattern>,
    /// Tables whose rows are not wanted.
    pub without_rows: Vec<Pattern>,
    /// Tables of which only some rows are wanted, each with its SQL condition.
    pub conditions: Vec<(Pattern, String)>,
    /// Whether rows of the user's in extensions' configuration tables are wanted. As in `pg_dump` they come with
    /// everything else only, not with a choice of schemas or tables, and what is excluded holds for them too.
    pub extension_rows: bool,
    /// Whether no rows at all are wanted.
    pub definitions_only: bool,
}

/// Which rows of a table are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RowFilter {
    None,
    /// Those for which this SQL condition is true.
    Where(String),
}

/// What a selection comes to in one snapshot.
#[derive(Clone, Debug, Default)]
pub struct Chosen {
    /// `None`: all of the user's schemas.
    pub(super) schemas: Option<Vec<String>>,
    /// `None`: all relations of those schemas.
    relations: Option<HashMap<QualifiedName, u32>>,
    /// Whether nothing but relations was asked for.
    only_relations: bool,
    row_filters: HashMap<QualifiedName, RowFilter>,
    /// The OIDs of the extensions' configuration tables that are looked through for rows of the user's.
    pub(super) configuration: Vec<u32>,
    definitions_only: bool,
    /// Relations that an option excluded by their own names.
    excluded: BTreeSet<QualifiedName>,
    /// What makes `pg_dump` choose the same.
    pub(super) pg_dump_options: Vec<String>,
    notes: Vec<String>,
}

impl Selection {
    /// Everything in `schemas`, which are exact names.
    pub fn in_schemas(schemas: &[String]) -> Self {
        Selection {
            named_schemas: Some(schemas.to_vec()),
            ..Selection::default()
        }
    }

    /// Asks the session's snapshot what the patterns match. A pattern that should choose something and matches
    /// nothing is an error.
    pub fn resolve(&self, client: &mut Client) -> Result<Chosen> {
        let mut finder = Finder::new(client);
        let mut chosen = Chosen {
            schemas: self.named_schemas.clone(),
            definitions_only: self.definitions_only,
            ..Chosen::default()
        };
        let is_given = |patterns: &[Pattern]| !patterns.is_empty();
        if is_given(&self.tables) {
            chosen.only_relations = true;
            self.choose_relations(&mut finder, &mut chosen)?;
        } else {
            if is_given(&self.schemas) || is_given(&self.excluded_schemas) {
                self.choose_schemas(&mut finder, &mut chosen)?;
            }
            if is_given(&self.excluded_tables) {
                self.leave_relations_out(&mut finder, &mut chosen)?;
            }
        }
        for pattern in &self.without_rows {
            for (name, _) in finder.tables_with_rows(pattern, Among::Configuration)? {
                chosen.row_filters.insert(name, RowFilter::None);
            }
        }
        for (pattern, condition) in &self.conditions {
            for (name, _) in finder.tables_with_rows(pattern, Among::Own)? {
                let filter = RowFilter::Where(condition.clone());
                if chosen.row_filters.insert(name.clone(), filter).is_some() {
                    let message = format!("two options decide which rows of {name} are wanted");
                    return Err(Error::new(ErrorKind::Selection, message)
                        .with_hint("join conditions by AND in one --where"));
                }
            }
        }
        if self.extension_rows && !is_given(&self.tables) && !is_given(&self.schemas) {
            self.choose_configuration(&mut finder, &mut chosen)?;
        }
        Ok(chosen)
    }

    fn choose_configuration(&self, finder: &mut Finder<'_>, chosen: &mut Chosen) -> Result<()> {
        let mut tables = finder.configuration()?;
        if let Some(schemas) = &chosen.schemas {
            tables.retain(|name, _| schemas.contains(&name.schema));
        }
        for pattern in &self.excluded_tables {
            let excluded = finder.relations(pattern, Among::Configuration)?;
            let excluded = excluded.unwrap_or_default();
            tables.retain(|name, _| !excluded.contains_key(name));
        }
        tables.retain(|name, _| !chosen.row_filters.contains_key(name));
        chosen.configuration = tables.into_values().collect();
        Ok(())
    }

    fn choose_relations(&self, finder: &mut Finder<'_>, chosen: &mut Chosen) -> Result<()> {
        let mut relations = HashMap::new();
        for pattern in &self.tables {
            relations.extend(
                finder
                    .relations(pattern, Among::Own)?
                    .ok_or_else(|| nothing("--table", pattern))?,
            );
        }
        for pattern in &self.excluded_tables {
            match finder.relations(pattern, Among::Configuration)? {
                Some(found) => {
                    relations.retain(|name, _| !found.contains_key(name));
                    chosen.excluded.extend(found.into_keys());
                }
                None => chosen.notes.push(nothing("--exclude-table", pattern).to_string()),
            }
        }
        if relations.is_empty() {
            let message = "the patterns leave no table to read";
            return Err(Error::new(ErrorKind::Selection, message));
        }
        let options = relations.keys().map(|it| relation_option("--table", it));
        chosen.pg_dump_options.extend(options);
        chosen.pg_dump_options.sort();
        let schemas: BTreeSet<&String> = relations.keys().map(|it| &it.schema).collect();
        chosen.schemas = Some(schemas.into_iter().cloned().collect());
        chosen.relations = Some(relations);
        Ok(())
    }

    fn choose_schemas(&self, finder: &mut Finder<'_>, chosen: &mut Chosen) -> Result<()> {
        let mut schemas = BTreeSet::new();
        for pattern in &self.schemas {
            schemas.extend(
                finder
                    .schemas(pattern)?
                    .ok_or_else(|| nothing("--schema", pattern))?,
            );
        }
        if self.schemas.is_empty() {
            schemas.extend(finder.all_schemas()?);
        }
        let mut excluded = BTreeSet::new();
        for pattern in &self.excluded_schemas {
            match finder.schemas(pattern)? {
                Some(found) => excluded.extend(found),
                None => chosen
                    .notes
                    .push(nothing("--exclude-schema", pattern).to_string()),
            }
        }
        schemas.retain(|it| !excluded.contains(it));
        let (option, named) = if self.schemas.is_empty() {
            ("--exclude-schema", &excluded)
        } else {
            ("--schema", &schemas)
        };
        let options = named.iter().map(|it| format!("{option}={}", exact(it)));
        chosen.pg_dump_options.extend(options);
        if schemas.is_empty() {
            let message = "the patterns leave no schema to read";
            return Err(Error::new(ErrorKind::Selection, message));
        }
        chosen.schemas = Some(schemas.into_iter().collect());
        Ok(())
    }

    fn leave_relations_out(&self, finder: &mut Finder<'_>, chosen: &mut Chosen) -> Result<()> {
        let mut relations = finder.all_relations()?;
        if let Some(schemas) = &chosen.schemas {
            relations.retain(|name, _| schemas.contains(&name.schema));
        }
        let mut excluded = BTreeSet::new();
        for pattern in &self.excluded_tables {
            match finder.relations(pattern, Among::Configuration)? {
                Some(found) => excluded.extend(found.into_keys()),
                None => chosen.notes.push(nothing("--exclude-table", pattern).to_string()),
            }
        }
        relations.retain(|name, _| !excluded.contains(name));
        let options = excluded.iter().map(|it| relation_option("--exclude-table", it));
        chosen.pg_dump_options.extend(options);
        chosen.relations = Some(relations);
        chosen.excluded = excluded;
        Ok(())
    }
}

impl Chosen {
    /// Whether an option left out this relation by its own name.
    pub(super) fn is_excluded(&self, relation: &QualifiedName) -> bool {
        self.excluded.contains(relation)
    }

    /// Which rows of `table` are wanted, where not all are.
    pub fn row_filter(&self, table: &QualifiedName) -> Option<&RowFilter> {
        if self.definitions_only {
            return Some(&RowFilter::None);
        }
        self.row_filters.get(table)
    }

    /// What the user should know of how the patterns were understood.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The OIDs of all relations wanted, where not all of the schemas' are.
    pub(super) fn relation_oids(&self) -> Option<Vec<u32>> {
        let oids = |it: &HashMap<QualifiedName, u32>| it.values().copied().collect();
        self.relations.as_ref().map(oids)
    }

    /// Whether nothing but relations, with what belongs to them, was asked for.
    pub fn only_relations(&self) -> bool {
        self.only_relations
    }

    /// Whether the schema was chosen, wholly or in part.
    pub fn has_schema(&self, schema: &str) -> bool {
        let names = self.schemas.as_ref();
        names.is_none_or(|it| it.iter().any(|name| name == schema))
    }

    /// Whether the relation was chosen, if its schema was.
    pub fn has_relation(&self, schema: &str, name: &str) -> bool {
        let has = |it: &HashMap<QualifiedName, u32>| it.contains_key(&QualifiedName::new(schema, name));
        self.relations.as_ref().is_none_or(has)
    }

    /// Takes away what `catalog` has of relations that are not wanted, and numbers its tables again.
    pub(super) fn narrow(&self, catalog: &mut Catalog) {
        if self.relations.is_none() {
            return;
        }
        catalog
            .tables
            .retain(|it| self.has_relation(&it.schema, &it.name));
        catalog
            .tables
            .iter_mut()
            .zip(0..)
            .for_each(|(table, number)| table.number = number);
        catalog
            .sequences
            .retain(|it| self.has_relation(&it.schema, &it.name));
        let views = &mut catalog.materialized_views;
        views.retain(|it| self.has_relation(&it.schema, &it.name));
        catalog.objects.retain(|it| match (&it.table, it.kind) {
            (Some(table), _) => self.has_relation(&it.schema, table),
            (
                None,
                ObjectKind::Table
                | ObjectKind::ForeignTable
                | ObjectKind::View
                | ObjectKind::MaterializedView
                | ObjectKind::Sequence,
            ) => self.has_relation(&it.schema, &it.name),
            _ => !self.only_relations,
        });
    }
}

fn relation_option(option: &str, name: &QualifiedName) -> String {
    format!("{option}={}.{}", exact(&name.schema), exact(&name.name))
}

fn nothing(option: &str, pattern: &Pattern) -> Error {
    Error::new(ErrorKind::Selection, format!("{option} {pattern} matches nothing")).with_hint(
        "capital letters count only inside double quotes; a table without SCHEMA. must be on the role's search_path",
    )
}
