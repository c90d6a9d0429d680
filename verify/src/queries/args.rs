//! The arguments of `verify queries`.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use cli::{Failure, Format, MappingArgs, Result};

const EXAMPLES: &str = "  verify queries mandible-dev shared-app-dev --to mandible --file daily.sql
  verify queries mandible-dev shared-app-dev --to mandible --from-pg-stat-statements 20 --plans
  verify queries mandible-dev --file daily.sql --save before.json
  verify queries shared-app-dev --to mandible --baseline before.json --max-slowdown 1.5";

const FINDINGS: &str = "a statement answers otherwise, or too late";

/// Run statements on both sides and compare what they answer, and how long that takes
///
/// Each statement runs under the source's search path, on the target under the same by its new names; names with a schema
/// in it are rewritten as `remap-schema` does, so give the same --to and --map. All runs are in transactions that can
/// only read, under one snapshot on each side. Statements that write, lock or are no queries are refused before
/// anything runs.
///
/// Answers are compared as rows with their multiplicity, by fingerprint, in their order where ORDER BY says so: rows that
/// it leaves equal may come in any order. What nothing in a statement decides (LIMIT without ORDER BY, `array_agg`
/// without one, `now()`) and what differs is told as not compared.
///
/// FILE holds statements, each ended by a semicolon. Comments on lines of their own before a statement can say
/// `-- name: open orders`, `-- search_path: shop, public` and `-- params: 7, 'abc', NULL`, the values of $1, $2 and
/// so on; several lines of params are several runs.
///
/// A database that is called `queries` is written `dbname=queries`.
#[derive(Clone, Debug, Args)]
#[command(after_help = cli::after_help(EXAMPLES, Some(FINDINGS)))]
pub(crate) struct QueriesArgs {
    /// The PostgreSQL database whose answers are right; none with --baseline
    #[arg(value_name = "SOURCE")]
    first: String,
    /// The PostgreSQL database whose answers are compared; none where a baseline is kept for later
    #[arg(value_name = "TARGET")]
    second: Option<String>,
    /// Run the statements in this file
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// Run the N statements that took the source most of its time, as the extension counts them
    ///
    /// Needs `pg_read_all_stats`. Statements of the system's own catalogs are passed over.
    #[arg(long, value_name = "N")]
    pub(crate) from_pg_stat_statements: Option<NonZeroUsize>,
    #[command(flatten)]
    pub(crate) mapping: MappingArgs,
    /// Schemas in which names are looked up, by the source's names [default: the database's own setting]
    #[arg(long, value_name = "SCHEMAS")]
    pub(crate) search_path: Option<String>,
    /// Seconds after which a statement is ended; 0 is never
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    timeout: u32,
    /// Runs of each statement on each side that are measured; 0 compares answers alone
    ///
    /// For its answer the source runs a statement twice before, the target once. Where answers differ, or their order, the
    /// source runs it up to two times more and the target once; with --save the source always runs it four times more.
    /// Measuring ends after 3 runs when they have taken --timeout in all. With --clients each connection runs it as often
    /// again as is measured.
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub(crate) runs: usize,
    /// Make it a difference when a statement takes more than FACTOR times as long on the target
    ///
    /// Differences below 5 ms, or within the spread of the runs, or of fewer than 3 runs, count for nothing. Without this
    /// option what takes more than 1.5 times as long is told, and makes nothing different.
    #[arg(long, value_name = "FACTOR", value_parser = factor)]
    pub(crate) max_slowdown: Option<f64>,
    /// Run all statements on N connections at once too, on one side after the other
    #[arg(long, value_name = "N")]
    pub(crate) clients: Option<NonZeroUsize>,
    /// Compare the plans too
    #[arg(long)]
    pub(crate) plans: bool,
    /// Keep the source's side in a new file: times, fingerprints of answers, plans; no answers
    #[arg(long, value_name = "FILE", conflicts_with = "baseline")]
    pub(crate) save: Option<PathBuf>,
    /// Compare with such a file instead of a source; the statements are those in it
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["file", "from_pg_stat_statements", "search_path"]
    )]
    pub(crate) baseline: Option<PathBuf>,
    /// The form of the report
    #[arg(long, value_enum, default_value_t = Format::Text, value_name = "FORM")]
    pub(crate) format: Format,
}

impl QueriesArgs {
    /// Words for the source and for the target, of which one can be missing.
    pub(crate) fn sides(&self) -> Result<(Option<&str>, Option<&str>)> {
        let (first, second) = (Some(self.first.as_str()), self.second.as_deref());
        match (&self.baseline, second) {
            (Some(_), None) => Ok((None, first)),
            (Some(_), Some(_)) => Err(Failure::usage(
                "--baseline stands for a SOURCE: name the TARGET alone",
            )),
            (None, None) if self.save.is_none() => Err(Failure::usage(
                "name a SOURCE and a TARGET, or keep the source's side with --save FILE",
            )),
            (None, second) if self.file.is_none() && self.from_pg_stat_statements.is_none() => {
                let both = if second.is_some() {
                    " or --baseline FILE"
                } else {
                    ""
                };
                Err(Failure::usage(format!(
                    "say which statements: --file FILE, --from-pg-stat-statements N{both}"
                )))
            }
            (None, second) => Ok((first, second)),
        }
    }

    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_secs(u64::from(self.timeout))
    }
}

/// A number above 1: what is slower by less is not slower.
fn factor(words: &str) -> std::result::Result<f64, String> {
    match words.parse::<f64>() {
        Ok(factor) if factor >= 1.0 && factor.is_finite() => Ok(factor),
        _ => Err("a number of 1 or more".to_owned()),
    }
}
