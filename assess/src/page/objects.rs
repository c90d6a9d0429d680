//! What stands in the sources, object by object.

use inventory::{Index, Inventory, KeyKind, Routine, Table, TableKind};
use maud::{Markup, html};

use super::grid::{Cell, Grid, Head};
use super::{Page, TABLES_MAX, text};

/// All sources in one table for each kind of object, so that a name is found wherever it is.
pub(super) fn body(page: &Page<'_>) -> Markup {
    let sources = page.sources.as_slice();
    html! {
        (tables(sources))
        @if page.is_large() {
            p.quiet {
                "Columns and indexes are left out, since there are more than " (text::grouped(TABLES_MAX)) " tables: "
                code { "assess --format json" } " and " code { "assess --dictionary FILE" } " tell all of them."
            }
        } @else {
            (columns(sources))
            (indexes(sources))
        }
        (views(sources))
        (routines(sources))
        (triggers(sources))
        (sequences(sources))
        (types(sources))
        (extensions(sources))
    }
}

fn tables(sources: &[&Inventory]) -> Markup {
    let heads = [
        Head::Text("Table"),
        Head::Text("Source"),
        Head::Text("Kind"),
        Head::Number("Rows"),
        Head::Number("Size"),
        Head::Number("Columns"),
        Head::Number("Indexes"),
        Head::Number("Bloat"),
        Head::Number("Read"),
        Head::Number("Written"),
        Head::Text("Last analysed"),
        Head::Text("Owner"),
        Head::Text("Comment"),
    ];
    let mut grid = Grid::new("tables", "Tables", heads);
    for source in sources {
        for table in &source.tables {
            let usage = table.usage.as_ref();
            grid.row([
                Cell::text(table.label()),
                Cell::text(&source.name),
                Cell::text(kind(table)),
                Cell::Number(table.rows(), text::rows(table.rows(), table.rows_exact)),
                Cell::bytes(table.bytes()),
                Cell::count(table.columns.len() as u64),
                Cell::count(table.indexes.len() as u64),
                table.bloat_bytes.map_or(Cell::Unknown, Cell::bytes),
                Cell::known(usage.map(|it| it.rows_read)),
                Cell::known(usage.map(|it| it.rows_written)),
                Cell::text(
                    table
                        .last_analyzed
                        .as_deref()
                        .map(text::moment)
                        .unwrap_or_default(),
                ),
                Cell::text(&table.owner),
                Cell::text(table.comment.as_deref().unwrap_or_default()),
            ]);
        }
    }
    grid.render()
}

fn kind(table: &Table) -> &'static str {
    match table.kind {
        TableKind::Ordinary if table.unlogged => "unlogged",
        TableKind::Ordinary => "table",
        TableKind::Partitioned => "partitioned",
        TableKind::Partition => "partition",
        TableKind::Foreign => "foreign",
        TableKind::Virtual => "virtual",
    }
}

fn columns(sources: &[&Inventory]) -> Markup {
    let heads = [
        Head::Text("Column"),
        Head::Text("Table"),
        Head::Text("Source"),
        Head::Text("Type"),
        Head::Text("Key"),
        Head::Text("Null"),
        Head::Text("Default"),
        Head::Text("Comment"),
    ];
    let mut grid = Grid::new("columns", "Columns", heads);
    for source in sources {
        for table in &source.tables {
            for column in &table.columns {
                let type_name = match &column.declared {
                    Some(declared) if *declared != column.type_name => {
                        format!("{} (declared {declared})", column.type_name)
                    }
                    _ => column.type_name.clone(),
                };
                let default = match (&column.default, column.identity, column.generated) {
                    (_, true, _) => Cell::text("identity"),
                    (Some(text), _, true) => Cell::Code(format!("generated as {text}")),
                    (Some(text), ..) => Cell::Code(text.clone()),
                    (None, ..) => Cell::text(""),
                };
                grid.row([
                    Cell::text(&column.name),
                    Cell::text(table.label()),
                    Cell::text(&source.name),
                    Cell::text(type_name),
                    Cell::text(keys(table, &column.name)),
                    Cell::text(if column.not_null { "not null" } else { "" }),
                    default,
                    Cell::text(column.comment.as_deref().unwrap_or_default()),
                ]);
            }
        }
    }
    grid.render()
}

