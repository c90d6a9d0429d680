//! Passwords in SQL text. Each is cut by the smallest span that leaves a valid statement, and listed without
//! its value.

mod archived;
mod conninfo;
mod strings;

use std::ops::Range;

use catalog::quote_literal;
use squawk_syntax::ast::{AstNode, Literal, normalize_name_node};
use squawk_syntax::{SyntaxElement, SyntaxKind, SyntaxNode};

use crate::rewriter::child;
pub use archived::{Archivable, archivable, is_secret_setting};
pub(crate) use conninfo::is_secret_name;
use conninfo::{Conninfo, without_passwords};

/// A password that must go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    /// In the text of the statement.
    pub(crate) range: Range<usize>,
    /// What stands there instead.
    pub(crate) new: String,
}

/// What a statement holds that nobody may see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Secrets {
    /// In the order of the text.
    pub(crate) cuts: Vec<Cut>,
    /// Offsets of what stays and may be seen by people who should not, with the reason.
    pub(crate) doubts: Vec<(usize, &'static str)>,
}

/// Whether `statement` can hold a password, by its first words and by what it mentions.
pub(crate) fn may_hold(statement: &str) -> bool {
    is_of_secrets(statement) || is_definition(statement) && strings::may_hold_password(statement)
}

/// Rows, comments and messages are data: what is defined can hold a password that is used.
fn is_definition(statement: &str) -> bool {
    let first = statement.split_ascii_whitespace().next().unwrap_or_default();
    ["create", "alter", "do"]
        .iter()
        .any(|it| first.eq_ignore_ascii_case(it))
}

/// Whether `statement` is of a kind that has a place for passwords.
fn is_of_secrets(statement: &str) -> bool {
    let mut words = statement.split_ascii_whitespace().map(str::to_ascii_lowercase);
    let is_verb = words.next().is_some_and(|it| it == "create" || it == "alter");
    let nouns = ["role", "user", "group", "subscription", "server", "foreign"];
    is_verb
        && words.next().is_some_and(|it| {
            // A foreign table can be altered as a table.
            nouns.contains(&it.as_str()) || it == "table" && words.any(|it| it.starts_with("options"))
        })
}

/// Whether a statement that cannot be read may hold a password.
pub(crate) fn may_hide(statement: &str) -> bool {
    is_of_secrets(statement) && mentions_secret(statement)
        || is_definition(statement) && !strings::with_passwords(statement).is_empty()
}

/// The passwords of a statement that was read; `text` is all of it.
pub(crate) fn find(statement: &SyntaxNode, text: &str) -> Secrets {
    use SyntaxKind as K;
    let mut secrets = Secrets::default();
    match statement.kind() {
        K::CREATE_ROLE | K::ALTER_ROLE | K::CREATE_USER | K::ALTER_USER | K::CREATE_GROUP => {
            let options = [K::ROLE_OPTION_PASSWORD, K::ROLE_OPTION_ENCRYPTED_PASSWORD];
            let passwords = statement
                .descendants()
                .filter(|it| options.contains(&it.kind()))
                .filter(|it| it.children().any(|it| it.kind() == K::LITERAL));
            secrets
                .cuts
                .extend(passwords.map(|it| removal(from_space_before(&it))));
        }
        K::CREATE_SUBSCRIPTION | K::ALTER_SUBSCRIPTION => {
            let clauses = statement
                .children()
                .filter(|it| it.kind() == K::CONNECTION_CLAUSE);
            for literal in clauses.filter_map(|it| it.children().find_map(Literal::cast)) {
                secrets.connection(&literal);
            }
        }
        K::CREATE_USER_MAPPING
        | K::ALTER_USER_MAPPING
        | K::CREATE_SERVER
        | K::ALTER_SERVER
        | K::CREATE_FOREIGN_DATA_WRAPPER
        | K::ALTER_FOREIGN_DATA_WRAPPER
        | K::CREATE_FOREIGN_TABLE
        | K::ALTER_FOREIGN_TABLE
        | K::ALTER_TABLE => {
            let lists = [K::ALTER_OPTION_LIST, K::OPTION_ALTER_OPTION_LIST];
            for list in statement.descendants().filter(|it| lists.contains(&it.kind())) {
                secrets.options(statement, &list);
            }
        }
        _ => {}
    }
    // A string somewhere else stays, since what uses it would be broken.
    if secrets.is_empty() && is_definition(text) {
        let strings = strings::with_passwords(text).into_iter();
        secrets.doubts.extend(strings.map(|at| (at, HELD)));
    }
    secrets
}

