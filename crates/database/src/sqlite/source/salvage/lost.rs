//! What is missing of a table, in words.

use std::fmt::Write;

/// Places that are spelled out.
const SHOWN_MAX: usize = 8;

/// Gaps in the rows of one table, in their order.
#[derive(Debug, Default)]
pub(super) struct Lost {
    gaps: Vec<Gap>,
    /// Gaps beyond those that are kept.
    more: u64,
}

#[derive(Debug)]
enum Gap {
    /// Nobody knows how many rows were there.
    Range {
        after: Option<i64>,
        up_to: Option<i64>,
        pages: Vec<u32>,
    },
    Row(i64),
    /// In a table without rowids: rows read from each end.
    Between {
        first: u64,
        last: u64,
    },
    /// In a table whose rows have no name: rows read from the start.
    Behind(u64),
}

impl Lost {
    pub(super) fn page(&mut self, page: u32, after: Option<i64>, up_to: Option<i64>) {
        if let Some(Gap::Range {
            up_to: end, pages, ..
        }) = self.gaps.last_mut()
            && *end == after
            && after.is_some()
        {
            *end = up_to;
            if pages.len() <= SHOWN_MAX {
                pages.push(page);
            }
            return;
        }
        self.push(Gap::Range {
            after,
            up_to,
            pages: vec![page],
        });
    }

    pub(super) fn row(&mut self, rowid: i64) {
        self.push(Gap::Row(rowid));
    }

    pub(super) fn between(&mut self, first: u64, last: u64) {
        self.push(Gap::Between { first, last });
    }

    pub(super) fn behind(&mut self, first: u64) {
        self.push(Gap::Behind(first));
    }

    fn push(&mut self, gap: Gap) {
        if self.gaps.len() < SHOWN_MAX {
            self.gaps.push(gap);
        } else {
            self.more += 1;
        }
    }

    /// `None` where nothing is missing.
    pub(super) fn describe(&self, rows_read: u64) -> Option<String> {
        if self.gaps.is_empty() {
            return None;
        }
        let gaps: Vec<String> = self.gaps.iter().map(Gap::describe).collect();
        let mut text = format!("rows are lost: {}", gaps.join("; "));
        if self.more > 0 {
            let _ = write!(text, "; and {} more places", self.more);
        }
        let _ = write!(text, "; rows read: {rows_read}");
        Some(text)
    }
}

impl Gap {
    fn describe(&self) -> String {
        match self {
            Gap::Range { after, up_to, pages } => {
                let mut shown: Vec<String> = pages.iter().take(SHOWN_MAX).map(u32::to_string).collect();
                if pages.len() > SHOWN_MAX {
                    shown.push("…".to_owned());
                }
                let range = match (after.map(|it| it.saturating_add(1)), up_to) {
                    (Some(first), Some(last)) => format!("those of rowid {first} to {last}"),
                    (Some(first), None) => format!("those from rowid {first} on"),
                    (None, Some(last)) => format!("those up to rowid {last}"),
                    (None, None) => "all".to_owned(),
                };
                format!("{range} (page {})", shown.join(", "))
            }
            Gap::Row(rowid) => format!("rowid {rowid}"),
            Gap::Between { first, last } => {
                format!("all but the first {first} and the last {last} in the order of the primary key")
            }
            Gap::Behind(first) => format!("all behind the first {first}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_that_meet_are_one() {
        let mut lost = Lost::default();
        assert_eq!(lost.describe(3), None);
        lost.page(7, Some(10), Some(20));
        lost.page(9, Some(20), Some(30));
        lost.row(44);
        lost.page(12, Some(80), None);
        assert_eq!(
            lost.describe(1000).unwrap(),
            "rows are lost: those of rowid 11 to 30 (page 7, 9); rowid 44; those from rowid 81 on (page 12); rows read: 1000"
        );
        (0..20).for_each(|it| lost.row(it));
        assert!(lost.describe(0).unwrap().contains("; and 15 more places;"));
    }
}
