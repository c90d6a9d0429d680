//! Who may do what, who is connected, what is asked, and which settings change the meaning of text.

use inventory::{Inventory, Scope};
use maud::{Markup, html};

use super::grid::{Cell, Grid, Head};

pub(super) fn body(sources: &[&Inventory]) -> Markup {
    let is_told = |it: &&&Inventory| it.is_postgres() && !it.server.archive;
    let unasked: Vec<&str> = sources
        .iter()
        .filter(is_told)
        .filter(|it| it.statements.is_none())
        .map(|it| it.name.as_str())
        .collect();
    html! {
        (roles(sources))
        (grants(sources))
        (policies(sources))
        (connections(sources))
        (statements(sources))
        @if !unasked.is_empty() {
            p.quiet { "No statements are known of " (unasked.join(", ")) ": pg_stat_statements is not there or may not be read." }
        }
        (settings(sources))
        (replication(sources))
    }
}

fn roles(sources: &[&Inventory]) -> Markup {
    let heads = [
        Head::Text("Role"),
        Head::Text("Source"),
        Head::Text("May"),
        Head::Text("Member of"),
        Head::Number("Owns"),
        Head::Number("Grants"),
        Head::Text("Connection limit"),
    ];
    let mut grid = Grid::new("roles", "Roles", heads);
    for source in sources {
        for role in &source.roles {
            let may = [
                ("superuser", role.superuser),
                ("login", role.login),
                ("bypass row security", role.bypass_row_security),
            ];
            let may: Vec<&str> = may.iter().filter(|(_, is)| *is).map(|(word, _)| *word).collect();
            grid.row([
                Cell::text(&role.name),
                Cell::text(&source.name),
                Cell::text(may.join(", ")),
                Cell::text(role.member_of.join(", ")),
                Cell::count(role.owned),
                Cell::count(role.granted),
                Cell::known(role.connection_limit.map(u64::from)),
            ]);
        }
    }
    grid.render()
}

/// Every object that somebody has been granted something on, with its grants as `aclitem` writes them.
fn grants(sources: &[&Inventory]) -> Markup {
    let heads = [
        Head::Text("Object"),
        Head::Text("Kind"),
        Head::Text("Source"),
        Head::Text("Owner"),
        Head::Text("Grants"),
    ];
    let mut grid = Grid::new("grants", "Grants", heads);
    for source in sources {
        let schemas = source
            .schemas
            .iter()
            .map(|it| (it.name.clone(), "schema", &it.owner, &it.grants));
        let tables = source
            .tables
            .iter()
            .map(|it| (it.label(), "table", &it.owner, &it.grants));
        let views = source.views.iter().map(|it| {
            (
                format!("{}.{}", it.schema, it.name),
                "view",
                &it.owner,
                &it.grants,
            )
        });
        for (name, kind, owner, grants) in schemas.chain(tables).chain(views) {
            if !grants.is_empty() {
                grid.row([
                    Cell::text(name),
                    Cell::text(kind),
                    Cell::text(&source.name),
                    Cell::text(owner),
                    Cell::text(grants.join(", ")),
                ]);
            }
        }
    }
    grid.render()
}

fn policies(sources: &[&Inventory]) -> Markup {
    let heads = [
        Head::Text("Policy"),
        Head::Text("Table"),
        Head::Text("Source"),
        Head::Text("Command"),
        Head::Text("Roles"),
        Head::Text("Kind"),
        Head::Text("Row security"),
    ];
    let mut grid = Grid::new("policies", "Policies", heads);
    for source in sources {
        for table in &source.tables {
            for policy in &table.policies {
                let enabled = match (table.row_security, table.row_security_forced) {
                    (false, _) => "off",
                    (true, false) => "on",
                    (true, true) => "on, also for the owner",
                };
                grid.row([
                    Cell::text(&policy.name),
                    Cell::text(table.label()),
                    Cell::text(&source.name),
                    Cell::text(&policy.command),
                    Cell::text(policy.roles.join(", ")),
                    Cell::text(if policy.permissive {
                        "permissive"
                    } else {
                        "restrictive"
                    }),
                    Cell::text(enabled),
                ]);
            }
        }
    }
    grid.render()
}

