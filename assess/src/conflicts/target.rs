//! The target as it is: what no source, or one source, could be loaded into it with.

use catalog::quote_ident;

use super::conflict::choices;
use super::{Conflict, Scene, Severity, Side, Topic};
use crate::target::Target;

pub(super) fn find(scene: &Scene<'_>, conflicts: &mut Vec<Conflict>) {
    let Some(target) = scene.target else { return };
    itself(target, conflicts);
    for side in &scene.sides {
        schemas_that_exist(side, target, conflicts);
    }
}

/// What no source could be loaded with.
fn itself(target: &Target, conflicts: &mut Vec<Conflict>) {
    let (name, offers, encoding) = (&target.name, &target.offers, &target.identity.encoding);
    let mut blocks = |topic, object: &str, text, way_out: &str| {
        conflicts.push(Conflict::new(
            Severity::Blocks,
            topic,
            &["target", object],
            text,
            way_out,
        ));
    };
    if encoding != "UTF8" {
        let text = format!("{name} has encoding {encoding}, archives are UTF8");
        blocks(
            Topic::Encoding,
            "encoding",
            text,
            "create it with ENCODING 'UTF8'",
        );
    }
    if offers.in_recovery {
        let text = format!("{name} is on a standby");
        blocks(Topic::Server, "standby", text, "name its primary");
    } else if offers.read_only {
        let text = format!("sessions on {name} are read-only");
        blocks(
            Topic::Server,
            "read-only",
            text,
            "turn default_transaction_read_only off",
        );
    }
    if !offers.may_create {
        let text = format!("role {} lacks CREATE on {name}", offers.role);
        let way_out = format!(
            "its owner runs GRANT CREATE ON DATABASE {} TO {}",
            quote_ident(&target.identity.database),
            quote_ident(&offers.role)
        );
        blocks(Topic::Role, "create", text, &way_out);
    }
}

fn schemas_that_exist(side: &Side<'_>, target: &Target, conflicts: &mut Vec<Conflict>) {
    for schema in side.target_schemas() {
        let Some(found) = target.offers.schemas.iter().find(|it| it.name == schema) else {
            continue;
        };
        let Some(obstacle) = target.obstacle(found, side.inventory, side.planned) else {
            continue;
        };
        conflicts.push(
            Conflict::new(
                Severity::Blocks,
                Topic::Schema,
                &[side.key(), &schema, obstacle.kind.word()],
                obstacle.text,
                obstacle.way_out,
            )
            .with_evidence(there(target, &schema))
            .with_choices(choices::RENAME_OR_FIX),
        );
    }
}

/// What stands in a schema of the target.
fn there(target: &Target, schema: &str) -> Vec<String> {
    let names = target.facts.names.iter().filter(|it| it.schema == schema);
    names
        .map(|it| format!("{} {}.{}", it.kind, it.schema, it.name))
        .collect()
}
