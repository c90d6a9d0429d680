//! Which rows of a chunk are refused, found with few attempts: by the row that the server names, and by halving where
//! it names none. Knows no server: [`Search::next`] says what to try, and is told what came of it.
//!
//! With k refused rows among n this takes O(k log n) attempts, and O(n) rows are sent as long as the server names
//! rows: after a refused row no more is tried at once than lay between the last two, and twice that after each success.

use std::ops::Range;

/// The state of a search. Rows before `at` are decided, and those that were taken are in.
#[derive(Debug)]
pub(super) struct Search {
    rows: usize,
    at: usize,
    /// Behind the last row that was refused.
    since: usize,
    /// Rows to try at once, where nothing is known of them.
    window: usize,
    /// Rows up to here, all together, were refused.
    failing: Option<usize>,
    /// The row that the server named for it.
    suspect: Option<usize>,
}

impl Search {
    /// For `rows` rows that were refused all together, `named` being the one that the server named.
    pub(super) fn new(rows: usize, named: Option<usize>) -> Self {
        Search {
            rows,
            at: 0,
            since: 0,
            window: 1,
            failing: Some(rows),
            suspect: named.filter(|it| *it < rows),
        }
    }

    /// The rows to try; none when all are decided.
    pub(super) fn next(&self) -> Option<Range<usize>> {
        if self.at >= self.rows {
            return None;
        }
        let end = match (self.suspect, self.failing) {
            (Some(row), _) if row > self.at => row,
            (Some(_), _) => self.at + 1,
            (None, Some(failing)) => self.at + ((failing - self.at) / 2).max(1),
            (None, None) => self.at.saturating_add(self.window),
        };
        Some(self.at..end.min(self.rows))
    }

    /// The server took them.
    pub(super) fn taken(&mut self, tried: &Range<usize>) {
        self.at = tried.end;
        self.suspect = self.suspect.filter(|it| *it >= self.at);
        self.failing = self.failing.filter(|it| *it > self.at);
        if self.suspect.is_none() && self.failing.is_none() {
            self.window = self.window.saturating_mul(2);
        }
    }

    /// The server refused them and named one of them, or none. Returns the row that is refused also alone.
    pub(super) fn refused(&mut self, tried: &Range<usize>, named: Option<usize>) -> Option<usize> {
        if tried.len() > 1 {
            self.failing = Some(tried.end);
            self.suspect = named.filter(|it| tried.contains(it));
            return None;
        }
        let row = self.at;
        self.window = (row - self.since).max(1);
        self.at += 1;
        self.since = self.at;
        (self.failing, self.suspect) = (None, None);
        Some(row)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// What a server names for refused rows, of which `bad` is the first.
    type Names = fn(bad: usize) -> Option<usize>;

    /// Searches 10,000 rows; returns the attempts, and the rows sent.
    #[track_caller]
    fn check(bad: &[usize], names: Names) -> (usize, usize) {
        const ROWS: usize = 10_000;
        let bad: BTreeSet<usize> = bad.iter().copied().collect();
        let first = |tried: &Range<usize>| bad.range(tried.clone()).next().copied();
        let mut search = Search::new(ROWS, first(&(0..ROWS)).and_then(names));
        let (mut found, mut taken, mut attempts, mut sent) = (BTreeSet::new(), 0, 0, 0);
        while let Some(tried) = search.next() {
            (attempts, sent) = (attempts + 1, sent + tried.len());
            if let Some(row) = first(&tried) {
                found.extend(search.refused(&tried, names(row)));
            } else {
                taken += tried.len();
                search.taken(&tried);
            }
        }
        assert_eq!(found, bad);
        assert_eq!(taken, ROWS - bad.len());
        (attempts, sent)
    }

    fn spread(number: usize) -> Vec<usize> {
        (0..number)
            .map(|it| (it * 7919 + it * it * 31) % 10_000)
            .collect()
    }

    #[test]
    fn all_refused_rows_are_found_and_all_others_taken() {
        for bad in [
            vec![0],
            vec![9_999],
            vec![0, 1, 2, 9_998, 9_999],
            spread(37),
            spread(900),
        ] {
            for names in [
                (|row| Some(row)) as Names,
                |_| None,
                |row| Some(row + 3),
                |row| row.checked_sub(2),
            ] {
                check(&bad, names);
            }
        }
    }

    #[test]
    fn few_attempts_find_few_rows() {
        let (named, sent) = check(&spread(37), Some);
        assert!(named < 37 * 8 && sent < 50_000, "{named} attempts, {sent} rows");
        let (halved, _) = check(&spread(37), |_| None);
        assert!(halved < 37 * 28, "{halved} attempts");
    }

    #[test]
    fn where_every_row_is_refused_each_is_sent_a_few_times() {
        let all: Vec<usize> = (0..10_000).collect();
        for names in [Some as Names, |_| None] {
            let (attempts, sent) = check(&all, names);
            assert!(
                attempts < 10_100 && sent < 40_000,
                "{attempts} attempts, {sent} rows"
            );
        }
    }

    #[test]
    fn rows_that_are_refused_only_in_company_end_the_search_too() {
        let mut search = Search::new(8, Some(4));
        let mut refusals = 5;
        while let Some(tried) = search.next() {
            if tried.len() > 1 && refusals > 0 {
                refusals -= 1;
                assert_eq!(search.refused(&tried, Some(tried.start)), None);
            } else {
                search.taken(&tried);
            }
        }
    }
}
