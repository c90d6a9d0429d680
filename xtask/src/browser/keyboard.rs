//! Colours, sizes of diagrams, search, order and pages by nothing but keys.

use serde_json::Value;

use super::tab::Tab;
use crate::error::Result;

/// Presses of Tab within which the search field must be reached.
const TABS_MAX: usize = 900;

/// Pages that are turned until the last must have come.
const PAGES_MAX: usize = 40;

const SEARCH: &str = "document.querySelector('#tables input[type=search]')";

const ROWS: &str = "[...document.querySelectorAll('#tables tbody tr')].map((it) => it.cells[0].textContent)";

const THEME: &str = "document.documentElement.dataset.theme ?? ''";

const WIDTH: &str =
    "document.activeElement.closest('[data-picture]').querySelector('svg').getBoundingClientRect().width";

const FOCUS: &str = "document.activeElement.textContent";

/// Where the pages are that are turned: the first grid that has some.
const PAGER: &str = "document.querySelector('.pager:not([hidden])')";

/// From the page's begin to its long tables, in the order of the keyboard's stops.
pub(super) fn check(tab: &mut Tab<'_>) -> Result<Vec<String>> {
    tab.evaluate("document.activeElement.blur(); scrollTo(0, 0)")?;
    tab.press("Tab", 9, None)?;
    let mut found = Vec::new();
    if tab.evaluate("document.activeElement.className")? != "skip" {
        found.push("the first stop of the keyboard is not the link to the content".to_owned());
    }
    colours(tab, &mut found)?;
    zoom(tab, &mut found)?;
    search(tab, &mut found)?;
    pages(tab, &mut found)?;
    Ok(found)
}

/// The button turns the colours, and turns them back.
fn colours(tab: &mut Tab<'_>, found: &mut Vec<String>) -> Result<()> {
    if !walk_to(tab, "'themeButton' in document.activeElement.dataset")? {
        found.push("Tab does not reach the button for colours".to_owned());
        return Ok(());
    }
    let ground = "getComputedStyle(document.body).backgroundColor";
    let mut seen = vec![(tab.evaluate(THEME)?, tab.evaluate(ground)?, tab.evaluate(FOCUS)?)];
    for _ in 0..2 {
        tab.press("Enter", 13, Some("\r"))?;
        seen.push((tab.evaluate(THEME)?, tab.evaluate(ground)?, tab.evaluate(FOCUS)?));
    }
    let turned = seen[1].0 == "dark" && seen[1].1 != seen[0].1 && seen[1].2 != seen[0].2;
    if !turned || seen[2].0 != "light" || seen[2].1 != seen[0].1 || seen[2].2 != seen[0].2 {
        found.push(format!("Enter on the button for colours gives {seen:?}"));
    }
    // What was chosen is remembered, also for the pages that are looked at next.
    tab.evaluate("localStorage.removeItem('coalesce-theme'); delete document.documentElement.dataset.theme")
        .map(drop)
}

/// The buttons of the first diagram change its size, and say so.
fn zoom(tab: &mut Tab<'_>, found: &mut Vec<String>) -> Result<()> {
    if tab.evaluate("document.querySelector('[data-picture]') !== null")? != true {
        return Ok(());
    }
    if !walk_to(tab, "document.activeElement.dataset.step === '-1'")? {
        found.push("Tab does not reach the size of a diagram".to_owned());
        return Ok(());
    }
    let said = "document.activeElement.parentNode.querySelector('[role=status]').textContent";
    let mut widths = vec![(number(tab)?, tab.evaluate(said)?)];
    for _ in 0..4 {
        tab.press("Enter", 13, Some("\r"))?;
        widths.push((number(tab)?, tab.evaluate(said)?));
        tab.press("Tab", 9, None)?;
    }
    // Smaller, larger again, fit and full size.
    let [begin, smaller, larger, fit, full] = &widths[..] else {
        return Ok(());
    };
    let frame = "document.querySelector('[data-picture] .canvas').clientWidth";
    let frame = tab.evaluate(frame)?.as_f64().unwrap_or_default();
    let is_right = smaller.0 < begin.0
        && smaller.1 != begin.1
        && (larger.0 - begin.0).abs() < 2.0
        && fit.0 <= frame + 1.0
        && full.1 == "100 %";
    if !is_right {
        found.push(format!(
            "the sizes of a diagram in a frame of {frame} are {widths:?}"
        ));
    }
    Ok(())
}

