//! `load --resume`: what an unfinished load left is taken up, as far as it is what this archive would make.

use archive::{End, Header};
use catalog::{Table, TableKind};
use cli::{Exit, Failure, Result, Ui, count};

use crate::indexes::AFTER_ROWS;
use crate::journal::{self, Loaded, Origin, Run};
use crate::promised::keep;
use crate::rows::Routes;
use crate::statements::execute;
use crate::target::{Target, failed};
use crate::unlogged::Unlogged;
use crate::{abandon, shell_word};

/// Tables of which one transaction removes the rows, at most: each takes locks, of which a server has a limited number.
const EMPTIED_MAX: usize = 1000;

/// How a load starts.
pub(crate) enum Start {
    /// Nothing is there to go on with.
    Fresh,
    /// With what is in.
    GoesOn(Box<(Run, Loaded)>),
    /// There is nothing left to do: the run with this number is live.
    AlreadyLive(i64),
}

/// Looks for the run that wrote `places` and did not end, and makes it this process's. The locks of all of them are
/// held.
pub(crate) fn take_up(
    target: &mut Target,
    header: &Header,
    origin: &Origin,
    places: &[String],
    archive: &str,
    ui: &Ui,
) -> Result<Start> {
    let mut unfinished = None;
    for place in places {
        unfinished = unfinished.or(journal::unfinished_run(target.client(), place)?);
    }
    let Some(run) = unfinished else {
        let schemas: Vec<String> = header.catalog.schemas.iter().map(|it| it.name.clone()).collect();
        if let Some(run) = journal::live_run(target.client(), origin, &schemas)? {
            return Ok(Start::AlreadyLive(run));
        }
        ui.status("nothing to resume: the load starts from the beginning");
        return Ok(Start::Fresh);
    };
    refuse_another(target, &run, origin)?;
    let mut run = journal::take_over(target, run)?;
    let mut loaded = Loaded::read(target.client(), &run)?;
    let goes_on = if loaded.differs() {
        ui.status("what was read back was not what had been loaded: everything is loaded again");
        false
    } else if run.origin.dump_run == origin.dump_run {
        mend_unlogged(target, &run, header, &mut loaded)?
    } else if archive == "-" {
        ui.status("another dump comes through a pipe: everything is loaded again");
        false
    } else {
        adopt(target, &mut run, header, origin, &mut loaded, archive, ui)?
    };
    if goes_on {
        let rows: u64 = loaded
            .tables()
            .filter_map(|it| Some(loaded.fingerprint(it)?.rows))
            .sum();
        ui.status(format_args!(
            "run {} goes on: {} rows are in",
            run.id(),
            count(rows)
        ));
        return Ok(Start::GoesOn(Box::new((run, loaded))));
    }
    abandon::remove(target, &run, ui)?;
    Ok(Start::Fresh)
}

/// Whatever is not the same would not be what the run began with.
fn refuse_another(target: &mut Target, run: &Run, origin: &Origin) -> Result<()> {
    let role: String = target
        .client()
        .query_one("SELECT current_user::pg_catalog.text", &[])
        .map_err(|error| failed("the role could not be asked for its name", error))?
        .get(0);
    let other_role = (role != run.role).then(|| format!("it was begun by role {}", run.role));
    let Some(reason) = run.origin.difference(origin).or(other_role) else {
        return Ok(());
    };
    let place = run.schemas.first().map_or(journal::LARGE_OBJECTS, String::as_str);
    let message = format!("run {} cannot go on with this: {reason}", run.id());
    Err(Failure::new(Exit::Target, message)
        .with_state("nothing was changed")
        .with_hint(format!(
            "resume it with what it began with, or remove it with `load --abandon {} …`",
            shell_word(place)
        )))
}

/// A server that has crashed has emptied unlogged tables: such a table is loaded again. False where that is not enough,
/// since what comes after the rows has begun, or since rows of a tree may stand in another partition.
fn mend_unlogged(target: &mut Target, run: &Run, header: &Header, loaded: &mut Loaded) -> Result<bool> {
    let mut emptied = Vec::new();
    for unlogged in Unlogged::all(header) {
        if !unlogged.has_noted_rows(target.client(), run)? {
            emptied.push(unlogged);
        }
    }
    if emptied.is_empty() {
        return Ok(true);
    }
    // What waits to be converted stands in no table that was emptied.
    if !header.conversions.is_empty() || is_past_rows(loaded) || !emptied.iter().all(Unlogged::is_one_table) {
        return Ok(false);
    }
    let is_emptied = |table: &&Table| emptied.iter().any(|it| it.tables().contains(&table.number));
    let tables: Vec<&Table> = header.catalog.tables.iter().filter(is_emptied).collect();
    change(target, run, |transaction| {
        tables.iter().try_for_each(|it| empty(transaction, run, it))
    })?;
    *loaded = Loaded::read(target.client(), run)?;
    Ok(true)
}

