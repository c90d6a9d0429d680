//! What an ALTER TABLE is about, by its actions.

use squawk_syntax::{SyntaxKind, SyntaxNode};

/// Whether it adds or drops columns, or gives them another type, as no dump does.
pub(crate) fn changes_columns(statement: &SyntaxNode) -> bool {
    use SyntaxKind::{ADD_COLUMN, DROP_COLUMN, DROP_DEFAULT, SET_TYPE};
    let changes = [ADD_COLUMN, DROP_COLUMN, DROP_DEFAULT, SET_TYPE];
    statement.descendants().any(|it| changes.contains(&it.kind()))
}

pub(crate) fn switches_trigger(action: SyntaxKind) -> bool {
    use SyntaxKind::{DISABLE_TRIGGER, ENABLE_ALWAYS_TRIGGER, ENABLE_REPLICA_TRIGGER, ENABLE_TRIGGER};
    [
        DISABLE_TRIGGER,
        ENABLE_ALWAYS_TRIGGER,
        ENABLE_REPLICA_TRIGGER,
        ENABLE_TRIGGER,
    ]
    .contains(&action)
}
