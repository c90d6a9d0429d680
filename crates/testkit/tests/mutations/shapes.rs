//! Changes of tables that are not plain ones, and of what stands beside tables.

/// A table in the source, what is done to it on the target, and the verdict that it must get.
pub(crate) struct Shape {
    /// As the report calls it.
    pub(crate) table: &'static str,
    pub(crate) create: &'static str,
    pub(crate) mutate: &'static str,
    pub(crate) verdict: &'static str,
}

const SAME_COUNT: &str = "same count, values differ";

// Faults 40 to 42.
pub(crate) const SHAPES: &[Shape] = &[
    Shape {
        table: "there.no_columns",
        create: "CREATE TABLE no_columns (); INSERT INTO no_columns DEFAULT VALUES; INSERT INTO no_columns DEFAULT VALUES;",
        mutate: "INSERT INTO there.no_columns DEFAULT VALUES;",
        verdict: "1 row more on the target",
    },
    Shape {
        table: "there.list_one",
        create: "CREATE TABLE list (k int, v text) PARTITION BY LIST (k);
            CREATE TABLE list_one PARTITION OF list FOR VALUES IN (1);
            CREATE TABLE list_rest PARTITION OF list DEFAULT;
            INSERT INTO list VALUES (1, 'a'), (1, 'b'), (2, 'a'), (3, 'a');",
        mutate: "UPDATE there.list SET v = 'c' WHERE k = 1 AND v = 'a';",
        verdict: SAME_COUNT,
    },
    Shape {
        table: "there.range_low_deep",
        create: "CREATE TABLE range (k int, l int, v text) PARTITION BY RANGE (k);
            CREATE TABLE range_low PARTITION OF range FOR VALUES FROM (0) TO (10) PARTITION BY HASH (l);
            CREATE TABLE range_low_deep PARTITION OF range_low FOR VALUES WITH (MODULUS 1, REMAINDER 0);
            INSERT INTO range VALUES (1, 1, 'a'), (2, 2, 'b');",
        mutate: "UPDATE there.range SET v = CASE v WHEN 'a' THEN 'b' ELSE 'a' END;",
        verdict: SAME_COUNT,
    },
    Shape {
        table: "there.child",
        create: "CREATE TABLE parent (id int, v text); CREATE TABLE child (w text) INHERITS (parent);
            INSERT INTO parent VALUES (1, 'a'); INSERT INTO child VALUES (1, 'a', 'x');",
        mutate: "UPDATE there.child SET v = 'A';",
        verdict: SAME_COUNT,
    },
    Shape {
        table: "there.identity",
        create: "CREATE TABLE identity (id int GENERATED ALWAYS AS IDENTITY, a int, twice int GENERATED ALWAYS AS (a * 2) STORED);
            INSERT INTO identity (a) VALUES (1), (2);",
        mutate: "UPDATE there.identity SET a = 3 - a;",
        verdict: SAME_COUNT,
    },
    Shape {
        table: "there.unlogged",
        create: "CREATE UNLOGGED TABLE unlogged (id int PRIMARY KEY, v text); INSERT INTO unlogged VALUES (1, NULL);",
        mutate: "UPDATE there.unlogged SET v = '';",
        verdict: SAME_COUNT,
    },
    Shape {
        table: "there.wide",
        create: "DO $$ BEGIN
              EXECUTE (SELECT 'CREATE TABLE wide (' || string_agg(format('c%s int', n), ', ') || ')' FROM generate_series(1, 1600) AS n);
              EXECUTE (SELECT 'INSERT INTO wide VALUES (' || string_agg('NULL', ', ') || ')' FROM generate_series(1, 1600));
            END $$;",
        mutate: "UPDATE there.wide SET c1600 = 0;",
        verdict: SAME_COUNT,
    },
    Shape {
        table: "there.holes",
        create: "CREATE TABLE holes (gone int, a int, b int, gone_too text); ALTER TABLE holes DROP gone, DROP gone_too,
              ADD fast int DEFAULT 7; INSERT INTO holes VALUES (1, 2), (2, 1);",
        mutate: "UPDATE there.holes SET a = b, b = a WHERE a = 1;",
        verdict: SAME_COUNT,
    },
    Shape {
        table: "there.own_policy",
        create: "CREATE TABLE own_policy (id int, v text); INSERT INTO own_policy VALUES (1, 'a'), (2, 'b');",
        mutate: "DELETE FROM there.own_policy WHERE id = 2; ALTER TABLE there.own_policy ENABLE ROW LEVEL SECURITY;",
        verdict: "1 row fewer on the target",
    },
    Shape {
        table: "there.\"A \"\"quoted\"\" % 🦷 $1 \\\"",
        create: "CREATE TABLE \"A \"\"quoted\"\" % 🦷 $1 \\\" (\"select\" int, \"\u{e9}\" text, \"a \"\"b\"\"\" text);
            INSERT INTO \"A \"\"quoted\"\" % 🦷 $1 \\\" VALUES (1, 'x', 'x');",
        mutate: "UPDATE there.\"A \"\"quoted\"\" % 🦷 $1 \\\" SET \"a \"\"b\"\"\" = 'y';",
        verdict: SAME_COUNT,
    },
    Shape {
        table: "there.divided",
        create: "CREATE TABLE divided (id int, v text); INSERT INTO divided VALUES (1, 'a'), (2, 'b');",
        mutate: "CREATE TABLE there.new (LIKE there.divided) PARTITION BY LIST (id);
            CREATE TABLE there.divided_rest PARTITION OF there.new DEFAULT;
            INSERT INTO there.new SELECT id, upper(v) FROM there.divided; DROP TABLE there.divided;
            ALTER TABLE there.new RENAME TO divided; ALTER TABLE there.divided OWNER TO target_owner;
            ALTER TABLE there.divided_rest OWNER TO target_owner;",
        verdict: SAME_COUNT,
    },
    Shape {
        table: "there.names_of",
        create: "CREATE TABLE names_of (id int, r regclass, t regtype);
            INSERT INTO names_of VALUES (1, 'parent', 'pair'), (2, 'child', 'mood');",
        mutate: "UPDATE there.names_of SET r = 'there.child' WHERE id = 1;",
        verdict: SAME_COUNT,
    },
];

/// Tables that stay as they are and whose values are not the same text on both sides, since they hold names.
pub(crate) const NAMES: &str = "CREATE TABLE same_names (r regclass, t regtype, p regproc);
    INSERT INTO same_names VALUES ('parent', 'pair', 'now'), ('pg_class', 'int', '-');";
