//! What a plan makes of single columns, put into a source's catalog, or the reason why it cannot be done.

use catalog::{
    AddedColumn, Catalog, ColumnChanges, Definition, DefinitionKind, ObjectKind, RetypedColumn, Table,
    TableKind, Value, mentions, mentions_of_table, own_type, quote_ident, snake_case,
};

use crate::{PlannedSource, PlannedTable};

impl PlannedSource {
    /// Whether columns are dropped, added, or get another type.
    pub fn changes_columns(&self) -> bool {
        self.tables.values().any(PlannedTable::changes_shapes)
    }

    /// Puts [`Table::changes`] into the source's catalog, whose names are still its own; everything that stands in the way as
    /// sentences. Where the catalog has no definitions nothing is known of what mentions a column.
    pub fn change_columns(&self, catalog: &mut Catalog) -> Result<(), Vec<String>> {
        let mut obstacles = Vec::new();
        for (name, said) in self.tables.iter().filter(|(_, it)| it.changes_shapes()) {
            let found = catalog
                .tables
                .iter()
                .position(|it| it.is_own() && it.schema == name.schema && it.name == name.name);
            let Some(place) = found else {
                obstacles.push(format!("source `{}` has no table {name}", self.name));
                continue;
            };
            let table = &catalog.tables[place];
            obstacles.extend(shape_obstacle(table, catalog));
            let mut changes = ColumnChanges::default();
            obstacles.extend(self.take(said, table, &mut changes));
            obstacles.extend(dependents(table, &changes, catalog));
            catalog.tables[place].changes = Some(changes);
        }
        if obstacles.is_empty() {
            Ok(())
        } else {
            Err(obstacles)
        }
    }

    fn take(&self, said: &PlannedTable, table: &Table, changes: &mut ColumnChanges) -> Vec<String> {
        let mut obstacles = Vec::new();
        let label = |column: &str| format!("column {} of {}", quote_ident(column), table.qualified_name());
        for (name, planned) in said
            .columns
            .iter()
            .filter(|(_, it)| it.drop || it.target.is_some())
        {
            let Some(column) = table.columns.iter().find(|it| it.name == *name) else {
                obstacles.push(format!("there is no {}", label(name)));
                continue;
            };
            if column.generated.is_some() {
                obstacles.push(format!(
                    "{} is calculated: only stored ones can be changed",
                    label(name)
                ));
            }
            if planned.drop {
                changes.dropped.push(name.clone());
                continue;
            }
            if column.identity.is_some() {
                obstacles.push(format!(
                    "{} is an identity column, whose type its sequence has too",
                    label(name)
                ));
            }
            match planned.target.as_deref().map(own_type) {
                Some(Ok(target)) => changes.retyped.push(RetypedColumn {
                    column: name.clone(),
                    target,
                    using: planned.using.clone(),
                }),
                Some(Err(reason)) => obstacles.push(format!("{}: {reason}", label(name))),
                None => {}
            }
        }
        for (name, planned) in &said.add {
            if table
                .columns
                .iter()
                .any(|it| it.name == *name || it.target_name() == name)
            {
                obstacles.push(format!("there is a {} already", label(name)));
            }
            if self.mapping.snake_case && snake_case(name) != *name {
                obstacles.push(format!(
                    "{} is added, and with snake_case it would have to be {}",
                    label(name),
                    quote_ident(&snake_case(name))
                ));
            }
            match own_type(&planned.target) {
                Ok(target) => changes.added.push(AddedColumn {
                    name: name.clone(),
                    target,
                    value: planned.value.clone(),
                }),
                Err(reason) => obstacles.push(format!("{}: {reason}", label(name))),
            }
        }
        if !table.columns.is_empty() && changes.dropped.len() == table.columns.len() {
            obstacles.push(format!(
                "all columns of {} are dropped: leave the table out",
                table.qualified_name()
            ));
        }
        obstacles
    }
}

impl PlannedTable {
    /// Whether columns are dropped, added, or get another type.
    pub fn changes_shapes(&self) -> bool {
        !self.add.is_empty() || self.columns.values().any(|it| it.drop || it.target.is_some())
    }
}

