//! What is inside of keys: the parts of a unique constraint that an index of its own can stand for, and the table that a
//! foreign key refers to.

use catalog::QualifiedName;
use squawk_syntax::{SyntaxKind, SyntaxNode};

use crate::parse::Parsed;
use crate::split::split;
use crate::statement::paths;

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
    let constraint = constraint_in(statement)?;
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

/// The table to which the foreign key that `ALTER TABLE … ADD CONSTRAINT` in `statement` adds refers.
pub fn referenced_table(statement: &str) -> Option<QualifiedName> {
    let constraint = constraint_in(statement)?;
    let is_foreign_key = constraint.kind() == SyntaxKind::FOREIGN_KEY_CONSTRAINT;
    constraint
        .children()
        .find(|it| is_foreign_key && it.kind() == SyntaxKind::TABLE_NAME_REF)
        .and_then(|it| paths(&it).next())
}

fn constraint_in(statement: &str) -> Option<SyntaxNode> {
    let pieces = split(statement);
    let [piece] = pieces.as_slice() else { return None };
    let parsed = Parsed::new(statement, piece);
    if parsed.error().is_some() {
        return None;
    }
    let mut actions = parsed.statement()?.children();
    actions
        .find(|it| it.kind() == SyntaxKind::ADD_CONSTRAINT)?
        .first_child()
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

    #[test]
    fn foreign_keys_name_the_table_they_refer_to() {
        let table = |definition: &str| {
            referenced_table(&format!("ALTER TABLE ONLY s.t ADD CONSTRAINT c {definition};"))
        };
        let other = Some(QualifiedName::new("s", "O ther"));
        assert_eq!(
            table("FOREIGN KEY (a) REFERENCES s.\"O ther\"(b) ON DELETE CASCADE"),
            other
        );
        assert_eq!(table("UNIQUE (a)"), None);
    }
}
