//! Places in JSON documents. SQLite gives what stands there its own type; here it is settled by what it is used for,
//! and the rows are asked whether it is so.

use sqlite3_parser::ast::{Expr, Operator};

use crate::expression::Untranslated;
use crate::scope::{Affinity, ValueType};
use crate::translator::{Result, Translator};
use crate::value::{JsonPlace, Value, text_literal};

/// One step of a path.
enum Step {
    Member(String),
    Element(i32),
}

impl Translator<'_> {
    pub(crate) fn arrow(
        &mut self,
        left: &Expr<'_>,
        operator: Operator,
        right: &Expr<'_>,
        source: &str,
    ) -> Result<Value> {
        let refused = || Untranslated::Pattern(source.to_owned());
        let document = self.value(left)?;
        let path = self.value(right)?;
        let path = match (path.integer(), path.text()) {
            (Some(it), _) if it >= 0 => format!("$[{it}]"),
            (_, Some(text)) if text.starts_with('$') => text.to_owned(),
            // Neither a path nor an element: the name of a member, whatever stands in it.
            (_, Some(text)) if !text.is_empty() && !text.starts_with('[') && !text.contains(['"', '\\']) => {
                format!("$.\"{text}\"")
            }
            _ => return Err(refused()),
        };
        let place = self.place(&document, &path, source)?;
        if operator == Operator::ArrowRightShift {
            return Ok(place);
        }
        // What `->` gives is a document again, which only another arrow takes as such.
        Ok(Value {
            value_type: ValueType::Json,
            ..place
        })
    }

    pub(crate) fn json_extract(
        &mut self,
        document: &Expr<'_>,
        path: &Expr<'_>,
        source: &str,
    ) -> Result<Value> {
        let document = self.value(document)?;
        let path = self.value(path)?;
        let Some(path) = path.text() else {
            return Err(Untranslated::Pattern(source.to_owned()));
        };
        self.place(&document, path, source)
    }

    fn place(&mut self, document: &Value, path: &str, source: &str) -> Result<Value> {
        let steps = steps(path)
            .filter(|it| !it.is_empty())
            .ok_or_else(|| Untranslated::Pattern(source.to_owned()))?;
        let (origin, mut path_before, mut sql) = match &document.json {
            Some(place) if document.value_type == ValueType::Json => (
                place.document.clone(),
                place.path.clone(),
                format!("{} -> {}", place.parent, place.step),
            ),
            None if may_hold_json(document) => {
                let origin = document.source.clone();
                // PostgreSQL takes the last of two members with one name, SQLite the first; and it refuses escapes
                // that stand for no character.
                self.assume(
                    of_documents(&origin, &format!("NOT EXISTS (SELECT 1 FROM json_tree({origin}) GROUP BY fullkey HAVING count(*) > 1)")),
                    format!("two members of one name in {origin}"),
                );
                self.assume(
                    format!("instr({origin}, '\\u0000') = 0 AND instr(lower({origin}), '\\ud') = 0"),
                    format!("an escape that PostgreSQL does not read in {origin}"),
                );
                let sql = match document.value_type {
                    ValueType::Text => {
                        self.assume(
                            format!("json_valid({origin})"),
                            format!("something else than JSON in {origin}"),
                        );
                        format!("{}::json", document.operand())
                    }
                    _ => document.operand(),
                };
                (origin, "$".to_owned(), sql)
            }
            _ => return Err(Untranslated::Types(source.to_owned())),
        };
        let mut last = String::new();
        for (at, step) in steps.iter().enumerate() {
            if at > 0 {
                sql = format!("{sql} -> {last}");
            }
            last = match step {
                Step::Member(name) => text_literal(name),
                Step::Element(it) if *it < 0 => format!("'{it}'::integer"),
                Step::Element(it) => it.to_string(),
            };
        }
        path_before.push_str(&path[1..]);
        Ok(Value {
            nullable: true,
            json: Some(JsonPlace {
                document: origin,
                path: path_before,
                parent: sql,
                step: last,
            }),
            ..Value::of(String::new(), source, ValueType::Text, &[document])
        })
    }

    /// A place in a document as a text, everything else as it is.
    pub(crate) fn settled(&mut self, value: Value) -> Result<Value> {
        self.settled_as(value, ValueType::Text)
    }

    /// A place in a document as an integer, everything else as it is.
    pub(crate) fn settled_as_number(&mut self, value: Value) -> Result<Value> {
        self.settled_as(value, ValueType::Integer)
    }

    /// Places in documents as what stands on the other side.
    pub(crate) fn settled_beside(&mut self, left: Value, right: Value) -> Result<(Value, Value)> {
        let wanted = |other: &Value| match other.value_type {
            _ if other.json.is_some() => ValueType::Text,
            _ if other.is_integer() => ValueType::Integer,
            ValueType::Real => ValueType::Real,
            _ => ValueType::Text,
        };
        let (for_left, for_right) = (wanted(&right), wanted(&left));
        Ok((
            self.settled_as(left, for_left)?,
            self.settled_as(right, for_right)?,
        ))
    }

    pub(crate) fn settled_as(&mut self, value: Value, wanted: ValueType) -> Result<Value> {
        let Some(place) = &value.json else {
            return Ok(value);
        };
        if value.value_type == ValueType::Json {
            return Err(Untranslated::Types(value.source.clone()));
        }
        let (kind, what) = match wanted {
            ValueType::Integer => ("integer", "something else than an integer of 64 bits"),
            ValueType::Real => ("real", "something else than a real that the server takes"),
            _ => ("text", "something else than a text"),
        };
        let (document, path) = (&place.document, place.path.replace('\'', "''"));
        let extracted = format!("json_extract({document}, '{path}')");
        let more = match wanted {
            // Of more digits SQLite makes a real.
            ValueType::Integer => format!(" AND typeof({extracted}) = 'integer'"),
            // The server refuses what becomes infinite, or too small for anything but zero.
            ValueType::Real => format!(
                " AND (abs({extracted}) BETWEEN 1e-300 AND 1e300 OR ({document} -> '{path}') NOT GLOB '*[1-9]*')"
            ),
            _ => String::new(),
        };
        self.assume(
            of_documents(
                document,
                &format!("coalesce(json_type({document}, '{path}'), 'null') = 'null' OR json_type({document}, '{path}') = '{kind}'{more}"),
            ),
            format!("{what} in {}", value.source),
        );
        let text = format!("{} ->> {}", place.parent, place.step);
        let (sql, value_type) = match wanted {
            ValueType::Integer => (format!("({text})::bigint"), ValueType::Integer),
            ValueType::Real => (format!("({text})::double precision"), ValueType::Real),
            _ => (text, ValueType::Text),
        };
        Ok(Value {
            sql,
            value_type,
            atom: wanted != ValueType::Text,
            json: None,
            ..value
        })
    }

    /// Of a column that holds nothing but documents.
    pub(crate) fn json_column_valid(&mut self, document: &Expr<'_>, source: &str) -> Result<Value> {
        let document = self.value(document)?;
        if document.json.is_some() || !matches!(document.value_type, ValueType::Json | ValueType::Jsonb) {
            return Err(Untranslated::Function(source.to_owned()));
        }
        let sql = format!("{} IS NOT NULL OR NULL::boolean", document.operand());
        Ok(Value::of(sql, source, ValueType::Boolean, &[&document]))
    }

    /// As a condition of which only the falsehood counts: where the text is no document, PostgreSQL raises an error.
    pub(crate) fn json_valid(&mut self, document: &Expr<'_>, source: &str) -> Result<Value> {
        let document = self.value(document)?;
        let sql = match document.value_type {
            _ if document.json.is_some() || document.constant.is_some() => {
                return Err(Untranslated::Function(source.to_owned()));
            }
            ValueType::Json | ValueType::Jsonb => {
                format!("{} IS NOT NULL OR NULL::boolean", document.operand())
            }
            ValueType::Text if document.affinity == Some(Affinity::Text) => {
                self.immutable = false;
                self.assume(
                    source.to_owned(),
                    format!("something else than JSON in {}", document.source),
                );
                format!("{}::json IS NOT NULL OR NULL::boolean", document.operand())
            }
            _ => return Err(Untranslated::Function(source.to_owned())),
        };
        Ok(Value::of(sql, source, ValueType::Boolean, &[&document]))
    }
}

