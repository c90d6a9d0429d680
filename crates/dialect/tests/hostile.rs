//! Definitions come from files of strangers: whatever they hold, they give an answer or an error.

use dialect::{
    Affinity, Collation, Relation, RelationColumn, Relations, Scope, ValueType, condition, index_definition,
    table_definition, trigger, value, view,
};
use proptest::prelude::*;

/// What SQL is made of, and what its tokenizer finds hard.
const PARTS: &[&str] = &[
    "CREATE",
    "TABLE",
    "INDEX",
    "UNIQUE",
    "ON",
    "t",
    "(",
    ")",
    ",",
    "a",
    "b",
    "INTEGER",
    "PRIMARY",
    "KEY",
    "CHECK",
    "DEFAULT",
    "AS",
    "GENERATED",
    "ALWAYS",
    "STORED",
    "COLLATE",
    "NOCASE",
    "REFERENCES",
    "CONSTRAINT",
    "NOT",
    "NULL",
    "'x'",
    "\"y\"",
    "[z]",
    "`q`",
    "1",
    "-",
    "+",
    "0x",
    "1e",
    "1.5",
    "x'ab'",
    "x'a",
    "||",
    "->>",
    "<<",
    "CASE",
    "WHEN",
    "THEN",
    "END",
    "IN",
    "BETWEEN",
    "AND",
    "LIKE",
    "ESCAPE",
    "SELECT",
    "FROM",
    "WHERE",
    "OVER",
    "FILTER",
    "WINDOW",
    "CAST",
    "ISNULL",
    "--",
    "/*",
    "*/",
    ";",
    "?",
    ":n",
    "'",
    "\"",
    "[",
    "é",
    "\u{0}",
    "$",
    "@",
    "#",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_text_makes_the_parser_panic(
        parts in prop::collection::vec(prop::sample::select(PARTS), 0..24),
        start in prop::sample::select(&["", "CREATE TABLE t (a ", "CREATE INDEX i ON t (a) WHERE ", "CREATE TABLE t (a CHECK (", "CREATE VIEW v AS SELECT ", "CREATE TRIGGER g AFTER INSERT ON t BEGIN DELETE FROM t WHERE "][..]),
    ) {
        let sql = format!("{start}{}", parts.join(" "));
        let _ = table_definition(&sql);
        let _ = index_definition(&sql);
        let _ = value(&sql, &Scope::default());
        let _ = condition(&sql, &Scope::default());
        let _ = view(&sql, None, &relations());
        let _ = trigger(&sql, &relations(), true, None);
    }
}

/// A table `t (a, b)`, which has the same columns on the target.
fn relations() -> Relations {
    let column = |name: &str| RelationColumn {
        name: name.to_owned(),
        target: name.to_owned(),
        value_type: ValueType::Integer,
        nullable: true,
        generated: false,
        collation: Collation::Binary,
        affinity: Affinity::Integer,
    };
    let mut relations = Relations::default();
    relations.add(Relation {
        name: "t".to_owned(),
        target: "t".to_owned(),
        is_view: false,
        columns: vec![column("a"), column("b")],
        primary_key: Vec::new(),
        rowid: None,
        uniques: Vec::new(),
        is_referenced: false,
        has_triggers: false,
    });
    relations
}

#[test]
fn what_is_nested_without_end_is_refused_wherever_it_stands() {
    // Fault 47.
    let relations = relations();
    let many = |part: &str| part.repeat(100_000);
    let nested = [
        format!("{}a{}", many("("), many(")")),
        format!("{}a", many("NOT ")),
        format!("{}a", many("- ")),
        format!("a{}", many(" AND a")),
        format!("a{}", many(" || a")),
        format!("a{}", many(" COLLATE nocase")),
        format!("a{}", many(" IS NULL")),
        format!("{}a{}", many("CASE WHEN "), many(" THEN 1 END")),
        format!("{}SELECT a FROM t{}", many("EXISTS (SELECT "), many(")")),
        format!("(SELECT 1 FROM {}t{})", many("(SELECT * FROM "), many(")")),
        format!("{}a{}", many("abs("), many(")")),
        format!("{}a{}", many("coalesce(1, "), many(")")),
        // So deep that it is read, and too deep to be followed.
        format!("{}a + 1{}", "(".repeat(900), ")".repeat(900)),
        format!("{}a", "NOT ".repeat(900)),
        format!("{}a{}", "coalesce(1, (".repeat(400), "))".repeat(400)),
        format!("a{}", " AND a".repeat(900)),
    ];
    for (at, it) in nested.iter().enumerate() {
        assert!(value(it, &Scope::default()).is_err(), "{at}");
        assert!(condition(it, &Scope::default()).is_err(), "{at}");
        assert!(
            view(
                &format!("CREATE VIEW v AS SELECT {it} AS c FROM t"),
                None,
                &relations
            )
            .is_err(),
            "{at}"
        );
        let sql = format!("CREATE TRIGGER g AFTER INSERT ON t WHEN {it} BEGIN DELETE FROM t WHERE {it}; END");
        assert!(trigger(&sql, &relations, true, None).is_err(), "{at}");
        let is_read = table_definition(&format!("CREATE TABLE t (a CHECK ({it}))")).is_ok();
        assert_eq!(is_read, it.len() < 20_000, "{at}");
        let is_read = index_definition(&format!("CREATE INDEX i ON t (a) WHERE {it}")).is_ok();
        assert_eq!(is_read, it.len() < 20_000, "{at}");
    }
    let long = vec!["a = 1"; 10_000].join(", ");
    let sql = format!("CREATE TABLE t (a CHECK (a IN ({long})))");
    assert!(table_definition(&sql).is_ok(), "a long list is not deep");
}

#[test]
fn what_grows_without_end_is_refused_soon() {
    // Fault 47.
    let relations = relations();
    let nested =
        |start: &str, end: &str, depth: usize| format!("{}a{}", start.repeat(depth), end.repeat(depth));
    let scalar = "(SELECT count(*) + (SELECT max(a) FROM t) + ";
    let views = [
        nested("nullif(", ", 3)", 60),
        nested("max(1, ", ")", 60),
        nested("(", " BETWEEN 1 AND 2)", 60),
        nested("CASE ", " WHEN 1 THEN 2 WHEN 3 THEN 4 END", 60),
        nested("round(1.5 * ", ")", 60),
        format!("{}1{}", scalar.repeat(30), " FROM t)".repeat(30)),
        nested(
            "(SELECT 1 FROM (SELECT ",
            " AS c FROM t) AS s WHERE c + c + c > 0)",
            30,
        ),
    ];
    for it in views {
        let sql = format!("CREATE VIEW v AS SELECT {it} AS c FROM t");
        assert!(view(&sql, None, &relations).is_err(), "{it}");
    }
    let doubled = (1..40).map(|it| format!(", c{it} AS (SELECT * FROM c{} AS x, c{0} AS y)", it - 1));
    let tables: String = doubled.collect();
    let sql = format!("CREATE VIEW v AS WITH c0 AS (SELECT * FROM t){tables} SELECT * FROM c39");
    assert!(view(&sql, None, &relations).is_err());
}
