//! One definition of a routine: who it is, what it leans on and what it calls.

use std::collections::HashSet;

use catalog::{QualifiedName, quote_ident};
use squawk_syntax::ast::normalize_name_node;
use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::Name;
use super::body::{Findings, read};
use crate::body::{self, Body, Language};
use crate::known::Known;
use crate::label;
use crate::reference::{self, Role};
use crate::rewriter::child;

/// What tells a definition from all others, under the source's names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Signature {
    pub(super) name: QualifiedName,
    pub(super) is_procedure: bool,
    /// Modes, names and types, as `ALTER FUNCTION` takes them.
    pub(super) arguments: String,
}

#[derive(Clone, Debug)]
pub(super) struct Definition {
    pub(super) signature: Signature,
    /// As [`label::object`] has it.
    pub(super) object: String,
    pub(super) findings: Findings,
    /// It has a path of its own, for itself and for what it calls.
    pub(super) has_path: bool,
    pub(super) is_pinned: bool,
    /// It would be pinned, if the source's path settled what its names mean.
    pub(super) is_unsettled: bool,
    /// What the defaults of its arguments call.
    pub(super) defaults: Vec<Name>,
    /// The number of the survey that found it.
    pub(super) survey: usize,
}

impl Definition {
    /// `None` when `statement` defines no routine that can be read.
    pub(super) fn of(statement: &SyntaxNode, known: &Known, survey: usize) -> Option<Self> {
        let signature = Signature::of(statement)?;
        let has_path = has_path(statement);
        let findings = if has_path {
            Findings::default()
        } else {
            findings(statement, known)
        };
        let parameters = child(statement, SyntaxKind::PARAM_LIST)?;
        Some(Definition {
            defaults: Findings::resolved(&parameters).routines_used,
            object: label::object(statement),
            signature,
            findings,
            has_path,
            is_pinned: false,
            is_unsettled: returns_trigger(statement),
            survey,
        })
    }

    /// A setting keeps a procedure from ending transactions, and undoes at its end what a body does to the path.
    pub(super) fn may_have_settings(&self) -> bool {
        let ends_transactions = self.signature.is_procedure && self.findings.controls_transactions;
        !ends_transactions && !self.findings.sets_path
    }

    /// Whether its body finds something by the search path. A transition table is no such thing: its trigger
    /// brings it along.
    pub(super) fn leans(&self, transition_tables: &HashSet<String>) -> bool {
        self.findings.leans
            || self
                .findings
                .relations
                .iter()
                .any(|it| !transition_tables.contains(it))
    }
}

impl Signature {
    pub(super) fn of(statement: &SyntaxNode) -> Option<Self> {
        let whole = statement
            .children()
            .find(|it| matches!(it.kind(), SyntaxKind::FUNCTION_NAME | SyntaxKind::PROCEDURE_NAME))?;
        let path = child(&whole, SyntaxKind::PATH)?;
        let mut names: Vec<String> = path
            .descendants()
            .filter(|it| matches!(it.kind(), SyntaxKind::PATH_SEGMENT | SyntaxKind::PATH_SEGMENT_REF))
            .map(|it| normalize_name_node(&it))
            .collect();
        let name = names.pop()?;
        let parameters = child(statement, SyntaxKind::PARAM_LIST)?;
        let arguments: Vec<String> = parameters
            .children()
            .filter(|it| it.kind() == SyntaxKind::PARAM)
            .map(|it| without_default(&it))
            .collect();
        Some(Signature {
            name: QualifiedName::new(names.pop().unwrap_or_default(), name),
            is_procedure: statement.kind() == SyntaxKind::CREATE_PROCEDURE,
            arguments: arguments.join(", "),
        })
    }

    /// `FUNCTION name(arguments)`
    pub(super) fn text(&self) -> String {
        let kind = if self.is_procedure {
            "PROCEDURE"
        } else {
            "FUNCTION"
        };
        let schema = quote_ident(&self.name.schema);
        let name = quote_ident(&self.name.name);
        format!("{kind} {schema}.{name}({})", self.arguments)
    }
}

