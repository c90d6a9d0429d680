//! What mentions tables that are merged on the target: views, foreign keys and bodies of a source say the merged tables'
//! names there, as `remap-schema --merge` has rewritten them.

use std::collections::BTreeSet;

use catalog::{Catalog, Definition, DefinitionKind, Object, ObjectKind, QualifiedName, TableKind};
use cli::{Failure, Result};
use plan::{Mapping, Namespace, Renamed};
use rewrite::Rewriter;
use rewrite::moves::{self, Moves};

use super::label::{label, said};
use crate::merging::MergedTable;
use crate::report::{Finding, Weight};

const RETYPED: &str = "it shows columns of a merged table, which have a wider type there";

/// The mapping with the merged tables' names in the place of the tables' own.
pub(super) fn with_names(mapping: &Mapping, tables: &[MergedTable]) -> Mapping {
    let mut mapping = mapping.clone();
    for MergedTable { own, into, .. } in tables {
        if mapping.object(Namespace::Objects, &own.schema, &own.name) != into.name {
            let renamed = Renamed {
                schema: own.schema.clone(),
                name: own.name.clone(),
                routine: false,
            };
            mapping.rename.insert(renamed, into.name.clone());
        }
    }
    mapping
}

/// The catalog with the merged tables among its own: what is not on the target by itself has been taken out.
pub(super) fn with_tables(catalog: &Catalog, tables: &[MergedTable]) -> Catalog {
    let mut catalog = catalog.clone();
    for table in &mut catalog.tables {
        if tables.iter().any(|it| it.own == table.qualified_name()) {
            table.kind = TableKind::Ordinary;
        }
    }
    catalog.objects.extend(tables.iter().map(|it| Object {
        kind: ObjectKind::Table,
        schema: it.own.schema.clone(),
        name: it.own.name.clone(),
        table: None,
        indexed: false,
    }));
    catalog
}

/// Has definitions, which are renamed already, mention the merged tables where they are. `catalog` is that of
/// [`with_tables`], renamed.
pub(super) fn follow(
    definitions: &mut [Definition],
    catalog: &Catalog,
    mapping: &Mapping,
    tables: &[MergedTable],
) -> Result<()> {
    let here = |it: &MergedTable| {
        QualifiedName::new(
            mapping.schema(&it.own.schema),
            mapping.object(Namespace::Objects, &it.own.schema, &it.own.name),
        )
    };
    let moves: Moves = tables
        .iter()
        .map(|it| (here(it), it.into.schema.clone()))
        .filter(|(here, to)| here.schema != *to)
        .collect();
    if moves.is_empty() {
        return Ok(());
    }
    let (known, mapping) = moves::rewriting(catalog, &moves);
    let rewriter = Rewriter::new(mapping, known).map_err(Failure::usage)?;
    rewriter.rewrite_definitions(definitions);
    Ok(())
}

/// Says of views over merged tables with other types than the source's that their columns may have other types, and their
/// text casts: nobody but PostgreSQL can tell what follows from a type.
pub(super) fn explain(findings: &mut [Finding], definitions: &[Definition], tables: &[MergedTable]) {
    let mut names: BTreeSet<String> = tables
        .iter()
        .filter(|it| it.is_retyped)
        .map(|it| it.into.to_string())
        .collect();
    let mut views: BTreeSet<String> = BTreeSet::new();
    loop {
        let before = views.len();
        for view in definitions.iter().filter(|it| is_view(it)) {
            let text: Vec<&str> = view.properties.iter().map(said).collect();
            if names.iter().any(|name| text.iter().any(|it| mentions(it, name))) {
                views.insert(label(view));
            }
        }
        // A view over such a view is one, too.
        names.extend(
            views
                .iter()
                .filter_map(|it| Some(it.rsplit_once(' ')?.1.to_owned())),
        );
        if views.len() == before {
            break;
        }
    }
    for finding in findings
        .iter_mut()
        .filter(|it| it.weight == Weight::Difference && it.source.is_some() && it.target.is_some())
    {
        let is_column = finding.property == "type"
            && views.iter().any(|it| {
                let name = it.rsplit_once(' ').map_or(it.as_str(), |it| it.1);
                finding.object.starts_with("column ") && finding.object.ends_with(&format!(" of {name}"))
            });
        if is_column || finding.property == "definition" && views.contains(&finding.object) {
            finding.weight = Weight::NotCompared;
            finding.note = Some(RETYPED.to_owned());
        }
    }
}

/// Whether the text has the name, and not as the beginning of a longer one.
fn mentions(text: &str, name: &str) -> bool {
    let mut found = text.match_indices(name);
    found.any(|(at, _)| {
        let next = text[at + name.len()..].chars().next();
        !next.is_some_and(|it| it.is_alphanumeric() || it == '_' || it == '$')
    })
}

fn is_view(definition: &Definition) -> bool {
    matches!(
        definition.kind,
        DefinitionKind::Object(ObjectKind::View | ObjectKind::MaterializedView)
    )
}
