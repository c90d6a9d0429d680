//! What copies changes of a source to somewhere, or from somewhere: it does not move by itself.

use super::conflict::{choices, list, number_of};
use super::{Conflict, Scene, Severity, Side, Topic};

pub(super) fn find(scene: &Scene<'_>, conflicts: &mut Vec<Conflict>) {
    for side in &scene.sides {
        publications(side, conflicts);
        subscriptions(side, conflicts);
        slots(side, conflicts);
    }
}

fn publications(side: &Side<'_>, conflicts: &mut Vec<Conflict>) {
    let all = &side.inventory.publications;
    if all.is_empty() {
        return;
    }
    let names: Vec<&str> = all.iter().map(|it| it.name.as_str()).collect();
    let evidence = all.iter().map(|it| match (it.all_tables, it.tables.len()) {
        (true, _) => format!("{}: all tables", it.name),
        (false, tables) => format!("{}: {}", it.name, number_of(tables, "table", "tables")),
    });
    conflicts.push(
        Conflict::new(
            Severity::Warns,
            Topic::Replication,
            &[side.key(), "publications"],
            format!(
                "{} publishes {}: subscribers get nothing after the move",
                side.label,
                list(&names, 3)
            ),
            "load --apply publications makes them on the target; subscribers then connect anew",
        )
        .with_evidence(evidence)
        .with_choices(choices::RECREATE_OR_DROP),
    );
}

fn subscriptions(side: &Side<'_>, conflicts: &mut Vec<Conflict>) {
    for it in &side.inventory.subscriptions {
        let (text, severity) = if it.enabled {
            let text = format!(
                "{} subscribes to {} ({}): rows keep coming while dump reads and stop after the move",
                side.label,
                it.publications.join(", "),
                it.name
            );
            (text, Severity::Warns)
        } else {
            let text = format!("{} has the subscription {}, switched off", side.label, it.name);
            (text, Severity::Notes)
        };
        conflicts.push(
            Conflict::new(
                severity,
                Topic::Replication,
                &[side.key(), "subscription", &it.name],
                text,
                "ALTER SUBSCRIPTION … DISABLE before the dump; load --apply subscriptions makes it, switched off",
            )
            .with_evidence(it.publications.iter().cloned())
            .with_choices(choices::RECREATE_OR_DROP),
        );
    }
}

fn slots(side: &Side<'_>, conflicts: &mut Vec<Conflict>) {
    for it in &side.inventory.slots {
        let plugin = it
            .plugin
            .as_deref()
            .map_or(String::new(), |it| format!(" by {it}"));
        let (severity, text, way_out) = if it.active {
            (
                Severity::Warns,
                format!(
                    "somebody reads the changes of {} through slot {}{plugin}",
                    side.label, it.name
                ),
                "tell who reads it: it has to be set up again on the target",
            )
        } else {
            (
                Severity::Notes,
                format!("slot {} of {}{plugin} is read by nobody", it.name, side.label),
                "it keeps write-ahead log for nobody: pg_drop_replication_slot, if it is forgotten",
            )
        };
        conflicts.push(
            Conflict::new(
                severity,
                Topic::Replication,
                &[side.key(), "slot", &it.name],
                text,
                way_out,
            )
            .with_choices(choices::RECREATE_OR_DROP),
        );
    }
}
