//! Health of the target: what is wrong with it by itself, whatever its rows and its definitions are compared with.

mod analyzed;
mod orphans;
mod references;
mod routines;
mod sequences;
mod unproved;
mod views;

use std::collections::HashSet;

use catalog::{Catalog, QualifiedName};
use cli::Result;

use crate::merging::Merging;
use crate::report::{Finding, TableResult};
use crate::sides::{Live, Source};

/// What is looked at.
pub(crate) struct Scene<'a> {
    pub(crate) source: &'a Source,
    pub(crate) target: &'a Live,
    /// The source's catalog under the names of the target, everything in the same order.
    pub(crate) renamed: &'a Catalog,
    /// The target's schemas that are compared.
    pub(crate) schemas: &'a [String],
    /// Merged tables are the source's, too, wherever they are.
    pub(crate) merging: &'a Merging,
    /// What came of the rows.
    pub(crate) tables: &'a [TableResult],
    /// What is said of both sides' definitions already.
    pub(crate) findings: &'a [Finding],
    /// Whether definitions were compared property by property.
    pub(crate) has_definitions: bool,
    /// Keys of orphans that are shown at most, for each foreign key.
    pub(crate) examples: usize,
    pub(crate) is_verbose: bool,
}

/// Everything that is wrong, one line each. It wants a thread for each session of the target at most.
pub(crate) fn look(scene: &Scene<'_>) -> Result<Vec<Finding>> {
    let mut findings = orphans::look(scene)?;
    findings.extend(unproved::look(scene)?);
    findings.extend(sequences::look(scene)?);
    findings.extend(views::look(scene));
    findings.extend(analyzed::look(scene)?);
    findings.extend(references::look(scene)?);
    findings.extend(routines::look(scene)?);
    Ok(findings)
}

impl Scene<'_> {
    /// Whether the table's rows, those of all its partitions, are the source's.
    fn is_as_in_source(&self, table: &QualifiedName) -> bool {
        let name = table.to_string();
        if let Some(result) = self.tables.iter().find(|it| it.name() == name) {
            return result.is_identical();
        }
        let parts = self.target.catalog.tables.iter();
        let mut parts = parts
            .filter(|it| it.partition_of.as_ref() == Some(table))
            .peekable();
        parts.peek().is_some() && parts.all(|it| self.is_as_in_source(&it.qualified_name()))
    }

    /// What the target calls a table of the source and some of its columns, where it has them all.
    fn renamed_columns(
        &self,
        table: &QualifiedName,
        columns: &[String],
    ) -> Option<(QualifiedName, Vec<String>)> {
        let catalog = self.source.catalog();
        let mut pairs = catalog.tables.iter().zip(&self.renamed.tables);
        let (old, new) = pairs.find(|(old, _)| old.schema == table.schema && old.name == table.name)?;
        let there = self
            .target
            .catalog
            .tables
            .iter()
            .find(|it| it.schema == new.schema && it.name == new.name)?;
        let has: HashSet<&str> = there.columns.iter().map(|it| it.name.as_str()).collect();
        let named = |column: &String| {
            let place = old.columns.iter().position(|it| it.name == *column)?;
            let name = new.columns.get(place)?.target_name();
            has.contains(name).then(|| name.to_owned())
        };
        let columns = columns.iter().map(named).collect::<Option<Vec<String>>>()?;
        Some((new.qualified_name(), columns))
    }
}

/// The words of a failure that an answer does not need to be given for: no privilege, no such operator, or no collation by
/// which both sides could be compared. `None` for what must end the run.
fn excuse(failure: &cli::Failure) -> Option<String> {
    const EXCUSED: [&str; 6] = ["42501", "42883", "42804", "42P21", "42P22", "55P03"];
    let error = failure.server_error()?;
    EXCUSED
        .contains(&error.code().code())
        .then(|| error.message().to_owned())
}
