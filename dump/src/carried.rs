//! What the source's objects are defined as, carried in the archive, so that a target can be compared with it when the
//! source is gone.

use std::collections::HashSet;

use archive::Content;
use catalog::{Catalog, Definition, DefinitionKind, ObjectKind, Property, Value};
use database::postgres::CutForeignKey;
use rewrite::cut_passwords;

/// What of `definitions` is said of an archive of `catalog`, which has what was chosen.
pub(crate) fn definitions(
    mut definitions: Vec<Definition>,
    catalog: &Catalog,
    cut: &[CutForeignKey],
    content: Content,
) -> Vec<Definition> {
    let schemas: HashSet<&str> = catalog.schemas.iter().map(|it| it.name.as_str()).collect();
    let objects = catalog
        .objects
        .iter()
        .map(|it| (it.schema.as_str(), it.name.as_str()));
    let tables = catalog
        .tables
        .iter()
        .map(|it| (it.schema.as_str(), it.name.as_str()));
    let chosen: HashSet<(&str, &str)> = objects.chain(tables).collect();
    let is_chosen = |it: &Definition| match it.kind {
        DefinitionKind::Schema => schemas.contains(it.name.as_str()),
        DefinitionKind::Extension => catalog.extensions.iter().any(|known| known.name == it.name),
        DefinitionKind::Cast | DefinitionKind::EventTrigger | DefinitionKind::DefaultPrivileges => true,
        DefinitionKind::Column | DefinitionKind::Object(_) => {
            let owner = it.table.as_ref().unwrap_or(&it.name);
            chosen.contains(&(it.schema.as_str(), owner.as_str()))
        }
    };
    definitions.retain(|it| is_chosen(it) && !is_cut(it, cut));
    if content == Content::SchemaOnly {
        forget_rows(&mut definitions);
    }
    cut_passwords(&mut definitions);
    definitions
}

/// Whether it is a foreign key that leads out of what was chosen.
fn is_cut(it: &Definition, cut: &[CutForeignKey]) -> bool {
    it.kind == DefinitionKind::Object(ObjectKind::Constraint)
        && cut.iter().any(|key| {
            key.name == it.name && key.table.schema == it.schema && Some(&key.table.name) == it.table.as_ref()
        })
}

/// Without rows nothing is populated.
fn forget_rows(definitions: &mut [Definition]) {
    let kind = DefinitionKind::Object(ObjectKind::MaterializedView);
    for view in definitions.iter_mut().filter(|it| it.kind == kind) {
        view.properties.retain(|it| it.name != "populated");
        view.properties.push(Property {
            name: "populated".to_owned(),
            value: Value::Plain("no".to_owned()),
        });
    }
}
