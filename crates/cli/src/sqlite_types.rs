//! Types of columns of a SQLite file, as options, a CSV file and a plan give them.

use std::path::Path;

use database::sqlite::{TargetType, TypeChoice, UnknownType};
use plan::PlannedSource;
use serde::Deserialize;

use crate::{Exit, Failure, FailureContext, Result};

const HEADER: [&str; 3] = ["table", "column", "type"];

/// A line of the file that `--types` names.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    table: String,
    column: String,
    #[serde(rename = "type")]
    target: String,
}

/// Reads the values of `--type`, each `TABLE.COLUMN=TYPE`.
pub(crate) fn flag_types(pairs: &[String]) -> Result<Vec<TypeChoice>> {
    pairs.iter().map(|pair| flag_type(pair)).collect()
}

fn flag_type(pair: &str) -> Result<TypeChoice> {
    let wrong = || {
        Failure::usage(format!("--type `{pair}` is not TABLE.COLUMN=TYPE"))
            .with_hint("a name with a dot, an equals sign or a double quote stands in double quotes")
    };
    let (table, rest) = name(pair).ok_or_else(wrong)?;
    let (column, rest) = rest.strip_prefix('.').and_then(name).ok_or_else(wrong)?;
    let target = rest.strip_prefix('=').ok_or_else(wrong)?;
    let target = target_type(target, || format!("--type `{pair}` cannot be used"))?;
    Ok(TypeChoice {
        table,
        column,
        target,
    })
}

/// A name, in double quotes or up to a dot or an equals sign, and what follows it.
fn name(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(['.', '=', '"']).unwrap_or(text.len());
        return (end > 0).then(|| (text[..end].to_owned(), &text[end..]));
    };
    let (mut name, mut rest) = (String::new(), quoted);
    loop {
        let (before, after) = rest.split_once('"')?;
        name.push_str(before);
        let Some(more) = after.strip_prefix('"') else {
            return Some((name, after));
        };
        name.push('"');
        rest = more;
    }
}

/// Reads the file that `--types` names.
pub(crate) fn read_types(path: &Path) -> Result<Vec<TypeChoice>> {
    let file = || format!("--types file `{}`", path.display());
    let wrong = || format!("{} cannot be used", file());
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_path(path)
        .or_fail(Exit::Usage, || format!("{} cannot be read", file()))?;
    if reader.headers().or_fail(Exit::Usage, wrong)? != HEADER.as_slice() {
        return Err(
            Failure::usage(format!("{}: its first line is not its header", wrong()))
                .with_hint(format!("the header is `{}`", HEADER.join(","))),
        );
    }
    let mut choices = Vec::new();
    for line in reader.deserialize() {
        let line: Line = line.or_fail(Exit::Usage, wrong)?;
        let place = || format!("{}: type of {}.{}", wrong(), line.table, line.column);
        choices.push(TypeChoice {
            target: target_type(&line.target, place)?,
            table: line.table,
            column: line.column,
        });
    }
    Ok(choices)
}

/// The plan's types.
pub(crate) fn planned_types(planned: &PlannedSource) -> Result<Vec<TypeChoice>> {
    let types = planned.types.iter().map(|it| {
        let place = || format!("the plan's type of {}.{} cannot be used", it.table, it.column);
        Ok(TypeChoice {
            table: it.table.clone(),
            column: it.column.clone(),
            target: target_type(&it.target, place)?,
        })
    });
    types.collect()
}

fn target_type(text: &str, context: impl Fn() -> String) -> Result<TargetType> {
    text.parse()
        .map_err(|error: UnknownType| Failure::usage(context()).with_source(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pair: &str, expected: Option<(&str, &str, &str)>) {
        let found = flag_type(pair).ok();
        let found = found.map(|it| (it.table, it.column, it.target.to_sql()));
        let expected =
            expected.map(|(table, column, target)| (table.to_owned(), column.to_owned(), target.to_owned()));
        assert_eq!(found, expected, "{pair}");
    }

    #[test]
    fn pairs_name_a_column_and_its_type() {
        check("orders.qty=bigint", Some(("orders", "qty", "bigint")));
        check(
            "orders.a b=numeric(12, 2)",
            Some(("orders", "a b", "numeric(12,2)")),
        );
        check("\"a.b\".\"c\"\"=\"=text", Some(("a.b", "c\"=", "text")));
        for wrong in [
            "orders=bigint",
            "orders.qty",
            ".qty=bigint",
            "orders.=bigint",
            "orders.qty=widget",
            "a.b.c=text",
            "\"a.b=text",
        ] {
            check(wrong, None);
        }
    }
}
