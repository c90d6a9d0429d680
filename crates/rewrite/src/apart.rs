//! What stands apart from a source's schemas: publications, subscriptions, event triggers and default privileges,
//! statement by statement.

use std::fmt;

use catalog::quote_literal;
use squawk_syntax::ast::normalize_name_node;
use squawk_syntax::{SyntaxKind, SyntaxNode};

use crate::parse::Parsed;
use crate::split::split;

/// Kinds as PostgreSQL's manual names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ApartKind {
    DefaultPrivileges,
    Publication,
    Subscription,
    EventTrigger,
}

impl ApartKind {
    /// All of a kind, for a sentence.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            ApartKind::DefaultPrivileges => "default privileges",
            ApartKind::Publication => "publications",
            ApartKind::Subscription => "subscriptions",
            ApartKind::EventTrigger => "event triggers",
        }
    }
}

impl fmt::Display for ApartKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}

/// One statement about something that stands apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApartStatement {
    pub kind: ApartKind,
    /// As it is to be run: a subscription without a slot, switched off.
    pub sql: String,
    /// The publication, subscription or event trigger that it is about.
    pub name: Option<String>,
    /// It makes that object.
    pub creates: bool,
    /// It reaches beyond the schemas or the tables that it names: a publication `FOR ALL TABLES` or for
    /// `TABLES IN SCHEMA`, as only a superuser may have it, and default privileges without a schema.
    pub reaches_all: bool,
    /// Roles that it names.
    pub roles: Vec<String>,
    /// Those of `roles` whose later objects it is about.
    pub of_roles: Vec<String>,
}

/// The statements of `sql`; settings of the session are left out.
pub fn apart_statements(sql: &str) -> Vec<ApartStatement> {
    let pieces = split(sql);
    let parsed = pieces.iter().map(|piece| Parsed::new(sql, piece));
    parsed
        .filter_map(|it| apart_statement(&it.statement()?, it.text))
        .collect()
}

fn apart_statement(statement: &SyntaxNode, text: &str) -> Option<ApartStatement> {
    use SyntaxKind as K;
    let kind = kind_of(statement)?;
    let names: &[SyntaxKind] = match kind {
        ApartKind::Publication => &[K::PUBLICATION, K::PUBLICATION_REF],
        ApartKind::Subscription => &[K::SUBSCRIPTION, K::SUBSCRIPTION_REF],
        ApartKind::EventTrigger => &[K::EVENT_TRIGGER, K::EVENT_TRIGGER_REF],
        ApartKind::DefaultPrivileges => &[],
    };
    let is_list = |it: &SyntaxNode| it.kind() == K::ROLE_REF;
    let roles = |node: &SyntaxNode| {
        node.descendants()
            .filter(is_list)
            .filter_map(|it| role(&it))
            .collect()
    };
    Some(ApartStatement {
        kind,
        sql: if statement.kind() == K::CREATE_SUBSCRIPTION {
            detached(statement, text)
        } else {
            text.to_owned()
        },
        name: statement
            .descendants()
            .find(|it| names.contains(&it.kind()))
            .map(|it| normalize_name_node(&it)),
        creates: matches!(
            statement.kind(),
            K::CREATE_PUBLICATION | K::CREATE_SUBSCRIPTION | K::CREATE_EVENT_TRIGGER
        ),
        reaches_all: match kind {
            ApartKind::DefaultPrivileges => !statement.children().any(|it| it.kind() == K::IN_SCHEMAS),
            _ => statement.descendants().any(|it| {
                matches!(
                    it.kind(),
                    K::FOR_ALL_PUBLICATION_OBJECTS | K::PUBLICATION_OBJECT_TABLES_IN_SCHEMA
                )
            }),
        },
        roles: roles(statement),
        of_roles: statement
            .children()
            .find(|it| it.kind() == K::FOR_ROLES)
            .map(|it| roles(&it))
            .unwrap_or_default(),
    })
}

