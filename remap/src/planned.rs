//! What a plan says of a source beside new names: columns that change, and what nothing here can do yet, which is refused, lest
//! it be forgotten without a word.

use archive::{Header, SchemaMember, SourceKind};
use catalog::{Catalog, mentions, quote_ident, redefine_changed};
use cli::{Failure, Result};
use conversion::conversion_of;
use plan::PlannedSource;
use rewrite::{Rewriter, StatementKind};

/// Refuses what a merged archive has no place for: columns that change, and new names of single ones.
pub(crate) fn refuse_beside_others(planned: &PlannedSource) -> Result<()> {
    if let Some((table, _)) = planned.tables.iter().find(|(_, it)| it.changes_shapes()) {
        return Err(Failure::usage(format!(
            "columns of {table} of source `{}` are dropped, added or get another type by the plan, which --merge cannot carry \
             out yet",
            planned.name
        ))
        .with_hint("take `drop`, `type`, `using` and `add` out of the plan; `load --after FILE` runs ALTER TABLE when all is proved"));
    }
    let mapping = planned.whole_mapping();
    match mapping.columns.keys().next() {
        Some(table) => Err(Failure::usage(format!(
            "columns of {table} of source `{}` get new names by the plan, which --merge cannot carry out yet",
            planned.name
        ))
        .with_hint("take `rename` of single columns out of the plan; `load --after FILE` runs ALTER TABLE when all is proved")),
        None => Ok(()),
    }
}

/// Puts what the plan says of columns into the archive's header, and appends what carries it out to the definitions that
/// follow the rows; the new names of columns follow behind it.
pub(crate) fn change_columns(
    planned: Option<PlannedSource>,
    source: &mut Header,
    texts: &mut [(SchemaMember, String)],
) -> Result<()> {
    let Some(planned) = planned.filter(PlannedSource::changes_columns) else {
        return Ok(());
    };
    if source.source.kind == SourceKind::Sqlite {
        return Err(Failure::usage(format!(
            "columns of source `{}`, a SQLite file, are dropped, added or get another type by the plan",
            planned.name
        ))
        .with_hint(
            "`types` of the source says what its columns become; take `drop`, `type`, `using` and `add` out",
        ));
    }
    let mut obstacles = planned
        .change_columns(&mut source.catalog)
        .err()
        .unwrap_or_default();
    obstacles.extend(granted(source, texts));
    for table in source.catalog.tables.iter().filter(|it| it.changes.is_some()) {
        if conversion_of(&source.conversions, table.number).is_some() {
            obstacles.push(format!(
                "keys of {} become UUIDs, and its columns cannot change too",
                table.qualified_name()
            ));
        }
    }
    if !texts.iter().any(|(member, _)| *member == SchemaMember::PostData) {
        obstacles.push("the archive has no definitions, which columns would change in".to_owned());
    }
    let mut statements = Vec::new();
    for table in &source.catalog.tables {
        let Some(changes) = &table.changes else { continue };
        for statement in changes.statements(table) {
            match rewrite::statements(&statement).as_slice() {
                [one] if one.kind == StatementKind::ChangeColumns => statements.push(statement),
                _ => obstacles.push(format!(
                    "what becomes of {} is no SQL that can be read: {statement}",
                    table.qualified_name()
                )),
            }
        }
    }
    if !obstacles.is_empty() {
        let failure = Failure::usage(format!(
            "what the plan makes of columns of source `{}` cannot be carried out",
            planned.name
        ));
        return Err(obstacles
            .into_iter()
            .fold(failure, Failure::with_state)
            .with_hint("change the plan, or drop in the source what stands in the way; `load --after FILE` runs ALTER TABLE when all is proved"));
    }
    for (_, sql) in texts
        .iter_mut()
        .filter(|(member, _)| *member == SchemaMember::PostData)
    {
        for statement in &statements {
            sql.extend(["\n", statement, "\n"]);
        }
    }
    redefine_changed(&mut source.catalog.definitions, &source.catalog.tables);
    source.change_columns();
    Ok(())
}

/// Columns that are dropped, and that a grant names.
fn granted(source: &Header, texts: &[(SchemaMember, String)]) -> Vec<String> {
    let mut found = Vec::new();
    let privileges = texts
        .iter()
        .filter(|(member, _)| *member == SchemaMember::Privileges);
    let grants: Vec<_> = privileges.flat_map(|(_, sql)| rewrite::statements(sql)).collect();
    for table in &source.catalog.tables {
        for column in table.changes.iter().flat_map(|it| &it.dropped) {
            let grant = grants.iter().find(|it| {
                // GRANT SELECT(a),INSERT(b) ON TABLE …
                let columns = it.text.split_once(" ON ").map_or("", |it| it.0);
                mentions(columns, column) && mentions(it.text, &table.name)
            });
            if let Some(grant) = grant {
                let (name, text) = (table.qualified_name(), grant.text.trim());
                found.push(format!(
                    "column {} of {name} cannot be dropped: `{text}`",
                    quote_ident(column)
                ));
            }
        }
    }
    found
}

/// The SQL in what becomes of columns, under the new names.
pub(crate) fn rename_changes(catalog: &mut Catalog, rewriter: &Rewriter) {
    for changes in catalog.tables.iter_mut().filter_map(|it| it.changes.as_mut()) {
        let values = changes.added.iter_mut().map(|it| &mut it.value);
        let uses = changes.retyped.iter_mut().filter_map(|it| it.using.as_mut());
        for sql in values.chain(uses) {
            *sql = rewriter.rewrite_expression(sql);
        }
    }
}
