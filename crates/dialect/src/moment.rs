//! Dates and times: always in UTC, in whole seconds, of the Gregorian calendar before its time too, in both databases.

use catalog::quote_literal;
use sqlite3_parser::ast::Expr;

use crate::expression::Untranslated;
use crate::parse::unquote;
use crate::scope::ValueType;
use crate::text::field;
use crate::translator::{Result, Translator};
use crate::value::{Value, text_literal};

const NOW: &str = "(CURRENT_TIMESTAMP AT TIME ZONE 'UTC'::text)";

/// A moment that modifiers change.
struct Moment {
    /// Of type `timestamp without time zone`, or `interval` for a time alone, as an operand.
    sql: String,
    /// A value of type `date` that nothing has changed.
    plain: Option<Value>,
    now: bool,
    first_of_month: bool,
    nullable: bool,
}

impl Translator<'_> {
    /// The current moment, as `CURRENT_TIMESTAMP`, `CURRENT_DATE` and `CURRENT_TIME` give it.
    pub(crate) fn now(&mut self, value_type: ValueType, source: &str) -> Value {
        self.immutable = false;
        let second = format!("date_trunc('second'::text, {NOW})");
        let sql = match value_type {
            ValueType::Date => format!("{NOW}::date"),
            ValueType::Time => format!("{second}::time without time zone"),
            _ => second,
        };
        Value::call(sql, source, value_type, &[])
    }

    pub(crate) fn moment(&mut self, name: &str, arguments: &[Expr<'_>], source: &str) -> Result<Value> {
        let (format, arguments) = match (name, arguments) {
            ("strftime", [format, rest @ ..]) => (Some(self.value(format)?), rest),
            ("strftime", []) => return Err(Untranslated::Function(source.to_owned())),
            _ => (None, arguments),
        };
        let mut moment = self.first(name, arguments, source)?;
        let had_modifiers = arguments.len() > 1;
        for modifier in arguments.iter().skip(1) {
            let modifier = self.value(modifier)?;
            let modifier = modifier.text().unwrap_or_default().trim().to_ascii_lowercase();
            if modifier != "unixepoch" {
                moment =
                    modified(&moment, &modifier).ok_or_else(|| Untranslated::Moment(source.to_owned()))?;
            }
        }
        if had_modifiers
            && !moment.now
            && let Some(first) = arguments.first()
        {
            // SQLite knows no year behind 9999, and gives NULL.
            self.assume(
                format!("({first}) IS NULL OR ({source}) IS NOT NULL AND ({source}) NOT LIKE '-%' AND ({source}) NOT LIKE '0000%'"),
                format!("dates for which {source} leaves the years from 1 to 9999"),
            );
        }
        let sql = &moment.sql;
        let (sql, value_type) = match name {
            "date" => match moment.plain {
                Some(date) => (date.sql, ValueType::Date),
                None => (format!("{sql}::date"), ValueType::Date),
            },
            // Whole seconds, also of rows to come.
            "time" => (
                format!("date_trunc('second'::text, {sql})::time without time zone"),
                ValueType::Time,
            ),
            "datetime" => (format!("date_trunc('second'::text, {sql})"), ValueType::Timestamp),
            "unixepoch" => (seconds(sql), ValueType::Integer),
            "julianday" => (
                format!(
                    "(floor(EXTRACT(epoch FROM {sql}) * 1000)::bigint + '210866760000000'::bigint)::double precision / '86400000.0'::double precision"
                ),
                ValueType::Real,
            ),
            _ => {
                let format = format.as_ref().and_then(Value::text);
                let text = format.and_then(|it| formatted(&moment, it));
                (
                    text.ok_or_else(|| Untranslated::Pattern(source.to_owned()))?,
                    ValueType::Text,
                )
            }
        };
        let value = Value::of(sql, source, value_type, &[]);
        Ok(Value {
            nullable: moment.nullable,
            atom: matches!(name, "date" | "time" | "datetime" | "unixepoch"),
            range: (name == "unixepoch").then_some((-62_135_596_800, 253_402_300_799)),
            ..value
        })
    }

    /// A call of `strftime` that gives digits alone, as an integer: what affinity and CAST make of it.
    pub(crate) fn moment_as_integer(&mut self, call: &Expr<'_>, source: &str) -> Option<Result<Value>> {
        let Expr::FunctionCall {
            name,
            args: Some([format, moment @ ..]),
            ..
        } = inner_of(call)
        else {
            return None;
        };
        if !unquote(name.0).eq_ignore_ascii_case("strftime") {
            return None;
        }
        match unquote(format.to_string().trim()).as_str() {
            "%s" => Some(self.moment("unixepoch", moment, source)),
            "%Y" | "%m" | "%d" | "%H" | "%M" | "%S" | "%j" | "%w" | "%u" => {
                Some(self.value(call).map(|it| {
                    let sql = format!("{}::bigint", it.operand());
                    Value::call(sql, source, ValueType::Integer, &[&it]).with_range(0, 9999)
                }))
            }
            _ => None,
        }
    }

    fn first(&mut self, name: &str, arguments: &[Expr<'_>], source: &str) -> Result<Moment> {
        let refused = || Untranslated::Moment(source.to_owned());
        let now = Moment {
            sql: NOW.to_owned(),
            plain: None,
            now: true,
            first_of_month: false,
            nullable: false,
        };
        let Some(first) = arguments.first() else {
            self.immutable = false;
            return Ok(now);
        };
        let value = self.value(first)?;
        if value.text().is_some_and(|it| it.eq_ignore_ascii_case("now")) {
            self.immutable = false;
            return Ok(now);
        }
        if value.constant.is_some() {
            return Err(refused());
        }
        let of_epoch = match arguments.get(1) {
            Some(it) => self
                .value(it)?
                .text()
                .is_some_and(|it| it.trim().eq_ignore_ascii_case("unixepoch")),
            None => false,
        };
        let sql = match value.value_type {
            ValueType::Integer | ValueType::SmallInt if of_epoch && value.json.is_none() => {
                self.assume(
                    format!("{} BETWEEN -62135596800 AND 253402300799", value.source),
                    format!("seconds outside the years from 1 to 9999 in {}", value.source),
                );
                format!(
                    "(to_timestamp({}::double precision) AT TIME ZONE 'UTC'::text)",
                    value.operand()
                )
            }
            _ if of_epoch => return Err(refused()),
            ValueType::Date => format!("{}::timestamp without time zone", value.operand()),
            ValueType::Timestamp => value.operand(),
            // With a date it would be one of the year 2000.
            ValueType::Time if name == "time" && arguments.len() == 1 => {
                format!("{}::interval", value.operand())
            }
            _ => return Err(refused()),
        };
        Ok(Moment {
            sql,
            nullable: value.nullable,
            plain: (value.value_type == ValueType::Date).then_some(value),
            now: false,
            first_of_month: false,
        })
    }
}

/// Adds what both databases add alike: SQLite lets the 31st of a month without one run into the next, PostgreSQL stops
/// at its last day.
fn modified(moment: &Moment, modifier: &str) -> Option<Moment> {
    let truncated = |unit: &str| format!("date_trunc('{unit}'::text, {})", moment.sql);
    let (sql, first_of_month) = match modifier {
        "start of day" => (truncated("day"), moment.first_of_month),
        "start of month" => (truncated("month"), true),
        "start of year" => (truncated("year"), true),
        _ => {
            let (count, unit) = modifier.split_once(' ')?;
            let unit = unit.trim();
            let unit = unit.strip_suffix('s').unwrap_or(unit);
            let digits = count.strip_prefix(['+', '-']).unwrap_or(count);
            // The present moment stays within the years that both know.
            let digits_max = match unit {
                "day" => 5,
                "month" | "year" => 3,
                _ => 6,
            };
            if digits.is_empty() || digits.len() > digits_max || !digits.bytes().all(|it| it.is_ascii_digit())
            {
                return None;
            }
            let whole = matches!(unit, "day" | "hour" | "minute" | "second");
            let of_first = moment.first_of_month && matches!(unit, "month" | "year");
            if !whole && !of_first {
                return None;
            }
            // Days move the day away from the first.
            let stays = moment.first_of_month && !whole;
            (format!("({} + '{count} {unit}'::interval)", moment.sql), stays)
        }
    };
    Some(Moment {
        sql,
        plain: None,
        first_of_month,
        now: moment.now,
        nullable: moment.nullable,
    })
}

fn inner_of<'a>(expression: &'a Expr<'a>) -> &'a Expr<'a> {
    match expression {
        Expr::Parenthesized(inner) if inner.len() == 1 => inner_of(&inner[0]),
        other => other,
    }
}

