//! Which table of the target takes the rows of which table of the archive, and what does not fit, all of it at once.

use std::collections::{BTreeMap, HashMap, HashSet};

use archive::Header;
use catalog::{Column, ColumnType, ObjectKind, QualifiedName, Table, quote_ident};
use cli::Result;
use fingerprint::Form;
use postgres::Client;

use super::args::{DataOnlyArgs, means};
use super::fit::{self, Fit, Kinds, Pair};
use super::history::is_history;
use super::obstacles::{check_parts, check_rows, check_table, check_targets, check_words, refuse_others};
use super::standing::{self, StandingTable};
use crate::target::failed;

/// A table of the target with everything that goes into it.
#[derive(Debug)]
pub(crate) struct Unit {
    pub(crate) target: StandingTable,
    /// One table of the archive, or several partitions.
    pub(crate) parts: Vec<Part>,
    pub(crate) truncate: bool,
    /// An earlier run of the same load has filled it.
    pub(crate) is_in: bool,
}

/// A table of the archive.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) number: u32,
    pub(crate) form: Form,
    /// One for each of its stored columns, in their order.
    pub(crate) pairs: Vec<Pair>,
    /// The columns with their names and types, in the same order.
    pub(crate) columns: Vec<Column>,
}

/// What has been found, and what is to be told.
#[derive(Debug, Default)]
pub(crate) struct Matched {
    pub(crate) units: Vec<Unit>,
    /// Why nothing can be written, as sentences.
    pub(crate) findings: Vec<String>,
    pub(crate) notes: Vec<String>,
    /// Histories of migrations, on either side.
    pub(crate) left_alone: Vec<QualifiedName>,
}

impl Part {
    /// Whether its rows go in as they are.
    pub(crate) fn is_direct(&self) -> bool {
        self.pairs
            .iter()
            .all(|it| it.target.is_some() && matches!(it.fit, Fit::Same))
    }

    /// The target's columns that it fills.
    pub(crate) fn target_columns(&self) -> Vec<String> {
        let names = self.pairs.iter().filter_map(|it| it.target.as_deref());
        names.map(quote_ident).collect()
    }
}

impl Unit {
    /// Whether all that goes in has the same columns and goes in as it is.
    pub(crate) fn is_direct(&self) -> bool {
        let kind = |it: &Part| (it.form, it.target_columns());
        let first = self.parts.first().map(kind);
        self.parts
            .iter()
            .all(|it| it.is_direct() && Some(kind(it)) == first)
    }

    /// The target's columns that any part fills; in the order of the first, so that a table that goes in as it is can
    /// be compared as it is.
    pub(crate) fn filled_columns(&self) -> Vec<String> {
        let mut columns: Vec<String> = Vec::new();
        for target in self
            .parts
            .iter()
            .flat_map(|it| &it.pairs)
            .filter_map(|it| it.target.as_ref())
        {
            if !columns.contains(target) {
                columns.push(target.clone());
            }
        }
        columns
    }
}

