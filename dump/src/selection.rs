//! What of a source is wanted: options decided, and how they stand in the archive.

use archive::Content;
use cli::{Failure, Result};
use database::postgres::{Pattern, Selection, split_condition};
use plan::PlannedSource;

use crate::args::SelectionArgs;

/// The options of a selection, decided.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) selection: Selection,
    pub(crate) content: Content,
    pub(crate) large_objects: bool,
    /// As they were typed, for the archive.
    pub(crate) filters: Vec<String>,
}

impl Wanted {
    /// What the options say, and behind them what the plan says of its source's tables.
    pub(crate) fn new(args: &SelectionArgs, planned: Option<&PlannedSource>) -> Result<Self> {
        let args = &with_plan(args, planned);
        let selection = Selection {
            named_schemas: None,
            schemas: patterns(&args.schema)?,
            excluded_schemas: patterns(&args.exclude_schema)?,
            tables: patterns(&args.table)?,
            excluded_tables: patterns(&args.exclude_table)?,
            without_rows: patterns(&args.exclude_table_data)?,
            definitions_only: args.schema_only,
            conditions: args
                .conditions
                .iter()
                .map(|it| condition(it))
                .collect::<Result<_>>()?,
            extension_rows: !args.beside.no_extension_rows && !args.schema_only,
        };
        let content = match (args.schema_only, args.data_only) {
            (true, _) => Content::SchemaOnly,
            (_, true) => Content::DataOnly,
            _ => Content::Whole,
        };
        Ok(Wanted {
            selection,
            content,
            large_objects: !args.beside.no_large_objects,
            filters: filters(args),
        })
    }
}

/// The options with what the plan adds: tables that are left out, and conditions for tables that no option has one for.
fn with_plan(args: &SelectionArgs, planned: Option<&PlannedSource>) -> SelectionArgs {
    let mut args = args.clone();
    for (name, table) in planned.iter().flat_map(|it| &it.tables) {
        // In double quotes no sign of a name is a wildcard.
        let pattern = format!("{}.{}", in_quotes(&name.schema), in_quotes(&name.name));
        let is_of_table = |it: &String| {
            let table = split_condition(it).map(|(table, _)| table);
            table.is_some_and(|it| it == pattern || it == name.to_string())
        };
        let is_free = !args.conditions.iter().any(is_of_table);
        if let Some(condition) = table.condition.as_ref().filter(|_| is_free) {
            args.conditions.push(format!("{pattern}={condition}"));
        }
        if table.leave_out {
            args.exclude_table.push(pattern);
        }
    }
    args
}

fn in_quotes(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

impl Wanted {
    /// Whether what stands beside the tables of single schemas is wanted too, by the rules of `pg_dump`.
    pub(crate) fn has_what_stands_beside(&self) -> bool {
        let chosen = &self.selection;
        self.content != Content::SchemaOnly && chosen.schemas.is_empty() && chosen.tables.is_empty()
    }
}

fn patterns(texts: &[String]) -> Result<Vec<Pattern>> {
    texts.iter().map(|it| pattern(it)).collect()
}

fn pattern(text: &str) -> Result<Pattern> {
    Pattern::new(text).map_err(Failure::source)
}

fn condition(text: &str) -> Result<(Pattern, String)> {
    let (table, condition) = split_condition(text).ok_or_else(|| {
        Failure::usage(format!("`--where {text}` is no TABLE=CONDITION"))
            .with_hint("for example --where 'public.orders=placed_at >= now() - interval ''1 year'''")
    })?;
    Ok((pattern(table)?, condition.to_owned()))
}

fn filters(args: &SelectionArgs) -> Vec<String> {
    let lists = [
        ("--schema", &args.schema),
        ("--exclude-schema", &args.exclude_schema),
        ("--table", &args.table),
        ("--exclude-table", &args.exclude_table),
        ("--exclude-table-data", &args.exclude_table_data),
        ("--where", &args.conditions),
    ];
    let mut filters: Vec<String> = lists
        .into_iter()
        .flat_map(|(option, values)| values.iter().map(move |value| format!("{option} {value}")))
        .collect();
    let flags = [
        ("--schema-only", args.schema_only),
        ("--data-only", args.data_only),
        ("--no-large-objects", args.beside.no_large_objects),
        ("--no-extension-rows", args.beside.no_extension_rows),
    ];
    filters.extend(
        flags
            .into_iter()
            .filter(|(_, given)| *given)
            .map(|(flag, _)| flag.to_owned()),
    );
    filters
}
