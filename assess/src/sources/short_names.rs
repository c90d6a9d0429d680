//! Databases without their servers in messages, where no other source is called so.

use std::collections::HashMap;

use cli::Ui;

use super::Source;

/// Says which sources are one database or file: their rows would stand on the target twice.
pub(super) fn say_repeated(sources: &[Source], ui: &Ui) {
    for (at, source) in sources.iter().enumerate() {
        let endpoint = &source.inventory.endpoint;
        let before = sources[..at]
            .iter()
            .filter(|it| it.inventory.endpoint == *endpoint);
        if before.count() == 1 {
            ui.warning(format_args!(
                "{endpoint} is named more than once: the target would have its rows as often"
            ));
        }
    }
}

/// `pagila on db.example.com` becomes `pagila`; a report names its server once. Files of one name get their paths.
pub(super) fn give(sources: &mut [Source]) {
    let mut uses: HashMap<String, usize> = HashMap::new();
    for source in sources.iter() {
        *uses.entry(short(source)).or_default() += 1;
    }
    for source in sources {
        let short = short(source);
        if uses[&short] == 1 {
            source.inventory.name = short;
        } else if source.file.is_some() {
            source.inventory.name.clone_from(&source.inventory.endpoint);
        }
    }
}

fn short(source: &Source) -> String {
    let it = &source.inventory;
    if it.is_postgres() && !it.server.archive {
        it.server.database.clone()
    } else {
        it.name.clone()
    }
}

#[cfg(test)]
mod tests {
    use catalog::Catalog;
    use inventory::{Engine, Inventory, Server};

    use super::*;
    use crate::sources::SqliteFile;

    fn source(name: &str, database: &str, endpoint: &str, engine: Engine) -> Source {
        let is_file = engine == Engine::Sqlite;
        let server = Server {
            engine,
            database: database.to_owned(),
            ..Server::default()
        };
        Source {
            inventory: Inventory {
                name: name.to_owned(),
                endpoint: endpoint.to_owned(),
                server,
                ..Inventory::default()
            },
            catalog: Catalog::default(),
            file: is_file.then(SqliteFile::default),
            large_objects: Vec::new(),
            notes: Vec::new(),
        }
    }

    #[test]
    fn no_two_sources_get_one_name() {
        let (server, file) = (Engine::Postgres, Engine::Sqlite);
        let mut sources = [
            source("app on a", "app", "host=a dbname=app", server),
            source("app on b", "app", "host=b dbname=app", server),
            source("crm on b", "crm", "host=b dbname=crm", server),
            source("shop.db", "shop.db", "old/shop.db", file),
            source("shop.db", "shop.db", "new/shop.db", file),
        ];
        give(&mut sources);
        let names: Vec<&str> = sources.iter().map(Source::name).collect();
        assert_eq!(
            names,
            ["app on a", "app on b", "crm", "old/shop.db", "new/shop.db"]
        );
    }
}
