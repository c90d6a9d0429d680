//! PostgreSQL itself as the judge of new names: a source restored as it is and renamed by `ALTER … RENAME` holds
//! the definitions that a source renamed by a tool must have, and what could be used before can be used after.

mod definitions;
mod naming;
mod objects;
mod renaming;
mod uses;

pub use definitions::Definitions;
pub use naming::Naming;
pub use renaming::renamed;
pub use uses::{Judged, judge_uses};

use crate::cluster::POSTGRES;
use crate::database::Database;
use crate::error::{Error, ErrorKind, Result};

/// A number that `cargo xtask judge` shows beside the tests' own words.
#[expect(clippy::print_stdout, reason = "a test's own output is where a count belongs")]
pub fn count(what: &str) {
    println!("{what}");
}

/// What `pg_dump` with `flags` says of a database, our own schema `coalesce` left out.
fn dump(database: &Database<'_>, flags: &[&str]) -> Result<String> {
    let output = database
        .cluster()
        .programs()
        .command("pg_dump")
        .args(flags)
        .args(["--exclude-schema", "coalesce", "--dbname"])
        .arg(database.conninfo(POSTGRES))
        .output()
        .map_err(Error::caused(ErrorKind::Program, "cannot run pg_dump"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let message = format!("pg_dump failed on database {}: {}", database.name(), said.trim());
        return Err(Error::new(ErrorKind::Program, message));
    }
    String::from_utf8(output.stdout).map_err(Error::caused(
        ErrorKind::Program,
        format!("pg_dump of database {} is not UTF-8", database.name()),
    ))
}
