//! Generated columns: no archive has their values and no load sends them, so what each side calculates is compared by
//! itself, where both sides do; where not, that is said.

use catalog::{Column, ColumnType, Table};

use crate::sides::Source;

/// What of a table's generated columns can be compared.
#[derive(Debug, Default)]
pub(crate) struct Generated {
    /// Places of those whose values both sides have.
    places: Vec<usize>,
    /// Of the others, the name and why not.
    left_out: Vec<(String, String)>,
}

impl Generated {
    /// Of a table of `source` by the names that it has there; `renamed` is the same table as it is on the target.
    pub(crate) fn of(source: &Source, table: &Table, renamed: &Table) -> Self {
        let mut generated = Generated::default();
        for (place, column) in table.columns.iter().enumerate() {
            if column.generated.is_none() {
                continue;
            }
            match obstacle(source, table, place, column) {
                None => generated.places.push(place),
                Some(reason) => {
                    let name = renamed.columns.get(place).unwrap_or(column).target_name();
                    generated.left_out.push((name.to_owned(), reason.to_owned()));
                }
            }
        }
        generated
    }

    /// Whether there is something to compare.
    pub(crate) fn can_be_compared(&self) -> bool {
        !self.places.is_empty()
    }

    /// Places of the columns that are compared.
    pub(crate) fn places(&self) -> &[usize] {
        &self.places
    }

    /// Leaves a column out that could not be read after all.
    pub(crate) fn leave_out(&mut self, place: usize, name: String, reason: String) {
        self.places.retain(|it| *it != place);
        self.left_out.push((name, reason));
    }

    /// Leaves all out, for one reason.
    pub(crate) fn leave_all_out(&mut self, renamed: &Table, reason: &str) {
        for name in self.names(renamed) {
            self.left_out.push((name, reason.to_owned()));
        }
        self.places.clear();
    }

    /// The names of the columns that are compared, in a table with these columns.
    pub(crate) fn names(&self, table: &Table) -> Vec<String> {
        let columns = self.places.iter().filter_map(|&place| table.columns.get(place));
        columns.map(|it| it.target_name().to_owned()).collect()
    }

    /// The table as if the columns that are compared were ordinary ones.
    pub(crate) fn shown(&self, table: &Table) -> Table {
        let mut shown = table.clone();
        for &place in &self.places {
            if let Some(column) = shown.columns.get_mut(place) {
                column.generated = None;
            }
        }
        shown
    }

    /// What was not compared, as sentences about the table that is called `table`.
    pub(crate) fn sentences(&self, table: &str) -> impl Iterator<Item = String> {
        self.left_out
            .iter()
            .map(move |(name, reason)| format!("generated column {name} of {table}: {reason}"))
    }
}

/// Why nobody knows what the target should have calculated.
fn obstacle(source: &Source, table: &Table, place: usize, column: &Column) -> Option<&'static str> {
    let file = match source {
        // Read by queries, one by one: unlike COPY of the table, a query has the planner look into functions that indexes
        // use, and what these name by the search path alone is not found by our sessions.
        Source::Postgres(_) => {
            return column
                .names
                .is_some()
                .then_some("its values are names of objects");
        }
        Source::Archive(_) => return Some("the archive does not have its values"),
        Source::Sqlite(file) => file,
    };
    let own = file.own_table(table)?;
    if place >= own.columns.len() {
        return Some("the file has no such column");
    }
    if own.loses_values() {
        return Some("values of its table become NULL by choice, and it is calculated from what is left");
    }
    let it = &column.column_type;
    let is_unbounded = it.schema == ColumnType::BUILT_IN_SCHEMA && it.text == "numeric";
    is_unbounded.then_some("zeros behind the point are the target's own")
}
