//! The arguments of `remap-schema`.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use cli::MappingArgs;
use rewrite::SearchPath;

const EXAMPLES: &str = "  dump mandible-dev | remap-schema --to mandible | load shared-app-dev
  remap-schema --map public=shop --map audit=shop_log backup.tar -o renamed.tar
  pg_dump mandible-dev | remap-schema --to mandible | psql -X1 -v ON_ERROR_STOP=1 shared-app-dev";

const FINDINGS: &str = "--strict, and something could not be proved";

/// Give every schema in an archive or an SQL dump its new name
///
/// Reads an archive, or plain SQL as `pg_dump` writes it, and writes the same kind. Names are changed through a
/// syntax tree, in definitions, views and the bodies of SQL and PL/pgSQL functions; rows pass through
/// unopened. What belongs to an extension goes to the schema where the target keeps extensions (`public`).
/// What cannot be proved, such as SQL that is put together at run time, is listed as a doubt.
#[derive(Debug, Parser)]
#[command(name = "remap-schema", after_help = cli::after_help(EXAMPLES, Some(FINDINGS)))]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) mapping: MappingArgs,
    /// An archive (a file or a directory) or an SQL dump; `-` is stdin
    #[arg(default_value = "-")]
    pub(crate) input: String,
    /// Where to write an archive: a file, or a directory when the name ends in `/` [default: stdout]
    #[arg(long, short, value_name = "PATH")]
    pub(crate) output: Option<String>,
    /// What becomes of functions that find names by the search path and that PostgreSQL may call outside an
    /// application's session: from indexes, generated columns, checks, defaults, policies, materialized views,
    /// triggers
    #[arg(long, value_enum, default_value_t = SearchPathArg::Pin, value_name = "POLICY")]
    pub(crate) search_path: SearchPathArg,
    /// Take doubts for failures: then nothing is written that anything could use
    #[arg(long)]
    pub(crate) strict: bool,
    /// Write nothing, only say what would be changed and what cannot be proved
    #[arg(long, conflicts_with = "output")]
    pub(crate) check: bool,
    /// Write every edit, doubt and note to FILE as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
}

/// The values of `--search-path`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SearchPathArg {
    /// They get `SET search_path` with the new schemas, and an SQL function is no longer inlined
    Pin,
    /// They stay as they are
    Leave,
}

impl From<SearchPathArg> for SearchPath {
    fn from(arg: SearchPathArg) -> Self {
        match arg {
            SearchPathArg::Pin => SearchPath::Pin,
            SearchPathArg::Leave => SearchPath::Leave,
        }
    }
}
