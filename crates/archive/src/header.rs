//! `archive.json`: what the archive is, and what its source contains.

use std::collections::BTreeMap;

use catalog::{Catalog, Table, TableKind, large_objects_table};
use conversion::TableConversion;
use fingerprint::Form;
use plan::Mapping;
use serde::{Deserialize, Serialize};

use crate::{Error, ErrorKind, MergedSource, Result};

/// The newest format that this code writes and reads.
pub const FORMAT_VERSION: u32 = 1;

/// Features that may stand under `requires`.
const KNOWN_FEATURES: [&str; 5] = [
    LARGE_OBJECTS,
    EXTENSION_ROWS,
    CONVERSIONS,
    MERGED_TABLES,
    COLUMN_CHANGES,
];

/// Large objects travel as rows of a table of kind [`TableKind::LargeObjects`].
const LARGE_OBJECTS: &str = "large-objects";

/// There are tables of kind [`TableKind::Configuration`].
const EXTENSION_ROWS: &str = "extension-rows";

/// There are [`Header::conversions`]: who does not do them would fill columns with values of another type.
const CONVERSIONS: &str = "conversions";

/// There are tables of kind [`TableKind::Merged`]: who does not know them would leave them empty.
const MERGED_TABLES: &str = "merged-tables";

/// There are tables with [`Table::changes`]: who does not know them would compare columns that are others now.
const COLUMN_CHANGES: &str = "column-changes";

/// What stands in front of the rows: `archive.json`, the first member of every archive. `docs/archive-format.md` has the
/// meaning of each field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    pub format: u32,
    pub requires: Vec<String>,
    /// UUID of the run of `dump`.
    pub run: String,
    pub tool: String,
    pub source: SourceIdentity,
    pub options: BTreeMap<String, String>,
    /// What was left out on request, as it was asked for.
    pub filters: Vec<String>,
    /// Which rows of which tables were left out, in the source's names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub row_filters: Vec<RowFilter>,
    /// What does not reach the target as the choices say, in the source's names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub discards: Vec<Discard>,
    #[serde(default, skip_serializing_if = "Content::is_whole")]
    pub content: Content,
    pub forms: Vec<TableForm>,
    pub catalog: Catalog,
    pub mappings: Vec<Mapping>,
    /// What becomes of rows on their way into the target; they travel as they were.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conversions: Vec<TableConversion>,
    /// The sources whose archives have become this one; empty where it is one source's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub merged_from: Vec<MergedSource>,
    pub notes: Vec<String>,
}

/// Which database was dumped, and which moment of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceIdentity {
    pub kind: SourceKind,
    /// A database's name, or a file's without its folder.
    pub database: String,
    pub server_version: String,
    pub encoding: String,
    /// `provider:locale@version` of the database; empty for SQLite.
    pub collation: String,
    /// ISO 8601 in UTC.
    pub snapshot_time: String,
    /// `pg_current_wal_lsn()` or its counterpart on a standby; empty for SQLite.
    pub lsn: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SourceKind {
    PostgreSql,
    Sqlite,
}

/// Which rows of a table an archive holds, where it does not hold all that the source has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowFilter {
    pub table: u32,
    /// Those for which this SQL condition is true in the source; without one none at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
}

/// Rows of a table that are not here, or not as they are in the source, because of their values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Discard {
    pub table: u32,
    /// The column that is at fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    pub fate: Fate,
    /// The column that keeps what the values were; for [`Fate::Kept`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept_in: Option<String>,
    /// Why, in words.
    pub reason: String,
    pub rows: u64,
    /// The first of the rows.
    pub examples: String,
}

/// What became of discarded rows or values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// The rows are not here: they were set aside, since a value of theirs does not fit.
    Rejected,
    /// The rows are not here, by choice.
    LeftOut,
    /// The values became NULL.
    Null,
    /// The values became NULL, and a column that the source does not have keeps them.
    Kept,
}

impl Discard {
    /// What was discarded, as a sentence; `catalog` is the archive's.
    pub fn sentence(&self, catalog: &Catalog) -> String {
        let table = catalog.tables.iter().find(|it| it.number == self.table);
        let column = self.column.iter().map(String::as_str);
        let object: Vec<&str> = table.iter().map(|it| it.name.as_str()).chain(column).collect();
        let words = match (self.fate, self.rows) {
            (Fate::Rejected, 1) => "row is rejected",
            (Fate::Rejected, _) => "rows are rejected",
            (Fate::LeftOut, 1) => "row is left out",
            (Fate::LeftOut, _) => "rows are left out",
            (Fate::Null | Fate::Kept, 1) => "value becomes NULL",
            (Fate::Null | Fate::Kept, _) => "values become NULL",
        };
        let kept = self
            .kept_in
            .as_ref()
            .map_or(String::new(), |it| format!(", {it} keeps what was there"));
        format!(
            "{}: {} {words}{kept} ({}): {}",
            object.join("."),
            self.rows,
            self.examples,
            self.reason
        )
    }
}

