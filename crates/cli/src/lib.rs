//! The frame that every tool stands in: its run from arguments to exit code, errors and their one printer,
//! progress, reports, and where archives come from and go to.
//!
//! Nothing else in the workspace prints or picks an exit code.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this crate is where printing happens"
)]

mod args;
mod directory;
mod discards;
mod exit;
mod failure;
mod file;
mod input;
mod interrupt;
mod keys_args;
mod manual;
mod member_place;
mod not_written;
mod output;
mod pace;
mod pipe;
mod plan_file;
mod progress;
mod publish;
mod refused;
pub mod rejects_folder;
mod room;
mod run;
mod sessions;
mod shell;
mod sqlite_args;
mod sqlite_file;
mod sqlite_keys;
mod sqlite_plan;
mod sqlite_types;
mod table;
mod terminal;
mod ui;

pub use args::{Extensions, Format, Frame, MappingArgs, OutputArgs, PlanArgs};
pub use discards::{discard_sentences, discards};
pub use exit::{Exit, Outcome, after_help};
pub use failure::{Failure, FailureContext, Result};
pub use input::{ArchiveReader, ArchiveStore, Input, open_archive, open_input};
pub use interrupt::{InterruptGuard, check_interrupt, is_interrupted, on_interrupt, set_last_words};
pub use keys_args::{KeysArgs, choose_keys};
pub use member_place::{MemberPlace, can_be_read_again};
pub use output::{ArchiveSink, Destination, ReplacedFile, ReportFile, create_archive, open_stdout};
pub use pace::{Pace, RateArgs};
pub use plan_file::{expand_endpoint, read_plan, unusable};
pub use progress::{Progress, Steps, Work};
pub use publish::{Existing, PREFIX as UNFINISHED_PREFIX};
pub use room::{Place, Room};
pub use run::run;
pub use sessions::open_sessions;
pub use shell::shell_word;
pub use sqlite_args::SqliteArgs;
pub use sqlite_file::open_sqlite;
pub use sqlite_keys::SqliteNameArgs;
pub use sqlite_plan::{compare_planned_file, plan_choices};
pub use table::Table;
pub use terminal::environment;
pub use ui::{Ui, count, duration, size};
