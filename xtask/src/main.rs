//! `cargo xtask`: the workspace's own chores. Run it without a subcommand for the list.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a chore talks to whoever started it"
)]

mod bench;
mod browser;
mod ci;
mod demo;
mod error;
mod fuzz;
mod judge;
mod man;
mod matrix;
mod metadata;
mod step;
mod story;
mod test;
mod tidy;
mod torture;

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
    /// Have PostgreSQL judge what the tools make of whole databases
    ///
    /// Each database is moved by the tools, and restored as it is and renamed by PostgreSQL itself; then every
    /// definition is compared, every body checked, every view read, every trigger fired. Prints what was
    /// counted, and the doubts that remain by kind.
    Judge {
        /// Fail when a database or the checker of PL/pgSQL is not there
        #[arg(long)]
        strict: bool,
    },
    /// Try what must hold for every text and row with ever new ones
    ///
    /// Half of the time, and a minute each at least, goes to what `crates/invariants` states of the archive reader, the
    /// row framers, the endpoint parser and the rewriter: libFuzzer breeds inputs that take new paths through the
    /// code, from those in its corpus. That needs a C++ compiler, and is skipped without one. Then the property tests
    /// of the crates that read and write names, archives and rows run, in rounds with as many cases as fit into the
    /// time. Ends with the first input or case that fails, and shows it.
    Fuzz {
        /// For how long
        #[arg(long, value_name = "N", default_value_t = 10)]
        minutes: u32,
        /// Fail when something was skipped
        #[arg(long)]
        strict: bool,
    },
    /// Run whole pipelines between all versions of PostgreSQL at hand
    ///
    /// From each version to each that is not older: the demonstration's databases, and one with every awkward
    /// value and what came with each version, are folded into one database, verified, and compared by the servers
    /// themselves. Servers come from --bin, `PG_BIN`, PATH, the usual folders, and what --install has fetched.
    Matrix(matrix::Arguments),
    /// Do in full what the suite does in small
    ///
    /// Runs the tests of snapshots, values, large rows, crashes and mutations with optimised tools, with as many rounds as
    /// asked for and with full sizes, which takes minutes and some gigabytes, and shows what each of them counted.
    Torture {
        /// How often a test repeats what it does
        #[arg(long, value_name = "N", default_value_t = 1000)]
        rounds: usize,
        /// Fail when a test was skipped
        #[arg(long)]
        strict: bool,
    },
    /// Look at the HTML report in a real browser
    ///
    /// Assesses throwaway sources, opens the pages in Chromium at 360 and 1440 pixels, light and dark, and measures what
    /// people would see: diagrams, labels, contrast and all other rules of axe-core (fetched with npm), keys, the
    /// console. Pictures go to `target/browser`.
    Browser {
        /// Leave the pages beside the pictures
        #[arg(long)]
        keep: bool,
        /// Fail when something was skipped
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
    /// Measure whole pipelines and single tools against what people use today
    ///
    /// Prints ratios: `dump | remap-schema | load` against `pg_dump | psql`, pgcopydb where it is installed and
    /// hand-made binary COPY; compressed files; memory; growth; `remap-schema` against `cat`; very many tables against
    /// `pg_dump` and `psql`; `verify` against the server's own sum over all rows and against pgcopydb, and what it costs to
    /// find one wrong row. A size of 0 leaves its part out.
    Bench(bench::Sizes),
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
        Chore::Judge { strict } => judge::run(strict),
        Chore::Fuzz { minutes, strict } => fuzz::run(minutes, strict),
        Chore::Matrix(arguments) => matrix::run(&arguments),
        Chore::Torture { rounds, strict } => torture::run(rounds, strict),
        Chore::Browser { keep, strict } => browser::run(keep, strict),
        Chore::Tidy => tidy::run(),
        Chore::Man { out } => man::run(out),
        Chore::Bench(sizes) => bench::run(&sizes),
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
