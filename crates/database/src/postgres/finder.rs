//! Schemas and relations that patterns match, as the server compares them.

use std::collections::{BTreeSet, HashMap};

use catalog::QualifiedName;
use postgres::Client;

use super::pattern::Pattern;
use crate::{Error, ErrorKind, Result};

/// Looks names up by patterns.
pub(super) struct Finder<'a> {
    client: &'a mut Client,
    visible: Option<Vec<u32>>,
}

/// Relations of the user's, by name.
pub(super) type Relations = HashMap<QualifiedName, u32>;

/// What patterns look among.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Among {
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

impl<'a> Finder<'a> {
    pub(super) fn new(client: &'a mut Client) -> Self {
        Finder {
            client,
            visible: None,
        }
    }
}

impl Finder<'_> {
    pub(super) fn all_relations(&mut self) -> Result<Relations> {
        let sql = Among::Own.sql();
        let rows = self.client.query(&sql, &[]).map_err(not_listed())?;
        Ok(rows.iter().map(relation).collect())
    }

    pub(super) fn configuration(&mut self) -> Result<Relations> {
        const SQL: &str = "SELECT c.oid, n.nspname AS schema, c.relname AS name
            FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            WHERE c.relkind = 'r'
              AND c.oid IN (SELECT pg_catalog.unnest(e.extconfig) FROM pg_catalog.pg_extension e)";
        let rows = self.client.query(SQL, &[]).map_err(not_listed())?;
        Ok(rows.iter().map(relation).collect())
    }

    /// `None` when there is none.
    pub(super) fn relations(&mut self, pattern: &Pattern, among: Among) -> Result<Option<Relations>> {
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
    pub(super) fn tables_with_rows(&mut self, pattern: &Pattern, among: Among) -> Result<Relations> {
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
            return Err(Error::new(ErrorKind::Selection, message).with_hint(
                "capital letters count only inside double quotes; a table without SCHEMA. must be on the role's \
                 search_path",
            ));
        }
        Ok(relations)
    }

    pub(super) fn all_schemas(&mut self) -> Result<Vec<String>> {
        let all = Pattern::new("*")?;
        Ok(self.schemas(&all)?.unwrap_or_default())
    }

    /// `None` when there is none.
    pub(super) fn schemas(&mut self, pattern: &Pattern) -> Result<Option<Vec<String>>> {
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
    pub(super) fn visible(&mut self) -> Result<&[u32]> {
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
