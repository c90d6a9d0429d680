//! The report as one HTML file that needs nothing beside it: for people who were not there, to read, search and print.
//!
//! The parts write markup, `page.css` and `page.js` are put into it as they are, and `policy` forbids everything else.
//! Without JavaScript everything is shown; with it, long tables are cut into pages, searched and sorted.

mod findings;
mod from_report;
mod grid;
mod objects;
mod overview;
mod people;
mod pictures;
mod plan;
mod policy;
mod readiness;
mod sizes;
mod targets;
#[cfg(test)]
mod tests;
mod text;

use inventory::Inventory;
use maud::{DOCTYPE, Markup, PreEscaped, html};

pub(crate) use from_report::render;

use crate::readiness::Verdict;
use findings::{Finding, Severity};
use pictures::Picture;
use targets::TargetCard;

const CSS: &str = include_str!("page.css");
const JS: &str = include_str!("page.js");

/// With more tables than this a page has no diagrams, and no rows for each column and index: a browser would hardly open it.
const TABLES_MAX: usize = 2000;

/// All that the page shows.
#[derive(Debug)]
struct Page<'p> {
    sources: Vec<&'p Inventory>,
    targets: Vec<TargetCard>,
    /// What `--ready` says, where it was asked.
    verdict: Option<&'p Verdict>,
    /// The worst first.
    findings: Vec<Finding>,
    plan: Option<&'p ::plan::Plan>,
    /// The result first, then the schemas of each source.
    pictures: Vec<Picture>,
    /// When it was made, as people write it.
    made: String,
}

impl Page<'_> {
    fn is_large(&self) -> bool {
        is_large(&self.sources)
    }
}

fn is_large(sources: &[&Inventory]) -> bool {
    sources.iter().map(|it| it.tables.len()).sum::<usize>() > TABLES_MAX
}

/// A part of the page with its place in the contents.
struct Section {
    id: &'static str,
    title: &'static str,
    /// What the contents say beside the title.
    count: Option<usize>,
    body: Markup,
}

/// The whole file.
fn document(page: &Page<'_>) -> String {
    let sections = sections(page);
    let names: Vec<&str> = page.sources.iter().map(|it| it.name.as_str()).collect();
    let targets: Vec<&str> = page.targets.iter().map(|it| it.name.as_str()).collect();
    let title = if targets.is_empty() {
        names.join(", ")
    } else {
        format!("{} → {}", names.join(", "), targets.join(", "))
    };
    let title = text::visible(&title);
    let styles = page.pictures.iter().flat_map(Picture::styles);
    let policy = policy::policy(&[JS], [CSS, diagram::STYLE].into_iter().chain(styles));
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="generator" content="Coalesce assess";
                meta name="referrer" content="no-referrer";
                title { "Assessment: " (title) }
                style { (PreEscaped(CSS)) }
                style { (PreEscaped(diagram::STYLE)) }
            }
            body {
                a.skip href="#content" { "Skip to the report" }
                (banner(page))
                div.frame {
                    (contents(&sections))
                    main id="content" tabindex="-1" {
                        @for section in &sections {
                            section id=(section.id) aria-labelledby={ (section.id) "-title" } {
                                h2 id={ (section.id) "-title" } { (section.title) }
                                (section.body)
                            }
                        }
                    }
                }
                footer.foot {
                    p { "Made by assess of Coalesce " (env!("CARGO_PKG_VERSION")) ", " (page.made) ". The sources were only read." }
                }
                script { (PreEscaped(JS)) }
            }
        }
    };
    let mut text = markup.into_string();
    text.push('\n');
    text
}

fn sections(page: &Page<'_>) -> Vec<Section> {
    let section = |id, title, count, body| Section {
        id,
        title,
        count,
        body,
    };
    let mut all = vec![section(
        "overview",
        "Overview",
        Some(page.sources.len()),
        overview::body(page),
    )];
    if let Some(verdict) = page.verdict {
        let count = Some(verdict.checks.len());
        all.push(section("readiness", "Readiness", count, readiness::body(verdict)));
    }
    let conflicts = page.findings.len();
    all.push(section(
        "conflicts",
        "Conflicts",
        Some(conflicts),
        findings::body(&page.findings),
    ));
    if let Some(plan) = page.plan {
        all.push(section(
            "plan",
            "Plan",
            Some(plan.sources.len()),
            plan::body(plan, page),
        ));
    }
    all.push(section("sizes", "Sizes", None, sizes::body(&page.sources)));
    if page.is_large() {
        all.push(section("diagrams", "Diagrams", None, pictures::left_out()));
    } else if !page.pictures.is_empty() {
        let count = Some(page.pictures.len());
        all.push(section(
            "diagrams",
            "Diagrams",
            count,
            pictures::body(&page.pictures),
        ));
    }
    all.push(section("objects", "Objects", None, objects::body(page)));
    all.push(section(
        "use",
        "People and use",
        None,
        people::body(&page.sources),
    ));
    all
}

fn banner(page: &Page<'_>) -> Markup {
    html! {
        header.banner {
            div.inner {
                p.brand { "Coalesce " span { "assessment" } }
                button.theme type="button" data-theme-button="" hidden { "Dark colours" }
                h1 {
                    @for (number, source) in page.sources.iter().enumerate() {
                        @if number > 0 { span.join { ", " } }
                        (text::name(&source.name))
                    }
                    @for (number, target) in page.targets.iter().enumerate() {
                        span.join { @if number == 0 { " into " } @else { " and " } }
                        (text::name(&target.name))
                    }
                }
                (overview::verdict(page))
            }
        }
    }
}

fn contents(sections: &[Section]) -> Markup {
    html! {
        nav.contents aria-label="Contents" {
            ul {
                @for section in sections {
                    li {
                        a href={ "#" (section.id) } {
                            (section.title)
                            @if let Some(count) = section.count { span.count { " " (text::grouped(count)) } }
                        }
                    }
                }
            }
        }
    }
}
