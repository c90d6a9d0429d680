//! A SQLite file opened as every tool opens it: what had to be done for that is said, and Ctrl-C ends it.

use std::path::Path;

use database::sqlite::{Choices, Interrupter, SqliteSource};

use crate::{Failure, Result, Ui, on_interrupt};

/// Opens the file, checks it for damage, and says where it is not the file itself that is read.
pub fn open_sqlite(path: &Path, choices: &Choices, ui: &Ui) -> Result<SqliteSource> {
    let interrupter = Interrupter::default();
    let hook = interrupter.clone();
    on_interrupt(move || hook.interrupt()).keep();
    let source = SqliteSource::open_with(path, &choices.opening, &interrupter).map_err(Failure::source)?;
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    if source.salvaged() {
        ui.warning(format_args!(
            "{name} is damaged: what can be read of it is read (--salvage)"
        ));
    } else if source.copied() {
        ui.status(format_args!(
            "{name}: read from a copy, since SQLite would have had to write to the file or beside it"
        ));
    }
    Ok(source)
}
