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

fn grown(random: &mut fastrand::Rng, depth: u32) -> String {
    let leaf = |random: &mut fastrand::Rng| random.choice(LEAVES.iter()).copied().unwrap_or("1").to_owned();
    if depth == 0 {
        return leaf(random);
    }
    let mut next = || grown(random, depth - 1);
    let (a, b, c) = (next(), next(), next());
    match random.u8(..29) {
        0..=1 => leaf(random),
        2..=10 => format!("{a} {} {b}", random.choice(BINARY.iter()).copied().unwrap_or("+")),
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
        23 => format!("{a} COLLATE {}", random.choice(COLLATIONS).unwrap_or("BINARY")),
        24 => format!("CAST({a} AS TEXT)"),
        25 => format!("+{a}"),
        26 => format!("{a} LIKE 'a%'"),
        27 => format!("substr({a}, 2, 1)"),
        _ => format!("{a} IS NULL"),
    }
}
