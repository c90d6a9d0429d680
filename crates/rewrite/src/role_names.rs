//! New names of roles inside SQL text: grants, default privileges, owners, policies, user mappings.
//!
//! A role that becomes none is taken out of every list, and a statement about nobody else goes with it. A policy for
//! nobody would be one for everybody, so that is refused. Roles in literals and in bodies are left alone, and a doubt
//! where the text asks for roles.

mod outside;
mod words;

use std::collections::BTreeSet;
use std::ops::Range;

use catalog::{Definition, RoleNames, Value, quote_ident, quote_literal, rename_roles_in_definitions};
use squawk_syntax::ast::{AstNode, Literal, normalize_name_node};
use squawk_syntax::{SyntaxKind, SyntaxNode};

use crate::body::Body;
use crate::label;
use crate::outcome::{Doubt, Note, Rewritten};
use crate::parse::Parsed;
use crate::rewriter::{Outcome, child};
use crate::split::split;
use crate::statement_pass::{Change, Concern};
use words::{ABOUT_ROLES, is_about_roles, mention};

pub use outside::{roles_in_rows, roles_in_settings};

/// What came of new names for roles.
#[derive(Debug)]
pub struct RolesRenamed {
    pub rewritten: Rewritten,
    /// Policies that name only roles which become none: `name on schema.table`.
    pub for_nobody: Vec<String>,
    /// Roles with another name, or none, that the text names.
    pub seen: BTreeSet<String>,
}

/// Gives the roles in all statements of `sql` their new names. A statement that goes leaves its lines empty, so that
/// those of the others stay.
pub fn rename_roles(sql: &str, names: &RoleNames) -> RolesRenamed {
    let mut outcome = Outcome::new(sql);
    let (mut for_nobody, mut seen) = (Vec::new(), BTreeSet::new());
    let (mut doubts, mut notes) = (Vec::new(), Vec::new());
    for piece in split(sql) {
        let text = &sql[piece.range.clone()];
        if mention(text, names).is_none() {
            continue;
        }
        let parsed = Parsed::new(sql, &piece);
        let statement = match (parsed.statement(), parsed.error()) {
            (Some(statement), None) => statement,
            (_, error) => {
                let error = error.unwrap_or("it is nested too deeply").to_owned();
                doubts.extend(unread(&parsed, &error, names, &outcome));
                continue;
            }
        };
        let mut pass = Pass::new(names, &parsed);
        pass.roles(&statement);
        pass.parameters(&statement);
        pass.texts(&statement);
        let object = label::object(&statement);
        if pass.is_for_nobody {
            for_nobody.push(object.clone());
        }
        seen.append(&mut pass.seen);
        notes.extend(pass.notes.into_iter().map(|it| Note {
            line: outcome.line(it.offset),
            body_line: None,
            object: object.clone(),
            text: it.reason,
        }));
        outcome.take_pass(&object, pass.changes, pass.concerns);
    }
    let mut rewritten = outcome.finish();
    rewritten.doubts.append(&mut doubts);
    rewritten.notes.append(&mut notes);
    RolesRenamed {
        rewritten,
        for_nobody,
        seen,
    }
}

/// Gives roles their new names in all that `definitions` say.
pub fn rename_roles_of_definitions(definitions: &mut Vec<Definition>, names: &RoleNames) {
    if names.is_empty() {
        return;
    }
    rename_roles_in_definitions(definitions, names);
    for property in definitions.iter_mut().flat_map(|it| &mut it.properties) {
        if let Value::Statement(sql) | Value::Written(sql) = &mut property.value {
            *sql = rename_roles(sql, names).rewritten.text;
        }
    }
}

fn unread(parsed: &Parsed<'_>, error: &str, names: &RoleNames, outcome: &Outcome<'_>) -> Option<Doubt> {
    let (_, name) = mention(parsed.text, names).filter(|_| is_about_roles(parsed.text))?;
    Some(Doubt {
        object: label::beginning(parsed.text),
        line: outcome.line(parsed.range.start),
        body_line: None,
        reason: format!("the statement cannot be read ({error}) and mentions role {name}"),
    })
}

/// One statement under way; offsets are those of the whole text.
struct Pass<'a> {
    names: &'a RoleNames,
    parsed: &'a Parsed<'a>,
    changes: Vec<Change>,
    concerns: Vec<Concern>,
    notes: Vec<Concern>,
    seen: BTreeSet<String>,
    is_for_nobody: bool,
}

