//! The arguments of `verify`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Parser, Subcommand};
use cli::{Existing, Failure, KeysArgs, MappingArgs, ReportFile, Ui};
use database::postgres::DefinitionWishes;

use crate::afterwards::AfterArgs;
use crate::ends::EndArgs;
use crate::queries::QueriesArgs;
use crate::report::{Form, ROWS_REPAIRED, Shown};

const EXAMPLES: &str = "  verify mandible-dev shared-app-dev --to mandible
  verify legacy.sqlite shared-app-dev --to legacy
  verify backup.tar shared-app-dev --to mandible
  dump mandible-dev | verify - shared-app-dev --to mandible
  verify app-dev app-dev --to v2 --rows 100
  verify --plan plan.json --source mandible
  verify mandible-dev shared-app-dev --to mandible --format junit -o verify.xml
  verify mandible-dev shared-app-dev --to mandible --repair-sql repair.sql
  verify mandible-dev shared-app-dev --to mandible --quick
  verify mandible-dev shared-app-dev --to mandible --table 'public.order*' --sample 5 --seed 7
  verify backup.tar shared-app-dev --to mandible --isolation
  verify --archive backup.tar
  verify queries mandible-dev shared-app-dev --to mandible --file daily.sql";

/// Differing rows of a table that are shown.
const ROWS_SHOWN: usize = 10;

const FINDINGS: &str = "something differs";

/// Prove that a target holds every row of a source
///
/// Compares the columns, the count and the fingerprint of every table, the positions of sequences, and everything that is
/// defined, property by property: columns, keys, constraints, indexes, sequences, views, routines, triggers, rules,
/// policies, types, domains, operators, casts, collations, text search, statistics, comments, partitions, inheritance,
/// extensions. The target may not have more, but for extensions, and with --prefix for names without the prefix. Large
/// objects, and rows of extensions' configuration tables, must all be there; the target may hold more. Generated columns are
/// compared unless SOURCE is an archive, which has no values of them, or a server cannot calculate them; the report names
/// those that are not. A table is compared by the columns that both sides have, a column of another type by its text or as
/// the source's type. What dump left out, and rows that load rejected, are known from the archive or from the target's
/// journal: they are told, and make no difference.
///
/// Of tables that differ, the rows that do are read again and printed: `-` is in the source only, `+` on the target
/// only, `~` has other values under the same key, which is the primary key or another unique one without NULL. Rows of a
/// table without a key are told apart by all their values.
///
/// A line is an object, a property, what the source has and what the target has. `expected` is what had to change, and
/// `not compared` what could not be judged, such as what two versions of PostgreSQL write each in its own way: neither
/// makes anything different. Owners and grants are compared on request. Never compared: tablespaces, names of NOT NULL
/// constraints, transforms, languages, access methods, servers, publications, settings.
///
/// The target is looked at by itself, too: orphans behind foreign keys, sequences behind their columns, references to
/// other applications' schemas, what is empty, never analyzed or fails `plpgsql_check`.
///
/// SOURCE is a PostgreSQL
/// database, a SQLite file, or an archive (`-` for stdin, a file or a directory); names are translated as
/// `remap-schema` does, so give the same --to and --map. SOURCE and TARGET may be one database: schemas that
/// others are mapped to are then no part of the source. An archive that has been through `remap-schema` has its new names,
/// and says which keys became UUIDs; for other sources give the same --uuid-keys. A SQLite file is read by the choices
/// that `dump` had: give the same options, among which --rename and --snake-case are as those of `dump`, too.
/// With --archive, an archive alone is checked: every SHA-256, count and fingerprint in it. Nothing is written.
#[derive(Debug, Parser)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option by itself")]
#[command(
    name = "verify",
    args_conflicts_with_subcommands = true,
    // A database may be called `help`.
    disable_help_subcommand = true,
    after_help = cli::after_help(EXAMPLES, Some(FINDINGS))
)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    /// What must be there: a database, a SQLite file or an archive; `-` is an archive on stdin [default: what --plan
    /// says]
    pub(crate) source: Option<String>,
    /// Where it must be: a PostgreSQL database [default: what --plan says]
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
    /// Rows that differ to find and print of each table; 0 looks for none [default: 10; with --repair-sql 100,000 are
    /// found and 10 printed]
    #[arg(long, value_name = "N")]
    rows: Option<usize>,
    /// Do not look at large objects of a live source, as `dump` with this flag
    #[arg(long)]
    pub(crate) no_large_objects: bool,
    /// Do not look at rows of extensions' configuration tables of a live source, as `dump` with this flag
    #[arg(long)]
    pub(crate) no_extension_rows: bool,
    /// Do not look at the health of the target
    #[arg(long, conflicts_with = "archive")]
    pub(crate) no_health: bool,
    /// Look for what roles can see and touch across the border of the compared schemas
    ///
    /// For the roles of these schemas (who owns something there, has them in its `search_path` or holds privileges there,
    /// by name or through a group): privileges, ownership and memberships in other applications' schemas, in `public`, on
    /// the database and on large objects, default privileges, and attributes that no schema stops. For the roles of other
    /// applications: the same in the compared schemas. Each leak is a difference, with the statement that closes it.
    /// Superusers, the owner of the database and roles that make roles are listed and are no leaks. SOURCE says which
    /// schemas belong together, so TARGET alone is not enough.
    #[arg(long, conflicts_with = "archive")]
    pub(crate) isolation: bool,
    /// A role of the compared schemas, beside those that can be known; may be repeated
    #[arg(long, value_name = "ROLE", requires = "isolation")]
    pub(crate) role: Vec<String>,
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
    pub(crate) ends: EndArgs,
    #[command(flatten)]
    pub(crate) after: AfterArgs,
    #[command(flatten)]
    pub(crate) extent: ExtentArgs,
    #[command(flatten)]
    pub(crate) sqlite: cli::SqliteArgs,
    #[command(flatten)]
    pub(crate) rate: cli::RateArgs,
    /// The form of the report
    #[arg(long, value_enum, default_value_t = Form::Text, value_name = "FORM", help_heading = "Report")]
    pub(crate) format: Form,
    /// Write the report to a file, which appears when it is whole, instead of stdout
    #[arg(long, short, value_name = "FILE", help_heading = "Report")]
    output: Option<PathBuf>,
    /// Write statements that would make the target equal to a file; nothing of it is run
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with = "archive",
        help_heading = "Report"
    )]
    repair_sql: Option<PathBuf>,
    /// Replace a file that --output or --repair-sql names
    #[arg(long, help_heading = "Report")]
    force: bool,
}