const HELD: &str = "a string holds a password, and stays";
const UNREAD: &str = "the connection string cannot be read and mentions a password";

impl Secrets {
    pub(crate) fn is_empty(&self) -> bool {
        self.cuts.is_empty() && self.doubts.is_empty()
    }

    fn connection(&mut self, literal: &Literal) {
        let Some(value) = literal.string_value() else {
            return;
        };
        let range = range_of(literal.syntax());
        match without_passwords(&value) {
            Conninfo::Clean => {}
            Conninfo::Cut(rest) => self.cuts.push(Cut {
                range,
                new: quote_literal(&rest).trim_start().to_owned(),
            }),
            Conninfo::Unread => self.doubts.push((range.start, UNREAD)),
        }
    }

    /// `OPTIONS (…)`: the passwords with a comma beside them; all of it when nothing would be left.
    fn options(&mut self, statement: &SyntaxNode, list: &SyntaxNode) {
        let options: Vec<SyntaxNode> = list.children().collect();
        let is_secret: Vec<bool> = options.iter().map(holds_password).collect();
        if is_secret.iter().all(|it| *it) {
            if !options.is_empty() && !is_one_of_several_actions(list, statement) {
                self.cuts.push(removal(without_list(statement, list)));
                return;
            }
            let literals = options.iter().filter_map(|it| child(it, SyntaxKind::LITERAL));
            self.cuts.extend(literals.map(|it| Cut {
                range: range_of(&it),
                new: "''".to_owned(),
            }));
            return;
        }
        let mut kept_before = false;
        for (index, option) in options.iter().enumerate() {
            let Range { start, end } = range_of(option);
            if !is_secret[index] {
                kept_before = true;
                if let Some(literal) = option.children().find_map(Literal::cast) {
                    self.option_value(&literal);
                }
            } else if kept_before {
                self.cuts.push(removal(range_of(&options[index - 1]).end..end));
            } else {
                let next = options.get(index + 1).map_or(end, |it| range_of(it).start);
                self.cuts.push(removal(start..next));
            }
        }
    }

    /// Some wrappers take a whole connection string or URL as an option.
    fn option_value(&mut self, literal: &Literal) {
        let value = literal.string_value().unwrap_or_default();
        if let Conninfo::Cut(rest) = without_passwords(&value) {
            self.cuts.push(Cut {
                range: range_of(literal.syntax()),
                new: quote_literal(&rest).trim_start().to_owned(),
            });
        }
    }
}

fn holds_password(option: &SyntaxNode) -> bool {
    let named = matches!(
        option.kind(),
        SyntaxKind::ADD_FOREIGN_OPTION | SyntaxKind::SET_FOREIGN_OPTION
    );
    let name = option
        .children()
        .find(|it| it.kind() == SyntaxKind::FOREIGN_OPTION_NAME);
    named && name.is_some_and(|it| is_secret_name(&normalize_name_node(&it)))
}

/// Whether `ALTER TABLE` does something beside setting the options of `list`.
fn is_one_of_several_actions(list: &SyntaxNode, statement: &SyntaxNode) -> bool {
    let is_alter_table = matches!(
        statement.kind(),
        SyntaxKind::ALTER_FOREIGN_TABLE | SyntaxKind::ALTER_TABLE
    );
    let is_target = |it: &SyntaxNode| it.kind() == SyntaxKind::TABLE_RELATION_NAME;
    let is_around = |it: &SyntaxNode| it.text_range().contains_range(list.text_range());
    is_alter_table && statement.children().any(|it| !is_target(&it) && !is_around(&it))
}

/// An `ALTER … OPTIONS` has nothing else to say: without its options the whole statement goes.
fn without_list(statement: &SyntaxNode, list: &SyntaxNode) -> Range<usize> {
    let is_required = matches!(
        statement.kind(),
        SyntaxKind::ALTER_USER_MAPPING
            | SyntaxKind::ALTER_SERVER
            | SyntaxKind::ALTER_FOREIGN_DATA_WRAPPER
            | SyntaxKind::ALTER_FOREIGN_TABLE
            | SyntaxKind::ALTER_TABLE
    );
    if is_required {
        range_of(statement)
    } else {
        from_space_before(list)
    }
}

fn removal(range: Range<usize>) -> Cut {
    Cut {
        range,
        new: String::new(),
    }
}

/// The node with the white space before it.
fn from_space_before(node: &SyntaxNode) -> Range<usize> {
    let Range { start, end } = range_of(node);
    let before = node.prev_sibling_or_token().or_else(|| {
        // The first option of a list: the space stands before the list.
        node.parent().and_then(|it| it.prev_sibling_or_token())
    });
    match before {
        Some(SyntaxElement::Token(token)) if token.kind() == SyntaxKind::WHITESPACE => {
            usize::from(token.text_range().start())..end
        }
        _ => start..end,
    }
}

