//! The rows of one table: every value of a column that holds names, through arrays and composites.

use std::collections::HashMap;
use std::fmt;

use catalog::{IDENTIFIER_BYTES_MAX, NameKind, QualifiedName, StoredNames, Table};

use super::name_map::{Fate, NameMap};
use super::nesting::{map_array, map_record};

/// Names that are remembered: tables have few different ones, but memory must not grow with the rows.
const REMEMBERED_MAX: usize = 20_000;

/// Maps the values of one table, and notes those that mean nothing on the target.
#[derive(Debug)]
pub struct TableNames<'a> {
    map: &'a NameMap,
    table: QualifiedName,
    /// In the order of the stored columns.
    columns: Vec<Column>,
    remembered: HashMap<NameKind, HashMap<String, Fate>>,
    remembered_count: usize,
}

#[derive(Debug)]
struct Column {
    name: String,
    shape: Option<StoredNames>,
    unresolved: u64,
    /// The first that means nothing.
    example: Option<Trouble>,
}

/// Why a value means nothing.
#[derive(Clone, Debug)]
struct Trouble {
    /// The name that does so. Nothing else of a row is ever shown.
    name: Option<String>,
    reason: String,
}

/// What is shown of a name, in bytes.
const SHOWN_MAX: usize = 2 * IDENTIFIER_BYTES_MAX + 1;

/// Values of one column that mean nothing on the target; they pass as they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unresolved {
    pub table: QualifiedName,
    pub column: String,
    /// How many values hold such a name.
    pub values: u64,
    /// One such name; `None` where the value cannot be read as far as its names.
    pub example: Option<String>,
    /// Why the first such value means nothing.
    pub reason: String,
}

impl fmt::Display for Unresolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Unresolved {
            table,
            column,
            values,
            example,
            reason,
        } = self;
        let (noun, verb) = if *values == 1 {
            ("value", "resolves")
        } else {
            ("values", "resolve")
        };
        write!(
            f,
            "{table}: {values} {noun} of column {column} {verb} to nothing: "
        )?;
        match example {
            Some(example) => write!(f, "{example} ({reason})"),
            None => f.write_str(reason),
        }
    }
}

impl<'a> TableNames<'a> {
    pub(super) fn new(map: &'a NameMap, table: &Table) -> Self {
        let columns = table.stored_columns().map(|column| Column {
            name: column.name.clone(),
            shape: column.names.clone(),
            unresolved: 0,
            example: None,
        });
        TableNames {
            map,
            table: table.qualified_name(),
            columns: columns.collect(),
            remembered: HashMap::new(),
            remembered_count: 0,
        }
    }

    /// The new text of a value of the stored column at `place`, which is not NULL; `None` when it stays.
    pub fn map(&mut self, place: usize, value: &[u8]) -> Option<Vec<u8>> {
        // Taken out while it is in use, since it is a part of what looks names up.
        let shape = self.columns.get_mut(place)?.shape.take()?;
        let mut trouble = None;
        let new = if let Ok(text) = std::str::from_utf8(value) {
            self.value(&shape, text, &mut trouble)
        } else {
            trouble = Some(Trouble {
                name: None,
                reason: "it is not UTF-8".to_owned(),
            });
            None
        };
        let column = self.columns.get_mut(place)?;
        column.shape = Some(shape);
        if let Some(trouble) = trouble {
            column.unresolved += 1;
            column.example.get_or_insert(trouble);
        }
        new.map(String::into_bytes)
    }

    /// What has been found so far, in the order of the columns.
    pub fn unresolved(&self) -> Vec<Unresolved> {
        let of_column = |column: &Column| {
            let Trouble { name, reason } = column.example.clone()?;
            Some(Unresolved {
                table: self.table.clone(),
                column: column.name.clone(),
                values: column.unresolved,
                example: name,
                reason,
            })
        };
        self.columns.iter().filter_map(of_column).collect()
    }

    fn value(&mut self, shape: &StoredNames, text: &str, trouble: &mut Option<Trouble>) -> Option<String> {
        let mapped = match shape {
            StoredNames::Object(kind) => match self.fate(*kind, text) {
                Fate::Keep => return None,
                Fate::New(new) => return Some(new),
                Fate::Unresolved(reason) => {
                    let shown = &text[..text.floor_char_boundary(SHOWN_MAX)];
                    trouble.get_or_insert(Trouble {
                        name: Some(shown.to_owned()),
                        reason,
                    });
                    return None;
                }
            },
            StoredNames::Array(element) => map_array(text, |it| self.value(element, it, trouble))
                .map_err(|_| "it cannot be read as an array".to_owned()),
            StoredNames::Composite(parts) => map_record(text, parts.len(), |place, it| {
                self.value(parts.get(place)?.as_ref()?, it, trouble)
            })
            .map_err(|_| "it cannot be read as a row".to_owned()),
            StoredNames::Range if matches!(text, "empty" | "{}") => Ok(None),
            StoredNames::Range => Err("the bounds of a range are in the order of OIDs".to_owned()),
        };
        mapped.unwrap_or_else(|reason| {
            trouble.get_or_insert(Trouble { name: None, reason });
            None
        })
    }

    fn fate(&mut self, kind: NameKind, text: &str) -> Fate {
        if let Some(fate) = self.remembered.get(&kind).and_then(|it| it.get(text)) {
            return fate.clone();
        }
        if self.remembered_count == REMEMBERED_MAX {
            self.remembered.clear();
            self.remembered_count = 0;
        }
        let fate = self.map.fate(kind, text);
        let names = self.remembered.entry(kind).or_default();
        names.insert(text.to_owned(), fate.clone());
        self.remembered_count += 1;
        fate
    }
}
