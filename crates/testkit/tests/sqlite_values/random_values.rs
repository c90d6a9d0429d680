//! Random values of SQLite that types of PostgreSQL hold, hard cases among them.

use database::sqlite::{NumericBounds, TargetType};
use fastrand::Rng;
use rusqlite::types::{Value, ValueRef};

use crate::documents::json;

/// A value that `target` holds, or NULL.
pub(crate) fn fitting(random: &mut Rng, target: TargetType) -> Value {
    if random.u8(..20) == 0 {
        return Value::Null;
    }
    (0..20)
        .map(|_| value(random, target))
        .find(|it| target.holds(ValueRef::from(it)))
        .unwrap_or(Value::Null)
}

fn value(random: &mut Rng, target: TargetType) -> Value {
    match target {
        TargetType::SmallInt => Value::Integer(i64::from(random.i16(..))),
        TargetType::Integer => Value::Integer(i64::from(random.i32(..) >> random.u8(..32))),
        TargetType::Boolean => match random.u8(..3) {
            0 => Value::Integer(i64::from(random.bool())),
            _ => Value::Text(random.choice(["t", "FALSE", "True", "f"]).unwrap().to_owned()),
        },
        TargetType::Double if random.u8(..4) > 0 => Value::Real(real(random)),
        TargetType::BigInt | TargetType::Double => integer(random),
        TargetType::Numeric(Some(NumericBounds { scale: 2, .. })) => {
            let cents = random.i64(-999_999_999_999..=999_999_999_999) >> random.u8(..40);
            Value::Real(cents as f64 / 100.0)
        }
        TargetType::Numeric(_) if random.bool() => integer(random),
        TargetType::Numeric(_) => Value::Real(real(random)),
        TargetType::MixedNumeric(_) => match random.u8(..4) {
            0 => integer(random),
            1 => Value::Real(real(random)),
            _ => Value::Text(decimal(random)),
        },
        TargetType::Text | TargetType::Varchar(_) | TargetType::Citext => Value::Text(text(random)),
        TargetType::Bytea => blob(random, 30),
        TargetType::MixedText => match random.u8(..3) {
            0 => integer(random),
            1 => Value::Real(real(random)),
            _ => Value::Text(text(random)),
        },
        TargetType::MixedBytea => match random.u8(..4) {
            0 => integer(random),
            1 => Value::Real(real(random)),
            2 => blob(random, 30),
            _ => Value::Text(text(random)),
        },
        TargetType::Date => Value::Text(date(random)),
        TargetType::Time => Value::Text(time(random)),
        TargetType::Timestamp if random.u8(..5) == 0 => Value::Text(date(random)),
        TargetType::Timestamp => Value::Text(format!("{}{}{}", date(random), joint(random), time(random))),
        TargetType::TimestampTz => {
            let offset = random
                .choice([
                    "Z", "z", "+00", "-08", "+0530", "+05:30", "-00:45", "+15:59", "-12:00",
                ])
                .unwrap();
            Value::Text(format!(
                "{}{}{}{offset}",
                date(random),
                joint(random),
                time(random)
            ))
        }
        TargetType::DateFrom(_) => Value::Real(f64::from(random.i32(1_700_000..5_400_000)) + 0.5),
        TargetType::TimestampFrom(reading) if reading.to_string() == "seconds" => moment(random, 1.0),
        TargetType::TimestampFrom(_) => moment(random, 1000.0),
        TargetType::TimestampTzFrom(_) => Value::Real(random.f64() * 3_660_000.0 + 1_720_000.0),
        TargetType::Json | TargetType::Jsonb if random.u8(..10) == 0 => Value::Real(real(random)),
        TargetType::Json | TargetType::Jsonb if random.u16(..4000) == 0 => {
            // As deep as we take it, and deeper.
            let depth = random.usize(998..1003);
            Value::Text(format!("{}{}", "[".repeat(depth), "]".repeat(depth)))
        }
        TargetType::Json | TargetType::Jsonb => {
            let mut out = String::new();
            json(random, 0, &mut out);
            Value::Text(out)
        }
        TargetType::Uuid => uuid(random),
        other => panic!("no values for {other}"),
    }
}

fn integer(random: &mut Rng) -> Value {
    let bounds = [
        0,
        1,
        -1,
        i64::MIN,
        i64::MAX,
        10_000,
        99_999_999,
        -10_000,
        1 << 53,
        (1 << 53) + 1,
    ];
    Value::Integer(match random.u8(..8) {
        0 => random.choice(bounds).unwrap(),
        1 => 10_i64.pow(random.u32(..19)) * (random.i64(1..=9)),
        _ => random.i64(..) >> random.u8(..64),
    })
}

