//! What becomes of definitions, and what stands in the way.

use catalog::{Column, ColumnType, IdentityKind, Sequence, SequenceOwner, Table, TableKind};
use plan::Keys;

use super::*;
use crate::foreign_keys::foreign_keys;

fn column(name: &str, text: &str, identity: bool) -> Column {
    Column {
        name: name.to_owned(),
        new_name: None,
        column_type: ColumnType {
            schema: "pg_catalog".to_owned(),
            name: text.to_owned(),
            text: text.to_owned(),
            base: None,
        },
        not_null: false,
        identity: identity.then_some(IdentityKind::ByDefault),
        generated: None,
        binary_safe: true,
        names: None,
    }
}

fn table(number: u32, name: &str, columns: Vec<Column>) -> Table {
    Table {
        number,
        schema: "s".to_owned(),
        name: name.to_owned(),
        kind: TableKind::Ordinary,
        unlogged: false,
        columns,
        primary_key: vec!["id".to_owned()],
        partition_of: None,
        partition_key: None,
        through_root: None,
        inherits: Vec::new(),
        rows_estimate: None,
        bytes: 0,
        index_bytes: None,
        origin: None,
        extension: None,
        condition: None,
        merged: None,
        part: None,
        changes: None,
    }
}

/// `s.a (id, n)` and `s.b (id, a_id → s.a)`, whose keys become UUIDs, with the sequence `s.a_id_seq`.
fn source() -> (Catalog, Vec<TableConversion>) {
    let a = table(
        0,
        "a",
        vec![
            column("id", "bigint", true),
            column("n", "integer", false),
            column("a_id", "integer", false),
        ],
    );
    let b = table(
        1,
        "b",
        vec![column("id", "integer", false), column("a_id", "integer", false)],
    );
    let sequence = Sequence {
        schema: "s".to_owned(),
        name: "a_id_seq".to_owned(),
        owned_by: Some(SequenceOwner {
            table: QualifiedName::new("s", "a"),
            column: "id".to_owned(),
        }),
        last_value: 1,
        is_called: true,
        increment: 1,
        start: 1,
    };
    // Nothing says that `loose.a_id` holds keys of `s.a`.
    let loose = Table {
        primary_key: Vec::new(),
        ..table(2, "loose", vec![column("a_id", "integer", false)])
    };
    let catalog = Catalog {
        tables: vec![a, b, loose],
        sequences: vec![sequence],
        ..Catalog::default()
    };
    let keys = foreign_keys("ALTER TABLE s.b ADD CONSTRAINT f FOREIGN KEY (a_id) REFERENCES s.a(id);");
    let wish = Keys {
        uuid: vec!["*".to_owned()],
        keep_old: Some("_old".to_owned()),
        source: None,
        note: None,
    };
    let choice = conversion::choose(&catalog, &keys, &wish, "src").unwrap();
    (catalog, choice.tables)
}

const TABLES: &str =
    "CREATE TABLE s.a (id bigint NOT NULL, n integer);\nCREATE TABLE s.b (id integer, a_id integer);\n";

const SHOWN: &str = "CREATE VIEW s.shown AS SELECT a.id AS ident, a.n FROM s.a;";

/// The text without blank lines, the reasons of doubts, and those of obstacles.
fn rewritten(sql: &str) -> (String, Vec<String>, Vec<String>) {
    let (catalog, conversions) = source();
    let mut keys = ConvertedKeys::new(&catalog, &conversions);
    keys.learn([SHOWN, sql]);
    keys.rewrite(TABLES);
    let it = keys.rewrite(sql);
    let breaks = |text: &str| text.matches('\n').count();
    assert_eq!(
        breaks(&it.text),
        breaks(sql),
        "lines stay where they are: {}",
        it.text
    );
    let lines: Vec<&str> = it.text.lines().filter(|it| !it.trim().is_empty()).collect();
    let doubts = it.doubts.iter().map(|it| it.reason.clone()).collect();
    let obstacles = keys.obstacles().into_iter().map(|it| it.reason).collect();
    (lines.join("\n"), doubts, obstacles)
}

#[track_caller]
fn check(sql: &str, expected: &str) {
    assert_eq!(
        rewritten(sql),
        (expected.to_owned(), Vec::new(), Vec::new()),
        "{sql}"
    );
}