fn kind_of(statement: &SyntaxNode) -> Option<ApartKind> {
    use SyntaxKind as K;
    let about = |node: &SyntaxNode| {
        node.children().find_map(|it| match it.kind() {
            K::OBJECT_PUBLICATION => Some(ApartKind::Publication),
            K::OBJECT_SUBSCRIPTION => Some(ApartKind::Subscription),
            K::OBJECT_EVENT_TRIGGER => Some(ApartKind::EventTrigger),
            _ => None,
        })
    };
    match statement.kind() {
        K::CREATE_PUBLICATION | K::ALTER_PUBLICATION => Some(ApartKind::Publication),
        K::CREATE_SUBSCRIPTION | K::ALTER_SUBSCRIPTION => Some(ApartKind::Subscription),
        K::CREATE_EVENT_TRIGGER | K::ALTER_EVENT_TRIGGER => Some(ApartKind::EventTrigger),
        K::ALTER_DEFAULT_PRIVILEGES => Some(ApartKind::DefaultPrivileges),
        K::COMMENT_ON | K::SECURITY_LABEL => about(statement),
        _ => None,
    }
}

/// PUBLIC is no role.
fn role(node: &SyntaxNode) -> Option<String> {
    let written = node.text().to_string();
    let is_public = written.trim().eq_ignore_ascii_case("public");
    let name = node.children().next().unwrap_or_else(|| node.clone());
    (!is_public).then(|| normalize_name_node(&name))
}

/// The statement for a database that must neither connect to the publisher nor take the source's slot.
fn detached(statement: &SyntaxNode, text: &str) -> String {
    const OURS: [&str; 5] = ["connect", "enabled", "create_slot", "copy_data", "slot_name"];
    let list = statement
        .descendants()
        .find(|it| it.kind() == SyntaxKind::ATTRIBUTE_LIST);
    let name = |option: &SyntaxNode| {
        option
            .text()
            .to_string()
            .split('=')
            .next()
            .map(|it| it.trim().to_owned())
    };
    let kept = list.iter().flat_map(SyntaxNode::children).filter(|option| {
        let name = name(option).unwrap_or_default().to_ascii_lowercase();
        !OURS.contains(&name.trim_matches('"'))
    });
    let mut options = vec!["connect = false".to_owned(), "slot_name = NONE".to_owned()];
    options.extend(kept.map(|it| it.text().to_string()));
    let with = format!("({})", options.join(", "));
    match list {
        Some(list) => {
            let range = list.text_range();
            let (start, end) = (usize::from(range.start()), usize::from(range.end()));
            format!("{}{with}{}", &text[..start], &text[end..])
        }
        None => format!("{} WITH {with};", text.trim_end().trim_end_matches(';')),
    }
}

/// Providers of the security labels that `sql` gives, sorted; `None` stands for the only one that there is.
pub fn label_providers(sql: &str) -> Vec<Option<String>> {
    if !sql.contains("SECURITY LABEL") {
        return Vec::new();
    }
    let pieces = split(sql);
    let labels = pieces
        .iter()
        .filter(|piece| sql[piece.range.clone()].starts_with("SECURITY LABEL"))
        .filter_map(|piece| Parsed::new(sql, piece).statement())
        .filter(|it| it.kind() == SyntaxKind::SECURITY_LABEL);
    let provider = |statement: SyntaxNode| {
        let clause = statement
            .children()
            .find(|it| it.kind() == SyntaxKind::FOR_PROVIDER)?;
        let name = clause.children().next()?;
        Some(match squawk_syntax::ast::AstNode::cast(name.clone()) {
            Some(literal) => squawk_syntax::ast::Literal::string_value(&literal).unwrap_or_default(),
            None => normalize_name_node(&name),
        })
    };
    let mut providers: Vec<Option<String>> = labels.map(provider).collect();
    providers.sort();
    providers.dedup();
    providers
}

