//! Why a view or a trigger has no counterpart.

use std::fmt;

use crate::Untranslated;

/// The reason why a statement cannot be translated.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// SQLite's grammar does not know the statement, or it is of another kind than it should be.
    Unreadable,
    /// An expression in it has no counterpart.
    Expression(Untranslated),
    /// It means the same only as long as a condition holds for each row.
    Assumption { condition: String },
    /// It names a relation that the file does not have.
    NoRelation { name: String },
    /// It names something of the file that the target does not get.
    LeftOut { kind: &'static str, name: String },
    /// It names a column that is nowhere.
    NoColumn { name: String },
    /// A column beside an aggregate, whose value SQLite takes from some row of the group.
    BareColumn { name: String },
    /// The parts of a UNION, or of a recursive query, have values of different types.
    Mixed { column: String },
    /// Values that PostgreSQL cannot compare or sort as SQLite does.
    NoOrder { column: String },
    /// A value that the column it is written to cannot hold as SQLite would store it.
    NoAssignment { column: String },
    /// A form of a query or of a trigger that PostgreSQL lacks, or that means something else there.
    Form(Form),
    /// A name that would be cut on the target.
    LongName { name: String },
}

/// What is not translated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Form {
    TableFunction,
    SubqueryDepth,
    Columns,
    JoinGroup,
    FullJoin,
    OuterUsing,
    LimitExpression,
    RecursiveOrder,
    RecursiveArms,
    WindowFrame,
    CompoundOrder,
    AggregateOrder,
    OuterAggregate,
    RowValue,
    OtherDatabase,
    OrReplace,
    OrRollback,
    SelectRaise,
    RaiseExpression,
    RaiseInsideStatement,
    IgnoreAmongOthers,
    BeforeOwnTable,
    BeforeGenerated,
    UpdateOfUnknown,
    UpdateOfView,
    GeneratedTarget,
    ValueCount,
    UpsertTarget,
    RowidWrite,
    Rowid,
    AmbiguousColumn,
}

impl Form {
    fn text(self) -> &'static str {
        match self {
            Form::TableFunction => "it reads from a table-valued function",
            Form::SubqueryDepth => "its queries are nested too deeply",
            Form::Columns => "it has more columns than PostgreSQL takes",
            Form::JoinGroup => "it names a group of joined tables",
            Form::FullJoin => "its FULL JOIN compares more than two columns",
            Form::OuterUsing => "USING or NATURAL stands in a RIGHT or FULL JOIN",
            Form::LimitExpression => "LIMIT or OFFSET is no whole number",
            Form::RecursiveOrder => "ORDER BY or LIMIT stands in a recursive query",
            Form::RecursiveArms => {
                "a recursive query refers to itself more than once, or inside of a subquery"
            }
            Form::WindowFrame => "a window's frame is not the same in PostgreSQL",
            Form::CompoundOrder => "ORDER BY behind UNION, EXCEPT or INTERSECT names no result column",
            Form::AggregateOrder => "an aggregate has ORDER BY, or DISTINCT with a separator",
            Form::OuterAggregate => "an aggregate in a subquery belongs to the outer query",
            Form::RowValue => "it compares rows of values",
            Form::OtherDatabase => "it names another database",
            Form::OrReplace => {
                "OR REPLACE has more than one key to replace by, or foreign keys follow the row"
            }
            Form::OrRollback => "OR ROLLBACK or OR FAIL has no counterpart in a statement",
            Form::SelectRaise => "RAISE() stands in a form of SELECT that is not translated",
            Form::RaiseExpression => "the message of RAISE() is no constant",
            Form::RaiseInsideStatement => "RAISE() stands inside of another statement",
            Form::IgnoreAmongOthers => {
                "RAISE(IGNORE) in an AFTER trigger would have to end the other triggers of its table"
            }
            Form::BeforeOwnTable => "a BEFORE trigger writes to its own table",
            Form::BeforeGenerated => "a BEFORE trigger reads a generated column of NEW",
            Form::UpdateOfUnknown => "UPDATE OF names a column that its table has not",
            Form::UpdateOfView => "UPDATE OF is not for INSTEAD OF triggers",
            Form::GeneratedTarget => "it writes to a generated column",
            Form::ValueCount => "it gives another number of values than there are columns",
            Form::UpsertTarget => "ON CONFLICT names no key that the target has",
            Form::RowidWrite => "it writes to the rowid",
            Form::Rowid => "it uses the rowid, which is no column of the table",
            Form::AmbiguousColumn => "a column's name is ambiguous",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Unreadable => f.write_str("its SQL cannot be read"),
            Refusal::Expression(reason) => reason.fmt(f),
            Refusal::Assumption { condition } => {
                write!(f, "it means the same only where {condition} holds for each row")
            }
            Refusal::NoRelation { name } => write!(f, "there is no table or view {name}"),
            Refusal::LeftOut { kind, name } => write!(f, "it needs the {kind} {name}, which is left out"),
            Refusal::NoColumn { name } => write!(f, "there is no column {name}"),
            Refusal::BareColumn { name } => write!(
                f,
                "{name} stands beside an aggregate without being grouped, so that any row of the group may give it"
            ),
            Refusal::Mixed { column } => {
                write!(
                    f,
                    "the column {column} has values of different types in the parts of the query"
                )
            }
            Refusal::NoOrder { column } => {
                write!(f, "PostgreSQL cannot compare {column} as SQLite does")
            }
            Refusal::NoAssignment { column } => {
                write!(f, "what it writes to {column} is of another type on the target")
            }
            Refusal::Form(form) => f.write_str(form.text()),
            Refusal::LongName { name } => write!(
                f,
                "the name {name} has more than {} bytes",
                catalog::IDENTIFIER_BYTES_MAX
            ),
        }
    }
}

impl std::error::Error for Refusal {}

impl From<Untranslated> for Refusal {
    fn from(reason: Untranslated) -> Refusal {
        Refusal::Expression(reason)
    }
}

impl From<Form> for Refusal {
    fn from(form: Form) -> Refusal {
        Refusal::Form(form)
    }
}
