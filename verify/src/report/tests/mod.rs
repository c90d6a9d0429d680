//! The forms of a report, over a hand-made one that has something of everything.

mod repair;
mod schema;

use fingerprint::{Fingerprint, Form as RowForm};
use quick_xml::Reader;
use quick_xml::events::Event;
use serde_json::Value;

use super::identity::{Archive, File, Server};
use super::*;
use crate::rows::difference::RowDifference;

const SHOWN: Shown = Shown {
    verbose: false,
    rows: 10,
};

/// A name that tries to be markup in every form, to end a line and to move a cursor.
const EVIL: &str = "a|b`<i>&\"'@x\n]]>\u{1b}[31m\u{fffe}--><";

fn values(values: &[Option<&str>]) -> Vec<Option<String>> {
    values.iter().map(|it| it.map(str::to_owned)).collect()
}

fn strings(words: &[&str]) -> Vec<String> {
    words.iter().map(|it| (*it).to_owned()).collect()
}

/// `shop.orders` as LOOK has it.
fn orders() -> RowDifferences {
    RowDifferences {
        key: strings(&["id"]),
        columns: strings(&["id", "at", "total", "note"]),
        rows: vec![
            RowDifference::Missing(values(&[
                Some("1188"),
                Some("2024-02-29"),
                Some("19.90"),
                Some(EVIL),
            ])),
            RowDifference::Changed {
                source: values(&[Some("1201"), Some("2024-03-01"), Some("5.00"), Some("")]),
                target: values(&[Some("1201"), Some("2024-03-01"), Some("5.0"), None]),
                columns: vec![2, 3],
            },
            RowDifference::Extra(values(&[Some("9"), None, Some("1"), Some("x")])),
        ],
        missing: 1,
        extra: 1,
        changed: 1,
        is_complete: true,
    }
}

#[expect(clippy::unnecessary_wraps, reason = "a side can lack it")]
fn fingerprint(rows: u64) -> Option<Fingerprint> {
    let mut fingerprint = Fingerprint::empty(RowForm::Binary);
    fingerprint.rows = rows;
    Some(fingerprint)
}

fn server(name: &str) -> Identity {
    Identity::Postgres(Server {
        database: name.to_owned(),
        version: "15.8".to_owned(),
        encoding: "UTF8".to_owned(),
        collation: "libc:C.UTF-8".to_owned(),
        snapshot_time: "2024-02-29T12:00:00Z".to_owned(),
        lsn: "0/1A2B".to_owned(),
        is_standby: Some(true),
    })
}

fn report() -> Report {
    let identical = TableResult::new(
        "shop.users".to_owned(),
        fingerprint(4_012),
        fingerprint(4_012),
        None,
    );
    let differing = TableResult::new(
        "shop.orders".to_owned(),
        fingerprint(40_551),
        fingerprint(40_551),
        Some(Difference::Rows),
    );
    let evil = TableResult::new(
        EVIL.to_owned(),
        fingerprint(1),
        None,
        Some(Difference::MissingTable),
    )
    .not_comparing(vec![format!("column {EVIL}")]);
    let expected = |name: &str| {
        Finding::new(Area::Schema, format!("function shop.{name}"), "search_path")
            .weighing(Weight::Expected)
            .with_note("pinned by remap-schema")
    };
    let tables = vec![identical, differing.with_rows(Some(orders())), evil];
    let side = |text: &str| Some(text.to_owned());
    Report::new("shop".to_owned(), side("shared"), tables)
        .with_findings(vec![
            Finding::new(Area::Schema, "index shop.i", "missing"),
            Finding::new(Area::Sequence, "sequence shop.s", "position").between(side("9"), side("1")),
            Finding::new(Area::Schema, "view shop.open", "definition").between(side("a"), side("b")),
            Finding::new(Area::Schema, format!("view {EVIL}"), "comment").between(side(EVIL), None),
            expected("f"),
            expected("g"),
            expected("h"),
            expected("i"),
            Finding::new(Area::Health, "table shop.orders", "never analyzed").weighing(Weight::Advice),
            Finding::new(Area::Health, "constraint k of shop.orders", "not validated")
                .with_note("VALIDATE it"),
            Finding::new(Area::Isolation, "role app", "reads public").weighing(Weight::NotCompared),
        ])
        .with_large_objects(Some(LargeObjects {
            source: 3,
            target: 2,
            missing: vec![7],
            differing: vec![],
        }))
        .with_discards(strings(&["2 rows rejected"]))
        .between(
            Identity::Archive(Archive {
                run: "0190-run".to_owned(),
                tool: "dump 0.1.0".to_owned(),
                format: 1,
                source: Box::new(server("shop")),
            }),
            Some(server("shared")),
        )
        .made_by(Run::at(&[("--to", Some("shop")), ("--quick", None)]))
}

