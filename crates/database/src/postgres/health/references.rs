//! What the objects of some schemas need of other people's schemas: dependencies that PostgreSQL keeps, and texts in which
//! it sees none.

use catalog::Object;
use postgres::GenericClient;

use crate::postgres::objects::read_objects;
use crate::{Error, Result};

/// An object that depends on one in another application's schema.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference {
    /// Kind and name as the server identifies it: `view there.open_orders`, `function there.total(integer)`.
    pub object: String,
    /// The same of what it needs: `table public.orders`.
    pub needs: String,
}

/// A routine whose body is a string, which no dependency tells of.
#[derive(Clone, Debug)]
pub struct StringBody {
    /// Kind and name: `function there.total(integer)`.
    pub object: String,
    /// The whole definition, names in it as their author wrote them.
    pub definition: String,
    /// Its own `search_path`, as the setting is written.
    pub search_path: Option<String>,
}

/// What stands around some schemas.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// The schemas of others.
    pub schemas: Vec<String>,
    /// Those in which an extension lives: all may look there.
    pub with_extensions: Vec<String>,
    /// What others have there.
    pub objects: Vec<Object>,
}

/// Objects of `$1`'s schemas by the catalogs that hold them. Indexes follow their tables, row types their relations.
const MINE: &str = "
WITH namespaces AS (
  SELECT n.oid FROM pg_catalog.pg_namespace n WHERE n.nspname = ANY ($1)
), mine AS (
  SELECT 'pg_catalog.pg_class'::pg_catalog.regclass AS classid, c.oid AS objid
  FROM pg_catalog.pg_class c JOIN namespaces n ON n.oid = c.relnamespace WHERE c.relkind NOT IN ('i', 'I', 't')
  UNION ALL SELECT 'pg_catalog.pg_proc'::pg_catalog.regclass, p.oid
  FROM pg_catalog.pg_proc p JOIN namespaces n ON n.oid = p.pronamespace
  UNION ALL SELECT 'pg_catalog.pg_type'::pg_catalog.regclass, t.oid
  FROM pg_catalog.pg_type t JOIN namespaces n ON n.oid = t.typnamespace
  UNION ALL SELECT 'pg_catalog.pg_operator'::pg_catalog.regclass, o.oid
  FROM pg_catalog.pg_operator o JOIN namespaces n ON n.oid = o.oprnamespace
  UNION ALL SELECT 'pg_catalog.pg_opclass'::pg_catalog.regclass, o.oid
  FROM pg_catalog.pg_opclass o JOIN namespaces n ON n.oid = o.opcnamespace
  UNION ALL SELECT 'pg_catalog.pg_ts_config'::pg_catalog.regclass, o.oid
  FROM pg_catalog.pg_ts_config o JOIN namespaces n ON n.oid = o.cfgnamespace
  UNION ALL SELECT 'pg_catalog.pg_constraint'::pg_catalog.regclass, k.oid
  FROM pg_catalog.pg_constraint k JOIN namespaces n ON n.oid = k.connamespace WHERE k.conparentid = 0
  UNION ALL SELECT 'pg_catalog.pg_attrdef'::pg_catalog.regclass, f.oid
  FROM pg_catalog.pg_attrdef f JOIN pg_catalog.pg_class c ON c.oid = f.adrelid JOIN namespaces n ON n.oid = c.relnamespace
  UNION ALL SELECT 'pg_catalog.pg_trigger'::pg_catalog.regclass, g.oid
  FROM pg_catalog.pg_trigger g JOIN pg_catalog.pg_class c ON c.oid = g.tgrelid JOIN namespaces n ON n.oid = c.relnamespace
  WHERE NOT g.tgisinternal
  UNION ALL SELECT 'pg_catalog.pg_rewrite'::pg_catalog.regclass, w.oid
  FROM pg_catalog.pg_rewrite w JOIN pg_catalog.pg_class c ON c.oid = w.ev_class JOIN namespaces n ON n.oid = c.relnamespace
  UNION ALL SELECT 'pg_catalog.pg_policy'::pg_catalog.regclass, p.oid
  FROM pg_catalog.pg_policy p JOIN pg_catalog.pg_class c ON c.oid = p.polrelid JOIN namespaces n ON n.oid = c.relnamespace
), ";