#[test]
fn columns_get_their_type_and_where_new_keys_come_from() {
    check(
        "CREATE TABLE s.a (\n    id bigint DEFAULT nextval('s.q'::regclass) NOT NULL,\n    n integer DEFAULT 7\n);",
        "CREATE TABLE s.a (\n    id uuid DEFAULT pg_catalog.gen_random_uuid() NOT NULL,\n    n integer DEFAULT 7\n); ALTER TABLE \
         s.a ADD COLUMN id_old bigint;",
    );
    let one = source().1[0].columns[0].namespace.uuid_text(1);
    check(
        "CREATE TABLE s.b (id integer NOT NULL, a_id integer DEFAULT 1, CONSTRAINT c CHECK ((a_id IS NULL)));",
        &format!(
            "CREATE TABLE s.b (id uuid NOT NULL, a_id uuid DEFAULT '{one}'::uuid, CONSTRAINT c CHECK ((a_id IS NULL))); \
             ALTER TABLE s.b ADD COLUMN id_old integer;"
        ),
    );
    check(
        "ALTER TABLE s.a ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (\n    SEQUENCE NAME s.a_id_seq\n    START WITH 1\n);",
        "ALTER TABLE ONLY s.a ALTER COLUMN id SET DEFAULT pg_catalog.gen_random_uuid();",
    );
    check(
        "ALTER TABLE ONLY s.b ALTER COLUMN a_id SET DEFAULT '1'::bigint;",
        &format!("ALTER TABLE ONLY s.b ALTER COLUMN a_id SET DEFAULT '{one}'::uuid;"),
    );
}

#[test]
fn what_belongs_to_a_sequence_goes_with_it() {
    check(
        "CREATE SEQUENCE s.a_id_seq\n    AS integer\n    START WITH 1;\nALTER TABLE s.a_id_seq OWNER TO o;\n\
         ALTER SEQUENCE s.a_id_seq OWNED BY s.a.id;\nCOMMENT ON SEQUENCE s.a_id_seq IS 'x';\n\
         GRANT ALL ON SEQUENCE s.a_id_seq TO o;\nCREATE SEQUENCE s.other;",
        "CREATE SEQUENCE s.other;",
    );
    // PostgreSQL looks for it at once: the load would fail.
    let used = |text: &str| vec![format!("the sequence goes with its key, and is used in `{text}`")];
    for (sql, expected) in [
        (
            "CREATE VIEW s.v AS SELECT last_value FROM s.a_id_seq;",
            used("s.a_id_seq"),
        ),
        (
            "CREATE TABLE s.c (n bigint DEFAULT nextval('s.a_id_seq'::regclass) NOT NULL);",
            used("nextval('s.a_id_seq'::regclass)"),
        ),
        (
            "ALTER TABLE ONLY s.b ALTER COLUMN n SET DEFAULT nextval('s.a_id_seq'::regclass);",
            used("nextval('s.a_id_seq'::regclass)"),
        ),
        (
            "CREATE TABLE s.a (id bigint DEFAULT nextval('s.a_id_seq'::regclass), n bigint DEFAULT nextval('s.a_id_seq'::regclass));",
            used("nextval('s.a_id_seq'::regclass)"),
        ),
        ("CREATE TABLE s.c (t text DEFAULT 's.a_id_seq'::text);", vec![]),
    ] {
        assert_eq!(rewritten(sql).2, expected, "{sql}");
    }
    let (_, doubts, _) =
        rewritten("CREATE TRIGGER t AFTER INSERT ON s.c EXECUTE FUNCTION s.f('s.a_id_seq');");
    assert_eq!(
        doubts,
        ["sequence s.a_id_seq is named here, and goes with its key"]
    );
}

