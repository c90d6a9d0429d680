//! Views and triggers on the target, in the order in which they can be made, and why others are left out.

use std::collections::{BTreeSet, HashMap, HashSet};

use catalog::IDENTIFIER_BYTES_MAX;
use dialect::{Collation, Guard, Refusal, Relation, RelationColumn, Relations, Timing};
use rusqlite::Connection;

use super::choices::NameStyle;
use super::ddl::is_not_null;
use super::keys::Keys;
use super::note::{Note, NoteKind};
use super::program_rows::{Questions, Rows, as_long_as};
use super::schema::{Schema, Table, Trigger, View};
use super::scope::{affinity, queried_type};
use super::utf16;
use super::view_names::ViewNames;
use crate::Result;

/// What runs on the target.
#[derive(Debug, Default)]
pub(super) struct Programs {
    /// Each after those that it reads.
    pub(super) views: Vec<TargetView>,
    pub(super) triggers: Vec<TargetTrigger>,
    /// Statements of the file that have no counterpart, with the reason.
    pub(super) left_out: Vec<LeftOut>,
}

#[derive(Debug)]
pub(super) struct TargetView {
    pub(super) name: String,
    pub(super) query: String,
}

/// A trigger, and the function of the same name that it runs.
#[derive(Debug)]
pub(super) struct TargetTrigger {
    pub(super) name: String,
    source: Trigger,
    /// The table or view, by its name on the target.
    pub(super) relation: String,
    pub(super) parts: dialect::Trigger,
    /// The setting that says that it runs already, where it could start itself.
    pub(super) guard: Option<Guard>,
}

#[derive(Debug)]
pub(super) struct LeftOut {
    pub(super) kind: &'static str,
    pub(super) name: String,
    pub(super) reason: String,
    pub(super) sql: String,
}

/// Translates all that can be.
pub(super) fn translate(
    connection: &Connection,
    schema: &Schema,
    keys: &Keys,
    names: NameStyle,
    notes: &mut Vec<Note>,
) -> Result<Programs> {
    let mut programs = Programs::default();
    if schema.views.is_empty() && schema.triggers.is_empty() {
        return Ok(programs);
    }
    let mut known = relations(schema, keys);
    known.utf16 = utf16::is_encoding(connection)?;
    // All that could be is translated once to find out what to ask, so that each table is read once.
    let mut questions = Questions::default();
    let (mut relations, mut tried) = (known.clone(), Programs::default());
    translate_views(
        schema,
        names,
        &mut relations,
        &mut questions,
        &mut tried,
        &mut Vec::new(),
    )?;
    translate_triggers(schema, &relations, &mut questions, &mut tried, &mut Vec::new());
    let mut answers = questions.ask(connection, schema);
    let mut relations = known;
    translate_views(schema, names, &mut relations, &mut answers, &mut programs, notes)?;
    translate_triggers(schema, &relations, &mut answers, &mut programs, notes);
    guard(schema, &relations, &mut programs.triggers);
    for it in &programs.left_out {
        let text = format!("the {} is left out: {}", it.kind, it.reason);
        notes.push(Note::new(NoteKind::LeftBehind, &it.name, text));
    }
    Ok(programs)
}

/// A view may name one that comes later by its name, so they are tried until nothing more comes of it.
fn translate_views(
    schema: &Schema,
    names: NameStyle,
    relations: &mut Relations,
    rows: &mut dyn Rows,
    programs: &mut Programs,
    notes: &mut Vec<Note>,
) -> Result<()> {
    let mut view_names = ViewNames::new(schema)?;
    let mut pending: Vec<&View> = schema.views.iter().collect();
    loop {
        let (mut refused, count) = (Vec::new(), pending.len());
        for view in pending {
            match translate_view(view, names, relations, rows, &mut view_names) {
                Ok((query, columns)) => {
                    let remarks = query.remarks.iter();
                    notes.extend(remarks.map(|it| Note::new(NoteKind::Program, &view.name, it.to_string())));
                    notes.extend(as_long_as(&view.name, &query.conditions));
                    relations.add(Relation {
                        name: view.name.clone(),
                        target: view.new_name.clone(),
                        is_view: true,
                        columns,
                        primary_key: Vec::new(),
                        rowid: None,
                        uniques: Vec::new(),
                        is_referenced: false,
                        has_triggers: false,
                    });
                    programs.views.push(TargetView {
                        name: view.new_name.clone(),
                        query: query.query,
                    });
                }
                Err(reason) => refused.push((view, reason)),
            }
        }
        if refused.is_empty() || refused.len() == count {
            programs
                .left_out
                .extend(refused.into_iter().map(|(view, reason)| LeftOut {
                    kind: "view",
                    name: view.name.clone(),
                    reason,
                    sql: view.sql.clone(),
                }));
            return Ok(());
        }
        pending = refused.into_iter().map(|(view, _)| view).collect();
    }
}

