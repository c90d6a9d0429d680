//! Tables of several sources that become one table of the target.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use catalog::{ColumnType, QualifiedName};
use serde::{Deserialize, Serialize};

use crate::PlannedSource;
use crate::rename::name_part;

/// The column that says where a row comes from, unless the plan names another.
pub const DEFAULT_SOURCE_COLUMN: &str = "source";

/// Tables of the same meaning that become one; `docs/merging.md` is the contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Merge {
    /// Schema and name on the target: `app.users`.
    pub into: String,
    /// The order says whose definitions and comments stand.
    pub tables: Vec<MergedTable>,
    #[serde(default)]
    pub keys: MergedKeys,
    /// What is added to the keys of each source; for [`MergedKeys::Offset`].
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub offsets: BTreeMap<String, i64>,
    /// Which column says where a row comes from.
    #[serde(
        default = "default_source_column",
        skip_serializing_if = "is_default_source_column"
    )]
    pub source_column: String,
    /// Rows with equal values in these columns (none of them NULL) are one row; empty for none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dedupe: Vec<String>,
    /// Of rows that are one, whose values stand; those that it does not name follow in the order of `tables`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wins: Vec<String>,
    /// Types of single columns, where those of the sources do not unite by themselves.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub columns: BTreeMap<String, String>,
    /// Why, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// One source's table that is merged.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MergedTable {
    /// The source's name in the plan.
    pub source: String,
    /// Schema and name in the source: `public.users`.
    pub table: String,
}

/// How keys of several sources are kept apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MergedKeys {
    /// A number is added to each source's keys, and to whatever refers to them.
    #[default]
    Offset,
    /// Integer keys become UUIDs, as `keys` of each source says.
    Uuid,
    /// The source column stands in front of the key, and of every foreign key to it.
    Composite,
    /// They stay, and must not meet: the key's own index is the judge.
    AsIs,
}

/// Something in a plan's merges that cannot be carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MergeProblem {
    /// Where it stands: `merges[0].tables[1].source`.
    pub path: String,
    pub reason: String,
}

impl fmt::Display for MergeProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.reason)
    }
}

fn default_source_column() -> String {
    DEFAULT_SOURCE_COLUMN.to_owned()
}

fn is_default_source_column(name: &String) -> bool {
    name == DEFAULT_SOURCE_COLUMN
}

impl Merge {
    /// A merge of these tables, with defaults for all else.
    pub fn new(into: impl Into<String>, tables: Vec<MergedTable>) -> Self {
        Merge {
            into: into.into(),
            tables,
            keys: MergedKeys::default(),
            offsets: BTreeMap::new(),
            source_column: default_source_column(),
            dedupe: Vec::new(),
            wins: Vec::new(),
            columns: BTreeMap::new(),
            note: None,
        }
    }

    /// The table on the target; `None` where the text is no qualified name.
    pub fn target(&self) -> Option<QualifiedName> {
        parse_table(&self.into)
    }

    /// What is added to the keys of `source`.
    pub fn offset(&self, source: &str) -> i64 {
        self.offsets.get(source).copied().unwrap_or(0)
    }

    /// The sources in the order in which their values stand where rows are one.
    pub fn order(&self) -> Vec<&str> {
        let tables = self.tables.iter().map(|it| it.source.as_str());
        let mut order: Vec<&str> = Vec::new();
        for source in self.wins.iter().map(String::as_str).chain(tables) {
            if !order.contains(&source) {
                order.push(source);
            }
        }
        order
    }
}

impl MergedTable {
    /// The table in its source; `None` where the text is no qualified name.
    pub fn name(&self) -> Option<QualifiedName> {
        parse_table(&self.table)
    }
}

/// Reads `schema.table`, each part bare or in double quotes.
pub fn parse_table(text: &str) -> Option<QualifiedName> {
    let (schema, rest) = name_part(text)?;
    let (name, rest) = rest.strip_prefix('.').and_then(name_part)?;
    let is_whole = rest.is_empty() && !schema.is_empty() && !name.is_empty();
    is_whole.then(|| QualifiedName::new(schema, name))
}

