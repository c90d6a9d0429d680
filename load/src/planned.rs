//! Where to: the word of the command line, or what a plan says.

use std::path::{Path, PathBuf};

use cli::{Failure, Result};

use crate::args::Args;
use crate::{shell_word, shown_target};

/// The target out of a plan.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Plan")]
pub(crate) struct PlanTargetArgs {
    /// Write the target that this plan has; the only word is ARCHIVE then, and of two words the first is TARGET, which
    /// goes before the plan's
    #[arg(long = "plan", id = "plan_file", value_name = "FILE")]
    plan: Option<PathBuf>,
    /// The target of the plan's source of this name [default: the plan's only target]
    #[arg(
        long = "source",
        id = "planned_source",
        value_name = "NAME",
        requires = "plan_file",
        conflicts_with = "planned_target"
    )]
    source: Option<String>,
    /// The plan's target of this name
    #[arg(
        long = "to-target",
        id = "planned_target",
        value_name = "NAME",
        requires = "plan_file"
    )]
    to_target: Option<String>,
}

/// The target, as it is connected to and as a command line has it.
#[derive(Clone, Debug, Default)]
pub(crate) struct TargetWords {
    /// May hold a password that the environment gave.
    pub(crate) words: String,
    /// For messages, without any secret.
    pub(crate) shown: String,
}

/// Says in `args` what its words mean: which is the target, and which the archive.
pub(crate) fn settle(args: &mut Args) -> Result<()> {
    let Some(path) = args.planned.plan.clone() else {
        let Some(words) = args.target.clone() else {
            return Err(Failure::usage("name a TARGET, or --plan FILE"));
        };
        args.to = TargetWords {
            shown: shown_target(&words),
            words,
        };
        return Ok(());
    };
    let (source, to_target) = (args.planned.source.clone(), args.planned.to_target.clone());
    // With --abandon there is no archive, so that a word can only be the target.
    if args.archive == "-"
        && args.abandon.is_none()
        && let Some(word) = args.target.take()
    {
        args.archive = word;
    }
    let plan = cli::read_plan(&path)?;
    let unusable = |error| cli::unusable(&path, &error);
    let target = match (&source, &to_target) {
        (Some(source), _) => plan.source(source).and_then(|it| plan.target_of(it)),
        (None, Some(name)) => plan.target(name),
        (None, None) => match plan.targets.as_slice() {
            [only] => Ok(only),
            _ if args.target.is_some() => {
                args.to = words_given(args);
                return Ok(());
            }
            _ => {
                let names: Vec<&str> = plan.targets.iter().map(|it| it.name.as_str()).collect();
                return Err(Failure::usage(format!(
                    "the plan has {} targets, and nothing says which is meant",
                    names.len()
                ))
                .with_hint(format!(
                    "--source NAME or --to-target NAME; there are {}",
                    names.join(", ")
                )));
            }
        },
    };
    if args.target.is_some() {
        args.to = words_given(args);
        return Ok(());
    }
    let target = target.map_err(unusable)?;
    let words = cli::expand_endpoint(&target.endpoint, &format!("target {}", target.name))?;
    args.to = TargetWords {
        words,
        shown: shown_options(&path, source.as_ref(), &target.name),
    };
    Ok(())
}

fn words_given(args: &Args) -> TargetWords {
    let words = args.target.clone().unwrap_or_default();
    TargetWords {
        shown: shown_target(&words),
        words,
    }
}

fn shown_options(path: &Path, source: Option<&String>, target: &str) -> String {
    let path = shell_word(&path.display().to_string());
    match source {
        Some(source) => format!("--plan {path} --source {}", shell_word(source)),
        None => format!("--plan {path} --to-target {}", shell_word(target)),
    }
}