impl<'a> Pass<'a> {
    fn new(names: &'a RoleNames, parsed: &'a Parsed<'a>) -> Self {
        Pass {
            names,
            parsed,
            changes: Vec::new(),
            concerns: Vec::new(),
            notes: Vec::new(),
            seen: BTreeSet::new(),
            is_for_nobody: false,
        }
    }

    /// Roles where the grammar has them.
    fn roles(&mut self, statement: &SyntaxNode) {
        let is_privilege = |node: &SyntaxNode| {
            let parent = node.parent().map(|it| it.kind());
            parent == Some(SyntaxKind::REVOKE_COMMAND)
        };
        let of_kind = |node: &SyntaxNode| {
            matches!(node.kind(), SyntaxKind::ROLE_REF | SyntaxKind::ROLE) && !is_privilege(node)
        };
        let mut lists: Vec<SyntaxNode> = Vec::new();
        for role in statement.descendants().filter(of_kind) {
            let list = role
                .parent()
                .filter(|it| it.kind() == SyntaxKind::ROLE_REF_LIST)
                .unwrap_or(role);
            if !lists.contains(&list) {
                lists.push(list);
            }
        }
        for list in lists {
            let roles: Vec<SyntaxNode> = if of_kind(&list) {
                vec![list.clone()]
            } else {
                list.children().filter(of_kind).collect()
            };
            self.list(&list, &roles);
        }
    }

    fn list(&mut self, list: &SyntaxNode, roles: &[SyntaxNode]) {
        let old: Vec<Option<String>> = roles.iter().map(role_name).collect();
        let changed: Vec<&String> = old.iter().flatten().filter(|it| self.names.changes(it)).collect();
        if changed.is_empty() {
            return;
        }
        self.seen.extend(changed.into_iter().cloned());
        let mut new: Vec<String> = Vec::new();
        for (role, name) in roles.iter().zip(&old) {
            let written = match name {
                Some(name) if self.names.changes(name) => self.names.of(name).map(quote_ident),
                _ => Some(role.text().to_string().trim().to_owned()),
            };
            new.extend(written.filter(|it| !new.contains(it)));
        }
        if new.is_empty() {
            self.leave_out(list);
        } else {
            let range = self.place(list);
            self.change(range, new.join(", "));
        }
    }

    /// Nobody is left in a list.
    fn leave_out(&mut self, list: &SyntaxNode) {
        let is_in = |kind| list.ancestors().any(|it| it.kind() == kind);
        if is_in(SyntaxKind::CREATE_POLICY) || is_in(SyntaxKind::ALTER_POLICY) {
            self.is_for_nobody = true;
        } else if is_in(SyntaxKind::GRANTED_BY_CLAUSE) {
            self.concerns.push(Concern {
                offset: self.place(list).start,
                reason: format!("who grants it becomes no role: {}", list.text()),
            });
        } else {
            let range = self.parsed.range.clone();
            let lines = self.parsed.text.matches('\n').count();
            self.changes.clear();
            self.change(range, "\n".repeat(lines));
        }
    }

    /// `SET role` of a routine.
    fn parameters(&mut self, statement: &SyntaxNode) {
        let settings = statement
            .descendants()
            .filter(|it| it.kind() == SyntaxKind::SET_CONFIG_PARAM);
        for setting in settings {
            let name = child(&setting, SyntaxKind::CONFIG_PARAMETER_REF).map(|it| it.text().to_string());
            if !name.is_some_and(|it| it.eq_ignore_ascii_case("role")) {
                continue;
            }
            let values = child(&setting, SyntaxKind::TO_CONFIG_VALUE);
            let Some(value) = values.and_then(|it| it.children().next()) else {
                continue;
            };
            let old = match Literal::cast(value.clone()) {
                Some(literal) => literal.string_value().unwrap_or_default(),
                None => normalize_name_node(&value),
            };
            if !self.names.changes(&old) {
                continue;
            }
            self.seen.insert(old.clone());
            let range = self.place(&value);
            match self.names.of(&old) {
                Some(new) => self.change(range, quote_literal(new).trim_start().to_owned()),
                None => self.concerns.push(Concern {
                    offset: range.start,
                    reason: format!("it runs as role {old}, which becomes none"),
                }),
            }
        }
    }

