//! Generated columns: which of them the target calculates, and which become ordinary ones.

use dialect::{Expression, table_definition};
use rusqlite::Connection;

use super::keys::Keys;
use super::note::{Note, NoteKind};
use super::proof::Proofs;
use super::rule::OnMisfit;
use super::schema::{Generated, Schema, Table};
use super::scope::{column_definition, scope, scope_column};
use super::utf16;

/// Finds the generated columns that PostgreSQL can calculate; their rows are not sent.
///
/// Decided when it is known which rows and values are left out.
pub(super) fn generate(
    connection: &Connection,
    schema: &mut Schema,
    keys: &Keys,
    notes: &mut Vec<Note>,
) -> crate::Result<()> {
    let utf16 = utf16::is_encoding(connection)?;
    for (at, table) in schema.tables.iter_mut().enumerate() {
        if table.columns.iter().all(|it| it.generated.is_none()) {
            continue;
        }
        let definition = table_definition(&table.sql).unwrap_or_default();
        let scope = scope(table, utf16);
        let mut proofs = Proofs::default();
        let mut found = Vec::new();
        for (place, column) in table.columns.iter().enumerate() {
            if column.generated.is_none() {
                continue;
            }
            let written = column_definition(&definition, &column.name).and_then(|it| it.generated.as_ref());
            let translated = match written {
                Some(it) => dialect::assigned(&it.expression, &scope_column(table, column), &scope)
                    .map_err(|it| it.to_string()),
                None => Err("its expression cannot be read".to_owned()),
            };
            let translated = translated.and_then(|it| usable((at, table), place, keys, it));
            let proof = translated.as_ref().map_or(0, |it| proofs.add(&it.assumptions));
            if let (Ok(_), Some(written)) = (&translated, written) {
                proofs.violations(proof, &format!("({}) IS NOT NULL", written.expression));
            }
            found.push((place, translated, proof, written.map(|it| it.expression.clone())));
        }
        let proved = proofs.ask(connection, at, table);
        for (place, translated, proof, written) in found {
            let translated = translated.and_then(|it| proved.of(proof).map(|()| it.sql));
            let nulls = proved.violations(proof);
            let column = &mut table.columns[place];
            let label = format!("{}.{}", table.name, column.name);
            let stored = column.generated == Some(Generated::Stored);
            match translated {
                Ok(sql) => {
                    column.expression = Some(sql);
                    if column.not_null && column.nulls == 0 && nulls > 0 {
                        let text = "loses NOT NULL, since values that it is calculated from become NULL";
                        notes.push(Note::new(NoteKind::Constraint, label.as_str(), text));
                    }
                    column.nulls = nulls;
                    if !stored {
                        let text = "virtual generated column: becomes a stored one".to_owned();
                        notes.push(Note::new(NoteKind::Changed, label, text));
                    }
                }
                Err(reason) => {
                    let kind = if stored { "stored" } else { "virtual" };
                    let written = written.map(|it| format!(" ({it})")).unwrap_or_default();
                    let text = format!(
                        "{kind} generated column{written}: becomes an ordinary one with its present values, since {reason}"
                    );
                    notes.push(Note::new(NoteKind::Generated, label, text));
                }
            }
        }
    }
    Ok(())
}

/// Whether PostgreSQL takes the expression for a generated column.
fn usable(
    (at, table): (usize, &Table),
    place: usize,
    keys: &Keys,
    translated: Expression,
) -> Result<Expression, String> {
    let name = &table.columns[place].name;
    if translated.uses_generated {
        return Err("it uses another generated column".to_owned());
    }
    if !translated.immutable {
        return Err("PostgreSQL wants an expression that is immutable".to_owned());
    }
    if table.columns[place].on_misfit != OnMisfit::Fail
        || table.columns.iter().any(|it| it.keeps == Some(place))
    {
        return Err("values of it are set aside".to_owned());
    }
    // Keys are proved with its present values.
    if table.loses_values() && keys.has_unique(at, place) {
        return Err("it belongs to a unique key, and values of the table become NULL".to_owned());
    }
    let in_foreign_key =
        |it: &super::ForeignKey| it.columns.iter().any(|column| column.eq_ignore_ascii_case(name));
    if table.foreign_keys.iter().any(in_foreign_key) {
        return Err("it belongs to a foreign key".to_owned());
    }
    Ok(translated)
}
