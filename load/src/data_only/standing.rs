//! What stands on the target already: the tables that rows go into, as its system catalogs have them.

use std::collections::HashMap;

use catalog::{ColumnType, QualifiedName};
use cli::Result;
use postgres::{Client, Row};

use crate::target::failed;

/// A table, or what has a table's name.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "facts of the system catalogs, each for itself"
)]
pub(crate) struct StandingTable {
    pub(crate) name: QualifiedName,
    /// `pg_class.relkind`.
    pub(crate) kind: String,
    /// The topmost table of a partition, else the table itself.
    pub(crate) root: u32,
    /// The partitioned tables above it, up to the topmost.
    pub(crate) above: Vec<QualifiedName>,
    pub(crate) columns: Vec<StandingColumn>,
    pub(crate) triggers: Vec<StandingTrigger>,
    /// Whether the role may alter it.
    pub(crate) owned: bool,
    pub(crate) owner: String,
    /// Those of the privileges that every table needs which the role lacks.
    pub(crate) missing_privileges: Vec<String>,
    pub(crate) may_truncate: bool,
    /// Policies hold the role: with `row_security` off every look at the rows is an error.
    pub(crate) has_row_security: bool,
    /// An INSERT does what a rule says, and COPY passes it by.
    pub(crate) has_insert_rule: bool,
}

/// A column of such a table.
#[derive(Clone, Debug)]
pub(crate) struct StandingColumn {
    pub(crate) name: String,
    /// In the shape in which archives have types.
    pub(crate) column_type: ColumnType,
    /// The type as SQL names it.
    pub(crate) type_sql: String,
    /// `pg_type.typtype`.
    pub(crate) type_kind: String,
    /// Of an enum.
    pub(crate) labels: Vec<String>,
    pub(crate) not_null: bool,
    /// Whether a row that does not name it gets a value all the same.
    pub(crate) is_filled: bool,
    pub(crate) is_generated: bool,
}

/// A trigger that fires for an ordinary session.
#[derive(Clone, Debug)]
pub(crate) struct StandingTrigger {
    pub(crate) name: String,
    /// The table or partition that has it, as SQL.
    pub(crate) table: String,
    /// Enabled ALWAYS.
    pub(crate) always: bool,
    pub(crate) on_insert: bool,
}

/// A foreign key from or to one of the tables, or to a tree of partitions that one of them belongs to.
#[derive(Clone, Debug)]
pub(crate) struct ForeignKey {
    pub(crate) name: String,
    /// The table that refers.
    pub(crate) from: QualifiedName,
    pub(crate) from_root: u32,
    pub(crate) to_root: u32,
    pub(crate) deferrable: bool,
    /// Whether the role may alter it.
    pub(crate) owned: bool,
}

impl StandingTable {
    /// What a query names to read the rows that are written to this table.
    pub(crate) fn own_rows(&self) -> String {
        if self.kind == "p" {
            self.name.to_string()
        } else {
            format!("ONLY {}", self.name)
        }
    }

    pub(crate) fn column(&self, name: &str) -> Option<&StandingColumn> {
        self.columns.iter().find(|it| it.name == name)
    }

    /// Triggers that rows would fire.
    pub(crate) fn row_triggers(&self) -> impl Iterator<Item = &StandingTrigger> {
        self.triggers.iter().filter(|it| it.on_insert)
    }
}

