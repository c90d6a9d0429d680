//! Names that every server has in `pg_catalog`, which PostgreSQL looks through before the search path.
//!
//! The lists come from PostgreSQL's own catalogs. A name that only a later version has is missing, and so counts
//! as not proved: that errs on the safe side.

use std::collections::HashSet;
use std::sync::LazyLock;

static ROUTINES: LazyLock<HashSet<&str>> = LazyLock::new(|| lines(include_str!("built_in/routines.txt")));
/// Row types of catalogs and system views, and array types, are among them.
static TYPES: LazyLock<HashSet<&str>> = LazyLock::new(|| lines(include_str!("built_in/types.txt")));
static OPERATORS: LazyLock<HashSet<&str>> = LazyLock::new(|| lines(include_str!("built_in/operators.txt")));
static TEXT_SEARCH: LazyLock<HashSet<&str>> =
    LazyLock::new(|| lines(include_str!("built_in/text_search.txt")));
/// What `pg_get_keywords()` puts into the categories C and R: without quotes these words are never the name of a
/// function or type that somebody made.
static KEYWORDS: LazyLock<HashSet<&str>> = LazyLock::new(|| lines(include_str!("built_in/keywords.txt")));

/// Not types, but read as such in the definition of a column (`transformColumnDefinition` in `parse_utilcmd.c`).
const SERIALS: [&str; 6] = [
    "serial",
    "serial2",
    "serial4",
    "serial8",
    "smallserial",
    "bigserial",
];

/// Collations that do not depend on the operating system, in any version of PostgreSQL.
const COLLATIONS: [&str; 4] = ["C", "POSIX", "default", "ucs_basic"];

/// Whether a call of `name` without a schema reaches a built-in function, procedure or aggregate. Overloads with
/// the same name elsewhere can still be meant where the arguments fit them alone.
pub fn is_routine(name: &str) -> bool {
    ROUTINES.contains(name) || KEYWORDS.contains(name)
}

/// Whether `name` without a schema is a built-in type, under its own name or one of the grammar's.
pub fn is_type(name: &str) -> bool {
    TYPES.contains(name) || KEYWORDS.contains(name) || SERIALS.contains(&name)
}

/// As [`is_routine`], for a name in double quotes, which no keyword is.
pub(crate) fn is_quoted_routine(name: &str) -> bool {
    ROUTINES.contains(name)
}

/// As [`is_type`], for a name in double quotes, which no keyword is.
pub(crate) fn is_quoted_type(name: &str) -> bool {
    TYPES.contains(name)
}

/// Whether `name` without a schema is one of the system's tables or views.
pub fn is_relation(name: &str) -> bool {
    name.starts_with("pg_") && TYPES.contains(name)
}

/// Whether there is a built-in operator with this sign. Operators of the same sign for other types can exist.
pub fn is_operator(sign: &str) -> bool {
    OPERATORS.contains(sign) || matches!(sign, "!=")
}

/// Whether `name` without a schema is a built-in collation on every system.
pub fn is_collation(name: &str) -> bool {
    COLLATIONS.contains(&name)
}

/// Whether `name` without a schema is a built-in configuration, dictionary, parser or template of text search.
pub fn is_text_search(name: &str) -> bool {
    TEXT_SEARCH.contains(name)
}

fn lines(text: &'static str) -> HashSet<&'static str> {
    text.lines().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_built_in_by_their_kind() {
        assert!(is_routine("lower") && is_routine("coalesce") && !is_routine("unaccent"));
        assert!(is_type("int4") && is_type("integer") && is_type("_text") && !is_type("citext"));
        assert!(is_operator("||") && is_operator("<>") && !is_operator("<%"));
        assert!(is_relation("pg_class") && !is_relation("pg_orders") && !is_relation("text"));
        assert!(is_collation("C") && !is_collation("numeric"));
        assert!(is_text_search("simple") && !is_text_search("mb_simple"));
    }
}