/// An archive alone.
fn alone() -> Report {
    let table = TableResult::new("shop.users".to_owned(), fingerprint(2), fingerprint(2), None);
    let file = Identity::Sqlite(File {
        name: "a.sqlite".to_owned(),
        bytes: Some(4096),
        version: "3.50".to_owned(),
        snapshot_time: String::new(),
    });
    Report::new("a.tar".to_owned(), None, vec![table])
        .between(file, None)
        .made_by(Run::at(&[]))
}

fn without_seal(sealed: &Sealed) -> &str {
    let text = sealed.text.strip_suffix('\n').expect("a line ends");
    text.rsplit_once('\n').expect("there are several lines").0
}

#[test]
fn text_tells_the_story_on_one_screen() {
    let sealed = report().render(Form::Text, SHOWN);
    let evil = "a|b`<i>&\"'@x\\n]]>\\u{1b}[31m\\u{fffe}--><";
    let expected = [
        "TABLE SOURCE TARGET ROWS",
        "shop.users 4,012 4,012 identical",
        "shop.orders 40,551 40,551 same count, values differ",
        "- (1188) 2024-02-29, 19.90, E'a|b`<i>&\"\\'@x\\n]]>\\u{1b}[31m\\u{fffe}--><'",
        "~ (1201) total: 5.00 → 5.0, note: '' → NULL",
        "+ (9) NULL, 1, x",
        &format!("{evil} 1 - missing on the target"),
        "large objects 3 2 1 missing",
        "SCHEMA",
        "large objects that are missing on the target: 7",
        "index shop.i missing",
        "view shop.open definition a → b",
        &format!("view {evil} comment {evil} in the source only"),
        "SEQUENCES",
        "sequence shop.s position 9 → 1",
        "HEALTH",
        "constraint k of shop.orders not validated (VALIDATE it)",
        "advice: health: table shop.orders never analyzed",
        "expected: schema: search_path of 4 objects: function shop.f, function shop.g, function shop.h, … (--verbose \
         names all) (pinned by remap-schema)",
        "not compared: isolation: role app reads public",
        "by choice: 2 rows rejected",
        &format!("not compared: column {evil}"),
        "source archive of shop, PostgreSQL 15.8, UTF8, libc:C.UTF-8, snapshot 2024-02-29T12:00:00Z, LSN 0/1A2B, \
         standby, run 0190-run, dump 0.1.0",
        "target shared, PostgreSQL 15.8, UTF8, libc:C.UTF-8, snapshot 2024-02-29T12:00:00Z, LSN 0/1A2B, standby",
        &format!(
            "verify {}, quick proof, --to shop --quick, 1970-01-01T00:00:00Z, 1.5 s",
            Run::version()
        ),
        "1 of 3 tables identical, 2 differ; 3 schema differences; 1 sequence difference; 1 health finding; of 3 large objects 1 differs.",
    ];
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let lines: Vec<String> = without_seal(&sealed).lines().map(words).collect();
    assert_eq!(lines, expected, "{}", sealed.text);
    assert!(sealed.text.ends_with(&format!("\nsha256 {}\n", sealed.sha256)));
    let no_control = |it: char| !it.is_control() || it == '\n';
    assert!(sealed.text.chars().all(no_control));
    let all = report().render(
        Form::Text,
        Shown {
            verbose: true,
            rows: 1,
        },
    );
    assert_eq!(all.text.matches("pinned by remap-schema").count(), 4);
    assert!(
        all.text.contains("… and 2 more; --rows N shows them\n"),
        "{}",
        all.text
    );
}

#[test]
fn markdown_is_what_it_looks_like() {
    let sealed = report().render(Form::Markdown, SHOWN);
    let text = without_seal(&sealed);
    assert!(
        text.starts_with("# shop → shared: different\n\n1 of 3 tables"),
        "{text}"
    );
    assert!(
        text.contains("\n| shop.orders | 40,551 | 40,551 | same count, values differ |\n"),
        "{text}"
    );
    assert!(text.contains("```diff\n- (1188) 2024-02-29, 19.90, E'"), "{text}");
    assert!(
        text.contains("\n| view shop.open | definition | a | b |  |\n"),
        "{text}"
    );
    assert!(text.contains("- target: shared, PostgreSQL 15.8, UTF8"), "{text}");
    // No cell has more bars than its row, and nothing is a tag or a mention.
    for row in text.lines().filter(|it| it.starts_with('|')) {
        let bars = row.replace("\\|", "").matches('|').count();
        assert!(bars == 5 || bars == 6, "{row}");
        assert!(!row.contains(['<', '@']), "{row}");
    }
    assert!(sealed.text.ends_with(&format!("\n`sha256 {}`\n", sealed.sha256)));
    let ticks = RowDifferences {
        rows: vec![RowDifference::Extra(values(&[
            Some("1"),
            None,
            None,
            Some("````"),
        ]))],
        ..orders()
    };
    let table = TableResult::new("t".to_owned(), None, None, Some(Difference::Rows)).with_rows(Some(ticks));
    let fenced = Report::new("a".to_owned(), Some("b".to_owned()), vec![table]);
    let fenced = fenced.render(Form::Markdown, SHOWN).text;
    assert_eq!(
        fenced.lines().filter(|it| it.starts_with("`````")).count(),
        2,
        "{fenced}"
    );
}