fn seconds(moment: &str) -> String {
    format!("floor(EXTRACT(epoch FROM {moment}))::bigint")
}

/// As `strftime` writes it. Of the current moment by `to_char`; of columns by functions that are immutable.
fn formatted(moment: &Moment, format: &str) -> Option<String> {
    let it = &moment.sql;
    let (mut parts, mut template) = (Vec::new(), String::new());
    let flush = |template: &mut String, parts: &mut Vec<String>| {
        if !template.is_empty() {
            parts.push(format!("to_char({it}, {})", text_literal(template)));
            template.clear();
        }
    };
    let mut signs = format.chars();
    while let Some(sign) = signs.next() {
        let specifier = if sign == '%' { signs.next()? } else { ' ' };
        let expanded: Vec<char> = match (sign, specifier) {
            ('%', 'F') => vec!['Y', '-', 'm', '-', 'd'],
            ('%', 'T') => vec!['H', ':', 'M', ':', 'S'],
            ('%', 'R') => vec!['H', ':', 'M'],
            ('%', it) => vec![it],
            _ => vec!['\0', sign],
        };
        let is_list = sign == '%' && expanded.len() > 1;
        if expanded.first() == Some(&'\0') || specifier == '%' && sign == '%' {
            literal(moment, sign, &mut template, &mut parts);
            continue;
        }
        for specifier in expanded {
            if is_list && !specifier.is_ascii_alphabetic() {
                literal(moment, specifier, &mut template, &mut parts);
                continue;
            }
            let (form, name, digits) = match specifier {
                'Y' => ("YYYY", "year", 4),
                'm' => ("MM", "month", 2),
                'd' => ("DD", "day", 2),
                'H' => ("HH24", "hour", 2),
                'M' => ("MI", "minute", 2),
                'S' => ("SS", "second", 2),
                'f' => ("SS.MS", "second", 2),
                'j' => ("DDD", "doy", 3),
                'w' => ("", "dow", 1),
                'u' => ("", "isodow", 1),
                's' => ("", "", 0),
                _ => return None,
            };
            if moment.now && !form.is_empty() {
                template.push_str(form);
                continue;
            }
            flush(&mut template, &mut parts);
            parts.push(match specifier {
                's' => format!("{}::text", seconds(it)),
                'f' => format!("{} || '.000'::text", field(it, name, digits)),
                _ => field(it, name, digits),
            });
        }
    }
    flush(&mut template, &mut parts);
    // Without a field it would not be NULL where the moment is.
    (!parts.is_empty() && parts.iter().any(|part| !part.starts_with('\''))).then(|| parts.join(" || "))
}

fn literal(moment: &Moment, sign: char, template: &mut String, parts: &mut Vec<String>) {
    if moment.now {
        // In double quotes nothing is a field.
        match sign {
            '"' => template.push_str("\\\""),
            '\\' => template.push_str("\"\\\\\""),
            sign if sign.is_ascii_alphanumeric() => {
                template.push('"');
                template.push(sign);
                template.push('"');
            }
            sign => template.push(sign),
        }
        return;
    }
    let quoted = quote_literal(&sign.to_string());
    parts.push(format!("{}::text", quoted.trim_start()));
}
