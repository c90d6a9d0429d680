//! Columns of views as they are read from their definitions, judged by the server's own list of them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use plan::Mapping;
use rewrite::Known;
use testkit::fixtures::{POSTGRES, Scale, zoo};
use testkit::{Cluster, Database, Desk};

/// Gives every column a name that `--snake-case` changes. Columns of tables and of views get it alike, so that some
/// columns of views go on without an alias.
const ODD_NAMES: &str = r"
DO $$ DECLARE it record; BEGIN
    FOR it IN SELECT c.oid::regclass AS relation, a.attname AS name
            FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm') AND a.attnum > 0 AND NOT a.attisdropped
                AND a.attinhcount = 0 AND NOT c.relispartition AND c.reloftype = 0 AND octet_length(a.attname) < 60
                AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
                AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e') LOOP
        EXECUTE format('ALTER TABLE %s RENAME COLUMN %I TO %I', it.relation, it.name, 'oX' || it.name);
    END LOOP;
END $$";

const VIEW_COLUMNS: &str = "
SELECT c.oid::regclass || '.' || quote_ident(a.attname)
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('v', 'm') AND a.attnum > 0 AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    AND a.attname ~ '^oX' AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')";

/// Queries whose columns do not stand in the first list of targets.
const VIEWS: &str = r#"
CREATE TYPE pair AS (a integer, b integer);
CREATE TABLE t (a integer, b text, p pair, many integer[]);
CREATE VIEW common AS WITH x AS (SELECT a AS hidden, b FROM t), y AS (SELECT hidden FROM x) SELECT b, hidden AS shown FROM x, y AS z (q);
CREATE VIEW repeated AS WITH RECURSIVE r (n, m) AS (SELECT 1, 2 UNION ALL SELECT n + 1, m FROM r WHERE n < 3) TABLE r;
CREATE VIEW united AS WITH x AS (SELECT 1 AS other) (SELECT a, b FROM t UNION SELECT other, '' FROM x) EXCEPT (SELECT a AS c, b AS d FROM t) ORDER BY 1;
CREATE VIEW arms AS (WITH x AS (SELECT a AS inner_a FROM t) SELECT inner_a FROM x LIMIT 1) UNION ALL SELECT a FROM t;
CREATE VIEW listed (one, two) AS VALUES (1, 'x'), (2, 'y');
CREATE VIEW unnamed AS VALUES (1, ROW(2, 3)::pair) UNION SELECT 1, NULL;
CREATE VIEW parts AS SELECT (t.p).*, many[1], t AS whole, count(*) OVER (), t.b::varchar AS c, ARRAY(SELECT a AS x FROM t) FROM t;
CREATE VIEW bare AS SELECT FROM t;
CREATE VIEW starred AS SELECT * FROM t AS s (e, f) JOIN (VALUES (1)) AS v (e) USING (e);
CREATE MATERIALIZED VIEW kept (k) AS WITH x AS MATERIALIZED (SELECT a, b FROM t) SELECT a AS z, b AS "B c" FROM x WITH NO DATA;
"#;

#[track_caller]
fn check(database: &Database<'_>, count_min: usize) {
    database.execute(ODD_NAMES).unwrap();
    let dump = Desk::shared().run(&format!("pg_dump -s {}", database.name()));
    dump.assert_success();
    let mapping = Mapping {
        snake_case: true,
        ..Mapping::new(None, &[]).unwrap()
    };
    let renamed = Known::from_sql(&dump.stdout_text()).renamed_columns(&mapping);
    let of_views = renamed.iter().filter(|it| it.statement.contains("VIEW "));
    let mut found: Vec<String> = of_views
        .map(|it| format!("{}.{}", it.relation, catalog::quote_ident(&it.old)))
        .collect();
    found.sort();
    // Without a path, so that every name has its schema.
    let mut client = database.admin().unwrap();
    client.batch_execute("SET search_path = ''").unwrap();
    let rows = client.query(VIEW_COLUMNS, &[]).unwrap();
    let mut expected: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    expected.sort();
    assert!(expected.len() >= count_min, "{} columns", expected.len());
    assert_eq!(found, expected);
}

#[test]
fn columns_of_views_are_those_that_the_server_lists() {
    let cluster = Cluster::shared();
    for fixture in POSTGRES {
        check(&fixture.database(cluster, Scale::Small).unwrap(), 10);
    }
    check(&zoo(cluster).unwrap(), 30);
    let database = cluster.database("views").unwrap();
    database.execute(VIEWS).unwrap();
    check(&database, 24);
}
