//! What definitions ask of a server and of the role that runs them, told by their words alone: languages, features that
//! need a superuser, and features that older versions do not have.

use squawk_lexer::{TokenKind, tokenize};

use crate::label;
use crate::parse::Parsed;
use crate::split::{Piece, split};

/// Something that a definition needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Demand {
    /// The first object that needs it: `function shop.total()`.
    pub object: String,
    pub kind: DemandKind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DemandKind {
    /// USAGE on a language; on one that is not trusted only a superuser has it.
    Language(String),
    /// A superuser, for the reason that is given in a few words.
    Superuser(&'static str),
    /// A server of at least this version, as its first number; and the feature, as the manual calls it.
    Version { feature: &'static str, since: i32 },
}

/// Features by the words that stand next to each other where they are used, with the version that brought them.
/// Sources: the release notes of PostgreSQL 14 to 18.
const FEATURES: &[(&[&str], &str, i32)] = &[
    (&["SET", "COMPRESSION"], "COMPRESSION of a column", 14),
    (&["BEGIN", "ATOMIC"], "a routine with an SQL-standard body", 14),
    (&["MULTIRANGE_TYPE_NAME"], "multirange types", 14),
    (&["NULLS", "NOT", "DISTINCT"], "UNIQUE NULLS NOT DISTINCT", 15),
    (&["SECURITY_INVOKER"], "security_invoker views", 15),
    (&["MERGE", "INTO"], "MERGE", 15),
    (&["PROVIDER", "BUILTIN"], "collations of provider builtin", 17),
    (&["JSON_TABLE"], "JSON_TABLE", 17),
    (&["WITHOUT", "OVERLAPS"], "WITHOUT OVERLAPS keys", 18),
    (&["NOT", "ENFORCED"], "NOT ENFORCED constraints", 18),
];

/// What asks for something else than a table does, and is rarer.
const BEGINNINGS: [&str; 12] = [
    "CREATE FUNCTION",
    "CREATE PROCEDURE",
    "CREATE OR REPLACE",
    "CREATE TYPE",
    "CREATE OPERATOR",
    "ALTER OPERATOR",
    "CREATE TEXT SEARCH",
    "CREATE CAST",
    "CREATE AGGREGATE",
    "CREATE TRUSTED",
    "CREATE PROCEDURAL",
    "CREATE LANGUAGE",
];

/// Languages and superusers that the definitions in `sql` need, each with the first object that needs it; languages
/// once each.
pub fn demands(sql: &str) -> Vec<Demand> {
    let mut found: Vec<Demand> = Vec::new();
    for piece in split(sql) {
        let text = &sql[piece.range.clone()];
        if !BEGINNINGS.iter().any(|it| text.starts_with(it)) {
            continue;
        }
        for kind in of_statement(&words(text)) {
            let is_known = matches!(kind, DemandKind::Language(_)) && found.iter().any(|it| it.kind == kind);
            if !is_known {
                let object = object(sql, &piece);
                found.push(Demand { object, kind });
            }
        }
    }
    found
}

/// Features in `sql` that servers before `version` have not, each once, with the first object that needs it.
pub fn later_features(sql: &str, version: i32) -> Vec<Demand> {
    let mut found: Vec<Demand> = Vec::new();
    for piece in split(sql) {
        let words = words(&sql[piece.range.clone()]);
        for (sequence, feature, since) in FEATURES.iter().copied().filter(|(_, _, since)| *since > version) {
            let kind = DemandKind::Version { feature, since };
            if has_sequence(&words, sequence) && found.iter().all(|it| it.kind != kind) {
                let object = object(sql, &piece);
                found.push(Demand { object, kind });
            }
        }
    }
    found
}

/// Whether the words stand next to each other, at one depth of parentheses.
fn has_sequence(words: &[Word], sequence: &[&str]) -> bool {
    (0..words.len()).any(|start| {
        let depth = words[start].depth;
        let level = words[start..]
            .iter()
            .take_while(|it| it.depth >= depth)
            .filter(|it| it.depth == depth);
        let mut level = level.map(|it| it.text.as_str());
        sequence.iter().all(|wanted| level.next() == Some(wanted))
    })
}

fn object(sql: &str, piece: &Piece) -> String {
    let parsed = Parsed::new(sql, piece);
    parsed
        .statement()
        .map_or_else(|| label::beginning(parsed.text), |it| label::object(&it))
}

/// A word outside of strings and comments: in capitals, unless it is quoted.
#[derive(Debug)]
struct Word {
    text: String,
    /// Parentheses around it.
    depth: u32,
}

fn words(statement: &str) -> Vec<Word> {
    let (mut words, mut at, mut depth) = (Vec::new(), 0, 0_u32);
    for token in tokenize(statement) {
        let text = &statement[at..at + token.len as usize];
        at += token.len as usize;
        match token.kind {
            TokenKind::OpenParen => depth += 1,
            TokenKind::CloseParen => depth = depth.saturating_sub(1),
            TokenKind::Ident => words.push(Word {
                text: text.to_ascii_uppercase(),
                depth,
            }),
            TokenKind::QuotedIdent { .. } | TokenKind::Comma | TokenKind::Semi => words.push(Word {
                text: text.to_owned(),
                depth,
            }),
            _ => {}
        }
    }
    words
}

fn of_statement(words: &[Word]) -> Vec<DemandKind> {
    let texts: Vec<&str> = words.iter().take(6).map(|it| it.text.as_str()).collect();
    let outermost = || words.iter().filter(|it| it.depth == 0).map(|it| it.text.as_str());
    let superuser = |reason| vec![DemandKind::Superuser(reason)];
    match texts.as_slice() {
        ["CREATE", "OR", "REPLACE", "FUNCTION" | "PROCEDURE", ..]
        | ["CREATE", "FUNCTION" | "PROCEDURE", ..] => of_routine(words),
        ["CREATE", "TYPE", ..] if outermost().all(|it| it != "AS") => superuser("base types"),
        ["CREATE" | "ALTER", "OPERATOR", "CLASS" | "FAMILY", ..] => {
            superuser("operator classes and families")
        }
        ["CREATE", "TEXT", "SEARCH", "PARSER" | "TEMPLATE", ..] => {
            superuser("parsers and templates of text search")
        }
        ["CREATE", "CAST", ..] if outermost().any(|it| it == "WITHOUT") => {
            superuser("casts WITHOUT FUNCTION")
        }
        ["CREATE", "AGGREGATE", ..] if has_sequence(words, &["STYPE", "INTERNAL"]) => {
            superuser("aggregates whose state is internal")
        }
        ["CREATE", rest @ ..]
            if rest.contains(&"LANGUAGE") && rest.iter().all(|it| is_before_language(it, rest)) =>
        {
            superuser("languages")
        }
        _ => Vec::new(),
    }
}

/// Whether the word may stand in `CREATE OR REPLACE TRUSTED PROCEDURAL LANGUAGE name`.
fn is_before_language(word: &str, all: &[&str]) -> bool {
    let language = all.iter().position(|it| *it == "LANGUAGE");
    let place = all.iter().position(|it| *it == word);
    place >= language || ["OR", "REPLACE", "TRUSTED", "PROCEDURAL"].contains(&word)
}

/// What stands in parentheses are arguments; what follows `BEGIN ATOMIC` or `RETURN` is the body.
fn of_routine(words: &[Word]) -> Vec<DemandKind> {
    let mut demands = Vec::new();
    let outside = words.iter().filter(|it| it.depth == 0).map(|it| it.text.as_str());
    let options: Vec<&str> = outside
        .take_while(|it| *it != "BEGIN" && *it != "RETURN")
        .collect();
    for pair in options.windows(2) {
        match *pair {
            ["LANGUAGE", name] => demands.push(DemandKind::Language(plain(name))),
            [before, "LEAKPROOF"] if before != "NOT" => {
                demands.push(DemandKind::Superuser("LEAKPROOF functions"));
            }
            ["SUPPORT", _] => demands.push(DemandKind::Superuser("functions with SUPPORT")),
            _ => {}
        }
    }
    demands
}

/// A name as the catalog has it.
fn plain(word: &str) -> String {
    match word.strip_prefix('"').and_then(|it| it.strip_suffix('"')) {
        Some(quoted) => quoted.replace("\"\"", "\""),
        None => word.to_ascii_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(demands: Vec<Demand>) -> Vec<String> {
        demands
            .into_iter()
            .map(|it| format!("{}: {:?}", it.object, it.kind))
            .collect()
    }

    #[test]
    fn languages_and_superusers_are_found_in_definitions() {
        let sql = "CREATE FUNCTION s.f(language text) RETURNS text LANGUAGE plpgsql AS $$ LANGUAGE c LEAKPROOF $$;
            CREATE FUNCTION s.g() RETURNS int LANGUAGE \"plPerl\" NOT LEAKPROOF AS 'x';
            CREATE PROCEDURE s.h() LANGUAGE sql BEGIN ATOMIC SELECT language, leakproof FROM s.t; END;
            CREATE FUNCTION s.i() RETURNS int LANGUAGE plpgsql LEAKPROOF SUPPORT s.j AS 'x';
            CREATE TYPE s.e AS ENUM ('a'); CREATE TYPE s.shell; CREATE TYPE s.b (INPUT = s.i, OUTPUT = s.o);
            CREATE OPERATOR CLASS s.k FOR TYPE int4 USING btree AS STORAGE int4; CREATE OPERATOR s.+ (LEFTARG = int4);
            CREATE CAST (s.e AS text) WITHOUT FUNCTION; CREATE CAST (s.e AS text) WITH INOUT AS ASSIGNMENT;
            CREATE AGGREGATE s.a(int4) (SFUNC = s.f, STYPE = internal); CREATE TABLE s.language (language text);
            CREATE OR REPLACE PROCEDURAL LANGUAGE plpython3u;";
        let found = shown(demands(sql));
        let expected = [
            "Language(\"plpgsql\")",
            "Language(\"plPerl\")",
            "Language(\"sql\")",
            "LEAKPROOF",
            "SUPPORT",
            "type s.shell: Superuser(\"base types\")",
            "type s.b: Superuser(\"base types\")",
            "operator classes",
            "casts WITHOUT",
            "aggregates",
            "Superuser(\"languages\")",
        ];
        assert_eq!(found.len(), expected.len(), "{found:#?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.contains(expected), "{found} {expected}");
        }
    }

    #[test]
    fn features_of_later_versions_are_found() {
        let sql = "CREATE TABLE s.t (a int, PRIMARY KEY (a, b WITHOUT OVERLAPS), c int GENERATED ALWAYS AS (a) STORED);
            ALTER TABLE s.t ADD CONSTRAINT u UNIQUE NULLS NOT DISTINCT (a);
            ALTER TABLE ONLY s.t ALTER COLUMN a SET COMPRESSION lz4; COMMENT ON TABLE s.t IS 'NOT ENFORCED';
            CREATE VIEW s.v WITH (security_invoker='true') AS SELECT 1;";
        assert_eq!(later_features(sql, 18), []);
        assert_eq!(
            shown(later_features(sql, 15)),
            ["table s.t: Version { feature: \"WITHOUT OVERLAPS keys\", since: 18 }"]
        );
        assert_eq!(later_features(sql, 13).len(), 4);
    }
}
