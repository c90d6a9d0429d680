//! Functions of texts.

use sqlite3_parser::ast::Expr;

use crate::expression::Untranslated;
use crate::functions::LENGTH_MAX;
use crate::scope::ValueType;
use crate::translator::{Result, Translator};
use crate::value::{Constant, Value, text_literal};

/// What the server's functions of texts take, an `integer`, is a little more.
const POSITION_MAX: i128 = 2 * LENGTH_MAX;

impl Translator<'_> {
    pub(crate) fn string_function(
        &mut self,
        name: &str,
        arguments: &[Expr<'_>],
        source: &str,
    ) -> Result<Value> {
        match (name, arguments) {
            ("length" | "octet_length", [argument]) => self.length(name, argument, source),
            ("lower" | "upper", [argument]) => {
                let text = self.text(argument)?;
                if let Some(constant) = text.text() {
                    let folded = match name {
                        "lower" => constant.to_ascii_lowercase(),
                        _ => constant.to_ascii_uppercase(),
                    };
                    return Ok(Value::constant(Constant::Text(folded), source));
                }
                // SQLite knows the case of ASCII letters alone, and so does this collation.
                let sql = format!("{name}({} COLLATE \"C\")", text.operand());
                Ok(Value::call(sql, source, ValueType::Text, &[&text]))
            }
            ("trim", [_] | [_, _]) => self.trim("btrim", arguments, source),
            ("ltrim" | "rtrim", [_] | [_, _]) => self.trim(name, arguments, source),
            ("replace", [text, from, to]) => self.replace(text, from, to, source),
            ("instr", [text, part]) => {
                let (text, part) = (self.value(text)?, self.value(part)?);
                if text.value_type == ValueType::Blob || part.value_type == ValueType::Blob {
                    return Err(Untranslated::Types(source.to_owned()));
                }
                let (text, part) = (self.text_of(text)?, self.text_of(part)?);
                if text.constant.is_some() && part.constant.is_some() {
                    return Err(Untranslated::Function(source.to_owned()));
                }
                let sql = format!("strpos({}, {})::bigint", c_operand(&text), c_operand(&part));
                Ok(Value::call(sql, source, ValueType::Integer, &[&text, &part]).with_range(0, LENGTH_MAX))
            }
            ("substr" | "substring", [text, start]) => self.substr(text, start, None, source),
            ("substr" | "substring", [text, start, count]) => self.substr(text, start, Some(count), source),
            ("char" | "unicode", _) => self.code_points(name, arguments, source),
            ("printf" | "format", [format, rest @ ..]) => self.format(format, rest, source),
            ("concat", [_, ..]) => {
                let mut texts = Vec::new();
                for argument in arguments {
                    let text = self.text(argument)?;
                    texts.push(or_empty(&text));
                }
                let parts: Vec<String> = texts.iter().map(Value::operand).collect();
                let value = Value::of(
                    parts.join(" || "),
                    source,
                    ValueType::Text,
                    &texts.iter().collect::<Vec<_>>(),
                );
                Ok(value)
            }
            _ => Err(Untranslated::Function(source.to_owned())),
        }
    }

    fn replace(&mut self, text: &Expr<'_>, from: &Expr<'_>, to: &Expr<'_>, source: &str) -> Result<Value> {
        let value = self.value(text)?;
        let was_text = value.value_type == ValueType::Text && value.json.is_none();
        let texts = [self.text_of(value)?, self.text(from)?, self.text(to)?];
        let refused = || Untranslated::Function(source.to_owned());
        if texts[0].constant.is_some() || texts.iter().any(|it| it.volatile) {
            return Err(refused());
        }
        match texts[1].text() {
            Some("") | None if !was_text => return Err(refused()),
            // For an empty text SQLite gives the first one as it is, whatever the third one is.
            Some("") => {
                return Ok(Value {
                    source: source.to_owned(),
                    affinity: None,
                    ..texts[0].clone()
                });
            }
            None if texts[2].nullable && !texts[1].is_null() => return Err(refused()),
            _ => {}
        }
        let list: Vec<String> = texts.iter().map(c_operand).collect();
        let sql = format!("replace({})", list.join(", "));
        let [text, from, to] = &texts;
        Ok(Value::call(sql, source, ValueType::Text, &[text, from, to]))
    }

    fn code_points(&mut self, name: &str, arguments: &[Expr<'_>], source: &str) -> Result<Value> {
        match (name, arguments) {
            ("char", [_, ..]) => {
                let mut text = String::new();
                for argument in arguments {
                    let code = self
                        .value(argument)?
                        .integer()
                        .and_then(|it| u32::try_from(it).ok());
                    let sign = code.filter(|it| *it > 0).and_then(char::from_u32);
                    text.push(sign.ok_or_else(|| Untranslated::Function(source.to_owned()))?);
                }
                Ok(Value::constant(Constant::Text(text), source))
            }
            ("unicode", [argument]) => {
                let text = self.text(argument)?;
                let sql = format!("NULLIF(ascii({}), 0)::bigint", text.sql);
                let value = Value::call(sql, source, ValueType::Integer, &[&text]);
                Ok(Value {
                    nullable: true,
                    ..value.with_range(1, 0x0010_ffff)
                })
            }
            _ => Err(Untranslated::Function(source.to_owned())),
        }
    }

    /// A text's bytes are those of the file's encoding.
    pub(crate) fn refuse_other_bytes(&self, value: &Value, source: &str) -> Result<()> {
        if self.names.is_utf16() && !value.is_null() {
            return Err(Untranslated::Function(source.to_owned()));
        }
        Ok(())
    }

    fn length(&mut self, name: &str, argument: &Expr<'_>, source: &str) -> Result<Value> {
        let value = self.value(argument)?;
        let sql = if value.value_type == ValueType::Blob {
            format!("octet_length({})::bigint", value.sql)
        } else {
            if name == "octet_length" {
                self.refuse_other_bytes(&value, source)?;
            }
            let text = self.text_of(value.clone())?;
            format!("{name}({})::bigint", text.sql)
        };
        Ok(Value::call(sql, source, ValueType::Integer, &[&value]).with_range(0, LENGTH_MAX))
    }

    fn trim(&mut self, word: &str, arguments: &[Expr<'_>], source: &str) -> Result<Value> {
        let texts = arguments
            .iter()
            .map(|it| self.text(it))
            .collect::<Result<Vec<_>>>()?;
        let list: Vec<&str> = texts.iter().map(|it| it.sql.as_str()).collect();
        let sql = format!("{word}({})", list.join(", "));
        Ok(Value::call(
            sql,
            source,
            ValueType::Text,
            &texts.iter().collect::<Vec<_>>(),
        ))
    }

    /// Both count characters from 1, and take characters before the first one as missing ones. Only SQLite counts from
    /// the end, by a negative start, and backwards, by a negative count.
    fn substr(
        &mut self,
        text: &Expr<'_>,
        start: &Expr<'_>,
        count: Option<&Expr<'_>>,
        source: &str,
    ) -> Result<Value> {
        let text = self.value(text)?;
        if text.value_type == ValueType::Blob {
            return Err(Untranslated::Types(source.to_owned()));
        }
        let text = self.text_of(text)?;
        let start = self.value(start)?;
        let count = count.map(|it| self.value(it)).transpose()?;
        let refused = || Untranslated::Function(source.to_owned());
        let known = |it: &Value| {
            it.is_integer()
                && it
                    .range
                    .is_some_and(|(a, b)| -POSITION_MAX <= a && b <= POSITION_MAX)
        };
        if !known(&start) || count.as_ref().is_some_and(|it| !known(it)) {
            return Err(refused());
        }
        let from_end = match start.integer() {
            Some(it) if it < 0 => Some(-it),
            _ if start.within(0, POSITION_MAX) => None,
            _ => return Err(refused()),
        };
        let count_sql = match &count {
            None => None,
            Some(it) if it.within(0, POSITION_MAX) => Some(integer(it)),
            // From the first character there is nothing to go back to.
            Some(it) if start.integer() == Some(1) => {
                let count = integer(it);
                // GREATEST passes NULL over.
                Some(format!("CASE WHEN {count} < 0 THEN 0 ELSE {count} END"))
            }
            Some(_) => return Err(refused()),
        };
        if text.volatile && from_end.is_some() && count_sql.is_some() {
            return Err(refused());
        }
        let sql = match (from_end, count_sql) {
            (None, None) => format!("substr({}, {})", text.sql, integer(&start)),
            (None, Some(count)) => format!("substr({}, {}, {count})", text.sql, integer(&start)),
            (Some(back), None) => format!("\"right\"({}, {back})", text.sql),
            (Some(back), Some(count)) => {
                format!(
                    "substr({}, (length({}) - {back}) + 1, {count})",
                    text.sql, text.sql
                )
            }
        };
        let mut parts = vec![&text, &start];
        parts.extend(&count);
        Ok(Value::call(sql, source, ValueType::Text, &parts))
    }

    /// `%s`, `%d` with leading zeros, and `%%`.
    fn format(&mut self, format: &Expr<'_>, arguments: &[Expr<'_>], source: &str) -> Result<Value> {
        let refused = || Untranslated::Pattern(source.to_owned());
        let format = self.value(format)?;
        let mut rest = format.text().ok_or_else(refused)?;
        let (mut parts, mut arguments) = (Vec::<Value>::new(), arguments.iter());
        while !rest.is_empty() {
            let (literal, after) = rest.split_once('%').unwrap_or((rest, ""));
            let ended = literal.len() == rest.len();
            if !literal.is_empty() {
                parts.push(Value::constant(Constant::Text(literal.to_owned()), ""));
            }
            rest = after;
            if ended {
                break;
            }
            let end = rest.find(|it: char| !it.is_ascii_digit()).ok_or_else(refused)?;
            let (digits, kind) = (&rest[..end], rest.as_bytes()[end]);
            rest = rest.get(end + 1..).ok_or_else(refused)?;
            match (kind, digits) {
                (b'%', "") => parts.push(Value::constant(Constant::Text("%".to_owned()), "")),
                (b's', "") => {
                    let text = self.text(arguments.next().ok_or_else(refused)?)?;
                    parts.push(or_empty(&text));
                }
                (b'd' | b'i', _) if digits.is_empty() || digits.starts_with('0') => {
                    let value = self.value(arguments.next().ok_or_else(refused)?)?;
                    parts.push(padded(&value, digits.parse().unwrap_or(0), source)?);
                }
                _ => return Err(refused()),
            }
        }
        if parts.is_empty() {
            return Ok(Value::constant(Constant::Text(String::new()), source));
        }
        let sql: Vec<String> = parts.iter().map(Value::operand).collect();
        Ok(Value::of(
            sql.join(" || "),
            source,
            ValueType::Text,
            &parts.iter().collect::<Vec<_>>(),
        ))
    }
}

/// An integer with leading zeros behind its sign, of at least so many signs; NULL is 0.
fn padded(value: &Value, width: u32, source: &str) -> Result<Value> {
    if !value.is_integer() || value.volatile || width > 100 {
        return Err(Untranslated::Pattern(source.to_owned()));
    }
    let number = value.as_integer_sql();
    let number = if value.nullable {
        format!("COALESCE({number}, 0)")
    } else {
        number
    };
    if width == 0 {
        return Ok(Value::call(
            format!("{number}::text"),
            source,
            ValueType::Text,
            &[],
        ));
    }
    let digits = format!("ltrim({number}::text, '-'::text)");
    let sign = format!("CASE WHEN {number} < 0 THEN '-'::text ELSE ''::text END");
    let room = format!("{width} - length({sign})");
    Ok(Value::of(
        format!("{sign} || lpad({digits}, GREATEST(length({digits}), {room}), '0'::text)"),
        source,
        ValueType::Text,
        &[],
    ))
}

/// As an argument whose collation is settled, since no position is found by a nondeterministic one.
fn c_operand(value: &Value) -> String {
    format!("{} COLLATE \"C\"", value.operand())
}

/// A text for which NULL is an empty one.
fn or_empty(text: &Value) -> Value {
    if text.is_null() {
        return Value::constant(Constant::Text(String::new()), &text.source);
    }
    if !text.nullable {
        return text.clone();
    }
    Value {
        nullable: false,
        volatile: text.volatile,
        ..Value::call(
            format!("COALESCE({}, {})", text.sql, text_literal("")),
            &text.source,
            ValueType::Text,
            &[],
        )
    }
}

/// As the server's functions of texts take it.
fn integer(value: &Value) -> String {
    match value.integer() {
        Some(it) => it.to_string(),
        None => format!("{}::integer", value.operand()),
    }
}