fn without_default(parameter: &SyntaxNode) -> String {
    let text = parameter.text().to_string();
    match child(parameter, SyntaxKind::PARAM_DEFAULT) {
        Some(default) => {
            let length = default.text_range().start() - parameter.text_range().start();
            text[..usize::from(length)].trim_end().to_owned()
        }
        None => text,
    }
}

pub(super) fn is_routine(statement: &SyntaxNode) -> bool {
    matches!(
        statement.kind(),
        SyntaxKind::CREATE_FUNCTION | SyntaxKind::CREATE_PROCEDURE
    )
}

fn has_path(statement: &SyntaxNode) -> bool {
    let options = child(statement, SyntaxKind::FUNC_OPTION_LIST);
    let mut parameters = options
        .into_iter()
        .flat_map(|it| it.descendants())
        .filter(|it| it.kind() == SyntaxKind::CONFIG_PARAMETER_REF);
    parameters.any(|it| it.text().to_string().eq_ignore_ascii_case("search_path"))
}

/// Why a routine that PostgreSQL calls by itself is not pinned to `path`.
pub(super) fn unsettled_reason(definition: &Definition, path: &[String]) -> String {
    let Some(unsettled) = &definition.findings.unsettled else {
        return String::new();
    };
    format!(
        "{} stands in {}: the caller's search_path decides, so nothing is pinned to {}",
        unsettled.name,
        unsettled.schemas.join(", "),
        path.join(", ")
    )
}

/// A trigger function will be called by a trigger, which plain SQL makes only after the rows.
fn returns_trigger(statement: &SyntaxNode) -> bool {
    child(statement, SyntaxKind::RET_TYPE).is_some_and(|it| {
        let text = it.text().to_string().to_ascii_lowercase();
        text.split_whitespace().last() == Some("trigger")
    })
}

fn findings(statement: &SyntaxNode, known: &Known) -> Findings {
    let Some(body) = Body::of(statement) else {
        // An SQL-standard body: PostgreSQL has looked up its names already.
        return Findings::resolved(statement);
    };
    let Some(text) = body.literal.decoded_value() else {
        return Findings::default();
    };
    let tree = match &body.language {
        Language::Symbol => return Findings::default(),
        Language::Sql => body::parse_sql(text.text()).ok(),
        Language::Plpgsql => body::parse_plpgsql(text.text()).ok(),
        Language::Other(_) => None,
    };
    tree.map_or_else(Findings::unreadable, |it| read(&it, known))
}

impl Findings {
    /// What cannot be read may lean, and may control transactions.
    fn unreadable() -> Self {
        Findings {
            leans: true,
            controls_transactions: true,
            ..Findings::default()
        }
    }

    /// What SQL uses whose names are all qualified where they must be.
    pub(super) fn resolved(statement: &SyntaxNode) -> Self {
        let mut findings = Findings::default();
        findings.take_qualified(statement);
        findings
    }

    pub(super) fn take_qualified(&mut self, root: &SyntaxNode) {
        for reference in reference::names(root).filter(|it| !it.defines) {
            if let Role::Object(space) = reference.role {
                let name = Name {
                    schema: Some(reference.schema),
                    name: reference.name,
                };
                self.take_use(space, name);
            }
        }
    }
}

/// The offset of `AS` in the statement: settings stand before it.
pub(super) fn place_of_setting(statement: &SyntaxNode) -> Option<usize> {
    let options = child(statement, SyntaxKind::FUNC_OPTION_LIST)?;
    let definition = child(&options, SyntaxKind::AS_FUNC_OPTION)?;
    Some(usize::from(definition.text_range().start()))
}

/// The setting for insertion behind `before`, so that it and what follows each begin a line, as in `pg_dump`.
pub(super) fn line_of_its_own(setting: &str, before: &str) -> String {
    let line = before.rfind('\n').map_or(before, |at| &before[at + 1..]);
    if before.contains('\n') && line.trim().is_empty() {
        format!("{setting}\n{line}")
    } else {
        format!("\n    {setting}\n    ")
    }
}
