//! What can be done when the server refuses: the way out for the states that a load meets most often.

use cli::Failure;
use postgres::error::SqlState;

/// Adds the way out to a failure that `error` is the reason for, where there is one.
pub(crate) fn with_hint(failure: Failure, error: &postgres::Error) -> Failure {
    match error.as_db_error().and_then(|it| hint(it.code(), it.message())) {
        Some(hint) => failure.with_hint(hint),
        None => failure,
    }
}

fn hint(state: &SqlState, message: &str) -> Option<&'static str> {
    let hints = [
        (
            SqlState::DISK_FULL,
            "the server's disk is full: make room there; `load --dry-run` says about how much is needed",
        ),
        (
            SqlState::READ_ONLY_SQL_TRANSACTION,
            "the server takes no writes: it is a standby, or default_transaction_read_only is on",
        ),
        (
            SqlState::LOCK_NOT_AVAILABLE,
            "another session holds a lock: pg_stat_activity and pg_locks say which; end it or wait for it",
        ),
        (
            SqlState::INSUFFICIENT_PRIVILEGE,
            "a role that owns the object can GRANT it; `load --dry-run` of a whole archive tells all that the role lacks at once",
        ),
    ];
    if *state == SqlState::OUT_OF_MEMORY && message.contains("shared memory") {
        return Some("the server has no room for more locks: raise max_locks_per_transaction");
    }
    hints
        .into_iter()
        .find(|(it, _)| it == state)
        .map(|(_, hint)| hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_told_from_locks() {
        let of = |message| hint(&SqlState::OUT_OF_MEMORY, message);
        assert!(of("out of shared memory").is_some_and(|it| it.contains("max_locks_per_transaction")));
        assert_eq!(of("out of memory"), None);
        assert!(hint(&SqlState::DISK_FULL, "").is_some());
    }
}
