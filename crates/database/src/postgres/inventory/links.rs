//! Connections that bodies of routines and views open by `dblink`: those whose words stand there as they are.

use std::collections::BTreeSet;

use ::inventory::{ForeignServer, Inventory};

const DBLINK: &str = "dblink";

/// Adds a server for each place that a body connects to; passwords are left where they are.
pub(super) fn find(inventory: &mut Inventory) {
    let bodies = inventory.routines.iter().map(|it| &it.body);
    let texts = bodies.chain(inventory.views.iter().map(|it| &it.definition));
    let found: BTreeSet<Place> = texts
        .filter(|it| it.contains(DBLINK))
        .flat_map(|it| it.split('\'').skip(1).step_by(2).filter_map(Place::of))
        .collect();
    inventory
        .foreign_servers
        .extend(found.into_iter().map(|it| ForeignServer {
            name: it.label(),
            wrapper: DBLINK.to_owned(),
            host: it.host,
            port: it.port,
            database: it.database,
            tables: 0,
        }));
}

#[derive(Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    host: Option<String>,
    port: Option<String>,
    database: Option<String>,
}

impl Place {
    /// Of a connection string in libpq's keywords; `None` for any other literal.
    fn of(literal: &str) -> Option<Place> {
        let mut place = Place::default();
        for (keyword, value) in literal.split_whitespace().filter_map(|it| it.split_once('=')) {
            let value = Some(value.to_owned());
            match keyword {
                "host" | "hostaddr" => place.host = value,
                "port" => place.port = value,
                "dbname" => place.database = value,
                _ => {}
            }
        }
        (place.host.is_some() || place.database.is_some()).then_some(place)
    }

    fn label(&self) -> String {
        let words = [&self.host, &self.port, &self.database];
        let words: Vec<&str> = words.into_iter().flatten().map(String::as_str).collect();
        words.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_string_names_its_place_and_no_password() {
        let place = Place::of("host=db.example.com port=5433 dbname=sso user=app password=hunter2").unwrap();
        assert_eq!(place.label(), "db.example.com 5433 sso");
        assert!(!format!("{place:?}").contains("hunter2"));
        assert_eq!(Place::of("SELECT a = b"), None);
        assert_eq!(Place::of("host"), None);
    }
}