/// Goes on with another dump of the same source: what has the same fingerprint stays, other tables are emptied. False
/// where all must be loaded again.
fn adopt(
    target: &mut Target,
    run: &mut Run,
    header: &Header,
    origin: &Origin,
    loaded: &mut Loaded,
    archive: &str,
    ui: &Ui,
) -> Result<bool> {
    let end = read_end(archive)?;
    if end.run != origin.dump_run {
        return Err(Failure::new(
            Exit::Archive,
            "the archive was replaced by another one while it was read",
        ));
    }
    let with_rows = header.catalog.tables.iter().filter(|it| it.has_rows());
    let is_same = |table: &Table| {
        let found = loaded.fingerprint(table.number);
        found.is_some() && found == end.table(table.number).map(|it| it.fingerprint)
    };
    let (same, other): (Vec<&Table>, Vec<&Table>) = with_rows
        .filter(|it| loaded.has_rows_of(it.number))
        .partition(|it| is_same(it));
    let is_fixed = |table: &&Table| table.kind != TableKind::Ordinary;
    // Keys and triggers would stand in the way, and are planned by the tables' sizes, which are not the same now; rows of
    // a tree may lie elsewhere than the archive has them.
    if is_past_rows(loaded)
        || !header.conversions.is_empty()
        || header.catalog.tables.iter().any(|it| it.kind == TableKind::Part)
        || other.iter().any(is_fixed)
        || other.len() > EMPTIED_MAX
        || !other.is_empty() && !Routes::find(target.client(), header)?.is_empty()
    {
        ui.status("this dump is another one: everything is loaded again");
        return Ok(false);
    }
    change(target, run, |transaction| {
        for table in &same {
            let fingerprint = loaded.fingerprint(table.number);
            fingerprint.map_or(Ok(()), |it| {
                journal::keep_table(transaction, run, table.number, &it)
            })?;
        }
        other.iter().try_for_each(|it| empty(transaction, run, it))?;
        journal::change_dump(transaction, run, &origin.dump_run)
    })?;
    origin.dump_run.clone_into(&mut run.origin.dump_run);
    ui.status(format_args!(
        "this dump is another one: {} tables have the same rows, {} are loaded again",
        count(same.len() as u64),
        count(other.len() as u64)
    ));
    *loaded = Loaded::read(target.client(), run)?;
    Ok(true)
}

fn is_past_rows(loaded: &Loaded) -> bool {
    loaded.has_steps_of(|it| it.starts_with(AFTER_ROWS))
}

/// What the archive's end says, all of it having been checked.
fn read_end(archive: &str) -> Result<End> {
    let mut reader = cli::open_archive(archive)?;
    reader.schema().map_err(Failure::archive)?;
    while reader.next_chunk().map_err(Failure::archive)?.is_some() {
        cli::check_interrupt()?;
        reader
            .chunk_stream(|body| {
                std::io::copy(body, &mut std::io::sink())
                    .map(drop)
                    .map_err(archive::Error::from_read)
            })
            .map_err(Failure::archive)?;
    }
    reader.finish().map_err(Failure::archive)
}

fn change(
    target: &mut Target,
    run: &Run,
    work: impl FnOnce(&mut postgres::Transaction<'_>) -> Result<()>,
) -> Result<()> {
    let step = "what was loaded before could not be taken up";
    let mut transaction = target
        .client()
        .transaction()
        .map_err(|error| failed(step, error))?;
    journal::hold(&mut transaction, run)?;
    keep(&mut transaction)?;
    work(&mut transaction)?;
    transaction.commit().map_err(|error| failed(step, error))
}

fn empty(transaction: &mut postgres::Transaction<'_>, run: &Run, table: &Table) -> Result<()> {
    execute(transaction, &format!("TRUNCATE ONLY {}", table.qualified_name()))?;
    journal::forget_table(transaction, run, table.number)
}
