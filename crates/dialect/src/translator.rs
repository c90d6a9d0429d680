//! The walk over an expression of SQLite.

use std::collections::BTreeSet;

use sqlite3_parser::Bump;
use sqlite3_parser::ast::{Expr, Literal, OneSelect, Operator, ResultColumn, Stmt, UnaryOperator};

use crate::budget::Budget;
use crate::collation::{Collated, collation_of};
use crate::expression::{Assumption, Expression, Untranslated};
use crate::literal::{number, text_constant};
use crate::parse::{SyntaxError, statement, unquote};
use crate::scope::{Scope, ScopeColumn, ValueType};
use crate::value::{Constant, Value};

pub(crate) type Result<T> = std::result::Result<T, Untranslated>;

/// What names mean, and parts of an expression that somebody else translates.
pub(crate) trait Names {
    /// The column that SQLite finds by that name.
    fn column(&self, table: Option<&str>, name: &str) -> Option<ScopeColumn>;

    /// Where SQLite is asked whether all values of the column are of one kind.
    fn values(&self, _: &ScopeColumn) -> Values {
        Values::Here
    }

    /// What is shared with the expressions around this one; `None` where there are none.
    fn budget(&self) -> Option<&Budget> {
        None
    }

    /// The collation that the column of that name brings to a comparison.
    fn collation(&self, table: Option<&str>, name: &str) -> Option<Collated> {
        self.column(table, name).map(|it| (it.collation, false))
    }

    /// Whether the file keeps its texts in UTF-16, by whose bytes BINARY sorts them.
    fn is_utf16(&self) -> bool;

    /// The translation of `expression` where it is none of the translator's own, such as a subquery.
    fn part(&self, expression: &Expr<'_>) -> Option<Result<Expression>>;
}

/// A place of a column's values.
pub(crate) enum Values {
    /// The table of the expression, under the name that the expression has.
    Here,
    /// This table, under the column's own name.
    In { table: String, column: String },
    /// None: they come out of a translation.
    Known,
}

impl Names for Scope {
    fn column(&self, table: Option<&str>, name: &str) -> Option<ScopeColumn> {
        Scope::column(self, table, name).cloned()
    }

    fn is_utf16(&self) -> bool {
        self.utf16
    }

