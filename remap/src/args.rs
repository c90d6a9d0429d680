//! The arguments of `remap-schema`.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use cli::{KeysArgs, MappingArgs};
use rewrite::SearchPath;

use crate::merging::MergeArgs;
use crate::roles::RoleArgs;

const EXAMPLES: &str = "  An archive in a pipeline, and one in a file or a directory:
    dump mandible-dev | remap-schema --to mandible | load shared-app-dev
    remap-schema --map public=shop --map audit=shop_log backup.tar -o renamed.tar
    remap-schema --plan plan.json --source mandible-dev backup/ -o renamed/
  Roles of the source that are called otherwise on the target, and one that is not wanted there:
    remap-schema --to mandible --role app=mandible_app --role old_intern= backup.tar -o renamed.tar
  What would become of it, with every edit as JSON, and nothing written:
    remap-schema --check --report report.json --to mandible backup.tar
  An SQL dump, on stdin or in a file; either all of it arrives or nothing:
    pg_dump mandible-dev | remap-schema --to mandible | psql -X1 -v ON_ERROR_STOP=1 shared-app-dev
    remap-schema --strict --to mandible mandible.sql > renamed.sql
  Integer keys as UUIDs, so that several sources can share tables later:
    dump legacy.sqlite | remap-schema --to legacy --uuid-keys --keep-old-keys | load shared-app-dev
  Tables of several sources as one, in one archive, by the `merges` of a plan:
    remap-schema --merge --plan plan.json mandible=mandible.tar legacy=legacy/ | load shared-app-dev
  The roles of a cluster, whose search paths follow:
    pg_dumpall --globals-only | remap-schema --to mandible | psql -X postgres";

const FINDINGS: &str = "--strict, and something could not be proved";

/// Give every schema in an archive or an SQL dump its new name
///
/// Reads an archive, or plain SQL as `pg_dump` and `pg_dumpall --globals-only` write it (with rows as COPY or INSERT),
/// and writes the same kind. Names are changed through a syntax tree, in definitions, views and the bodies of SQL
/// and PL/pgSQL functions; rows pass through unopened, but for an archive's tables with columns such as regclass,
/// whose values are names. What belongs to an extension goes to the schema where the target keeps extensions
/// (`public`). What cannot be proved, such as SQL that is put together at run time, is listed as a doubt, with its
/// line: inside a function's body as PL/pgSQL counts it, elsewhere in the text that was read. Passwords of roles,
/// user mappings, servers and subscriptions are cut and listed.
///
/// With --uuid-keys integer keys become UUIDs: definitions are changed here, and `load` converts the rows, which pass
/// as they are. What cannot become one, or is used as a number by a check, an index, a default or a generated column,
/// is refused; views and routines that reckon with a key are doubts. Only for archives.
///
/// Plain SQL: everything before the first row is judged before a byte is written. A schema that the dump fills without
/// creating it (`public`, or any with `pg_dump -t`) is created under its new name. After a failure the output ends
/// with a statement that raises, so that `psql -1 -v ON_ERROR_STOP=1` keeps nothing.
#[derive(Debug, Parser)]
#[command(name = "remap-schema", after_help = cli::after_help(EXAMPLES, Some(FINDINGS)))]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) mapping: MappingArgs,
    #[command(flatten)]
    pub(crate) keys: KeysArgs,
    #[command(flatten)]
    pub(crate) roles: RoleArgs,
    #[command(flatten)]
    pub(crate) merging: MergeArgs,
    /// An archive (a file or a directory) or an SQL dump of one database or of roles; `-` is stdin. With --merge
    /// NAME=ARCHIVE for each source [default: -]
    #[arg(value_name = "INPUT", hide_default_value = true)]
    pub(crate) inputs: Vec<String>,
    #[command(flatten)]
    pub(crate) output: cli::OutputArgs,
    /// What becomes of functions that find names by the search path and that PostgreSQL may call outside an
    /// application's session: from indexes, generated columns, checks, defaults, policies, materialized views,
    /// triggers
    #[arg(long, value_enum, default_value_t = SearchPathArg::Pin, value_name = "POLICY")]
    pub(crate) search_path: SearchPathArg,
    /// Take doubts, and names in rows that mean nothing, for failures: then nothing is written that anything could use
    #[arg(long)]
    pub(crate) strict: bool,
    /// Write nothing, only say what would be changed and what cannot be proved; the input is read to its end
    #[arg(long, conflicts_with = "output")]
    pub(crate) check: bool,
    /// Write every edit, doubt, note and password that was cut to a new FILE as JSON (a password's place, never
    /// its value)
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
