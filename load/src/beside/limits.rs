//! What the server can bear of sessions that build indexes and check foreign keys beside each other.
//!
//! A client cannot ask a server for its memory. What it can ask for is `shared_buffers`, which the manual, and every
//! provider, puts at about a quarter of it; so half of `shared_buffers`, an eighth of the memory, is what all sessions
//! together may have. What the server's own setting gives a session it may have in any case.
//!
//! Nor can it ask for the cores. On its own machine it knows them: there the sessions fill them, and workers, which
//! write to disk what one process sorts in memory, are for what outweighs all else. Elsewhere the server's settings stay.

use cli::Result;
use postgres::Client;

use crate::target::failed;

/// No sort of one session gains from more.
const SESSION_KIB_MAX: u64 = 1 << 20;

/// Settings of the server, memory in KiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    shared_buffers: u64,
    maintenance_work_mem: u64,
    /// Workers that one statement may have.
    workers_of_statement: u64,
    /// Whether the server runs on this machine, whose cores the sessions fill already.
    shares_cores: bool,
}

impl Limits {
    pub(crate) fn read(client: &mut Client) -> Result<Self> {
        const SETTINGS: &str = "
            SELECT pg_catalog.pg_size_bytes(pg_catalog.current_setting('shared_buffers')) / 1024,
              pg_catalog.pg_size_bytes(pg_catalog.current_setting('maintenance_work_mem')) / 1024,
              pg_catalog.current_setting('max_parallel_maintenance_workers')::pg_catalog.int8,
              pg_catalog.inet_client_addr() IS NOT DISTINCT FROM pg_catalog.inet_server_addr()";
        let row = client
            .query_one(SETTINGS, &[])
            .map_err(|error| failed("the server's settings could not be read", error))?;
        let number = |place: usize| u64::try_from(row.get::<_, i64>(place)).unwrap_or(0);
        Ok(Limits {
            shared_buffers: number(0),
            maintenance_work_mem: number(1),
            workers_of_statement: number(2),
            shares_cores: row.get(3),
        })
    }

    /// What one of `sessions` may have of memory, in KiB.
    fn memory(self, sessions: u64) -> u64 {
        let share = self.shared_buffers / 2 / sessions.max(1);
        share.min(SESSION_KIB_MAX).max(self.maintenance_work_mem)
    }

    /// The statement that gives each of `sessions` its part; none where the server's own settings say the same.
    pub(crate) fn settings(self, sessions: usize) -> Option<String> {
        let sessions = u64::try_from(sessions).unwrap_or(u64::MAX);
        let mut settings = Vec::new();
        let memory = self.memory(sessions);
        if memory > self.maintenance_work_mem {
            settings.push(format!("SET maintenance_work_mem = '{memory}kB'"));
        }
        if self.shares_cores && self.workers_of_statement > 0 {
            settings.push("SET max_parallel_maintenance_workers = 0".to_owned());
        }
        (!settings.is_empty()).then(|| settings.join("; "))
    }

    /// The statement that gives one transaction workers, for work that is worth `surplus` sessions more than its own.
    pub(crate) fn workers(self, surplus: u64) -> Option<String> {
        let workers = surplus.min(self.workers_of_statement);
        (self.shares_cores && workers > 0)
            .then(|| format!("SET LOCAL max_parallel_maintenance_workers = {workers}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 10;
    const GIB: u64 = 1 << 20;

    fn check(shared_buffers: u64, maintenance_work_mem: u64, sessions: u64, expected: u64) {
        let limits = Limits {
            shared_buffers,
            maintenance_work_mem,
            workers_of_statement: 2,
            shares_cores: true,
        };
        let given = limits.memory(sessions);
        assert_eq!(given, expected, "{limits:?}, {sessions} sessions");
    }

    #[test]
    fn sessions_share_half_of_shared_buffers_and_keep_what_the_server_gives() {
        // As installed, and as providers set a server of 1 GiB.
        check(128 * MIB, 64 * MIB, 3, 64 * MIB);
        check(256 * MIB, 64 * MIB, 3, 64 * MIB);
        check(256 * MIB, 64 * MIB, 1, 128 * MIB);
        check(2 * GIB, 64 * MIB, 4, 256 * MIB);
        check(64 * GIB, 64 * MIB, 3, GIB);
        check(64 * GIB, 2 * GIB, 16, 2 * GIB);
    }
}
