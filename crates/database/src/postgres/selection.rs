//! What of a database is wanted, and what the snapshot has of it.

use std::collections::{BTreeSet, HashMap};

use catalog::{Catalog, ObjectKind, QualifiedName};
use postgres::Client;

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
    pub(super) fn resolve(&self, client: &mut Client) -> Result<Chosen> {
        let mut finder = Finder {
            client,
            visible: None,
        };
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
                    return Err(Error::new(ErrorKind::Endpoint, message)
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
                Some(found) => relations.retain(|name, _| !found.contains_key(name)),
                None => chosen.notes.push(nothing("--exclude-table", pattern).to_string()),
            }
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
            return Err(Error::new(ErrorKind::Endpoint, message));
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
        Ok(())
    }
}

impl Chosen {
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

    pub(super) fn only_relations(&self) -> bool {
        self.only_relations
    }

    pub(super) fn has_relation(&self, schema: &str, name: &str) -> bool {
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
    Error::new(ErrorKind::Endpoint, format!("{option} {pattern} matches nothing")).with_hint(
        "capital letters count only inside double quotes; a table without SCHEMA. must be on the role's search_path",
    )
}

/// Looks names up by patterns.
struct Finder<'a> {
    client: &'a mut Client,
    visible: Option<Vec<u32>>,
}

/// Relations of the user's, by name.
type Relations = HashMap<QualifiedName, u32>;

/// What patterns look among.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Among {
    /// Relations that belong to no extension.
    Own,
    /// These, and tables that extensions call their configuration: nothing else of an extension has rows of the user's.
    Configuration,
}

impl Among {
    /// Relations of these kinds.
    fn sql(self) -> String {
        const CONFIGURATION: &str =
            "c.oid IN (SELECT pg_catalog.unnest(e.extconfig) FROM pg_catalog.pg_extension e)";
        match self {
            Among::Own => format!("{RELATIONS} AND {NO_MEMBER}"),
            Among::Configuration => format!("{RELATIONS} AND ({NO_MEMBER} OR {CONFIGURATION})"),
        }
    }
}

/// Kinds of relations that patterns choose.
const RELATIONS: &str = "SELECT c.oid, n.nspname AS schema, c.relname AS name
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S') AND c.relpersistence <> 't'
      AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'coalesce')";

/// What belongs to no extension.
const NO_MEMBER: &str = "c.oid NOT IN (SELECT d.objid FROM pg_catalog.pg_depend d
      WHERE d.deptype = 'e' AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass)";

/// What belongs to a relation so closely that it comes and goes with it: a partitioned table stands for its
/// partitions, and a sequence serves the column that owns it.
const BELONGINGS: &str = "found AS (
    SELECT m.oid FROM matched m
    UNION
    SELECT b.oid FROM found f JOIN belongings b ON b.owner = f.oid
  ), belongings AS (
    SELECT i.inhrelid AS oid, i.inhparent AS owner
    FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid WHERE c.relispartition
    UNION ALL
    SELECT d.objid, d.refobjid FROM pg_catalog.pg_depend d
    JOIN pg_catalog.pg_class c ON c.oid = d.objid AND c.relkind = 'S'
    WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refclassid = d.classid
      AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0
  )";

