//! What stands in front of the rows: the catalog, `pg_dump`'s text, what is left out and what must be known of it.

use std::collections::HashMap;

use archive::{Content, RowFilter};
use catalog::{Catalog, ObjectKind, QualifiedName, Table, ThroughRoot};
use cli::{Failure, Ui};
use database::postgres::{
    Chosen, CutForeignKey, DefinitionWishes, RowFilter as Wanted, SchemaRequest, SchemaText, Snapshot,
    check_condition, find_cut_foreign_keys, find_keys_in_doubt, find_left_out_partitions, hidden_tables,
    left_behind, read_blocks, read_catalog, read_chosen_definitions, refuse_torn_trees,
};

use crate::pg_dump::NoText;
use crate::{Options, apart, carried, extension_rows, large_objects, pg_dump};

/// Everything that stands in front of the rows, as one snapshot shows it.
pub(crate) struct Definitions {
    pub(crate) catalog: Catalog,
    pub(crate) schema: SchemaText,
    pub(crate) notes: Vec<String>,
    pub(crate) row_filters: Vec<RowFilter>,
    pub(crate) blocks: HashMap<QualifiedName, u32>,
}

/// Reads definitions until none of them has been changed meanwhile: the server's own functions, which `pg_dump`
/// calls, show them as they are now, not as the snapshot has them. Nothing has been written yet, so that a new
/// snapshot can take the place of the old one.
pub(crate) fn read_definitions(
    snapshot: &mut Snapshot,
    options: &Options,
    ui: &Ui,
) -> cli::Result<Definitions> {
    loop {
        ui.detail(format_args!(
            "snapshot {} of {}",
            snapshot.id(),
            snapshot.endpoint().display_name()
        ));
        let (why, failure) = match read_once(snapshot, options, ui) {
            Ok(Attempt::Blocked) => {
                let why = "a session that waits for the snapshot's locks holds what pg_dump needs";
                (why, None)
            }
            Err(failure) if failure.is_lock_conflict() => {
                ("another session holds what is to be read", Some(failure))
            }
            // What the snapshot shows is not there any more.
            Err(failure) if failure.is_missing_object() && failure.exit() == cli::Exit::Source => {
                ("definitions are gone", Some(failure))
            }
            // A transaction that has failed cannot be asked.
            Err(failure) if snapshot.is_current().unwrap_or(true) => return Err(failure),
            Ok(Attempt::Read(definitions)) if snapshot.is_current().map_err(Failure::source)? => {
                snapshot.stop_watching();
                return Ok(*definitions);
            }
            Ok(Attempt::Read(_)) => ("definitions were changed while they were read", None),
            Err(failure) => ("definitions were changed while they were read", Some(failure)),
        };
        ui.detail(format_args!("{why}; a new snapshot is taken"));
        if let Err(error) = snapshot.retake() {
            // What stood in the way at last says more than that it was tried too often.
            return Err(failure.unwrap_or_else(|| Failure::source(error)));
        }
    }
}

/// What came of one snapshot.
enum Attempt {
    Read(Box<Definitions>),
    /// `pg_dump` would have waited for somebody who waits for us.
    Blocked,
}

fn read_once(snapshot: &mut Snapshot, options: &Options, ui: &Ui) -> cli::Result<Attempt> {
    let content = options.wanted.content;
    let (client, chosen) = snapshot.parts();
    let cut = if content == Content::DataOnly {
        Vec::new()
    } else {
        find_cut_foreign_keys(client, chosen).map_err(Failure::source)?
    };
    let request = (content != Content::DataOnly).then(|| SchemaRequest::new(snapshot, &cut));
    let (client, chosen, watch) = snapshot.watched_parts();
    // Both ask the server for long where there are many tables.
    let (schema, read) = pg_dump::beside(request.as_ref(), watch, options.lock_timeout, || {
        let catalog = read_catalog(client, chosen)?;
        let (blocks, left) = (read_blocks(client, chosen)?, left_behind(client, chosen)?);
        let defined = match content {
            Content::DataOnly => Vec::new(),
            _ => read_chosen_definitions(client, chosen, DefinitionWishes::default())?,
        };
        Ok((catalog, blocks, left, defined))
    });
    let schema = match schema {
        Ok(schema) => schema,
        Err(NoText::Blocked) => return Ok(Attempt::Blocked),
        // What failed here has ended the transaction whose snapshot pg_dump wants, and says more.
        Err(NoText::Failed(failure)) => return Err(read.map_err(Failure::source).err().unwrap_or(failure)),
    };
    let (mut catalog, blocks, left, defined) = read.map_err(Failure::source)?;
    leave_out(&mut catalog, &cut);
    catalog.definitions = carried::definitions(defined, &catalog, &cut, content);
    if content == Content::SchemaOnly {
        forget_state(&mut catalog);
    }
    let row_filters = check_rows(snapshot, &catalog, content)?;
    let doubts = row_doubts(snapshot, &catalog, &row_filters)?;
    let mut definitions = Definitions {
        notes: notes(snapshot.chosen(), &schema, &cut, left),
        catalog,
        schema,
        row_filters,
        blocks,
    };
    definitions.notes.extend(doubts);
    add_the_rest(snapshot, &mut definitions, options, ui)?;
    Ok(Attempt::Read(Box::new(definitions)))
}