/// `FOR 'provider'`, or nothing.
pub fn for_provider(provider: Option<&str>) -> String {
    provider.map_or(String::new(), |it| {
        format!(" FOR {}", quote_literal(it).trim_start())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The statement's kind, its object (with a plus where it makes it, with a star where it reaches all), and its
    /// roles, those whose objects it is about before a bar.
    fn check(sql: &str, kind: ApartKind, name: &str, roles: &str) {
        let found = apart_statements(&format!("SET a = b;\n-- x\n{sql}\nSELECT 1;"));
        let [found] = found.as_slice() else {
            panic!("{sql}: {found:?}")
        };
        let creates = if found.creates { "+" } else { "" };
        let reaches = if found.reaches_all { "*" } else { "" };
        let shown = format!("{creates}{reaches}{}", found.name.as_deref().unwrap_or_default());
        assert_eq!((found.kind, shown.as_str()), (kind, name), "{sql}");
        let (of_roles, all) = (found.of_roles.join(" "), found.roles.join(" "));
        assert_eq!(format!("{of_roles}|{all}"), roles, "{sql}");
        assert_eq!(found.sql, sql);
    }

    #[test]
    fn statements_say_what_they_are_about() {
        use ApartKind::{DefaultPrivileges, EventTrigger, Publication, Subscription};
        for (sql, kind, name) in [
            (
                "CREATE PUBLICATION \"P q\" WITH (publish = 'insert');",
                Publication,
                "+P q",
            ),
            ("CREATE PUBLICATION p FOR ALL TABLES;", Publication, "+*p"),
            ("ALTER PUBLICATION p ADD TABLES IN SCHEMA s;", Publication, "*p"),
            ("ALTER PUBLICATION p ADD TABLE ONLY s.t;", Publication, "p"),
            ("COMMENT ON PUBLICATION p IS 'x';", Publication, "p"),
            ("COMMENT ON SUBSCRIPTION u IS 'x';", Subscription, "u"),
            (
                "CREATE EVENT TRIGGER e ON ddl_command_end\n   EXECUTE FUNCTION s.f();",
                EventTrigger,
                "+e",
            ),
            ("ALTER EVENT TRIGGER e DISABLE;", EventTrigger, "e"),
            ("COMMENT ON EVENT TRIGGER e IS 'x';", EventTrigger, "e"),
        ] {
            check(sql, kind, name, "|");
        }
        for (sql, reaches, roles) in [
            (
                "ALTER DEFAULT PRIVILEGES FOR ROLE \"O o\" IN SCHEMA s GRANT SELECT ON TABLES TO r;",
                "",
                "O o|O o r",
            ),
            (
                "ALTER DEFAULT PRIVILEGES FOR ROLE o REVOKE ALL ON FUNCTIONS FROM PUBLIC;",
                "*",
                "o|o",
            ),
        ] {
            check(sql, DefaultPrivileges, reaches, roles);
        }
    }

    #[test]
    fn subscriptions_are_made_without_slot_and_connection() {
        for (options, kept) in [
            (
                " WITH (connect = false, slot_name = 'feed', binary = true)",
                ", binary = true",
            ),
            (" WITH (Slot_Name='feed', enabled = true)", ""),
            ("", ""),
        ] {
            let statement = format!("CREATE SUBSCRIPTION feed CONNECTION 'host=h' PUBLICATION p{options};");
            let found = &apart_statements(&statement)[0];
            assert_eq!(
                found.sql,
                format!(
                    "CREATE SUBSCRIPTION feed CONNECTION 'host=h' PUBLICATION p WITH (connect = false, slot_name = NONE{kept});"
                )
            );
            assert_eq!(found.name.as_deref(), Some("feed"));
        }
    }

    #[test]
    fn providers_of_labels_are_listed_once() {
        let sql =
            "SECURITY LABEL FOR dummy ON TABLE s.t IS 'a';\nSECURITY LABEL FOR 'Se x' ON COLUMN s.t.a IS 'b';
            SECURITY LABEL FOR dummy ON SCHEMA s IS 'c'; COMMENT ON TABLE s.t IS 'SECURITY LABEL';";
        assert_eq!(
            label_providers(sql),
            [Some("Se x".to_owned()), Some("dummy".to_owned())]
        );
        assert_eq!(for_provider(Some("Se x")), " FOR 'Se x'");
    }
}