/// How much is compared.
#[derive(Debug, clap::Args)]
pub(crate) struct ExtentArgs {
    /// Compare counts and the servers' own hashes, between two PostgreSQL databases: faster and weaker. Blind to 1.0 and
    /// 1.00, 0 and -0, case in citext, 24:00:00 and 1 day. A table that differs is compared wholly
    #[arg(long, conflicts_with = "sample")]
    pub(crate) quick: bool,
    /// Compare the rows of these tables alone, and nothing else; patterns as those of `dump --table`, for names in the
    /// source or on the target; a partitioned table stands for its partitions [repeatable]
    #[arg(long = "table", value_name = "PATTERN")]
    pub(crate) tables: Vec<String>,
    /// Compare about this share of every table's rows, and all counts, between two PostgreSQL databases
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    pub(crate) sample: Option<f64>,
    /// Take an archive's fingerprints as `dump` wrote them: its members are checked by their SHA-256, its rows are not
    /// hashed again, which `verify --archive` does
    #[arg(long, conflicts_with_all = ["quick", "sample"])]
    pub(crate) fingerprints: bool,
    /// Which rows --sample chooses; the report prints it
    #[arg(long, value_name = "N", default_value_t = 0, requires = "sample")]
    pub(crate) seed: u64,
}

fn percent(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| "it is no number".to_owned())?;
    if number > 0.0 && number <= 100.0 {
        Ok(number)
    } else {
        Err("it is not above 0 and at most 100".to_owned())
    }
}

/// What can be asked for beside tables.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Queries(Box<QueriesArgs>),
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

    /// The files of --output and --repair-sql, begun before any work.
    pub(crate) fn files(&self) -> cli::Result<(Option<ReportFile>, Option<ReportFile>)> {
        if self.output.is_some() && self.output == self.repair_sql {
            return Err(Failure::usage("--output and --repair-sql name the same file"));
        }
        let existing = if self.force {
            Existing::Replaced
        } else {
            Existing::Kept
        };
        let create = |path: &Option<PathBuf>, kind: &'static str| {
            let path = path.as_deref();
            path.map(|it| ReportFile::create_over(it, kind, existing))
                .transpose()
        };
        Ok((
            create(&self.output, "report")?,
            create(&self.repair_sql, "repair")?,
        ))
    }

    /// How many rows that differ are looked for in each table.
    pub(crate) fn rows(&self) -> usize {
        let most = if self.repairs() { ROWS_REPAIRED } else { ROWS_SHOWN };
        self.rows.unwrap_or(most)
    }

    /// Whether a repair is asked for.
    pub(crate) fn repairs(&self) -> bool {
        self.repair_sql.is_some()
    }

    /// How much of the report is shown.
    pub(crate) fn shown(&self, ui: &Ui) -> Shown {
        Shown {
            verbose: ui.is_verbose(),
            rows: self.rows.unwrap_or(ROWS_SHOWN),
        }
    }
}
