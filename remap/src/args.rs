//! The arguments of `remap-schema`.

use std::path::PathBuf;

use clap::Parser;
use cli::MappingArgs;

const EXAMPLES: &str = "  dump mandible-dev | remap-schema --to mandible | load shared-app-dev
  remap-schema --map public=shop --map audit=shop_log backup.tar -o renamed.tar
  pg_dump mandible-dev | remap-schema --to mandible | psql -X1 -v ON_ERROR_STOP=1 shared-app-dev";

const FINDINGS: &str = "--strict, and something could not be proved";

/// Give every schema in an archive or an SQL dump its new name
///
/// Reads an archive, or plain SQL as `pg_dump` writes it, and writes the same kind. Names are changed through a
/// syntax tree, in definitions, views and the bodies of SQL and PL/pgSQL functions; rows pass through
/// unopened, but for an archive's tables with columns such as regclass, whose values are names. What belongs to an extension goes to the schema where the target keeps extensions (`public`).
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
    /// Take doubts, and names in rows that mean nothing, for failures: then nothing is written that anything could use
    #[arg(long)]
    pub(crate) strict: bool,
    /// Write nothing, only say what would be changed and what cannot be proved
    #[arg(long, conflicts_with = "output")]
    pub(crate) check: bool,
    /// Write every edit, doubt and note to FILE as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
}