/// Why the columns of a table stay as they are, whatever is said of them.
fn shape_obstacle(table: &Table, catalog: &Catalog) -> Option<String> {
    let name = table.qualified_name();
    let is_parent = |it: &Table| it.inherits.contains(&name) || it.partition_of.as_ref() == Some(&name);
    let reason = if table.changes.is_some() {
        "the archive says of its columns already what becomes of them"
    } else if table.kind != TableKind::Ordinary {
        "it is no ordinary table"
    } else if table.partition_of.is_some()
        || !table.inherits.is_empty()
        || catalog.tables.iter().any(is_parent)
    {
        "it has partitions, heirs or parents"
    } else {
        return None;
    };
    Some(format!(
        "columns of {name} cannot be dropped, added or get another type: {reason}"
    ))
}

/// What mentions columns that are to change, and would stop PostgreSQL, or be gone with them.
fn dependents(table: &Table, changes: &ColumnChanges, catalog: &Catalog) -> Vec<String> {
    let mut found = Vec::new();
    let name = table.qualified_name();
    let retyped = changes.retyped.iter().map(|it| (it.column.as_str(), false));
    let dropped = changes.dropped.iter().map(|it| (it.as_str(), true));
    for (column, is_dropped) in dropped.chain(retyped) {
        let becomes = if is_dropped {
            "dropped"
        } else {
            "given another type"
        };
        let mut say = |what: String| {
            found.push(format!(
                "column {} of {name} cannot be {becomes}: {what}",
                quote_ident(column)
            ));
        };
        for definition in catalog
            .definitions
            .iter()
            .filter(|it| stops(it, table, is_dropped))
        {
            if definition
                .properties
                .iter()
                .any(|it| speaks_of(definition, &it.value, table, column))
            {
                let kind = definition.kind;
                let object = quote_ident(&definition.name);
                say(match &definition.table {
                    Some(owner) => format!("{kind} {object} on {} mentions it", quote_ident(owner)),
                    None => format!("{kind} {}.{object} mentions it", quote_ident(&definition.schema)),
                });
            }
        }
        let owns = |it: &&catalog::Sequence| {
            let owner = it.owned_by.as_ref();
            owner.is_some_and(|it| it.table == name && it.column == column)
        };
        if let Some(sequence) = catalog.sequences.iter().find(owns).filter(|_| is_dropped) {
            say(format!(
                "sequence {}.{} belongs to it",
                quote_ident(&sequence.schema),
                quote_ident(&sequence.name)
            ));
        }
    }
    found
}

/// Whether an object of that kind stands in the way, where it mentions the column.
fn stops(definition: &Definition, table: &Table, is_dropped: bool) -> bool {
    let is_of_table = definition.schema == table.schema && definition.table.as_ref() == Some(&table.name);
    match definition.kind {
        // A generated one.
        DefinitionKind::Column => {
            is_of_table && definition.properties.iter().any(|it| it.name == "expression")
        }
        DefinitionKind::Object(kind) => match kind {
            ObjectKind::View | ObjectKind::MaterializedView | ObjectKind::Rule => true,
            ObjectKind::Policy | ObjectKind::Trigger => is_of_table,
            // PostgreSQL would drop them with the column, without a word.
            ObjectKind::Index => is_of_table && is_dropped,
            ObjectKind::Constraint | ObjectKind::Statistics => is_dropped,
            _ => false,
        },
        _ => false,
    }
}

fn speaks_of(definition: &Definition, value: &Value, table: &Table, column: &str) -> bool {
    let (Value::Statement(sql) | Value::Written(sql) | Value::Plain(sql)) = value;
    let is_of_table = definition.schema == table.schema && definition.table.as_ref() == Some(&table.name);
    match definition.kind {
        DefinitionKind::Object(ObjectKind::Constraint) if sql.contains(" NOT NULL ") => false,
        DefinitionKind::Object(ObjectKind::Constraint) if is_of_table => mentions(sql, column),
        // A foreign key of another table.
        DefinitionKind::Object(ObjectKind::Constraint) => sql
            .split_once(" REFERENCES ")
            .is_some_and(|(_, it)| mentions_of_table(it, &table.name, column)),
        _ if is_of_table => mentions(sql, column),
        _ => mentions_of_table(sql, &table.name, column),
    }
}
