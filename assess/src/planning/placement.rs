//! Which targets there are, and which of them each source goes to.

use cli::{Failure, Result};
use database::Endpoint;
use plan::PlannedTarget;

use super::PlanningArgs;
use super::against::Group;
use super::schemas::plain_name;
use crate::sources::Source;

/// A target of the command line.
#[derive(Clone, Debug)]
struct Wanted {
    name: String,
    /// To connect by; never printed.
    words: String,
    /// For the plan, without a password.
    endpoint: String,
}

/// Targets, and for each source the place of its own among them.
#[derive(Debug)]
pub(crate) struct Placement {
    targets: Vec<Wanted>,
    of_sources: Vec<usize>,
}

impl Placement {
    /// Reads `--target` and `--to-target`. `sources` and their `words` come in the order of their targets afterwards.
    pub(crate) fn find(
        args: &PlanningArgs,
        sources: &mut Vec<Source>,
        words: &mut Vec<String>,
    ) -> Result<Placement> {
        let targets: Vec<Wanted> = args.target.iter().map(|it| wanted(it)).collect::<Result<_>>()?;
        for (at, target) in targets.iter().enumerate() {
            if targets[..at].iter().any(|it| it.name == target.name) {
                return Err(
                    Failure::usage(format!("two targets are called `{}`", target.name))
                        .with_hint("give them names: --target NAME=TARGET"),
                );
            }
        }
        let mut places = vec![None; sources.len()];
        for pair in &args.to_target {
            let (source, name) = pair
                .rsplit_once('=')
                .ok_or_else(|| Failure::usage(format!("`--to-target {pair}` is no SOURCE=NAME")))?;
            let target = targets.iter().position(|it| it.name == name).ok_or_else(|| {
                let known: Vec<&str> = targets.iter().map(|it| it.name.as_str()).collect();
                Failure::usage(format!(
                    "no --target is called `{name}`; there are {}",
                    known.join(", ")
                ))
            })?;
            let found = find_source(source, words, sources)?;
            places[found] = Some(target);
        }
        let lost = places.iter().position(|it| it.is_none() && targets.len() > 1);
        if let Some(at) = lost {
            return Err(Failure::usage(format!(
                "there are several targets, and nothing says which {} goes to",
                sources[at].name()
            ))
            .with_hint("--to-target SOURCE=NAME says it"));
        }
        let mut all: Vec<(usize, Source, String)> = places
            .into_iter()
            .map(Option::unwrap_or_default)
            .zip(sources.drain(..))
            .zip(words.drain(..))
            .map(|((place, source), words)| (place, source, words))
            .collect();
        all.sort_by_key(|(place, _, _)| *place);
        let mut of_sources = Vec::new();
        for (place, source, word) in all {
            of_sources.push(place);
            sources.push(source);
            words.push(word);
        }
        Ok(Placement { targets, of_sources })
    }

    /// The name of the target of the source at this place; `None` where there is no choice.
    pub(super) fn target_of(&self, source: usize) -> Option<String> {
        let place = *self.of_sources.get(source)?;
        (self.targets.len() > 1).then(|| self.targets[place].name.clone())
    }

    pub(super) fn planned_targets(&self) -> Vec<PlannedTarget> {
        let targets = self.targets.iter().map(|it| PlannedTarget {
            name: it.name.clone(),
            endpoint: it.endpoint.clone(),
            ..PlannedTarget::default()
        });
        targets.collect()
    }

    /// The sources of each target.
    pub(crate) fn groups(&self) -> Vec<Group> {
        let group = |(place, it): (usize, &Wanted)| Group {
            name: it.name.clone(),
            words: it.words.clone(),
            sources: self.of_sources.partition_point(|it| *it < place)
                ..self.of_sources.partition_point(|it| *it <= place),
        };
        self.targets.iter().enumerate().map(group).collect()
    }
}

/// The source that `name` means: as typed, as messages call it, or as the plan will.
pub(super) fn find_source(name: &str, words: &[String], sources: &[Source]) -> Result<usize> {
    let by_words = words.iter().position(|it| it == name);
    let by_name = || sources.iter().position(|it| it.name() == name);
    let by_plan = || {
        sources
            .iter()
            .position(|it| super::schemas::schema_name(it) == name)
    };
    by_words.or_else(by_name).or_else(by_plan).ok_or_else(|| {
        Failure::usage(format!(
            "no source is called `{name}`; there are {}",
            words.join(", ")
        ))
    })
}

/// `[NAME=]TARGET`: a name before words that are an endpoint by themselves no longer are one.
fn wanted(typed: &str) -> Result<Wanted> {
    let whole = parse(typed);
    let (name, words, endpoint) = match (whole, typed.split_once('=')) {
        (Ok(endpoint), _) => (None, typed, endpoint),
        (Err(error), None) => return Err(error),
        (Err(error), Some((name, words))) if name.contains(['/', ' ', ':', '\'']) || words.is_empty() => {
            return Err(error);
        }
        (Err(_), Some((name, words))) => (Some(name), words, parse(words)?),
    };
    let (Endpoint::Postgres(server), expanded) = endpoint else {
        return Err(Failure::usage(format!("the target `{words}` is a SQLite file"))
            .with_hint("name a PostgreSQL database"));
    };
    let reached = server.brief();
    let endpoint = super::endpoint(Some(&words.to_owned()), &reached);
    Ok(Wanted {
        name: name.map_or_else(|| plain_name(server.dbname()), str::to_owned),
        words: expanded,
        endpoint,
    })
}

fn parse(typed: &str) -> Result<(Endpoint, String)> {
    let expanded = cli::expand_endpoint(typed, "a target")?;
    let endpoint = Endpoint::parse(&expanded, &cli::environment()).map_err(Failure::target)?;
    Ok((endpoint, expanded))
}
