//! What becomes of what under the plan, and what it costs.

use ::plan::{Layout, Merge, MergedKeys, Namespace, Plan, PlannedSource};
use inventory::{Inventory, Table};
use maud::{Markup, html};

use super::grid::{Cell, Grid, Head};
use super::{Page, text};

/// The plan's sources are in the order of the page's.
pub(super) fn body(plan: &Plan, page: &Page<'_>) -> Markup {
    let pairs: Vec<_> = plan.sources.iter().zip(page.sources.iter().copied()).collect();
    html! {
        @if let Some(note) = &plan.note { p { (text::name(note)) } }
        (costs(plan))
        (schemas(plan, &pairs))
        @if !plan.merges.is_empty() { (merges(&plan.merges)) }
        (tables(&pairs))
    }
}

/// What is paid in a month before and after; nothing where the plan does not know.
fn costs(plan: &Plan) -> Markup {
    let Some((before, after)) = plan.costs() else {
        return html! {};
    };
    let figures = [
        ("Cost a month before", before),
        ("After", after),
        ("Saved", before - after),
    ];
    html! {
        dl.figures {
            @for (label, value) in figures { div { dt { (label) } dd { (format!("{value:.2}")) } } }
        }
    }
}

fn schemas(plan: &Plan, pairs: &[(&PlannedSource, &Inventory)]) -> Markup {
    html! {
        h3 { "Schemas" }
        div.scroll role="region" tabindex="0" aria-label="Schemas under the plan" {
            table.plan {
                caption.unseen { "Schemas under the plan" }
                thead { tr {
                    th scope="col" { "Source" }
                    th scope="col" { "Schema there" }
                    th scope="col" { "Schema on the target" }
                    @if !plan.targets.is_empty() { th scope="col" { "Target" } }
                    th scope="col" { "Names kept apart by" }
                    th.number scope="col" { "Tables" }
                    th.number scope="col" { "Size" }
                } }
                tbody {
                    @for (planned, inventory) in pairs {
                        @for schema in &planned.schemas { (row(plan, planned, inventory, schema)) }
                    }
                }
            }
        }
    }
}

fn row(plan: &Plan, planned: &PlannedSource, inventory: &Inventory, schema: &str) -> Markup {
    let tables = || inventory.tables_in(schema);
    let target = plan.target_of(planned).map_or("", |it| &it.name);
    let layout = match planned.layout.unwrap_or_default() {
        Layout::Schema => "their schema",
        Layout::Prefix => "a prefix where they clash",
        Layout::Merge => "merging, else a prefix",
    };
    html! {
        tr {
            th scope="row" { (text::name(&planned.name)) }
            td { (text::name(schema)) }
            td { span.arrow aria-hidden="true" { "→ " } (text::name(&planned.mapping.schema(schema))) }
            @if !plan.targets.is_empty() { td { (text::name(target)) } }
            td { (layout) }
            td.number { (text::grouped(tables().count())) }
            td.number { (cli::size(tables().map(Table::bytes).sum())) }
        }
    }
}

fn merges(merges: &[Merge]) -> Markup {
    html! {
        h3 { "Merged tables " span.count { (text::grouped(merges.len())) } }
        div.scroll role="region" tabindex="0" aria-label="Merged tables" {
            table.plan {
                caption.unseen { "Merged tables" }
                thead { tr {
                    th scope="col" { "Table on the target" }
                    th scope="col" { "Made of" }
                    th scope="col" { "Keys" }
                    th scope="col" { "Rows that are one" }
                } }
                tbody { @for merge in merges { (merged(merge)) } }
            }
        }
    }
}

fn merged(merge: &Merge) -> Markup {
    let keys = match merge.keys {
        MergedKeys::Offset => "moved by an offset",
        MergedKeys::Uuid => "become UUIDs",
        MergedKeys::Composite => "with the source in front",
        MergedKeys::AsIs => "stay, and must not meet",
    };
    let dedupe = if merge.dedupe.is_empty() {
        "none".to_owned()
    } else {
        format!("with equal {}", merge.dedupe.join(", "))
    };
    html! {
        tr {
            th scope="row" { (text::name(&merge.into)) }
            td { ul { @for part in &merge.tables { li { (text::name(&format!("{} of {}", part.table, part.source))) } } } }
            td { (keys) }
            td { (text::name(&dedupe)) }
        }
    }
}

/// Tables that get another name than their own, or stay behind.
fn tables(pairs: &[(&PlannedSource, &Inventory)]) -> Markup {
    let heads = [
        Head::Text("Table there"),
        Head::Text("Source"),
        Head::Text("Table on the target"),
    ];
    let mut grid = Grid::new("renamed", "Tables with another name", heads);
    let mut left = Grid::new(
        "left",
        "Tables that stay behind",
        [Head::Text("Table"), Head::Text("Source")],
    );
    for (planned, source) in pairs {
        for name in planned.left_out() {
            left.row([Cell::text(name.to_string()), Cell::text(&source.name)]);
        }
        if !planned.mapping.renames_objects() {
            continue;
        }
        for table in &source.tables {
            let name = planned
                .mapping
                .object(Namespace::Objects, &table.schema, &table.name);
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
    html! { (grid.render()) (left.render()) }
}
