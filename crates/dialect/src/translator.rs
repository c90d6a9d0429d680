//! STUB until expressions are there.
use sqlite3_parser::ast::{Expr, Literal, Operator};
use crate::{Expression, ScopeColumn, Untranslated, ValueType};
use crate::parse::unquote;

pub(crate) trait Names {
    fn column(&self, table: Option<&str>, name: &str) -> Option<ScopeColumn>;
    fn part(&self, expression: &Expr<'_>) -> Option<Result<Expression, Untranslated>>;
}

pub(crate) fn translate(e: &Expr<'_>, names: &dyn Names) -> Result<Expression, Untranslated> {
    if let Some(r) = names.part(e) { return r; }
    let of = |sql: String, value_type| Ok(Expression { sql, value_type, immutable: false, uses_generated: false, assumptions: vec![] });
    match e {
        Expr::Id(n) => { let n = unquote(n.0); let c = names.column(None, &n).ok_or(Untranslated::UnknownName(n))?; of(c.sql, c.value_type) }
        Expr::Qualified(t, n) => { let c = names.column(Some(&unquote(t.0)), &unquote(n.0)).ok_or_else(|| Untranslated::UnknownName(e.to_string()))?; of(c.sql, c.value_type) }
        Expr::Literal(Literal::Numeric(n)) => of((*n).to_owned(), if n.contains('.') { ValueType::Real } else { ValueType::Integer }),
        Expr::Literal(Literal::String(n)) => of(format!("{n}::text"), ValueType::Text),
        Expr::Literal(Literal::Null) => of("NULL".to_owned(), ValueType::Null),
        Expr::Parenthesized(i) if i.len() == 1 => { let x = translate(&i[0], names)?; of(format!("({})", x.sql), x.value_type) }
        Expr::IsNull(i) => { let x = translate(i, names)?; of(format!("({} IS NULL)", x.sql), ValueType::Boolean) }
        Expr::NotNull(i) => { let x = translate(i, names)?; of(format!("({} IS NOT NULL)", x.sql), ValueType::Boolean) }
        Expr::Binary(a, op, b) => {
            let (x, y) = (translate(a, names)?, translate(b, names)?);
            let (w, t) = match op { Operator::Add => ("+", x.value_type), Operator::Multiply => ("*", x.value_type), Operator::Subtract => ("-", x.value_type), Operator::Concat => ("||", ValueType::Text),
                Operator::Equals => ("=", ValueType::Boolean), Operator::Less => ("<", ValueType::Boolean), Operator::Greater => (">", ValueType::Boolean), Operator::And => ("AND", ValueType::Boolean), Operator::Or => ("OR", ValueType::Boolean), _ => return Err(Untranslated::Operator(e.to_string())) };
            of(format!("({} {w} {})", x.sql, y.sql), t)
        }
        _ => Err(Untranslated::Operator(e.to_string())),
    }
}
pub(crate) fn condition(e: &Expr<'_>, names: &dyn Names) -> Result<Expression, Untranslated> { translate(e, names) }

pub(crate) fn assigned(e: &Expr<'_>, c: &ScopeColumn, names: &dyn Names) -> Result<Expression, Untranslated> { let x = translate(e, names)?; if x.value_type == c.value_type || x.value_type == ValueType::Null { Ok(x) } else { Err(Untranslated::Types(e.to_string())) } }
