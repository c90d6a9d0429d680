//! The statements that are compared: those of a file, with what comments say of them, or a source's heaviest.

use std::path::Path;

use cli::{Exit, Failure, FailureContext, Result};
use database::endpoint::PostgresEndpoint;
use database::postgres::read_heaviest;
use rewrite::{Query, statement_ranges};
use serde::{Deserialize, Serialize};

/// Characters of a statement that stand for its name.
const LABEL_CHARS: usize = 48;

/// One statement with what it is run with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Statement {
    /// What it is called in reports.
    pub(crate) label: String,
    /// Where it begins in the file.
    pub(crate) line: Option<usize>,
    /// By the source's names, without its semicolon.
    pub(crate) text: String,
    /// The search path that a comment gives it.
    pub(crate) search_path: Option<String>,
    /// Values of its parameters.
    pub(crate) values: Option<Vec<Option<String>>>,
}

/// What a file or the server offered, and what of it cannot be run.
#[derive(Debug, Default)]
pub(crate) struct Statements {
    pub(crate) all: Vec<Statement>,
    /// Labels with reasons.
    pub(crate) refused: Vec<(String, String)>,
}

impl Statements {
    /// Those of a file; all that is refused is a usage error at once.
    pub(crate) fn from_file(path: &Path) -> Result<Statements> {
        let step = || format!("file `{}` cannot be read", path.display());
        let sql = std::fs::read_to_string(path).or_fail(Exit::Usage, step)?;
        let mut statements = Statements::default();
        let mut wrong = Vec::new();
        let mut end = 0;
        for range in statement_ranges(&sql) {
            let line = sql[..range.start].matches('\n').count() + 1;
            let said = match Said::of(after_line(&sql[end..range.start], end > 0)) {
                Ok(said) => said,
                Err(reason) => {
                    wrong.push(format!("line {line}: {reason}"));
                    Said::default()
                }
            };
            end = range.end;
            match Query::read(&sql[range]) {
                Ok(query) => statements.add(&query, &said, line, &mut wrong),
                Err(refusal) => wrong.push(format!("line {line}: {refusal}")),
            }
        }
        if !wrong.is_empty() {
            let failure = Failure::usage(format!(
                "file `{}` holds what is not run: nothing but statements that only read are",
                path.display()
            ));
            let failure = wrong.iter().fold(failure, Failure::with_state);
            return Err(failure.with_hint("take them out, or give the file's queries alone"));
        }
        if statements.all.is_empty() {
            return Err(Failure::usage(format!(
                "file `{}` holds no statement",
                path.display()
            )));
        }
        Ok(statements)
    }

    fn add(&mut self, query: &Query, said: &Said, line: usize, wrong: &mut Vec<String>) {
        let name = said.name.clone().unwrap_or_else(|| label(query.text()));
        let parameters = query.parameters();
        let runs = said.values.len();
        for (number, values) in said.values.iter().enumerate() {
            if values.len() != parameters {
                wrong.push(format!(
                    "line {line}: it has {parameters} parameters and {} values",
                    values.len()
                ));
            }
            let label = match runs {
                1 => name.clone(),
                _ => format!("{name} ({})", number + 1),
            };
            self.all
                .push(said.statement(label, line, query, Some(values.clone())));
        }
        if runs == 0 {
            self.all.push(said.statement(name, line, query, None));
        }
    }

    /// The heaviest of a source that are queries.
    pub(crate) fn heaviest(endpoint: &PostgresEndpoint, wanted: usize) -> Result<Statements> {
        let mut statements = Statements::default();
        read_heaviest(endpoint, super::NAME, |heavy| {
            if is_of_the_system(&heavy.text) {
                return true;
            }
            match Query::read(&heavy.text) {
                Ok(query) => statements.all.push(Statement {
                    label: label(query.text()),
                    line: None,
                    text: query.text().to_owned(),
                    search_path: None,
                    values: None,
                }),
                Err(refusal) if is_like_a_query(&heavy.text) => {
                    statements.refused.push((label(&heavy.text), refusal.to_string()));
                }
                Err(_) => {}
            }
            statements.all.len() < wanted
        })
        .map_err(Failure::source)?;
        Ok(statements)
    }
}

/// What stands between two statements, without the rest of the former's last line: a comment there is the former's.
fn after_line(between: &str, has_former: bool) -> &str {
    match between.find('\n') {
        Some(end) if has_former => &between[end..],
        None if has_former => "",
        _ => between,
    }
}