#[test]
fn what_uses_a_key_as_a_number_is_found() {
    let used = |name: &str, text: &str| {
        vec![format!(
            "{name} becomes a UUID, and `{text}` uses it otherwise than as a key of one table"
        )]
    };
    for (sql, expected) in [
        (
            "ALTER TABLE s.a ADD CONSTRAINT c CHECK ((id > 0)) NOT VALID;",
            used("id", "id > 0"),
        ),
        ("ALTER TABLE s.a ADD CONSTRAINT c CHECK ((n > 0));", vec![]),
        (
            "ALTER TABLE s.b ADD CONSTRAINT c CHECK (((a_id IS NOT NULL) OR (a_id IS NULL) OR (id <> id)));",
            vec![],
        ),
        (
            "CREATE INDEX i ON s.b USING btree (a_id, id) INCLUDE (id) WHERE (a_id IS NOT NULL);",
            vec![],
        ),
        (
            "CREATE INDEX i ON s.b USING btree (((a_id % 10)));",
            used("a_id", "a_id % 10"),
        ),
        (
            "CREATE INDEX i ON s.b USING btree (id) WHERE (a_id = 5);",
            used("a_id", "a_id = 5"),
        ),
        (
            "CREATE INDEX i ON s.other USING btree (id) WHERE (a_id = 5);",
            vec![],
        ),
        (
            "CREATE INDEX i ON s.b USING btree (a_id int4_ops);",
            vec!["a_id becomes a UUID, with another operator class".to_owned()],
        ),
        (
            "CREATE TABLE s.b (id integer, a_id integer) PARTITION BY RANGE (a_id);",
            vec!["a_id becomes a UUID, and says which partition a row belongs to".to_owned()],
        ),
        (
            "CREATE TABLE s.b (id integer, a_id integer, g integer GENERATED ALWAYS AS ((id * 2)) STORED);",
            used("id", "id * 2"),
        ),
        (
            "CREATE TABLE s.b (id integer, a_id integer, g text GENERATED ALWAYS AS (('o-'::text || (id)::text)) STORED);",
            used("id", "(id)::text"),
        ),
        // Keys of two tables are never the same, though their numbers were.
        (
            "ALTER TABLE s.b ADD CONSTRAINT c CHECK ((a_id = id));",
            [used("a_id", "a_id = id"), used("id", "a_id = id")].concat(),
        ),
        (
            "ALTER TABLE s.b ADD CONSTRAINT e EXCLUDE USING gist (a_id WITH =, id WITH <>) WHERE ((id IS NOT NULL));",
            used("id", "id WITH <>"),
        ),
        // A column that has the name of another table's key.
        ("ALTER TABLE s.a ADD CONSTRAINT c CHECK ((a_id > 0));", vec![]),
        (
            "ALTER TABLE s.b ALTER COLUMN a_id SET DEFAULT s.f();",
            vec!["nobody knows what `s.f()` is for a UUID".to_owned()],
        ),
    ] {
        assert_eq!(rewritten(sql).2, expected, "{sql}");
    }
}

/// How many doubts and how many obstacles each statement gives.
#[track_caller]
fn check_judgement(cases: &[(&str, (usize, usize))]) {
    for (sql, expected) in cases {
        let (text, doubts, obstacles) = rewritten(sql);
        assert_eq!(
            (text.as_str(), (doubts.len(), obstacles.len())),
            (*sql, *expected),
            "{doubts:?} {obstacles:?}"
        );
    }
}

#[test]
fn queries_and_bodies_that_reckon_with_keys_are_doubts_unless_they_are_refused() {
    check_judgement(&[
        (
            "CREATE VIEW s.v AS SELECT a.id, count(b.id) AS c FROM (s.a JOIN s.b ON ((b.a_id = a.id))) GROUP BY a.id;",
            (0, 0),
        ),
        (
            "CREATE VIEW s.v AS SELECT max(a.id) AS m FROM s.a WHERE (a.id > 5) ORDER BY a.id;",
            (2, 1),
        ),
        ("CREATE VIEW s.v AS SELECT o.id + 1 AS x FROM s.other o;", (0, 0)),
        (
            "CREATE VIEW s.v AS SELECT a.n, b.a_id FROM (s.a LEFT JOIN s.b USING (id)) WHERE (a.id IS DISTINCT FROM b.a_id);",
            (1, 0),
        ),
        // Numbers were equal, or one of them stays a number: `loose.a_id` refers to nothing.
        (
            "CREATE VIEW s.v AS SELECT a.n FROM (s.a JOIN s.b ON ((b.id = a.id)));",
            (2, 0),
        ),
        (
            "CREATE VIEW s.v AS SELECT a.n FROM (s.a JOIN s.loose l ON ((l.a_id = a.id)));",
            (0, 1),
        ),
        (
            "CREATE VIEW s.v AS SELECT a.id FROM s.a UNION ALL SELECT b.a_id FROM s.b UNION SELECT NULL FROM s.b;",
            (0, 0),
        ),
        (
            "CREATE VIEW s.v AS SELECT a.id FROM s.a UNION SELECT l.a_id FROM s.loose l;",
            (1, 0),
        ),
        (
            "CREATE VIEW s.v AS SELECT id FROM s.a WHERE (id = ANY (ARRAY[1, 2]));",
            (1, 0),
        ),
        (
            "CREATE VIEW s.v AS WITH c AS (SELECT a.id AS k FROM s.a) SELECT c.k FROM c WHERE (c.k > 5);",
            (0, 1),
        ),
        ("CREATE STATISTICS s.st (ndistinct) ON id, n FROM s.a;", (0, 0)),
        (
            "CREATE TRIGGER t AFTER UPDATE ON s.b FOR EACH ROW WHEN ((old.a_id IS DISTINCT FROM new.a_id)) EXECUTE FUNCTION s.f();",
            (0, 0),
        ),
        (
            "CREATE TRIGGER t AFTER UPDATE ON s.b FOR EACH ROW WHEN ((new.a_id > 5)) EXECUTE FUNCTION s.f();",
            (0, 1),
        ),
        (
            "CREATE FUNCTION s.f() RETURNS integer LANGUAGE sql AS $$ SELECT max(ID) FROM s.a $$;",
            (1, 0),
        ),
        (
            "CREATE FUNCTION s.f() RETURNS integer LANGUAGE sql AS $$ SELECT 1 FROM s.ideas $$;",
            (0, 0),
        ),
        (
            "CREATE FUNCTION s.f() RETURNS integer LANGUAGE sql RETURN (SELECT max(a.id) FROM s.a a);",
            (1, 0),
        ),
        (
            "CREATE POLICY p ON s.b USING ((a_id = (current_setting('app.user'::text))::integer));",
            (0, 1),
        ),
    ]);
}