/// What they depend on, arrays and row types as what they are made of.
const THEIRS: &str = "
needs AS (
  SELECT DISTINCT m.classid, m.objid,
    CASE WHEN rc.oid IS NULL THEN d.refclassid ELSE 'pg_catalog.pg_class'::pg_catalog.regclass END AS refclassid,
    COALESCE(rc.oid, e.oid, d.refobjid) AS refobjid
  FROM mine m JOIN pg_catalog.pg_depend d ON d.classid = m.classid AND d.objid = m.objid AND d.deptype <> 'e'
  LEFT JOIN pg_catalog.pg_type t ON d.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass AND t.oid = d.refobjid
  LEFT JOIN pg_catalog.pg_type e ON e.typarray = t.oid
  LEFT JOIN pg_catalog.pg_class rc ON rc.oid = COALESCE(e.typrelid, t.typrelid) AND rc.relkind <> 'c'
), theirs AS (
  SELECT n.*, COALESCE(c.relnamespace, p.pronamespace, y.typnamespace, o.oprnamespace, l.collnamespace, oc.opcnamespace,
    tc.cfgnamespace, td.dictnamespace, f.opfnamespace) AS namespace
  FROM needs n
  LEFT JOIN pg_catalog.pg_class c ON n.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND c.oid = n.refobjid
    AND c.relkind NOT IN ('i', 'I')
  LEFT JOIN pg_catalog.pg_proc p ON n.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND p.oid = n.refobjid
  LEFT JOIN pg_catalog.pg_type y ON n.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass AND y.oid = n.refobjid
  LEFT JOIN pg_catalog.pg_operator o ON n.refclassid = 'pg_catalog.pg_operator'::pg_catalog.regclass AND o.oid = n.refobjid
  LEFT JOIN pg_catalog.pg_collation l ON n.refclassid = 'pg_catalog.pg_collation'::pg_catalog.regclass AND l.oid = n.refobjid
  LEFT JOIN pg_catalog.pg_opclass oc ON n.refclassid = 'pg_catalog.pg_opclass'::pg_catalog.regclass AND oc.oid = n.refobjid
  LEFT JOIN pg_catalog.pg_opfamily f ON n.refclassid = 'pg_catalog.pg_opfamily'::pg_catalog.regclass AND f.oid = n.refobjid
  LEFT JOIN pg_catalog.pg_ts_config tc ON n.refclassid = 'pg_catalog.pg_ts_config'::pg_catalog.regclass AND tc.oid = n.refobjid
  LEFT JOIN pg_catalog.pg_ts_dict td ON n.refclassid = 'pg_catalog.pg_ts_dict'::pg_catalog.regclass AND td.oid = n.refobjid
)
SELECT CASE WHEN w.rulename = '_RETURN' THEN (SELECT pg_catalog.concat(v.type, ' ', v.identity)
              FROM pg_catalog.pg_identify_object('pg_catalog.pg_class'::pg_catalog.regclass, w.ev_class, 0) v)
            ELSE pg_catalog.concat(i.type, ' ', i.identity) END AS object,
       pg_catalog.concat(r.type, ' ', r.identity) AS needs
FROM theirs t
JOIN pg_catalog.pg_namespace n ON n.oid = t.namespace
LEFT JOIN pg_catalog.pg_rewrite w ON t.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND w.oid = t.objid
CROSS JOIN LATERAL pg_catalog.pg_identify_object(t.classid, t.objid, 0) i
CROSS JOIN LATERAL pg_catalog.pg_identify_object(t.refclassid, t.refobjid, 0) r
WHERE n.nspname <> ALL ($1) AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'coalesce')
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e WHERE e.deptype = 'e'
    AND (e.classid = t.refclassid AND e.objid = t.refobjid OR e.classid = t.classid AND e.objid = t.objid))
ORDER BY 1, 2";

/// Everything in `schemas` that depends on something in another schema, but for the system's and extensions'.
pub fn read_references(client: &mut impl GenericClient, schemas: &[String]) -> Result<Vec<Reference>> {
    let sql = format!("{MINE}{THEIRS}");
    let rows = client
        .query(&sql, &[&schemas])
        .map_err(Error::query("what refers to other schemas could not be listed"))?;
    let mut references: Vec<Reference> = rows
        .iter()
        .map(|row| Reference {
            object: row.get("object"),
            needs: row.get("needs"),
        })
        .collect();
    references.dedup();
    Ok(references)
}

const STRING_BODIES: &str = "
SELECT pg_catalog.concat(CASE p.prokind WHEN 'p' THEN 'procedure' ELSE 'function' END, ' ', i.identity) AS object,
       pg_catalog.pg_get_functiondef(p.oid) AS definition,
       (SELECT pg_catalog.substr(c.entry, pg_catalog.length('search_path=') + 1)
        FROM pg_catalog.unnest(p.proconfig) AS c (entry) WHERE c.entry LIKE 'search\\_path=%') AS search_path
FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
JOIN pg_catalog.pg_language l ON l.oid = p.prolang
CROSS JOIN LATERAL pg_catalog.pg_identify_object('pg_catalog.pg_proc'::pg_catalog.regclass, p.oid, 0) i
WHERE n.nspname = ANY ($1) AND p.prokind <> 'a' AND l.lanname NOT IN ('c', 'internal')
  AND pg_catalog.to_jsonb(p) ->> 'prosqlbody' IS NULL
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e WHERE e.deptype = 'e' AND e.objid = p.oid
                  AND e.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass)
ORDER BY 1";

/// Routines of `schemas` whose bodies are texts; what PostgreSQL has parsed itself, [`read_references`] knows.
pub fn read_string_bodies(client: &mut impl GenericClient, schemas: &[String]) -> Result<Vec<StringBody>> {
    let rows = client
        .query(STRING_BODIES, &[&schemas])
        .map_err(Error::query("the bodies of routines could not be read"))?;
    Ok(rows
        .iter()
        .map(|row| StringBody {
            object: row.get("object"),
            definition: row.get("definition"),
            search_path: row.get("search_path"),
        })
        .collect())
}

const OTHERS: &str = "
SELECT n.nspname::pg_catalog.text AS name,
       EXISTS (SELECT FROM pg_catalog.pg_extension e WHERE e.extnamespace = n.oid) AS extensions
FROM pg_catalog.pg_namespace n
WHERE n.nspname <> ALL ($1) AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'coalesce')
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.deptype = 'e' AND d.objid = n.oid
                  AND d.classid = 'pg_catalog.pg_namespace'::pg_catalog.regclass)
ORDER BY n.nspname COLLATE \"C\"";

/// What the database has beside `schemas`, the system and extensions' own schemas.
pub fn read_surroundings(client: &mut impl GenericClient, schemas: &[String]) -> Result<Surroundings> {
    let rows = client
        .query(OTHERS, &[&schemas])
        .map_err(Error::query("the other schemas could not be listed"))?;
    let others: Vec<String> = rows.iter().map(|row| row.get("name")).collect();
    let with_extensions = rows.iter().filter(|row| row.get("extensions"));
    Ok(Surroundings {
        with_extensions: with_extensions.map(|row| row.get("name")).collect(),
        objects: read_objects(client, Some(&others))?,
        schemas: others,
    })
}
