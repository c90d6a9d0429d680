//! What a run began with: it goes on only with the same.

use archive::{Header, SchemaMember, hex};
use rewrite::statements;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::Texts;

/// What an archive is, apart from its rows and their moment. Two dumps of an unchanged source differ in `dump_run`
/// alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    /// UUID of the run of `dump`.
    pub(crate) dump_run: String,
    /// The database's or file's name.
    pub(crate) source: String,
    /// The version of this program.
    pub(crate) tool: String,
    /// What was left out, as JSON.
    pub(crate) filters: String,
    /// SHA-256 over names, columns and SQL text, as they are after `remap-schema`.
    pub(crate) definitions: String,
}

impl Origin {
    pub(crate) fn new(header: &Header, texts: &Texts) -> Self {
        let mut filters = json!({
            "filters": header.filters, "rows": header.row_filters, "content": header.content,
        });
        if !header.discards.is_empty() {
            filters["discards"] = json!(header.discards);
        }
        Origin {
            dump_run: header.run.clone(),
            source: header.source.database.clone(),
            tool: env!("CARGO_PKG_VERSION").to_owned(),
            filters: filters.to_string(),
            definitions: definitions(header, texts),
        }
    }

    /// Why a run that began with `self` cannot go on with `other`, as a sentence.
    pub(crate) fn difference(&self, other: &Origin) -> Option<String> {
        if self.tool != other.tool {
            Some(format!(
                "it was begun by version {} of load, this is {}",
                self.tool, other.tool
            ))
        } else if self.source != other.source {
            Some(format!(
                "it was begun with an archive of {}, this is one of {}",
                self.source, other.source
            ))
        } else if self.filters != other.filters {
            Some("this archive was dumped with other filters".to_owned())
        } else if self.definitions != other.definitions {
            Some("this archive has other definitions or other new names".to_owned())
        } else {
            None
        }
    }
}

fn definitions(header: &Header, texts: &Texts) -> String {
    let catalog = &header.catalog;
    let tables: Vec<_> = catalog
        .tables
        .iter()
        .map(|it| {
            json!([
                it.number,
                it.schema,
                it.name,
                it.kind,
                it.columns,
                it.partition_of
            ])
        })
        .collect();
    let large_objects: Vec<u32> = catalog.large_objects.iter().map(|it| it.oid).collect();
    let names = json!({
        "kind": header.source.kind, "mappings": header.mappings, "tables": tables, "large_objects": large_objects,
    });
    // A journal from before there were conversions knows the same archive.
    let conversions = (!header.conversions.is_empty()).then(|| json!(header.conversions).to_string());
    let mut hasher = Sha256::new();
    hasher.update(names.to_string());
    hasher.update(conversions.unwrap_or_default());
    for member in [
        SchemaMember::PreData,
        SchemaMember::PostData,
        SchemaMember::Privileges,
        SchemaMember::Apart,
    ] {
        hasher.update([0]);
        // Comments of pg_dump say when it ran.
        for statement in statements(texts.get(member)) {
            hasher.update(statement.text);
            hasher.update([0]);
        }
    }
    hex(&hasher.finalize())
}
