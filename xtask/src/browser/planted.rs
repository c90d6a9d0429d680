//! Pages with one fault each, and one without: the checks must find exactly that.

use std::path::Path;

use super::chromium::Chromium;
use super::tab::{Tab, View};
use crate::error::{Error, Result};

/// A fault with what a finding must say of it; nothing must be found where that is empty.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) name: &'static str,
    body: &'static str,
    expected: &'static str,
    /// Whether axe-core is what finds it.
    pub(super) needs_axe: bool,
}

/// Two boxes with an edge from one to the other, and a label that fits.
const SOUND: &str = "<svg class='erd' viewBox='0 0 600 100' width='300' height='50' role='img' aria-label='d'>
     <g class='erd-table'><rect class='erd-box' x='10' y='10' width='90' height='60' fill='#fff'/>
     <text class='erd-name' x='14' y='30'>users</text></g>
     <g class='erd-table' transform='translate(200 0)'><rect class='erd-box' y='10' width='90' height='60'/></g>
     <g class='erd-edge'><path class='erd-line' fill='none' stroke='#000' d='M100 40H200'/></g></svg>";

pub(super) const FAULTS: [Fault; 9] = [
    fault("sound page", SOUND, ""),
    fault(
        "planted overlap",
        "<svg class='erd' viewBox='0 0 300 100' width='300' height='100' role='img' aria-label='d'>
         <g class='erd-table'><rect class='erd-box' x='10' y='10' width='90' height='60'/></g>
         <g class='erd-table' transform='translate(80 20)'><rect class='erd-box' width='90' height='60'/></g></svg>",
        "overlap",
    ),
    fault(
        "planted edge through a box",
        "<svg class='erd' viewBox='0 0 600 100' width='300' height='50' role='img' aria-label='d'>
         <g class='erd-table'><rect class='erd-box' x='10' y='10' width='90' height='60'/></g>
         <g class='erd-table' transform='translate(200 0)'><rect class='erd-box' y='10' width='90' height='60'/></g>
         <g class='erd-edge'><path class='erd-line' fill='none' stroke='#000' d='M100 40H400'/></g></svg>",
        "an edge crosses box",
    ),
    fault(
        "planted cut label",
        "<svg class='erd' viewBox='0 0 300 100' width='300' height='100' role='img' aria-label='d'>
         <g class='erd-table'><rect class='erd-box' x='10' y='10' width='90' height='60' fill='#fff'/>
         <text class='erd-name' x='14' y='30'>a_name_that_is_far_too_long_for_it</text></g></svg>",
        "does not fit into box",
    ),
    fault(
        "planted cut text",
        "<p style='width:5rem;overflow:hidden;white-space:nowrap'>a text that is longer than its paragraph</p>",
        "text is cut",
    ),
    fault("planted wide page", "<p style='width:3000px'>wide</p>", "scrolls sideways"),
    fault("planted console error", "<script>console.error('planted')</script>", "the console has an error"),
    fault("planted fetch", "<p>Text.</p><img alt='i' src='http://127.0.0.1:9/i.png'>", "the page fetches"),
    Fault {
        name: "planted contrast",
        body: "<p style='color:#bbb;background:#fff'>hardly to be read</p>",
        expected: "color-contrast",
        needs_axe: true,
    },
];

const fn fault(name: &'static str, body: &'static str, expected: &'static str) -> Fault {
    Fault {
        name,
        body,
        expected,
        needs_axe: false,
    }
}

impl Fault {
    /// What is wrong with the checks themselves.
    pub(super) fn check(
        &self,
        chromium: &mut Chromium,
        folder: &Path,
        axe: Option<&str>,
    ) -> Result<Vec<String>> {
        let path = folder.join("planted.html");
        let page = format!(
            "<!DOCTYPE html><html lang='en'><head><meta charset='utf-8'><title>Planted</title>
             <meta name='viewport' content='width=device-width, initial-scale=1'></head>
             <body><main><h1>Planted</h1>{}</main></body></html>",
            self.body
        );
        std::fs::write(&path, page).map_err(Error::file(&path))?;
        let mut tab = Tab::open(chromium, &path, View::ALL[0])?;
        let mut found = super::findings(&mut tab, true, axe)?;
        found.extend(tab.complaints());
        tab.close()?;
        std::fs::remove_file(&path).map_err(Error::file(&path))?;
        Ok(if self.expected.is_empty() {
            found
        } else if found.iter().any(|it| it.contains(self.expected)) {
            Vec::new()
        } else {
            vec![format!("`{}` was not found, only {found:?}", self.expected)]
        })
    }
}
