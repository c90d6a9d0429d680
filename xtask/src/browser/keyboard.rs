//! Search and order by nothing but keys.

use serde_json::Value;

use super::tab::Tab;
use crate::error::Result;

/// Presses of Tab within which the search field must be reached.
const TABS_MAX: usize = 400;

const SEARCH: &str = "document.querySelector('#tables input[type=search]')";

const ROWS: &str = "[...document.querySelectorAll('#tables tbody tr')].map((it) => it.cells[0].textContent)";

/// From the page's begin to the search of tables, a word, and then the order by a column.
pub(super) fn check(tab: &mut Tab<'_>) -> Result<Vec<String>> {
    tab.evaluate("document.activeElement.blur(); scrollTo(0, 0)")?;
    tab.press("Tab", 9, None)?;
    let mut found = Vec::new();
    if tab.evaluate("document.activeElement.className")? != "skip" {
        found.push("the first stop of the keyboard is not the link to the content".to_owned());
    }
    if !walk_to(tab, &format!("document.activeElement === {SEARCH}"))? {
        found.push(format!("{TABS_MAX} times Tab do not reach the search of tables"));
        return Ok(found);
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
    Ok(found)
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
