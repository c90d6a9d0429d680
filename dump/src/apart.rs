//! What goes into an archive and is applied on request only: what stands apart from the schemas, and settings.

use archive::SchemaMember;
use catalog::Setting;
use cli::{Failure, Result};
use database::postgres::{SchemaText, Snapshot, read_settings};
use rewrite::{ApartKind, Archivable, apart_statements, archivable, is_secret_setting, statements};

/// Cuts the passwords out of what stands apart; each that is cut or left out becomes a note.
pub(crate) fn cut_passwords(schema: &mut SchemaText, notes: &mut Vec<String>) {
    let mut kept = String::new();
    for statement in statements(&schema.apart) {
        if is_of_session(statement.text) {
            continue;
        }
        let said = apart_statements(statement.text);
        let subject = beginning(statement.text);
        let (Some(said), archivable) = (said.first(), archivable(statement.text)) else {
            notes.push(format!(
                "`{subject}` is not in the archive, since it is not understood"
            ));
            continue;
        };
        let is_subscription = said.kind == ApartKind::Subscription;
        match archivable {
            Archivable::AsItIs => kept.extend([statement.text, "\n\n"]),
            Archivable::Cut(rest) => {
                kept.extend([&rest, "\n\n"]);
                let subject = match &said.name {
                    Some(name) if is_subscription => format!("subscription {name}"),
                    _ => format!("`{subject}`"),
                };
                notes.push(format!("{subject} is in the archive without its password"));
            }
            Archivable::Nothing => notes.push(match &said.name {
                Some(name) if is_subscription => format!(
                    "subscription {name} is not in the archive, since its connection string cannot be read and can \
                     hold a password"
                ),
                _ => format!("`{subject}` is not in the archive, since it can hold a password"),
            }),
        }
    }
    if !kept.is_empty() {
        notes.push(format!(
            "{} stand apart in {}; `load --apply` applies them",
            kinds(&kept),
            SchemaMember::Apart.name()
        ));
    }
    schema.apart = kept;
}

/// What `pg_restore` says to its own session only.
fn is_of_session(statement: &str) -> bool {
    ["SET ", "SELECT pg_catalog.set_config("]
        .iter()
        .any(|it| statement.starts_with(it))
}

/// The kind and the name of what a statement is about, and nothing in which a password could stand.
fn beginning(statement: &str) -> String {
    const WORDS_MAX: usize = 6;
    let without_strings = statement.split(['\'', '$']).next().unwrap_or_default();
    let words: Vec<&str> = without_strings.split_whitespace().take(WORDS_MAX).collect();
    words.join(" ")
}

fn kinds(sql: &str) -> String {
    let mut kinds: Vec<_> = apart_statements(sql).iter().map(|it| it.kind).collect();
    kinds.sort();
    kinds.dedup();
    let words: Vec<String> = kinds.iter().map(ToString::to_string).collect();
    words.join(", ")
}

/// The settings of the database and of roles in it; those that can hold a password become notes.
pub(crate) fn settings(snapshot: &mut Snapshot, notes: &mut Vec<String>) -> Result<Vec<Setting>> {
    let mut settings = read_settings(snapshot.client()).map_err(Failure::source)?;
    settings.retain(|it| {
        let is_secret = is_secret_setting(&it.name, &it.value);
        if is_secret {
            notes.push(format!(
                "setting {it} is not in the archive, since it can hold a password"
            ));
        }
        !is_secret
    });
    if !settings.is_empty() {
        notes.push(format!(
            "settings of the database and of roles in it are in the archive: {}; `load --apply settings` applies them",
            settings.len()
        ));
    }
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_out_in_silence() {
        let mut schema = SchemaText {
            apart: "SET row_security = off;\n\nSELECT pg_catalog.set_config('search_path', '', false);\n\n\
                    CREATE PUBLICATION p;\n\nCREATE WONDER w OF 'password=x';\n\n\
                    CREATE SUBSCRIPTION s CONNECTION 'password=''x' PUBLICATION p;\n"
                .to_owned(),
            ..SchemaText::default()
        };
        let mut notes = Vec::new();
        cut_passwords(&mut schema, &mut notes);
        assert_eq!(schema.apart, "CREATE PUBLICATION p;\n\n");
        let [wonder, subscription, _] = &notes[..] else {
            panic!("{notes:?}");
        };
        assert_eq!(
            wonder,
            "`CREATE WONDER w OF` is not in the archive, since it is not understood"
        );
        assert!(
            subscription.starts_with("subscription s is not in the archive, since its connection string")
        );
    }
}
