//! Columns that get other names, in bodies: nobody can follow them there.

use squawk_syntax::ast::normalize_name_node;
use squawk_syntax::{SyntaxKind, SyntaxNode};

use crate::statement_pass::{Place, StatementPass};

impl StatementPass<'_> {
    /// A body is not read column by column: what mentions one that gets another name is a doubt.
    pub(crate) fn columns(&mut self, tree: &SyntaxNode, place: Place<'_>) {
        if !self.rewriter.mapping.renames_columns() {
            return;
        }
        let mut told = std::collections::HashSet::new();
        for node in tree.descendants() {
            let is_of_type = || {
                let mut around = node.ancestors().skip(1);
                around.any(|it| it.kind() == SyntaxKind::PERCENT_TYPE)
            };
            let can_be_column = match node.kind() {
                SyntaxKind::NAME_REF | SyntaxKind::COLUMN_NAME_REF | SyntaxKind::COMPOSITE_FIELD_REF => true,
                SyntaxKind::PATH_SEGMENT_REF => is_of_type(),
                _ => false,
            };
            if !can_be_column {
                continue;
            }
            let name = normalize_name_node(&node);
            if self.rewriter.is_renamed_column(&name) && told.insert(name.clone()) {
                let new = self.rewriter.mapping.column_somewhere(&name);
                let at = usize::from(node.text_range().start());
                self.concern(
                    at,
                    format!("column {name} becomes {new}, but not in a body"),
                    place,
                );
            }
        }
    }
}