fn range_of(node: &SyntaxNode) -> Range<usize> {
    let range = node.text_range();
    range.start().into()..range.end().into()
}

/// Whether a word of it can be the name of a secret.
fn mentions_secret(text: &str) -> bool {
    let is_name = |it: char| it.is_alphanumeric() || matches!(it, '_' | '-');
    text.split(|it| !is_name(it)).any(is_secret_name)
}

#[cfg(test)]
mod tests {
    use plan::Mapping;

    use crate::{Known, Rewriter};

    /// The text without its passwords, whatever the mapping is; `CANARY` is the password.
    fn check(sql: &str, expected: &str, secret_count: usize) {
        for map in [vec![], vec!["public=x".to_owned()]] {
            let mapping = Mapping::new(None, &map).expect("the pair is valid");
            let rewritten = Rewriter::new(mapping, Known::from_sql(""))
                .expect("the mapping fits")
                .rewrite(sql);
            assert_eq!(rewritten.text, expected);
            assert_eq!(rewritten.secrets.len(), secret_count, "{sql}");
            assert!(rewritten.doubts.is_empty(), "{:?}", rewritten.doubts);
            let said = format!(
                "{:?} {:?} {:?}",
                rewritten.edits, rewritten.notes, rewritten.secrets
            );
            assert!(!said.contains("CANARY"), "{said}");
            let read = crate::parse::single_statement(expected.trim_end_matches(';'));
            assert!(read.is_some() || expected.is_empty(), "{expected}");
        }
    }

    #[test]
    fn passwords_of_roles_are_cut() {
        check(
            "ALTER ROLE a WITH LOGIN PASSWORD 'CANARY' VALID UNTIL 'infinity';",
            "ALTER ROLE a WITH LOGIN VALID UNTIL 'infinity';",
            1,
        );
        check(
            "CREATE USER a WITH ENCRYPTED PASSWORD E'CANARY\\'';",
            "CREATE USER a WITH;",
            1,
        );
        check("ALTER ROLE a PASSWORD 'CANARY';", "ALTER ROLE a;", 1);
        check("ALTER ROLE a PASSWORD NULL;", "ALTER ROLE a PASSWORD NULL;", 0);
        check("CREATE ROLE password LOGIN;", "CREATE ROLE password LOGIN;", 0);
    }

    #[test]
    fn passwords_of_user_mappings_and_servers_are_cut() {
        let mapping = "CREATE USER MAPPING FOR bob SERVER s";
        check(
            &format!("{mapping} OPTIONS (\n    password 'CANARY',\n    \"user\" 'u'\n);"),
            &format!("{mapping} OPTIONS (\n    \"user\" 'u'\n);"),
            1,
        );
        check(
            &format!("{mapping} OPTIONS (a 'b', password 'CANARY', c 'd', \"SslPassword\" 'CANARY');"),
            &format!("{mapping} OPTIONS (a 'b', c 'd');"),
            2,
        );
        check(
            &format!("{mapping} OPTIONS (\n    password 'CANARY'\n);"),
            &format!("{mapping};"),
            1,
        );
        check(
            "ALTER USER MAPPING FOR PUBLIC SERVER s OPTIONS (SET password 'CANARY', ADD a 'b', DROP password);",
            "ALTER USER MAPPING FOR PUBLIC SERVER s OPTIONS (ADD a 'b', DROP password);",
            1,
        );
        check("ALTER SERVER s OPTIONS (SET password 'CANARY');", "", 1);
        check(
            "CREATE SERVER s FOREIGN DATA WRAPPER w OPTIONS (url 'http://u:CANARY@h/', password_required 'false');",
            "CREATE SERVER s FOREIGN DATA WRAPPER w OPTIONS (url 'http://u@h/', password_required 'false');",
            1,
        );
    }

    #[test]
    fn passwords_of_foreign_tables_are_cut() {
        check(
            "CREATE FOREIGN TABLE s.t (a text OPTIONS (secret 'CANARY') NOT NULL, b text OPTIONS (key 'true'))
SERVER s OPTIONS (url 'h', api_key 'CANARY');",
            "CREATE FOREIGN TABLE s.t (a text NOT NULL, b text OPTIONS (key 'true'))
SERVER s OPTIONS (url 'h');",
            2,
        );
        for table in ["ALTER FOREIGN TABLE ONLY s.t", "ALTER TABLE s.t"] {
            check(
                &format!("{table} OPTIONS (SET a 'b', ADD sa_key 'CANARY', DROP token);"),
                &format!("{table} OPTIONS (SET a 'b', DROP token);"),
                1,
            );
            let column = "ALTER COLUMN c OPTIONS (credentials 'CANARY')";
            check(&format!("{table} {column};"), "", 1);
            check(
                &format!("{table} {column}, OPTIONS (ADD private_key 'CANARY');"),
                &format!("{table} ALTER COLUMN c OPTIONS (credentials ''), OPTIONS (ADD private_key '');"),
                2,
            );
        }
    }