/// How much of what was chosen an archive holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    #[default]
    Whole,
    /// Definitions without rows; sequences stand at their start.
    SchemaOnly,
    /// Rows without definitions.
    DataOnly,
}

impl Content {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
    fn is_whole(&self) -> bool {
        *self == Content::Whole
    }
}

/// The form in which a table's rows travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableForm {
    pub table: u32,
    pub form: Form,
}

impl Header {
    /// The features that a reader of an archive of `catalog` must know.
    pub fn features(catalog: &Catalog) -> Vec<String> {
        let has = |kind: TableKind| catalog.tables.iter().any(|it| it.kind == kind);
        let mut features = Vec::new();
        if has(TableKind::LargeObjects) {
            features.push(LARGE_OBJECTS.to_owned());
        }
        if has(TableKind::Configuration) {
            features.push(EXTENSION_ROWS.to_owned());
        }
        if has(TableKind::Merged) || has(TableKind::Part) {
            features.push(MERGED_TABLES.to_owned());
        }
        features
    }

    /// Asks for conversions, which every reader must know from now on.
    pub fn convert(&mut self, conversions: Vec<TableConversion>) {
        self.conversions = conversions;
        if !self.requires.iter().any(|it| it == CONVERSIONS) {
            self.requires.push(CONVERSIONS.to_owned());
        }
    }

    /// Says that columns change behind the rows, which every reader must know from now on.
    pub fn change_columns(&mut self) {
        if !self.changes_columns() {
            self.requires.push(COLUMN_CHANGES.to_owned());
        }
    }

    /// Whether columns change behind the rows.
    pub fn changes_columns(&self) -> bool {
        self.requires.iter().any(|it| it == COLUMN_CHANGES)
    }

    /// The form of a table's rows; `None` for a table without rows of its own.
    pub fn form(&self, table: u32) -> Option<Form> {
        self.forms.iter().find(|it| it.table == table).map(|it| it.form)
    }

    pub(crate) fn parse(json: &[u8]) -> Result<Header> {
        let versions: Versions =
            serde_json::from_slice(json).map_err(|error| Error::new(ErrorKind::Json(error)))?;
        if versions.format > FORMAT_VERSION {
            let kind = ErrorKind::Version {
                found: versions.format,
                known: FORMAT_VERSION,
            };
            return Err(Error::new(kind));
        }
        let unknown = |name: &&String| !KNOWN_FEATURES.contains(&name.as_str());
        if let Some(name) = versions.requires.iter().find(unknown) {
            return Err(Error::new(ErrorKind::Feature(name.clone())));
        }
        let mut header: Header =
            serde_json::from_slice(json).map_err(|error| Error::new(ErrorKind::Json(error)))?;
        header.check()?;
        header.catalog.find_indexed_constraints();
        Ok(header)
    }

    /// Numbers identify, so they must be the places that they claim to be.
    fn check(&self) -> Result<()> {
        let tables = &self.catalog.tables;
        if tables
            .iter()
            .zip(0..)
            .any(|(table, number)| table.number != number)
        {
            return Err(Error::damaged("tables are not numbered in order"));
        }
        let with_rows = tables
            .iter()
            .filter(|table| table.has_rows())
            .map(|table| table.number);
        if !with_rows.eq(self.forms.iter().map(|it| it.table)) {
            return Err(Error::damaged("forms do not belong to the tables"));
        }
        let in_binary = |table: &Table| table.stores_names() && self.form(table.number) == Some(Form::Binary);
        if tables.iter().any(in_binary) {
            return Err(Error::damaged("a table whose values hold names is not in text"));
        }
        let is_there = |number: u32| usize::try_from(number).is_ok_and(|it| it < tables.len());
        if !self.discards.iter().all(|it| is_there(it.table)) {
            return Err(Error::damaged("a discard is of no table"));
        }
        let fits = |it: &TableConversion| {
            let table = usize::try_from(it.table).ok().and_then(|place| tables.get(place));
            table.is_some_and(|table| {
                let is_filled = table.is_own() || table.kind == TableKind::Part;
                it.fits(table) && is_filled && !table.stores_names()
            })
        };
        let is_in_order = self.conversions.is_sorted_by(|one, next| one.table < next.table);
        if !is_in_order || !self.conversions.iter().all(fits) {
            return Err(Error::damaged("conversions do not fit the tables"));
        }
        crate::merged::check(tables)?;
        self.check_large_objects()
    }

    /// Their rows are no table's of the target, so nothing else would look at what they claim to be.
    fn check_large_objects(&self) -> Result<()> {
        let objects = &self.catalog.large_objects;
        if !objects.is_sorted_by(|one, next| one.oid < next.oid) {
            return Err(Error::damaged("large objects are not in the order of their OIDs"));
        }
        let tables = &self.catalog.tables;
        let of_kind = tables.iter().filter(|it| it.kind == TableKind::LargeObjects);
        let is_known = |it: &&Table| it.columns == large_objects_table(0, 0).columns;
        let expected = usize::from(!objects.is_empty());
        if of_kind.clone().count() != expected || of_kind.filter(is_known).count() != expected {
            return Err(Error::damaged("large objects do not have their table"));
        }
        Ok(())
    }
}

