//! The keys of a plan, object by object; a test holds them against what is written.

/// What stands at a place, as far as keys are concerned.
#[derive(Debug)]
pub(crate) enum Shape {
    /// An object with these keys.
    Object(&'static [(&'static str, Shape)]),
    /// An object whose keys are names, each with such a value.
    Named(&'static Shape),
    List(&'static Shape),
    /// Anything without keys of its own.
    Plain,
}

use Shape::{List, Named, Object, Plain};

pub(crate) const PLAN: Shape = Object(&[
    ("version", Plain),
    ("note", Plain),
    ("targets", List(&TARGET)),
    ("sources", List(&SOURCE)),
    ("merges", List(&MERGE)),
    ("conflicts", List(&CONFLICT)),
]);

const TARGET: Shape = Object(&[
    ("name", Plain),
    ("endpoint", Plain),
    ("cost_per_month", Plain),
    ("note", Plain),
]);

const MERGE: Shape = Object(&[
    ("into", Plain),
    ("tables", List(&Object(&[("source", Plain), ("table", Plain)]))),
    ("keys", Plain),
    ("offsets", Plain),
    ("source_column", Plain),
    ("dedupe", Plain),
    ("wins", Plain),
    ("columns", Plain),
    ("note", Plain),
]);

const CONFLICT: Shape = Object(&[
    ("id", Plain),
    ("severity", Plain),
    ("topic", Plain),
    ("text", Plain),
    ("proposed", Plain),
    ("choices", Plain),
    ("resolution", Plain),
    ("note", Plain),
]);

const SOURCE: Shape = Object(&[
    ("name", Plain),
    ("endpoint", Plain),
    ("note", Plain),
    ("target", Plain),
    ("layout", Plain),
    ("order", Plain),
    ("cost_per_month", Plain),
    ("schemas", Plain),
    ("types", List(&TYPE)),
    ("on_bad_value", Plain),
    ("orphans", Plain),
    ("nocase", Plain),
    ("full_text", Plain),
    ("names", NAMES),
    ("salvage", Plain),
    ("keys", KEYS),
    ("to", Plain),
    ("map", Plain),
    ("prefix", Plain),
    ("rename", Plain),
    ("snake_case", Plain),
    ("extensions", Plain),
    ("extensions_schema", Plain),
    ("extension_schemas", Plain),
    ("roles", Plain),
    ("tables", Named(&TABLE)),
    ("made_of", MADE_OF),
]);

const TYPE: Shape = Object(&[
    ("table", Plain),
    ("column", Plain),
    ("type", Plain),
    ("note", Plain),
]);

const NAMES: Shape = Object(&[
    ("snake_case", Plain),
    ("rename", List(&NEW_NAME)),
    ("note", Plain),
]);

const NEW_NAME: Shape = Object(&[
    ("table", Plain),
    ("column", Plain),
    ("name", Plain),
    ("note", Plain),
]);

const KEYS: Shape = Object(&[
    ("uuid", Plain),
    ("keep_old", Plain),
    ("source", Plain),
    ("note", Plain),
]);

const TABLE: Shape = Object(&[
    ("where", Plain),
    ("leave_out", Plain),
    ("columns", Named(&COLUMN)),
    ("add", Named(&ADDED)),
    ("note", Plain),
]);

const COLUMN: Shape = Object(&[
    ("rename", Plain),
    ("type", Plain),
    ("using", Plain),
    ("drop", Plain),
    ("note", Plain),
]);

const ADDED: Shape = Object(&[("type", Plain), ("value", Plain), ("note", Plain)]);

const MADE_OF: Shape = Object(&[
    ("counts", Plain),
    ("extensions", Plain),
    ("roles", Plain),
    (
        "tables",
        Named(&Object(&[("columns", Plain), ("definition", Plain)])),
    ),
]);

/// What is said of a key that is none of `known`.
pub(crate) fn unknown(key: &str, known: &[(&str, Shape)]) -> String {
    let likeness = |name: &str| strsim::jaro_winkler(key, name);
    let nearest = known
        .iter()
        .map(|(name, _)| *name)
        .max_by(|one, other| likeness(one).total_cmp(&likeness(other)))
        .filter(|name| likeness(name) > 0.8);
    if let Some(name) = nearest {
        return format!("unknown key; did you mean `{name}`?");
    }
    let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
    format!("unknown key; there are {}", names.join(", "))
}