/// `primary, foreign`
fn keys(table: &Table, column: &str) -> String {
    let in_key = |kind: KeyKind| {
        let mut keys = table.keys.iter().filter(|it| it.kind == kind);
        keys.any(|it| it.columns.iter().any(|it| it == column))
    };
    let is_foreign = table
        .foreign_keys
        .iter()
        .any(|it| it.columns.iter().any(|it| it == column));
    let words = [
        ("primary", in_key(KeyKind::Primary)),
        ("unique", in_key(KeyKind::Unique)),
        ("foreign", is_foreign),
    ];
    let words: Vec<&str> = words
        .iter()
        .filter(|(_, is)| *is)
        .map(|(word, _)| *word)
        .collect();
    words.join(", ")
}

fn indexes(sources: &[&Inventory]) -> Markup {
    let heads = [
        Head::Text("Index"),
        Head::Text("Table"),
        Head::Text("Source"),
        Head::Text("Remarks"),
        Head::Number("Size"),
        Head::Number("Scans"),
        Head::Text("Method"),
        Head::Text("Definition"),
    ];
    let mut grid = Grid::new("indexes", "Indexes", heads);
    for source in sources {
        for table in &source.tables {
            for index in &table.indexes {
                grid.row([
                    Cell::text(&index.name),
                    Cell::text(table.label()),
                    Cell::text(&source.name),
                    Cell::text(remarks(index)),
                    if index.bytes > 0 {
                        Cell::bytes(index.bytes)
                    } else {
                        Cell::Unknown
                    },
                    Cell::known(index.scans),
                    Cell::text(&index.method),
                    Cell::Code(index.definition.clone()),
                ]);
            }
        }
    }
    grid.render()
}

/// `unique, unused, same as b`: what one would search for.
fn remarks(index: &Index) -> String {
    let flags = &index.flags;
    let mut words: Vec<String> = [
        ("unique", flags.unique),
        ("of a constraint", flags.constraint),
        ("partial", flags.partial),
        ("invalid", !flags.valid),
        // What keeps rows unique is of use without a scan.
        (
            "unused",
            index.scans == Some(0) && !flags.unique && !flags.constraint,
        ),
    ]
    .iter()
    .filter(|(_, is)| *is)
    .map(|(word, _)| (*word).to_owned())
    .collect();
    words.extend(index.duplicate_of.iter().map(|it| format!("duplicate of {it}")));
    words.join(", ")
}

fn views(sources: &[&Inventory]) -> Markup {
    let heads = [
        Head::Text("View"),
        Head::Text("Source"),
        Head::Text("Kind"),
        Head::Number("Size"),
        Head::Text("Owner"),
        Head::Text("Definition"),
    ];
    let mut grid = Grid::new("views", "Views", heads);
    for source in sources {
        for view in &source.views {
            grid.row([
                Cell::text(format!("{}.{}", view.schema, view.name)),
                Cell::text(&source.name),
                Cell::text(if view.materialized { "materialized" } else { "view" }),
                if view.bytes > 0 {
                    Cell::bytes(view.bytes)
                } else {
                    Cell::Unknown
                },
                Cell::text(&view.owner),
                Cell::Code(view.definition.trim().to_owned()),
            ]);
        }
    }
    grid.render()
}

