//! What several sources hold, tables left out, as one catalog.

use std::collections::BTreeSet;

use catalog::{Catalog, Object, ObjectKind, QualifiedName, Schema, Sequence};

use super::group::{PartPlace, table_at};
use super::header::Whole;
use super::shape::Found;

impl Whole<'_> {
    pub(super) fn catalog(&self, found: &mut Found) -> Catalog {
        let mut all = Catalog {
            search_path: Vec::new(),
            ..Catalog::default()
        };
        let targets: BTreeSet<&QualifiedName> = self
            .groups
            .all
            .iter()
            .filter(|it| !it.keeps_definition())
            .map(|it| &it.target)
            .collect();
        for (place, source) in self.sources.iter().enumerate() {
            let own = &source.catalog;
            self.add_objects(place, &targets, &mut all);
            all.schemas.extend(own.schemas.iter().cloned());
            all.materialized_views
                .extend(own.materialized_views.iter().cloned());
            all.large_objects.extend(own.large_objects.iter().cloned());
            all.left_out_keys.extend(own.left_out_keys.iter().cloned());
            all.public_usage.extend(own.public_usage.iter().cloned());
            all.roles.extend(own.roles.iter().cloned());
            all.policy_roles.extend(own.policy_roles.iter().cloned());
            all.search_path.extend(own.search_path.iter().cloned());
            all.collations.extend(own.collations.iter().cloned());
            self.add_extensions(place, &mut all, found);
            self.add_settings(place, &mut all, found);
        }
        for target in &targets {
            all.objects.push(Object {
                kind: ObjectKind::Table,
                schema: target.schema.clone(),
                name: target.name.clone(),
                table: None,
                indexed: false,
            });
        }
        all.objects.extend(self.united.objects.iter().cloned());
        all.schemas.extend(self.groups.all.iter().map(|it| Schema {
            name: it.target.schema.clone(),
            comment: None,
        }));
        all.search_path.extend(targets.iter().map(|it| it.schema.clone()));
        unite_lists(&mut all);
        all
    }

    /// Objects and sequences of one source, but for those of tables that are made anew.
    fn add_objects(&self, place: usize, targets: &BTreeSet<&QualifiedName>, all: &mut Catalog) {
        let own = &self.sources[place].catalog;
        let is_new = |schema: &str, name: &str| targets.contains(&QualifiedName::new(schema, name));
        let mut gone: BTreeSet<QualifiedName> = BTreeSet::new();
        for sequence in &own.sequences {
            let name = QualifiedName::new(&sequence.schema, &sequence.name);
            let owner = sequence.owned_by.as_ref();
            let is_of_new = owner.is_some_and(|it| is_new(&it.table.schema, &it.table.name));
            let is_made = self.united.sequences.contains(&(place, name.clone()));
            if is_of_new && !is_made && !self.is_identity(place, sequence) {
                gone.insert(name);
            } else {
                all.sequences.push(self.advanced(place, sequence));
            }
        }
        let stays = |it: &&Object| {
            if let Some(table) = &it.table {
                return !is_new(&it.schema, table);
            }
            match it.kind {
                ObjectKind::Sequence => !gone.contains(&QualifiedName::new(&it.schema, &it.name)),
                ObjectKind::Table => !is_new(&it.schema, &it.name),
                _ => true,
            }
        };
        all.objects.extend(own.objects.iter().filter(stays).cloned());
    }

    /// Whether the sequence is an identity's, and so made with its column, by the part whose values it makes.
    fn is_identity(&self, source: usize, sequence: &Sequence) -> bool {
        let Some(owner) = &sequence.owned_by else {
            return false;
        };
        let Some(group) = self.groups.by_target.get(&owner.table) else {
            return false;
        };
        let group = &self.groups.all[*group];
        let makes = |part: &PartPlace| {
            let column = table_at(self.sources, *part)
                .columns
                .iter()
                .find(|it| it.name == owner.column);
            column.is_some_and(|it| it.identity.is_some()) || self.has_sequence(*part, &owner.column)
        };
        let first = group.parts.iter().find(|it| makes(it));
        let is_first = first.is_some_and(|it| it.source == source);
        is_first
            && first.is_some_and(|part| {
                let column = table_at(self.sources, *part)
                    .columns
                    .iter()
                    .find(|it| it.name == owner.column);
                column.is_some_and(|it| it.identity.is_some())
            })
    }

    fn has_sequence(&self, part: PartPlace, column: &str) -> bool {
        let name = table_at(self.sources, part).qualified_name();
        let mut sequences = self.sources[part.source].catalog.sequences.iter();
        sequences.any(|it| {
            it.owned_by
                .as_ref()
                .is_some_and(|it| it.table == name && it.column == column)
        })
    }

    /// The sequence beyond what the sequences of all parts have given.
    fn advanced(&self, source: usize, sequence: &Sequence) -> Sequence {
        let mut advanced = sequence.clone();
        let Some(owner) = &sequence.owned_by else {
            return advanced;
        };
        let Some(group) = self.groups.by_target.get(&owner.table) else {
            return advanced;
        };
        let group = &self.groups.all[*group];
        if group.part_of(source).is_none() || sequence.increment < 0 {
            return advanced;
        }
        for part in &group.parts {
            let shift = self.groups.shift(*part, &owner.column);
            let own = &self.sources[part.source].catalog.sequences;
            let own = own
                .iter()
                .filter(|it| it.owned_by.as_ref() == Some(owner) && it.is_called);
            for last in own.map(|it| it.last_value.saturating_add(shift)) {
                if !advanced.is_called || last > advanced.last_value {
                    (advanced.last_value, advanced.is_called) = (last, true);
                }
            }
        }
        advanced
    }

    fn add_extensions(&self, place: usize, all: &mut Catalog, found: &mut Found) {
        for extension in &self.sources[place].catalog.extensions {
            let Some(known) = all.extensions.iter_mut().find(|it| it.name == extension.name) else {
                all.extensions.push(extension.clone());
                continue;
            };
            if known.schema != extension.schema {
                found.refused.push(format!(
                    "extension {} would be in schema {} for one source and in {} for `{}`; name one under \
                     `extensions_schema` of both",
                    extension.name, known.schema, extension.schema, self.sources[place].name
                ));
            }
            if known.version != extension.version {
                found.notes.push(format!(
                    "extension {} has version {} in one source and {} in `{}`",
                    extension.name, known.version, extension.version, self.sources[place].name
                ));
            }
            let further = extension.members.iter().filter(|it| !known.members.contains(it));
            let further: Vec<_> = further.cloned().collect();
            known.members.extend(further);
        }
    }

    fn add_settings(&self, place: usize, all: &mut Catalog, found: &mut Found) {
        for setting in &self.sources[place].catalog.settings {
            let is_same = |it: &&catalog::Setting| (&it.role, &it.name) == (&setting.role, &setting.name);
            match all.settings.iter().find(is_same) {
                None => all.settings.push(setting.clone()),
                Some(known) if known.value == setting.value => {}
                Some(_) => found.doubts.push(format!(
                    "setting {setting} of source `{}` is another one in a source before it, which stands",
                    self.sources[place].name
                )),
            }
        }
    }
}

/// What several sources have in common stands once, in the order that a catalog has.
fn unite_lists(all: &mut Catalog) {
    all.schemas.sort_by(|one, other| one.name.cmp(&other.name));
    // Of two of one name the one with a comment.
    all.schemas.dedup_by(|later, first| {
        let is_same = later.name == first.name;
        if is_same && first.comment.is_none() {
            first.comment = later.comment.take();
        }
        is_same
    });
    for names in [&mut all.roles, &mut all.policy_roles] {
        names.sort();
        names.dedup();
    }
    let mut seen = BTreeSet::new();
    all.search_path.retain(|it| seen.insert(it.clone()));
    let mut seen = BTreeSet::new();
    all.public_usage.retain(|it| seen.insert(it.schema.clone()));
    all.public_usage
        .sort_by(|one, other| one.schema.cmp(&other.schema));
    all.collations
        .sort_by(|one, other| (&one.schema, &one.name).cmp(&(&other.schema, &other.name)));
    all.collations
        .dedup_by(|later, first| (&later.schema, &later.name) == (&first.schema, &first.name));
}