/// Everything in `merges` that cannot be carried out for these sources, as far as the plan alone tells.
pub fn check_merges(merges: &[Merge], sources: &[PlannedSource]) -> Vec<MergeProblem> {
    let mut check = Check::default();
    for (place, merge) in merges.iter().enumerate() {
        check.merge(&format!("merges[{place}]"), merge, sources);
    }
    check.problems
}

#[derive(Default)]
struct Check {
    problems: Vec<MergeProblem>,
    /// Tables of sources that are merged, with the place of the merge.
    merged: BTreeMap<(String, QualifiedName), String>,
    /// Tables of the target, with the place of the merge.
    made: BTreeMap<QualifiedName, String>,
}

impl Check {
    fn tell(&mut self, path: String, reason: impl Into<String>) {
        let reason = reason.into();
        self.problems.push(MergeProblem { path, reason });
    }

    fn merge(&mut self, path: &str, merge: &Merge, sources: &[PlannedSource]) {
        match merge.target() {
            None => self.tell(format!("{path}.into"), not_a_table(&merge.into)),
            Some(target) => {
                if let Err(error) = crate::check_schema_name(&target.schema) {
                    self.tell(format!("{path}.into"), error.to_string());
                }
                if let Some(first) = self.made.insert(target, path.to_owned()) {
                    self.tell(
                        format!("{path}.into"),
                        format!("{first} makes {} already", merge.into),
                    );
                }
            }
        }
        if merge.tables.is_empty() {
            self.tell(format!("{path}.tables"), "there is no table to merge");
        }
        self.tables(path, merge, sources);
        self.offsets(path, merge);
        let of_merge: BTreeSet<&str> = merge.tables.iter().map(|it| it.source.as_str()).collect();
        for (place, source) in merge.wins.iter().enumerate() {
            if !of_merge.contains(source.as_str()) {
                let reason = format!("source `{source}` has no table in this merge");
                self.tell(format!("{path}.wins[{place}]"), reason);
            }
        }
        let mut seen = BTreeSet::new();
        for (place, column) in merge.dedupe.iter().enumerate() {
            let at = format!("{path}.dedupe[{place}]");
            if !seen.insert(column) {
                self.tell(at, format!("column `{column}` stands here twice"));
            } else if *column == merge.source_column {
                self.tell(at, "rows of two sources never have the same source");
            }
        }
        if merge.source_column.is_empty() {
            self.tell(format!("{path}.source_column"), "a column needs a name");
        }
        if merge.columns.contains_key(&merge.source_column) {
            let reason = format!("`{}` is the source column, which is text", merge.source_column);
            self.tell(format!("{path}.columns"), reason);
        }
    }

    fn tables(&mut self, path: &str, merge: &Merge, sources: &[PlannedSource]) {
        let mut of_merge = BTreeSet::new();
        for (place, it) in merge.tables.iter().enumerate() {
            let at = format!("{path}.tables[{place}]");
            let source = sources.iter().find(|source| source.name == it.source);
            if source.is_none() {
                let known: Vec<&str> = sources.iter().map(|it| it.name.as_str()).collect();
                let reason = format!(
                    "the plan has no source `{}`; it has {}",
                    it.source,
                    known.join(", ")
                );
                self.tell(format!("{at}.source"), reason);
            }
            let Some(name) = it.name() else {
                self.tell(format!("{at}.table"), not_a_table(&it.table));
                continue;
            };
            if let Some(source) = source.filter(|source| !source.schemas.contains(&name.schema)) {
                let reason = format!("source `{}` has no schema `{}`", source.name, name.schema);
                self.tell(format!("{at}.table"), reason);
            }
            if !of_merge.insert(&it.source) {
                let reason = format!("source `{}` has two tables in one merge", it.source);
                self.tell(format!("{at}.source"), reason);
            }
            if let Some(first) = self.merged.insert((it.source.clone(), name), at.clone()) {
                let reason = format!("{} of `{}` is merged by {first} already", it.table, it.source);
                self.tell(format!("{at}.table"), reason);
            }
        }
    }

