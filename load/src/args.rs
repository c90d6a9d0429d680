//! The arguments of `load`.

use std::num::NonZeroUsize;

use clap::{Parser, ValueEnum};

use crate::after::AfterArgs;
use crate::checks::space::SpaceArgs;
use crate::data_only::DataOnlyArgs;
use crate::dry_run::DryRunArgs;
use crate::merging::MergingArgs;
use crate::planned::{PlanTargetArgs, TargetWords};
use crate::proofs::ProofArgs;
use crate::rejects::RejectArgs;
use crate::roles::RoleArgs;
use crate::script::ScriptArgs;
use crate::toast::ToastArgs;

const EXAMPLES: &str = "  dump mandible-dev | remap-schema --to mandible | load shared-app-dev
  load shared-app-dev backup.tar --jobs 4
  load shared-app-dev backup.tar --privileges keep --apply settings,publications
  dump mandible-dev | remap-schema --to mandible | load shared-app-dev --dry-run
  load shared-app-dev backup.tar --space 20GiB
  load shared-app-dev backup.tar --create-role mandible_app --after indexes.sql --script sent.sql
  load shared-app-dev backup.tar --read-back --rate-limit 20
  load --restore-test spare-server backup.tar
  load shared-app-dev backup.tar --data-only --truncate shop.settings
  dump --plan plan.json --source mandible | remap-schema --plan plan.json --source mandible |
    load --plan plan.json --source mandible
  load --abandon mandible shared-app-dev";

const FINDINGS: &str =
    "live, but rows were rejected; or the archive can be restored, but not all of it was tested";

/// Load an archive into a PostgreSQL database, all or nothing
///
/// Creates the archive's schemas, fills them on several connections while the archive is still coming, then
/// builds keys, indexes, foreign keys and the rest. Every chunk's SHA-256, every count and every fingerprint is
/// checked. Until the end of the archive has been read and all of them hold, the new schemas have no grants to
/// anyone, and a failure leaves nothing live. The role needs CREATE on the database; it need not be superuser.
/// Large objects keep their OIDs, which must be free. Rows of extensions' configuration tables are added where they
/// are absent; one that is there with other values stops the load.
#[derive(Debug, Parser)]
#[command(name = "load", after_help = cli::after_help(EXAMPLES, Some(FINDINGS)))]
pub(crate) struct Args {
    /// The database to write: a URL, a keyword string or a database's name [default: what --plan says]
    #[arg(required_unless_present = "plan_file")]
    pub(crate) target: Option<String>,
    /// An archive: a file or a directory; `-` is stdin
    #[arg(default_value = "-")]
    pub(crate) archive: String,
    /// What the words and the plan say together.
    #[arg(skip)]
    pub(crate) to: TargetWords,
    #[command(flatten)]
    pub(crate) planned: PlanTargetArgs,
    /// Sessions that write [default: the number of cores plus one]
    #[arg(long, short, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// What becomes of the source's grants
    #[arg(long, value_enum, default_value_t = Privileges::Drop, value_name = "WHAT")]
    pub(crate) privileges: Privileges,
    #[command(flatten)]
    pub(crate) roles: RoleArgs,
    #[command(flatten)]
    pub(crate) after: AfterArgs,
    #[command(flatten)]
    pub(crate) script: ScriptArgs,
    /// What else of the source is applied, in the moment in which the schemas go live
    ///
    /// Publications, subscriptions, event triggers, default privileges and settings of the database and of roles in it
    /// concern more than the schemas, so they stay in the archive otherwise. A name that the target has already, and
    /// what the role may not do, is refused before any work. Event triggers, subscriptions, and publications for all
    /// tables or whole schemas need a superuser. A subscription comes without its password and its slot, switched off.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "KIND")]
    pub(crate) apply: Vec<Apply>,
    /// Go on with what an unfinished load of this archive left
    ///
    /// Rows that are in stay in, steps that are done are not done again. Another dump of the same source, with the same
    /// definitions, filters and new names, may take the archive's place: from a file or directory tables with the same
    /// fingerprint stay, from a pipe everything is loaded again. Without anything to go on with it is a load like any
    /// other; when the archive is live already that is said, with exit status 0. With --data-only, tables that are in are
    /// not filled again; that needs the same archive, in a file or directory.
    #[arg(long)]
    pub(crate) resume: bool,
    /// Fill a table in one transaction up to this size, in MiB; beyond it chunk by chunk
    ///
    /// In one transaction rows are frozen, so that no VACUUM has to write them again; after a crash such a table is
    /// loaded from its beginning. From a pipe, where rows cannot be read again, it is 8 MiB at most.
    #[arg(long, value_name = "MIB", default_value_t = 256)]
    whole_max: u64,
    #[command(flatten)]
    pub(crate) toast: ToastArgs,
    #[command(flatten)]
    pub(crate) rejects: RejectArgs,
    /// Load into a server that is older than the source
    #[arg(long)]
    pub(crate) allow_older_target: bool,
    #[command(flatten)]
    pub(crate) space: SpaceArgs,
    #[command(flatten)]
    pub(crate) dry_run: DryRunArgs,
    #[command(flatten)]
    pub(crate) proofs: ProofArgs,
    /// Print a report on stdout when the schemas are live
    #[arg(long, value_enum, value_name = "FORM")]
    pub(crate) format: Option<ReportFormat>,
    /// Remove what an unfinished load left in SCHEMA and in the other schemas of that load
    ///
    /// A schema that was there before is emptied. Large objects that the load made go too (SCHEMA is `pg_largeobject`
    /// for a load that had nothing else). Extensions stay; of what --apply names an unfinished load has nothing.
    /// Objects of other roles, and objects elsewhere
    /// that depend on what would go, stop it.
    #[arg(long, value_name = "SCHEMA", conflicts_with_all = ["archive", "jobs", "privileges", "apply", "resume", "whole_max", "toast_compression", "allow_older_target", "format", "rate_limit", "RejectArgs"])]
    pub(crate) abandon: Option<String>,
    #[command(flatten)]
    pub(crate) merging: MergingArgs,
    #[command(flatten)]
    pub(crate) rows_alone: DataOnlyArgs,
}