/// Whatever the target has under `names`.
pub(crate) fn read_tables(
    client: &mut Client,
    names: &[QualifiedName],
) -> Result<HashMap<QualifiedName, StandingTable>> {
    const TABLES: &str = "
        SELECT c.oid, n.nspname AS schema, c.relname AS name, c.relkind::pg_catalog.text AS kind,
          COALESCE(pg_catalog.pg_partition_root(c.oid)::pg_catalog.oid, c.oid) AS root,
          ARRAY(SELECT an.nspname::pg_catalog.text
                FROM pg_catalog.pg_partition_ancestors(c.oid) WITH ORDINALITY AS above (oid, place)
                JOIN pg_catalog.pg_class a ON a.oid = above.oid JOIN pg_catalog.pg_namespace an ON an.oid = a.relnamespace
                WHERE a.oid <> c.oid ORDER BY place) AS above_schemas,
          ARRAY(SELECT a.relname::pg_catalog.text
                FROM pg_catalog.pg_partition_ancestors(c.oid) WITH ORDINALITY AS above (oid, place)
                JOIN pg_catalog.pg_class a ON a.oid = above.oid
                WHERE a.oid <> c.oid ORDER BY place) AS above_names,
          pg_catalog.pg_has_role(c.relowner, 'USAGE') AS owned,
          pg_catalog.pg_get_userbyid(c.relowner)::pg_catalog.text AS owner,
          ARRAY(SELECT 'USAGE on schema ' || pg_catalog.quote_ident(n.nspname)
                WHERE NOT pg_catalog.has_schema_privilege(n.oid, 'USAGE')
                UNION ALL SELECT p.name FROM pg_catalog.unnest(ARRAY['SELECT', 'INSERT']) AS p (name)
                WHERE NOT pg_catalog.has_table_privilege(c.oid, p.name)
                UNION ALL SELECT 'UPDATE (without which it could not be locked)'
                WHERE NOT pg_catalog.has_table_privilege(c.oid, 'UPDATE, DELETE, TRUNCATE')) AS missing,
          pg_catalog.has_table_privilege(c.oid, 'TRUNCATE') AS may_truncate,
          pg_catalog.row_security_active(c.oid) AS has_row_security,
          EXISTS (SELECT FROM pg_catalog.pg_rewrite r
                  WHERE r.ev_class = c.oid AND r.ev_type = '3' AND r.ev_enabled IN ('O', 'A')) AS has_insert_rule
        FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        JOIN ROWS FROM (pg_catalog.unnest($1::pg_catalog.text[]), pg_catalog.unnest($2::pg_catalog.text[])) AS w (schema, name)
          ON w.schema = n.nspname AND w.name = c.relname
        WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')";
    let step = "the target's tables could not be examined";
    let (schemas, tables): (Vec<&str>, Vec<&str>) = names.iter().map(|it| (&*it.schema, &*it.name)).unzip();
    let rows = client
        .query(TABLES, &[&schemas, &tables])
        .map_err(|error| failed(step, error))?;
    let oids: Vec<u32> = rows.iter().map(|row| row.get("oid")).collect();
    let roots: Vec<u32> = rows.iter().map(|row| row.get("root")).collect();
    let mut columns = read_columns(client, &oids)?;
    let triggers = read_triggers(client, &roots)?;
    let table = |row: &Row| {
        let name = QualifiedName::new(row.get::<_, &str>("schema"), row.get::<_, &str>("name"));
        let (oid, root): (u32, u32) = (row.get("oid"), row.get("root"));
        let table = StandingTable {
            name: name.clone(),
            kind: row.get("kind"),
            root,
            above: row
                .get::<_, Vec<&str>>("above_schemas")
                .into_iter()
                .zip(row.get::<_, Vec<&str>>("above_names"))
                .map(|(schema, name)| QualifiedName::new(schema, name))
                .collect(),
            columns: columns.remove(&oid).unwrap_or_default(),
            triggers: triggers.get(&root).cloned().unwrap_or_default(),
            owned: row.get("owned"),
            owner: row.get("owner"),
            missing_privileges: row.get("missing"),
            may_truncate: row.get("may_truncate"),
            has_row_security: row.get("has_row_security"),
            has_insert_rule: row.get("has_insert_rule"),
        };
        (name, table)
    };
    Ok(rows.iter().map(table).collect())
}

fn read_columns(client: &mut Client, oids: &[u32]) -> Result<HashMap<u32, Vec<StandingColumn>>> {
    const COLUMNS: &str = "
        SELECT a.attrelid AS relation, a.attname AS name, n.nspname AS type_schema,
          COALESCE(e.typname, t.typname) AS type_name,
          pg_catalog.format_type(a.atttypid, a.atttypmod) AS type_sql,
          CASE WHEN n.nspname = 'pg_catalog' THEN pg_catalog.format_type(a.atttypid, a.atttypmod)
               ELSE pg_catalog.substr(pg_catalog.format_type(a.atttypid, a.atttypmod), pg_catalog.length(
                 pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(COALESCE(e.typname, t.typname))) + 1)
          END AS type_text,
          t.typtype::pg_catalog.text AS type_kind,
          (WITH RECURSIVE below AS (
             SELECT t.typtype AS kind, t.oid AS type, t.typbasetype AS next
             UNION ALL
             SELECT d.typtype, d.oid, d.typbasetype FROM below b JOIN pg_catalog.pg_type d ON d.oid = b.next
             WHERE b.kind = 'd')
           SELECT pg_catalog.format_type(b.type, NULL) FROM below b
           JOIN pg_catalog.pg_type d ON d.oid = b.type AND d.typnamespace = 'pg_catalog'::pg_catalog.regnamespace
           WHERE b.kind <> 'd' AND t.typtype = 'd') AS base,
          ARRAY(SELECT l.enumlabel::pg_catalog.text FROM pg_catalog.pg_enum l WHERE l.enumtypid = t.oid
                ORDER BY l.enumsortorder) AS labels,
          a.attnotnull AS not_null, a.attgenerated <> '' AS is_generated,
          a.atthasdef OR a.attidentity <> '' OR t.typdefault IS NOT NULL AS is_filled
        FROM pg_catalog.pg_attribute a
        JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
        LEFT JOIN pg_catalog.pg_type e ON e.typarray = t.oid
        JOIN pg_catalog.pg_namespace n ON n.oid = COALESCE(e.typnamespace, t.typnamespace)
        WHERE a.attrelid = ANY ($1) AND a.attnum > 0 AND NOT a.attisdropped
        ORDER BY a.attrelid, a.attnum";
    let rows = client
        .query(COLUMNS, &[&oids])
        .map_err(|error| failed("the columns of the target's tables could not be examined", error))?;
    let mut columns: HashMap<u32, Vec<StandingColumn>> = HashMap::new();
    for row in &rows {
        let column = StandingColumn {
            name: row.get("name"),
            column_type: ColumnType {
                schema: row.get("type_schema"),
                name: row.get("type_name"),
                text: row.get("type_text"),
                base: row.get("base"),
            },
            type_sql: row.get("type_sql"),
            type_kind: row.get("type_kind"),
            labels: row.get("labels"),
            not_null: row.get("not_null"),
            is_filled: row.get("is_filled"),
            is_generated: row.get("is_generated"),
        };
        columns.entry(row.get("relation")).or_default().push(column);
    }
    Ok(columns)
}

