//! Servers, and settings that change what text or SQL means.

use cli::count;
use inventory::{Engine, Inventory, Scope, Setting};

use crate::report::Report;
use crate::report::section::Section;
use crate::sources::Source;

pub(super) fn servers(report: &Report<'_>) -> Option<Section> {
    let mut lines: Vec<String> = report
        .sources
        .iter()
        .map(|it| format!("{}: {}", it.name(), described(&it.inventory)))
        .collect();
    lines.extend(report.targets.iter().map(|it| {
        let (name, endpoint, identity) = (&it.name, &it.endpoint, &it.identity);
        format!(
            "{name}: {endpoint}, encoding {}, collation {}",
            identity.encoding, identity.collation
        )
    }));
    Section::lines("Servers", lines)
}

fn described(inventory: &Inventory) -> String {
    let (it, endpoint) = (&inventory.server, &inventory.endpoint);
    let mut words = match (it.archive, it.engine) {
        (true, _) => vec![format!("archive {endpoint}")],
        (false, Engine::Sqlite) => vec![format!("file {endpoint}")],
        (false, Engine::Postgres) => vec![endpoint.clone()],
    };
    if it.engine == Engine::Sqlite {
        return words.remove(0);
    }
    words.push(format!("encoding {}, collation {}", it.encoding, it.collation));
    let has_other = it.collation.version != it.collation.actual_version;
    if let (true, Some(actual)) = (
        has_other && it.collation.version.is_some(),
        &it.collation.actual_version,
    ) {
        words.push(format!("the system's collations are now {actual}"));
    }
    if !it.time_zone.is_empty() {
        words.push(format!("time zone {}", it.time_zone));
    }
    if it.in_recovery {
        words.push("a standby".to_owned());
    }
    if it.max_connections > 0 {
        words.push(format!(
            "{} of {} connections",
            count(it.server_connections.into()),
            count(it.max_connections.into())
        ));
    }
    words.join(", ")
}

/// Those of databases and roles; of the server all of them with `--verbose`.
pub(super) fn settings(sources: &[Source], is_verbose: bool) -> Option<Section> {
    let mut rows = Vec::new();
    for source in sources {
        let settings = source.inventory.settings.iter();
        for it in settings.filter(|it| is_verbose || it.scope != Scope::Server) {
            rows.push(vec![
                source.name().to_owned(),
                scope(it),
                it.name.clone(),
                it.value.clone(),
            ]);
        }
    }
    Section::rows(
        "Settings",
        &["SOURCE", "OF", "SETTING", "VALUE"],
        rows,
        usize::MAX,
    )
}

fn scope(it: &Setting) -> String {
    let role = it.role.as_deref().unwrap_or_default();
    match it.scope {
        Scope::Server => "the server".to_owned(),
        Scope::Database => "the database".to_owned(),
        Scope::Role => format!("role {role}"),
        Scope::RoleInDatabase => format!("role {role} in it"),
    }
}