/// What the comments before a statement say.
#[derive(Debug, Default)]
struct Said {
    name: Option<String>,
    search_path: Option<String>,
    values: Vec<Vec<Option<String>>>,
}

impl Said {
    fn of(comments: &str) -> std::result::Result<Said, String> {
        let mut said = Said::default();
        for line in comments.lines() {
            let Some(comment) = line.trim().strip_prefix("--") else {
                continue;
            };
            let Some((word, rest)) = comment.split_once(':') else {
                continue;
            };
            let rest = rest.trim();
            match word.trim() {
                "name" => said.name = Some(rest.to_owned()),
                "search_path" => said.search_path = Some(rest.to_owned()),
                "params" => said.values.push(values(rest)?),
                _ => {}
            }
        }
        Ok(said)
    }

    fn statement(
        &self,
        label: String,
        line: usize,
        query: &Query,
        values: Option<Vec<Option<String>>>,
    ) -> Statement {
        Statement {
            label,
            line: Some(line),
            text: query.text().to_owned(),
            search_path: self.search_path.clone(),
            values,
        }
    }
}

/// Values apart by commas: strings in single quotes, NULL, and all else as it stands.
fn values(list: &str) -> std::result::Result<Vec<Option<String>>, String> {
    let mut values = Vec::new();
    let mut rest = list.trim();
    while !rest.is_empty() {
        let value;
        if let Some(quoted) = rest.strip_prefix('\'') {
            let mut text = String::new();
            let mut after = quoted;
            loop {
                let end = after
                    .find('\'')
                    .ok_or_else(|| "a value of params has no closing quote".to_owned())?;
                text.push_str(&after[..end]);
                after = &after[end + 1..];
                match after.strip_prefix('\'') {
                    Some(more) => {
                        text.push('\'');
                        after = more;
                    }
                    None => break,
                }
            }
            value = Some(text);
            rest = after.trim_start();
        } else {
            let end = rest.find(',').unwrap_or(rest.len());
            let word = rest[..end].trim();
            if word.is_empty() {
                return Err("a value of params is missing".to_owned());
            }
            value = (!word.eq_ignore_ascii_case("null")).then(|| word.to_owned());
            rest = &rest[end..];
        }
        values.push(value);
        rest = match rest.strip_prefix(',') {
            Some(after) if after.trim().is_empty() => return Err("a value of params is missing".to_owned()),
            Some(after) => after.trim_start(),
            None if rest.is_empty() => rest,
            None => return Err("values of params stand apart by commas".to_owned()),
        };
    }
    Ok(values)
}

/// The beginning of a statement, on one line.
fn label(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let line = words.join(" ");
    match line.char_indices().nth(LABEL_CHARS) {
        Some((end, _)) => format!("{}…", line[..end].trim_end()),
        None => line,
    }
}

/// Whether nobody's tables are read, as tools that look at a database do.
fn is_of_the_system(text: &str) -> bool {
    ["pg_catalog.", "pg_stat_statements", "information_schema."]
        .iter()
        .any(|it| text.contains(it))
}

fn is_like_a_query(text: &str) -> bool {
    let first = text
        .trim_start_matches(|it: char| it == '(' || it.is_whitespace())
        .split(|it: char| !it.is_ascii_alphabetic())
        .next()
        .unwrap_or_default();
    ["select", "with", "values", "table"]
        .iter()
        .any(|it| first.eq_ignore_ascii_case(it))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_they_are_written() {
        let some = |words: &[&str]| words.iter().map(|it| Some((*it).to_owned())).collect::<Vec<_>>();
        assert_eq!(
            values("1, 'it''s, ok' , true"),
            Ok(some(&["1", "it's, ok", "true"]))
        );
        assert_eq!(values("NULL, ''"), Ok(vec![None, Some(String::new())]));
        assert_eq!(values(""), Ok(Vec::new()));
        for wrong in ["'a", "1,", "1,,2", "'a' b"] {
            assert!(values(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_comment_behind_a_statement_is_not_of_the_next_one() {
        assert_eq!(after_line("; -- name: a\n-- name: b\n", true), "\n-- name: b\n");
        assert_eq!(after_line("-- name: b\n", false), "-- name: b\n");
        assert_eq!(after_line("; -- name: a ", true), "");
    }

    #[test]
    fn comments_before_a_statement_say_how_it_is_run() {
        let said = Said::of("\n-- name: all: of it\n  -- params: 1\n-- note: x\n-- params: NULL\n")
            .expect("comments");
        assert_eq!(said.name.as_deref(), Some("all: of it"));
        assert_eq!(said.values, [vec![Some("1".to_owned())], vec![None]]);
    }
}
