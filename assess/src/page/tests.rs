//! The page over inventories that no server would be needed for.

use inventory::{Column, Index, IndexFlags, Inventory, Routine, Table};

use super::{Finding, Page, Picture, Severity, document, overview};
use crate::readiness::{Check, Mark, Topic, Verdict};

fn source(name: &str, tables: usize) -> Inventory {
    let table = |number: usize| Table {
        schema: "public".to_owned(),
        name: format!("table_{number}"),
        rows_counted: Some(number as u64),
        heap_bytes: 8192 * number as u64,
        columns: (0..10)
            .map(|column| Column {
                name: format!("column_{column}"),
                type_name: "integer".to_owned(),
                ..Column::default()
            })
            .collect(),
        indexes: vec![Index {
            name: format!("table_{number}_pkey"),
            flags: IndexFlags {
                unique: true,
                valid: true,
                ..IndexFlags::default()
            },
            ..Index::default()
        }],
        ..Table::default()
    };
    Inventory {
        name: name.to_owned(),
        tables: (0..tables).map(table).collect(),
        ..Inventory::default()
    }
}

fn page(sources: Vec<&Inventory>) -> Page<'_> {
    Page {
        sources,
        targets: Vec::new(),
        verdict: None,
        findings: Vec::new(),
        plan: None,
        pictures: Vec::new(),
        made: "2026-11-21 14:03 UTC".to_owned(),
    }
}

#[test]
fn the_worst_comes_first_and_is_said_in_words() {
    let source = source("shop", 1);
    let finding = |severity, text: &str| Finding {
        severity,
        topic: "extension".to_owned(),
        text: text.to_owned(),
        evidence: vec!["public.users".to_owned()],
        evidence_total: 3,
        way_out: "install it".to_owned(),
        id: "extension:pgcrypto".to_owned(),
        choices: &["fix", "accept"],
        resolution: None,
    };
    let mut page = page(vec![&source]);
    page.findings = vec![
        finding(Severity::Resolved, "harmless"),
        finding(Severity::Blocks, "pgcrypto is missing"),
    ];
    let text = document(&page);
    assert!(text.find("pgcrypto is missing").unwrap() < text.find("harmless").unwrap());
    assert!(
        text.contains("Not ready") && text.contains("1 conflict blocks"),
        "{text}"
    );
    assert!(text.contains("nothing decided, may be <code>fix</code> or <code>accept</code>"));
}

#[test]
fn only_readiness_says_that_it_is_ready() {
    let source = source("shop", 1);
    let mut page = page(vec![&source]);
    let said = |page: &Page<'_>| {
        let text = overview::verdict(page).into_string();
        text.split_once("</strong>").expect("a verdict").0.to_owned()
    };
    assert!(said(&page).ends_with("No conflict blocks"));
    let check = |mark| Check {
        topic: Topic::Backups,
        mark,
        text: "no <backup>".to_owned(),
        way_out: "make one".to_owned(),
    };
    let verdict = Verdict {
        ready: false,
        checks: vec![check(Mark::Holds), check(Mark::Fails)],
    };
    page.verdict = Some(&verdict);
    assert!(said(&page).ends_with("Not ready"), "though no conflict blocks");
    let text = document(&page);
    let (fails, holds) = (
        text.find("Stands in the way").unwrap(),
        text.find(">Holds ").unwrap(),
    );
    assert!(fails < holds && text.contains("no &lt;backup&gt;"));
    let verdict = Verdict {
        ready: true,
        ..verdict.clone()
    };
    page.verdict = Some(&verdict);
    assert!(said(&page).ends_with(" Ready"));
}

#[test]
fn a_style_of_a_picture_is_allowed_and_nothing_else() {
    let source = source("shop", 1);
    let mut page = page(vec![&source]);
    let svg = "<svg viewBox=\"0 0 1 1\"><style>b</style></svg>".to_owned();
    page.pictures = vec![Picture {
        title: "Result".to_owned(),
        svg,
    }];
    let text = document(&page);
    assert!(
        text.contains("sha256-PiPoFgA5WUoziU9lZOGxNIu9egCI1CxKy3PurtWcAJ0="),
        "{text}"
    );
    assert!(!text.contains("unsafe-inline"));
}

#[test]
fn the_page_grows_with_the_tables_and_no_faster() {
    let length = |tables| document(&page(vec![&source("shop", tables)])).len();
    let (few, many) = (length(1_000), length(2_000));
    assert!(many < 2 * few + 100_000, "{few} and {many} bytes");
}

#[test]
fn a_body_of_a_function_cannot_end_the_list_that_it_stands_in() {
    let mut source = source("shop", 1);
    source.routines.push(Routine {
        name: "f".to_owned(),
        body: "SELECT '</noscript></script><!--'".to_owned(),
        ..Routine::default()
    });
    let text = document(&page(vec![&source]));
    assert!(text.contains("SELECT '&lt;/noscript&gt;&lt;/script&gt;&lt;!--'"));
}

#[test]
fn a_page_of_very_many_tables_says_what_it_leaves_out() {
    let (most, more) = (source("most", 2000), source("more", 1));
    let whole = document(&page(vec![&most]));
    assert!(whole.contains("column_7") && whole.contains("table_1999_pkey"));
    assert!(!whole.contains("left out"));
    let cut = document(&page(vec![&most, &more]));
    assert!(!cut.contains("column_7") && !cut.contains("_pkey"));
    assert!(cut.contains("table_1999"));
    for way in ["--pictures DIR", "--format json", "--dictionary FILE"] {
        assert!(cut.contains(way), "{way}");
    }
}