fn number(tab: &mut Tab<'_>) -> Result<f64> {
    Ok(tab.evaluate(WIDTH)?.as_f64().unwrap_or_default())
}

/// A word that is nowhere, none, and then the order by a column.
fn search(tab: &mut Tab<'_>, found: &mut Vec<String>) -> Result<()> {
    if !walk_to(tab, &format!("document.activeElement === {SEARCH}"))? {
        found.push(format!("{TABS_MAX} times Tab do not reach the search of tables"));
        return Ok(());
    }
    let before = rows(tab)?;
    for letter in "zzqy".chars() {
        tab.press(
            &letter.to_string(),
            u32::from(letter.to_ascii_uppercase()),
            Some(&letter.to_string()),
        )?;
    }
    pause(tab)?;
    if tab.evaluate("document.querySelector('#tables .none') !== null")? != true {
        found.push("a search for what is nowhere shows rows".to_owned());
    }
    let said = tab.evaluate("document.querySelector('#tables [role=status]').textContent")?;
    if !said.as_str().is_some_and(|it| it.starts_with("0 of ")) {
        found.push(format!("the count of a search without results is told as {said}"));
    }
    for _ in 0..4 {
        tab.press("Backspace", 8, None)?;
    }
    pause(tab)?;
    if rows(tab)? != before {
        found.push("an empty search does not show what was there before".to_owned());
    }
    walk_to(tab, "document.activeElement.closest('#tables thead th') !== null")?;
    tab.press("Enter", 13, Some("\r"))?;
    let up = (rows(tab)?, sort(tab)?);
    tab.press("Enter", 13, Some("\r"))?;
    let down = (rows(tab)?, sort(tab)?);
    if up.1 != "ascending" || down.1 != "descending" || up.0 == down.0 {
        found.push(format!(
            "Enter on a head gives the orders {} and {}",
            up.1, down.1
        ));
    }
    Ok(())
}

/// To the last page, where the focus must go to the button that still does something, and back by one.
fn pages(tab: &mut Tab<'_>, found: &mut Vec<String>) -> Result<()> {
    if tab.evaluate(&format!("{PAGER} === null"))? == true {
        return Ok(());
    }
    let next = format!("document.activeElement === {PAGER}.children[1]");
    if !walk_to(tab, &next)? {
        found.push("Tab does not reach the next page of a long table".to_owned());
        return Ok(());
    }
    let place = format!("{PAGER}.lastElementChild.textContent");
    let first = format!("{PAGER}.parentNode.querySelector('tbody').textContent");
    let mut seen = vec![(tab.evaluate(&place)?, tab.evaluate(&first)?)];
    while tab.evaluate(&next)? == true && seen.len() < PAGES_MAX {
        tab.press("Enter", 13, Some("\r"))?;
        seen.push((tab.evaluate(&place)?, tab.evaluate(&first)?));
    }
    let said = seen
        .last()
        .and_then(|it| it.0.as_str())
        .unwrap_or_default()
        .to_owned();
    let is_end = said
        .split_once(" of ")
        .is_some_and(|(before, all)| before.ends_with(&format!(" {all}")));
    let is_new = seen.windows(2).all(|it| it[0].0 != it[1].0 && it[0].1 != it[1].1);
    if !is_end || !is_new {
        found.push(format!(
            "{} pages were turned, and the last says {said}",
            seen.len() - 1
        ));
    }
    if tab.evaluate(FOCUS)? != "Previous" {
        found.push("on the last page the focus is not on the way back".to_owned());
    }
    tab.press("Enter", 13, Some("\r"))?;
    let back = (tab.evaluate(&place)?, tab.evaluate(&first)?);
    if Some(&back) != seen.iter().rev().nth(1) {
        found.push(format!("the way back leads to {}", back.0));
    }
    Ok(())
}

fn walk_to(tab: &mut Tab<'_>, reached: &str) -> Result<bool> {
    for _ in 0..TABS_MAX {
        tab.press("Tab", 9, None)?;
        if tab.evaluate(reached)? == true {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Longer than a search waits for the next letter.
fn pause(tab: &mut Tab<'_>) -> Result<()> {
    tab.evaluate("new Promise((done) => setTimeout(done, 400))")
        .map(drop)
}

fn rows(tab: &mut Tab<'_>) -> Result<Value> {
    tab.evaluate(ROWS)
}

fn sort(tab: &mut Tab<'_>) -> Result<Value> {
    tab.evaluate("document.activeElement.closest('th')?.getAttribute('aria-sort')")
}
