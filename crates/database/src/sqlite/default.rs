//! Defaults: constants become literals of the column's type, the current moment stays one in UTC, and other expressions
//! are translated where they mean the same. What SQLite gives for one says whether the column holds it, and is the default
//! itself where it is always the same.

use catalog::quote_literal;
use dialect::{Affinity as DialectAffinity, Collation, Scope, ScopeColumn, Untranslated};
use rusqlite::types::{Value, ValueRef};

use super::calculator::Calculator;
use super::number;
use super::proposal::Affinity;
use super::schema::Column;
use super::scope::value_type;
use super::sql_text;
use super::target_type::TargetType;

/// Each pair that is stripped takes a look at the whole text.
const PARENTHESES_MAX: usize = 20;

/// The column's default as SQL for its target type; `None` without one, or for NULL. `utf16` is what the file keeps its
/// texts in.
pub(super) fn translate(column: &Column, utf16: bool) -> Result<Option<String>, Untranslated> {
    let Some(text) = column.default.as_deref() else {
        return Ok(None);
    };
    let text = without_parentheses(text);
    if text.eq_ignore_ascii_case("null") {
        return Ok(None);
    }
    if let Some(moment) = Moment::read(text) {
        let types = || Untranslated::Types(text.to_owned());
        return moment.to_sql(column.target).map(Some).ok_or_else(types);
    }
    let Some(constant) = constant(text) else {
        return expression(column, text, utf16);
    };
    let value = with_affinity(constant, Affinity::of(&column.declared_type));
    let mut written = Vec::new();
    let types = || Untranslated::Types(text.to_owned());
    column
        .target
        .write(ValueRef::from(&value), &mut written)
        .map_err(|_| types())?;
    let written = String::from_utf8(written).map_err(|_| types())?;
    Ok(Some(literal(column.target, &written)))
}

fn expression(column: &Column, text: &str, utf16: bool) -> Result<Option<String>, Untranslated> {
    let target = ScopeColumn {
        table: String::new(),
        name: column.name.clone(),
        sql: String::new(),
        value_type: value_type(column.target),
        nullable: true,
        collation: Collation::Binary,
        affinity: DialectAffinity::of(&column.declared_type),
        generated: false,
    };
    // A default names no column; what stands in double quotes is a string.
    let scope = Scope {
        utf16,
        ..Scope::default()
    };
    let translated = dialect::assigned(text, &target, &scope)?;
    let types = || Untranslated::Types(text.to_owned());
    let calculated = Calculator::new(utf16)
        .and_then(|it| Ok((it.value(text)?, it.holds(&translated.assumptions)?)))
        .map_err(|_| types())?;
    let (value, holds) = calculated;
    let value = with_affinity(value, Affinity::of(&column.declared_type));
    let mut written = Vec::new();
    let is_null = value == Value::Null;
    if !is_null {
        // One that the column does not hold would be an error with each new row.
        let fits = column.target.write(ValueRef::from(&value), &mut written);
        fits.map_err(|_| types())?;
    }
    if !translated.immutable {
        return holds.then_some(Some(translated.sql)).ok_or_else(types);
    }
    let written = String::from_utf8(written).map_err(|_| types())?;
    Ok((!is_null).then(|| literal(column.target, &written)))
}

/// What SQLite calculates at the time of the insert, always in UTC.
#[derive(Clone, Copy)]
enum Moment {
    Timestamp,
    Date,
    Time,
}

impl Moment {
    fn read(text: &str) -> Option<Moment> {
        let compact: String = text.split_whitespace().collect();
        match compact.to_ascii_lowercase().as_str() {
            "current_timestamp" | "datetime('now')" | "datetime()" => Some(Moment::Timestamp),
            "current_date" | "date('now')" | "date()" => Some(Moment::Date),
            "current_time" | "time('now')" | "time()" => Some(Moment::Time),
            _ => None,
        }
    }