fn translate_view(
    view: &View,
    style: NameStyle,
    relations: &Relations,
    rows: &mut dyn Rows,
    view_names: &mut ViewNames,
) -> std::result::Result<(dialect::View, Vec<RelationColumn>), String> {
    check_name(&view.new_name)?;
    if relations.is_target(&view.new_name) {
        return Err(format!("something else is called {} too", view.new_name));
    }
    dialect::view(&view.sql, None, relations).map_err(|it| it.to_string())?;
    let names = view_names.of(view)?;
    let targets: Vec<String> = names.iter().map(|it| style.apply(it)).collect();
    let mut seen = HashSet::new();
    if let Some(name) = targets.iter().find(|it| !seen.insert(it.as_str())) {
        return Err(format!("two of its columns would be called {name}"));
    }
    let translated = dialect::view(&view.sql, Some(&targets), relations).map_err(|it| it.to_string())?;
    rows.check(&translated.assumptions)?;
    view_names.add(&view.name, &names)?;
    let columns = translated.columns.iter().zip(names);
    let columns = columns.map(|(it, name)| RelationColumn {
        name,
        target: it.name.clone(),
        value_type: it.value_type,
        nullable: it.nullable,
        generated: false,
        collation: it.collation,
        affinity: it.affinity,
    });
    let columns = columns.collect();
    Ok((translated, columns))
}

fn check_name(name: &str) -> std::result::Result<(), String> {
    if name.len() <= IDENTIFIER_BYTES_MAX {
        return Ok(());
    }
    let name = name.to_owned();
    Err(Refusal::LongName { name }.to_string())
}

fn translate_triggers(
    schema: &Schema,
    relations: &Relations,
    rows: &mut dyn Rows,
    programs: &mut Programs,
    notes: &mut Vec<Note>,
) {
    let mut taken = HashSet::new();
    for trigger in &schema.triggers {
        let siblings = siblings(schema, &trigger.table);
        let mut is_free = || {
            let taken_now = taken.insert(trigger.new_name.clone());
            let refusal = || format!("another trigger is called {} too", trigger.new_name);
            taken_now.then_some(()).ok_or_else(refusal)
        };
        let translated = check_name(&trigger.new_name).and_then(|()| {
            dialect::trigger(&trigger.sql, relations, siblings == 1, None).map_err(|it| it.to_string())
        });
        let translated = translated.and_then(|it| rows.check(&it.assumptions).map(|()| it));
        let translated = translated.and_then(|it| is_free().map(|()| it));
        match translated {
            Ok(parts) => {
                let remarks = parts.remarks.iter();
                notes.extend(remarks.map(|it| Note::new(NoteKind::Program, &trigger.name, it.to_string())));
                let relation = relations.get(&trigger.table);
                programs.triggers.push(TargetTrigger {
                    name: trigger.new_name.clone(),
                    source: trigger.clone(),
                    relation: relation.map_or_else(|| trigger.table.clone(), |it| it.target.clone()),
                    parts,
                    guard: None,
                });
            }
            Err(reason) => programs.left_out.push(LeftOut {
                kind: "trigger",
                name: trigger.name.clone(),
                reason,
                sql: trigger.sql.clone(),
            }),
        }
    }
    note_orders(programs, notes);
}

/// Triggers for one event of one relation, whose order SQLite leaves open.
fn note_orders(programs: &Programs, notes: &mut Vec<Note>) {
    let mut groups: HashMap<(&str, Timing, &str), Vec<&str>> = HashMap::new();
    for it in &programs.triggers {
        let event = it.parts.event.split(' ').next().unwrap_or_default();
        groups
            .entry((&it.relation, it.parts.timing, event))
            .or_default()
            .push(&it.name);
    }
    let several: BTreeSet<&str> = groups.into_values().filter(|it| it.len() > 1).flatten().collect();
    let text = dialect::Remark::OrderOfTriggers.to_string();
    notes.extend(
        several
            .into_iter()
            .map(|name| Note::new(NoteKind::Program, name, text.as_str())),
    );
}

