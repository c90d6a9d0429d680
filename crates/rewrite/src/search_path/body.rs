//! What a body finds by the search path, and what it calls.

use std::collections::BTreeSet;

use squawk_syntax::ast::{self, AstNode};
use squawk_syntax::{SyntaxElement, SyntaxKind, SyntaxNode};

use super::Name;
use crate::body;
use crate::body_pass::constant_string;
use crate::built_in;
use crate::known::{Known, Owner, Space};
use crate::literal::Naming;
use crate::parse::single_statement;
use crate::rewriter::child;
use crate::unqualified::{self, Unqualified};

/// What reading a body has brought to light.
#[derive(Clone, Debug, Default)]
pub(super) struct Findings {
    /// A name without a schema is not proved to be built in, or the body cannot be told.
    pub(super) leans: bool,
    /// Relations without a schema.
    pub(super) relations: BTreeSet<String>,
    pub(super) routines_used: Vec<Name>,
    pub(super) relations_used: Vec<Name>,
    /// Procedures that it calls by CALL.
    pub(super) procedures_called: Vec<Name>,
    pub(super) controls_transactions: bool,
    /// It sets the path itself, for itself or for its caller.
    pub(super) sets_path: bool,
    /// What its callers' paths decide: a name that several of the source's schemas have, or none on its path.
    pub(super) unsettled: Option<Unsettled>,
}

/// A name without a schema that the source's path does not settle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unsettled {
    pub(super) name: String,
    /// The source's schemas that have it.
    pub(super) schemas: Vec<String>,
}

/// Signs that other constructs stand for: `IN`, `BETWEEN`, `LIKE`, `CASE … WHEN`, `USING`, …
const IMPLIED: [&str; 10] = ["=", "<>", "<", ">", "<=", ">=", "~~", "!~~", "~~*", "!~~*"];

pub(super) fn read(tree: &SyntaxNode, known: &Known) -> Findings {
    let mut findings = Findings::default();
    findings.take(tree, known);
    findings
}

impl Findings {
    pub(super) fn take_use(&mut self, space: Space, name: Name) {
        match space {
            Space::Routine => self.routines_used.push(name),
            Space::Relation => self.relations_used.push(name),
            _ => {}
        }
    }

    fn take(&mut self, tree: &SyntaxNode, known: &Known) {
        self.take_names(tree, known);
        self.take_qualified(tree);
        for node in tree.descendants() {
            match node.kind() {
                SyntaxKind::LITERAL => self.take_literal(&node, known),
                SyntaxKind::CALL_EXPR | SyntaxKind::CAST_EXPR | SyntaxKind::NAME_REF => {
                    self.leans |= asks_for_path(&node);
                }
                SyntaxKind::CONFIG_PARAMETER_REF => {
                    self.sets_path |= node.text().to_string().eq_ignore_ascii_case("search_path");
                }
                SyntaxKind::PLPGSQL_COMMIT_STMT | SyntaxKind::PLPGSQL_ROLLBACK_STMT => {
                    self.controls_transactions = true;
                }
                SyntaxKind::PLPGSQL_DYN_EXECUTE_STMT
                | SyntaxKind::PLPGSQL_FOR_DYN_STMT
                | SyntaxKind::PLPGSQL_RETURN_QUERY_EXECUTE_STMT
                | SyntaxKind::PLPGSQL_OPEN_EXECUTE => self.take_dynamic(&node, known),
                SyntaxKind::PROCEDURE_NAME_REF => self.take_call(&node),
                _ => {}
            }
        }
        let is_implied = |it: &str| known.is_listed(Space::Operator, it) || may_be_extension(known);
        self.leans |= IMPLIED.iter().any(|it| is_implied(it)) && implies_operators(tree);
    }

    fn take_names(&mut self, tree: &SyntaxNode, known: &Known) {
        for Unqualified { name, space, .. } in unqualified::names(tree) {
            if !is_proved(space, &name, known) {
                if self.unsettled.is_none() {
                    self.unsettled = unsettled(space, &name, known);
                }
                if space == Space::Relation {
                    self.relations.insert(name.clone());
                } else {
                    self.leans = true;
                }
            }
            self.take_use(space, Name { schema: None, name });
        }
        self.leans |= tree
            .descendants()
            .filter_map(|it| sign(&it))
            .any(|it| !is_proved(Space::Operator, &it, known));
    }

    /// A literal that PostgreSQL reads as a name, such as `nextval('q')`.
    fn take_literal(&mut self, node: &SyntaxNode, known: &Known) {
        let (Some(naming), Some(literal)) = (Naming::of(node), ast::Literal::cast(node.clone())) else {
            return;
        };
        match naming {
            Naming::Schema => return,
            Naming::SearchPath => {
                self.sets_path = true;
                return;
            }
            _ => {}
        }
        let (prefix, suffix) = naming.wrapper();
        let content = literal.string_value().unwrap_or_default();
        if content.trim().is_empty() || content == "-" {
            return;
        }
        match single_statement(&format!("{prefix}{content}{suffix}")) {
            Some(statement) => {
                let names = unqualified::names(&statement);
                self.leans |= names.iter().any(|it| !is_proved(it.space, &it.name, known));
            }
            None => self.leans = true,
        }
    }

