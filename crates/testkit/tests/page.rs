//! The report as an HTML page: one file that needs nothing else, whatever the sources are called.

use std::time::{Duration, Instant};

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use testkit::{Cluster, Desk, target_word};

/// Elements that HTML never closes.
const VOID: [&str; 3] = ["meta", "input", "img"];

const AWKWARD: &str = "</noscript><script>alert(1)</script>";

/// Tags of a page with their attributes.
struct Page {
    text: String,
    tags: Vec<(String, Vec<(String, String)>)>,
}

#[test]
fn a_page_is_well_formed_and_needs_nothing_beside_it() {
    let page = awkward_page();
    for (tag, attributes) in &page.tags {
        for (name, value) in attributes {
            assert!(
                name != "src" && !name.starts_with("on") && name != "style",
                "{tag} {name}={value}"
            );
            let is_link = name == "href" || name == "action" || name == "xlink:href";
            assert!(!is_link || value.starts_with('#'), "{tag} {name}={value}");
        }
        assert!(
            !["link", "img", "iframe", "object", "base", "form"].contains(&tag.as_str()),
            "{tag}"
        );
    }
    assert!(
        !page.text.contains("@import") && !page.text.contains("url("),
        "the style fetches"
    );
    let policy = page
        .attribute("meta", "content")
        .find(|it| it.contains("default-src"))
        .unwrap();
    assert!(
        policy.contains("default-src 'none'") && !policy.contains("unsafe"),
        "{policy}"
    );
}

#[test]
fn names_are_never_markup() {
    let page = awkward_page();
    assert_eq!(
        page.text.matches("<script").count(),
        1,
        "one script, which is ours"
    );
    let escaped = AWKWARD.replace('<', "&lt;").replace('>', "&gt;");
    assert!(
        page.text.matches(&escaped).count() >= 3,
        "the names are there, escaped"
    );
    // Whatever opens is closed where the page means it to be.
    assert_eq!(
        page.text.matches("<noscript>").count(),
        page.text.matches("</noscript>").count()
    );
}

#[test]
fn every_section_is_there_and_linked() {
    let page = awkward_page();
    let ids: Vec<&str> = page.attribute("section", "id").collect();
    assert_eq!(
        ids,
        [
            "overview",
            "conflicts",
            "plan",
            "sizes",
            "diagrams",
            "objects",
            "use"
        ]
    );
    for id in ids {
        assert!(
            page.attribute("a", "href").any(|it| it == format!("#{id}")),
            "{id} is in the contents"
        );
    }
    let grids: Vec<&str> = page.attribute("div", "id").collect();
    for id in ["tables", "columns", "indexes", "roles"] {
        assert!(grids.contains(&id), "{id} of {grids:?}");
    }
    for tag in ["header", "nav", "main", "footer"] {
        assert_eq!(page.tags.iter().filter(|it| it.0 == tag).count(), 1, "{tag}");
    }
}

#[test]
fn two_thousand_tables_make_a_page_in_seconds() {
    let source = Cluster::shared().database("many").unwrap();
    source
        .execute(
            "DO $$ BEGIN FOR n IN 1..2000 LOOP
             EXECUTE format('CREATE TABLE t%s (id integer, a text, b text)', n); END LOOP; END $$",
        )
        .unwrap();
    let begin = Instant::now();
    let output = Desk::shared().run(&format!("assess {} --format html", source.name()));
    let elapsed = begin.elapsed();
    let text = output.assert_success().stdout_text();
    assert!(
        text.matches("<tr>").count() > 8_000,
        "2,000 tables and 6,000 columns are there"
    );
    assert!(elapsed < Duration::from_secs(30), "{elapsed:?}");
}

/// A database whose names are markup, and its page.
fn awkward_page() -> Page {
    let source = Cluster::shared().database("awkward").expect("a database");
    let target = Cluster::shared().target().expect("a target");
    source
        .execute(&format!(
            "CREATE TABLE \"{AWKWARD}\" (id integer PRIMARY KEY, \"{AWKWARD}\" text);
             COMMENT ON TABLE \"{AWKWARD}\" IS '{AWKWARD}';
             CREATE TABLE child (id integer PRIMARY KEY, parent integer REFERENCES \"{AWKWARD}\");
             CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $$ SELECT '{AWKWARD}' $$"
        ))
        .expect("tables");
    let line = format!(
        "assess {} --target {} --format html",
        source.name(),
        target_word(&target)
    );
    Page::read(Desk::shared().run(&line).assert_success().stdout_text())
}

impl Page {
    /// Reads a page as XML would be read, apart from what HTML alone allows.
    #[track_caller]
    fn read(text: String) -> Page {
        let body = text
            .strip_prefix("<!DOCTYPE html>")
            .expect("a page begins with its type");
        let (before, rest) = body.split_once("<script>").expect("a script");
        let (_, after) = rest.split_once("</script>").expect("its end");
        let mut markup = format!("{before}{after}");
        // A style is no markup either.
        while let Some((before, rest)) = markup.split_once("<style>") {
            let (_, after) = rest.split_once("</style>").expect("its end");
            markup = format!("{before}{after}");
        }
        let (mut tags, mut open) = (Vec::new(), Vec::new());
        let mut reader = Reader::from_str(&markup);
        reader.config_mut().check_end_names = false;
        loop {
            match reader
                .read_event()
                .unwrap_or_else(|error| panic!("{error} at {}", reader.buffer_position()))
            {
                Event::Start(tag) => {
                    let read = read_tag(&tag);
                    if !VOID.contains(&read.0.as_str()) {
                        open.push(read.0.clone());
                    }
                    tags.push(read);
                }
                Event::Empty(tag) => tags.push(read_tag(&tag)),
                Event::End(tag) => {
                    let name = tag.name().as_ref().to_owned();
                    assert_eq!(open.pop(), Some(name), "at {}", reader.buffer_position());
                }
                Event::Eof => break,
                _ => {}
            }
        }
        assert!(open.is_empty(), "{open:?} are not closed");
        Page { text, tags }
    }

    /// All values of an attribute.
    fn attribute<'p>(&'p self, tag: &'p str, name: &'p str) -> impl Iterator<Item = &'p str> {
        let of_tag = self.tags.iter().filter(move |it| it.0 == tag);
        of_tag.flat_map(move |it| it.1.iter().filter(move |it| it.0 == name).map(|it| it.1.as_str()))
    }
}

fn read_tag(tag: &BytesStart<'_>) -> (String, Vec<(String, String)>) {
    let attributes = tag.html_attributes().map(|it| {
        let it = it.expect("an attribute");
        (it.key.as_ref().to_owned(), it.value.to_string())
    });
    (tag.name().as_ref().to_owned(), attributes.collect())
}
