//! A part of an expression on its way: its SQL for the target, and what is known of its values.

use catalog::quote_literal;

use crate::collation::Collated;
use crate::scope::{Affinity, ValueType};

/// The integers that a double holds exactly end here.
pub(crate) const EXACT_MAX: i128 = 1 << 53;

/// What a literal stands for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Constant {
    Null,
    Integer(i64),
    Real(f64),
    Text(String),
    Blob(String),
}

/// A translated part.
#[derive(Clone, Debug, PartialEq)]
#[expect(
    clippy::struct_excessive_bools,
    clippy::struct_field_names,
    reason = "each says one thing that is known of the values"
)]
pub(crate) struct Value {
    pub(crate) sql: String,
    /// The same in SQLite's SQL.
    pub(crate) source: String,
    pub(crate) value_type: ValueType,
    /// Whether `sql` needs no parentheses as an operand.
    pub(crate) atom: bool,
    pub(crate) constant: Option<Constant>,
    /// `None` for what is neither a column nor a cast.
    pub(crate) affinity: Option<Affinity>,
    /// The collation that it brings to a comparison, and whether COLLATE says so.
    pub(crate) collation: Option<Collated>,
    pub(crate) nullable: bool,
    /// Bounds of an integer, where they are known.
    pub(crate) range: Option<(i128, i128)>,
    /// Of type `double precision`, where SQLite has an INTEGER or a REAL.
    pub(crate) maybe_integer: bool,
    /// Gives another value each time.
    pub(crate) volatile: bool,
    /// A place in a JSON document, whose type is settled where it is used.
    pub(crate) json: Option<JsonPlace>,
}

/// A place in a document.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct JsonPlace {
    /// The document in SQLite's SQL.
    pub(crate) document: String,
    /// SQLite's path to the place, without quotes.
    pub(crate) path: String,
    /// The target's SQL up to the last step, and the last step.
    pub(crate) parent: String,
    pub(crate) step: String,
}

impl Value {
    /// A compound that is made of `parts`.
    pub(crate) fn of(sql: String, source: &str, value_type: ValueType, parts: &[&Value]) -> Value {
        Value {
            sql,
            source: source.to_owned(),
            value_type,
            atom: false,
            constant: None,
            affinity: None,
            collation: None,
            nullable: parts.iter().any(|it| it.nullable),
            range: match value_type {
                ValueType::Boolean => Some((0, 1)),
                _ => None,
            },
            maybe_integer: false,
            volatile: parts.iter().any(|it| it.volatile),
            json: None,
        }
    }

    /// As [`Value::of`], for a call of a function, which needs no parentheses.
    pub(crate) fn call(sql: String, source: &str, value_type: ValueType, parts: &[&Value]) -> Value {
        Value {
            atom: true,
            ..Value::of(sql, source, value_type, parts)
        }
    }

    pub(crate) fn constant(constant: Constant, source: &str) -> Value {
        let (value_type, sql, range) = match &constant {
            Constant::Null => (ValueType::Null, "NULL".to_owned(), None),
            Constant::Integer(it) => (
                ValueType::Integer,
                integer_literal(*it),
                Some((i128::from(*it), i128::from(*it))),
            ),
            Constant::Real(it) => (ValueType::Real, real_literal(*it), None),
            Constant::Text(it) => (ValueType::Text, text_literal(it), None),
            Constant::Blob(it) => (
                ValueType::Blob,
                format!("'\\x{}'::bytea", it.to_ascii_lowercase()),
                None,
            ),
        };
        let sql = if matches!(constant, Constant::Blob(_)) {
            // As everywhere, a backslash is written so that no setting changes it.
            format!("E{}", sql.replacen("\\x", "\\\\x", 1))
        } else {
            sql
        };
        Value {
            nullable: constant == Constant::Null,
            constant: Some(constant),
            range,
            ..Value::call(sql, source, value_type, &[])
        }
    }

    /// A truth that is known already.
    pub(crate) fn truth(truth: bool, source: &str) -> Value {
        Value {
            value_type: ValueType::Boolean,
            sql: truth.to_string(),
            ..Value::constant(Constant::Integer(i64::from(truth)), source)
        }
    }

    /// As an operand.
    pub(crate) fn operand(&self) -> String {
        if self.atom {
            self.sql.clone()
        } else {
            format!("({})", self.sql)
        }
    }

    pub(crate) fn is_null(&self) -> bool {
        self.constant == Some(Constant::Null)
    }

