//! The targets at a glance: what a load would find there. Their tables are neither listed nor counted.

use maud::{Markup, html};
use plan::{Plan, PlannedTarget};

use super::text;
use crate::target::Target;

/// Schemas that are named; of more it is said how many there are.
const SCHEMAS_MAX: usize = 4;

/// A target as the page shows it.
#[derive(Clone, Debug, Default)]
pub(super) struct TargetCard {
    /// The database, or what the plan calls it where there are several.
    pub(super) name: String,
    server: String,
    facts: Vec<(&'static str, String)>,
    extensions: Vec<String>,
}

impl TargetCard {
    /// `planned` is the plan's own word for the target, where it has one.
    pub(super) fn new(it: &Target, planned: Option<&PlannedTarget>, plan: &Plan) -> Self {
        let form = if it.identity.in_recovery {
            ", a standby"
        } else {
            ""
        };
        let extensions = it.extensions().map(|it| format!("{} {}", it.name, it.version));
        let several = plan.targets.len() > 1;
        let name = planned.filter(|_| several).map_or(&it.name, |it| &it.name);
        let mut facts = placement(planned, plan);
        facts.extend(schemas(it, planned, plan));
        facts.extend(own(it, several));
        facts.retain(|(_, value)| !value.is_empty());
        TargetCard {
            name: name.clone(),
            server: format!("PostgreSQL {}{form}", it.identity.server_version),
            facts,
            extensions: extensions.collect(),
        }
    }

    pub(super) fn render(&self) -> Markup {
        html! {
            article.card.target {
                p.kind { "Target" }
                h3 { (text::name(&self.name)) }
                p.server { (self.server) }
                dl.facts {
                    @for (label, value) in &self.facts { div { dt { (label) } dd { (text::name(value)) } } }
                }
                @if !self.extensions.is_empty() {
                    p.label { "Extensions" }
                    ul.tags { @for it in &self.extensions { li { (text::name(it)) } } }
                }
                p.quiet { "What it holds already is not counted." }
            }
        }
    }
}

/// Which sources come, and what is paid for it.
fn placement(planned: Option<&PlannedTarget>, plan: &Plan) -> Vec<(&'static str, String)> {
    let Some(planned) = planned else {
        return Vec::new();
    };
    let sources: Vec<&str> = plan
        .sources_of(&planned.name)
        .iter()
        .map(|it| it.name.as_str())
        .collect();
    let cost = planned
        .cost_per_month
        .as_ref()
        .and_then(serde_json::Number::as_f64);
    vec![
        ("Takes in", sources.join(", ")),
        (
            "Cost a month",
            cost.map_or_else(String::new, |it| format!("{it:.2}")),
        ),
    ]
}

/// Schemas of the plan: those that a load makes, and those that are there.
fn schemas(it: &Target, planned: Option<&PlannedTarget>, plan: &Plan) -> Vec<(&'static str, String)> {
    let sources = match planned {
        Some(planned) => plan.sources_of(&planned.name),
        None => plan.sources.iter().collect(),
    };
    let mut wanted: Vec<String> = sources
        .iter()
        .flat_map(|source| source.schemas.iter().map(|it| source.mapping.schema(it)))
        .collect();
    wanted.sort_unstable();
    wanted.dedup();
    let is_there = |name: &&String| it.offers.schemas.iter().any(|it| it.name == **name);
    let new: Vec<String> = wanted.iter().filter(|it| !is_there(it)).cloned().collect();
    let there = it.offers.schemas.iter().filter(|it| wanted.contains(&it.name));
    let there: Vec<String> = there
        .map(|it| match it.objects {
            0 => format!("{} (empty)", it.name),
            objects => format!(
                "{} ({})",
                it.name,
                text::counted(
                    usize::try_from(objects).unwrap_or(usize::MAX),
                    "object",
                    "objects"
                )
            ),
        })
        .collect();
    vec![("New schemas", few(&new)), ("Schemas there", few(&there))]
}

fn few(names: &[String]) -> String {
    let shown = names.len().min(SCHEMAS_MAX);
    let more = match names.len() - shown {
        0 => String::new(),
        more => format!(" and {} more", text::grouped(more)),
    };
    format!("{}{more}", names[..shown].join(", "))
}

fn own(it: &Target, several: bool) -> Vec<(&'static str, String)> {
    let facts = &it.facts;
    let free = facts
        .max_connections
        .saturating_sub(facts.reserved_connections)
        .saturating_sub(facts.connections);
    let yes_or_no = |is: bool| if is { "yes" } else { "no" }.to_owned();
    let only = |is: bool, value: String| if is { value } else { String::new() };
    let large = it.large_objects.len();
    vec![
        (
            "Database",
            only(
                several || it.name != it.identity.database,
                it.identity.database.clone(),
            ),
        ),
        ("Encoding", it.identity.encoding.clone()),
        ("Collation", collation(&it.identity.collation)),
        (
            "Time zone",
            facts.settings.get("TimeZone").cloned().unwrap_or_default(),
        ),
        ("Load's role", it.offers.role.clone()),
        ("May make schemas", yes_or_no(it.offers.may_create)),
        (
            "Read-only",
            only(it.offers.read_only, "yes, by its settings".to_owned()),
        ),
        (
            "Connections",
            format!(
                "{} of {} free",
                cli::count(free.into()),
                cli::count(facts.max_connections.into())
            ),
        ),
        (
            "Database's limit",
            facts
                .connection_limit
                .map_or_else(String::new, |it| cli::count(it.into())),
        ),
        ("Large objects", only(large > 0, text::grouped(large))),
        (
            "Event triggers",
            only(
                !facts.event_triggers.is_empty(),
                text::grouped(facts.event_triggers.len()),
            ),
        ),
    ]
}

/// `libc:C.UTF-8@2.36` as the cards of sources have it: `C.UTF-8 (libc 2.36)`.
fn collation(identity: &str) -> String {
    let Some((provider, name)) = identity.split_once(':') else {
        return identity.to_owned();
    };
    match name.split_once('@') {
        Some((name, version)) => format!("{name} ({provider} {version})"),
        None => format!("{name} ({provider})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_collation_is_told_as_of_sources() {
        assert_eq!(collation("libc:C.UTF-8@2.36"), "C.UTF-8 (libc 2.36)");
        assert_eq!(collation("builtin:C"), "C (builtin)");
    }

    #[test]
    fn of_many_schemas_the_first_are_named() {
        let names: Vec<String> = (0..6).map(|it| format!("s{it}")).collect();
        assert_eq!(few(&names), "s0, s1, s2, s3 and 2 more");
    }
}