    fn to_sql(self, target: TargetType) -> Option<String> {
        // Whole seconds, as SQLite gives them.
        const UTC: &str = "date_trunc('second'::text, (CURRENT_TIMESTAMP AT TIME ZONE 'UTC'::text))";
        let (format, own) = match self {
            Moment::Timestamp => ("YYYY-MM-DD HH24:MI:SS", TargetType::Timestamp),
            Moment::Date => ("YYYY-MM-DD", TargetType::Date),
            Moment::Time => ("HH24:MI:SS", TargetType::Time),
        };
        match target {
            TargetType::Text | TargetType::MixedText | TargetType::Varchar(_) => {
                Some(format!("to_char({UTC}, '{format}'::text)"))
            }
            TargetType::TimestampTz => {
                let now = "date_trunc('second'::text, CURRENT_TIMESTAMP)";
                matches!(self, Moment::Timestamp).then(|| now.to_owned())
            }
            TargetType::Timestamp if matches!(self, Moment::Timestamp) => Some(UTC.to_owned()),
            _ if target == own => Some(format!("({UTC})::{}", own.to_sql())),
            TargetType::Timestamp if matches!(self, Moment::Date) => {
                Some(format!("date_trunc('day'::text, {UTC})"))
            }
            _ => None,
        }
    }
}

/// Strips parentheses that enclose the whole text, as far as anybody writes them.
fn without_parentheses(text: &str) -> &str {
    let mut text = text.trim();
    for _ in 0..PARENTHESES_MAX {
        let Some(inner) = text.strip_prefix('(').and_then(|it| it.strip_suffix(')')) else {
            break;
        };
        let mut depth = 0_i32;
        let closes_early = sql_text::words(inner).any(|(_, word)| {
            depth += i32::from(word == "(") - i32::from(word == ")");
            depth < 0
        });
        if closes_early {
            break;
        }
        text = inner.trim();
    }
    text
}

/// A literal's value. SQLite takes a name in double quotes for a string here.
fn constant(text: &str) -> Option<Value> {
    match text.as_bytes().first()? {
        b'\'' | b'"' => return sql_text::unquote(text).map(Value::Text),
        b'x' | b'X' => return blob(&text[1..]),
        _ => {}
    }
    if text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false") {
        return Some(Value::Integer(i64::from(text.eq_ignore_ascii_case("true"))));
    }
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits.trim_start()),
        None => (false, text.strip_prefix('+').unwrap_or(text).trim_start()),
    };
    if let Some(hex) = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        // All 64 bits may be given: 0xFFFFFFFFFFFFFFFF is -1.
        let value = u64::from_str_radix(hex, 16).ok()?.cast_signed();
        return Some(Value::Integer(if negative {
            value.checked_neg()?
        } else {
            value
        }));
    }
    if !digits.starts_with(|first: char| first.is_ascii_digit() || first == '.') {
        return None;
    }
    let signed = if negative {
        format!("-{digits}")
    } else {
        digits.to_owned()
    };
    signed
        .parse()
        .map(Value::Integer)
        .or_else(|_| signed.parse().map(Value::Real))
        .ok()
}

fn blob(quoted: &str) -> Option<Value> {
    let hex = quoted.strip_prefix('\'')?.strip_suffix('\'')?.as_bytes();
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|it| u8::try_from(it).ok());
    let pairs = hex
        .chunks(2)
        .map(|pair| Some(digit(*pair.first()?)? << 4 | digit(*pair.get(1)?)?));
    pairs.collect::<Option<Vec<u8>>>().map(Value::Blob)
}

