//! The columns of a table that is made of several: union by name, types that hold the values of all.

use catalog::{Column, ColumnType, PartValue, quote_ident, quote_literal};
use plan::unite_types;
use rewrite::{CheckText, ColumnText, TableText};

use super::group::{Group, Groups, table_at};
use super::source::Source;
use super::values::{sql_type, values, written_type};

/// A table that is made of several.
pub(crate) struct Shape {
    /// Without the name, the columns alone.
    pub(crate) columns: Vec<Column>,
    pub(crate) definition: String,
    /// For each part what every stored column gets.
    pub(crate) values: Vec<Vec<PartValue>>,
}

/// What was found while uniting.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) refused: Vec<String>,
    pub(crate) doubts: Vec<String>,
    pub(crate) notes: Vec<String>,
}

/// One column with the parts that have it.
pub(super) struct United {
    pub(super) column: Column,
    text: ColumnText,
    /// For each part the column that it has.
    pub(super) of: Vec<Option<Column>>,
}

/// Unites the parts of a group, whose definitions are `texts`.
pub(crate) fn unite(
    group: &Group,
    groups: &Groups,
    sources: &[Source],
    texts: &[TableText],
    found: &mut Found,
) -> Shape {
    let columns = united_columns(group, sources, texts, found);
    for name in group.merge.iter().flat_map(|it| it.columns.keys()) {
        if !columns.iter().any(|it| it.column.name == *name) {
            let of = &group.target;
            found.refused.push(format!(
                "{of} gets no column {name}, to which the plan gives a type"
            ));
        }
    }
    for name in group.dedupe() {
        for (place, part) in group.parts.iter().enumerate() {
            let lacks = columns
                .iter()
                .find(|it| it.column.name == *name)
                .is_none_or(|it| it.of[place].is_none());
            if lacks {
                let of = &sources[part.source].name;
                found.refused.push(format!(
                    "{} of source `{of}` has no column {name}, by which rows are to be joined",
                    table_at(sources, *part).qualified_name()
                ));
            }
        }
    }
    let checks = united_checks(group, sources, texts, found);
    let definition = definition(group, &columns, &checks, texts, found);
    let values = (0..group.parts.len()).map(|part| values(group, groups, sources, &columns, part));
    let values = values.collect();
    let mut columns: Vec<Column> = columns.into_iter().map(|it| it.column).collect();
    if let Some(name) = &group.source_column {
        if columns.iter().any(|it| it.name == *name) {
            found.refused.push(format!(
                "{} has a column {name} already; name another `source_column` in the plan",
                group.target
            ));
        }
        columns.push(text_column(name));
    }
    Shape {
        columns,
        definition,
        values,
    }
}

/// A column that keeps old keys is added behind the definition.
fn kept_column(column: &Column) -> ColumnText {
    ColumnText {
        name: column.name.clone(),
        type_text: sql_type(&column.column_type),
        collate: None,
        default: None,
        generated: None,
        not_null: column.not_null,
        rest: Vec::new(),
    }
}

fn text_column(name: &str) -> Column {
    Column {
        name: name.to_owned(),
        new_name: None,
        column_type: ColumnType {
            schema: ColumnType::BUILT_IN_SCHEMA.to_owned(),
            name: "text".to_owned(),
            text: "text".to_owned(),
            base: None,
        },
        not_null: true,
        identity: None,
        generated: None,
        binary_safe: true,
        names: None,
    }
}

fn united_columns(group: &Group, sources: &[Source], texts: &[TableText], found: &mut Found) -> Vec<United> {
    let mut columns: Vec<United> = Vec::new();
    for (place, part) in group.parts.iter().enumerate() {
        let table = table_at(sources, *part);
        for column in &table.columns {
            let text = texts[place].columns.iter().find(|it| it.name == column.name);
            let text = &text.cloned().unwrap_or_else(|| kept_column(column));
            if let Some(united) = columns.iter_mut().find(|it| it.column.name == column.name) {
                united.of[place] = Some(column.clone());
                join(group, united, column, text, found);
                continue;
            }
            let mut of = vec![None; group.parts.len()];
            of[place] = Some(column.clone());
            columns.push(United {
                column: column.clone(),
                text: text.clone(),
                of,
            });
        }
    }
    for united in &mut columns {
        let name = united.column.name.clone();
        if let Some(text) = group.merge.as_ref().and_then(|it| it.columns.get(&name)) {
            united.column.column_type = written_type(text);
            united.column.binary_safe = false;
            united.text.type_text.clone_from(text);
        }
        let lacking = group.parts.iter().zip(&united.of).filter(|(_, of)| of.is_none());
        let lacking: Vec<&str> = lacking
            .map(|(part, _)| sources[part.source].name.as_str())
            .collect();
        if lacking.is_empty() {
            continue;
        }
        let lacking = lacking.join(", ");
        if united.column.generated.is_some() {
            found.refused.push(format!(
                "{}.{name} is generated, and {lacking} lacks it",
                group.target
            ));
        }
        if united.column.not_null {
            found.notes.push(format!(
                "{}.{name} takes NULL now, since {lacking} lacks it",
                group.target
            ));
            united.column.not_null = false;
            united.text.not_null = false;
        }
    }
    columns
}

