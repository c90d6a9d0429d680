//! Foreign servers and dblink connections: those that lead from one source to another could be plain tables after the
//! move, all others must be reached from the target.

use std::collections::BTreeMap;

use inventory::Inventory;

use super::conflict::{list, number_of};
use super::{Conflict, Scene, Severity, Side, Topic};

/// Where a connection leads.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Address {
    host: Option<String>,
    port: Option<String>,
    database: Option<String>,
}

/// A way out of a source, and who takes it.
struct Way {
    /// `server sso (postgres_fdw)`
    name: String,
    address: Address,
    users: Vec<String>,
    tables: u64,
}

pub(super) fn find(scene: &Scene<'_>, conflicts: &mut Vec<Conflict>) {
    for side in &scene.sides {
        for way in ways(side.inventory) {
            conflicts.push(judge(scene, side, way));
        }
    }
}

fn ways(inventory: &Inventory) -> Vec<Way> {
    let own = |text: &Option<String>| text.clone().filter(|it| !it.is_empty());
    let servers = inventory
        .foreign_servers
        .iter()
        .filter(|it| it.wrapper != "dblink");
    let mut ways: Vec<Way> = servers
        .map(|it| Way {
            name: format!("server {} ({})", it.name, it.wrapper),
            address: Address {
                host: own(&it.host),
                port: own(&it.port),
                database: own(&it.database),
            },
            users: Vec::new(),
            tables: it.tables,
        })
        .collect();
    let mut opened: BTreeMap<Address, Vec<String>> = BTreeMap::new();
    let routines = inventory.routines.iter().map(|it| {
        let name = format!("{} {}.{}({})", it.kind, it.schema, it.name, it.arguments);
        (name, it.body.as_str())
    });
    let views = inventory.views.iter().map(|it| {
        let name = format!("view {}.{}", it.schema, it.name);
        (name, it.definition.as_str())
    });
    for (name, text) in routines.chain(views) {
        for address in dblinks(text) {
            let users = opened.entry(address).or_default();
            if !users.contains(&name) {
                users.push(name.clone());
            }
        }
    }
    ways.extend(opened.into_iter().map(|(address, users)| Way {
        name: "dblink".to_owned(),
        address,
        users,
        tables: 0,
    }));
    ways
}

fn judge(scene: &Scene<'_>, side: &Side<'_>, way: Way) -> Conflict {
    let Way {
        name,
        address,
        users,
        tables,
    } = way;
    let place = told(&address);
    let used = match (users.as_slice(), tables) {
        ([], 0) => String::new(),
        ([], tables) => {
            let tables = usize::try_from(tables).unwrap_or(usize::MAX);
            format!(" with {}", number_of(tables, "foreign table", "foreign tables"))
        }
        (users, _) => format!(" in {}", list(users, 2)),
    };
    let other = scene
        .sides
        .iter()
        .find(|it| it.inventory.is_postgres() && leads_to(side.inventory, &address, it.inventory));
    let id = [side.key(), &name, &place];
    let conflict = match other {
        Some(other) => {
            let itself = std::ptr::eq(other, side);
            let there = if itself {
                "itself".to_owned()
            } else {
                format!("{}, which moves too", other.label)
            };
            Conflict::new(
                Severity::Warns,
                Topic::ForeignServer,
                &id,
                format!("{name} of {} leads to {there}: {place}{used}", side.label),
                format!(
                    "after the move it would still read the old database: read the tables in {} instead",
                    list(&other.target_schemas(), 3)
                ),
            )
            .with_choices(&["recreate", "accept"])
        }
        None => Conflict::new(
            Severity::Notes,
            Topic::ForeignServer,
            &id,
            format!("{name} of {} leads to {place}{used}", side.label),
            "the target's machine must reach it; passwords of user mappings do not move",
        ),
    };
    conflict.with_evidence(users)
}

fn told(address: &Address) -> String {
    let mut parts = Vec::new();
    for (word, value) in [
        ("host", &address.host),
        ("port", &address.port),
        ("dbname", &address.database),
    ] {
        if let Some(value) = value {
            parts.push(format!("{word}={value}"));
        }
    }
    if parts.is_empty() {
        "an address of its own".to_owned()
    } else {
        parts.join(" ")
    }
}

/// Whether a connection from `from` to `address` ends in `to`, as far as the two can be compared: a name and an address
/// of one machine are not known to be one.
fn leads_to(from: &Inventory, address: &Address, to: &Inventory) -> bool {
    // What libpq takes where nothing is said is the role's name, which mostly is not the database's.
    if address.database.as_ref() != Some(&to.server.database) {
        return false;
    }
    let (there, here) = (places(to), places(from));
    there.iter().any(|(host_there, port_there)| {
        let Some(host) = &address.host else {
            // The same machine as the source's own.
            let port = |it: &str| address.port.as_deref().unwrap_or(it) == port_there;
            return here
                .iter()
                .any(|(host, own)| same_host(host, host_there) && port(own));
        };
        let port = address.port.as_deref().unwrap_or(DEFAULT_PORT);
        port == port_there && same_host(host, host_there)
    })
}

const DEFAULT_PORT: &str = "5432";

