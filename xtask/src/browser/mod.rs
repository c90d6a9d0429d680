//! `cargo xtask browser`: the HTML report in a real browser, wide and narrow, light and dark.
//!
//! A server with sources as in the demonstration, and one with every awkward name, are assessed; Chromium opens the
//! pages, and a script within them measures what people would see. The same checks must fail on pages with planted
//! faults, or they prove nothing.

mod axe;
mod chromium;
mod keyboard;
mod planted;
mod sources;
mod tab;

use std::path::{Path, PathBuf};

use serde_json::Value;
use testkit::{Cluster, TOOLS, Tools};

use crate::error::{Error, Result};
use crate::metadata::Metadata;
use crate::step::{cargo, run as run_step};
use chromium::Chromium;
use tab::{Tab, View};

const CHECKS: &str = include_str!("checks.js");

/// What was checked, and what was not.
#[derive(Default)]
struct Count {
    passed: usize,
    failed: usize,
    skipped: usize,
}

/// Makes the pages and checks them; `keep` leaves them beside the pictures.
pub(crate) fn run(keep: bool, strict: bool) -> Result<()> {
    let target = Metadata::read()?.target;
    let folder = target.join("browser");
    std::fs::create_dir_all(&folder).map_err(Error::file(&folder))?;
    let mut count = Count::default();
    let Some(program) = Chromium::find() else {
        count.skip(
            "pages",
            "Chromium is not installed; run: apt-get install chromium",
        );
        return count.finish(strict);
    };
    let axe = match axe::script(&target) {
        Ok(script) => Some(script),
        Err(error) => {
            count.skip("axe-core", &format!("it cannot be fetched: {}", error.chain()));
            None
        }
    };
    run_step(cargo().args(["build", "--workspace", "--bins"]))?;
    let pages = make_pages(&Tools::at(target.join("debug")), &folder)?;
    let mut chromium = Chromium::start(&program)?;
    for page in &pages {
        check_page(&mut chromium, page, axe.as_deref(), &mut count)?;
    }
    for fault in planted::FAULTS {
        if fault.needs_axe && axe.is_none() {
            count.skip(fault.name, "axe-core is not there");
            continue;
        }
        let found = fault.check(&mut chromium, &folder, axe.as_deref())?;
        count.tell(fault.name, &found);
    }
    println!("\npictures are in {}", folder.display());
    if !keep {
        for page in &pages {
            std::fs::remove_file(page).map_err(Error::file(page))?;
        }
    }
    count.finish(strict)
}

fn make_pages(tools: &Tools, folder: &Path) -> Result<Vec<PathBuf>> {
    if let [first, ..] = tools.missing()[..] {
        return Err(Error::Differs(format!(
            "{first} of {} was not built",
            TOOLS.join(", ")
        )));
    }
    let cluster = Cluster::start()?;
    let pages = [
        sources::demo(&cluster)?,
        sources::two_targets(&cluster)?,
        sources::awkward(&cluster)?,
    ];
    let mut paths = Vec::new();
    for sources in pages {
        let path = folder.join(format!("{}.html", sources.name));
        std::fs::write(&path, sources.assess(&cluster, tools)?).map_err(Error::file(&path))?;
        paths.push(path);
    }
    Ok(paths)
}

/// Looks at one page in all ways.
fn check_page(chromium: &mut Chromium, page: &Path, axe: Option<&str>, count: &mut Count) -> Result<()> {
    let name = page
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    for view in View::ALL {
        let mut tab = Tab::open(chromium, page, view)?;
        let mut found = findings(&mut tab, view == View::ALL[0], axe)?;
        if tab.evaluate("document.documentElement.dataset.theme === undefined")? != true {
            found.push("the colours are those that were chosen before, not the view's".to_owned());
        }
        if view == View::ALL[0] {
            found.extend(keyboard::check(&mut tab)?);
        }
        found.extend(tab.complaints());
        tab.picture(&page.with_file_name(format!("{name}-{view}.png")))?;
        tab.close()?;
        count.tell(&format!("{name} {view}"), &found);
    }
    Ok(())
}

/// What the script within the page finds, and axe-core where it is there.
fn findings(tab: &mut Tab<'_>, geometry: bool, axe: Option<&str>) -> Result<Vec<String>> {
    let mut found = strings(&tab.evaluate(&format!("({CHECKS})({geometry})"))?);
    if let Some(axe) = axe {
        tab.evaluate(&format!("{axe}; true"))?;
        found.extend(strings(&tab.evaluate(axe::RUN)?));
    }
    Ok(found)
}

fn strings(value: &Value) -> Vec<String> {
    match value.as_array() {
        Some(list) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        None => vec![format!("a check gave {value}, and no list")],
    }
}

impl Count {
    fn tell(&mut self, what: &str, found: &[String]) {
        if found.is_empty() {
            self.passed += 1;
            println!("{what:<28} ok");
            return;
        }
        self.failed += 1;
        println!("{what:<28} FAILED");
        for finding in found {
            println!("  {finding}");
        }
    }

    fn skip(&mut self, what: &str, reason: &str) {
        self.skipped += 1;
        println!("{what:<28} SKIPPED: {reason}");
    }

    fn finish(&self, strict: bool) -> Result<()> {
        println!(
            "\n{} ok, {} failed, {} skipped",
            self.passed, self.failed, self.skipped
        );
        match (self.failed, self.skipped) {
            (0, skipped) if strict && skipped > 0 => Err(Error::Skipped(skipped)),
            (0, _) => Ok(()),
            (failed, _) => Err(Error::Pages(failed)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_fails_and_a_skip_only_when_strict() {
        let mut count = Count::default();
        count.tell("page", &[]);
        assert!(count.finish(true).is_ok());
        count.skip("page", "no browser");
        assert!(count.finish(false).is_ok() && count.finish(true).is_err());
        count.tell("page", &["a box overlaps".to_owned()]);
        assert!(count.finish(false).is_err());
    }

    #[test]
    fn a_check_that_breaks_is_a_finding() {
        assert_eq!(strings(&serde_json::json!(["a"])), ["a"]);
        assert_eq!(strings(&Value::Null).len(), 1);
    }
}
