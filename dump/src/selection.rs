//! What of a source is wanted: options decided, and how they stand in the archive.

use archive::Content;
use cli::{Failure, Result};
use database::postgres::{Pattern, Selection, split_condition};

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
    pub(crate) fn new(args: &SelectionArgs) -> Result<Self> {
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
