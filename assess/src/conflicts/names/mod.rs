//! Names as they will be on the target: those that meet there, those that the plan keeps apart, those that look alike,
//! and those that SQL has to quote.

mod clashes;
mod keywords;
mod once;
mod shared;

use std::collections::{HashMap, HashSet};

use catalog::{ObjectKind, QualifiedName};
use database::postgres::NameSpace;
use plan::Namespace;

use super::{Conflict, Scene, Severity, Side, Topic};

pub(super) fn find(scene: &Scene<'_>, conflicts: &mut Vec<Conflict>) {
    for side in &scene.sides {
        if let Some(error) = &side.unsettled {
            conflicts.push(Conflict::new(
                Severity::Blocks,
                Topic::Name,
                &[side.key(), "mapping"],
                format!("{}: {error}", side.label),
                "change `rename` or `prefix` of that source in the plan",
            ));
        }
    }
    let names: Vec<Placed> = scene
        .sides
        .iter()
        .enumerate()
        .flat_map(|(place, side)| placed(place, side, &merged_tables(scene, side)))
        .collect();
    clashes::find(scene, &names, conflicts);
    shared::find(scene, &names, conflicts);
    keywords::find(scene, &names, conflicts);
    once::find(scene, conflicts);
}

/// An object of a source with its place on the target.
#[derive(Clone, Debug)]
struct Placed {
    /// The source's place among all.
    side: usize,
    space: Space,
    kind: String,
    /// In the source.
    from: QualifiedName,
    /// On the target.
    to: QualifiedName,
    /// Of routines: the types of the arguments, with the target's names.
    arguments: Option<String>,
    /// The table that an index or a sequence belongs to.
    owner: Option<QualifiedName>,
    /// PostgreSQL cuts the name that it would have had.
    is_cut: bool,
}

/// What keeps names apart within a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Space {
    /// `pg_class`
    Relation,
    /// `pg_type`: a table has a type of its name, too.
    Type,
    /// `pg_proc`
    Routine,
    /// A catalog of its own in which a name stands once in a schema.
    Single(ObjectKind),
    /// A catalog in which something beside the name keeps objects apart: operators and their classes.
    Overloaded(ObjectKind),
}

impl Space {
    /// The catalogs that an object of `kind` takes a name in; none for what lives in a table.
    fn of(kind: ObjectKind) -> &'static [Space] {
        match kind {
            ObjectKind::Table
            | ObjectKind::ForeignTable
            | ObjectKind::View
            | ObjectKind::MaterializedView => &[Space::Relation, Space::Type],
            ObjectKind::Sequence | ObjectKind::Index => &[Space::Relation],
            ObjectKind::Type | ObjectKind::Domain => &[Space::Type],
            ObjectKind::Collation => &[Space::Single(ObjectKind::Collation)],
            ObjectKind::Conversion => &[Space::Single(ObjectKind::Conversion)],
            ObjectKind::Statistics => &[Space::Single(ObjectKind::Statistics)],
            ObjectKind::TextSearchConfiguration => &[Space::Single(ObjectKind::TextSearchConfiguration)],
            ObjectKind::TextSearchDictionary => &[Space::Single(ObjectKind::TextSearchDictionary)],
            ObjectKind::TextSearchParser => &[Space::Single(ObjectKind::TextSearchParser)],
            ObjectKind::TextSearchTemplate => &[Space::Single(ObjectKind::TextSearchTemplate)],
            ObjectKind::Operator => &[Space::Overloaded(ObjectKind::Operator)],
            ObjectKind::OperatorClass => &[Space::Overloaded(ObjectKind::OperatorClass)],
            ObjectKind::OperatorFamily => &[Space::Overloaded(ObjectKind::OperatorFamily)],
            // Routines are told apart by their arguments, which the inventory has; the rest lives in a table.
            ObjectKind::Function
            | ObjectKind::Procedure
            | ObjectKind::Aggregate
            | ObjectKind::Constraint
            | ObjectKind::Trigger
            | ObjectKind::Rule
            | ObjectKind::Policy => &[],
        }
    }

    fn from_target(space: NameSpace) -> Self {
        match space {
            NameSpace::Relation => Space::Relation,
            NameSpace::Type => Space::Type,
            NameSpace::Routine => Space::Routine,
        }
    }
}

impl Placed {
    fn key(&self) -> (&QualifiedName, Space, Option<&str>) {
        (&self.to, self.space, self.arguments.as_deref())
    }

