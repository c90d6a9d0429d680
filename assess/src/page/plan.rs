//! What becomes of what under the plan.

use ::plan::{Plan, PlannedSource};
use inventory::Inventory;
use maud::{Markup, html};

use super::grid::{Cell, Grid, Head};
use super::{Page, text};

pub(super) fn body(plan: &Plan, page: &Page<'_>) -> Markup {
    html! {
        div.scroll role="region" tabindex="0" aria-label="Schemas under the plan" {
            table.plan {
                caption.unseen { "Schemas under the plan" }
                thead { tr {
                    th scope="col" { "Source" }
                    th scope="col" { "Schema there" }
                    th scope="col" { "Schema on the target" }
                    th.number scope="col" { "Tables" }
                    th.number scope="col" { "Size" }
                } }
                tbody {
                    @for source in &plan.sources {
                        @let inventory = page.sources.iter().find(|it| it.name == source.name);
                        @for schema in &source.schemas { (row(source, schema, inventory.copied())) }
                    }
                }
            }
        }
        (names(plan, page))
    }
}

fn row(source: &PlannedSource, schema: &str, inventory: Option<&Inventory>) -> Markup {
    let tables = || inventory.into_iter().flat_map(|it| it.tables_in(schema));
    html! {
        tr {
            th scope="row" { (text::name(&source.name)) }
            td { (text::name(schema)) }
            td { span.arrow aria-hidden="true" { "→ " } (text::name(&source.mapping.schema(schema))) }
            td.number { (text::grouped(tables().count())) }
            td.number { (cli::size(tables().map(inventory::Table::bytes).sum())) }
        }
    }
}

/// Tables that get another name than their own.
fn names(plan: &Plan, page: &Page<'_>) -> Markup {
    let heads = [
        Head::Text("Table there"),
        Head::Text("Source"),
        Head::Text("Table on the target"),
    ];
    let mut grid = Grid::new("renamed", "Renamed tables", heads);
    for (planned, source) in plan.sources.iter().filter_map(|planned| {
        let source = page.sources.iter().find(|it| it.name == planned.name)?;
        planned.mapping.renames_objects().then_some((planned, source))
    }) {
        for table in &source.tables {
            let name = planned
                .mapping
                .object(::plan::Namespace::Objects, &table.schema, &table.name);
            if name != table.name {
                let schema = planned.mapping.schema(&table.schema);
                grid.row([
                    Cell::text(table.label()),
                    Cell::text(&source.name),
                    Cell::text(format!("{schema}.{name}")),
                ]);
            }
        }
    }
    grid.render()
}
