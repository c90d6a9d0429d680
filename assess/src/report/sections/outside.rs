//! What leads out of a database, and what hides rows in it.

use cli::count;

use crate::report::section::Section;
use crate::sources::Source;

pub(super) fn row_security(sources: &[Source]) -> Option<Section> {
    let mut lines = Vec::new();
    for source in sources {
        let secured = source.inventory.tables.iter().filter(|it| it.row_security);
        let (mut tables, mut policies, mut forced) = (0_u64, 0_usize, 0_u64);
        for it in secured {
            tables += 1;
            policies += it.policies.len();
            forced += u64::from(it.row_security_forced);
        }
        if tables > 0 {
            lines.push(format!(
                "{}: on {} tables with {} policies, forced on {}",
                source.name(),
                count(tables),
                count(policies as u64),
                count(forced)
            ));
        }
    }
    Section::lines("Row security", lines)
}

pub(super) fn replication(sources: &[Source]) -> Option<Section> {
    let mut lines = Vec::new();
    for source in sources {
        let it = &source.inventory;
        let name = source.name();
        for publication in &it.publications {
            let what = if publication.all_tables {
                "all tables".to_owned()
            } else {
                format!("{} tables", count(publication.tables.len() as u64))
            };
            lines.push(format!("{name}: publication {} of {what}", publication.name));
        }
        for subscription in &it.subscriptions {
            let state = if subscription.enabled { "" } else { ", disabled" };
            let publications = subscription.publications.join(", ");
            lines.push(format!(
                "{name}: subscription {} to {publications}{state}",
                subscription.name
            ));
        }
        for slot in &it.slots {
            let state = if slot.active {
                "active"
            } else {
                "inactive, it keeps WAL"
            };
            let plugin = slot.plugin.as_deref().unwrap_or("physical");
            lines.push(format!("{name}: slot {} ({plugin}), {state}", slot.name));
        }
    }
    Section::lines("Replication", lines)
}

pub(super) fn foreign_servers(sources: &[Source], shown: usize) -> Option<Section> {
    let mut rows = Vec::new();
    for source in sources {
        for it in &source.inventory.foreign_servers {
            let word = |it: &Option<String>| it.clone().unwrap_or_default();
            rows.push(vec![
                source.name().to_owned(),
                it.name.clone(),
                it.wrapper.clone(),
                word(&it.host),
                word(&it.port),
                word(&it.database),
                count(it.tables),
            ]);
        }
    }
    let heads = ["SOURCE", "SERVER", "BY", "HOST", "PORT", "DATABASE", ">TABLES"];
    Section::rows("Foreign servers", &heads, rows, shown)
}