/// What can be read of every version, also of later ones.
#[derive(Deserialize)]
struct Versions {
    format: u32,
    #[serde(default)]
    requires: Vec<String>,
}

#[cfg(test)]
mod tests {
    use catalog::{Object, ObjectKind};
    use serde_json::json;

    use super::*;

    /// The constraints that have an index, in a header whose objects are these.
    fn indexed(objects: &serde_json::Value) -> Vec<Object> {
        let header = header(objects, &json!([]));
        let header = Header::parse(header.to_string().as_bytes()).expect("the header is whole");
        let objects = header.catalog.objects.into_iter();
        objects.filter(|it| it.indexed).collect()
    }

    fn header(objects: &serde_json::Value, discards: &serde_json::Value) -> serde_json::Value {
        json!({
            "format": 1, "requires": [], "run": "", "tool": "", "options": {}, "filters": [], "forms": [],
            "discards": discards,
            "source": {"kind": "postgresql", "database": "d", "server_version": "15", "encoding": "UTF8",
                "collation": "", "snapshot_time": "", "lsn": ""},
            "catalog": {"schemas": [], "tables": [], "sequences": [], "materialized_views": [], "extensions": [],
                "objects": objects, "roles": [], "policy_roles": []},
            "mappings": [], "notes": [],
        })
    }

    #[test]
    fn a_discard_is_of_a_table_that_is_there() {
        let discard =
            json!({"table": 0, "column": "c", "fate": "null", "reason": "", "rows": 1, "examples": ""});
        let header = header(&json!([]), &json!([discard]));
        let error = Header::parse(header.to_string().as_bytes()).expect_err("there is no table");
        assert_eq!(error.to_string(), "archive is damaged: a discard is of no table");
    }

    #[test]
    fn constraints_with_an_index_are_found_in_older_headers() {
        let object = |kind, name, table| json!({"kind": kind, "schema": "s", "name": name, "table": table});
        let mut objects = json!([
            object("index", "t_pkey", "t"),
            object("index", "u_key", "u"),
            object("constraint", "t_pkey", "t"),
            object("constraint", "t_check", "t"),
            object("constraint", "u_key", "t"),
            {"kind": "constraint", "schema": "s", "name": "of_a_domain"},
        ]);
        let primary_key = Object {
            kind: ObjectKind::Constraint,
            schema: "s".to_owned(),
            name: "t_pkey".to_owned(),
            table: Some("t".to_owned()),
            indexed: true,
        };
        assert_eq!(indexed(&objects), std::slice::from_ref(&primary_key));
        // A header that says it of some has it of all: a check may be called like an index.
        objects[2]["indexed"] = json!(true);
        objects[3]["name"] = json!("u_key");
        objects[3]["table"] = json!("u");
        assert_eq!(indexed(&objects), [primary_key]);
    }

    #[test]
    fn conversions_that_do_not_fit_the_rows_are_refused() {
        let column = |name: &str, text: &str| {
            json!({"name": name, "type": {"schema": "pg_catalog", "name": text, "text": text}, "not_null": true,
                "identity": null, "generated": null, "binary_safe": true})
        };
        let table = json!({"number": 0, "schema": "s", "name": "t", "kind": "ordinary", "unlogged": false,
            "columns": [column("id", "integer"), column("note", "text")], "primary_key": ["id"], "partition_of": null,
            "inherits": [], "rows_estimate": null, "bytes": 0});
        let parse = |table_number: u32, name: &str, from: &str| {
            let conversion = json!({"column": name, "kind": "uuid_key", "from": from,
                "key_of": {"schema": "s", "name": "t"}, "namespace": "1:x,"});
            let header = json!({
                "format": 1, "requires": ["conversions"], "run": "", "tool": "", "options": {}, "filters": [],
                "forms": [{"table": 0, "form": "binary"}],
                "source": {"kind": "postgresql", "database": "d", "server_version": "15", "encoding": "UTF8",
                    "collation": "", "snapshot_time": "", "lsn": ""},
                "catalog": {"schemas": [], "tables": [table], "sequences": [], "materialized_views": [],
                    "extensions": [], "objects": [], "roles": [], "policy_roles": []},
                "mappings": [], "notes": [],
                "conversions": [{"table": table_number, "columns": [conversion]}],
            });
            Header::parse(header.to_string().as_bytes())
        };
        assert!(parse(0, "id", "integer").is_ok());
        for (table, name, from) in [
            (0, "id", "bigint"),
            (0, "note", "integer"),
            (0, "x", "integer"),
            (1, "id", "integer"),
        ] {
            assert!(parse(table, name, from).is_err(), "{table} {name} {from}");
        }
        assert!(parse(0, "id", "text").is_err());
    }
}
