//! Names of views' columns, as SQLite itself gives them.
//!
//! A result column without a name of its own gets its expression's text, and one of several with the same name a
//! number; the rules are SQLite's own and have changed. So SQLite is asked, in an empty database in memory, which has
//! the file's relations under their names. There each view that is known becomes a table, so that no file can make
//! SQLite unfold views within views.

use rusqlite::Connection;
use rusqlite::config::DbConfig;

use super::schema::{Schema, View};
use super::source::read_error;
use crate::Result;

/// The database in memory.
pub(super) struct ViewNames {
    connection: Connection,
}

impl ViewNames {
    pub(super) fn new(schema: &Schema) -> Result<ViewNames> {
        let failed = |error| read_error("cannot ask SQLite for the columns of views".to_owned(), error);
        let connection = Connection::open_in_memory().map_err(failed)?;
        connection
            .set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)
            .map_err(failed)?;
        let names = ViewNames { connection };
        for table in &schema.tables {
            let alias = table.rowid_alias.map(|place| &table.columns[place].name);
            let definition = |name: &String| {
                if alias == Some(name) {
                    // Its own name is what the rowid is called, too.
                    format!("{} INTEGER PRIMARY KEY", quoted(name))
                } else {
                    quoted(name)
                }
            };
            let columns: Vec<String> = table.columns.iter().map(|it| definition(&it.name)).collect();
            names.make(&table.name, &columns).map_err(failed)?;
        }
        Ok(names)
    }

    /// The names; fails in SQLite's words where it cannot read the view either.
    pub(super) fn of(&self, view: &View) -> std::result::Result<Vec<String>, String> {
        self.ask(view)
            .map_err(|error| format!("SQLite itself cannot read it ({error})"))
    }

    /// Lets later views name this one.
    pub(super) fn add(&self, view: &str, columns: &[String]) -> std::result::Result<(), String> {
        let columns: Vec<String> = columns.iter().map(|it| quoted(it)).collect();
        self.make(view, &columns).map_err(|error| error.to_string())
    }

    fn ask(&self, view: &View) -> rusqlite::Result<Vec<String>> {
        self.connection.execute(&view.sql, [])?;
        let names = self
            .connection
            .prepare("SELECT name FROM pragma_table_xinfo(?1) ORDER BY cid")
            .and_then(|mut statement| statement.query_map([&view.name], |row| row.get(0))?.collect());
        self.connection
            .execute(&format!("DROP VIEW {}", quoted(&view.name)), [])?;
        names
    }

    fn make(&self, name: &str, columns: &[String]) -> rusqlite::Result<()> {
        let sql = format!("CREATE TABLE {} ({})", quoted(name), columns.join(", "));
        self.connection.execute(&sql, []).map(|_| ())
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
