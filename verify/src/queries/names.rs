//! Statements and search paths by the names of the target.

use std::collections::{BTreeSet, HashMap};

use catalog::{Catalog, ObjectKind, QualifiedName, parse_search_path, quote_literal};
use cli::{Failure, Result};
use plan::Mapping;
use rewrite::{Known, Rewriter};

/// Gives the source's names those of the target.
pub(crate) struct Names {
    catalog: Catalog,
    mapping: Mapping,
    /// Old names of columns that get others, with those.
    columns: Vec<(String, String)>,
    /// Old names of tables and views that get others.
    renamed: BTreeSet<String>,
    relations: HashMap<QualifiedName, QualifiedName>,
    indexes: HashMap<QualifiedName, String>,
}

/// A text by the target's names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Translated {
    pub(crate) text: String,
    /// Places whose meaning cannot be proved.
    pub(crate) doubts: Vec<String>,
}

impl Names {
    /// Those that `mapping` gives a source with this catalog.
    pub(crate) fn new(catalog: Catalog, mapping: Mapping) -> Result<Names> {
        let settled = Known::from_catalog(&catalog)
            .settle(&mapping)
            .map_err(Failure::usage)?;
        let mut renamed = catalog.clone();
        renamed.rename(&settled);
        let columns = renamed.tables.iter().flat_map(|it| &it.columns);
        let columns = columns.filter(|it| it.target_name() != it.name);
        let mut columns: Vec<(String, String)> = columns
            .map(|it| (it.name.clone(), it.target_name().to_owned()))
            .collect();
        columns.sort();
        columns.dedup();
        let mut relations = HashMap::new();
        for (old, new) in catalog.tables.iter().zip(&renamed.tables) {
            relations.insert(old.qualified_name(), new.qualified_name());
        }
        let mut indexes = HashMap::new();
        for (old, new) in catalog.objects.iter().zip(&renamed.objects) {
            let name = QualifiedName::new(&old.schema, &old.name);
            if old.kind == ObjectKind::Index || old.indexed {
                indexes.insert(name, new.name.clone());
            } else if matches!(old.kind, ObjectKind::View | ObjectKind::MaterializedView) {
                relations.insert(name, QualifiedName::new(&new.schema, &new.name));
            }
        }
        let renamed = relations.iter().filter(|(old, new)| old.name != new.name);
        let renamed = renamed.map(|(old, _)| old.name.clone()).collect();
        Ok(Names {
            catalog,
            mapping,
            columns,
            renamed,
            relations,
            indexes,
        })
    }

    /// The source's path as a list of schemas, where nothing else is said.
    pub(crate) fn path(&self, setting: Option<&str>) -> Vec<String> {
        match setting {
            Some(setting) => parse_search_path(setting, ""),
            None => self.catalog.search_path.clone(),
        }
    }

    /// A relation of the source by its name on the target.
    pub(crate) fn relation(&self, name: &QualifiedName) -> QualifiedName {
        self.relations.get(name).unwrap_or(name).clone()
    }

    /// An index of the source by its name on the target.
    pub(crate) fn index(&self, schema: &str, name: &str) -> String {
        let found = self.indexes.get(&QualifiedName::new(schema, name));
        found.map_or_else(|| name.to_owned(), Clone::clone)
    }

    /// What translates statements under one path.
    pub(crate) fn under(&self, path: &[String]) -> Result<Translator<'_>> {
        let catalog = Catalog {
            search_path: path.to_vec(),
            ..self.catalog.clone()
        };
        let rewriter =
            Rewriter::new(self.mapping.clone(), Known::from_catalog(&catalog)).map_err(Failure::usage)?;
        Ok(Translator {
            names: self,
            rewriter,
            path: path.to_vec(),
        })
    }
}

/// Translates statements that find their names along one path.
pub(crate) struct Translator<'a> {
    names: &'a Names,
    rewriter: Rewriter,
    pub(crate) path: Vec<String>,
}

impl Translator<'_> {
    /// The path in the source, as SQL behind `SET search_path TO`.
    pub(crate) fn source_path(&self) -> String {
        as_sql(&self.path)
    }

    /// The same on the target.
    pub(crate) fn target_path(&self) -> String {
        const SET: &str = "SET search_path TO ";
        let set = format!("{SET}{}", as_sql(&self.path));
        let new = self.rewriter.rewrite(&set).text;
        new.strip_prefix(SET).unwrap_or(&new).to_owned()
    }

    /// A statement by the target's names.
    pub(crate) fn statement(&self, text: &str) -> Translated {
        let rewritten = self.rewriter.rewrite(text);
        let mut doubts: Vec<String> = rewritten.doubts.into_iter().map(|it| it.reason).collect();
        let is_in_word = |it: char| it.is_alphanumeric() || it == '_';
        let words: Vec<&str> = text.split(|it| !is_in_word(it)).collect();
        for (column, _) in &self.names.columns {
            let is_said = words.iter().any(|it| it.eq_ignore_ascii_case(column));
            if is_said || (column.contains(|it| !is_in_word(it)) && text.contains(column.as_str())) {
                doubts.push(format!(
                    "column {} has another name on the target",
                    catalog::quote_ident(column)
                ));
            }
        }
        // A name without a schema is left as it is.
        let mut left: Vec<&str> = rewritten.text.split(|it| !is_in_word(it)).collect();
        left.sort_unstable();
        left.dedup();
        let is_old = |it: &&str| {
            self.names.renamed.contains(*it) || self.names.renamed.contains(&it.to_ascii_lowercase())
        };
        doubts.extend(left.into_iter().filter(is_old).map(|name| {
            format!("`{name}` may be a table that has another name on the target: write its schema before it")
        }));
        Translated {
            text: rewritten.text,
            doubts,
        }
    }

    /// Whether a column of this name can have got the other one.
    pub(crate) fn is_renamed(&self, old: &str, new: &str) -> bool {
        self.names.columns.iter().any(|(was, is)| was == old && is == new)
    }

    /// A type by the target's name.
    pub(crate) fn type_name(&self, name: &str) -> String {
        const SELECT: &str = "SELECT NULL::";
        let new = self.rewriter.rewrite(&format!("{SELECT}{name}")).text;
        new.strip_prefix(SELECT).unwrap_or(&new).to_owned()
    }
}

pub(super) fn as_sql(path: &[String]) -> String {
    let names: Vec<String> = path
        .iter()
        .map(|it| quote_literal(it).trim_start().to_owned())
        .collect();
    if names.is_empty() {
        "''".to_owned()
    } else {
        names.join(", ")
    }
}
