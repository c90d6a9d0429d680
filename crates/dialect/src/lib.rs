//! SQL of SQLite as SQL of PostgreSQL that means the same, or the reason why there is none.
//!
//! Pure: text in, text out. What a name means, and which type a column has on the target, is told by whoever asks
//! ([`Scope`]). An expression is translated only where the same rows give the same result. Where that hangs on the
//! values that are there, because SQLite lets any value stand in any column, the translation names what it takes for
//! granted ([`Assumption`]) as SQL for SQLite itself, which can then be asked about the rows.
//!
//! The parser is `sqlite3-parser`: SQLite's own tokenizer and LALR grammar, ported by the author of much of rusqlite
//! and kept in step with SQLite's releases. It gives every operator SQLite's precedence, and reads what only SQLite
//! has (`GLOB`, `==`, `ISNULL`, `->>`, names in four kinds of quotes, strings in double quotes). `sqlparser` reads many
//! dialects with one grammar: its precedences are PostgreSQL's, and it refuses tables that SQLite takes.

mod arithmetic;
mod assignment;
mod budget;
mod choice;
mod collation;
mod column;
mod comparison;
mod definition;
mod expression;
mod functions;
mod json;
mod literal;
mod moment;
mod parse;
mod pattern;
mod query;
mod relation;
mod scope;
mod strings;
mod text;
mod translator;
mod trigger;
mod value;
mod view;

pub use definition::{
    Action, Check, ColumnDefinition, ForeignKey, Generated, IndexDefinition, IndexTerm, TableDefinition,
    index_definition, table_definition,
};
pub use expression::{Assumption, Expression, Untranslated};
pub use parse::SyntaxError;
pub use query::{Form, Refusal, Remark};
pub use relation::{Relation, RelationColumn, Relations};
pub use scope::{Affinity, Collation, Scope, ScopeColumn, ValueType};
pub use translator::{assigned, condition, value};
pub use trigger::{Guard, Timing, Trigger, trigger};
pub use view::{View, view};
