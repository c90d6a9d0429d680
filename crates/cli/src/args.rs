//! Arguments that tools share.

use clap::{ArgMatches, Args, Command, FromArgMatches as _, ValueEnum};
use plan::{ExtensionsPolicy, Mapping, MappingError, Plan, PlannedSource};

use crate::plan_file::{planned_source, read_plan, unusable};
use crate::{Destination, Existing, Failure, Result};

/// What every tool takes beside its own arguments.
#[derive(Args, Debug)]
pub struct Frame {
    /// Print errors, warnings and findings alone
    #[arg(
        long,
        short,
        global = true,
        conflicts_with = "verbose",
        help_heading = "Output"
    )]
    pub(crate) quiet: bool,
    /// Print every step, and DETAIL of servers' errors (which can hold row data)
    #[arg(long, short, global = true, help_heading = "Output")]
    pub(crate) verbose: bool,
    /// How progress is shown on stderr
    #[arg(long, value_enum, default_value_t = ProgressStyle::Auto, global = true, help_heading = "Output", value_name = "STYLE")]
    pub(crate) progress: ProgressStyle,
}

/// How progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProgressStyle {
    /// A bar on a terminal, a line every 5 seconds elsewhere, nothing when stdout is a pipe
    Auto,
    /// Lines of text
    Plain,
    /// Lines of JSON
    Json,
    /// Nothing
    None,
}

/// The form of a report on stdout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// For programs: one JSON object with a version
    Json,
}

impl Frame {
    pub(crate) fn augment(command: Command) -> Command {
        // What a tool says of itself must survive what the frame says of itself.
        let about = command.get_about().cloned().unwrap_or_default();
        let long_about = command.get_long_about().cloned().unwrap_or_else(|| about.clone());
        Frame::augment_args(command.version(env!("CARGO_PKG_VERSION")))
            .about(about)
            .long_about(long_about)
    }

    pub(crate) fn from_matches(matches: &ArgMatches) -> Frame {
        Frame::from_arg_matches(matches).unwrap_or_else(|error| error.exit())
    }
}

/// Where an archive goes.
#[derive(Args, Clone, Debug, Default)]
pub struct OutputArgs {
    /// Where to write an archive: a file, or a directory when the name ends in `/` [default: stdout]
    #[arg(long, short, value_name = "PATH")]
    output: Option<String>,
    /// Replace the file that has the name of --output, or the directory if it is an archive; what is there stays until
    /// the new one is whole
    #[arg(long, requires = "output")]
    force: bool,
}

impl OutputArgs {
    /// Whether a place other than stdout was named.
    pub fn is_named(&self) -> bool {
        self.output.is_some()
    }

    /// Where the archive goes; stdout unless `-o` names a place.
    pub fn destination(&self) -> Destination {
        let existing = if self.force {
            Existing::Replaced
        } else {
            Existing::Kept
        };
        Destination::new(self.output.as_deref(), existing)
    }
}

/// New names for a source's schemas and for what lives in them, by flags or by a plan.
#[derive(Args, Clone, Debug, Default)]
pub struct MappingArgs {
    /// Make schema `public` NAME, and every other schema S `NAME_S`
    #[arg(long, value_name = "NAME")]
    pub to: Option<String>,
    /// Make schema OLD NEW; goes before --to (repeatable)
    #[arg(long, value_name = "OLD=NEW")]
    pub map: Vec<String>,
    /// Put P before the name of everything that lives in a schema: tables, indexes, types, routines
    #[arg(long, value_name = "P")]
    pub prefix: Option<String>,
    /// Call the object OLD of SCHEMA NEW, a routine as `SCHEMA.OLD()=NEW`; goes before --prefix (repeatable)
    ///
    /// Names are those of the source, as they are: `public.Users=users`. A name with a dot stands in double
    /// quotes. Sequences of a table's columns and its indexes follow it where their
    /// names begin with the table's and `_`, and with an index the constraint that it serves.
    #[arg(long, value_name = "SCHEMA.OLD=NEW")]
    pub rename: Vec<String>,
    /// Standardise all names, those of columns too: `OrderItems` becomes `order_items`
    #[arg(long)]
    pub snake_case: bool,
    /// What becomes of extensions
    #[arg(long, value_enum, default_value_t = Extensions::Move, value_name = "WHAT")]
    pub extensions: Extensions,
    /// Where the target keeps extensions, or one of them [default: public] (repeatable)
    #[arg(long, value_name = "[EXT=]NAME")]
    pub extensions_schema: Vec<String>,
    /// Take the names from a plan that `assess --plan` wrote; `verify` takes its choices for a SQLite file too, and
    /// options that are given beside it go before these
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["to", "map", "prefix", "rename", "snake_case", "extensions", "extensions_schema"]
    )]
    pub plan: Option<std::path::PathBuf>,
    /// The source's name in the plan
    #[arg(
        long = "source",
        id = "source_name",
        value_name = "NAME",
        requires = "plan",
        // What conflicts with the plan would make its lack pass.
        conflicts_with_all = ["to", "map", "prefix", "rename", "snake_case", "extensions", "extensions_schema"]
    )]
    pub source: Option<String>,
}

