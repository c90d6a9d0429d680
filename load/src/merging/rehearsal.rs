//! The merge in a dry run: the statements of a load over the first rows of each part, without the journal.

use super::Merging;

impl Merging<'_> {
    /// What follows the sample of rows.
    pub(crate) fn trial(&self) -> Vec<String> {
        let mut statements = Vec::new();
        // That there is an order was seen before.
        for table in self.in_order_of_keys().unwrap_or_default() {
            statements.extend(self.key_statements(table));
            statements.extend(table.join_statements());
        }
        for table in &self.tables {
            statements.extend(table.parts.iter().map(|part| self.insertion(table, part)));
        }
        statements
    }
}
