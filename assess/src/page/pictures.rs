//! Diagrams: each in a region of its own that scrolls, with buttons that change its size.

use maud::{Markup, PreEscaped, html};

use super::text;

/// A diagram as SVG text, made by us.
#[derive(Clone, Debug)]
pub(super) struct Picture {
    pub(super) title: String,
    pub(super) svg: String,
}

impl Picture {
    /// The texts of its `style` elements, which the page's policy must name.
    pub(super) fn styles(&self) -> impl Iterator<Item = &str> {
        let mut rest = self.svg.as_str();
        std::iter::from_fn(move || {
            let (_, after) = rest.split_once("<style")?;
            let (_, after) = after.split_once('>')?;
            let (style, after) = after.split_once("</style>")?;
            rest = after;
            Some(style)
        })
    }

    /// From where HTML takes SVG: without what only a file of its own begins with.
    fn inline(&self) -> &str {
        self.svg.find("<svg").map_or("", |at| self.svg[at..].trim_end())
    }
}

/// What a page of very many tables says instead.
pub(super) fn left_out() -> Markup {
    html! {
        p.quiet {
            "Diagrams are left out, since there are more than " (text::grouped(super::TABLES_MAX)) " tables: "
            code { "assess --pictures DIR" } " draws them into a folder."
        }
    }
}

pub(super) fn body(pictures: &[Picture]) -> Markup {
    html! {
        p.quiet { "A diagram scrolls within its frame, also by the arrow keys." }
        @for (number, picture) in pictures.iter().enumerate() {
            details.picture data-picture="" open[number == 0] {
                summary { (text::name(&picture.title)) }
                div.tools data-zoom="" role="group" aria-label={ "Size of the diagram " (picture.title) } hidden {
                    button type="button" data-step="-1" aria-label="Smaller" { "−" }
                    button type="button" data-step="1" aria-label="Larger" { "+" }
                    button type="button" data-step="0" { "Fit" }
                    button type="button" data-step="full" { "Full size" }
                    span.live role="status" {}
                }
                div.canvas role="region" tabindex="0" aria-label={ "Diagram " (picture.title) } {
                    // Drawn when it is looked at: hundreds of schemas would slow every page down.
                    noscript { (PreEscaped(picture.inline())) }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn styles_of_a_picture_are_found_whole() {
        let svg =
            "<?xml version=\"1.0\"?>\n<svg><style>a{}</style><style type=\"text/css\">b{}</style></svg>\n";
        let picture = Picture {
            title: String::new(),
            svg: svg.to_owned(),
        };
        assert_eq!(picture.styles().collect::<Vec<_>>(), ["a{}", "b{}"]);
        assert!(picture.inline().starts_with("<svg>") && picture.inline().ends_with("</svg>"));
    }
}
