//! The parts of a unique constraint that an index of its own can stand for.

use squawk_syntax::{SyntaxKind, SyntaxNode};

use crate::parse::Parsed;
use crate::split::split;

/// A primary key or unique constraint over plain columns, each part as the text has it and empty where it has none:
/// what `CREATE UNIQUE INDEX` and `ADD CONSTRAINT … USING INDEX` need.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlainKey {
    pub primary: bool,
    /// `(a, b)`
    pub columns: String,
    /// `INCLUDE (c)`
    pub include: String,
    /// `NULLS NOT DISTINCT`
    pub nulls: String,
    /// `WITH (fillfactor='70')`
    pub with: String,
    /// `DEFERRABLE INITIALLY DEFERRED`
    pub timing: String,
}

/// The key that `ALTER TABLE … ADD CONSTRAINT` in `statement` adds; `None` for anything but plain columns, such as
/// `WITHOUT OVERLAPS`, and for what nobody here knows.
pub fn plain_key(statement: &str) -> Option<PlainKey> {
    use SyntaxKind as K;
    let pieces = split(statement);
    let [piece] = pieces.as_slice() else { return None };
    let parsed = Parsed::new(statement, piece);
    if parsed.error().is_some() {
        return None;
    }
    let action = parsed
        .statement()?
        .children()
        .find(|it| it.kind() == K::ADD_CONSTRAINT)?;
    let constraint = action.first_child()?;
    let mut key = PlainKey {
        primary: match constraint.kind() {
            K::PRIMARY_KEY_CONSTRAINT => true,
            K::UNIQUE_CONSTRAINT => false,
            _ => return None,
        },
        ..PlainKey::default()
    };
    for part in constraint.children() {
        match part.kind() {
            K::CONSTRAINT_NAME_CLAUSE => {}
            K::INDEX_PARAMETERS => read_parameters(&part, &mut key)?,
            K::DEFERRABLE_CONSTRAINT_OPTION
            | K::NOT_DEFERRABLE_CONSTRAINT_OPTION
            | K::INITIALLY_DEFERRED_CONSTRAINT_OPTION
            | K::INITIALLY_IMMEDIATE_CONSTRAINT_OPTION => {
                let separator = if key.timing.is_empty() { "" } else { " " };
                key.timing = format!("{}{separator}{}", key.timing, text_of(&part));
            }
            _ => return None,
        }
    }
    (!key.columns.is_empty()).then_some(key)
}

fn read_parameters(parameters: &SyntaxNode, key: &mut PlainKey) -> Option<()> {
    use SyntaxKind as K;
    for part in parameters.children() {
        let place = match part.kind() {
            K::CONSTRAINT_COLUMN_REF_LIST => {
                let mut tokens = part
                    .descendants_with_tokens()
                    .filter_map(squawk_syntax::SyntaxElement::into_token);
                if tokens.any(|it| matches!(it.kind(), K::WITHOUT_KW | K::OVERLAPS_KW)) {
                    return None;
                }
                &mut key.columns
            }
            K::CONSTRAINT_INCLUDE_CLAUSE => &mut key.include,
            K::NULLS_NOT_DISTINCT | K::NULLS_DISTINCT => &mut key.nulls,
            K::WITH_PARAMS => &mut key.with,
            _ => return None,
        };
        *place = text_of(&part);
    }
    Some(())
}

fn text_of(node: &SyntaxNode) -> String {
    node.text().to_string().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(definition: &str, expected: Option<[&str; 6]>) {
        let sql = format!("ALTER TABLE ONLY s.\"T\"\n    ADD CONSTRAINT c {definition};");
        let expected = expected.map(|parts| {
            let [kind, columns, include, nulls, with, timing] = parts.map(str::to_owned);
            PlainKey {
                primary: kind == "primary",
                columns,
                include,
                nulls,
                with,
                timing,
            }
        });
        assert_eq!(plain_key(&sql), expected, "{sql}");
    }

    #[test]
    fn plain_columns_are_found_with_all_that_is_said_of_them() {
        check("PRIMARY KEY (id)", Some(["primary", "(id)", "", "", "", ""]));
        check(
            "UNIQUE (\"A b\", c) DEFERRABLE INITIALLY DEFERRED",
            Some(["", "(\"A b\", c)", "", "", "", "DEFERRABLE INITIALLY DEFERRED"]),
        );
        check(
            "UNIQUE NULLS NOT DISTINCT (a) INCLUDE (b) WITH (fillfactor='70')",
            Some([
                "",
                "(a)",
                "INCLUDE (b)",
                "NULLS NOT DISTINCT",
                "WITH (fillfactor='70')",
                "",
            ]),
        );
        check(
            "UNIQUE (a) INCLUDE (\"WITHOUT OVERLAPS\") DEFERRABLE",
            Some(["", "(a)", "INCLUDE (\"WITHOUT OVERLAPS\")", "", "", "DEFERRABLE"]),
        );
    }

    #[test]
    fn what_no_plain_index_can_stand_for_is_left() {
        for definition in [
            "PRIMARY KEY (id, valid WITHOUT OVERLAPS)",
            "UNIQUE USING INDEX i",
            "UNIQUE (a) USING INDEX TABLESPACE t",
            "EXCLUDE USING gist (a WITH &&)",
            "CHECK ((a > 0))",
            "FOREIGN KEY (a) REFERENCES s.o(a)",
            "PRIMARY KEY (id",
        ] {
            check(definition, None);
        }
    }
}