/// The form of the report; the closing line on stderr is there for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportFormat {
    /// One JSON object with a version
    Json,
}

/// What becomes of grants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Privileges {
    /// Apply them; roles that hold one, or had USAGE through PUBLIC alone, get USAGE on the schema, and PUBLIC does not
    Keep,
    /// Leave everything to the owner alone (--owner)
    Drop,
}

/// Kinds that are applied on request. Settings come first; the others follow in the order in which they stand here,
/// event triggers last, since they would fire for the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Apply {
    /// `ALTER DEFAULT PRIVILEGES`; those without a schema hold for the whole database
    DefaultPrivileges,
    /// `CREATE PUBLICATION`
    Publications,
    /// `ALTER DATABASE … SET` and `ALTER ROLE … IN DATABASE … SET`
    Settings,
    /// `CREATE SUBSCRIPTION`
    Subscriptions,
    /// `CREATE EVENT TRIGGER`
    EventTriggers,
}

impl Args {
    /// Bytes of a table that is filled in one transaction, at most.
    pub(crate) fn whole_bytes_max(&self) -> u64 {
        self.whole_max.saturating_mul(1 << 20)
    }

    pub(crate) fn jobs(&self) -> usize {
        self.jobs.map_or_else(
            || std::thread::available_parallelism().map_or(2, usize::from) + 1,
            usize::from,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An option that does nothing beside another one is refused by its name.
    #[track_caller]
    fn refused(way: &str, option: &str) {
        let line = format!("load shared {way} {option}");
        let refusal = Args::try_parse_from(line.split(' ')).expect_err(&line);
        assert_eq!(refusal.kind(), clap::error::ErrorKind::ArgumentConflict, "{line}");
        let name = option.split(' ').next().unwrap_or_default();
        assert!(refusal.to_string().contains(name), "{line}: {refusal}");
    }

    #[test]
    fn an_option_that_would_do_nothing_is_refused() {
        let rows = [
            "--whole-max 10",
            "--rate-limit 20",
            "--on-error reject --rejects folder",
            "--resume",
        ];
        let others = ["--toast-compression lz4", "--allow-older-target", "--space 1GiB"];
        for option in rows.iter().chain(&["--format json", "--read-back"]) {
            refused("--dry-run", option);
            refused("--abandon shop", option);
        }
        for option in others {
            refused("--abandon shop", option);
        }
        for option in ["--jobs 2", "--privileges keep", "--apply settings", "--dry-run"] {
            refused("--abandon shop", option);
            refused("--data-only", option);
        }
        for option in &rows[..3] {
            refused("--data-only", option);
        }
    }
}
