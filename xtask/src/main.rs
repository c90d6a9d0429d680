//! `cargo xtask`: the workspace's own chores. Run it without a subcommand for the list.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a chore talks to whoever started it"
)]

mod bench;
mod ci;
mod demo;
mod error;
mod man;
mod metadata;
mod step;
mod story;
mod test;
mod tidy;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The workspace's own chores
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Build the tools, run every test, count the skipped ones
    Test {
        /// Fail when a test was skipped
        #[arg(long)]
        strict: bool,
        /// Passed on to `cargo test --workspace`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Check formatting, lints, invariants and tests
    Ci {
        /// Fail when a test was skipped
        #[arg(long)]
        strict: bool,
    },
    /// Check the invariants that the architecture states
    Tidy,
    /// Write man pages and shell completions
    Man {
        /// Folder for them instead of the target folder
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
    /// Measure how fast new names are given, against `cat`
    Bench {
        /// Rows to make, in MiB
        #[arg(long, value_name = "N", default_value_t = 1024)]
        mib: u32,
    },
    /// Fold five databases into one before your eyes
    Demo {
        /// Leave the server running afterwards
        #[arg(long)]
        keep: bool,
    },
}

fn main() -> ExitCode {
    let done = match Arguments::parse().chore {
        Chore::Test { strict, arguments } => test::run(strict, &arguments),
        Chore::Ci { strict } => ci::run(strict),
        Chore::Tidy => tidy::run(),
        Chore::Man { out } => man::run(out),
        Chore::Bench { mib } => bench::run(mib),
        Chore::Demo { keep } => demo::run(keep),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", error.chain());
            ExitCode::FAILURE
        }
    }
}
