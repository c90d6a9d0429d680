//! The arguments of `assess`.

use clap::Parser;

use crate::check_plan::CheckPlanArgs;
use crate::dictionary::DictionaryArgs;
use crate::made_makefile::MakeArgs;
use crate::pictures::PictureArgs;
use crate::planning::PlanningArgs;
use crate::readiness::ReadyArgs;
use crate::report::Format;
use crate::sources::CensusArgs;

const EXAMPLES: &str = "  assess mandible-dev sso-dev legacy.sqlite
  assess --ready mandible-dev sso-dev legacy.sqlite --target shared-app-dev --plan plan.json
  assess a.sqlite b.sqlite --target shared-app-dev --layout prefix --into app --plan plan.json
  assess crm hr --target eu=crm-eu --target us=hr-us --to-target crm=eu --to-target hr=us --cost crm=40 --plan plan.json
  assess --check-plan plan.json
  assess mandible-dev --format json | jq '.sources[0].extensions'";

const FINDINGS: &str = "--ready, and something blocks; --check-plan, and something does not hold";

/// Take stock of sources and find what conflicts between them
///
/// Each SOURCE is a PostgreSQL database, a SQLite file or an archive. Shows the server, encoding, collation, extensions,
/// schemas, tables, rows, bytes, views, functions and sequences of each, and every name that several of them
/// use. With --target, what the target lacks. Nothing is written but the plan.
#[derive(Debug, Parser)]
#[command(name = "assess", after_help = cli::after_help(EXAMPLES, Some(FINDINGS)))]
pub(crate) struct Args {
    /// Databases, SQLite files, or archives that `dump` wrote (a file, a directory, or `-`)
    #[arg(required_unless_present_any = ["make", "check_plan"])]
    pub(crate) sources: Vec<String>,
    #[command(flatten)]
    pub(crate) planning: PlanningArgs,
    #[command(flatten)]
    pub(crate) check_plan: CheckPlanArgs,
    #[command(flatten)]
    pub(crate) readiness: ReadyArgs,
    #[command(flatten)]
    pub(crate) made_makefile: MakeArgs,
    #[command(flatten)]
    pub(crate) sqlite: cli::SqliteArgs,
    #[command(flatten)]
    pub(crate) sqlite_names: cli::SqliteNameArgs,
    #[command(flatten)]
    pub(crate) census: CensusArgs,
    #[command(flatten)]
    pub(crate) pictures: PictureArgs,
    #[command(flatten)]
    pub(crate) dictionary: DictionaryArgs,
    /// The form of the report
    #[arg(long, value_enum, default_value_t = Format::Text, value_name = "FORM")]
    pub(crate) format: Format,
}
