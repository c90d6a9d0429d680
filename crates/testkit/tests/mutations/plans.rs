//! What is done to a small table: a change of a value, of a row, or several that would hide each other from a weak sum.

use std::collections::BTreeSet;

use fastrand::Rng;

use crate::values::{CASES, Case};

/// A table of six rows in the source, and what is done to its rows on the target.
pub(crate) struct Mutant {
    pub(crate) table: String,
    /// Whether the rows have a key.
    pub(crate) keyed: bool,
    holds: &'static str,
    pair: (&'static str, &'static str),
    change: Change,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    /// One value becomes its neighbour.
    Step,
    /// One value becomes its neighbour, and in another row the neighbour becomes the value.
    StepAndOpposite,
    /// Two rows, each with another value beside it, swap theirs.
    SwapRows,
    /// Two columns of one row swap theirs.
    SwapColumns,
    /// One row twice, and another one not.
    DuplicateAndDelete,
    ToNull,
    FromNull,
    Missing,
    Extra,
}

const CHANGES: [Change; 9] = [
    Change::Step,
    Change::StepAndOpposite,
    Change::SwapRows,
    Change::SwapColumns,
    Change::DuplicateAndDelete,
    Change::ToNull,
    Change::FromNull,
    Change::Missing,
    Change::Extra,
];

/// Every pair of every type by one step, and random changes of random ones until there are `count`.
pub(crate) fn mutants(rng: &mut Rng, count: usize) -> Vec<Mutant> {
    let pairs = |case: &'static Case| case.pairs.iter().map(|pair| (case.holds, *pair));
    let steps = CASES.iter().flat_map(pairs).map(|it| (it, Change::Step));
    let mut plans: Vec<_> = steps.collect();
    while plans.len() < count {
        let case = &CASES[rng.usize(..CASES.len())];
        let (one, other) = case.pairs[rng.usize(..case.pairs.len())];
        let pair = if rng.bool() { (one, other) } else { (other, one) };
        plans.push(((case.holds, pair), CHANGES[rng.usize(..CHANGES.len())]));
    }
    let named = plans.into_iter().enumerate();
    named
        .map(|(number, ((holds, pair), change))| Mutant {
            table: format!("m{number:04}"),
            keyed: rng.u8(..3) == 0,
            holds,
            pair,
            change,
        })
        .collect()
}

impl Mutant {
    /// For people who look for the reason.
    pub(crate) fn story(&self) -> String {
        let (one, other) = self.pair;
        format!(
            "{}: {:?} of {} between `{one}` and `{other}`",
            self.table, self.change, self.holds
        )
    }

    /// Makes the table in the source. Both values stand beside each of them.
    pub(crate) fn create(&self) -> String {
        let (table, holds) = (&self.table, self.holds);
        let (one, other) = (literal(self.pair.0), literal(self.pair.1));
        let key = if self.keyed { " PRIMARY KEY" } else { "" };
        format!(
            "CREATE TABLE {table} (id int{key}, v {holds}, w {holds});
             INSERT INTO {table} VALUES (1, {one}, {other}), (2, {other}, {one}), (3, {one}, {one}), (4, {other}, {other}),
               (5, NULL, {one}), (6, {other}, NULL);\n"
        )
    }

    /// Changes the table on the target.
    pub(crate) fn mutate(&self) -> String {
        let t = format!("there.{}", self.table);
        let (one, other) = (literal(self.pair.0), literal(self.pair.1));
        let set = |value: &str, id: u32| format!("UPDATE {t} SET v = {value} WHERE id = {id};");
        // Where rows have a key the twin needs one of its own.
        let twin = |id: u32| {
            let key = if self.keyed { "7" } else { "id" };
            format!("INSERT INTO {t} SELECT {key}, v, w FROM {t} WHERE id = {id};")
        };
        match self.change {
            Change::Step => set(&other, 3),
            Change::StepAndOpposite => set(&other, 3) + &set(&one, 4),
            Change::SwapRows => set(&other, 1) + &set(&one, 2),
            Change::SwapColumns => format!("UPDATE {t} SET v = w, w = v WHERE id = 1;"),
            Change::DuplicateAndDelete => twin(4) + &format!("DELETE FROM {t} WHERE id = 3;"),
            Change::ToNull => set("NULL", 3),
            Change::FromNull => set(&one, 5),
            Change::Missing => format!("DELETE FROM {t} WHERE id = 4;"),
            Change::Extra => twin(1),
        }
    }

    /// What the report must say of rows with a key: how each differs, its key, and the columns that do.
    pub(crate) fn keyed_rows(&self) -> BTreeSet<String> {
        let rows: &[&str] = match self.change {
            Change::Step | Change::ToNull => &["changed 3 v"],
            Change::StepAndOpposite => &["changed 3 v", "changed 4 v"],
            Change::SwapRows => &["changed 1 v", "changed 2 v"],
            Change::SwapColumns => &["changed 1 v w"],
            Change::DuplicateAndDelete => &["missing 3", "extra 7"],
            Change::FromNull => &["changed 5 v"],
            Change::Missing => &["missing 4"],
            Change::Extra => &["extra 7"],
        };
        rows.iter().map(|it| (*it).to_owned()).collect()
    }

    /// How many rows of a table without a key are missing, and how many are extra.
    pub(crate) fn keyless_rows(&self) -> (u64, u64) {
        match self.change {
            Change::StepAndOpposite | Change::SwapRows => (2, 2),
            Change::Missing => (1, 0),
            Change::Extra => (0, 1),
            _ => (1, 1),
        }
    }

    /// How many rows the target has more than the source.
    pub(crate) fn surplus(&self) -> i32 {
        match self.change {
            Change::Missing => -1,
            Change::Extra => 1,
            _ => 0,
        }
    }
}

/// A text as SQL, whatever is in it; its type is that of the column.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