/// Finds everything that can be told of the target without the rows.
pub(crate) fn find(
    client: &mut Client,
    header: &Header,
    args: &DataOnlyArgs,
    already_in: &HashSet<String>,
) -> Result<Matched> {
    let mut matched = Matched::default();
    let (histories, tables): (Vec<&Table>, Vec<&Table>) = header
        .catalog
        .tables
        .iter()
        .filter(|it| it.has_rows() && it.is_own())
        .partition(|it| is_history(&it.name));
    matched.left_alone = left_alone(client, header, &histories)?;
    refuse_others(header, &mut matched.findings);
    let by_name: HashMap<QualifiedName, &Table> = header
        .catalog
        .tables
        .iter()
        .map(|it| (it.qualified_name(), it))
        .collect();
    let names: Vec<QualifiedName> = by_name.keys().cloned().collect();
    let mut standing = standing::read_tables(client, &names)?;
    let kinds = standing::read_type_kinds(client, &type_names(&tables))?;
    let mut parts: BTreeMap<QualifiedName, Vec<&Table>> = BTreeMap::new();
    let landings: Vec<Option<QualifiedName>> =
        tables.iter().map(|it| landing(it, &by_name, &standing)).collect();
    for (table, own) in tables.into_iter().zip(&landings) {
        match own {
            Some(own) => {
                let name = above_in_use(own, table, &by_name, &standing, &landings).unwrap_or(own);
                parts.entry(name.clone()).or_default().push(table);
            }
            None => matched.findings.push(format!(
                "{} is not there: make it, or leave its rows out (`dump --exclude-table-data`)",
                table.qualified_name()
            )),
        }
    }
    check_words(args, &parts)?;
    matched.findings.extend(two_levels(&parts, &standing));
    for (name, tables) in parts {
        let Some(target) = standing.remove(&name) else {
            continue;
        };
        let truncate = args.truncate.iter().any(|word| means(word, &name));
        let is_in = already_in.contains(&name.to_string());
        let mut unit = Unit {
            target,
            parts: Vec::new(),
            truncate,
            is_in,
        };
        if !check_table(&unit, args, &mut matched.findings) {
            continue;
        }
        for table in tables {
            let part = pair_columns(client, header, &unit.target, table, args, &kinds, &mut matched)?;
            unit.parts.push(part);
        }
        check_parts(&unit, &mut matched.findings);
        if !is_in {
            check_rows(client, &unit, args, &mut matched)?;
        }
        matched.units.push(unit);
    }
    Ok(matched)
}

/// The table of the same name; for a partition that is not there the table above it.
fn landing(
    table: &Table,
    by_name: &HashMap<QualifiedName, &Table>,
    standing: &HashMap<QualifiedName, StandingTable>,
) -> Option<QualifiedName> {
    let mut table = Some(table);
    while let Some(it) = table {
        let name = it.qualified_name();
        if standing.contains_key(&name) {
            return Some(name);
        }
        table = it
            .partition_of
            .as_ref()
            .and_then(|above| by_name.get(above))
            .copied();
    }
    None
}

/// A table above `own` on both sides that other partitions' rows go through: all of the tree goes in there, or rows that
/// are sent to a partition from above and the partition's own would be truncated and compared twice.
fn above_in_use<'a>(
    own: &QualifiedName,
    table: &Table,
    by_name: &HashMap<QualifiedName, &Table>,
    standing: &'a HashMap<QualifiedName, StandingTable>,
    landings: &[Option<QualifiedName>],
) -> Option<&'a QualifiedName> {
    let there = &standing.get(own)?.above;
    let mut here = HashSet::new();
    let mut next = table.partition_of.as_ref();
    while let Some(above) = next.filter(|it| here.insert(*it)) {
        next = by_name.get(above).and_then(|it| it.partition_of.as_ref());
    }
    let is_used =
        |it: &&QualifiedName| here.contains(it) && landings.iter().flatten().any(|name| name == *it);
    there.iter().rfind(is_used)
}

/// Tables that the archive has side by side and the target has one below the other, as sentences.
fn two_levels(
    parts: &BTreeMap<QualifiedName, Vec<&Table>>,
    standing: &HashMap<QualifiedName, StandingTable>,
) -> Vec<String> {
    let tables = parts.keys().filter_map(|it| standing.get(it));
    let pairs = tables.flat_map(|it| {
        let above = it.above.iter().filter(|above| parts.contains_key(above));
        above.map(move |above| {
            format!(
                "{} is a partition of {above} here, and the archive has rows for both, as tables of their own: load them \
                 one after the other (`dump --exclude-table-data`)",
                it.name
            )
        })
    });
    pairs.collect()
}

