//! What the objects of a live database are defined as, read from its system catalogs: a few queries for all schemas,
//! however many objects there are.
//!
//! Each family is a query in a file of its own. A query gives a row for each object, with its properties as one flat
//! list of name, form (`p` for plain words, `s` for a statement) and value; a property whose value is NULL has what it
//! has from the beginning, and is left out. Texts that are SQL are whole statements in the words of `pg_dump`, so that
//! they are given new names by the same rules. Statements are text here: nobody runs them.

mod database_wide;
mod parts;
mod relations;
mod routines;
mod text;
mod types;

use catalog::{Definition, DefinitionKind, Property, Value};
use postgres::GenericClient;

use super::objects::kind_of;
use super::selection::Chosen;
use crate::{Error, Result};

/// What is read beside the definitions themselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DefinitionWishes {
    /// Who owns each object.
    pub owners: bool,
    /// Who may do what with each object, and default privileges.
    pub grants: bool,
}

/// A query that gives objects of one family.
struct Family {
    /// The system catalog of the objects whose alias is `o`: those that belong to an extension are left out.
    class: &'static str,
    /// Where the schema `n` and the object `o` are known, `{own}` stands for what they must be.
    sql: &'static str,
}

/// The objects' own schemas; `$2` and `$3` say whether owners and grants are wanted.
const OWN: &str = "n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'coalesce')
  AND ($1::pg_catalog.text[] IS NULL OR n.nspname = ANY ($1))
  AND $2::pg_catalog.bool IS NOT NULL AND $3::pg_catalog.bool IS NOT NULL
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e WHERE e.deptype = 'e' AND e.objid = o.oid
                  AND e.classid = 'pg_catalog.{class}'::pg_catalog.regclass)";

/// Of relations those that were chosen: to ask for what another one is defined as could wait for its lock.
const CHOSEN: &str =
    " AND ($4::pg_catalog.oid[] IS NULL OR o.relkind NOT IN ('r', 'p', 'f', 'v', 'm') OR o.oid = ANY ($4))";

/// The same for what is no relation.
const NO_RELATION: &str = " AND ($4::pg_catalog.oid[] IS NULL OR o.oid IS NOT NULL)";

/// Abbreviations that the queries use, each with what it stands for.
const WORDS: [(&str, &str); 4] = [
    // The relation `o` in the schema `n`.
    (
        "{me}",
        "pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(o.relname)",
    ),
    // Of one collation `co` in the schema `cn`.
    (
        "{collation}",
        "pg_catalog.quote_ident(cn.nspname) || '.' || pg_catalog.quote_ident(co.collname)",
    ),
    ("{text}", "::pg_catalog.text"),
    ("{array}", "::pg_catalog.text[]"),
];

/// What is spelled otherwise, or not there, in older versions: the word, the first major version that has it, and what
/// stands for it before.
const SINCE: [(&str, u32, &str, &str); 7] = [
    ("{attcompression}", 14, "a.attcompression::pg_catalog.text", "''"),
    ("{stxstattarget}", 13, "o.stxstattarget", "-1"),
    ("{tgparentid}", 13, "g.tgparentid", "0"),
    ("{rngmultitypid}", 14, "r.rngmultitypid", "0"),
    ("{colliculocale}", 15, "o.colliculocale", "NULL::pg_catalog.text"),
    ("{collicurules}", 16, "o.collicurules", "NULL::pg_catalog.text"),
    ("{locale}", 17, "o.colllocale", "{colliculocale}"),
];

/// All that is defined in `schemas`, or in all of the user's, and belongs to no extension.
///
/// # Errors
///
/// When a query fails.
pub fn read_definitions(
    client: &mut impl GenericClient,
    schemas: Option<&[String]>,
    wishes: DefinitionWishes,
) -> Result<Vec<Definition>> {
    read(client, schemas, None, wishes)
}

/// The same of what was chosen; definitions of relations that were not are not asked for.
///
/// # Errors
///
/// When a query fails.
pub fn read_chosen_definitions(
    client: &mut impl GenericClient,
    chosen: &Chosen,
    wishes: DefinitionWishes,
) -> Result<Vec<Definition>> {
    read(
        client,
        chosen.schemas.as_deref(),
        chosen.relation_oids().as_deref(),
        wishes,
    )
}

