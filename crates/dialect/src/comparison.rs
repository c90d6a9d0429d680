//! Comparisons: what SQLite converts before it compares, and by which collation.

use sqlite3_parser::ast::{Expr, Operator};

use crate::collation::{explicit_in, is_sorted_text, of_comparison};
use crate::expression::Untranslated;
use crate::parse::unquote;
use crate::scope::{Affinity, Collation, ValueType};
use crate::translator::{Result, Translator};
use crate::value::{Constant, EXACT_MAX, Value, number_in, number_text, text_literal};

impl Translator<'_> {
    pub(crate) fn comparison(
        &mut self,
        left: &Expr<'_>,
        operator: Operator,
        right: &Expr<'_>,
        source: &str,
    ) -> Result<Value> {
        let is = matches!(operator, Operator::Is | Operator::IsNot);
        if is {
            let is_not = operator == Operator::IsNot;
            if matches!(right, Expr::Literal(sqlite3_parser::ast::Literal::Null)) {
                return self.null_test(left, if is_not { "IS NOT NULL" } else { "IS NULL" }, source);
            }
            // Behind IS these two words ask for the truth of the left side.
            if let Expr::Id(word) = undressed(right)
                && ["true", "false"].iter().any(|it| word.0.eq_ignore_ascii_case(it))
            {
                let left = self.condition(left)?;
                let not = if is_not { "NOT " } else { "" };
                let sql = format!(
                    "{} IS {not}{}",
                    left.operand(),
                    unquote(word.0).to_ascii_uppercase()
                );
                return Ok(not_null(Value::of(sql, source, ValueType::Boolean, &[&left])));
            }
        }
        let (left, right) = (self.value(left)?, self.value(right)?);
        self.compared(left, operator, right, source)
    }

    pub(crate) fn compared(
        &mut self,
        left: Value,
        operator: Operator,
        right: Value,
        source: &str,
    ) -> Result<Value> {
        let is = matches!(operator, Operator::Is | Operator::IsNot);
        if !is && (left.is_null() || right.is_null()) {
            return Ok(Value {
                atom: true,
                ..Value::of(
                    "NULL::boolean".to_owned(),
                    source,
                    ValueType::Boolean,
                    &[&left, &right],
                )
            });
        }
        let (word, ordered) = match operator {
            Operator::Equals => ("=", false),
            Operator::NotEquals => ("<>", false),
            Operator::Is => ("IS NOT DISTINCT FROM", false),
            Operator::IsNot => ("IS DISTINCT FROM", false),
            Operator::Less => ("<", true),
            Operator::LessEquals => ("<=", true),
            Operator::Greater => (">", true),
            _ => (">=", true),
        };
        if let (Some(a), Some(b)) = (left.text(), right.text()) {
            // The server calculates constants of generated columns before it knows their collation.
            let is_sorted = !ordered || !self.names.is_utf16() || [a, b].into_iter().all(is_sorted_text);
            if left.collation.or(right.collation).is_some() || !is_sorted {
                return Err(Untranslated::Operator(source.to_owned()));
            }
            let truth = match operator {
                Operator::Equals | Operator::Is => a == b,
                Operator::NotEquals | Operator::IsNot => a != b,
                Operator::Less => a < b,
                Operator::LessEquals => a <= b,
                Operator::Greater => a > b,
                _ => a >= b,
            };
            return Ok(Value::truth(truth, source));
        }
        let parts = [left.clone(), right.clone()];
        let (left, right) = self.aligned(left, right, ordered, source)?;
        let sql = format!("{left} {word} {right}");
        let value = Value::of(sql, source, ValueType::Boolean, &[&parts[0], &parts[1]]);
        Ok(if is { not_null(value) } else { value })
    }

    pub(crate) fn between(
        &mut self,
        lhs: &Expr<'_>,
        not: bool,
        start: &Expr<'_>,
        end: &Expr<'_>,
        source: &str,
    ) -> Result<Value> {
        let value = self.value(lhs)?;
        if value.volatile {
            return Err(Untranslated::Operator(source.to_owned()));
        }
        let (start, end) = (self.value(start)?, self.value(end)?);
        let from = self.compared(value.clone(), Operator::GreaterEquals, start, source)?;
        let to = self.compared(value, Operator::LessEquals, end, source)?;
        let sql = format!("{} AND {}", from.operand(), to.operand());
        let sql = if not { format!("NOT ({sql})") } else { sql };
        Ok(Value::of(sql, source, ValueType::Boolean, &[&from, &to]))
    }

    /// Each item is compared as if it had no affinity of its own.
    pub(crate) fn in_list(
        &mut self,
        lhs: &Expr<'_>,
        not: bool,
        items: &[Expr<'_>],
        source: &str,
    ) -> Result<Value> {
        let value = self.value(lhs)?;
        let constant = |sql: &str| Value::call(sql.to_owned(), source, ValueType::Boolean, &[]);
        if items.is_empty() {
            return Ok(constant(if not { "true" } else { "false" }));
        }
        if value.is_null() {
            return Ok(Value {
                nullable: true,
                ..constant("NULL::boolean")
            });
        }
        if value.volatile {
            return Err(Untranslated::Operator(source.to_owned()));
        }
        self.spend(value.sql.len() * items.len())?;
        let (mut parts, mut left_sides, mut right_sides) = (vec![value.clone()], Vec::new(), Vec::new());
        for item in items {
            // Of one item SQLite makes a comparison, in which COLLATE counts; among several it does not.
            if explicit_in(item).is_some() {
                return Err(Untranslated::Collation(source.to_owned()));
            }
            let item = self.value(item)?;
            parts.push(item.clone());
            if item.is_null() {
                right_sides.push("NULL".to_owned());
                continue;
            }
            let item = Value {
                affinity: None,
                collation: None,
                ..item
            };
            let (left, right) = self.aligned(value.clone(), item, false, source)?;
            left_sides.push(left);
            right_sides.push(right);
        }
        let word = if not { "NOT IN" } else { "IN" };
        let sql = match left_sides.split_first() {
            None => "NULL::boolean".to_owned(),
            Some((left, others)) if others.iter().all(|it| it == left) => {
                format!("{left} {word} ({})", right_sides.join(", "))
            }
            // What the items are converted to differs: each is compared by itself.
            Some(_) => {
                let nulls = right_sides
                    .iter()
                    .filter(|it| *it == "NULL")
                    .map(|_| "NULL::boolean".to_owned());
                let rights = right_sides.iter().filter(|it| *it != "NULL");
                let equal = left_sides
                    .iter()
                    .zip(rights)
                    .map(|(left, right)| format!("({left} = {right})"));
                let any = equal.chain(nulls).collect::<Vec<_>>().join(" OR ");
                if not { format!("NOT ({any})") } else { any }
            }
        };
        Ok(Value::of(
            sql,
            source,
            ValueType::Boolean,
            &parts.iter().collect::<Vec<_>>(),
        ))
    }

    /// Both sides as operands that PostgreSQL compares as SQLite does.
    pub(crate) fn aligned(
        &mut self,
        left: Value,
        right: Value,
        ordered: bool,
        source: &str,
    ) -> Result<(String, String)> {
        let collation = of_comparison(left.collation, right.collation);
        let (left, right) = self.settled_beside(left, right)?;
        let (left, right) = with_affinity(left, right, source)?;
        if left.is_null() || right.is_null() {
            // `settled` has left a NULL of no type: PostgreSQL takes the other side's.
            return Ok((left.operand(), right.operand()));
        }
        let refused = || Untranslated::Types(source.to_owned());
        if left.is_number() && right.is_number() {
            return self.aligned_numbers(left, right).ok_or_else(refused);
        }
        if left.is_text() && right.is_text() {
            return self.aligned_texts(left, right, collation, ordered, source);
        }
        if left.value_type == ValueType::Blob && right.value_type == ValueType::Blob {
            return Ok((left.operand(), right.operand()));
        }
        Err(refused())
    }

    fn aligned_numbers(&mut self, left: Value, right: Value) -> Option<(String, String)> {
        use ValueType::{Boolean, Numeric, Real};
        if let (Boolean, Some(it @ 0..=1)) = (left.value_type, right.integer()) {
            return Some((left.operand(), (it == 1).to_string()));
        }
        if let (Some(it @ 0..=1), Boolean) = (left.integer(), right.value_type) {
            return Some(((it == 1).to_string(), right.operand()));
        }
        if left.value_type == Boolean && right.value_type == Boolean {
            return Some((left.operand(), right.operand()));
        }
        let (left, right) = (left.into_integer(), right.into_integer());
        match (left.value_type, right.value_type) {
            (Real, Real) => Some((left.operand(), right.operand())),
            (Real, Numeric) => Some((left.operand(), self.as_double(right)?)),
            (Numeric, Real) if right.constant.is_none() => Some((self.as_double(left)?, right.operand())),
            (Numeric, Real) => Some((left.operand(), exact_decimal(&right)?)),
            (Real, _) if left.constant.is_some() => Some((exact_decimal(&left)?, right.operand())),
            (_, Real) if right.constant.is_some() => Some((left.operand(), exact_decimal(&right)?)),
            (Real, _) => Some((left.operand(), self.as_double(right)?)),
            (_, Real) => Some((self.as_double(left)?, right.operand())),
            _ => Some((left.operand(), right.operand())),
        }
    }

    /// A number as the double that SQLite would calculate with.
    pub(crate) fn as_double(&mut self, value: Value) -> Option<String> {
        if let Some(it) = value.integer() {
            #[expect(clippy::cast_precision_loss, reason = "the guard leaves what a double holds")]
            return (i128::from(it).abs() <= EXACT_MAX)
                .then(|| Value::constant(Constant::Real(it as f64), "").sql);
        }
        if value.value_type == ValueType::Real {
            return Some(value.operand());
        }
        if !value.within(-EXACT_MAX, EXACT_MAX) {
            self.assume(
                format!("({}) BETWEEN -{EXACT_MAX} AND {EXACT_MAX}", value.source),
                format!("a number beyond 2^53 in {}", value.source),
            );
        }
        Some(format!("{}::double precision", value.into_integer().operand()))
    }

    fn aligned_texts(
        &mut self,
        left: Value,
        right: Value,
        collation: Collation,
        ordered: bool,
        source: &str,
    ) -> Result<(String, String)> {
        if collation == Collation::Binary {
            let same = left.value_type == right.value_type
                && !matches!(
                    left.value_type,
                    ValueType::Text | ValueType::Json | ValueType::Jsonb
                );
            if same {
                return Ok((left.operand(), right.operand()));
            }
            if let Some(text) = right.text().and_then(|it| literal_like(left.value_type, it)) {
                return Ok((left.operand(), text));
            }
            if let Some(text) = left.text().and_then(|it| literal_like(right.value_type, it)) {
                return Ok((text, right.operand()));
            }
        }
        if ordered && collation == Collation::Binary {
            self.assume_sorted_alike(&[left.clone(), right.clone()])?;
        }
        let own = [&left, &right].iter().any(|it| {
            it.collation
                .is_some_and(|(it, explicit)| it != Collation::Binary && !explicit)
        });
        let (left, right) = (self.text_of(left)?, self.text_of(right)?);
        let dressed = |it: &Value| match collation {
            Collation::Binary if ordered || own => Some(format!("{} COLLATE \"C\"", it.operand())),
            Collation::Binary => Some(it.operand()),
            Collation::NoCase => Some(match it.text() {
                // The server calculates constants of generated columns before it knows their collation.
                Some(text) => text_literal(&text.to_ascii_lowercase()),
                None => format!("lower({} COLLATE \"C\")", it.operand()),
            }),
            Collation::RTrim => Some(format!("rtrim({}) COLLATE \"C\"", it.sql)),
            Collation::Other => None,
        };
        let refused = || Untranslated::Collation(source.to_owned());
        Ok((
            dressed(&left).ok_or_else(refused)?,
            dressed(&right).ok_or_else(refused)?,
        ))
    }
}