#[test]
fn keys_are_followed_through_queries_and_views() {
    check_judgement(&[
        // Queries within queries.
        (
            "CREATE VIEW s.v AS WITH RECURSIVE t(k, depth) AS (SELECT b.a_id, 0 FROM s.b UNION ALL SELECT b.a_id, (t_1.depth + 1) \
             FROM (s.b JOIN t t_1 ON ((b.a_id = t_1.k)))) SELECT t.k, row_number() OVER (PARTITION BY t.k) FROM t;",
            (0, 0),
        ),
        (
            "CREATE VIEW s.v AS SELECT q.c FROM (( SELECT b.a_id, count(*) AS c FROM s.b GROUP BY b.a_id) q JOIN s.a ON ((a.id = \
             q.a_id))) WHERE (a.id IN ( SELECT b.a_id FROM s.b));",
            (0, 0),
        ),
        (
            "CREATE VIEW s.v AS SELECT q.id FROM (( SELECT b.id FROM s.b) q JOIN s.a ON ((a.id = q.id)));",
            (2, 0),
        ),
        (
            "CREATE VIEW s.v AS WITH t AS (SELECT t.id FROM t) SELECT t.id FROM t WHERE (t.id = 5) AND (EXISTS ( SELECT 1 FROM s.a));",
            (1, 0),
        ),
        (
            "CREATE VIEW s.v AS SELECT z.n FROM (SELECT y.m AS n FROM (SELECT x.k AS m FROM (SELECT a.id AS k FROM s.a) x) y) z \
             WHERE (z.n > 5);",
            (0, 1),
        ),
        (
            "CREATE POLICY p ON s.a USING ((EXISTS ( SELECT 1 FROM ( SELECT a_1.id AS k FROM s.a a_1) x WHERE (x.k > 5))));",
            (0, 1),
        ),
        (
            "CREATE RULE r AS ON INSERT TO s.a DO ALSO DELETE FROM s.b USING (SELECT a.id AS k FROM s.a) x WHERE (x.k > 5);",
            (1, 0),
        ),
        // Views over views.
        (
            "CREATE VIEW s.w AS SELECT shown.ident + 1 AS x FROM s.shown;",
            (0, 1),
        ),
        ("CREATE VIEW s.w AS SELECT shown.n + 1 AS x FROM s.shown;", (0, 0)),
        (
            "CREATE VIEW s.w AS SELECT b.id FROM (s.b JOIN s.shown s ON ((s.ident = b.a_id)));",
            (0, 0),
        ),
    ]);
}

#[test]
fn what_stands_in_advance_for_a_view_has_its_types() {
    let (catalog, conversions) = source();
    let mut keys = ConvertedKeys::new(&catalog, &conversions);
    let (before, over, after) = (
        "CREATE VIEW s.v AS\nSELECT\n    NULL::bigint AS ident,\n    NULL::bigint AS c;",
        "CREATE VIEW s.w AS SELECT v.ident AS top FROM s.v;",
        "CREATE OR REPLACE VIEW s.v AS SELECT a.id AS ident, count(*) AS c FROM s.a GROUP BY a.id;",
    );
    keys.learn([before, over, after]);
    assert_eq!(
        keys.rewrite(before).text,
        before.replace("NULL::bigint AS ident", "NULL::uuid AS ident")
    );
    assert!(keys.rewrite(over).doubts.is_empty());
    let doubts = keys
        .rewrite("CREATE INDEX i ON s.w USING btree (((top % 3)));")
        .doubts;
    assert!(doubts.is_empty());
    let obstacles = keys.obstacles();
    assert!(obstacles.iter().any(|it| it.object == "index i"), "{obstacles:?}");
}

#[test]
fn a_column_whose_type_the_definition_does_not_say_stands_in_the_way() {
    let (catalog, conversions) = source();
    let mut keys = ConvertedKeys::new(&catalog, &conversions);
    keys.rewrite("CREATE TABLE s.a OF s.kind;\nCREATE TABLE s.b (id integer, a_id integer);");
    let reasons: Vec<String> = keys.obstacles().into_iter().map(|it| it.reason).collect();
    assert_eq!(reasons, ["its definition does not say the type of id"]);
}