/// Hosts and ports by which a source is known: what its server says, and how it was reached.
fn places(of: &Inventory) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let reached = if of.endpoint.contains("://") {
        of_url(&of.endpoint)
    } else {
        of_keywords(&of.endpoint)
    };
    if let Some(host) = reached.host {
        found.push((host, reached.port.unwrap_or_else(|| DEFAULT_PORT.to_owned())));
    }
    // `10.0.0.1:5432`, a folder and a port, or `port 5432` where the folder is not for everybody to know.
    if let Some((host, port)) = of
        .server
        .address
        .as_deref()
        .and_then(|it| it.rsplit_once([':', ' ']))
    {
        found.push((
            if host == "port" {
                String::new()
            } else {
                host.to_owned()
            },
            port.to_owned(),
        ));
    }
    // A folder is known better by the way in.
    if found.len() > 1 {
        found.retain(|(host, _)| !host.is_empty());
    }
    found
}

/// Names that cannot be told from each other count as the same: a machine has many.
fn same_host(one: &str, other: &str) -> bool {
    let is_folder = |host: &str| host.starts_with('/');
    let is_local = |host: &str| is_folder(host) || ["localhost", "127.0.0.1", "::1", ""].contains(&host);
    let is_address = |host: &str| host.parse::<std::net::IpAddr>().is_ok();
    if is_local(one) || is_local(other) {
        let both_folders = is_folder(one) && is_folder(other);
        return is_local(one) && is_local(other) && (!both_folders || one == other);
    }
    one == other || !(is_address(one) && is_address(other))
}

/// Addresses in the literals of a text that calls `dblink`.
fn dblinks(text: &str) -> Vec<Address> {
    let mut found = Vec::new();
    if !text.to_lowercase().contains("dblink") {
        return found;
    }
    for literal in text.split('\'').skip(1).step_by(2) {
        let address = if literal.starts_with("postgres://") || literal.starts_with("postgresql://") {
            of_url(literal)
        } else {
            of_keywords(literal)
        };
        if address.database.is_some() && !found.contains(&address) {
            found.push(address);
        }
    }
    found
}

fn of_keywords(literal: &str) -> Address {
    let mut address = Address::default();
    for pair in literal.split_whitespace() {
        let Some((key, value)) = pair.split_once('=') else {
            continue;
        };
        let value = Some(value.trim_matches('\'').to_owned()).filter(|it| !it.is_empty());
        match key.to_lowercase().as_str() {
            "host" | "hostaddr" => address.host = value,
            "port" => address.port = value,
            "dbname" => address.database = value,
            _ => {}
        }
    }
    address
}

/// Without the user and the password, which nobody is to see.
fn of_url(literal: &str) -> Address {
    let rest = literal.split_once("://").map_or("", |(_, it)| it);
    let rest = rest.split('?').next().unwrap_or_default();
    let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
    let server = authority.rsplit_once('@').map_or(authority, |(_, it)| it);
    let (host, port) = match server.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port),
        _ => (server, ""),
    };
    let given = |it: &str| Some(it.to_owned()).filter(|it| !it.is_empty());
    Address {
        host: given(host.trim_matches(['[', ']'])),
        port: given(port),
        database: given(database),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use inventory::Server;

    fn address(host: &str, port: &str, database: &str) -> Address {
        let given = |it: &str| Some(it.to_owned()).filter(|it| !it.is_empty());
        Address {
            host: given(host),
            port: given(port),
            database: given(database),
        }
    }

    #[test]
    fn connection_strings_are_found_without_their_secrets() {
        for (text, expected) in [
            (
                "SELECT * FROM dblink('host=db port=5433 dbname=sso password=geheim', 'SELECT 1')",
                vec![address("db", "5433", "sso")],
            ),
            (
                "PERFORM dblink_connect('c', 'postgres://u:p@h:1/sso?x=y')",
                vec![address("h", "1", "sso")],
            ),
            ("SELECT 'dbname=sso'", vec![]),
            ("SELECT dblink('c', 'SELECT ''dbname''')", vec![]),
        ] {
            assert_eq!(dblinks(text), expected, "{text}");
        }
    }

    #[test]
    fn places_are_compared_by_database_port_and_host() {
        let at = |database: &str, address: &str| Inventory {
            server: Server {
                database: database.to_owned(),
                address: Some(address.to_owned()),
                ..Server::default()
            },
            ..Inventory::default()
        };
        let from = at("shop", "10.0.0.1:5432");
        for (host, port, database, to, leads) in [
            ("10.0.0.2", "", "sso", "10.0.0.2:5432", true),
            ("10.0.0.3", "", "sso", "10.0.0.2:5432", false),
            ("10.0.0.2", "5433", "sso", "10.0.0.2:5432", false),
            ("db.internal", "5432", "sso", "10.0.0.2:5432", true),
            ("", "", "sso", "10.0.0.1:5432", true),
            ("localhost", "5432", "sso", "/run/postgresql:5432", true),
            ("/run/a", "", "sso", "/run/b:5432", false),
            ("/run/a", "", "sso", "port 5432", true),
            ("10.0.0.2", "", "other", "10.0.0.2:5432", false),
            ("10.0.0.2", "", "", "10.0.0.2:5432", false),
        ] {
            let found = leads_to(&from, &address(host, port, database), &at("sso", to));
            assert_eq!(found, leads, "{host}:{port}/{database} {to}");
        }
    }
}