    #[test]
    fn passwords_in_other_strings_are_doubts_by_line() {
        let literal = "'host=h password=CANARY'";
        let quoted = "E'SELECT 1 FROM dblink(\\'password=CANARY\\')'";
        for (sql, lines) in [
            (format!("CREATE VIEW s.v AS\nSELECT dblink({literal}, 'x') AS a;"), &[2][..]),
            (format!("CREATE FUNCTION s.f() RETURNS void LANGUAGE plpgsql AS $$\nBEGIN\nPERFORM dblink_connect({literal});\nEND $$;"), &[3]),
            (format!("CREATE FUNCTION s.f() RETURNS void LANGUAGE sql\nAS {quoted};"), &[2]),
            ("CREATE FUNCTION s.f() RETURNS void LANGUAGE plpython3u AS $$\na = 1\nget(\"https://u:CANARY@h/\")\n$$;".to_owned(), &[3]),
            ("CREATE TABLE s.t (a text DEFAULT 'http://h',\nb text DEFAULT 'http://u:CANARY@h');".to_owned(), &[2]),
            ("CREATE FUNCTION s.f() FROBNICATE AS 'password=CANARY';".to_owned(), &[1]),
            (format!("COMMENT ON TABLE s.t IS {literal}; INSERT INTO s.t VALUES ({literal});"), &[]),
        ] {
            for map in [vec![], vec!["s=x".to_owned()]] {
                let mapping = Mapping::new(None, &map).expect("the pair is valid");
                let rewritten = Rewriter::new(mapping, Known::from_sql(""))
                    .expect("the mapping fits")
                    .rewrite(&sql);
                assert!(rewritten.text.contains("CANARY"), "{}", rewritten.text);
                let doubts = rewritten.doubts.iter().filter(|it| it.reason.contains("password"));
                assert_eq!(doubts.map(|it| it.line).collect::<Vec<_>>(), lines, "{sql}");
                let said = format!("{:?} {:?} {:?}", rewritten.edits, rewritten.notes, rewritten.doubts);
                assert!(!said.contains("CANARY"), "{said}");
            }
        }
    }

    #[test]
    fn passwords_of_subscriptions_are_cut() {
        for (connection, expected) in [
            ("'host=h password=CANARY dbname=d'", "'host=h dbname=d'"),
            ("'password = ''a \\'' CANARY'' host=h'", "'host=h'"),
            (
                "$$postgresql://u:CANARY@h/d?a=b&password=CANARY$$",
                "'postgresql://u@h/d?a=b'",
            ),
            ("E'host=h\\npassword=CANARY'", "'host=h'"),
        ] {
            check(
                &format!("CREATE SUBSCRIPTION u CONNECTION {connection} PUBLICATION p;"),
                &format!("CREATE SUBSCRIPTION u CONNECTION {expected} PUBLICATION p;"),
                1,
            );
            check(
                &format!("ALTER SUBSCRIPTION u CONNECTION {connection};"),
                &format!("ALTER SUBSCRIPTION u CONNECTION {expected};"),
                1,
            );
        }
        let without = "CREATE SUBSCRIPTION u CONNECTION 'host=h user=password passfile=p' PUBLICATION p;";
        check(without, without, 0);
    }

    #[test]
    fn what_cannot_be_read_and_may_hold_a_password_is_a_doubt() {
        for sql in [
            "ALTER ROLE a UNENCRYPTED PASSWORD'CANARY';",
            "CREATE ROLE PASSWORD'CANARY' 'x';",
            "CREATE USER MAPPING SERVER s OPTIONS (password 'CANARY');",
            "ALTER SUBSCRIPTION u CONNECTION 'password=''CANARY';",
        ] {
            let rewritten = Rewriter::new(Mapping::default(), Known::from_sql(""))
                .expect("the mapping fits")
                .rewrite(sql);
            assert_eq!(rewritten.doubts.len(), 1, "{sql}");
            let said = format!("{:?}", rewritten.doubts);
            assert!(said.contains("password") && !said.contains("CANARY"), "{said}");
        }
    }
}