/// Refuses rows that could not be read as they are wanted; returns which are.
fn check_rows(snapshot: &mut Snapshot, catalog: &Catalog, content: Content) -> cli::Result<Vec<RowFilter>> {
    let (client, chosen) = snapshot.parts();
    refuse_hidden_rows(&hidden_tables(client, catalog, chosen).map_err(Failure::source)?)?;
    refuse_torn_trees(client, catalog, chosen).map_err(Failure::source)?;
    if content == Content::SchemaOnly {
        return Ok(Vec::new());
    }
    let row_filters = row_filters(catalog, chosen)?;
    for filter in &row_filters {
        let table = usize::try_from(filter.table)
            .ok()
            .and_then(|it| catalog.tables.get(it));
        if let (Some(table), Some(condition)) = (table, &filter.condition) {
            check_condition(client, table, condition).map_err(Failure::source)?;
        }
    }
    Ok(row_filters)
}

/// What may not hold on the target, since rows or partitions are left out.
fn row_doubts(
    snapshot: &mut Snapshot,
    catalog: &Catalog,
    row_filters: &[RowFilter],
) -> cli::Result<Vec<String>> {
    let (client, chosen) = snapshot.parts();
    let mut doubts = find_left_out_partitions(client, chosen).map_err(Failure::source)?;
    let filtered: Vec<QualifiedName> = row_filters
        .iter()
        .filter_map(|it| catalog.tables.get(usize::try_from(it.table).ok()?))
        .map(Table::qualified_name)
        .collect();
    if filtered.is_empty() {
        return Ok(doubts);
    }
    let has_rows = |table: &QualifiedName| {
        let known = catalog.tables.iter().any(|it| it.qualified_name() == *table);
        known && chosen.row_filter(table) != Some(&Wanted::None)
    };
    let keys = find_keys_in_doubt(client, &filtered).map_err(Failure::source)?;
    let in_doubt = keys.into_iter().filter(|(table, _)| has_rows(table));
    doubts
        .extend(in_doubt.map(|(_, key)| {
            format!("{key}, of which rows are left out: where it does not hold, load fails")
        }));
    Ok(doubts)
}

/// What a person should know of all that.
fn notes(chosen: &Chosen, schema: &SchemaText, cut: &[CutForeignKey], left: Vec<String>) -> Vec<String> {
    let mut notes = chosen.notes().to_vec();
    notes.extend(schema.warnings.iter().cloned());
    notes.extend(cut.iter().map(|key| {
        format!(
            "foreign key {} of {} is left out, since it refers to {}, which is not chosen",
            key.name, key.table, key.refers_to
        )
    }));
    notes.extend(left);
    notes
}

/// What stands beside the tables: settings, large objects, rows of extensions.
fn add_the_rest(
    snapshot: &mut Snapshot,
    definitions: &mut Definitions,
    options: &Options,
    ui: &Ui,
) -> cli::Result<()> {
    let Definitions {
        catalog,
        schema,
        notes,
        ..
    } = definitions;
    if options.wanted.content != Content::DataOnly {
        apart::cut_passwords(schema, notes);
        catalog.settings = apart::settings(snapshot, notes)?;
    }
    notes.extend(large_objects::add(snapshot, catalog, &options.wanted, ui)?);
    notes.extend(extension_rows::add(snapshot, catalog, &options.wanted)?);
    Ok(())
}

/// Takes foreign keys away that lead out of what was chosen.
fn leave_out(catalog: &mut Catalog, cut: &[CutForeignKey]) {
    let is_cut = |it: &catalog::Object| {
        it.kind == ObjectKind::Constraint
            && cut.iter().any(|key| {
                key.name == it.name
                    && key.table.schema == it.schema
                    && Some(&key.table.name) == it.table.as_ref()
            })
    };
    catalog.objects.retain(|it| !is_cut(it));
}

/// What sequences and materialized views hold is no definition.
fn forget_state(catalog: &mut Catalog) {
    for sequence in &mut catalog.sequences {
        (sequence.last_value, sequence.is_called) = (sequence.start, false);
    }
    for view in &mut catalog.materialized_views {
        view.populated = false;
    }
}

/// A partition whose rows are its root's is chosen with its root.
fn row_filters(catalog: &Catalog, chosen: &Chosen) -> cli::Result<Vec<RowFilter>> {
    let mut filters = Vec::new();
    for table in &catalog.tables {
        let name = table.qualified_name();
        let Some(filter) = chosen.row_filter(&name) else {
            continue;
        };
        let root = table
            .partition_of
            .as_ref()
            .filter(|_| table.through_root == Some(ThroughRoot::Below));
        if root.is_some_and(|root| chosen.row_filter(root) != Some(filter)) {
            let message = format!("rows of {name} are read through the partitioned table above it");
            return Err(Failure::usage(message).with_hint("name that one instead"));
        }
        if table.has_rows() {
            let condition = match filter {
                Wanted::None => None,
                Wanted::Where(condition) => Some(condition.clone()),
            };
            let table = table.number;
            filters.push(RowFilter { table, condition });
        }
    }
    Ok(filters)
}

/// Row level security is complete or an error, never fewer rows.
fn refuse_hidden_rows(hidden: &[QualifiedName]) -> cli::Result<()> {
    if hidden.is_empty() {
        return Ok(());
    }
    let failure = Failure::new(
        cli::Exit::Source,
        "row level security would hide rows from this role",
    );
    let hidden: Vec<String> = hidden.iter().map(ToString::to_string).collect();
    let failure = failure.with_state(format!("of {}", hidden.join(", ")));
    Err(failure.with_hint("read with a role that has BYPASSRLS, or with the tables' owner"))
}