    pub(crate) fn integer(&self) -> Option<i64> {
        match self.constant {
            Some(Constant::Integer(it)) => Some(it),
            _ => None,
        }
    }

    pub(crate) fn text(&self) -> Option<&str> {
        match &self.constant {
            Some(Constant::Text(it)) => Some(it),
            _ => None,
        }
    }

    /// Whether it is an integer, of any width, for SQLite.
    pub(crate) fn is_integer(&self) -> bool {
        matches!(
            self.value_type,
            ValueType::SmallInt | ValueType::Integer | ValueType::Boolean
        )
    }

    pub(crate) fn is_number(&self) -> bool {
        self.is_integer() || matches!(self.value_type, ValueType::Real | ValueType::Numeric)
    }

    /// Whether SQLite has a TEXT.
    pub(crate) fn is_text(&self) -> bool {
        matches!(
            self.value_type,
            ValueType::Text
                | ValueType::Date
                | ValueType::Time
                | ValueType::Timestamp
                | ValueType::TimestampTz
                | ValueType::Json
                | ValueType::Jsonb
                | ValueType::Uuid
        )
    }

    /// An integer as `bigint`, so that no sum is calculated in fewer bits.
    pub(crate) fn wide(&self) -> String {
        match (self.value_type, &self.constant) {
            (_, Some(Constant::Integer(it))) => format!("'{it}'::bigint"),
            (ValueType::Boolean, _) => format!("{}::integer::bigint", self.operand()),
            (ValueType::SmallInt, _) => format!("{}::bigint", self.operand()),
            _ => self.operand(),
        }
    }

    /// An integer of any width as one that compares with all others.
    pub(crate) fn into_integer(self) -> Value {
        if self.value_type != ValueType::Boolean {
            return self;
        }
        Value {
            sql: format!("{}::integer", self.operand()),
            value_type: ValueType::SmallInt,
            atom: true,
            ..self
        }
    }

    pub(crate) fn within(&self, low: i128, high: i128) -> bool {
        self.range
            .is_some_and(|(least, most)| low <= least && most <= high)
    }

    pub(crate) fn with_range(self, low: i128, high: i128) -> Value {
        Value {
            range: Some((low, high)),
            ..self
        }
    }
}

pub(crate) fn text_literal(text: &str) -> String {
    format!("{}::text", quote_literal(text).trim_start())
}

fn integer_literal(it: i64) -> String {
    if it < 0 {
        format!("'{it}'::bigint")
    } else {
        it.to_string()
    }
}

fn real_literal(it: f64) -> String {
    if it == f64::INFINITY {
        "'Infinity'::double precision".to_owned()
    } else if it == f64::NEG_INFINITY {
        "'-Infinity'::double precision".to_owned()
    } else {
        format!("'{it:?}'::double precision")
    }
}

/// The number that SQLite calculates with for a text: `10.0` is a real. `None` where not the whole text is one.
pub(crate) fn number_as_written(text: &str) -> Option<Constant> {
    let text = text.trim_matches(|it: char| matches!(it, ' ' | '\t' | '\n' | '\r' | '\u{b}' | '\u{c}'));
    let plain = text
        .bytes()
        .all(|it| it.is_ascii_digit() || b"+-.eE".contains(&it));
    let digits = text.bytes().any(|it| it.is_ascii_digit());
    // `1.` and `.5` are numbers for both; `+.e5` is for neither.
    if !plain || !digits {
        return None;
    }
    if let Ok(it) = text.parse::<i64>() {
        return Some(Constant::Integer(it));
    }
    text.parse().ok().map(Constant::Real)
}

/// The number that SQLite takes a text for where a column prefers numbers; `None` where it stays a text.
pub(crate) fn number_in(text: &str) -> Option<Constant> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the guard leaves whole numbers below 2^53"
    )]
    match number_as_written(text)? {
        Constant::Real(it) if it.fract() == 0.0 && it.abs() < 9e15 => Some(Constant::Integer(it as i64)),
        number => Some(number),
    }
}

/// A number as SQLite writes it; `None` where its digits are SQLite's own.
pub(crate) fn number_text(constant: &Constant) -> Option<String> {
    match constant {
        Constant::Integer(it) => Some(it.to_string()),
        Constant::Real(it) => {
            let text = format!("{it:?}");
            let digits = text.bytes().filter(u8::is_ascii_digit).count();
            (it.abs() >= 1e-4 && it.abs() < 1e15 && digits <= 15 && !text.contains('e')).then_some(text)
        }
        _ => None,
    }
}
