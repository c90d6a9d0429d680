//! The columns of a table that is made of several: union by name, types that hold the values of all.

use catalog::{Column, ColumnType, PartValue, Table, quote_ident, quote_literal};
use conversion::conversion_of;
use plan::unite_types;
use rewrite::{CheckText, ColumnText, TableText};

use super::group::{Group, Groups, PartPlace, table_at};
use super::source::Source;

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
struct United {
    column: Column,
    text: ColumnText,
    /// For each part the column that it has.
    of: Vec<Option<Column>>,
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
        for text in &texts[place].columns {
            let Some(column) = table.columns.iter().find(|it| it.name == text.name) else {
                continue;
            };
            match columns.iter_mut().find(|it| it.column.name == column.name) {
                Some(united) => {
                    united.of[place] = Some(column.clone());
                    join(group, united, column, text, found);
                }
                None => {
                    let mut of = vec![None; group.parts.len()];
                    of[place] = Some(column.clone());
                    columns.push(United {
                        column: column.clone(),
                        text: text.clone(),
                        of,
                    });
                }
            }
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

/// What the columns get from the rows of one part.
fn values(
    group: &Group,
    groups: &Groups,
    sources: &[Source],
    columns: &[United],
    part: usize,
) -> Vec<PartValue> {
    let place = group.parts[part];
    let source = &sources[place.source];
    // The rows have the types of the source, and none of the columns that keep old keys.
    let rows = &source.header.catalog.tables;
    let number = table_at(sources, place).number;
    let rows = rows.iter().find(|it| it.number == number);
    let stored = columns.iter().filter(|it| it.column.generated.is_none());
    let mut values: Vec<PartValue> = stored
        .map(|united| match (&united.of[part], rows) {
            (Some(column), Some(rows)) => value(groups, source, place, rows, united, column),
            _ => PartValue {
                column: united.column.name.clone(),
                sql: format!("NULL::{}", sql_type(&united.column.column_type)),
                from: None,
                back: None,
            },
        })
        .collect();
    values.extend(group.source_column.iter().map(|column| PartValue {
        column: column.clone(),
        sql: format!("{}::text", quote_literal(&source.name)),
        from: None,
        back: None,
    }));
    values
}

fn value(
    groups: &Groups,
    source: &Source,
    place: PartPlace,
    rows: &Table,
    united: &United,
    column: &Column,
) -> PartValue {
    let conversion = conversion_of(&source.conversions, rows.number);
    let kept = conversion.and_then(|it| it.kept().find(|(_, kept)| kept.name == column.name));
    let from = kept.map_or(&column.name, |(it, _)| &it.column);
    let (own, new) = (
        format!("s.{}", quote_ident(from)),
        format!("t.{}", quote_ident(&column.name)),
    );
    let (to, back_to) = (&united.column.column_type, &column.column_type);
    let made = |sql: String, back: Option<String>| PartValue {
        column: column.name.clone(),
        sql,
        from: Some(from.clone()),
        back,
    };
    if let Some(it) = conversion.and_then(|it| it.column(&column.name)) {
        return made(it.namespace.sql(&own), None);
    }
    let shift = groups.shift(place, &column.name);
    if shift == 0 {
        return made(cast(&own, back_to, to), Some(cast(&new, to, back_to)));
    }
    let wide = |it: &str, of: &ColumnType| match of.text.as_str() {
        "bigint" | "numeric" => it.to_owned(),
        _ => format!("{it}::bigint"),
    };
    let narrow = |sql: String, of: &ColumnType, from: &ColumnType| {
        if of.text == from.text && matches!(of.text.as_str(), "bigint" | "numeric") {
            sql
        } else {
            format!("({sql})::{}", sql_type(of))
        }
    };
    made(
        narrow(format!("{} + {shift}", wide(&own, back_to)), to, back_to),
        Some(narrow(format!("{} - {shift}", wide(&new, to)), back_to, to)),
    )
}

fn cast(value: &str, from: &ColumnType, to: &ColumnType) -> String {
    if from == to {
        return value.to_owned();
    }
    let is_own = |it: &ColumnType| it.schema != ColumnType::BUILT_IN_SCHEMA;
    if is_own(from) && is_own(to) {
        // Two types of users have their text in common, if anything.
        return format!("{value}::text::{}", sql_type(to));
    }
    format!("{value}::{}", sql_type(to))
}

/// The type as SQL.
pub(crate) fn sql_type(of: &ColumnType) -> String {
    if of.schema == ColumnType::BUILT_IN_SCHEMA {
        return of.text.clone();
    }
    format!("{}.{}{}", quote_ident(&of.schema), quote_ident(&of.name), of.text)
}

/// A type as a person wrote it into a plan.
fn written_type(text: &str) -> ColumnType {
    let (name, modifier) = match text.find(['(', '[']) {
        Some(at) => (text[..at].trim(), &text[at..]),
        None => (text.trim(), ""),
    };
    if let Some(it) = plan::parse_table(name) {
        return ColumnType {
            schema: it.schema,
            name: it.name,
            text: modifier.to_owned(),
            base: None,
        };
    }
    const NAMES: [(&str, &str, &str); 13] = [
        ("int", "int4", "integer"),
        ("integer", "int4", "integer"),
        ("bigint", "int8", "bigint"),
        ("smallint", "int2", "smallint"),
        ("decimal", "numeric", "numeric"),
        ("varchar", "varchar", "character varying"),
        ("character varying", "varchar", "character varying"),
        ("boolean", "bool", "boolean"),
        ("double precision", "float8", "double precision"),
        ("timestamptz", "timestamptz", "timestamp with time zone"),
        (
            "timestamp with time zone",
            "timestamptz",
            "timestamp with time zone",
        ),
        ("timestamp", "timestamp", "timestamp without time zone"),
        (
            "timestamp without time zone",
            "timestamp",
            "timestamp without time zone",
        ),
    ];
    let known = NAMES.iter().find(|it| it.0.eq_ignore_ascii_case(name));
    let (internal, official) = known.map_or((name, name), |it| (it.1, it.2));
    ColumnType {
        schema: ColumnType::BUILT_IN_SCHEMA.to_owned(),
        name: internal.to_owned(),
        text: format!("{official}{modifier}"),
        base: None,
    }
}
