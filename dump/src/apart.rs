//! What goes into an archive and is applied on request only: what stands apart from the schemas, and settings.

use archive::SchemaMember;
use catalog::Setting;
use cli::{Failure, Result};
use database::postgres::{SchemaText, Snapshot, read_settings};
use rewrite::{Archivable, apart_statements, archivable, is_secret_setting, statements};

/// Cuts the passwords out of what stands apart; each that is cut or left out becomes a note.
pub(crate) fn cut_passwords(schema: &mut SchemaText, notes: &mut Vec<String>) {
    let mut kept = String::new();
    for statement in statements(&schema.apart) {
        let said = apart_statements(statement.text);
        let Some(said) = said.first() else { continue };
        let subject = said
            .name
            .as_ref()
            .map_or_else(|| "a statement".to_owned(), |name| format!("subscription {name}"));
        match archivable(statement.text) {
            Archivable::AsItIs => kept.extend([statement.text, "\n\n"]),
            Archivable::Cut(rest) => {
                kept.extend([&rest, "\n\n"]);
                notes.push(format!("{subject} is in the archive without its password"));
            }
            Archivable::Nothing => notes.push(format!(
                "{subject} is not in the archive, since its connection string cannot be read and can hold a password"
            )),
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