fn is_plain(name: &str) -> bool {
    name.starts_with(|it: char| it.is_ascii_alphabetic() || it == '_')
        && name.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'_')
}

/// A condition that SQLite can calculate for no other text.
fn of_documents(document: &str, condition: &str) -> String {
    format!("CASE WHEN json_valid({document}) THEN {condition} END")
}

/// Whether it is a column of documents, or of texts that are some: there both databases refuse what is none.
fn may_hold_json(value: &Value) -> bool {
    match value.value_type {
        ValueType::Json | ValueType::Jsonb => true,
        ValueType::Text => value.affinity == Some(Affinity::Text) && value.constant.is_none(),
        _ => false,
    }
}

/// Reads `$.a."b c"[0][#-1]`; no other form is understood.
fn steps(path: &str) -> Option<Vec<Step>> {
    let mut rest = path.strip_prefix('$')?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if let Some(quoted) = rest.strip_prefix(".\"") {
            let (name, after) = quoted.split_once('"')?;
            if name.contains('\\') {
                return None;
            }
            steps.push(Step::Member(name.to_owned()));
            rest = after;
        } else if let Some(named) = rest.strip_prefix('.') {
            let end = named.find(['.', '[']).unwrap_or(named.len());
            if !is_plain(&named[..end]) {
                return None;
            }
            steps.push(Step::Member(named[..end].to_owned()));
            rest = &named[end..];
        } else {
            let (inner, after) = rest.strip_prefix('[')?.split_once(']')?;
            let digits = inner.strip_prefix("#-").unwrap_or(inner);
            if digits.is_empty() || !digits.bytes().all(|it| it.is_ascii_digit()) {
                return None;
            }
            let at: i32 = digits.parse().ok()?;
            match inner.starts_with('#') {
                true if at == 0 => return None,
                true => steps.push(Step::Element(-at)),
                false => steps.push(Step::Element(at)),
            }
            rest = after;
        }
    }
    Some(steps)
}
