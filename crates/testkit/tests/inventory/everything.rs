//! A database with one of everything that an inventory tells, and the server's own answers about it.

use serde_json::Value;
use testkit::{Database, POSTGRES};

use super::{join, nested, table, texts};

/// One of everything that an inventory tells.
pub(crate) const SQL: &str = "
    CREATE EXTENSION citext;
    CREATE SCHEMA \"Odd one\";
    COMMENT ON SCHEMA \"Odd one\" IS 'odd';
    CREATE TYPE mood AS ENUM ('calm', 'cross');
    CREATE DOMAIN positive AS integer CHECK (VALUE > 0);
    CREATE TYPE pair AS (a integer, b text);
    CREATE TYPE span AS RANGE (subtype = integer);
    CREATE SEQUENCE alone AS smallint INCREMENT 5;
    SELECT nextval('alone'), nextval('alone');
    CREATE TABLE parent (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, m mood DEFAULT 'calm',
      name citext COLLATE \"C\" NOT NULL, twice bigint GENERATED ALWAYS AS (3 * 2) STORED, n positive,
      \"Odd\" integer,
      UNIQUE (name), UNIQUE (\"Odd\", n) WITH (fillfactor = 80), UNIQUE (\"Odd\", m), CONSTRAINT short CHECK (length(name::text) < 10) NOT VALID);
    COMMENT ON TABLE parent IS 'all of them';
    COMMENT ON COLUMN parent.m IS 'how they feel';
    CREATE TABLE \"Odd one\".child (a integer, b bigint REFERENCES parent ON DELETE CASCADE, c text) WITH (fillfactor = 70);
    CREATE INDEX b_1 ON \"Odd one\".child (b);
    CREATE INDEX b_2 ON \"Odd one\".child (b);
    CREATE INDEX partial ON \"Odd one\".child (lower(c)) WHERE a > 1;
    CREATE TABLE keyed (a integer, b varchar(10), c text COLLATE \"C\", d name, e mood, f integer[], \"Group\" date,
      PRIMARY KEY (a, b) INCLUDE (c), UNIQUE (d) DEFERRABLE INITIALLY DEFERRED, UNIQUE (\"Group\", c) DEFERRABLE,
      EXCLUDE USING btree (f WITH =));
    CREATE INDEX ordered ON keyed (a DESC, b DESC NULLS LAST, c NULLS FIRST, \"Group\") INCLUDE (d, e);
    CREATE INDEX of_pattern ON keyed (b varchar_pattern_ops, c text_pattern_ops);
    CREATE INDEX of_texts ON keyed (b, c, d);
    CREATE INDEX other_order ON keyed (c COLLATE \"POSIX\");
    CREATE INDEX of_parts ON keyed (e, f);
    CREATE INDEX hashed ON keyed USING hash (a);
    CREATE INDEX wide ON keyed USING gin (f);
    CREATE INDEX filled ON keyed (a, d) WITH (fillfactor = 60);
    CREATE TABLE keyed_too (a integer, b varchar(10), c text, \"D\" integer REFERENCES parent ON UPDATE SET NULL ON DELETE SET DEFAULT
        DEFERRABLE INITIALLY DEFERRED,
      e bigint CONSTRAINT restricted REFERENCES parent ON UPDATE RESTRICT ON DELETE RESTRICT,
      FOREIGN KEY (b, a) REFERENCES keyed (b, a) MATCH FULL ON DELETE CASCADE);
    ALTER TABLE keyed_too ADD FOREIGN KEY (e) REFERENCES parent NOT VALID;
    INSERT INTO parent (name) SELECT 'n' || n FROM generate_series(1, 200) AS n;
    INSERT INTO \"Odd one\".child SELECT n, n, repeat('x', 20) FROM generate_series(1, 200) AS n;
    CREATE TABLE tree (a integer) PARTITION BY RANGE (a);
    CREATE INDEX on_tree ON tree (a DESC);
    CREATE TABLE leaf PARTITION OF tree FOR VALUES FROM (0) TO (10);
    CREATE UNLOGGED TABLE quick (a integer);
    CREATE VIEW crossest AS SELECT id, name FROM parent WHERE m = 'cross';
    CREATE MATERIALIZED VIEW kept AS SELECT count(*) AS n FROM parent;
    CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public
      AS 'BEGIN RETURN NEW; END';
    CREATE FUNCTION far() RETURNS integer LANGUAGE plpgsql
      AS 'BEGIN PERFORM dblink(''host=db.example.com dbname=far password=hunter2'', ''SELECT 1''); RETURN 1; END';
    CREATE TRIGGER touched BEFORE UPDATE ON parent FOR EACH ROW WHEN (NEW.id > 5) EXECUTE FUNCTION touch();
    ALTER TABLE parent DISABLE TRIGGER touched;
    ALTER TABLE parent ENABLE ROW LEVEL SECURITY;
    CREATE POLICY seen ON parent FOR SELECT TO source_reader USING (true);
    GRANT SELECT ON parent TO source_reader;
    CREATE PUBLICATION told FOR TABLE parent;
    CREATE FOREIGN DATA WRAPPER nothing;
    CREATE SERVER away FOREIGN DATA WRAPPER nothing OPTIONS (host 'far.example.com', port '5433', dbname 'there');
    CREATE FOREIGN TABLE abroad (a integer) SERVER away;
    SELECT lo_create(4711), lo_create(4712), lo_create(4720);
    ANALYZE";

/// The same of what PostgreSQL 15 and later have.
pub(crate) const SQL_15: &str = "
    ALTER TABLE keyed ADD UNIQUE NULLS NOT DISTINCT (e);
    CREATE UNIQUE INDEX alike ON keyed (a, \"Group\" DESC) NULLS NOT DISTINCT;
    ALTER TABLE keyed_too ADD FOREIGN KEY (a, b) REFERENCES keyed ON DELETE SET NULL (a)";

/// The inventory says what the server says.
#[track_caller]
pub(crate) fn check(source: &Database<'_>, found: &Value) {
    check_tables(source, found);
    check_parts(source, found);
    check_objects(source, found);
    check_rest(found);
}

/// What `query` answers is what `pick` takes from the inventory's list.
#[track_caller]
fn compare(
    source: &Database<'_>,
    found: &Value,
    what: &str,
    query: &str,
    pick: impl Fn(&Value) -> Vec<String>,
) {
    let mut client = source.admin().unwrap();
    client.batch_execute("SET search_path = ''").unwrap();
    let rows = client.query(query, &[]).unwrap();
    let mut expected: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    let mut found = pick(&found[what]);
    expected.sort();
    found.sort();
    assert_eq!(found, expected, "{what}");
    assert!(!found.is_empty(), "{what}");
}

/// The schemas of [`SQL`].
const OWN: &str = "n.nspname IN ('public', 'Odd one')";

fn check_tables(source: &Database<'_>, found: &Value) {
    compare(
        source,
        found,
        "tables",
        &format!(
            "SELECT concat_ws('|', n.nspname, c.relname, pg_get_userbyid(c.relowner), obj_description(c.oid, 'pg_class'),
               CASE WHEN c.relkind = 'r' THEN c.reltuples::int8 END, pg_table_size(c.oid) - CASE c.reltoastrelid WHEN 0 THEN 0
                 ELSE pg_total_relation_size(c.reltoastrelid) END >= pg_relation_size(c.oid), pg_relation_size(c.oid), c.relrowsecurity)
             FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE c.relkind IN ('r', 'p', 'f') AND {OWN}"
        ),
        |tables| {
            texts(tables, |it| {
                join([&it["schema"], &it["name"], &it["owner"], &it["comment"], &it["rows_estimate"],
                    &Value::Bool(true), &it["heap_bytes"], &it["row_security"]])
            })
        },
    );
    compare(
        source,
        found,
        "tables",
        &format!(
            "SELECT concat_ws('|', c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
               pg_get_expr(d.adbin, d.adrelid), col_description(c.oid, a.attnum), a.attgenerated <> '', a.attidentity <> '',
               CASE WHEN a.attcollation <> t.typcollation THEN '\"C\"' END)
             FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
             JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
             WHERE a.attnum > 0 AND c.relkind IN ('r', 'p', 'f') AND {OWN}"
        ),
        |tables| {
            nested(tables, "columns", |table, it| {
                join([&table["name"], &it["name"], &it["type_name"], &it["not_null"], &it["default"], &it["comment"],
                    &it["generated"], &it["identity"], &it["collation"]])
            })
        },
    );
}

fn check_parts(source: &Database<'_>, found: &Value) {
    compare(
        source,
        found,
        "tables",
        &format!(
            "SELECT concat_ws('|', c.relname, pg_get_indexdef(i.indexrelid), pg_relation_size(i.indexrelid), i.indisunique,
               i.indpred IS NOT NULL, CASE x.relname WHEN 'b_2' THEN 'b_1' END)
             FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_class x ON x.oid = i.indexrelid
             JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p') AND {OWN}"
        ),
        |tables| {
            nested(tables, "indexes", |table, it| {
                join([&table["name"], &it["definition"], &it["bytes"], &it["flags"]["unique"], &it["flags"]["partial"],
                    &it["duplicate_of"]])
            })
        },
    );
    let constraints = |types: &str| {
        format!(
            "SELECT concat_ws('|', c.relname, k.conname, pg_get_constraintdef(k.oid), k.convalidated)
             FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE k.contype IN ({types}) AND {OWN}"
        )
    };
    for (list, types) in [("keys", "'p', 'u', 'c', 'x'"), ("foreign_keys", "'f'")] {
        compare(source, found, "tables", &constraints(types), |tables| {
            nested(tables, list, |table, it| {
                join([&table["name"], &it["name"], &it["definition"], &it["validated"]])
            })
        });
    }
}

fn check_objects(source: &Database<'_>, found: &Value) {
    compare(
        source,
        found,
        "views",
        &format!(
            "SELECT concat_ws('|', c.relname, c.relkind = 'm', pg_get_viewdef(c.oid)) FROM pg_class c
             JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('v', 'm') AND {OWN}"
        ),
        |views| {
            texts(views, |it| {
                join([&it["name"], &it["materialized"], &it["definition"]])
            })
        },
    );
    compare(
        source,
        found,
        "triggers",
        "SELECT concat_ws('|', tgname, pg_get_triggerdef(oid), tgenabled) FROM pg_trigger WHERE NOT tgisinternal",
        |triggers| {
            texts(triggers, |it| {
                join([&it["name"], &it["definition"], &it["enabled"]])
            })
        },
    );
    compare(
        source,
        found,
        "sequences",
        "SELECT concat_ws('|', schemaname, sequencename, data_type, last_value, max_value, increment_by) FROM pg_sequences",
        |sequences| {
            texts(sequences, |it| {
                join([
                    &it["schema"],
                    &it["name"],
                    &it["type_name"],
                    &it["last_value"],
                    &it["max_value"],
                    &it["increment"],
                ])
            })
        },
    );
    compare(
        source,
        found,
        "extensions",
        "SELECT concat_ws('|', extname, extversion, extrelocatable) FROM pg_extension",
        |extensions| {
            texts(extensions, |it| {
                join([&it["name"], &it["version"], &it["relocatable"]])
            })
        },
    );
}

/// What is easier written down than asked for.
fn check_rest(found: &Value) {
    let types = texts(&found["types"], |it| {
        join([&it["name"], &it["kind"], &it["labels"], &it["base"]])
    });
    assert_eq!(
        types,
        [
            "mood|enum|[\"calm\",\"cross\"]",
            "pair|composite|[]",
            "positive|domain|[]|integer",
            "span|range|[]|integer"
        ]
    );
    assert_eq!(
        found["large_objects"]["ranges"],
        serde_json::json!([[4711, 4712], [4720, 4720]])
    );
    assert_eq!(found["publications"][0]["tables"][0], "public.parent");
    let servers = texts(&found["foreign_servers"], |it| {
        join([
            &it["wrapper"],
            &it["host"],
            &it["port"],
            &it["database"],
            &it["tables"],
        ])
    });
    assert_eq!(
        servers,
        [
            "dblink|db.example.com|far|0",
            "nothing|far.example.com|5433|there|1"
        ]
    );
    let settings = texts(&found["settings"], |it| {
        join([&it["scope"], &it["role"], &it["name"], &it["value"]])
    });
    for expected in [
        "database|search_path|public, \"Odd one\"",
        "database|app.api_password|***",
        "role_in_database|source_reader|DateStyle|German",
        "server|standard_conforming_strings|on",
    ] {
        assert!(
            settings.iter().any(|it| it == expected),
            "no {expected} in {settings:#?}"
        );
    }
    let parent = table(found, "parent");
    assert_eq!(parent["policies"][0]["roles"][0], "source_reader");
    assert_eq!(parent["usage"]["rows_written"], 200);
    assert_eq!(table(found, "leaf")["parents"][0], "public.tree");
    assert_eq!(table(found, "quick")["unlogged"], true);
    let roles = texts(&found["roles"], |it| join([&it["name"], &it["superuser"]]));
    assert!(roles.contains(&format!("{POSTGRES}|t")), "{roles:?}");
    let routine = &found["routines"][1];
    assert_eq!(
        join([
            &routine["name"],
            &routine["language"],
            &routine["security_definer"],
            &routine["settings"]
        ]),
        "touch|plpgsql|t|[\"search_path=public\"]"
    );
}
