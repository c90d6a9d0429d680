//! Which two sides are compared: the words of the command line, or what a plan says.

use cli::{Failure, Result};

use crate::args::Args;

/// The target out of a plan, for a source that has its new names already.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Plan")]
pub(crate) struct EndArgs {
    /// Compare an archive that `remap-schema` has written with the plan's target of this name; the archive has its new
    /// names already, so --source would give it some again
    #[arg(
        long,
        value_name = "NAME",
        requires_all = ["plan", "source"],
        conflicts_with_all = ["source_name", "archive", "target"]
    )]
    to_target: Option<String>,
}

/// The words that both sides are opened by; those of a plan may hold a password that the environment gave.
pub(crate) struct Ends {
    pub(crate) source: String,
    pub(crate) target: String,
}

impl Ends {
    pub(crate) fn find(args: &mut Args) -> Result<Ends> {
        if let (Some(source), Some(target)) = (&args.source, &args.target) {
            return Ok(Ends {
                source: source.clone(),
                target: target.clone(),
            });
        }
        if let (Some(name), Some(path), Some(source)) =
            (&args.ends.to_target, &args.mapping.plan, &args.source)
        {
            let plan = cli::read_plan(path)?;
            let target = plan.target(name).map_err(|error| cli::unusable(path, &error))?;
            let ends = Ends {
                source: source.clone(),
                target: cli::expand_endpoint(&target.endpoint, &format!("target {}", target.name))?,
            };
            // Nothing else of the plan is meant.
            args.mapping.plan = None;
            return Ok(ends);
        }
        let Some((plan, planned)) = args.mapping.plan()? else {
            return Err(Failure::usage(
                "name a SOURCE and a TARGET, --plan FILE with --source NAME, or --archive FILE",
            ));
        };
        let target = plan
            .target_of(&planned)
            .map_err(|error| Failure::usage(error).with_hint("name SOURCE and TARGET before --plan"))?;
        let source = match &args.source {
            Some(words) => words.clone(),
            None => cli::expand_endpoint(&planned.endpoint, &format!("source {}", planned.name))?,
        };
        Ok(Ends {
            source,
            target: cli::expand_endpoint(&target.endpoint, &format!("target {}", target.name))?,
        })
    }
}