fn routines(sources: &[&Inventory]) -> Markup {
    let heads = [
        Head::Text("Function"),
        Head::Text("Source"),
        Head::Text("Kind"),
        Head::Text("Language"),
        Head::Text("Owner"),
        Head::Text("Runs as"),
        Head::Text("Settings"),
        Head::Text("Grants"),
        Head::Text("Body"),
    ];
    let mut grid = Grid::new("functions", "Functions", heads);
    for source in sources {
        for routine in &source.routines {
            grid.row([
                Cell::text(signature(routine)),
                Cell::text(&source.name),
                Cell::text(&routine.kind),
                Cell::text(&routine.language),
                Cell::text(&routine.owner),
                Cell::text(if routine.security_definer {
                    "its owner"
                } else {
                    "its caller"
                }),
                Cell::text(routine.settings.join(", ")),
                Cell::text(routine.grants.join(", ")),
                Cell::Code(routine.body.trim().to_owned()),
            ]);
        }
    }
    grid.render()
}

fn signature(it: &Routine) -> String {
    format!("{}.{}({})", it.schema, it.name, it.arguments)
}

fn triggers(sources: &[&Inventory]) -> Markup {
    let heads = [
        Head::Text("Trigger"),
        Head::Text("Table"),
        Head::Text("Source"),
        Head::Text("Fires"),
        Head::Text("Definition"),
    ];
    let mut grid = Grid::new("triggers", "Triggers", heads);
    for source in sources {
        for trigger in &source.triggers {
            let fires = match trigger.enabled.as_str() {
                "D" => "never: disabled",
                "R" => "on a replica",
                "A" => "always",
                _ => "as usual",
            };
            grid.row([
                Cell::text(&trigger.name),
                Cell::text(format!("{}.{}", trigger.schema, trigger.table)),
                Cell::text(&source.name),
                Cell::text(fires),
                Cell::Code(trigger.definition.clone()),
            ]);
        }
    }
    grid.render()
}

fn sequences(sources: &[&Inventory]) -> Markup {
    let heads = [
        Head::Text("Sequence"),
        Head::Text("Source"),
        Head::Text("Owned by"),
        Head::Text("Type"),
        Head::Text("Last value"),
        Head::Text("Increment"),
    ];
    let mut grid = Grid::new("sequences", "Sequences", heads);
    for source in sources {
        for sequence in &source.sequences {
            let last = sequence.last_value.map(|it| match u64::try_from(it) {
                Ok(number) => Cell::count(number),
                Err(_) => Cell::text(it.to_string()),
            });
            grid.row([
                Cell::text(format!("{}.{}", sequence.schema, sequence.name)),
                Cell::text(&source.name),
                Cell::text(sequence.owned_by.as_deref().unwrap_or_default()),
                Cell::text(&sequence.type_name),
                last.unwrap_or(Cell::Unknown),
                Cell::text(sequence.increment.to_string()),
            ]);
        }
    }
    grid.render()
}

fn types(sources: &[&Inventory]) -> Markup {
    let heads = [
        Head::Text("Type"),
        Head::Text("Source"),
        Head::Text("Kind"),
        Head::Text("Labels or base"),
        Head::Text("Owner"),
    ];
    let mut grid = Grid::new("types", "Types", heads);
    for source in sources {
        for it in &source.types {
            let content = it.base.clone().unwrap_or_else(|| it.labels.join(", "));
            grid.row([
                Cell::text(format!("{}.{}", it.schema, it.name)),
                Cell::text(&source.name),
                Cell::text(&it.kind),
                Cell::text(content),
                Cell::text(&it.owner),
            ]);
        }
    }
    grid.render()
}

fn extensions(sources: &[&Inventory]) -> Markup {
    let heads = [
        Head::Text("Extension"),
        Head::Text("Source"),
        Head::Text("Version"),
        Head::Text("Schema"),
        Head::Text("Trusted"),
        Head::Number("Members"),
    ];
    let mut grid = Grid::new("extensions", "Extensions", heads);
    for source in sources {
        for it in source.own_extensions() {
            grid.row([
                Cell::text(&it.name),
                Cell::text(&source.name),
                Cell::text(&it.version),
                Cell::text(&it.schema),
                Cell::text(if it.trusted { "yes" } else { "no" }),
                Cell::count(it.members),
            ]);
        }
    }
    grid.render()
}