/// SQLite starts no trigger that runs already (`PRAGMA recursive_triggers` is off unless an application turns it on in
/// each of its sessions), and PostgreSQL does. A setting of the transaction says what runs.
fn guard(schema: &Schema, relations: &Relations, triggers: &mut [TargetTrigger]) {
    let lower = |it: &str| it.to_ascii_lowercase();
    // From a relation to what may be written when it is written.
    let mut follows: HashMap<String, HashSet<String>> = HashMap::new();
    for it in triggers.iter() {
        let written = it.parts.writes.iter().map(|it| lower(it));
        follows
            .entry(lower(&it.source.table))
            .or_default()
            .extend(written);
    }
    for table in &schema.tables {
        for key in &table.foreign_keys {
            follows
                .entry(lower(&key.parent))
                .or_default()
                .insert(lower(&table.name));
        }
    }
    let mut taken = HashSet::new();
    for it in triggers {
        let own = lower(&it.source.table);
        let mut reached: HashSet<String> = HashSet::new();
        let mut open: Vec<String> = it.parts.writes.iter().map(|it| lower(it)).collect();
        while let Some(relation) = open.pop() {
            if reached.insert(relation.clone()) {
                open.extend(follows.get(&relation).into_iter().flatten().cloned());
            }
        }
        if reached.contains(&own) {
            let guard = setting(&it.name, &mut taken);
            let is_alone = siblings(schema, &it.source.table) == 1;
            // It has been translated before, without the guard.
            if let Ok(parts) = dialect::trigger(&it.source.sql, relations, is_alone, Some(&guard)) {
                it.parts = parts;
            }
            it.guard = Some(guard);
        }
    }
}

/// A name for a setting, of letters that PostgreSQL takes there.
fn setting(trigger: &str, taken: &mut HashSet<String>) -> Guard {
    let plain = |it: char| {
        if it.is_ascii_alphanumeric() {
            it.to_ascii_lowercase()
        } else {
            '_'
        }
    };
    let name: String = trigger.chars().map(plain).collect();
    let mut setting = format!("coalesce.in_{name}");
    let mut number = 1;
    while !taken.insert(setting.clone()) {
        number += 1;
        setting = format!("coalesce.in_{name}_{number}");
    }
    Guard(setting)
}

/// How many triggers the relation has.
fn siblings(schema: &Schema, relation: &str) -> usize {
    schema
        .triggers
        .iter()
        .filter(|it| it.table.eq_ignore_ascii_case(relation))
        .count()
}

fn relations(schema: &Schema, keys: &Keys) -> Relations {
    let mut relations = Relations::default();
    for (at, table) in schema.tables.iter().enumerate() {
        relations.add(relation(schema, at, table, keys));
    }
    for it in &schema.views {
        relations.add_absent(&it.name, "view");
    }
    for it in &schema.virtual_tables {
        relations.add_absent(&it.name, "virtual table");
    }
    relations
}

fn relation(schema: &Schema, at: usize, table: &Table, keys: &Keys) -> Relation {
    let columns = table
        .columns
        .iter()
        .enumerate()
        .map(|(place, column)| RelationColumn {
            name: column.name.clone(),
            target: column.new_name.clone(),
            value_type: queried_type(column),
            nullable: !is_not_null(table, at, place, keys),
            generated: column.generated.is_some(),
            collation: Collation::of(&column.collation),
            affinity: affinity(table, column),
        });
    let own = || keys.uniques.iter().filter(|it| it.table == at);
    let is_of_table = |it: &Trigger| it.table.eq_ignore_ascii_case(&table.name);
    let indexes = keys
        .indexes
        .iter()
        .filter(|it| it.table == at && it.unique && it.predicate.is_empty());
    Relation {
        name: table.name.clone(),
        target: table.new_name.clone(),
        is_view: false,
        columns: columns.collect(),
        primary_key: own()
            .find(|it| it.primary)
            .map_or_else(Vec::new, |it| it.columns.clone()),
        rowid: table.rowid_alias,
        uniques: own()
            .map(|it| it.columns.clone())
            .chain(indexes.map(|it| it.columns.iter().map(|(place, _)| *place).collect()))
            .collect(),
        is_referenced: keys.references.iter().any(|it| it.parent == at),
        has_triggers: schema.triggers.iter().any(is_of_table),
    }
}