/// What stands in parentheses and before COLLATE, which SQLite passes over where it looks for TRUE and FALSE.
fn undressed<'a>(expression: &'a Expr<'a>) -> &'a Expr<'a> {
    match expression {
        Expr::Parenthesized(inner) if inner.len() == 1 => undressed(&inner[0]),
        Expr::Collate(inner, _) => undressed(inner),
        other => other,
    }
}

/// Converts constants as SQLite does before it compares (`sqlite3CompareAffinity`, `OP_Eq`).
fn with_affinity(left: Value, right: Value, source: &str) -> Result<(Value, Value)> {
    let affinity = match (left.affinity, right.affinity) {
        (Some(one), Some(other)) if one.is_numeric() || other.is_numeric() => Some(Affinity::Numeric),
        (Some(_), Some(_)) | (None, None) => None,
        (Some(one), None) | (None, Some(one)) => Some(one),
    };
    let refused = || Untranslated::Types(source.to_owned());
    let numeric = |value: Value| -> Result<Value> {
        match &value.constant {
            Some(Constant::Text(text)) => {
                Ok(number_in(text).map_or_else(|| value.clone(), |it| Value::constant(it, &value.source)))
            }
            // What a text holds is known for each row alone, unless its column would have made a number of it.
            None if value.value_type == ValueType::Text
                && !value.affinity.is_some_and(Affinity::is_numeric) =>
            {
                Err(refused())
            }
            _ => Ok(value),
        }
    };
    let text = |value: Value| -> Result<Value> {
        if !value.is_number() {
            return Ok(value);
        }
        match &value.constant {
            Some(constant) => {
                let text =
                    number_text(constant).ok_or_else(|| Untranslated::NumberAsText(value.source.clone()))?;
                Ok(Value::constant(Constant::Text(text), &value.source))
            }
            None if value.is_integer() => Ok(Value {
                sql: format!("{}::text", value.as_integer_sql()),
                value_type: ValueType::Text,
                atom: true,
                ..value
            }),
            None => Err(Untranslated::NumberAsText(value.source.clone())),
        }
    };
    Ok(match affinity {
        Some(it) if it.is_numeric() => (numeric(left)?, numeric(right)?),
        Some(Affinity::Text) if left.is_text() || right.is_text() => (text(left)?, text(right)?),
        _ => (left, right),
    })
}