    fn part(&self, _: &Expr<'_>) -> Option<Result<Expression>> {
        None
    }
}

/// Translates an expression as a value.
pub fn value(sql: &str, scope: &Scope) -> Result<Expression> {
    with_parsed(sql, |it| translate(it, scope))
}

/// Translates an expression as a condition: the target's type is `boolean`, NULL stays NULL.
pub fn condition(sql: &str, scope: &Scope) -> Result<Expression> {
    with_parsed(sql, |it| condition_of(it, scope))
}

/// Translates an expression as what is stored in `column`, which need not be in the scope.
pub fn assigned(sql: &str, column: &ScopeColumn, scope: &Scope) -> Result<Expression> {
    with_parsed(sql, |it| assigned_to(it, column, scope))
}

/// As [`value`], of a syntax tree.
pub(crate) fn translate(expression: &Expr<'_>, names: &dyn Names) -> Result<Expression> {
    let mut translator = Translator::new(names);
    let value = translator.value(expression)?;
    let value = translator.settled(value)?;
    let value_type = if value.maybe_integer {
        ValueType::Numeric
    } else {
        value.value_type
    };
    Ok(translator.finish(value.sql, value_type))
}

/// As [`condition`], of a syntax tree.
pub(crate) fn condition_of(expression: &Expr<'_>, names: &dyn Names) -> Result<Expression> {
    let mut translator = Translator::new(names);
    let condition = translator.condition(expression)?;
    Ok(translator.finish(condition.sql, ValueType::Boolean))
}

/// As [`assigned`], of a syntax tree.
pub(crate) fn assigned_to(
    expression: &Expr<'_>,
    column: &ScopeColumn,
    names: &dyn Names,
) -> Result<Expression> {
    let mut translator = Translator::new(names);
    let sql = translator.assigned(expression, column)?;
    Ok(translator.finish(sql, column.value_type))
}

fn with_parsed<T>(sql: &str, use_it: impl FnOnce(&Expr<'_>) -> Result<T>) -> Result<T> {
    const WHAT: &str = "expression";
    let bump = Bump::new();
    let sql = format!("SELECT {sql}\n");
    let Stmt::Select(select) = statement(&bump, &sql, WHAT)? else {
        return Err(SyntaxError::not_a(WHAT).into());
    };
    match &select.body.select {
        OneSelect::Select {
            from: None,
            where_clause: None,
            columns: [ResultColumn::Expr(expression, None)],
            ..
        } if select.body.compounds.is_none() => use_it(expression),
        _ => Err(SyntaxError::not_a(WHAT).into()),
    }
}

/// One expression's translation.
pub(crate) struct Translator<'s> {
    pub(crate) names: &'s dyn Names,
    pub(crate) immutable: bool,
    pub(crate) uses_generated: bool,
    pub(crate) assumptions: BTreeSet<Assumption>,
    pub(crate) own_budget: Budget,
    /// Whether only AND and OR stand above, so that an error says no more than that a row is refused.
    at_top: bool,
}

impl<'s> Translator<'s> {
    pub(crate) fn new(names: &'s dyn Names) -> Translator<'s> {
        Translator {
            names,
            immutable: true,
            uses_generated: false,
            assumptions: BTreeSet::new(),
            own_budget: Budget::default(),
            at_top: true,
        }
    }

    pub(crate) fn finish(self, sql: String, value_type: ValueType) -> Expression {
        Expression {
            sql,
            value_type,
            immutable: self.immutable,
            uses_generated: self.uses_generated,
            assumptions: self.assumptions.into_iter().collect(),
        }
    }

    pub(crate) fn assume(&mut self, condition: String, otherwise: impl Into<String>) {
        self.assume_or_raise(false, condition, otherwise);
    }

    /// As [`Translator::assume`]; `raises` says that the server ends with an error where it is not so.
    pub(crate) fn assume_or_raise(&mut self, raises: bool, condition: String, otherwise: impl Into<String>) {
        self.assumptions.insert(Assumption {
            table: None,
            raises,
            condition,
            otherwise: otherwise.into(),
            ..Assumption::default()
        });
    }

    /// The expression as what SQLite has: a number, a text or a blob.
    pub(crate) fn value(&mut self, expression: &Expr<'_>) -> Result<Value> {
        let at_top = std::mem::replace(&mut self.at_top, false);
        let value = self.deeper(|it| it.value_of(expression)).map(|it| Value {
            collation: collation_of(expression, self.names),
            ..it
        });
        self.at_top = at_top;
        let value = value?;
        self.spend(value.sql.len())?;
        Ok(value)
    }

    fn value_of(&mut self, expression: &Expr<'_>) -> Result<Value> {
        let source = expression.to_string();
        let source = source.trim();
        self.spend(source.len())?;
        if let Some(part) = self.names.part(expression) {
            return part.map(|it| self.taken(it, source));
        }
        match expression {
            Expr::Parenthesized(inner) => match inner.as_slice() {
                [one] => self.value(one),
                _ => Err(Untranslated::Operator(source.to_owned())),
            },
            Expr::Literal(literal) => self.literal(literal, source),
            Expr::Id(id) => self.name(None, id.0, source),
            Expr::Name(name) => self.name(None, name.0, source),
            Expr::Qualified(table, name) | Expr::DoublyQualified(_, table, name) => {
                self.name(Some(table.0), name.0, source)
            }
            Expr::Unary(UnaryOperator::Not, _)
            | Expr::Binary(
                _,
                Operator::And
                | Operator::Or
                | Operator::Equals
                | Operator::NotEquals
                | Operator::Less
                | Operator::LessEquals
                | Operator::Greater
                | Operator::GreaterEquals
                | Operator::Is
                | Operator::IsNot,
                _,
            )
            | Expr::Between { .. }
            | Expr::InList { .. }
            | Expr::IsNull(_)
            | Expr::NotNull(_)
            | Expr::Like { .. } => self.truth(expression, source),
            Expr::Unary(operator, inner) => self.unary(*operator, inner, source),
            Expr::Binary(left, Operator::Concat, right) => self.concatenation(left, right, source),
            Expr::Binary(left, operator @ (Operator::ArrowRight | Operator::ArrowRightShift), right) => {
                self.arrow(left, *operator, right, source)
            }
            Expr::Binary(left, operator, right) => self.arithmetic(left, *operator, right, source),
            Expr::Case {
                base,
                when_then_pairs,
                else_expr,
            } => self.case(*base, when_then_pairs, *else_expr, source),
            Expr::Cast { expr, type_name } => {
                let declared = type_name.as_ref().map_or("", |it| it.name);
                self.cast(expr, declared, source)
            }
            Expr::Collate(inner, _) => self.value(inner),
            Expr::FunctionCall {
                name,
                distinctness: None,
                args,
                order_by: None,
                filter_over: None,
            } => {
                let name = unquote(name.0).to_ascii_lowercase();
                self.function(&name, args.unwrap_or_default(), source)
            }
            Expr::FunctionCall { .. }
            | Expr::FunctionCallStar { .. }
            | Expr::Exists(_)
            | Expr::InSelect { .. }
            | Expr::InTable { .. }
            | Expr::Subquery(_) => Err(Untranslated::Query(source.to_owned())),
            Expr::Raise(..) | Expr::Variable(_) => Err(Untranslated::Operator(source.to_owned())),
        }
    }

    /// A part that somebody else has translated.
    fn taken(&mut self, part: Expression, source: &str) -> Value {
        self.immutable &= part.immutable;
        self.uses_generated |= part.uses_generated;
        self.assumptions.extend(part.assumptions);
        Value {
            nullable: true,
            ..Value::of(part.sql, source, part.value_type, &[])
        }
    }

    fn literal(&mut self, literal: &Literal<'_>, source: &str) -> Result<Value> {
        let refused = || Untranslated::Operator(source.to_owned());
        Ok(match literal {
            Literal::Null => Value::constant(Constant::Null, source),
            Literal::String(it) => Value::constant(text_constant(&unquote(it)).ok_or_else(refused)?, source),
            Literal::Blob(it) => Value::constant(Constant::Blob((*it).to_owned()), source),
            Literal::Numeric(it) => Value::constant(number(it).ok_or_else(refused)?, source),
            Literal::CurrentDate => self.now(ValueType::Date, source),
            Literal::CurrentTime => self.now(ValueType::Time, source),
            Literal::CurrentTimestamp => self.now(ValueType::Timestamp, source),
            Literal::Keyword(_) => return Err(refused()),
        })
    }

    fn name(&mut self, table: Option<&str>, written: &str, source: &str) -> Result<Value> {
        let table = table.map(unquote);
        let name = unquote(written);
        if let Some(column) = self.names.column(table.as_deref(), &name) {
            return self.column(&column, source);
        }
        if table.is_none() {
            for truth in [true, false] {
                if written.eq_ignore_ascii_case(&truth.to_string()) {
                    return Ok(Value::truth(truth, source));
                }
            }
            // In double quotes, what is no column is a string.
            if written.starts_with('"')
                && let Some(text) = text_constant(&name)
            {
                return Ok(Value::constant(text, source));
            }
        }
        Err(Untranslated::UnknownName(source.to_owned()))
    }

    /// The expression as a condition.
    pub(crate) fn condition(&mut self, expression: &Expr<'_>) -> Result<Value> {
        let source = expression.to_string();
        let source = source.trim();
        self.spend(source.len())?;
        match expression {
            Expr::Parenthesized(inner) if inner.len() == 1 => {
                return self.deeper(|it| it.condition(&inner[0]));
            }
            Expr::Binary(left, operator @ (Operator::And | Operator::Or), right) => {
                // An error on one side of OR would refuse a row that the other side takes.
                let at_top = self.at_top;
                self.at_top &= *operator == Operator::And || guards_json(left, right);
                let sides = self.deeper(|it| Ok((it.condition(left)?, it.condition(right)?)));
                self.at_top = at_top;
                let (left, right) = sides?;
                let word = if *operator == Operator::And { "AND" } else { "OR" };
                let sql = format!("{} {word} {}", left.operand(), right.operand());
                return Ok(Value::of(sql, source, ValueType::Boolean, &[&left, &right]));
            }
            Expr::Unary(UnaryOperator::Not, inner) => {
                let at_top = std::mem::replace(&mut self.at_top, false);
                let inner = self.deeper(|it| it.condition(inner));
                self.at_top = at_top;
                let inner = inner?;
                let sql = format!("NOT {}", inner.operand());
                return Ok(Value::of(sql, source, ValueType::Boolean, &[&inner]));
            }
            Expr::FunctionCall {
                name,
                args: Some([document]),
                ..
            } if self.at_top && name.0.eq_ignore_ascii_case("json_valid") => {
                return self.json_valid(document, source);
            }
            _ => {}
        }
        let value = self.value(expression)?;
        truth_of(value)
    }

    fn truth(&mut self, expression: &Expr<'_>, source: &str) -> Result<Value> {
        match expression {
            Expr::Unary(..) | Expr::Binary(_, Operator::And | Operator::Or, _) => self.condition(expression),
            Expr::Binary(left, operator, right) => self.comparison(left, *operator, right, source),
            Expr::Between { lhs, not, start, end } => self.between(lhs, *not, start, end, source),
            Expr::InList { lhs, not, rhs } => self.in_list(lhs, *not, rhs.unwrap_or_default(), source),
            Expr::IsNull(inner) => self.null_test(inner, "IS NULL", source),
            Expr::NotNull(inner) => self.null_test(inner, "IS NOT NULL", source),
            Expr::Like {
                lhs,
                not,
                op,
                rhs,
                escape,
            } => self.like(lhs, *not, *op, rhs, *escape, source),
            _ => Err(Untranslated::Operator(source.to_owned())),
        }
    }

    /// Whether a value is NULL, which says nothing of what it is else.
    pub(crate) fn null_test(&mut self, inner: &Expr<'_>, test: &str, source: &str) -> Result<Value> {
        let column = plain_name(inner).and_then(|(table, name)| self.names.column(table.as_deref(), &name));
        let sql = if let Some(column) = column {
            self.uses_generated |= column.generated;
            format!("{} {test}", column.sql)
        } else {
            let value = self.value(inner)?;
            let value = self.settled(value)?;
            if value.is_null() {
                return Err(Untranslated::Operator(source.to_owned()));
            }
            format!("{} {test}", value.operand())
        };
        Ok(Value {
            nullable: false,
            ..Value::of(sql, source, ValueType::Boolean, &[])
        })
    }
}

/// A value as a condition.
fn truth_of(value: Value) -> Result<Value> {
    let boolean = |sql: &str| Value::call(sql.to_owned(), &value.source, ValueType::Boolean, &[&value]);
    match &value.constant {
        Some(Constant::Null) => return Ok(boolean("NULL::boolean")),
        Some(Constant::Integer(it)) => return Ok(boolean(if *it == 0 { "false" } else { "true" })),
        Some(_) => return Err(Untranslated::Types(value.source.clone())),
        None => {}
    }
    match value.value_type {
        ValueType::Boolean => Ok(value),
        ValueType::SmallInt | ValueType::Integer | ValueType::Real | ValueType::Numeric => {
            let sql = format!("{} <> 0", value.operand());
            Ok(Value::of(sql, &value.source, ValueType::Boolean, &[&value]))
        }
        _ => Err(Untranslated::Types(value.source.clone())),
    }
}

/// Whether it is `x IS NULL OR json_valid(x)`.
fn guards_json(left: &Expr<'_>, right: &Expr<'_>) -> bool {
    let tested = match left {
        Expr::IsNull(it) | Expr::Binary(it, Operator::Is, Expr::Literal(Literal::Null)) => Some(it),
        _ => None,
    };
    match (tested, right) {
        (
            Some(it),
            Expr::FunctionCall {
                name,
                args: Some([document]),
                ..
            },
        ) => name.0.eq_ignore_ascii_case("json_valid") && it.to_string() == document.to_string(),
        _ => false,
    }
}

/// The column that an expression may be, in or without parentheses.
pub(crate) fn plain_name(expression: &Expr<'_>) -> Option<(Option<String>, String)> {
    match expression {
        Expr::Parenthesized(inner) if inner.len() == 1 => plain_name(&inner[0]),
        Expr::Id(id) => Some((None, unquote(id.0))),
        Expr::Name(name) => Some((None, unquote(name.0))),
        Expr::Qualified(table, name) => Some((Some(unquote(table.0)), unquote(name.0))),
        _ => None,
    }
}