fn read(
    client: &mut impl GenericClient,
    schemas: Option<&[String]>,
    relations: Option<&[u32]>,
    wishes: DefinitionWishes,
) -> Result<Vec<Definition>> {
    let failed = || Error::query("the definitions could not be read from the catalog");
    let version: i32 = client
        .query_one(
            "SELECT pg_catalog.current_setting('server_version_num')::pg_catalog.int4 AS version",
            &[],
        )
        .map_err(failed())?
        .get("version");
    let major = u32::try_from(version / 10_000).unwrap_or_default();
    let mut definitions = Vec::new();
    let families = [
        database_wide::FAMILIES,
        types::FAMILIES,
        relations::FAMILIES,
        parts::FAMILIES,
        routines::FAMILIES,
        text::FAMILIES,
    ];
    for family in families.into_iter().flatten() {
        let sql = family.sql(major);
        let rows = client
            .query(&sql, &[&schemas, &wishes.owners, &wishes.grants, &relations])
            .map_err(failed())?;
        definitions.extend(rows.iter().map(|row| {
            let properties: Vec<Option<String>> = row.get("properties");
            Definition {
                kind: kind(row.get("kind")),
                schema: row.get("schema"),
                name: row.get("name"),
                table: row.get("table_name"),
                arguments: row.get("arguments"),
                properties: said(properties),
            }
        }));
    }
    Ok(definitions)
}

impl Family {
    fn sql(&self, major: u32) -> String {
        let chosen = if self.class == "pg_class" {
            CHOSEN
        } else {
            NO_RELATION
        };
        let own = format!("{OWN}{chosen}");
        let mut sql = self.sql.replace("{own}", &own).replace("{class}", self.class);
        for (word, since, new, old) in SINCE.iter().rev() {
            sql = sql.replace(word, if major >= *since { new } else { old });
        }
        for (word, meaning) in WORDS {
            sql = sql.replace(word, meaning);
        }
        grants(&owners(&sql))
    }
}

/// `{owner o.relowner}` is the owner where owners are wanted.
fn owners(sql: &str) -> String {
    each_word(sql, "{owner ", |column| {
        format!("CASE WHEN $2 THEN pg_catalog.pg_get_userbyid({column})::pg_catalog.text END")
    })
}

/// `{grants r o.relacl o.relowner}` is who has what beside the owner, where that is wanted.
fn grants(sql: &str) -> String {
    each_word(sql, "{grants ", |words| {
        let mut words = words.split(' ');
        let mut next = || words.next().unwrap_or_default();
        let (kind, acl, owner) = (next(), next(), next());
        let all = match kind {
            "c" => acl.to_owned(),
            _ => format!("COALESCE({acl}, pg_catalog.acldefault('{kind}', {owner}))"),
        };
        format!(
            "CASE WHEN $3 THEN (SELECT pg_catalog.string_agg(g.line, '; ' ORDER BY g.line COLLATE \"C\") FROM (
               SELECT pg_catalog.lower(pg_catalog.string_agg(x.privilege_type || CASE WHEN x.is_grantable
                        THEN ' with grant option' ELSE '' END, ', ' ORDER BY x.privilege_type COLLATE \"C\"))
                      || ' to ' || CASE x.grantee WHEN 0 THEN 'public' ELSE pg_catalog.pg_get_userbyid(x.grantee)::pg_catalog.text END
                      AS line
               FROM pg_catalog.aclexplode({all}) x WHERE x.grantee <> {owner}
               GROUP BY x.grantee) g) END"
        )
    })
}

/// Replaces every word that begins with `start` and ends with `}`.
fn each_word(sql: &str, start: &str, meaning: impl Fn(&str) -> String) -> String {
    let mut pieces = sql.split(start);
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (word, rest) = piece.split_once('}').unwrap_or((piece, ""));
        text.push_str(&meaning(word));
        text.push_str(rest);
    }
    text
}

fn kind(word: &str) -> DefinitionKind {
    match word {
        "schema" => DefinitionKind::Schema,
        "column" => DefinitionKind::Column,
        "extension" => DefinitionKind::Extension,
        "cast" => DefinitionKind::Cast,
        "event_trigger" => DefinitionKind::EventTrigger,
        "default_privileges" => DefinitionKind::DefaultPrivileges,
        word => DefinitionKind::Object(kind_of(word)),
    }
}

/// The properties in a flat list of name, form and value, without those that have none.
fn said(flat: Vec<Option<String>>) -> Vec<Property> {
    let mut properties = Vec::new();
    let mut flat = flat.into_iter();
    while let (Some(name), Some(form), Some(value)) = (flat.next(), flat.next(), flat.next()) {
        if let (Some(name), Some(value)) = (name, value) {
            let value = match form.as_deref() {
                Some("s") => Value::Statement(value),
                _ => Value::Plain(value),
            };
            properties.push(Property { name, value });
        }
    }
    properties
}
