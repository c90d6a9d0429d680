//! What is read: the words of the command line, or what a plan says of the source.

use cli::{Failure, Result};
use plan::PlannedSource;

use crate::args::Args;

/// The source, as it is connected to and as it may be told.
pub(crate) struct Origin {
    /// May hold a password that the environment gave.
    pub(crate) words: String,
    /// For messages.
    pub(crate) shown: String,
    pub(crate) planned: Option<PlannedSource>,
}

impl Origin {
    pub(crate) fn find(args: &Args) -> Result<Origin> {
        let planned = args.plan.planned()?;
        let (words, shown) = match (&args.source, &planned) {
            (Some(words), _) => (words.clone(), words.clone()),
            (None, Some(planned)) => {
                let shown = format!("source {}", planned.name);
                (cli::expand_endpoint(&planned.endpoint, &shown)?, shown)
            }
            (None, None) => return Err(Failure::usage("name a SOURCE, or --plan FILE with --source NAME")),
        };
        Ok(Origin {
            words,
            shown,
            planned,
        })
    }

    /// Refuses what a plan says of tables where nothing could carry it out.
    pub(crate) fn refuse_for_file(&self) -> Result<()> {
        let tables = self.planned.iter().flat_map(|it| &it.tables);
        let Some((name, _)) = tables
            .into_iter()
            .find(|(_, it)| it.leave_out || it.condition.is_some())
        else {
            return Ok(());
        };
        Err(Failure::usage(format!(
            "the plan leaves out {name} or some of its rows, and of a SQLite file every table is read whole"
        ))
        .with_hint("take `leave_out` and `where` out of the plan; delete the rows from a copy of the file"))
    }
}