impl Value {
    /// An integer's SQL, a truth as 0 or 1.
    pub(crate) fn as_integer_sql(&self) -> String {
        self.clone().into_integer().operand()
    }
}

/// A real constant as a decimal that compares with integers and decimals as the double does.
fn exact_decimal(value: &Value) -> Option<String> {
    match value.constant {
        Some(Constant::Real(it)) if it.abs() < 9e15 => {
            let text = format!("{it:?}");
            Some(format!("'{text}'::numeric"))
        }
        _ => None,
    }
}

/// A text that stands in the form which all values of the type have, as a literal of the type.
pub(crate) fn literal_like(value_type: ValueType, text: &str) -> Option<String> {
    let shaped = |shape: &str| {
        text.len() == shape.len()
            && text.bytes().zip(shape.bytes()).all(|(it, form)| match form {
                b'9' => it.is_ascii_digit(),
                b'f' => it.is_ascii_digit() || (b'a'..=b'f').contains(&it),
                form => it == form,
            })
    };
    let number = |from: usize, len: usize| text.get(from..from + len).and_then(|it| it.parse::<u32>().ok());
    // What is no date would be refused by the server.
    let is_date = || match (number(0, 4), number(5, 2), number(8, 2)) {
        (Some(year), Some(month), Some(day)) => {
            let days = match month {
                2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
                2 => 28,
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            year > 0 && (1..=12).contains(&month) && (1..=days).contains(&day)
        }
        _ => false,
    };
    let is_time = |from: usize| {
        number(from, 2).is_some_and(|it| it < 24)
            && number(from + 3, 2).is_some_and(|it| it < 60)
            && number(from + 6, 2).is_some_and(|it| it < 60)
    };
    let (fits, type_name) = match value_type {
        ValueType::Date => (shaped("9999-99-99") && is_date(), "date"),
        ValueType::Time => (shaped("99:99:99") && is_time(0), "time without time zone"),
        ValueType::Timestamp => (
            shaped("9999-99-99 99:99:99") && is_date() && is_time(11),
            "timestamp without time zone",
        ),
        ValueType::Uuid => (shaped("ffffffff-ffff-ffff-ffff-ffffffffffff"), "uuid"),
        _ => (false, ""),
    };
    fits.then(|| format!("'{text}'::{type_name}"))
}

pub(crate) fn not_null(value: Value) -> Value {
    Value {
        nullable: false,
        ..value
    }
}