/// An element and its attributes.
type Element = (String, Vec<(String, String)>);

/// The elements of well-formed XML, and its texts.
fn parsed(text: &str) -> (Vec<Element>, String) {
    let (mut elements, mut texts) = (Vec::new(), String::new());
    let mut reader = Reader::from_str(text);
    reader.config_mut().check_comments = true;
    let mut depth = 0_i32;
    loop {
        let event = reader.read_event().expect("the XML is well-formed");
        match &event {
            Event::Start(it) | Event::Empty(it) => {
                depth += i32::from(matches!(event, Event::Start(_)));
                let attributes = it.attributes().map(|it| it.expect("an attribute is well-formed"));
                let attributes = attributes.map(|it| {
                    let value = quick_xml::escape::unescape(&it.value).expect("references are known");
                    (it.key.0.to_owned(), value.into_owned())
                });
                elements.push((it.name().0.to_owned(), attributes.collect()));
            }
            Event::End(_) => depth -= 1,
            Event::Text(it) => texts += it,
            Event::GeneralRef(it) => texts += it,
            Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!(depth, 0, "{text}");
    (elements, texts)
}

#[test]
fn junit_has_a_case_for_each_table_and_part_and_is_well_formed() {
    let sealed = report().render(Form::Junit, SHOWN);
    let (elements, texts) = parsed(&sealed.text);
    let of = |name: &'static str| {
        elements
            .iter()
            .filter(move |(it, _)| it == name)
            .map(|(_, it)| it)
    };
    let value = |attributes: &[(String, String)], key: &str| {
        let found = attributes.iter().find(|(it, _)| it == key);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let cases: Vec<String> = of("testcase").map(|it| value(it, "name")).collect();
    let evil = "a|b`<i>&\"'@x\\n]]>\\u{1b}[31m\\u{fffe}--><";
    let names = [
        "shop.users",
        "shop.orders",
        evil,
        "large objects",
        "schema",
        "sequences",
        "health",
        "isolation",
    ];
    assert_eq!(cases, names);
    assert_eq!(of("failure").count(), 6);
    let suites = of("testsuites").next().expect("there is a root");
    assert_eq!(
        (value(suites, "tests"), value(suites, "failures")),
        ("8".to_owned(), "6".to_owned())
    );
    assert_eq!(value(suites, "time"), "1.500");
    let messages: Vec<String> = of("failure").map(|it| value(it, "message")).collect();
    assert_eq!(messages[0], "same count, values differ");
    assert_eq!(messages[3], "3 differences");
    assert!(texts.contains("~ (1201) total: 5.00 → 5.0"), "{texts}");
    let properties: Vec<String> = of("property").map(|it| value(it, "name")).collect();
    assert_eq!(properties, ["source", "target", "verify", "summary"]);
    // XML 1.0 has no way to write these.
    assert!(!sealed.text.contains(['\u{1b}', '\u{fffe}']));
    assert!(
        sealed
            .text
            .ends_with(&format!("\n<!-- sha256 {} -->\n", sealed.sha256))
    );
}

#[test]
fn an_archive_alone_has_its_report_in_every_form() {
    let report = alone();
    let text = report.render(Form::Text, SHOWN).text;
    assert!(
        text.starts_with("TABLE       ROWS  FORM    FINGERPRINT\nshop.users     2  binary  0000"),
        "{text}"
    );
    assert!(
        text.contains("archive a.sqlite, SQLite 3.50, 4.00 KiB\n"),
        "{text}"
    );
    assert!(
        text.contains("\n1 table, 2 rows: the archive is whole.\nsha256 "),
        "{text}"
    );
    let markdown = report.render(Form::Markdown, SHOWN).text;
    assert!(
        markdown.starts_with("# a.tar: the archive is whole\n"),
        "{markdown}"
    );
    let (elements, _) = parsed(&report.render(Form::Junit, SHOWN).text);
    assert_eq!(elements.iter().filter(|(name, _)| name == "testcase").count(), 1);
    let json: Value = serde_json::from_str(&report.render(Form::Json, SHOWN).text).expect("it is JSON");
    assert_eq!(
        (&json["target"], &json["target_identity"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(schema::faults(&json), [""; 0]);
}
