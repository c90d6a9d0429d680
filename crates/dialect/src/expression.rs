//! What a translation gives, or why there is none.

use std::fmt;

use crate::parse::SyntaxError;
use crate::scope::ValueType;

/// An expression of PostgreSQL that means the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expression {
    pub sql: String,
    pub value_type: ValueType,
    /// Whether it gives the same result always, as indexes and generated columns ask.
    pub immutable: bool,
    /// Whether it names a generated column of the target, which no other one may.
    pub uses_generated: bool,
    /// What must be true of every row for the meaning to be the same.
    pub assumptions: Vec<Assumption>,
}

/// What a translation takes for granted of the rows that are there.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Assumption {
    /// The table of SQLite that it is about; `None` for the one that the expression belongs to.
    pub table: Option<String>,
    /// Whether PostgreSQL ends with an error where it is false, and gives no other result.
    pub raises: bool,
    /// A condition of SQLite that must not be false for any row; NULL will do.
    pub condition: String,
    /// What the rows hold where it is false, as in "12 rows hold …".
    pub otherwise: String,
    /// Conditions that together imply it, each about less of the row, which may be put together from rows of several
    /// tables.
    pub apart: Vec<Assumption>,
}

/// Why an expression has no translation. Each holds the part of the expression that it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Untranslated {
    Syntax(SyntaxError),
    /// No column has the name.
    UnknownName(String),
    /// A function that is not known here, or not with these arguments.
    Function(String),
    /// An operator, or a construct, that has no counterpart.
    Operator(String),
    /// A subquery, an aggregate, a window.
    Query(String),
    /// Both sides are of types that the two databases compare or convert differently.
    Types(String),
    /// A number as a text, where both databases write it differently.
    NumberAsText(String),
    /// A real that is rounded to places behind the point.
    Rounding(String),
    /// The values of the column are not of one known kind.
    Mixed(String),
    /// A pattern or a format that is not a constant, or not one that is read here.
    Pattern(String),
    /// A date that both databases calculate differently.
    Moment(String),
    /// A collation that an application defines, or by which PostgreSQL does not sort alike.
    Collation(String),
    /// It is nested too deeply, or would become too long.
    Deep,
}

impl fmt::Display for Untranslated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Untranslated::Syntax(error) => error.fmt(f),
            Untranslated::UnknownName(what) => write!(f, "`{what}` is no column"),
            Untranslated::Function(what) => write!(f, "`{what}` has no counterpart that means the same"),
            Untranslated::Operator(what) => write!(f, "`{what}` is not translated"),
            Untranslated::Query(what) => write!(f, "`{what}` reads more than one row"),
            Untranslated::Types(what) => {
                write!(
                    f,
                    "SQLite and PostgreSQL do not treat the types in `{what}` alike"
                )
            }
            Untranslated::NumberAsText(what) => {
                write!(
                    f,
                    "SQLite and PostgreSQL write the number `{what}` differently as text"
                )
            }
            Untranslated::Rounding(what) => write!(
                f,
                "`{what}` rounds the binary number, and PostgreSQL the decimal one, so that halves such as 9.95 come out differently"
            ),
            Untranslated::Mixed(what) => write!(f, "`{what}` has no one kind of value"),
            Untranslated::Pattern(what) => {
                write!(f, "the pattern of `{what}` is not a constant that can be read")
            }
            Untranslated::Moment(what) => write!(f, "`{what}` is calculated differently"),
            Untranslated::Collation(what) => {
                write!(f, "the collation of `{what}` has no counterpart")
            }
            Untranslated::Deep => f.write_str("it is nested too deeply, or grows too long"),
        }
    }
}

impl std::error::Error for Untranslated {}

impl From<SyntaxError> for Untranslated {
    fn from(error: SyntaxError) -> Untranslated {
        Untranslated::Syntax(error)
    }
}
