//! Unlogged tables: a server that crashes empties them, whatever the journal says of their rows. So their rows are
//! counted wherever a crash may have been.

use std::collections::BTreeMap;

use archive::Header;
use catalog::{QualifiedName, Table};
use cli::Result;
use postgres::GenericClient;

use crate::journal::{self, Run};
use crate::target::failed;

/// What is counted as one: an unlogged table, or a partition tree that has one, in which a row may stand in another
/// partition than the archive has it in.
#[derive(Clone, Debug)]
pub(crate) struct Unlogged {
    /// The table, or the tree's root.
    name: QualifiedName,
    is_tree: bool,
    /// Numbers of the tables whose chunks go there.
    tables: Vec<u32>,
}

impl Unlogged {
    pub(crate) fn all(header: &Header) -> Vec<Self> {
        let tables = &header.catalog.tables;
        let by_name: BTreeMap<QualifiedName, &Table> =
            tables.iter().map(|it| (it.qualified_name(), it)).collect();
        let root = |table: &Table| {
            let mut name = table.qualified_name();
            while let Some(parent) = by_name.get(&name).and_then(|it| it.partition_of.clone()) {
                name = parent;
            }
            name
        };
        let mut groups: BTreeMap<QualifiedName, Vec<&Table>> = BTreeMap::new();
        for table in tables.iter().filter(|it| it.is_own()) {
            groups.entry(root(table)).or_default().push(table);
        }
        let unlogged = groups
            .into_iter()
            .filter(|(_, members)| members.iter().any(|it| it.unlogged));
        unlogged
            .map(|(name, members)| Unlogged {
                name,
                is_tree: members.iter().any(|it| it.partition_of.is_some()),
                tables: members
                    .iter()
                    .filter(|it| it.has_rows())
                    .map(|it| it.number)
                    .collect(),
            })
            .collect()
    }

    pub(crate) fn name(&self) -> &QualifiedName {
        &self.name
    }

    pub(crate) fn tables(&self) -> &[u32] {
        &self.tables
    }

    /// Whether rows stand in the tables that the archive has them in, so that one can be emptied and loaded again.
    pub(crate) fn is_one_table(&self) -> bool {
        !self.is_tree
    }

    /// Whether as many rows are there as the journal says. Both are counted in one snapshot.
    pub(crate) fn has_noted_rows(&self, client: &mut impl GenericClient, run: &Run) -> Result<bool> {
        let step = || format!("the rows of {} could not be counted", self.name);
        let tables: Vec<i64> = self.tables.iter().copied().map(i64::from).collect();
        let noted = journal::NOTED_ROWS;
        // Before the first row the table may not even be there.
        let row = client
            .query_one(&format!("SELECT {noted} = 0"), &[&run.id(), &tables])
            .map_err(|error| failed(step(), error))?;
        if row.get(0) {
            return Ok(true);
        }
        let only = if self.is_tree { "" } else { "ONLY " };
        let sql = format!(
            "SELECT (SELECT pg_catalog.count(*) FROM {only}{}) = {noted}",
            self.name
        );
        client
            .query_one(&sql, &[&run.id(), &tables])
            .map(|row| row.get(0))
            .map_err(|error| failed(step(), error))
    }
}
