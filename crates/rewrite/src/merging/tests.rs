//! Statements as `pg_dump` writes them, and what each is about.

use super::*;

fn about(sql: &str) -> About {
    let mut statements = table_statements(sql);
    assert_eq!(statements.len(), 1, "{sql}");
    statements.remove(0).about
}

fn part(sql: &str) -> TablePart {
    match about(sql) {
        About::Part { table, part } => {
            assert_eq!(table, QualifiedName::new("s", "T t"), "{sql}");
            part
        }
        other => panic!("{sql}: {other:?}"),
    }
}

#[test]
fn a_definition_is_taken_apart() {
    let About::Table(table) = about(
        "CREATE UNLOGGED TABLE s.\"T t\" (\n    \"Id\" numeric(3,2) DEFAULT nextval(\'s.q\'::regclass) NOT NULL,\n    \
         m s.mood[] COLLATE \"C\",\n    g text GENERATED ALWAYS AS (upper(m)) STORED,\n    \
         CONSTRAINT c CHECK ((\"Id\" > 0)) NO INHERIT\n)\nWITH (fillfactor=\'70\');",
    ) else {
        panic!("it is a table");
    };
    assert_eq!(table.name, QualifiedName::new("s", "T t"));
    assert!(table.unlogged);
    assert_eq!(table.tail, "WITH (fillfactor=\'70\')");
    let [id, m, g] = table.columns.as_slice() else {
        panic!("{:?}", table.columns);
    };
    assert_eq!(
        (id.name.as_str(), id.type_text.as_str(), id.not_null),
        ("Id", "numeric(3,2)", true)
    );
    assert_eq!(id.default.as_deref(), Some("nextval(\'s.q\'::regclass)"));
    assert_eq!(
        (m.type_text.as_str(), m.collate.as_deref()),
        ("s.mood[]", Some("COLLATE \"C\""))
    );
    assert_eq!(
        g.generated.as_deref(),
        Some("GENERATED ALWAYS AS (upper(m)) STORED")
    );
    let [check] = table.checks.as_slice() else {
        panic!("{:?}", table.checks);
    };
    assert_eq!(
        (
            check.name.as_deref(),
            check.condition.as_str(),
            check.rest.as_str()
        ),
        (Some("c"), "(\"Id\" > 0)", "NO INHERIT")
    );
}

#[test]
fn places_in_statements_are_those_of_their_names() {
    let sql = "ALTER TABLE ONLY s.\"T t\"\n    ADD CONSTRAINT k FOREIGN KEY (a, \"B\") REFERENCES s.p(x, y) ON DELETE SET NULL;";
    let TablePart::ForeignKey(key) = part(sql) else {
        panic!("it is a foreign key");
    };
    assert_eq!(
        (&sql[key.list.clone()], &sql[key.parent_list.clone()]),
        ("a, \"B\"", "x, y")
    );
    assert_eq!(
        (key.columns, key.parent_columns),
        (
            vec!["a".to_owned(), "B".to_owned()],
            vec!["x".to_owned(), "y".to_owned()]
        )
    );
    assert!(key.touches_columns);
    let sql = "ALTER TABLE s.\"T t\" ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (\n    SEQUENCE NAME s.\"Q q\"\n    START WITH 1\n);";
    let TablePart::Identity { column, sequence } = part(sql) else {
        panic!("it is an identity");
    };
    assert_eq!(
        (column.as_str(), &sql[sequence.expect("it is named")]),
        ("id", "s.\"Q q\"")
    );
    let sql = "CREATE UNIQUE INDEX i ON s.\"T t\" USING btree (lower(e)) WHERE (e > 1);";
    let TablePart::Index {
        unique,
        columns,
        items,
        has_condition,
        ..
    } = part(sql)
    else {
        panic!("it is an index");
    };
    assert_eq!(
        (unique, columns.len(), &sql[items], has_condition),
        (true, 0, "lower(e)", true)
    );
    let sql = "CREATE SEQUENCE s.q\n    AS integer\n    START WITH 1;";
    let About::Sequence { place, of_type, .. } = about(sql) else {
        panic!("it is a sequence");
    };
    assert_eq!(
        (&sql[place], &sql[of_type.expect("it has a type")]),
        ("s.q", "AS integer")
    );
}

#[test]
fn what_is_said_of_a_table_is_told_apart() {
    let name = "c".to_owned();
    for (sql, expected) in [
        (
            "COMMENT ON COLUMN s.\"T t\".c IS \'x\';",
            TablePart::Column(name.clone()),
        ),
        ("COMMENT ON TABLE s.\"T t\" IS \'x\';", TablePart::Other),
        (
            "COMMENT ON TRIGGER c ON s.\"T t\" IS \'x\';",
            TablePart::Trigger(name.clone()),
        ),
        (
            "ALTER TABLE s.\"T t\" DISABLE TRIGGER c;",
            TablePart::Trigger(name.clone()),
        ),
        (
            "ALTER TABLE s.\"T t\" ENABLE ROW LEVEL SECURITY;",
            TablePart::Other,
        ),
        (
            "CREATE RULE c AS ON DELETE TO s.\"T t\" DO INSTEAD NOTHING;",
            TablePart::Rule(name.clone()),
        ),
        ("GRANT SELECT(a) ON TABLE s.\"T t\" TO r;", TablePart::Grant),
        (
            "ALTER TABLE s.\"T t\" ADD COLUMN a integer;",
            TablePart::AddedColumn,
        ),
        (
            "CREATE POLICY c ON s.\"T t\" AS RESTRICTIVE USING (true);",
            TablePart::Policy {
                name: name.clone(),
                restrictive: true,
            },
        ),
    ] {
        assert_eq!(part(sql), expected, "{sql}");
    }
    for sql in [
        "CREATE VIEW s.v AS SELECT 1;",
        "GRANT USAGE ON SCHEMA s TO r;",
        "FROBNICATE s.t;",
    ] {
        assert_eq!(about(sql), About::Other, "{sql}");
    }
}
