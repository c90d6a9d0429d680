//! Random expressions over a small grammar: what is translated must agree, whatever it is.

use dialect::value;

use crate::judge::{Judge, scope};

const LEAVES: &[&str] = &[
    "i",
    "k",
    "s",
    "b",
    "r",
    "n",
    "x",
    "y",
    "w",
    "d",
    "t",
    "u",
    "0",
    "1",
    "-3",
    "2.5",
    "0.1",
    "'abc'",
    "'12'",
    "'7'",
    "''",
    "NULL",
    "'B'",
    "x'61'",
    "'2024-02-29'",
    "TRUE",
    "m",
    "c",
    "q",
    "j",
    "'10.0'",
    "'1e2'",
];

const PATTERNS: &[&str] = &["'%b%'", "'A_C'", "'%'", "'1%'", "'a\\%'", "''"];

const CALLS: &[&str] = &[
    "json_extract({a}, '$.n')",
    "json_extract(j, '$.f')",
    "json_extract(q, '$.n')",
    "json_extract(q, '$.f')",
    "{a} ->> 'name'",
    "q ->> '$[0].name'",
    "q -> 'list' ->> 0",
    "json_valid({a})",
    "replace({a}, {b}, {c})",
    "instr({a}, {b})",
    "trim({a})",
    "rtrim({a}, {b})",
    "iif({a}, {b}, {c})",
    "ifnull({a}, {b})",
    "min({a}, {b})",
    "abs({a})",
    "round({a})",
    "sign({a})",
    "typeof({a})",
    "upper({a})",
    "hex({a})",
    "unicode({a})",
    "strftime('%Y', {a})",
    "strftime('%s', {a})",
    "date({a})",
    "time({a})",
    "datetime({a}, '+1 day')",
    "printf('%s/%d', {a}, {b})",
    "CASE {a} WHEN {b} THEN {c} END",
    "{a} IS TRUE",
];

const BINARY: &[&str] = &[
    "+", "-", "*", "/", "%", "||", "=", "<>", "<", "<=", ">", ">=", "IS", "IS NOT", "AND", "OR", "&", "|",
    "==",
];

const COLLATIONS: [&str; 3] = ["NOCASE", "BINARY", "RTRIM"];

/// Expressions grow from a fixed seed, so that a failure comes again.
pub(crate) fn compare(judge: &mut Judge, rounds: usize) {
    let mut random = fastrand::Rng::with_seed(20_261_121);
    let mut translated = 0;
    for _ in 0..rounds * 3 {
        let expression = grown(&mut random, 3);
        if let Ok(it) = value(&expression, &scope()) {
            translated += 1;
            judge.compare(&expression, &it);
        }
        if translated == rounds {
            return;
        }
    }
    assert!(
        translated > rounds / 4,
        "only {translated} of them are translated"
    );
}

fn picked<'a>(random: &mut fastrand::Rng, among: &[&'a str]) -> &'a str {
    random.choice(among.iter()).copied().unwrap_or("1")
}

fn grown(random: &mut fastrand::Rng, depth: u32) -> String {
    if depth == 0 {
        return picked(random, LEAVES).to_owned();
    }
    let mut next = || grown(random, depth - 1);
    let (a, b, c) = (next(), next(), next());
    match random.u8(..36) {
        0..=1 => picked(random, LEAVES).to_owned(),
        2..=10 => format!("{a} {} {b}", picked(random, BINARY)),
        11..=12 => format!("({a})"),
        13 => format!("NOT {a}"),
        14 => format!("- {a}"),
        15 => format!("coalesce({a}, {b})"),
        16 => format!("CASE WHEN {a} THEN {b} ELSE {c} END"),
        17 => format!("{a} BETWEEN {b} AND {c}"),
        18 => format!("{a} IN ({b}, {c})"),
        19 => format!("length({a})"),
        20 => format!("max({a}, {b})"),
        21 => format!("nullif({a}, {b})"),
        22 => format!("lower({a})"),
        23..=24 => format!(
            "CAST({a} AS {})",
            picked(random, &["TEXT", "INTEGER", "REAL", "NUMERIC"])
        ),
        25 => format!("substr({a}, {}, {b})", random.i8(-4..5)),
        26 => format!("substr({a}, {})", random.i8(-4..5)),
        27 => format!(
            "{a} {} {}",
            picked(random, &["LIKE", "NOT LIKE"]),
            picked(random, PATTERNS)
        ),
        28 => format!(
            "{a} GLOB {}",
            picked(random, &["'*b*'", "'[a-z]*'", "'?'", "'*[^0-9]'"])
        ),
        29..=32 => picked(random, CALLS)
            .replace("{a}", &a)
            .replace("{b}", &b)
            .replace("{c}", &c),
        33 => format!("{a} COLLATE {}", picked(random, &COLLATIONS)),
        34 => format!("+{a}"),
        _ => format!("{a} IS NULL"),
    }
}
