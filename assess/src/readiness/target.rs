//! Whether a target can take its sources, by what it offers.

use inventory::Engine;

use super::{Check, Subject, Topic, ways_out};
use crate::target::Target;

pub(super) fn judge(target: &Target, subjects: &[&Subject<'_>]) -> Vec<Check> {
    let mut checks = itself(target);
    for subject in subjects {
        checks.extend(version(target, subject));
        checks.extend(extensions(target, subject));
        checks.extend(schemas(target, subject));
    }
    checks.dedup();
    if checks.is_empty() {
        let text = format!(
            "{}: role {} may create, PostgreSQL {}, {}",
            target.name, target.offers.role, target.identity.server_version, target.identity.encoding
        );
        checks.push(Check::holds(Topic::Target, text));
    }
    checks
}

fn fails(text: String, way_out: impl Into<String>) -> Check {
    Check::fails(Topic::Target, text, way_out)
}

fn itself(target: &Target) -> Vec<Check> {
    let (name, offers, identity) = (&target.name, &target.offers, &target.identity);
    let mut checks = Vec::new();
    if offers.in_recovery {
        checks.push(fails(format!("{name} is on a standby"), "name its primary"));
    } else if offers.read_only {
        let text = format!("sessions on {name} are read-only");
        checks.push(fails(text, "turn default_transaction_read_only off"));
    }
    if identity.encoding != "UTF8" {
        let text = format!("{name} has encoding {}, archives are UTF8", identity.encoding);
        checks.push(fails(text, "create it with ENCODING 'UTF8'"));
    }
    if !offers.may_create {
        let way_out = ways_out::create_in_database(&identity.database, &offers.role);
        let text = format!("role {} lacks CREATE on {name}", offers.role);
        checks.push(fails(text, way_out));
    }
    checks
}

fn version(target: &Target, subject: &Subject<'_>) -> Option<Check> {
    let server = &subject.source.inventory.server;
    let major = target.identity.version_number.unsigned_abs() / 10_000;
    let is_older = server.engine == Engine::Postgres && server.version_number / 10_000 > major;
    is_older.then(|| {
        let text = format!(
            "{} is PostgreSQL {}, {} is older: {}",
            subject.name, server.version, target.name, target.identity.server_version
        );
        fails(text, "take a newer server, or try load --allow-older-target")
    })
}

fn extensions(target: &Target, subject: &Subject<'_>) -> Vec<Check> {
    let mut checks = Vec::new();
    for extension in subject.source.extensions() {
        let name = &extension.name;
        let schema = subject.planned.mapping.extension_schema(name, &extension.schema);
        let Some(offer) = target.offers.extension(name) else {
            let text = format!(
                "{name} of {} is not available on the server of {}",
                subject.name, target.name
            );
            checks.push(fails(text, "install its files there"));
            continue;
        };
        match &offer.installed {
            None if !offer.may_create => checks.push(fails(
                format!("{name} of {} is not installed on {}", subject.name, target.name),
                ways_out::create_extension(name, &schema),
            )),
            Some(found) if found.schema != schema => checks.push(fails(
                format!(
                    "{name} is in schema {} of {}, not in {schema}",
                    found.schema, target.name
                ),
                ways_out::move_extension(name, &schema),
            )),
            Some(found) if found.is_older_than(&extension.version) => checks.push(fails(
                format!(
                    "{name} is {} on {}, {} in {}",
                    found.version, target.name, extension.version, subject.name
                ),
                ways_out::update_extension(name),
            )),
            _ => {}
        }
    }
    checks
}

fn schemas(target: &Target, subject: &Subject<'_>) -> Vec<Check> {
    let planned = subject.planned;
    let wanted: Vec<String> = planned
        .schemas
        .iter()
        .map(|it| planned.mapping.schema(it))
        .collect();
    let there = target
        .offers
        .schemas
        .iter()
        .filter(|it| wanted.contains(&it.name));
    let obstacles = there.filter_map(|it| target.obstacle(it, &subject.source.inventory, planned));
    obstacles.map(|it| fails(it.text, it.way_out)).collect()
}
