//! What `pg_dump` says of a database, object by object, and how two such accounts differ.

use std::collections::BTreeMap;

use crate::database::Database;
use crate::error::Result;

use super::dump;

/// What `pg_dump` says of one object.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Definition {
    /// Without the body of a routine and without its `SET search_path`.
    text: String,
    body: String,
}

/// What `pg_dump -s` says of a database: each object by its heading (name, type and schema).
///
/// Owners and grants are left out, and so is our own schema `coalesce`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Definitions(BTreeMap<String, Definition>);

impl Definitions {
    pub fn of(database: &Database<'_>) -> Result<Self> {
        let flags = ["--schema-only", "--no-owner", "--no-privileges"];
        Ok(Definitions::parse(&dump(database, &flags)?))
    }

    fn parse(sql: &str) -> Self {
        let end = sql.find("\n--\n-- PostgreSQL database dump complete");
        let mut definitions: BTreeMap<String, Definition> = BTreeMap::new();
        for part in sql[..end.unwrap_or(sql.len())].split("\n--\n-- Name: ").skip(1) {
            let (heading, text) = part.split_once("\n--\n").unwrap_or((part, ""));
            let definition = Definition::parse(text);
            definitions
                .entry(heading.to_owned())
                .and_modify(|it| it.text.push_str(&definition.text))
                .or_insert(definition);
        }
        Definitions(definitions)
    }

    /// Number of objects, with their comments and constraints.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each object that is missing, too many, or defined otherwise in `found`, with both texts; the bodies of
    /// routines are not compared.
    pub fn differences(&self, found: &Definitions) -> Vec<String> {
        let text = |of: &Definitions, heading: &str| of.0.get(heading).map(|it| it.text.clone());
        self.compare(found, &text)
    }

    /// As [`Definitions::differences`], for the bodies of routines alone.
    pub fn body_differences(&self, found: &Definitions) -> Vec<String> {
        let body = |of: &Definitions, heading: &str| of.0.get(heading).map(|it| it.body.clone());
        self.compare(found, &body)
    }

    fn compare(
        &self,
        found: &Definitions,
        part: &dyn Fn(&Definitions, &str) -> Option<String>,
    ) -> Vec<String> {
        let more = found.0.keys().filter(|it| !self.0.contains_key(*it));
        let differs = |heading: &String| {
            let (expected, found) = (part(self, heading), part(found, heading));
            let shown = |it: Option<String>| it.unwrap_or_else(|| "nothing".to_owned());
            (expected != found).then(|| {
                let (expected, found) = (shown(expected), shown(found));
                format!("{heading}\n--- expected ---\n{expected}\n--- found ---\n{found}\n")
            })
        };
        self.0.keys().chain(more).filter_map(differs).collect()
    }

    /// Every `old` replaced by `new` in the bodies of routines: for names that stand nowhere else in them.
    #[must_use]
    pub fn with_bodies_replaced(mut self, old: &str, new: &str) -> Self {
        for definition in self.0.values_mut() {
            definition.body = definition.body.replace(old, new);
        }
        self
    }
}

impl Definition {
    fn parse(text: &str) -> Self {
        let mut definition = Definition {
            text: String::new(),
            body: String::new(),
        };
        for line in text.lines() {
            let in_body = !definition.body.is_empty() || line.starts_with("    AS $");
            if in_body {
                definition.body.push_str(line);
                definition.body.push('\n');
            } else if !line.starts_with("SET ") && !line.starts_with("    SET search_path ") {
                definition.text.push_str(line);
                definition.text.push('\n');
            }
        }
        Definition {
            text: definition.text.trim().to_owned(),
            body: definition.body.trim().to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn definitions(objects: &[(&str, &str)]) -> Definitions {
        let parts = objects
            .iter()
            .map(|(heading, text)| format!("\n--\n-- Name: {heading}\n--\n\n{text}\n\n"));
        let body: String = parts.collect();
        Definitions::parse(&format!(
            "SET a = b;\n{body}\n--\n-- PostgreSQL database dump complete\n--\n"
        ))
    }

    #[track_caller]
    fn check(expected: &[(&str, &str)], found: &[(&str, &str)], headings: &[&str]) {
        let differences = definitions(expected).differences(&definitions(found));
        let differing: Vec<&str> = differences.iter().filter_map(|it| it.lines().next()).collect();
        assert_eq!(differing, headings);
    }

    #[test]
    fn every_kind_of_difference_is_told() {
        let table = ("t; Type: TABLE", "CREATE TABLE x.t ();");
        check(&[table], &[table], &[]);
        check(&[table], &[], &["t; Type: TABLE"]);
        check(&[], &[table], &["t; Type: TABLE"]);
        check(
            &[table],
            &[("t; Type: TABLE", "CREATE TABLE y.t ();")],
            &["t; Type: TABLE"],
        );
        check(
            &[table],
            &[("t; Type: TABLE", "SET a = b;\n\nCREATE TABLE x.t ();")],
            &[],
        );
    }

    #[test]
    fn bodies_are_compared_apart() {
        let function = |path: &str, body: &str| {
            format!(
                "CREATE FUNCTION f()\n    LANGUAGE sql\n    SET search_path TO '{path}'\n    AS $${body}\n$$;"
            )
        };
        let (old, new) = (function("a", "SELECT a.t"), function("b", "SELECT b.t"));
        let [expected, found] = [&old, &new].map(|it| definitions(&[("f(); Type: FUNCTION", it.as_str())]));
        assert!(expected.differences(&found).is_empty());
        assert_eq!(expected.body_differences(&found).len(), 1);
        assert!(
            expected
                .body_differences(&found.with_bodies_replaced("b.", "a."))
                .is_empty()
        );
    }
}
