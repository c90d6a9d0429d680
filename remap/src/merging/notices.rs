//! Keys to which a number is added, and what else reckons with them: doubts, since nothing says what is meant.

use catalog::{QualifiedName, Table, quote_ident};
use rewrite::{About, TablePart};

use super::group::{Group, Groups, PartPlace, same, table_at};
use super::shape::Found;
use super::source::Source;
use super::statements::Parsed;

/// Tells of columns that look like keys, and of checks, defaults and indexes that mention one.
pub(super) fn tell(groups: &Groups, sources: &[Source], texts: &[Parsed<'_>], found: &mut Found) {
    for group in &groups.all {
        for part in &group.parts {
            if group.merge.is_some() {
                tell_of_columns(groups, &group.target, *part, sources, found);
            }
            tell_of_numbers(groups, *part, sources, &texts[part.source], found);
        }
        tell_of_joined_keys(group, sources, found);
    }
}

/// Keys that follow rows which are joined: two rows may get one key.
fn tell_of_joined_keys(group: &Group, sources: &[Source], found: &mut Found) {
    let Some(key) = group
        .parts
        .iter()
        .map(|it| &table_at(sources, *it).primary_key)
        .find(|it| !it.is_empty())
    else {
        return;
    };
    let follows = group
        .follows
        .iter()
        .any(|(columns, ..)| columns.iter().any(|it| key.contains(it)));
    if follows && !same(key, group.dedupe()) {
        found.doubts.push(format!(
            "{} has the primary key ({}), which follows rows that are joined: where two of its rows get one key, the load \
             ends, unless `dedupe` joins them by it",
            group.target,
            key.join(", ")
        ));
    }
}

/// Columns that nobody declares to be keys of a merged table, and that look like it.
fn tell_of_columns(
    groups: &Groups,
    target: &QualifiedName,
    part: PartPlace,
    sources: &[Source],
    found: &mut Found,
) {
    let source = &sources[part.source];
    let own = table_at(sources, part);
    let key = own.primary_key.iter();
    let Some(shift) = key.map(|it| groups.shift(part, it)).find(|it| *it != 0) else {
        return;
    };
    let before = source
        .header
        .catalog
        .tables
        .iter()
        .find(|it| it.number == own.number);
    let names = [Some(target.name.as_str()), before.map(|it| it.name.as_str())];
    let looks = |column: &str| {
        let column = column.to_ascii_lowercase();
        names.iter().flatten().any(|name| {
            let name = name.to_ascii_lowercase();
            let one = name.strip_suffix('s').unwrap_or(&name);
            [format!("{one}_id"), format!("{one}id"), format!("{name}_id")].contains(&column)
        })
    };
    let tables = source.catalog.tables.iter().enumerate();
    for (place, table) in tables.filter(|(_, it)| it.is_own()) {
        let at = PartPlace {
            source: part.source,
            table: place,
        };
        for column in table.columns.iter().filter(|it| looks(&it.name)) {
            if !groups.is_kept_apart(at, &column.name) {
                found.doubts.push(format!(
                    "{}.{} of source `{}` looks like a key of {target}, to which {shift} is added, and no foreign key says \
                     so: it stays as it is",
                    table.qualified_name(),
                    column.name,
                    source.name,
                ));
            }
        }
    }
}

/// Numbers in definitions that were meant for keys as they were.
fn tell_of_numbers(
    groups: &Groups,
    part: PartPlace,
    sources: &[Source],
    texts: &Parsed<'_>,
    found: &mut Found,
) {
    let table: &Table = table_at(sources, part);
    let name = table.qualified_name();
    let moved = &sources[part.source].moved;
    let columns = table
        .columns
        .iter()
        .filter(|it| groups.shift(part, &it.name) != 0);
    let columns: Vec<&str> = columns.map(|it| it.name.as_str()).collect();
    if columns.is_empty() {
        return;
    }
    let mentioned = |text: &str| {
        columns
            .iter()
            .find(|it| super::one_table::is_word(text, &quote_ident(it)))
    };
    for statement in texts.iter().flat_map(|(_, it)| it) {
        let told: Vec<String> = match &statement.about {
            About::Table(it) if moved.get(&it.name).unwrap_or(&it.name) == &name => {
                let checks = it.checks.iter().map(|it| it.condition.clone());
                let own = it.columns.iter().filter(|it| columns.contains(&it.name.as_str()));
                let generated = it.columns.iter().filter_map(|it| it.generated.clone());
                let defaults = own.filter_map(|it| it.default.clone());
                let mentions = checks.chain(generated).filter(|it| mentioned(it).is_some());
                mentions
                    .chain(defaults.filter(|it| !it.contains("nextval(")))
                    .collect()
            }
            About::Part { table, part } if *table == name => match part {
                TablePart::Check { condition, .. } if mentioned(condition).is_some() => {
                    vec![condition.clone()]
                }
                TablePart::Default { column, value } if columns.contains(&column.as_str()) => {
                    let is_counted = value.contains("nextval(");
                    (!is_counted).then(|| value.clone()).into_iter().collect()
                }
                TablePart::Index {
                    has_condition: true, ..
                } => {
                    let condition = statement.text.rsplit_once(" WHERE ").map(|it| it.1.to_owned());
                    condition
                        .into_iter()
                        .filter(|it| mentioned(it).is_some())
                        .collect()
                }
                _ => continue,
            },
            _ => continue,
        };
        found.doubts.extend(told.into_iter().map(|text| {
            format!(
                "{name} of source `{}`: `{text}` reckons with a key to which a number is added",
                sources[part.source].name
            )
        }));
    }
}
