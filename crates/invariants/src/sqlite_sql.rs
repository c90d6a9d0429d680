//! The translator of SQLite's SQL: no text makes it fall, and what it gives is one expression or one query, whatever a
//! file says, so that nothing else can be smuggled into what `load` runs.

use dialect::{
    Affinity, Collation, Relation, RelationColumn, Relations, Scope, ScopeColumn, ValueType, condition,
    index_definition, table_definition, trigger, value, view,
};
use rewrite::statement_ranges;

use crate::Verdict;

/// One column of each kind; its name is its place in the alphabet.
const COLUMNS: [(ValueType, Affinity, Collation); 8] = [
    (ValueType::Integer, Affinity::Integer, Collation::Binary),
    (ValueType::Text, Affinity::Text, Collation::Binary),
    (ValueType::Text, Affinity::Text, Collation::NoCase),
    (ValueType::Real, Affinity::Real, Collation::Binary),
    (ValueType::Blob, Affinity::Blob, Collation::Binary),
    (ValueType::Date, Affinity::Numeric, Collation::Binary),
    (ValueType::Jsonb, Affinity::Blob, Collation::Binary),
    (ValueType::Boolean, Affinity::Numeric, Collation::Binary),
];

pub(crate) fn check(bytes: &[u8]) -> Verdict {
    let Ok(sql) = std::str::from_utf8(bytes) else {
        return Verdict::Refused;
    };
    let (scope, relations) = (scope(), relations());
    let mut verdict = Verdict::Refused;
    for expression in [value(sql, &scope), condition(sql, &scope)].into_iter().flatten() {
        check_single(&format!("SELECT ({})", expression.sql));
        verdict = Verdict::Accepted;
    }
    if let Ok(view) = view(sql, None, &relations) {
        check_single(&view.query);
        verdict = Verdict::Accepted;
    }
    if let Ok(trigger) = trigger(sql, &relations, true, None) {
        for statement in &trigger.statements {
            let statement = statement.trim_end().trim_end_matches(';');
            if !statement.contains(';') {
                check_single(statement);
            }
        }
        verdict = Verdict::Accepted;
    }
    if table_definition(sql).is_ok() || index_definition(sql).is_ok() {
        verdict = Verdict::Accepted;
    }
    verdict
}

fn check_single(sql: &str) {
    assert_eq!(statement_ranges(sql).len(), 1, "not one statement: {sql}");
}

fn names() -> impl Iterator<Item = (String, ValueType, Affinity, Collation)> {
    let columns = ('a'..).zip(COLUMNS);
    columns
        .map(|(name, (value_type, affinity, collation))| (name.to_string(), value_type, affinity, collation))
}

fn scope() -> Scope {
    let columns = names().map(|(name, value_type, affinity, collation)| ScopeColumn {
        table: "t".to_owned(),
        sql: name.clone(),
        name,
        value_type,
        nullable: true,
        collation,
        affinity,
        generated: false,
    });
    Scope {
        columns: columns.collect(),
        utf16: false,
    }
}

fn relations() -> Relations {
    let columns = names().map(|(name, value_type, affinity, collation)| RelationColumn {
        target: name.clone(),
        name,
        value_type,
        nullable: true,
        generated: false,
        collation,
        affinity,
    });
    let mut relations = Relations::default();
    relations.add(Relation {
        name: "t".to_owned(),
        target: "t".to_owned(),
        is_view: false,
        columns: columns.collect(),
        primary_key: vec![0],
        rowid: Some(0),
        uniques: Vec::new(),
        is_referenced: false,
        has_triggers: false,
    });
    relations
}
