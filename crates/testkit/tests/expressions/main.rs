//! Expressions of SQLite and their translations: both databases calculate them over the same awkward rows, and every
//! result must be the same.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

mod collations;
mod judge;
mod known;
mod random;
mod refused;

use dialect::{condition, value};
use judge::{Judge, scope};

#[test]
fn translated_expressions_give_what_sqlite_gives() {
    let mut judge = Judge::new();
    for expression in known::TRANSLATED.iter().chain(collations::COLLATED) {
        match value(expression, &scope()) {
            Ok(translated) => judge.compare(expression, &translated),
            Err(reason) => judge.fault(format!("{expression}: {reason}")),
        }
        if let Ok(translated) = condition(expression, &scope()) {
            judge.compare(
                &format!("({expression}) IS TRUE OR (({expression}) IS NULL AND NULL)"),
                &translated,
            );
        }
    }
    random::compare(&mut judge, testkit::rounds(400));
    judge.turn_to_utf16();
    let scope = dialect::Scope {
        utf16: true,
        ..scope()
    };
    for expression in collations::ORDERED {
        match value(expression, &scope) {
            Ok(translated) => judge.compare(expression, &translated),
            Err(reason) => judge.fault(format!("{expression}: {reason}")),
        }
    }
    for refused in [
        "x < '日'",
        "octet_length(x)",
        "octet_length('a')",
        "hex(x)",
        "hex(k)",
    ] {
        assert!(value(refused, &scope).is_err(), "{refused}");
    }
    judge.verdict();
}

#[test]
fn translations_are_taken_wherever_they_may_stand() {
    let mut judge = Judge::new();
    judge.accept(&[known::TRANSLATED, collations::COLLATED].concat());
    judge.verdict();
}

#[test]
fn what_cannot_be_proved_is_refused() {
    for expression in refused::REFUSED {
        let translated = value(expression, &scope());
        assert!(translated.is_err(), "{expression} became {translated:?}");
    }
}

#[test]
fn parts_of_a_second_are_cut_as_sqlite_cuts_them() {
    let judge = &mut Judge::new();
    let moment = "timestamp '2024-02-29 23:59:59.7'";
    for expression in [
        "t || ''",
        "strftime('%S', t)",
        "strftime('%M:%S', t) || ''",
        "datetime(t) || ''",
        "datetime(t)",
        "time(t)",
        "time(c)",
    ] {
        let translated = value(expression, &scope()).unwrap();
        let said = judge.said(&format!(
            "SELECT ({})::text FROM (SELECT {moment} AS t, time '23:59:59.7' AS c) AS v",
            translated.sql
        ));
        assert!(said.ends_with("59"), "{expression} is {said}");
    }
}
