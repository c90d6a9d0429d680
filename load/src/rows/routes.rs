//! Where rows of partitions go in: into the partition itself, or, where the target may keep them in another one,
//! into the partitioned table above it.

use std::collections::{BTreeMap, HashMap};

use archive::Header;
use catalog::{PartitionTrees, QualifiedName, Table};
use cli::{Failure, Result};
use database::postgres::read_partition_keys;
use postgres::GenericClient;

use crate::conversions::Staging;
use crate::target::failed;

/// Tables whose rows go into another one, by number.
#[derive(Debug, Default)]
pub(crate) struct Routes(HashMap<u32, QualifiedName>);

impl Routes {
    /// Compares what orders the keys of the archive's partitions with what orders them now that they are made.
    pub(crate) fn find(client: &mut impl GenericClient, header: &Header) -> Result<Self> {
        let tables = &header.catalog.tables;
        let has_text = |it: &Table| {
            it.partition_key
                .as_ref()
                .is_some_and(|it| !it.collations.is_empty())
        };
        if !tables.iter().any(has_text) {
            return Ok(Routes::default());
        }
        let encoding: String = client
            .query_one("SELECT pg_catalog.current_setting('server_encoding')", &[])
            .map_err(|error| failed("the target could not be examined", error))?
            .get(0);
        let same_encoding = encoding == header.source.encoding;
        let keys = read_partition_keys(client).map_err(Failure::target)?;
        let differs = |table: &Table| {
            let (key, found) = (table.partition_key.as_ref(), keys.get(&table.qualified_name()));
            key.zip(found)
                .is_some_and(|(key, found)| !key.places_text_as(found, same_encoding))
        };
        let trees = PartitionTrees::new(tables);
        let route = |table: &Table| Some((table.number, trees.topmost(table, differs)?.qualified_name()));
        let partitions = tables
            .iter()
            .filter(|it| it.partition_of.is_some() && it.has_rows());
        Ok(Routes(partitions.filter_map(route).collect()))
    }

    /// Rows that are converted go into their staging tables.
    pub(super) fn through(mut self, staging: &Staging<'_>, header: &Header) -> Self {
        let staged = header
            .catalog
            .tables
            .iter()
            .filter_map(|it| Some((it.number, staging.table(it.number)?)));
        self.0.extend(staged.map(|(number, name)| (number, name.clone())));
        self
    }

    /// Rows of parts go into their staging tables.
    pub(super) fn through_parts(mut self, parts: &BTreeMap<u32, QualifiedName>) -> Self {
        self.0
            .extend(parts.iter().map(|(number, name)| (*number, name.clone())));
        self
    }

    /// Whether its rows go into another table.
    pub(super) fn leads_elsewhere(&self, table: &Table) -> bool {
        self.0.contains_key(&table.number)
    }

    /// Whether any table's rows do.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The table that takes the rows of `table`.
    pub(crate) fn table(&self, table: &Table) -> QualifiedName {
        let route = self.0.get(&table.number).cloned();
        route.unwrap_or_else(|| table.qualified_name())
    }
}
