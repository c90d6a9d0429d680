//! Tables for people.

use comfy_table::{CellAlignment, ColumnConstraint, presets};

/// Columns aligned, heads in capitals, no lines.
#[derive(Debug)]
pub struct Table(comfy_table::Table);

impl Table {
    /// `heads` in order; those that start with `>` are columns of numbers.
    pub fn new(heads: &[&str]) -> Self {
        let mut table = comfy_table::Table::new();
        table.load_style(presets::NOTHING);
        table.set_header(heads.iter().map(|head| head.trim_start_matches('>')));
        for (index, head) in heads.iter().enumerate() {
            if let Some(column) = table.column_mut(index) {
                column
                    .set_padding((0, 2))
                    .set_constraint(ColumnConstraint::ContentWidth);
                if head.starts_with('>') {
                    column.set_cell_alignment(CellAlignment::Right);
                }
            }
        }
        Table(table)
    }

    pub fn row<T: Into<String>>(&mut self, cells: impl IntoIterator<Item = T>) {
        self.0
            .add_row(cells.into_iter().map(Into::into).collect::<Vec<String>>());
    }
}

impl std::fmt::Display for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0
            .lines()
            .try_for_each(|line| writeln!(f, "{}", line.trim_end()))
    }
}
