//! Another database of the same server.

use super::pooler::WayIsClear;
use super::server::PostgresEndpoint;

impl PostgresEndpoint {
    /// The endpoint of database `dbname`, with the same role and password. Where several servers were named, it is on
    /// the one that the first session of either chooses.
    #[must_use]
    pub fn with_database(&self, dbname: &str) -> PostgresEndpoint {
        let mut endpoint = self.clone();
        dbname.clone_into(&mut endpoint.dbname);
        // A pooler may treat each database in a way of its own.
        endpoint.way = WayIsClear::default();
        endpoint
    }
}