    /// `table users`, `function total(integer)`.
    fn told(&self) -> String {
        let arguments = self.arguments.as_ref();
        let arguments = arguments.map_or(String::new(), |it| format!("({it})"));
        format!("{} {}.{}{arguments}", self.kind, self.from.schema, self.from.name)
    }
}

/// Tables of `side` whose rows the plan puts into a table of several sources.
fn merged_tables(scene: &Scene<'_>, side: &Side<'_>) -> HashSet<QualifiedName> {
    let tables = scene.plan.merges.iter().flat_map(|it| &it.tables);
    let own = tables.filter(|it| it.source == side.planned.name);
    own.filter_map(plan::MergedTable::name).collect()
}

/// Everything of a source that takes a name in a schema, merged tables and what hangs on them left out.
fn placed(place: usize, side: &Side<'_>, merged: &HashSet<QualifiedName>) -> Vec<Placed> {
    let mut owners: HashMap<QualifiedName, QualifiedName> = HashMap::new();
    for sequence in &side.catalog.sequences {
        if let Some(owner) = &sequence.owned_by {
            let name = QualifiedName::new(&sequence.schema, &sequence.name);
            owners.insert(name, owner.table.clone());
        }
    }
    let objects = side.catalog.objects.iter().flat_map(|object| {
        let from = QualifiedName::new(&object.schema, &object.name);
        let owner = match (object.kind, &object.table) {
            (ObjectKind::Sequence, _) => owners.get(&from).cloned(),
            (_, Some(table)) => Some(QualifiedName::new(&object.schema, table)),
            _ => None,
        };
        let spaces = Space::of(object.kind).iter();
        spaces.map(move |space| Placed {
            side: place,
            space: *space,
            kind: object.kind.to_string(),
            to: target_name(side, Namespace::of(object.kind), &from),
            is_cut: is_cut(side, Namespace::of(object.kind), &from),
            from: from.clone(),
            arguments: None,
            owner: owner.clone(),
        })
    });
    let is_apart = |it: &Placed| {
        let owner = it.owner.as_ref().unwrap_or(&it.from);
        !merged.contains(owner)
    };
    objects.filter(is_apart).chain(routines(place, side)).collect()
}

fn routines(place: usize, side: &Side<'_>) -> impl Iterator<Item = Placed> {
    side.inventory.routines.iter().map(move |it| {
        let from = QualifiedName::new(&it.schema, &it.name);
        Placed {
            side: place,
            space: Space::Routine,
            kind: it.kind.clone(),
            to: target_name(side, Namespace::Routines, &from),
            is_cut: is_cut(side, Namespace::Routines, &from),
            from,
            arguments: Some(arguments(side, &it.arguments)),
            owner: None,
        }
    })
}

fn target_name(side: &Side<'_>, namespace: Namespace, from: &QualifiedName) -> QualifiedName {
    QualifiedName::new(
        side.settled.schema(&from.schema),
        side.settled.object(namespace, &from.schema, &from.name),
    )
}

fn is_cut(side: &Side<'_>, namespace: Namespace, from: &QualifiedName) -> bool {
    let whole = side.settled.whole_name(namespace, &from.schema, &from.name);
    whole.len() > catalog::IDENTIFIER_BYTES_MAX
}

/// Types of arguments with the target's names: `shop.mood, integer[]`. An extension's types go where the target keeps
/// the extension, which is the same for all sources, so their schema tells nothing.
fn arguments(side: &Side<'_>, text: &str) -> String {
    let one = |argument: &str| {
        let Some((schema, rest)) = plan::name_part(argument) else {
            return argument.to_owned();
        };
        let Some((name, rest)) = rest.strip_prefix('.').and_then(plan::name_part) else {
            return argument.to_owned();
        };
        let (name, array) = match name.strip_suffix("[]") {
            Some(element) => (element.to_owned(), "[]"),
            None => (name, ""),
        };
        let is_own = side.inventory.schemas.iter().any(|it| it.name == schema);
        if !is_own {
            return format!("{name}{array}{rest}");
        }
        let new = target_name(side, Namespace::Objects, &QualifiedName::new(schema, name));
        format!("{new}{array}{rest}")
    };
    let each: Vec<String> = text.split(", ").map(one).collect();
    each.join(", ")
}

#[cfg(test)]
mod tests;
