//! The largest tables of each source as bars: heap, indexes and TOAST beside each other.

use inventory::{Inventory, Table, TableKind};
use maud::{Markup, html};

use super::overview::whole_bytes;
use super::text;

/// Bars of one source.
const TABLES_MAX: usize = 12;

pub(super) fn body(sources: &[&Inventory]) -> Markup {
    html! {
        p.key aria-hidden="true" {
            span.swatch.heap {} "rows" span.swatch.index {} "indexes" span.swatch.toast {} "TOAST"
        }
        @for source in sources { (of_source(source)) }
    }
}

fn of_source(source: &Inventory) -> Markup {
    // The bytes of a partitioned table are those of its partitions.
    let mut tables: Vec<&Table> = source
        .tables
        .iter()
        .filter(|it| it.kind != TableKind::Partitioned && it.bytes() > 0)
        .collect();
    tables.sort_by(|a, b| b.bytes().cmp(&a.bytes()).then_with(|| a.label().cmp(&b.label())));
    let most = tables.first().map_or(1, |it| it.bytes()).max(1);
    let hidden = tables.len().saturating_sub(TABLES_MAX);
    let (rest_bytes, all) = (
        tables.iter().skip(TABLES_MAX).map(|it| it.bytes()).sum::<u64>(),
        tables.iter().map(|it| it.bytes()).sum::<u64>(),
    );
    let whole = whole_bytes(source);
    html! {
        h3 { (text::name(&source.name)) " " span.count { (cli::size(all)) " in tables" } }
        @if tables.is_empty() {
            p.quiet { "No table's size is known." }
        } @else {
            div.scroll role="region" tabindex="0" aria-label={ "Largest tables of " (source.name) } {
                table.bars {
                    thead { tr {
                        th scope="col" { "Table" }
                        th.bar scope="col" { span.unseen { "Share of the largest" } }
                        th.number scope="col" { "Size" }
                        th.number scope="col" { "Indexes" }
                        th.number scope="col" { "Rows" }
                    } }
                    tbody { @for table in tables.iter().take(TABLES_MAX) { (row(table, most)) } }
                }
            }
            @if hidden > 0 {
                p.quiet { "and " (text::counted(hidden, "smaller table", "smaller tables")) " with " (cli::size(rest_bytes)) }
            }
            @if whole > all { p.quiet { (remainder(source, whole, all)) } }
        }
    }
}

/// Why the whole is more than its tables.
fn remainder(source: &Inventory, whole: u64, tables: u64) -> String {
    let (of, rest) = if source.is_postgres() {
        (
            "The database",
            "system catalogs, materialized views, large objects and what is free",
        )
    } else {
        (
            "The file",
            "indexes, what holds the rows together, and free pages",
        )
    };
    format!(
        "{of} has {}: the other {} are {rest}.",
        cli::size(whole),
        cli::size(whole - tables)
    )
}

fn row(table: &Table, most: u64) -> Markup {
    html! {
        tr {
            th scope="row" { (text::name(&table.label())) }
            td.bar { (bar(table, most)) }
            td.number { (cli::size(table.bytes())) }
            td.number { (cli::size(table.index_bytes)) }
            td.number { (text::rows(table.rows(), table.rows_exact)) }
        }
    }
}

/// Numbers stand beside it, so that it needs no words.
fn bar(table: &Table, most: u64) -> Markup {
    let mut at = 0.0;
    let parts = [
        ("heap", table.heap_bytes),
        ("index", table.index_bytes),
        ("toast", table.toast_bytes),
    ];
    let parts = parts.map(|(class, bytes)| {
        let (start, width) = (at, percent(bytes, most));
        at += width;
        (class, start, width)
    });
    html! {
        svg width="100%" height="10" aria-hidden="true" focusable="false" {
            @for (class, start, width) in parts {
                @if width > 0.0 {
                    rect class=(class) x={ (format!("{start:.2}%")) } y="0" height="10"
                        width={ (format!("{:.2}%", width.max(0.4))) } {}
                }
            }
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a bar's length needs no more than f64 has"
)]
fn percent(part: u64, whole: u64) -> f64 {
    part as f64 * 100.0 / whole as f64
}
