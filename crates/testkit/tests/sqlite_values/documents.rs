//! Random JSON.

use fastrand::Rng;

/// Appends a value, which lies so deep in others.
pub(crate) fn json(random: &mut Rng, depth: usize, out: &mut String) {
    let blank = |random: &mut Rng, out: &mut String| {
        out.push_str(random.choice(["", "", "", " ", "\n\t", "\r "]).unwrap());
    };
    blank(random, out);
    let kinds = if depth > 4 { 4 } else { 8 };
    match random.u8(..kinds) {
        0 => out.push_str(random.choice(["null", "true", "false"]).unwrap()),
        1 => json_text(random, out),
        2 | 3 => json_number(random, out),
        4 | 5 => {
            out.push('[');
            for place in 0..random.u8(..5) {
                if place > 0 {
                    out.push(',');
                }
                json(random, depth + 1, out);
            }
            out.push(']');
        }
        _ => {
            out.push('{');
            for place in 0..random.u8(..8) {
                if place > 0 {
                    out.push(',');
                }
                blank(random, out);
                match random.u8(..3) {
                    0 => json_text(random, out),
                    // Names that come twice, that differ in length alone, and that are the same without escapes.
                    1 => out.push_str(
                        random
                            .choice(["\"a\"", "\"\\u0061\"", "\"b\"", "\"aa\"", "\"\""])
                            .unwrap(),
                    ),
                    _ => out.extend(['"', random.alphabetic(), '"']),
                }
                blank(random, out);
                out.push(':');
                json(random, depth + 1, out);
            }
            out.push('}');
        }
    }
    blank(random, out);
}

fn json_text(random: &mut Rng, out: &mut String) {
    const ESCAPES: [&str; 14] = [
        "\\\"",
        "\\\\",
        "\\/",
        "\\b",
        "\\f",
        "\\n",
        "\\r",
        "\\t",
        "\\u0001",
        "\\u001F",
        "\\u00e9",
        "\\uD834\\uDD1E",
        "\\u005c",
        "\\u2028",
    ];
    out.push('"');
    for _ in 0..random.u8(..8) {
        match random.u8(..3) {
            0 => out.push_str(random.choice(ESCAPES).unwrap()),
            // What jsonb refuses, and what json keeps.
            _ if random.u16(..2000) == 0 => out.push_str(random.choice(["\\u0000", "\\ud834"]).unwrap()),
            1 => out.push(random.alphanumeric()),
            _ => {
                let letter = random.char(' '..='\u{ffff}');
                out.push(if matches!(letter, '"' | '\\') {
                    '\u{7f}'
                } else {
                    letter
                });
            }
        }
    }
    out.push('"');
}

fn json_number(random: &mut Rng, out: &mut String) {
    let exponent_max = if random.u8(..50) == 0 { 400 } else { 20 };
    let number = match random.u8(..4) {
        0 => format!("{}", random.i32(-100..100)),
        1 => format!("-0.{}", random.u16(..)),
        2 => format!("{}.{:05}e{}", random.u8(..), random.u16(..), random.i8(-40..40)),
        _ => format!("{}E+{}", random.u64(..), random.u16(..exponent_max)),
    };
    out.push_str(&number);
}