/// Makes `united` hold the values of `column` too.
fn join(group: &Group, united: &mut United, column: &Column, text: &ColumnText, found: &mut Found) {
    let name = format!("{}.{}", group.target, column.name);
    let has_own = group
        .merge
        .as_ref()
        .is_some_and(|it| it.columns.contains_key(&column.name));
    let before = united.column.column_type.clone();
    if has_own {
        // The plan says it.
    } else if let Some(together) = unite_types(&before, &column.column_type) {
        if together != before {
            united.text.type_text.clone_from(&text.type_text);
        }
        if together != before || together != column.column_type {
            united.column.binary_safe = false;
            let (one, other) = (sql_type(&before), sql_type(&column.column_type));
            found.notes.push(format!(
                "{name} becomes {}: {one} and {other} unite",
                sql_type(&together)
            ));
        }
        united.column.column_type = together;
    } else {
        let (one, other) = (sql_type(&before), sql_type(&column.column_type));
        found.refused.push(format!(
            "{name} would be both {one} and {other}; say its type under `columns` of the plan's merge"
        ));
    }
    if united.text.collate != text.collate && !has_own {
        found.refused.push(format!("{name} has two collations"));
    }
    if united.text.generated != text.generated {
        found
            .refused
            .push(format!("{name} is generated in two ways, or in one source alone"));
    }
    if united.text.default != text.default {
        let (kept, other) = (&united.text.default, &text.default);
        let say = |it: &Option<String>| it.as_deref().unwrap_or("none").to_owned();
        found.notes.push(format!(
            "{name} has two defaults: {} stands, {} does not",
            say(kept),
            say(other)
        ));
    }
    if united.column.not_null != column.not_null {
        found
            .notes
            .push(format!("{name} takes NULL now, since it does in one source"));
        united.column.not_null = false;
        united.text.not_null = false;
    }
    united.column.identity = united.column.identity.or(column.identity);
}

/// Checks that all parts have stand; others hold for the rows of their sources.
fn united_checks(
    group: &Group,
    sources: &[Source],
    texts: &[TableText],
    found: &mut Found,
) -> Vec<CheckText> {
    let mut united: Vec<(CheckText, Vec<usize>)> = Vec::new();
    for (place, text) in texts.iter().enumerate() {
        for check in &text.checks {
            let is_same = |it: &&mut (CheckText, Vec<usize>)| {
                it.0.condition == check.condition && it.0.rest == check.rest
            };
            match united.iter_mut().find(is_same) {
                Some((_, of)) => of.push(place),
                None => united.push((check.clone(), vec![place])),
            }
        }
    }
    let mut names: Vec<String> = Vec::new();
    let mut checks = Vec::new();
    for (mut check, of) in united {
        if of.len() < group.parts.len() {
            let of = of.iter().map(|it| sources[group.parts[*it].source].name.as_str());
            let of: Vec<&str> = of.collect();
            let name = check.name.clone().unwrap_or_default();
            found.notes.push(format!(
                "{}: check {name} holds for the rows of {} alone",
                group.target,
                of.join(", ")
            ));
            check.condition = format!("({} OR ({}))", of_others(group, &of), check.condition);
            if check.name.as_ref().is_some_and(|it| names.contains(it)) {
                check.name = check.name.map(|it| format!("{it}_{}", of[0]));
            }
        }
        names.extend(check.name.clone());
        checks.push(check);
    }
    checks
}

/// A condition that is true for rows of all other sources.
pub(crate) fn of_others(group: &Group, sources: &[&str]) -> String {
    let column = quote_ident(group.source_column.as_deref().unwrap_or_default());
    let others = sources
        .iter()
        .map(|it| format!("({column} <> {})", quote_literal(it)));
    let others: Vec<String> = others.collect();
    match others.as_slice() {
        [one] => one.clone(),
        _ => format!("({})", others.join(" AND ")),
    }
}

fn definition(
    group: &Group,
    columns: &[United],
    checks: &[CheckText],
    texts: &[TableText],
    found: &mut Found,
) -> String {
    let first = &texts[0];
    if texts.iter().any(|it| it.unlogged != first.unlogged) {
        found
            .notes
            .push(format!("{} is as durable as in the first source", group.target));
    }
    if texts.iter().any(|it| it.tail != first.tail) {
        found.notes.push(format!(
            "{} has the storage parameters of the first source",
            group.target
        ));
    }
    for other in texts
        .iter()
        .flat_map(|it| &it.others)
        .filter(|_| !group.keeps_definition())
    {
        found.refused.push(format!(
            "{}: nobody here knows how to unite `{other}`",
            group.target
        ));
    }
    let mut lines: Vec<String> = columns.iter().map(|it| column_text(&it.text)).collect();
    lines.extend(
        group
            .source_column
            .iter()
            .map(|it| format!("{} text NOT NULL", quote_ident(it))),
    );
    lines.extend(checks.iter().map(|it| {
        let name = it
            .name
            .as_ref()
            .map(|it| format!("CONSTRAINT {} ", quote_ident(it)));
        let rest = if it.rest.is_empty() {
            String::new()
        } else {
            format!(" {}", it.rest)
        };
        format!("{}CHECK ({}){rest}", name.unwrap_or_default(), it.condition)
    }));
    let unlogged = if first.unlogged { "UNLOGGED " } else { "" };
    let tail = if first.tail.is_empty() {
        String::new()
    } else {
        format!("\n{}", first.tail)
    };
    format!(
        "CREATE {unlogged}TABLE {} (\n    {}\n){tail};",
        group.target,
        lines.join(",\n    ")
    )
}

fn column_text(column: &ColumnText) -> String {
    let mut text = format!("{} {}", quote_ident(&column.name), column.type_text);
    let mut add = |part: &str| {
        text.push(' ');
        text.push_str(part);
    };
    column.rest.iter().for_each(|it| add(it));
    column.collate.iter().for_each(|it| add(it));
    column.default.iter().for_each(|it| add(&format!("DEFAULT {it}")));
    column.generated.iter().for_each(|it| add(it));
    if column.not_null {
        add("NOT NULL");
    }
    text
}