fn real(random: &mut Rng) -> f64 {
    let sign = if random.bool() { 1.0 } else { -1.0 };
    sign * match random.u8(..9) {
        0 => f64::from_bits(random.u64(..1 << 52)),
        // Halves between decimals and between doubles.
        1 => (1_u64 << random.u8(48..54)) as f64 + f64::from(random.u8(..8)) / 4.0,
        2 => format!("1e{}", random.i32(-330..310)).parse().unwrap(),
        3 => random
            .choice([0.0, f64::MAX, f64::MIN_POSITIVE, f64::INFINITY, 5e-324])
            .unwrap(),
        4 => 2_f64.powi(random.i32(-1074..1023)),
        5 => random.i64(..1 << 40) as f64 / 10_f64.powi(random.i32(..9)),
        _ => {
            let value = f64::from_bits(random.u64(..) >> 1);
            if value.is_nan() { 1.5 } else { value }
        }
    }
}

fn decimal(random: &mut Rng) -> String {
    let mut out = String::new();
    out.push_str(random.choice(["", "", "-", "+"]).unwrap());
    let long = if random.u8(..100) == 0 { 1000 } else { 25 };
    let digits = |random: &mut Rng, out: &mut String| {
        let zeros = random.u8(..4) == 0;
        for _ in 0..random.usize(..long) {
            out.push(if zeros && random.u8(..4) > 0 {
                '0'
            } else {
                random.digit(10)
            });
        }
    };
    digits(random, &mut out);
    if random.bool() {
        out.push('.');
        digits(random, &mut out);
    }
    if random.u8(..4) == 0 {
        let exponent = if random.u8(..50) == 0 { 20_000 } else { 40 };
        out.push('e');
        out.push_str(&random.i32(-exponent..exponent).to_string());
    }
    out
}

fn text(random: &mut Rng) -> String {
    const ODD: [&str; 18] = [
        ",", "\"", "\n", "\r", "\\", "\\N", "\t", "é", "日", "𝄞", "e\u{301}", "\u{feff}", "'", " ", "\u{7f}",
        "NULL", "A", "z",
    ];
    let len = if random.u8(..200) == 0 {
        5000
    } else {
        random.usize(..15)
    };
    let mut out = String::new();
    for _ in 0..len {
        match random.u8(..3) {
            0 => out.push_str(random.choice(ODD).unwrap()),
            1 => out.push(random.alphanumeric()),
            _ => out.push(random.char('\u{1}'..='\u{2ff}')),
        }
    }
    // Quoted by us wherever it stands, by older servers only where it stands alone.
    if out == "\\." { String::new() } else { out }
}

fn blob(random: &mut Rng, len: usize) -> Value {
    let len = random.usize(..len);
    Value::Blob((0..len).map(|_| random.u8(..)).collect())
}

fn date(random: &mut Rng) -> String {
    if random.u8(..20) == 0 {
        let bounds = [
            "0001-01-01",
            "9999-12-31",
            "2000-02-29",
            "1900-02-28",
            "1999-12-31",
            "0004-02-29",
        ];
        return random.choice(bounds).unwrap().to_owned();
    }
    let year = random.u16(1..=9999);
    format!("{year:04}-{:02}-{:02}", random.u8(1..=12), random.u8(1..=31))
}

fn joint(random: &mut Rng) -> char {
    random.choice(['T', ' ']).unwrap()
}

fn time(random: &mut Rng) -> String {
    let minutes = format!("{:02}:{:02}", random.u8(..24), random.u8(..60));
    match random.u8(..4) {
        0 => minutes,
        1 => format!("{minutes}:{:02}", random.u8(..60)),
        2 => "23:59:59.999999".to_owned(),
        _ => {
            let (second, micros) = (random.u8(..60), random.u32(..1_000_000));
            format!(
                "{minutes}:{second:02}.{:.*}",
                random.usize(1..=6),
                format!("{micros:06}")
            )
        }
    }
}

/// A number of seconds, times `factor`, around the years that are read.
fn moment(random: &mut Rng, factor: f64) -> Value {
    let seconds = random.i64(-62_200_000_000..253_500_000_000) >> random.u8(..30);
    match random.u8(..3) {
        0 => Value::Real((seconds >> 8) as f64 * factor + f64::from(random.u8(..64)) / 64.0),
        1 => Value::Text(format!("{seconds}.{}", random.u16(..1000))),
        _ => Value::Integer(seconds * factor as i64 + random.i64(0..factor as i64)),
    }
}

fn uuid(random: &mut Rng) -> Value {
    let number = random.u128(..);
    let (bytes, hex) = (number.to_be_bytes().to_vec(), format!("{number:032x}"));
    let hyphenated = format!(
        "{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..]
    );
    match random.u8(..5) {
        0 => Value::Blob(bytes),
        1 => Value::Text(hex),
        2 => Value::Text(format!("{{{hyphenated}}}")),
        3 => Value::Text(hyphenated.to_uppercase()),
        _ => Value::Text(hyphenated),
    }
}