/// As SQLite stores the value in such a column.
fn with_affinity(value: Value, affinity: Affinity) -> Value {
    let mut text = Vec::new();
    let value = match (affinity, value) {
        (Affinity::Text, Value::Integer(it)) => {
            number::write_integer(it, &mut text);
            return Value::Text(String::from_utf8_lossy(&text).into_owned());
        }
        (Affinity::Text, Value::Real(it)) => {
            number::write_sqlite_real(it, &mut text);
            return Value::Text(String::from_utf8_lossy(&text).into_owned());
        }
        (Affinity::Integer | Affinity::Numeric | Affinity::Real, Value::Text(it)) => {
            let number = it.trim_matches(|sign: char| sign.is_ascii_whitespace());
            let is_number = number
                .bytes()
                .all(|it| it.is_ascii_digit() || b"+-.eE".contains(&it));
            match number
                .parse()
                .map(Value::Integer)
                .or_else(|_| number.parse().map(Value::Real))
            {
                Ok(value) if is_number => value,
                _ => return Value::Text(it),
            }
        }
        (_, value) => value,
    };
    match (affinity, value) {
        #[expect(
            clippy::cast_precision_loss,
            reason = "SQLite's REAL affinity rounds in the same way"
        )]
        (Affinity::Real, Value::Integer(it)) => Value::Real(it as f64),
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the guard leaves whole numbers below 2^53"
        )]
        (Affinity::Integer | Affinity::Numeric, Value::Real(it)) if it.fract() == 0.0 && it.abs() < 9e15 => {
            Value::Integer(it as i64)
        }
        (_, value) => value,
    }
}

