//! Every table, index, function and extension of a source, for `--verbose`.

use cli::{count, size};
use inventory::{Inventory, Table, TableKind};

use crate::report::section::Section;
use crate::sources::Source;

pub(super) fn of(source: &Source) -> Vec<Option<Section>> {
    let it = &source.inventory;
    vec![tables(it), indexes(it), functions(it), extensions(it)]
}

fn tables(it: &Inventory) -> Option<Section> {
    let rows = it.tables.iter().map(|table| {
        let usage = table.usage.clone().unwrap_or_default();
        vec![
            table.label(),
            kind(table).to_owned(),
            table.columns.len().to_string(),
            row_count(table),
            size(table.heap_bytes),
            size(table.index_bytes),
            size(table.toast_bytes),
            count(usage.rows_read),
            count(usage.rows_written),
            usage.last_used.unwrap_or_default(),
            table.last_analyzed.clone().unwrap_or_default(),
        ]
    });
    let heads = [
        "TABLE",
        "KIND",
        ">COLUMNS",
        ">ROWS",
        ">HEAP",
        ">INDEXES",
        ">TOAST",
        ">READ",
        ">WRITTEN",
        "LAST USED",
        "ANALYZED",
    ];
    Section::rows(
        &format!("Tables of {}", it.name),
        &heads,
        rows.collect(),
        usize::MAX,
    )
}

fn kind(table: &Table) -> &'static str {
    match table.kind {
        TableKind::Ordinary if table.unlogged => "unlogged",
        TableKind::Ordinary => "",
        TableKind::Partitioned => "partitioned",
        TableKind::Partition => "partition",
        TableKind::Foreign => "foreign",
        TableKind::Virtual => "virtual",
    }
}

fn row_count(table: &Table) -> String {
    match (table.rows_exact, table.rows_counted.or(table.rows_estimate)) {
        (true, rows) => count(rows.unwrap_or(0)),
        (false, Some(rows)) => format!("~{}", count(rows)),
        (false, None) => "?".to_owned(),
    }
}

fn indexes(it: &Inventory) -> Option<Section> {
    let mut rows = Vec::new();
    for table in &it.tables {
        for index in &table.indexes {
            let mut is = Vec::new();
            let flags = [
                (index.flags.constraint, "of a constraint"),
                (index.flags.unique && !index.flags.constraint, "unique"),
                (index.flags.partial, "partial"),
                (!index.flags.valid, "not valid"),
            ];
            is.extend(flags.iter().filter(|it| it.0).map(|it| it.1));
            rows.push(vec![
                table.label(),
                index.name.clone(),
                index.method.clone(),
                index.columns.join(", "),
                size(index.bytes),
                index.scans.map_or_else(|| "?".to_owned(), count),
                is.join(", "),
            ]);
        }
    }
    let heads = ["TABLE", "INDEX", "METHOD", "COLUMNS", ">SIZE", ">SCANS", "IS"];
    Section::rows(&format!("Indexes of {}", it.name), &heads, rows, usize::MAX)
}

fn functions(it: &Inventory) -> Option<Section> {
    let rows = it.routines.iter().map(|routine| {
        vec![
            format!("{}.{}({})", routine.schema, routine.name, routine.arguments),
            routine.kind.clone(),
            routine.language.clone(),
            routine.owner.clone(),
            if routine.security_definer {
                "security definer"
            } else {
                ""
            }
            .to_owned(),
            routine.settings.join(", "),
        ]
    });
    let heads = ["FUNCTION", "KIND", "LANGUAGE", "OWNER", "RIGHTS", "SETTINGS"];
    Section::rows(
        &format!("Functions of {}", it.name),
        &heads,
        rows.collect(),
        usize::MAX,
    )
}

fn extensions(it: &Inventory) -> Option<Section> {
    let rows = it.own_extensions().map(|extension| {
        vec![
            extension.name.clone(),
            extension.version.clone(),
            extension.schema.clone(),
            count(extension.members),
            if extension.trusted { "trusted" } else { "" }.to_owned(),
        ]
    });
    let heads = ["EXTENSION", "VERSION", "SCHEMA", ">MEMBERS", "IS"];
    Section::rows(
        &format!("Extensions of {}", it.name),
        &heads,
        rows.collect(),
        usize::MAX,
    )
}