    fn take_dynamic(&mut self, node: &SyntaxNode, known: &Known) {
        let query = child(node, SyntaxKind::PLPGSQL_EXPR);
        let constant = query.as_ref().and_then(constant_string);
        let text = constant.and_then(|it| it.string_value());
        if let Some(Ok(tree)) = text.map(|it| body::parse_sql(&it)) {
            return self.take(&tree, known);
        }
        self.leans = true;
        // It may be a CALL, and nobody knows of what.
        let (schema, name) = (Some(String::new()), String::new());
        self.procedures_called.push(Name { schema, name });
    }

    fn take_call(&mut self, name: &SyntaxNode) {
        let mut called = Findings::resolved(name);
        if called.routines_used.is_empty() {
            let name = ast::normalize_name_node(&name.descendants().last().unwrap_or(name.clone()));
            called.routines_used.push(Name { schema: None, name });
        }
        self.procedures_called.append(&mut called.routines_used);
    }
}

fn unsettled(space: Space, name: &str, known: &Known) -> Option<Unsettled> {
    let mut schemas = known.schemas();
    schemas.retain(|it| known.owner(space, it, name) == Owner::Source);
    let is_settled = match schemas.as_slice() {
        [] => true,
        [only] => known.path().contains(only),
        _ => false,
    };
    (!is_settled).then(|| Unsettled {
        name: name.to_owned(),
        schemas,
    })
}

/// Whether `name` without a schema can mean nothing but what `pg_catalog` holds.
///
/// Of types and relations the first on the path is meant, and that is `pg_catalog`'s; of routines and operators
/// all on the path compete by their arguments.
fn is_proved(space: Space, name: &str, known: &Known) -> bool {
    let is_first = known.path().iter().position(|it| it == "pg_catalog").unwrap_or(0) == 0;
    let alone = || !known.is_listed(space, name) && !may_be_extension(known);
    is_first
        && match space {
            Space::Relation => built_in::is_relation(name),
            Space::Type => built_in::is_type(name),
            Space::Collation => built_in::is_collation(name),
            Space::TextSearch => built_in::is_text_search(name),
            Space::Routine => built_in::is_routine(name) && alone(),
            Space::Operator => built_in::is_operator(name) && alone(),
            _ => false,
        }
}

/// The sign of an operator without a schema.
fn sign(expression: &SyntaxNode) -> Option<String> {
    if !matches!(
        expression.kind(),
        SyntaxKind::BIN_EXPR | SyntaxKind::PREFIX_EXPR | SyntaxKind::POSTFIX_EXPR
    ) {
        return None;
    }
    let parts = expression.children_with_tokens().filter(|it| match it {
        SyntaxElement::Node(node) => node.kind() == SyntaxKind::CUSTOM_OP,
        SyntaxElement::Token(token) => !token.kind().is_trivia(),
    });
    let sign: String = parts.map(|it| it.to_string()).collect();
    let is_sign = !sign.is_empty() && sign.chars().all(|it| "+-*/<>=~!@#%^&|`?".contains(it));
    is_sign.then_some(sign)
}

/// In plain SQL nobody says what extensions bring.
fn may_be_extension(known: &Known) -> bool {
    !known.is_complete() && !known.extension_schemas().is_empty()
}

/// Functions that tell of the path itself.
const TELLING: [&str; 5] = [
    "current_schema",
    "current_schemas",
    "pg_function_is_visible",
    "pg_table_is_visible",
    "pg_type_is_visible",
];

/// Functions, and types to cast to, that look up names which only the run brings.
const LOOKUPS: [&str; 20] = [
    "currval",
    "nextval",
    "pg_get_serial_sequence",
    "regclass",
    "regcollation",
    "regconfig",
    "regdictionary",
    "regoper",
    "regoperator",
    "regproc",
    "regprocedure",
    "regtype",
    "setval",
    "to_regclass",
    "to_regcollation",
    "to_regoper",
    "to_regoperator",
    "to_regproc",
    "to_regprocedure",
    "to_regtype",
];

/// Whether what `node` yields depends on the path, apart from names that stand there.
fn asks_for_path(node: &SyntaxNode) -> bool {
    let (named, operand) = match node.kind() {
        SyntaxKind::NAME_REF => return node.text().to_string().eq_ignore_ascii_case("current_schema"),
        SyntaxKind::CAST_EXPR => (
            child(node, SyntaxKind::PATH_TYPE),
            child(node, SyntaxKind::LITERAL),
        ),
        _ => {
            let argument = child(node, SyntaxKind::ARG_LIST).and_then(|it| it.first_child());
            (node.first_child(), argument.and_then(|it| it.first_child()))
        }
    };
    let Some(name) = named.and_then(|it| it.descendants().last()) else {
        return false;
    };
    let name = ast::normalize_name_node(&name);
    let is_literal = operand.is_some_and(|it| it.kind() == SyntaxKind::LITERAL);
    TELLING.contains(&name.as_str()) || (!is_literal && LOOKUPS.contains(&name.as_str()))
}

/// Whether something in `tree` looks up an operator without a sign.
fn implies_operators(tree: &SyntaxNode) -> bool {
    let tokens = tree
        .descendants_with_tokens()
        .filter_map(SyntaxElement::into_token);
    tokens.into_iter().any(|it| {
        matches!(
            it.kind(),
            SyntaxKind::IN_KW
                | SyntaxKind::BETWEEN_KW
                | SyntaxKind::LIKE_KW
                | SyntaxKind::ILIKE_KW
                | SyntaxKind::CASE_KW
                | SyntaxKind::NULLIF_KW
                | SyntaxKind::DISTINCT_KW
                | SyntaxKind::USING_KW
                | SyntaxKind::NATURAL_KW
        )
    })
}
