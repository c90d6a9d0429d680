//! The source's definitions as they must be on the target, renamed by the code of `remap-schema`.

use std::collections::{HashMap, HashSet};

use catalog::{Catalog, Definition, DefinitionKind, IDENTIFIER_BYTES_MAX, ObjectKind, Value};
use cli::{Failure, Result};
use plan::Mapping;
use rewrite::{Known, Rewriter, SearchPath, cut_passwords};

use super::merged;
use super::tokens::Tokens;
use crate::merging::MergedTable;

/// Definitions under the target's names.
pub(crate) struct Renamed {
    pub(crate) definitions: Vec<Definition>,
    /// New names of columns, by their old ones: what mentions a column follows when it is renamed, after all else.
    pub(crate) columns: HashMap<String, HashSet<String>>,
    pub(crate) mapping: Mapping,
    /// For each definition, whether the source itself gives a routine its search path.
    pub(crate) own_paths: Vec<bool>,
    /// The schema of each extension, in the source.
    pub(crate) extension_homes: HashMap<String, String>,
}

impl Renamed {
    /// `catalog` is the source's, with its definitions; `earlier` is what `remap-schema` has made of it before; `merged`
    /// are tables that went into others.
    pub(crate) fn new(
        mut catalog: Catalog,
        mapping: &Mapping,
        earlier: &[Mapping],
        tables: &[MergedTable],
    ) -> Result<Self> {
        let mapping = &merged::with_names(mapping, tables);
        cut_passwords(&mut catalog.definitions);
        let texts: Vec<String> = catalog
            .definitions
            .iter()
            .flat_map(|it| &it.properties)
            .filter_map(|it| match &it.value {
                Value::Statement(sql) | Value::Written(sql) => Some(sql.clone()),
                Value::Plain(_) => None,
            })
            .collect();
        let mut with_merged = merged::with_tables(&catalog, tables);
        let mut known = Known::from_catalog(&with_merged);
        if mapping.renames_objects() {
            for sql in &texts {
                known.learn_details(sql);
            }
        }
        let mut rewriter = Rewriter::new(mapping.clone(), known)
            .map_err(Failure::usage)?
            .with_search_path(SearchPath::Pin);
        let all: Vec<&str> = texts.iter().map(String::as_str).collect();
        rewriter.survey(&all);
        let mut definitions = std::mem::take(&mut catalog.definitions);
        let own_paths = definitions.iter().map(sets_search_path).collect();
        let extensions = definitions
            .iter()
            .filter(|it| it.kind == DefinitionKind::Extension);
        let extension_homes = extensions
            .map(|it| (it.name.clone(), it.schema.clone()))
            .collect();
        rewriter.rewrite_definitions(&mut definitions);
        let mut columns: HashMap<String, HashSet<String>> = HashMap::new();
        for column in rewriter.known().renamed_columns(rewriter.mapping()) {
            columns.entry(column.old).or_default().insert(column.new);
        }
        for (old, new) in earlier.iter().flat_map(|it| it.columns.values().flatten()) {
            columns.entry(old.clone()).or_default().insert(new.clone());
        }
        for old in texts.iter().flat_map(|sql| quoted_names(sql)) {
            let new = earlier
                .iter()
                .fold(old.clone(), |name, mapping| mapping.column_somewhere(&name));
            if new != old {
                columns.entry(old).or_default().insert(new);
            }
        }
        catalog.definitions = definitions;
        catalog.rename(rewriter.mapping());
        with_merged.rename(rewriter.mapping());
        merged::follow(&mut catalog.definitions, &with_merged, rewriter.mapping(), tables)?;
        Ok(Renamed {
            definitions: catalog.definitions,
            columns,
            mapping: rewriter.mapping().clone(),
            own_paths,
            extension_homes,
        })
    }
}

/// Every name that can stand in double quotes: no other one is standardised. What stands between two names is among them,
/// and is none.
fn quoted_names(sql: &str) -> impl Iterator<Item = String> {
    let between = sql
        .split('"')
        .skip(1)
        .filter(|it| it.len() <= IDENTIFIER_BYTES_MAX);
    between.map(str::to_owned)
}

fn sets_search_path(definition: &Definition) -> bool {
    let is_routine = matches!(
        definition.kind,
        DefinitionKind::Object(ObjectKind::Function | ObjectKind::Procedure)
    );
    is_routine
        && definition.properties.iter().any(|it| {
            let Value::Statement(sql) = &it.value else {
                return false;
            };
            Tokens::of(sql).without_search_path().1.is_some()
        })
}
