//! `assess` draws what is there: every table and column under its own name, nothing upon anything else, in files that any
//! reader of XML takes; and the dictionary names everything without being misread.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use testkit::{Cluster, Desk};

/// Names that mean something to XML, Markdown, Mermaid, file systems or readers.
const AWKWARD: &str = r#"
    CREATE SCHEMA "a/../b <&> ""x""";
    CREATE TABLE public."<script>alert(1)</script>" (id int PRIMARY KEY, "a|b" text, "it's ]]> &amp;" numeric(10,2) NOT NULL);
    CREATE TABLE "a/../b <&> ""x"""."שלום direction LR" (
        id int PRIMARY KEY, "PK" int REFERENCES public."<script>alert(1)</script>", "new
line" text, boss int UNIQUE, "übergroße_spalte_mit_einem_namen_der_63_zeichen_hat_und_passt" text);
    ALTER TABLE "a/../b <&> ""x"""."שלום direction LR" ADD FOREIGN KEY (boss) REFERENCES "a/../b <&> ""x"""."שלום direction LR";
    COMMENT ON TABLE public."<script>alert(1)</script>" IS 'one | two
# three `four`';
    CREATE TABLE public.hub (id int PRIMARY KEY);
    CREATE TABLE public.days (day date PRIMARY KEY, hub_id int) PARTITION BY RANGE (day);
    CREATE TABLE public.days_2024 PARTITION OF public.days FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
    ALTER TABLE public.days_2024 ADD CONSTRAINT days_hub FOREIGN KEY (hub_id) REFERENCES public.hub;
    CREATE TYPE public.mood AS ENUM ('so|so', 'good');
    CREATE VIEW public.v AS SELECT '```' AS fence FROM public.hub;
"#;

fn ends(name: &str, extension: &str) -> bool {
    std::path::Path::new(name)
        .extension()
        .is_some_and(|it| it == extension)
}

#[test]
fn pictures_show_everything_and_nothing_lies_upon_anything() {
    let (cluster, desk) = (Cluster::shared(), Desk::shared());
    let source = cluster.database("pictures").unwrap();
    source.execute(AWKWARD).unwrap();
    for child in 0..24 {
        let sql = format!(
            "CREATE TABLE public.child_{child} (id int PRIMARY KEY, hub_id int NOT NULL REFERENCES public.hub, \
            next int REFERENCES public.child_{})",
            child / 2
        );
        source.execute(&sql).unwrap();
    }
    let word = source.source();
    desk.run(&format!("assess '{word}' --pictures drawn --dictionary words.md"))
        .assert_success();

    let folder = desk.path("drawn");
    let names: BTreeSet<String> = fs::read_dir(&folder)
        .unwrap()
        .map(|it| it.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(names.len(), 6, "{names:?}");
    assert!(
        names.contains("result.svg") && names.contains("result.mmd"),
        "{names:?}"
    );
    let mut texts = BTreeSet::new();
    for name in names.iter().filter(|it| ends(it, "svg")) {
        let drawn = Drawn::read(&folder.join(name));
        drawn.check();
        texts.extend(drawn.texts);
    }
    for name in [
        "<script>alert(1)</script>",
        "a|b",
        "it's ]]> &amp;",
        "שלום direction LR",
        "PK",
        "new␊line",
        "numeric(10,2)",
        "übergroße_spalte_mit_einem_namen_der_63_zeichen_hat_und_passt",
        "child_23",
    ] {
        assert!(texts.contains(name), "{name} is in no picture");
    }
    assert!(!texts.contains("days_2024") && texts.contains("1 partition"));
    let result = fs::read_to_string(folder.join("result.svg")).unwrap();
    assert!(
        result.contains("<title>days_hub: "),
        "a partition's foreign key is not drawn"
    );
    for name in names.iter().filter(|it| ends(it, "mmd")) {
        let text = fs::read_to_string(folder.join(name)).unwrap();
        assert!(text.starts_with("erDiagram\n"), "{text}");
        let mut statements = text.lines().filter(|it| !it.trim_start().starts_with("%%"));
        assert!(!statements.any(|it| it.contains('<')), "{text}");
    }

    let words = fs::read_to_string(desk.path("words.md")).unwrap();
    for line in [
        "one &#124; two<br>&#35; three &#96;four&#96;",
        "| a&#124;b | `text` | yes |  |",
        "| mood | enum | so&#124;so, good |",
        "````sql",
    ] {
        assert!(words.contains(line), "{line} is not in\n{words}");
    }
    // Within backticks it is no markup.
    let outside = words.lines().flat_map(|it| it.split('`').step_by(2));
    assert!(!outside.into_iter().any(|it| it.contains("<script>")), "{words}");
    let anchors: BTreeSet<&str> = words
        .split("<a id=\"")
        .skip(1)
        .filter_map(|it| it.split('"').next())
        .collect();
    for link in words.split("](#").skip(1).filter_map(|it| it.split(')').next()) {
        assert!(anchors.contains(link), "{link} leads nowhere");
    }
}

#[test]
fn nothing_is_written_over() {
    let (cluster, desk) = (Cluster::shared(), Desk::shared());
    let source = cluster.database("pictures_kept").unwrap();
    source.execute("CREATE TABLE t (id int)").unwrap();
    let word = source.source();
    fs::create_dir(desk.path("full")).unwrap();
    fs::write(desk.path("full").join("mine.txt"), "mine").unwrap();
    let output = desk.run(&format!("assess '{word}' --pictures full"));
    output.assert_code(2).assert_stderr_contains("is not empty");
    let output = desk.run(&format!("assess '{word}' --dictionary full/mine.txt"));
    output.assert_code(2).assert_stderr_contains("exists already");
    assert_eq!(
        fs::read_to_string(desk.path("full").join("mine.txt")).unwrap(),
        "mine"
    );
    assert_eq!(fs::read_dir(desk.path("full")).unwrap().count(), 1);
}

/// Left, top, right, bottom.
type Area = (f64, f64, f64, f64);

/// What is in a picture, by its classes.
#[derive(Default)]
struct Drawn {
    view: Area,
    tables: Vec<Area>,
    lines: Vec<Vec<(f64, f64)>>,
    texts: BTreeSet<String>,
}

impl Drawn {
    fn read(path: &Path) -> Drawn {
        let xml = fs::read_to_string(path).unwrap();
        let mut reader = Reader::from_str(&xml);
        let (mut drawn, mut corners, mut text) = (Drawn::default(), Vec::new(), String::new());
        loop {
            match reader.read_event().unwrap() {
                Event::Eof => return drawn,
                Event::Start(it) => {
                    let last = corners.last().copied().unwrap_or((0.0, 0.0));
                    let moved = attribute(&it, "transform").map_or((0.0, 0.0), |it| pair(&it));
                    corners.push((last.0 + moved.0, last.1 + moved.1));
                    if attribute(&it, "class").as_deref() == Some("erd") {
                        let numbers = numbers(&attribute(&it, "viewBox").unwrap());
                        drawn.view = (numbers[0], numbers[1], numbers[2], numbers[3]);
                    }
                    text.clear();
                }
                Event::Empty(it) => drawn.element(&it, *corners.last().unwrap()),
                Event::Text(it) => text.push_str(&it.xml10_content()),
                Event::GeneralRef(it) => {
                    let letter = it.resolve_char_ref().unwrap().map(String::from);
                    let known = quick_xml::escape::resolve_predefined_entity(&it).map(str::to_owned);
                    text.push_str(&letter.or(known).unwrap());
                }
                Event::End(it) => {
                    corners.pop();
                    if it.name().as_ref() == "text" {
                        drawn.texts.insert(text.clone());
                    }
                }
                _ => {}
            }
        }
    }

    fn element(&mut self, it: &BytesStart<'_>, (x, y): (f64, f64)) {
        let number = |name| attribute(it, name).unwrap().parse::<f64>().unwrap();
        match attribute(it, "class").as_deref() {
            Some("erd-box") => self
                .tables
                .push((x, y, x + number("width"), y + number("height"))),
            // Lines of the legend have no second corner.
            Some("erd-line") if attribute(it, "d").unwrap().contains('L') => {
                let path = attribute(it, "d").unwrap();
                let ends = path.split(['M', 'L', 'Q']).skip(1).map(numbers);
                self.lines.push(
                    ends.map(|it| (x + it[it.len() - 2], y + it[it.len() - 1]))
                        .collect(),
                );
            }
            _ => {}
        }
    }

    fn check(&self) {
        assert!(!self.tables.is_empty());
        for (number, one) in self.tables.iter().enumerate() {
            assert!(
                one.0 >= 0.0 && one.1 >= 0.0 && one.2 <= self.view.2 && one.3 <= self.view.3,
                "{one:?} is cut"
            );
            for other in &self.tables[..number] {
                assert!(!overlap(one, other), "{one:?} lies upon {other:?}");
            }
        }
        for line in &self.lines {
            for pair in line.windows(2) {
                let stretch = (
                    pair[0].0.min(pair[1].0),
                    pair[0].1.min(pair[1].1),
                    pair[0].0.max(pair[1].0),
                    pair[0].1.max(pair[1].1),
                );
                let crossed = self.tables.iter().find(|it| overlap(&stretch, it));
                assert!(crossed.is_none(), "{stretch:?} crosses {crossed:?}");
            }
        }
    }
}

/// Whether they share more than their borders.
fn overlap(one: &Area, other: &Area) -> bool {
    one.0 < other.2 && other.0 < one.2 && one.1 < other.3 && other.1 < one.3
}

fn attribute(it: &BytesStart<'_>, name: &str) -> Option<String> {
    let value = it.try_get_attribute(name).unwrap()?;
    Some(value.value.into_owned())
}

/// Of `translate(x y)`.
fn pair(transform: &str) -> (f64, f64) {
    let found = numbers(transform.trim_start_matches("translate(").trim_end_matches(')'));
    (found[0], found[1])
}

fn numbers(words: &str) -> Vec<f64> {
    words.split_whitespace().map(|it| it.parse().unwrap()).collect()
}
