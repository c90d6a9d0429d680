//! Two objects that would have one name on the target, or names that look alike there.

use std::collections::{BTreeMap, HashMap, HashSet};

use catalog::QualifiedName;

use super::{Placed, Scene, Space};
use crate::conflicts::conflict::{choices, list, number_of};
use crate::conflicts::{Conflict, Severity, Topic};

/// Objects under the name that they get, in a fixed order.
type Groups<'a> = BTreeMap<(&'a QualifiedName, Space, Option<&'a str>), Vec<&'a Placed>>;

pub(super) fn find(scene: &Scene<'_>, names: &[Placed], conflicts: &mut Vec<Conflict>) {
    let mut groups: Groups<'_> = BTreeMap::new();
    for name in names {
        groups.entry(name.key()).or_default().push(name);
    }
    let meets = |group: &[&Placed]| group.iter().any(|it| it.side != group[0].side);
    let clashing: HashSet<&QualifiedName> = groups
        .iter()
        .filter(|((_, space, _), group)| *space == Space::Relation && meets(group))
        .map(|((to, _, _), _)| *to)
        .collect();
    let taken = taken(scene);
    let mut told: HashSet<(&QualifiedName, bool)> = HashSet::new();
    for ((to, space, arguments), group) in &groups {
        // A table's row type meets where the table does.
        let is_routine = *space == Space::Routine;
        if meets(group) && !follows(scene, group, &clashing) {
            if *space != Space::Type || !told.contains(&(*to, false)) {
                conflicts.push(clash(scene, to, *space, *arguments, group));
            }
            told.insert((*to, is_routine));
        }
        if let Some(kind) = taken.get(&((*to).clone(), *space, *arguments))
            && (told.insert((*to, is_routine)) || is_routine)
        {
            conflicts.push(with_target(scene, to, kind, *arguments, group));
        }
    }
    look_alike(scene, names, conflicts);
}

/// Whether all of these belong to tables that meet under one name: with a new name for one of these it goes, too.
fn follows(scene: &Scene<'_>, group: &[&Placed], clashing: &HashSet<&QualifiedName>) -> bool {
    group.iter().all(|it| {
        it.owner.as_ref().is_some_and(|owner| {
            let side = &scene.sides[it.side];
            clashing.contains(&super::target_name(side, plan::Namespace::Objects, owner))
        })
    })
}

fn clash(
    scene: &Scene<'_>,
    to: &QualifiedName,
    space: Space,
    arguments: Option<&str>,
    group: &[&Placed],
) -> Conflict {
    let each: Vec<String> = group
        .iter()
        .map(|it| format!("{} of {}", it.told(), scene.sides[it.side].label))
        .collect();
    let cut = if group.iter().any(|it| it.is_cut) {
        ", cut at 63 bytes"
    } else {
        ""
    };
    let label = format!("{}.{}", to.schema, to.name);
    let (severity, verb) = match space {
        Space::Overloaded(_) => (Severity::Warns, "may both become"),
        _ if group.len() > 2 => (Severity::Blocks, "all become"),
        _ => (Severity::Blocks, "both become"),
    };
    let kind = kind_word(space);
    let object = arguments.map_or(label.clone(), |it| format!("{label}({it})"));
    Conflict::new(
        severity,
        Topic::Name,
        &[kind, &object],
        format!("{} {verb} {object}{cut}", list(&each, 4)),
        "give one of them another name: `rename` or `prefix` in the plan",
    )
    .with_evidence(each)
    .with_choices(choices::RENAME_OR_FIX)
}

fn with_target(
    scene: &Scene<'_>,
    to: &QualifiedName,
    kind: &str,
    arguments: Option<&str>,
    group: &[&Placed],
) -> Conflict {
    let target = scene.target.map_or("the target", |it| &it.name);
    let each: Vec<String> = group
        .iter()
        .map(|it| format!("{} of {}", it.told(), scene.sides[it.side].label))
        .collect();
    let arguments = arguments.map_or(String::new(), |it| format!("({it})"));
    let object = format!("{}.{}{arguments}", to.schema, to.name);
    Conflict::new(
        Severity::Blocks,
        Topic::Name,
        &["target", &object],
        format!(
            "{} would become {object}, a {kind} that {target} has already",
            list(&each, 4)
        ),
        "give it another name: `rename` or `prefix` in the plan",
    )
    .with_evidence(each)
    .with_choices(choices::RENAME_OR_FIX)
}

/// Names on the target by what keeps them apart, each with what has it.
type Taken<'a> = HashMap<(QualifiedName, Space, Option<&'a str>), &'a str>;

/// What stands in schemas that a load would take: there it belongs to extensions. A schema that holds something of its
/// own is refused as a whole.
fn taken<'a>(scene: &Scene<'a>) -> Taken<'a> {
    let Some(target) = scene.target else {
        return Taken::new();
    };
    let offers = target.offers.schemas.iter();
    let usable: HashSet<&str> = offers
        .filter(|it| it.objects == 0)
        .map(|it| it.name.as_str())
        .collect();
    let names = target
        .facts
        .names
        .iter()
        .filter(|it| usable.contains(it.schema.as_str()));
    names
        .map(|it| {
            let name = QualifiedName::new(&it.schema, &it.name);
            let key = (name, Space::from_target(it.space), it.arguments.as_deref());
            (key, it.kind.as_str())
        })
        .collect()
}

/// Names that differ by case alone, from different sources, in one schema.
fn look_alike(scene: &Scene<'_>, names: &[Placed], conflicts: &mut Vec<Conflict>) {
    let mut alike: BTreeMap<(&str, String), Vec<&Placed>> = BTreeMap::new();
    let relations = names
        .iter()
        .filter(|it| it.space == Space::Relation && it.owner.is_none());
    for name in relations {
        let folded = (name.to.schema.as_str(), name.to.name.to_lowercase());
        alike.entry(folded).or_default().push(name);
    }
    let mut of_schema: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for ((schema, _), group) in alike {
        let differ = group
            .iter()
            .any(|it| it.side != group[0].side && it.to.name != group[0].to.name);
        if differ {
            let each: Vec<String> = group
                .iter()
                .map(|it| format!("{} of {}", it.to.name, scene.sides[it.side].label))
                .collect();
            of_schema.entry(schema).or_default().push(each.join(" and "));
        }
    }
    for (schema, found) in of_schema {
        conflicts.push(
            Conflict::new(
                Severity::Warns,
                Topic::Name,
                &["case", schema],
                format!(
                    "in schema {schema}, {} by case alone: {}",
                    if found.len() == 1 {
                        "names differ".to_owned()
                    } else {
                        format!("{} differ", number_of(found.len(), "name", "names"))
                    },
                    list(&found, 2)
                ),
                "give one of them a name that nobody mistakes for the other",
            )
            .with_evidence(found)
            .with_choices(&["rename", "accept"]),
        );
    }
}

fn kind_word(space: Space) -> &'static str {
    match space {
        Space::Relation => "relation",
        Space::Type => "type",
        Space::Routine => "routine",
        Space::Single(_) | Space::Overloaded(_) => "object",
    }
}
