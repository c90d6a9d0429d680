//! What a server says of a row that it refuses: whether it is the row's fault, and where it stands.

use catalog::Table;
use cli::Failure;
use postgres::error::DbError;

use crate::withheld::Reserved;

/// A refused row, by the server's own words. They can hold values of the row.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    pub(super) sqlstate: String,
    pub(super) message: String,
    pub(super) column: Option<String>,
    /// As CONTEXT counts: for CSV lines of the input with its header, otherwise rows; from 1.
    pub(super) line: Option<u64>,
    reserved: Reserved,
}

/// Whether names in values must mean something by now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Names {
    /// What they name may still be made.
    MayBeMissing,
    Exist,
}

impl Refusal {
    /// Reads a failed COPY of rows of `table` into the table called `into`; none where it is no row's fault.
    pub(super) fn find(failure: &Failure, table: &Table, into: &str, names: Names) -> Option<Refusal> {
        // What the journal refuses is not of the row.
        let is_of_rows = |it: &&DbError| it.schema() != Some(catalog::JOURNAL_SCHEMA);
        let error = failure.server_error().filter(is_of_rows)?;
        let place = error.where_().and_then(|it| Place::find(it, into, table));
        let column = place.as_ref().and_then(|it| it.column.clone());
        let stores_names = |name: &String| {
            table
                .stored_columns()
                .any(|it| it.name == *name && it.names.is_some())
        };
        let is_lost_name = names == Names::Exist && failure.is_missing_object();
        // The server's receiving functions call a value that is too short a violation of the protocol.
        let is_short_value = error.code().code() == "08P01" && column.is_some();
        let is_fault = !is_faultless(error.code().code())
            || is_short_value
            || is_lost_name && column.as_ref().is_some_and(stores_names);
        is_fault.then(|| Refusal {
            sqlstate: error.code().code().to_owned(),
            message: error.message().to_owned(),
            column: column.or_else(|| error.column().map(str::to_owned)),
            line: place.map(|it| it.line),
            reserved: Reserved::new(error),
        })
    }

    /// The server's error without what can be a value of the row.
    pub(super) fn reserved(&self) -> Reserved {
        self.reserved.clone()
    }
}

/// Whether errors of this SQLSTATE have nothing to do with a row (Appendix A of the manual): the connection, the
/// session, the transaction, resources, whoever operates the server, names and privileges, the server itself.
fn is_faultless(sqlstate: &str) -> bool {
    const CLASSES: [&str; 27] = [
        "00", "01", "02", "03", "08", "0A", "0B", "0L", "0P", "0Z", "24", "25", "26", "28", "2B", "2D", "34",
        "3B", "3D", "3F", "40", "42", "53", "55", "57", "58", "72",
    ];
    let class = sqlstate.get(..2).unwrap_or_default();
    CLASSES.contains(&class) || ["F0", "HV", "XX"].contains(&class)
}

/// Where COPY stood, from the line of CONTEXT that it writes: `COPY orders, line 3, column total: "x"`.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    line: u64,
    column: Option<String>,
}

impl Place {
    /// The words are the server's language, so only names, digits and signs are relied on. Whoever acts on it must
    /// try the row: what precedes and follows can be text of functions and values.
    fn find(context: &str, into: &str, table: &Table) -> Option<Place> {
        let start = format!("COPY {into}, ");
        let rest = context.match_indices(&start).find_map(|(place, _)| {
            let begins_line = place == 0 || context[..place].ends_with('\n');
            begins_line.then(|| &context[place + start.len()..])
        })?;
        let digits = rest.find(|it: char| it.is_ascii_digit())?;
        let rest = &rest[digits..];
        let end = rest.find(|it: char| !it.is_ascii_digit()).unwrap_or(rest.len());
        let line = rest[..end].parse().ok()?;
        let column = rest[end..].strip_prefix(", ").and_then(|it| {
            let (_, name) = it.split_once(' ')?;
            let ends = |rest: &str| rest.is_empty() || rest.starts_with([':', ' ', '\n']);
            let names = table.stored_columns().map(|it| it.name.as_str());
            names
                .filter(|it| name.strip_prefix(it).is_some_and(ends))
                .max_by_key(|it| it.len())
                .map(str::to_owned)
        });
        Some(Place { line, column })
    }
}

#[cfg(test)]
mod tests {
    use catalog::{Column, ColumnType, TableKind};

    use super::*;

    fn table(columns: &[&str]) -> Table {
        let column = |name: &&str| Column {
            name: (*name).to_owned(),
            new_name: None,
            column_type: ColumnType {
                base: None,
                schema: ColumnType::BUILT_IN_SCHEMA.to_owned(),
                name: "int4".to_owned(),
                text: "integer".to_owned(),
            },
            not_null: false,
            identity: None,
            generated: None,
            binary_safe: true,
            names: None,
        };
        Table {
            index_bytes: None,
            origin: None,
            number: 0,
            schema: "shop".to_owned(),
            name: "orders".to_owned(),
            kind: TableKind::Ordinary,
            unlogged: false,
            columns: columns.iter().map(column).collect(),
            primary_key: Vec::new(),
            partition_of: None,
            partition_key: None,
            through_root: None,
            inherits: Vec::new(),
            rows_estimate: None,
            bytes: 0,
            extension: None,
            condition: None,
            merged: None,
            part: None,
            changes: None,
        }
    }

    #[track_caller]
    fn check_place(context: &str, into: &str, expected: Option<(u64, Option<&str>)>) {
        let found = Place::find(context, into, &table(&["age", "age: old", "Größe"]));
        let expected = expected.map(|(line, column)| Place {
            line,
            column: column.map(str::to_owned),
        });
        assert_eq!(found, expected, "{context}");
    }

    #[test]
    fn the_place_is_read_from_context() {
        check_place("COPY orders, line 3", "orders", Some((3, None)));
        check_place(
            "COPY orders, line 3, column age: \"x\"",
            "orders",
            Some((3, Some("age"))),
        );
        check_place(
            "COPY orders, line 3, column age: old: null input",
            "orders",
            Some((3, Some("age: old"))),
        );
        check_place(
            "COPY orders, Zeile 12, Spalte Größe: »x«",
            "orders",
            Some((12, Some("Größe"))),
        );
        check_place("COPY orders, line 3: \"1,2\"", "orders", Some((3, None)));
        check_place("COPY odd, line 4, line 3", "odd, line 4", Some((3, None)));
        check_place(
            "PL/pgSQL function shop.f(integer) line 7 at RAISE\nCOPY orders, line 3, column age",
            "orders",
            Some((3, Some("age"))),
        );
        check_place("COPY others, line 3", "orders", None);
        check_place("SQL statement \"COPY orders, line 3\"", "orders", None);
    }

    #[test]
    fn what_no_row_can_help_is_not_its_fault() {
        for sqlstate in [
            "08006", "53100", "57014", "57P01", "40P01", "40001", "42501", "42P01", "55P03", "XX000",
        ] {
            assert!(is_faultless(sqlstate), "{sqlstate}");
        }
        for sqlstate in [
            "22P02", "22001", "23502", "23514", "23P01", "54000", "P0001", "45000", "AB123",
        ] {
            assert!(!is_faultless(sqlstate), "{sqlstate}");
        }
    }
}
