//! Which two sides are compared: the words of the command line, or what a plan says.

use cli::{Failure, Result};

use crate::args::Args;

/// The words that both sides are opened by; those of a plan may hold a password that the environment gave.
pub(crate) struct Ends {
    pub(crate) source: String,
    pub(crate) target: String,
}

impl Ends {
    pub(crate) fn find(args: &Args) -> Result<Ends> {
        if let (Some(source), Some(target)) = (&args.source, &args.target) {
            return Ok(Ends {
                source: source.clone(),
                target: target.clone(),
            });
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