/// What becomes of extensions when the schemas around them get new names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Extensions {
    /// They go to the schema where the target keeps extensions
    #[default]
    Move,
    /// They stay in the schema where the source has them
    Leave,
}

/// The source of a plan, for a tool to which new names mean nothing.
#[derive(Args, Clone, Debug, Default)]
pub struct PlanArgs {
    /// Read a source of this plan, which `assess --plan` wrote; options beside it go before what it says
    ///
    /// The plan says where the source is, which tables are left out, which of their rows are wanted, and of a SQLite file
    /// the types of columns, what --on-bad-value, --orphans, --nocase and --full-text say, --rename and --snake-case, and
    /// --salvage. An option that says the same of one column or name goes before the plan's.
    #[arg(long, value_name = "FILE", requires = "source_name", help_heading = "Plan")]
    plan: Option<std::path::PathBuf>,
    /// The source's name in the plan
    #[arg(
        long = "source",
        id = "source_name",
        value_name = "NAME",
        requires = "plan",
        help_heading = "Plan"
    )]
    source: Option<String>,
}

impl PlanArgs {
    /// The plan's source that --plan and --source name.
    pub fn planned(&self) -> Result<Option<PlannedSource>> {
        match (&self.plan, &self.source) {
            (Some(path), Some(source)) => planned_source(path, source).map(Some),
            _ => Ok(None),
        }
    }
}

fn without_source() -> Failure {
    Failure::usage("--plan needs the name of the source that is meant")
        .with_hint("give it with --source NAME")
}

impl MappingArgs {
    /// The mapping that the flags ask for, or that of the plan's source; a usage error when they are wrong.
    pub fn mapping(&self) -> Result<Mapping> {
        let Some(planned) = self.planned()? else {
            if self.extensions == Extensions::Leave && !self.extensions_schema.is_empty() {
                let message = "--extensions leave and --extensions-schema exclude each other";
                return Err(Failure::usage(message));
            }
            return self.flags_mapping().map_err(Failure::usage);
        };
        Ok(planned.whole_mapping())
    }

    /// The plan's source that --plan and --source name.
    pub fn planned(&self) -> Result<Option<PlannedSource>> {
        match (&self.plan, &self.source) {
            (Some(path), Some(source)) => planned_source(path, source).map(Some),
            (Some(_), None) => Err(without_source()),
            (None, _) => Ok(None),
        }
    }

    /// The whole plan and its source that --plan and --source name.
    pub fn plan(&self) -> Result<Option<(Plan, PlannedSource)>> {
        let Some(path) = &self.plan else {
            return Ok(None);
        };
        let name = self.source.as_ref().ok_or_else(without_source)?;
        let plan = read_plan(path)?;
        let source = plan.source(name).map_err(|error| unusable(path, &error))?.clone();
        Ok(Some((plan, source)))
    }

    fn flags_mapping(&self) -> std::result::Result<Mapping, MappingError> {
        let mut mapping = Mapping::new(self.to.as_deref(), &self.map)?
            .with_prefix(self.prefix.as_deref())?
            .with_renames(&self.rename)?
            .with_extensions_schemas(&self.extensions_schema)?;
        mapping.snake_case = self.snake_case;
        mapping.extensions = match self.extensions {
            Extensions::Move => ExtensionsPolicy::Move,
            Extensions::Leave => ExtensionsPolicy::Leave,
        };
        Ok(mapping)
    }
}