    /// Roles in literals and bodies, which nobody can follow.
    fn texts(&mut self, statement: &SyntaxNode) {
        if matches!(
            statement.kind(),
            SyntaxKind::COMMENT_ON | SyntaxKind::SECURITY_LABEL
        ) {
            return;
        }
        let body = Body::of(statement).map(|it| it.literal.syntax().clone());
        if let Some(body) = &body {
            let text = body.text().to_string();
            let start = self.place(body).start;
            self.doubt(&text, start, mention(&text, self.names));
        }
        let is_body = |node: &SyntaxNode| body.as_ref().is_some_and(|it| it == node);
        let mut found = None;
        for literal in statement.descendants().filter(|it| !is_body(it)) {
            let Some(text) = Literal::cast(literal.clone()).and_then(|it| it.string_value()) else {
                continue;
            };
            let range = self.place(&literal);
            let is_done = self.changes.iter().any(|it| it.range.start == range.start);
            if self.names.changes(&text) && !is_done {
                found = found.or(Some((range.start, text)));
            }
        }
        let Some((offset, name)) = found else { return };
        // The words that make the statement are no question for roles.
        if asks_for_roles(statement, body.as_ref()) {
            self.doubt_of(offset, &name);
        } else if statement.kind() == SyntaxKind::CREATE_POLICY {
            self.note(offset, &name);
        }
    }

    fn doubt(&mut self, text: &str, start: usize, found: Option<(usize, String)>) {
        let Some((offset, name)) = found else { return };
        if is_about_roles(text) {
            self.doubt_of(start + offset, &name);
        } else if text.contains(&format!("'{name}'")) {
            self.note(start + offset, &name);
        }
    }

    fn doubt_of(&mut self, offset: usize, name: &str) {
        self.seen.insert(name.to_owned());
        self.concerns.push(Concern {
            offset,
            reason: format!(
                "it asks for roles and mentions {name}, which becomes {}: that stays as it is",
                self.names.of(name).unwrap_or("none")
            ),
        });
    }

    fn note(&mut self, offset: usize, name: &str) {
        self.notes.push(Concern {
            offset,
            reason: format!("'{name}' stays, which is also what a role is called that gets another name"),
        });
    }

    fn change(&mut self, range: Range<usize>, new: String) {
        // A statement that goes takes everything in it along.
        let is_gone = |it: &Change| it.range.start <= range.start && range.end <= it.range.end;
        if !self.changes.iter().any(is_gone) {
            self.changes.push(Change {
                range,
                new,
                in_body: false,
            });
        }
    }

    fn place(&self, node: &SyntaxNode) -> Range<usize> {
        let (range, start) = (node.text_range(), self.parsed.range.start);
        start + usize::from(range.start())..start + usize::from(range.end())
    }
}

/// `None` for `CURRENT_USER` and its like.
fn role_name(role: &SyntaxNode) -> Option<String> {
    let keywords = [
        SyntaxKind::ROLE_REF_CURRENT_ROLE,
        SyntaxKind::ROLE_REF_CURRENT_USER,
        SyntaxKind::ROLE_REF_SESSION_USER,
    ];
    let name = child(role, SyntaxKind::ROLE_NAME_REF);
    let is_keyword = role.children().any(|it| keywords.contains(&it.kind()));
    (!is_keyword).then(|| normalize_name_node(&name.unwrap_or_else(|| role.clone())))
}

/// Whether an expression of the statement asks for roles; its own clauses do not count.
fn asks_for_roles(statement: &SyntaxNode, body: Option<&SyntaxNode>) -> bool {
    let is_own = |kind| {
        matches!(
            kind,
            SyntaxKind::ROLE_REF_LIST | SyntaxKind::ROLE_REF | SyntaxKind::OWNER_TO
        )
    };
    let tokens = statement
        .descendants_with_tokens()
        .filter_map(squawk_syntax::SyntaxElement::into_token);
    tokens
        .filter(|it| {
            !it.parent_ancestors()
                .any(|it| is_own(it.kind()) || Some(&it) == body)
        })
        .any(|it| {
            let text = it.text().trim_matches('"').to_ascii_lowercase();
            !matches!(text.as_str(), "alter" | "grant" | "revoke" | "owner")
                && ABOUT_ROLES.contains(&text.as_str())
        })
}

#[cfg(test)]
mod tests;