fn connections(sources: &[&Inventory]) -> Markup {
    let heads = [
        Head::Text("Application"),
        Head::Text("Source"),
        Head::Text("Role"),
        Head::Text("Client"),
        Head::Number("Connections"),
        Head::Number("Active"),
    ];
    let mut grid = Grid::new("connections", "Connections", heads);
    for source in sources {
        for it in &source.connections {
            let application = if it.application.is_empty() {
                "(no name)"
            } else {
                &it.application
            };
            grid.row([
                Cell::text(application),
                Cell::text(&source.name),
                Cell::text(&it.role),
                Cell::text(it.client.as_deref().unwrap_or("a local socket")),
                Cell::count(it.count),
                Cell::count(it.active),
            ]);
        }
    }
    grid.render()
}

fn statements(sources: &[&Inventory]) -> Markup {
    let heads = [
        Head::Text("Statement"),
        Head::Text("Source"),
        Head::Number("Calls"),
        Head::Number("Time"),
        Head::Number("Rows"),
    ];
    let mut grid = Grid::new("statements", "Heaviest statements", heads);
    for source in sources {
        for it in source.statements.iter().flatten() {
            let time = std::time::Duration::from_millis(it.total_milliseconds);
            grid.row([
                Cell::Code(it.text.clone()),
                Cell::text(&source.name),
                Cell::count(it.calls),
                Cell::Number(it.total_milliseconds, cli::duration(time)),
                Cell::count(it.rows),
            ]);
        }
    }
    grid.render()
}

fn settings(sources: &[&Inventory]) -> Markup {
    let heads = [
        Head::Text("Setting"),
        Head::Text("Source"),
        Head::Text("Value"),
        Head::Text("Set for"),
    ];
    let mut grid = Grid::new("settings", "Settings", heads);
    for source in sources {
        for it in &source.settings {
            let role = it.role.as_deref().unwrap_or_default();
            let scope = match it.scope {
                Scope::Server => "the server".to_owned(),
                Scope::Database => "the database".to_owned(),
                Scope::Role => format!("role {role}"),
                Scope::RoleInDatabase => format!("role {role} in the database"),
            };
            grid.row([
                Cell::text(&it.name),
                Cell::text(&source.name),
                Cell::text(&it.value),
                Cell::text(scope),
            ]);
        }
    }
    grid.render()
}

/// What other servers have to do with a source; none of it moves by itself.
fn replication(sources: &[&Inventory]) -> Markup {
    let heads = [
        Head::Text("Name"),
        Head::Text("Kind"),
        Head::Text("Source"),
        Head::Text("State"),
        Head::Text("Of"),
    ];
    let mut grid = Grid::new("replication", "Replication and foreign servers", heads);
    for source in sources {
        let publications = source.publications.iter().map(|it| {
            let of = if it.all_tables {
                "all tables".to_owned()
            } else {
                it.tables.join(", ")
            };
            (it.name.clone(), "publication", "", of)
        });
        let subscriptions = source.subscriptions.iter().map(|it| {
            let state = if it.enabled { "enabled" } else { "disabled" };
            (it.name.clone(), "subscription", state, it.publications.join(", "))
        });
        let slots = source.slots.iter().map(|it| {
            let state = if it.active { "in use" } else { "not in use" };
            (
                it.name.clone(),
                "slot",
                state,
                it.plugin.clone().unwrap_or_default(),
            )
        });
        let servers = source.foreign_servers.iter().map(|it| {
            let parts = [&it.host, &it.port, &it.database];
            let parts: Vec<&str> = parts.iter().filter_map(|it| it.as_deref()).collect();
            (
                it.name.clone(),
                "foreign server",
                "",
                format!("{} {}", it.wrapper, parts.join(" ")),
            )
        });
        for (name, kind, state, of) in publications.chain(subscriptions).chain(slots).chain(servers) {
            grid.row([
                Cell::text(name),
                Cell::text(kind),
                Cell::text(&source.name),
                Cell::text(state),
                Cell::text(of),
            ]);
        }
    }
    grid.render()
}