/// Histories of migrations in the archive, and in the same schemas of the target.
fn left_alone(client: &mut Client, header: &Header, histories: &[&Table]) -> Result<Vec<QualifiedName>> {
    const NAMES: &str = "SELECT n.nspname AS schema, c.relname AS name FROM pg_catalog.pg_class c
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p') AND (n.nspname = ANY ($1) OR n.nspname = 'drizzle')";
    let schemas: Vec<&str> = header.catalog.schemas.iter().map(|it| it.name.as_str()).collect();
    let rows = client
        .query(NAMES, &[&schemas])
        .map_err(|error| failed("the target's tables could not be listed", error))?;
    let here = rows
        .iter()
        .map(|row| QualifiedName::new(row.get::<_, &str>("schema"), row.get::<_, &str>("name")))
        .filter(|it| is_history(&it.name));
    let mut names: Vec<QualifiedName> = histories
        .iter()
        .map(|it| it.qualified_name())
        .chain(here)
        .collect();
    names.sort();
    names.dedup();
    Ok(names)
}

/// Types of the archive's columns that PostgreSQL itself does not have.
fn type_names(tables: &[&Table]) -> Vec<QualifiedName> {
    let columns = tables.iter().flat_map(|it| it.stored_columns());
    let own = columns
        .map(|it| &it.column_type)
        .filter(|it| it.schema != ColumnType::BUILT_IN_SCHEMA);
    let names: HashSet<QualifiedName> = own.map(|it| QualifiedName::new(&it.schema, &it.name)).collect();
    names.into_iter().collect()
}

/// Finds a place for each column of the archive's table, and what the target's other columns get.
fn pair_columns(
    client: &mut Client,
    header: &Header,
    target: &StandingTable,
    table: &Table,
    args: &DataOnlyArgs,
    kinds: &Kinds,
    matched: &mut Matched,
) -> Result<Part> {
    let name = &target.name;
    let form = header.form(table.number).unwrap_or(Form::Text);
    let columns: Vec<Column> = table.stored_columns().cloned().collect();
    let mut pairs = Vec::new();
    for column in &columns {
        let wanted = wanted_name(column, name, args);
        let mut pair = Pair {
            source: column.name.clone(),
            target: Some(wanted.to_owned()),
            fit: Fit::Same,
        };
        match target.column(wanted) {
            None => matched.findings.push(format!(
                "{name} has no column {wanted}: make it, or name another one by --column {}.{}=…",
                name, column.name
            )),
            Some(place) if place.is_generated => {
                matched.notes.push(format!(
                    "{name}.{wanted} is generated: the target computes it, the archive's values are left out"
                ));
                pair.target = None;
            }
            Some(place) => {
                let is_domain = is_domain(header, &column.column_type);
                match fit::find(client, target, (column, form, is_domain), place, kinds)? {
                    Ok(fit) => pair.fit = fit,
                    Err(finding) => matched.findings.push(format!("{name}: {finding}")),
                }
                if pair.changes_zone() {
                    matched.notes.push(format!(
                        "{name}.{wanted} gets or loses its time zone: times without one are taken as UTC"
                    ));
                }
            }
        }
        pairs.push(pair);
    }
    let part = Part {
        number: table.number,
        form,
        pairs,
        columns,
    };
    check_targets(target, &part, args, matched);
    if target.has_insert_rule && !part.is_direct() {
        matched.findings.push(format!(
            "{name} has a rule for INSERT, which rows of other types would follow: disable it"
        ));
    }
    Ok(part)
}

/// The name that a column of the archive has on the target.
fn wanted_name<'a>(column: &'a Column, table: &QualifiedName, args: &'a DataOnlyArgs) -> &'a str {
    let is_meant = |word: &str| word == column.name || word == column.target_name();
    let chosen = args
        .columns
        .iter()
        .find(|it| means(&it.table, table) && is_meant(&it.source));
    chosen.map_or(column.target_name(), |it| &it.target)
}

fn is_domain(header: &Header, column_type: &ColumnType) -> bool {
    column_type.base.is_some()
        || header.catalog.objects.iter().any(|it| {
            it.kind == ObjectKind::Domain && it.schema == column_type.schema && it.name == column_type.name
        })
}