    fn offsets(&mut self, path: &str, merge: &Merge) {
        if merge.keys != MergedKeys::Offset {
            if !merge.offsets.is_empty() {
                let reason = "offsets are for keys that are kept apart by \"offset\"";
                self.tell(format!("{path}.offsets"), reason);
            }
            return;
        }
        let mut taken: BTreeMap<i64, &str> = BTreeMap::new();
        for (source, offset) in &merge.offsets {
            let at = format!("{path}.offsets.{source}");
            if !merge.tables.iter().any(|it| it.source == *source) {
                self.tell(
                    at.clone(),
                    format!("source `{source}` has no table in this merge"),
                );
            }
            if *offset < 0 {
                self.tell(at.clone(), "an offset is 0 or more");
            }
            if let Some(first) = taken.insert(*offset, source) {
                let reason =
                    format!("sources `{first}` and `{source}` have the same offset, so their keys meet");
                self.tell(at, reason);
            }
        }
        let lacks = merge
            .tables
            .iter()
            .filter(|it| !merge.offsets.contains_key(&it.source));
        for it in lacks {
            let reason = format!(
                "source `{}` has no offset; `assess --plan` proposes one, and 0 keeps its keys",
                it.source
            );
            self.tell(format!("{path}.offsets"), reason);
        }
    }
}

fn not_a_table(text: &str) -> String {
    format!("`{text}` is no schema and table, as in `public.users`")
}

/// Offsets that keep keys apart: each source's begins beyond what those before it have, with room for as many again,
/// and is a multiple of a power of ten, so that people see what was added. `greatest` has the greatest key of each
/// source in the order of the merge, `None` for one without rows. `None` where `bigint` has no room for them.
pub fn propose_offsets(greatest: &[(String, Option<i64>)]) -> Option<BTreeMap<String, i64>> {
    let mut offsets = BTreeMap::new();
    let mut next: i64 = 0;
    for (source, key) in greatest {
        offsets.insert(source.clone(), next);
        let used = key.unwrap_or(0).max(0);
        next = round_up(next.checked_add(used.checked_mul(2)?)?)?;
    }
    Some(offsets)
}

/// The next greater multiple of a million, of ten millions beyond ten, and so on.
fn round_up(number: i64) -> Option<i64> {
    const STEP: i64 = 1_000_000;
    let mut step = STEP;
    while number / step >= 100 {
        step = step.checked_mul(10)?;
    }
    (number / step).checked_add(1)?.checked_mul(step)
}

/// The type in which both types' values have their place without loss; `None` where only a person can say it. Types are
/// as a catalog has them.
pub fn unite_types(one: &ColumnType, other: &ColumnType) -> Option<ColumnType> {
    const NUMBERS: [&str; 4] = ["smallint", "integer", "bigint", "numeric"];
    if one == other {
        return Some(one.clone());
    }
    let is_built_in = |it: &ColumnType| it.schema == ColumnType::BUILT_IN_SCHEMA;
    if !is_built_in(one) || !is_built_in(other) {
        return None;
    }
    let number = |it: &ColumnType| NUMBERS.iter().position(|name| *name == it.text);
    if let (Some(a), Some(b)) = (number(one), number(other)) {
        return Some(if a >= b { one.clone() } else { other.clone() });
    }
    let text = |it: &ColumnType| match it.text.as_str() {
        "text" | "character varying" => Some(None),
        limited => {
            let length = limited.strip_prefix("character varying(")?.strip_suffix(')')?;
            Some(Some(length.parse::<u32>().ok()?))
        }
    };
    match (text(one)?, text(other)?) {
        (Some(a), Some(b)) => Some(if a >= b { one.clone() } else { other.clone() }),
        (None, _) if one.text == "text" => Some(one.clone()),
        (_, None) if other.text == "text" => Some(other.clone()),
        (None, _) => Some(one.clone()),
        (_, None) => Some(other.clone()),
    }
}

#[cfg(test)]
mod tests;