fn literal(target: TargetType, text: &str) -> String {
    match target {
        TargetType::SmallInt
        | TargetType::Integer
        | TargetType::BigInt
        | TargetType::Numeric(_)
        | TargetType::MixedNumeric(_) => text.to_owned(),
        TargetType::Boolean => if text == "t" { "true" } else { "false" }.to_owned(),
        TargetType::Double if text.ends_with(|last: char| last.is_ascii_digit()) => text.to_owned(),
        TargetType::Varchar(_) => format!("{}::character varying", quote_literal(text).trim_start()),
        other => format!("{}::{}", quote_literal(text).trim_start(), other.to_sql()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::rule::OnMisfit;
    use super::*;

    fn check(declared: &str, target: TargetType, default: &str, expected: Option<&str>) {
        let column = Column {
            name: "c".to_owned(),
            new_name: "c".to_owned(),
            declared_type: declared.to_owned(),
            not_null: false,
            default: Some(default.to_owned()),
            generated: None,
            expression: None,
            target,
            on_misfit: OnMisfit::Fail,
            keeps: None,
            nulls: 0,
            rowid_max: None,
            range: None,
            uniform: true,
            bytes_max: 0,
            collation: String::new(),
            comparison: crate::sqlite::Comparison::Exact,
        };
        let translated = translate(&column, false).map(Option::unwrap_or_default);
        assert_eq!(
            translated.as_deref().ok(),
            expected,
            "{declared} DEFAULT {default}"
        );
    }

    #[test]
    fn constants_become_literals_of_the_target_type() {
        check("TEXT", TargetType::Text, "'it''s'", Some("'it''s'::text"));
        check(
            "TEXT",
            TargetType::Text,
            "\"double quoted\"",
            Some("'double quoted'::text"),
        );
        check("TEXT", TargetType::Text, "5", Some("'5'::text"));
        check(
            "VARCHAR(1)",
            TargetType::Varchar(1),
            "'Y'",
            Some("'Y'::character varying"),
        );
        check("VARCHAR(1)", TargetType::Varchar(1), "'YES'", None);
        check("INTEGER", TargetType::BigInt, "-1", Some("-1"));
        check("INTEGER", TargetType::BigInt, "0xFF", Some("255"));
        check("INTEGER", TargetType::BigInt, "('7')", Some("7"));
        check("INTEGER", TargetType::BigInt, "'none'", None);
        check("REAL", TargetType::Double, "1e3", Some("1000"));
        check(
            "REAL",
            TargetType::Double,
            "9e999",
            Some("'Infinity'::double precision"),
        );
        check(
            "DECIMAL(4,2)",
            TargetType::Numeric(Some(super::super::NumericBounds {
                precision: 4,
                scale: 2,
            })),
            "4.99",
            Some("4.99"),
        );
        check("BOOLEAN", TargetType::Boolean, "TRUE", Some("true"));
        check("BOOLEAN", TargetType::Boolean, "0", Some("false"));
        check("BLOB", TargetType::Bytea, "x'cafe'", Some("E'\\\\xcafe'::bytea"));
        check(
            "DATE",
            TargetType::Date,
            "'2024-01-01'",
            Some("'2024-01-01'::date"),
        );
        check("TEXT", TargetType::Text, "NULL", Some(""));
    }

    #[test]
    fn current_moment_stays_in_utc() {
        let utc = "date_trunc('second'::text, (CURRENT_TIMESTAMP AT TIME ZONE 'UTC'::text))";
        check("DATETIME", TargetType::Timestamp, "CURRENT_TIMESTAMP", Some(utc));
        check("DATETIME", TargetType::Timestamp, "(datetime('now'))", Some(utc));
        check(
            "DATETIME",
            TargetType::TimestampTz,
            "current_timestamp",
            Some("date_trunc('second'::text, CURRENT_TIMESTAMP)"),
        );
        check(
            "DATE",
            TargetType::Date,
            "current_date",
            Some(&format!("({utc})::date")),
        );
        let text = format!("to_char({utc}, 'YYYY-MM-DD HH24:MI:SS'::text)");
        check("TEXT", TargetType::Text, "CURRENT_TIMESTAMP", Some(&text));
    }

    #[test]
    fn expressions_give_what_sqlite_calculates() {
        let check_text = |default: &str, expected| check("TEXT", TargetType::Text, default, expected);
        check_text("('a' || 'b')", Some("'ab'::text"));
        check_text(
            &format!("{}'c'{}", "(".repeat(30), ")".repeat(30)),
            Some("'c'::text"),
        );
        check_text(
            &format!("{}'c'{}", "(".repeat(100_000), ")".repeat(100_000)),
            None,
        );
        check_text(&format!("({}'c'{})", "hex(".repeat(50), ")".repeat(50)), None);
        check_text("(replace('', '', NULL))", None);
        check(
            "REAL",
            TargetType::Double,
            "(1e300 * 1e10)",
            Some("'Infinity'::double precision"),
        );
        check("INTEGER", TargetType::BigInt, "('10.0' / 4)", None);
        check("INTEGER", TargetType::BigInt, "(7 / 2)", Some("3"));
        check("INTEGER", TargetType::BigInt, "(1 / 0)", Some(""));
        check("BOOLEAN", TargetType::Boolean, "(1 > 0)", Some("true"));
        check("VARCHAR(3)", TargetType::Varchar(3), "('abc' || 'def')", None);
        check(
            "VARCHAR(3)",
            TargetType::Varchar(3),
            "(lower(hex(randomblob(16))))",
            None,
        );
        let seconds = "floor(EXTRACT(epoch FROM (CURRENT_TIMESTAMP AT TIME ZONE 'UTC'::text)))::bigint";
        for default in ["(strftime('%s', 'now'))", "(CAST(strftime('%s', 'now') AS INT))"] {
            check("INTEGER", TargetType::BigInt, default, Some(seconds));
            check("INTEGER", TargetType::SmallInt, default, None);
        }
        let random = "sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()))";
        let uuid = format!("encode(substr({random}, 1, 16), 'hex'::text)::uuid");
        check(
            "UUID",
            TargetType::Uuid,
            "(lower(hex(randomblob(16))))",
            Some(&uuid),
        );
        check("UUID", TargetType::Uuid, "(lower(hex(randomblob(8))))", None);
    }

    #[test]
    fn expressions_are_left_out() {
        for default in [
            "strftime('%J', 'now')",
            "other_function(1)",
            "name || 'b'",
            "x'c'",
        ] {
            check("TEXT", TargetType::Text, default, None);
        }
    }
}
