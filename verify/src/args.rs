//! The arguments of `verify`.

use std::num::NonZeroUsize;

use clap::Parser;
use cli::{Format, KeysArgs, MappingArgs};
use database::postgres::DefinitionWishes;

const EXAMPLES: &str = "  verify mandible-dev shared-app-dev --to mandible
  verify legacy.sqlite shared-app-dev --to legacy
  verify backup.tar shared-app-dev --to mandible
  dump mandible-dev | verify - shared-app-dev --to mandible
  verify app-dev app-dev --to v2
  verify --archive backup.tar";

const FINDINGS: &str = "something differs";

/// Prove that a target holds every row of a source
///
/// Compares the columns, the count and the fingerprint of every table, the positions of sequences, and everything that is
/// defined, property by property: columns, keys, constraints, indexes, sequences, views, routines, triggers, rules,
/// policies, types, domains, operators, casts, collations, text search, statistics, comments, partitions, inheritance,
/// extensions. The target may not have more, but for extensions, and with --prefix for names without the prefix. Large
/// objects, and rows of extensions' configuration tables, must all be there; the target may hold more. Generated columns
/// are compared where SOURCE is a SQLite file; the report names those that are not.
///
/// A line is an object, a property, what the source has and what the target has. `expected` is what had to change, and
/// `not compared` what could not be judged, such as what two versions of PostgreSQL write each in its own way: neither
/// makes anything different. Owners and grants are compared on request. Never compared: tablespaces, names of NOT NULL
/// constraints, transforms, languages, access methods, servers, publications, settings.
///
/// SOURCE is a PostgreSQL
/// database, a SQLite file, or an archive (`-` for stdin, a file or a directory); names are translated as
/// `remap-schema` does, so give the same --to and --map. SOURCE and TARGET may be one database: schemas that
/// others are mapped to are then no part of the source. An archive that has been through `remap-schema` has its new names,
/// and says which keys became UUIDs; for other sources give the same --uuid-keys. A SQLite file is read by the choices
/// that `dump` had: give the same options, among which --rename and --snake-case are as those of `dump`, too.
/// With --archive, an archive alone is checked: every SHA-256, count and fingerprint in it. Nothing is written.
#[derive(Debug, Parser)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
#[command(name = "verify", after_help = cli::after_help(EXAMPLES, Some(FINDINGS)))]
pub(crate) struct Args {
    /// What must be there: a database, a SQLite file or an archive; `-` is an archive on stdin
    pub(crate) source: Option<String>,
    /// Where it must be: a PostgreSQL database
    #[arg(requires = "source")]
    pub(crate) target: Option<String>,
    /// Check this archive alone; `-` is stdin
    #[arg(long, value_name = "FILE", conflicts_with_all = ["source", "target"])]
    pub(crate) archive: Option<String>,
    #[command(flatten)]
    pub(crate) mapping: MappingArgs,
    #[command(flatten)]
    pub(crate) keys: KeysArgs,
    /// Tables that are read at once, each by one session on each side [default: the number of cores]
    #[arg(long, short, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// Do not look at large objects of a live source, as `dump` with this flag
    #[arg(long)]
    pub(crate) no_large_objects: bool,
    /// Do not look at rows of extensions' configuration tables of a live source, as `dump` with this flag
    #[arg(long)]
    pub(crate) no_extension_rows: bool,
    /// Do not compare what is defined, nor where sequences stand: rows alone
    #[arg(long)]
    no_schema: bool,
    /// Compare who owns each object, too
    #[arg(long, conflicts_with = "no_schema")]
    owners: bool,
    /// Compare who may do what, too: grants on each object and default privileges, without those of owners
    #[arg(long, conflicts_with = "no_schema")]
    grants: bool,
    #[command(flatten)]
    pub(crate) sqlite: cli::SqliteArgs,
    #[command(flatten)]
    pub(crate) rate: cli::RateArgs,
    /// The form of the report
    #[arg(long, value_enum, default_value_t = Format::Text, value_name = "FORM")]
    pub(crate) format: Format,
}

impl Args {
    /// What to read of definitions; `None` where they are not compared.
    pub(crate) fn definition_wishes(&self) -> Option<DefinitionWishes> {
        let wishes = DefinitionWishes {
            owners: self.owners,
            grants: self.grants,
        };
        (!self.no_schema).then_some(wishes)
    }

    pub(crate) fn jobs(&self) -> usize {
        let jobs = self.jobs.or_else(|| std::thread::available_parallelism().ok());
        jobs.map_or(2, usize::from)
    }
}
