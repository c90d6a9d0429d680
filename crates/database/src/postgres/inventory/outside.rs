//! What leads out of the database, or stands beside its schemas: publications, subscriptions, slots, foreign servers and
//! large objects.

use ::inventory::{ForeignServer, Inventory, LargeObjects, Publication, Slot, Subscription};

use super::session::Session;
use super::{Census, unsigned};
use crate::Result;
use crate::postgres::large_objects::{check_large_objects_readable, large_object_oids};

/// `{schemas}` gives whole schemas, which PostgreSQL 15 and later publish.
const PUBLICATIONS: &str = "
SELECT p.pubname::pg_catalog.text AS name, p.puballtables AS all_tables, ARRAY(
         SELECT n.nspname || '.' || c.relname FROM pg_catalog.pg_publication_rel r
         JOIN pg_catalog.pg_class c ON c.oid = r.prrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
         WHERE r.prpubid = p.oid ORDER BY 1){schemas} AS tables
FROM pg_catalog.pg_publication p ORDER BY p.pubname COLLATE \"C\"";

const PUBLISHED_SCHEMAS: &str = " || ARRAY(
         SELECT n.nspname || '.*' FROM pg_catalog.pg_publication_namespace s
         JOIN pg_catalog.pg_namespace n ON n.oid = s.pnnspid WHERE s.pnpubid = p.oid ORDER BY 1)";

/// How it connects is for superusers to know, and not asked for.
const SUBSCRIPTIONS: &str = "
SELECT s.subname::pg_catalog.text AS name, s.subenabled AS enabled, s.subpublications AS publications
FROM pg_catalog.pg_subscription s
WHERE s.subdbid = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())
ORDER BY s.subname COLLATE \"C\"";

const SLOTS: &str = "
SELECT s.slot_name::pg_catalog.text AS name, s.plugin::pg_catalog.text AS plugin, s.active
FROM pg_catalog.pg_replication_slots s WHERE s.database = pg_catalog.current_database()
ORDER BY s.slot_name COLLATE \"C\"";

const FOREIGN_SERVERS: &str = "
SELECT s.srvname::pg_catalog.text AS name, w.fdwname::pg_catalog.text AS wrapper,
       pg_catalog.max(o.option_value) FILTER (WHERE o.option_name IN ('host', 'hostaddr', 'servername')) AS host,
       pg_catalog.max(o.option_value) FILTER (WHERE o.option_name = 'port') AS port,
       pg_catalog.max(o.option_value) FILTER (WHERE o.option_name IN ('dbname', 'database')) AS database,
       (SELECT pg_catalog.count(*) FROM pg_catalog.pg_foreign_table t WHERE t.ftserver = s.oid) AS tables
FROM pg_catalog.pg_foreign_server s JOIN pg_catalog.pg_foreign_data_wrapper w ON w.oid = s.srvfdw
LEFT JOIN LATERAL pg_catalog.pg_options_to_table(s.srvoptions) AS o ON true
GROUP BY s.oid, s.srvname, w.fdwname ORDER BY s.srvname COLLATE \"C\"";

pub(super) fn read(session: &mut Session<'_>, inventory: &mut Inventory) -> Result<()> {
    let schemas = if session.major >= 15 {
        PUBLISHED_SCHEMAS
    } else {
        ""
    };
    for row in session.ask(
        "the publications",
        &PUBLICATIONS.replace("{schemas}", schemas),
        &[],
    )? {
        inventory.publications.push(Publication {
            name: row.get("name"),
            all_tables: row.get("all_tables"),
            tables: row.get("tables"),
        });
    }
    for row in session.ask("the subscriptions", SUBSCRIPTIONS, &[])? {
        inventory.subscriptions.push(Subscription {
            name: row.get("name"),
            enabled: row.get("enabled"),
            publications: row.get("publications"),
        });
    }
    for row in session.ask("the replication slots", SLOTS, &[])? {
        inventory.slots.push(Slot {
            name: row.get("name"),
            plugin: row.get("plugin"),
            active: row.get("active"),
        });
    }
    for row in session.ask("the foreign servers", FOREIGN_SERVERS, &[])? {
        inventory.foreign_servers.push(ForeignServer {
            name: row.get("name"),
            wrapper: row.get("wrapper"),
            host: row.get("host"),
            port: row.get("port"),
            database: row.get("database"),
            tables: unsigned(row.get("tables")),
        });
    }
    Ok(())
}

pub(super) fn read_large_objects(session: &mut Session<'_>, census: &mut Census) -> Result<()> {
    let oids = session.guarded("the large objects", large_object_oids)?;
    census.large_objects = oids.unwrap_or_default();
    let found = &mut census.inventory.large_objects;
    *found = LargeObjects::of(&census.large_objects);
    if found.count == 0 {
        return Ok(());
    }
    let refused = session.guarded(
        "the rights on large objects",
        |client| match check_large_objects_readable(client, None, false) {
            Err(error) if error.kind() == crate::ErrorKind::Unsupported => Ok(Some(error)),
            other => other.map(|()| None),
        },
    )?;
    if let Some(error) = refused.flatten() {
        found.unreadable = Some(error.to_string());
        found.way_out = error.hint().map(str::to_owned);
    }
    Ok(())
}