impl Finder<'_> {
    fn all_relations(&mut self) -> Result<Relations> {
        let sql = Among::Own.sql();
        let rows = self.client.query(&sql, &[]).map_err(not_listed())?;
        Ok(rows.iter().map(relation).collect())
    }

    fn configuration(&mut self) -> Result<Relations> {
        const SQL: &str = "SELECT c.oid, n.nspname AS schema, c.relname AS name
            FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            WHERE c.relkind = 'r'
              AND c.oid IN (SELECT pg_catalog.unnest(e.extconfig) FROM pg_catalog.pg_extension e)";
        let rows = self.client.query(SQL, &[]).map_err(not_listed())?;
        Ok(rows.iter().map(relation).collect())
    }

    /// `None` when there is none.
    fn relations(&mut self, pattern: &Pattern, among: Among) -> Result<Option<Relations>> {
        let (schema, name) = pattern.of_relation()?;
        let sql = format!(
            "WITH RECURSIVE all_relations AS ({}), matched AS (
               SELECT r.oid FROM all_relations r
               WHERE r.name OPERATOR(pg_catalog.~) ($1::pg_catalog.text COLLATE pg_catalog.\"default\")
                 AND CASE WHEN $2::pg_catalog.text IS NULL THEN r.oid = ANY ($3)
                     ELSE r.schema OPERATOR(pg_catalog.~) ($2::pg_catalog.text COLLATE pg_catalog.\"default\") END
             ), {BELONGINGS}
             SELECT r.oid, r.schema, r.name FROM all_relations r JOIN found f ON f.oid = r.oid",
            among.sql()
        );
        let visible = if schema.is_none() {
            self.visible()?.to_vec()
        } else {
            Vec::new()
        };
        let rows = self
            .client
            .query(&sql, &[&name, &schema, &visible])
            .map_err(not_understood(pattern))?;
        let relations: Relations = rows.iter().map(relation).collect();
        Ok((!relations.is_empty()).then_some(relations))
    }

    /// Tables, partitions among them, whose rows a pattern decides about.
    fn tables_with_rows(&mut self, pattern: &Pattern, among: Among) -> Result<Relations> {
        let mut relations = self.relations(pattern, among)?.unwrap_or_default();
        let oids: Vec<u32> = relations.values().copied().collect();
        let tables = self
            .client
            .query(
                "SELECT c.oid FROM pg_catalog.pg_class c WHERE c.relkind IN ('r', 'p') AND c.oid = ANY ($1)",
                &[&oids],
            )
            .map_err(not_listed())?;
        let tables: BTreeSet<u32> = tables.iter().map(|row| row.get(0)).collect();
        relations.retain(|_, oid| tables.contains(oid));
        if relations.is_empty() {
            let message = format!("no table matches {pattern}, whose rows are to be left out or chosen");
            return Err(Error::new(ErrorKind::Endpoint, message).with_hint(
                "capital letters count only inside double quotes; a table without SCHEMA. must be on the role's \
                 search_path",
            ));
        }
        Ok(relations)
    }

    fn all_schemas(&mut self) -> Result<Vec<String>> {
        let all = Pattern::new("*")?;
        Ok(self.schemas(&all)?.unwrap_or_default())
    }

    /// `None` when there is none.
    fn schemas(&mut self, pattern: &Pattern) -> Result<Option<Vec<String>>> {
        const SQL: &str = "SELECT n.nspname FROM pg_catalog.pg_namespace n
            WHERE n.nspname OPERATOR(pg_catalog.~) ($1::pg_catalog.text COLLATE pg_catalog.\"default\")
              AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'coalesce')";
        let name = pattern.of_schema()?;
        let rows = self
            .client
            .query(SQL, &[&name])
            .map_err(not_understood(pattern))?;
        let schemas: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        Ok((!schemas.is_empty()).then_some(schemas))
    }

    /// Relations that a name without a schema finds in the role's own sessions. Asked without any operator, since
    /// that path may be a stranger's.
    fn visible(&mut self) -> Result<&[u32]> {
        const VISIBLE: &str =
            "SELECT c.oid FROM pg_catalog.pg_class c WHERE pg_catalog.pg_table_is_visible(c.oid)";
        if self.visible.is_none() {
            let failed = || Error::query("the role's search_path could not be followed");
            self.client.batch_execute("RESET search_path").map_err(failed())?;
            let rows = self.client.query(VISIBLE, &[]).map_err(failed())?;
            self.client
                .batch_execute("SET search_path = ''")
                .map_err(failed())?;
            self.visible = Some(rows.iter().map(|row| row.get(0)).collect());
        }
        Ok(self.visible.as_deref().unwrap_or_default())
    }
}

fn relation(row: &postgres::Row) -> (QualifiedName, u32) {
    let name = QualifiedName::new(row.get::<_, &str>("schema"), row.get::<_, &str>("name"));
    (name, row.get("oid"))
}

fn not_listed() -> impl FnOnce(postgres::Error) -> Error {
    Error::query("the relations could not be listed")
}

fn not_understood(pattern: &Pattern) -> impl FnOnce(postgres::Error) -> Error {
    Error::query(format!("the server does not understand pattern {pattern}"))
}
