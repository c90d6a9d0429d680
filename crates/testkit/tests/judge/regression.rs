//! What PostgreSQL's own regression tests leave behind, with everything that a database can hold.

use std::collections::BTreeMap;

use testkit::data;
use testkit::judge::{Naming, count};
use testkit::{Cluster, Database, Output, POSTGRES};

use super::{Case, Way};

/// Kinds that belong to no schema; `load` leaves them alone and says so.
const DROP_PUBLICATIONS: &str = "DO $$ DECLARE it name; BEGIN
    FOR it IN SELECT pubname FROM pg_publication LOOP EXECUTE format('DROP PUBLICATION %I', it); END LOOP;
END $$";

/// Under a prefix.
const SHELL: (&str, &str) = (
    "myshell; Type: TYPE",
    "PostgreSQL renames no type that is declared and not defined",
);

/// Kinds of doubts, by words of their reasons, with how many there may be and why they remain.
const DOUBTS: [(&str, usize, &str); 4] = [
    (
        "EXECUTE builds its statement",
        12,
        "what a statement will say is known when it runs",
    ),
    (
        "can be a name",
        12,
        "a constant that is called like a schema or an object may be its name, or a word",
    ),
    (
        "a name of an object is compared with",
        1,
        "a constant beside a name from the catalog may be a name, or a word",
    ),
    (
        "temporary table t1 is called like a table",
        1,
        "who calls the function, or is called by it, can mean the one or the other",
    ),
];

#[test]
fn postgresqls_own_tests_have_the_definitions_that_postgresql_gives_them() {
    check("");
}

#[test]
fn postgresqls_own_tests_have_the_names_that_postgresql_gives_them() {
    check("zz9_");
}

#[track_caller]
fn check(prefix: &str) {
    let Ok(source) = data::regression(Cluster::shared()) else {
        return;
    };
    source.execute(DROP_PUBLICATIONS).unwrap();
    let names = names(&source);
    let pairs: Vec<(&str, &str)> = names
        .iter()
        .map(|(old, new)| (old.as_str(), new.as_str()))
        .collect();
    let naming = Naming::from(pairs.as_slice()).with_prefix(prefix);
    let arguments = match prefix {
        "" => "--to regressed".to_owned(),
        prefix => format!("--to regressed --prefix {prefix}"),
    };
    let mut case = Case::new(source, &["public"], naming, &arguments);
    (case.reader, case.loader) = (POSTGRES, POSTGRES);
    if !prefix.is_empty() {
        case.explained.push(SHELL);
    }
    let (_, output) = case.check(Way::Archive);
    check_doubts(&output);
}

/// Every schema with its new name.
fn names(source: &Database<'_>) -> Vec<(String, String)> {
    let others = source
        .query(
            "SELECT nspname FROM pg_namespace
             WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'public')",
        )
        .unwrap();
    let others = others
        .into_iter()
        .map(|old| (old.clone(), format!("regressed_{old}")));
    std::iter::once(("public".to_owned(), "regressed".to_owned()))
        .chain(others)
        .collect()
}

/// Counts the doubts by kind, and fails where there are more than are known.
#[track_caller]
fn check_doubts(output: &Output) {
    let stderr = output.stderr();
    let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
    for reason in stderr.lines().filter_map(doubt) {
        let known = DOUBTS.iter().find(|(words, ..)| reason.contains(words));
        *numbers
            .entry(known.map_or(reason, |(words, ..)| words))
            .or_default() += 1;
    }
    for (kind, number) in &numbers {
        count(&format!("{number} doubts: {kind}"));
    }
    for (kind, number) in numbers {
        let known = DOUBTS.iter().find(|(words, ..)| *words == kind);
        let max = known.map_or(0, |(_, max, _)| *max);
        assert!(number <= max, "{number} doubts, {max} at most: {kind}\n{output}");
    }
}

/// The reason of the doubt that a line of `remap-schema` tells.
fn doubt(line: &str) -> Option<&str> {
    let (_, after) = line.strip_prefix("remap ")?.split_once(" line ")?;
    let (number, reason) = after.split_once(": ")?;
    number.parse::<u32>().ok()?;
    Some(reason)
}