/// By the root of the tree of partitions: rows that are sent to a partitioned table fire what its partitions have.
fn read_triggers(client: &mut Client, roots: &[u32]) -> Result<HashMap<u32, Vec<StandingTrigger>>> {
    const TRIGGERS: &str = "
        SELECT COALESCE(pg_catalog.pg_partition_root(t.tgrelid)::pg_catalog.oid, t.tgrelid) AS root,
          t.tgname::pg_catalog.text AS name, t.tgrelid::pg_catalog.regclass::pg_catalog.text AS table,
          t.tgenabled = 'A' AS always, (t.tgtype::pg_catalog.int4 & 4) <> 0 AS on_insert
        FROM pg_catalog.pg_trigger t
        WHERE NOT t.tgisinternal AND t.tgenabled IN ('O', 'A')
          AND COALESCE(pg_catalog.pg_partition_root(t.tgrelid)::pg_catalog.oid, t.tgrelid) = ANY ($1)
        ORDER BY t.tgrelid, t.tgname";
    let rows = client
        .query(TRIGGERS, &[&roots])
        .map_err(|error| failed("the triggers of the target's tables could not be listed", error))?;
    let mut triggers: HashMap<u32, Vec<StandingTrigger>> = HashMap::new();
    for row in &rows {
        let trigger = StandingTrigger {
            name: row.get("name"),
            table: row.get("table"),
            always: row.get("always"),
            on_insert: row.get("on_insert"),
        };
        triggers.entry(row.get("root")).or_default().push(trigger);
    }
    Ok(triggers)
}

/// Foreign keys that begin or end at one of `roots`, each once, however many partitions repeat it.
pub(crate) fn read_foreign_keys(client: &mut Client, roots: &[u32]) -> Result<Vec<ForeignKey>> {
    const KEYS: &str = "
        SELECT * FROM (
          SELECT k.conname::pg_catalog.text AS name, fn.nspname AS from_schema, f.relname AS from_name,
            COALESCE(pg_catalog.pg_partition_root(f.oid)::pg_catalog.oid, f.oid) AS from_root,
            COALESCE(pg_catalog.pg_partition_root(t.oid)::pg_catalog.oid, t.oid) AS to_root,
            k.condeferrable AS deferrable, pg_catalog.pg_has_role(f.relowner, 'USAGE') AS owned
          FROM pg_catalog.pg_constraint k
          JOIN pg_catalog.pg_class f ON f.oid = k.conrelid JOIN pg_catalog.pg_namespace fn ON fn.oid = f.relnamespace
          JOIN pg_catalog.pg_class t ON t.oid = k.confrelid
          WHERE k.contype = 'f' AND k.conparentid = 0) AS k
        WHERE k.from_root = ANY ($1) OR k.to_root = ANY ($1)
        ORDER BY k.from_schema, k.from_name, k.name";
    let rows = client
        .query(KEYS, &[&roots])
        .map_err(|error| failed("the target's foreign keys could not be listed", error))?;
    let key = |row: &Row| ForeignKey {
        name: row.get("name"),
        from: QualifiedName::new(row.get::<_, &str>("from_schema"), row.get::<_, &str>("from_name")),
        from_root: row.get("from_root"),
        to_root: row.get("to_root"),
        deferrable: row.get("deferrable"),
        owned: row.get("owned"),
    };
    Ok(rows.iter().map(key).collect())
}

/// Kinds (`pg_type.typtype`) of those of `names` that are types on the target.
pub(crate) fn read_type_kinds(
    client: &mut Client,
    names: &[QualifiedName],
) -> Result<HashMap<QualifiedName, String>> {
    const TYPES: &str = "
        SELECT n.nspname AS schema, t.typname AS name, t.typtype::pg_catalog.text AS kind
        FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
        JOIN ROWS FROM (pg_catalog.unnest($1::pg_catalog.text[]), pg_catalog.unnest($2::pg_catalog.text[])) AS w (schema, name)
          ON w.schema = n.nspname AND w.name = t.typname";
    let (schemas, types): (Vec<&str>, Vec<&str>) = names.iter().map(|it| (&*it.schema, &*it.name)).unzip();
    let rows = client
        .query(TYPES, &[&schemas, &types])
        .map_err(|error| failed("the target's types could not be examined", error))?;
    let kind = |row: &Row| {
        let name = QualifiedName::new(row.get::<_, &str>("schema"), row.get::<_, &str>("name"));
        (name, row.get("kind"))
    };
    Ok(rows.iter().map(kind).collect())
}
