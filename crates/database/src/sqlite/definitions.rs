//! What the target's objects should be defined as, in the words in which they are read from a server. Where the server
//! writes what we wrote in its own way, the statement is [`Value::Written`].

use catalog::{Catalog, Definition, DefinitionKind, ObjectKind, Property, Value, quote_ident};

use super::ddl::{expression_index, is_not_null, list, name_of, plain_index, reference, search_index};
use super::default;
use super::expressions::Expressions;
use super::foreign_key::Deferral;
use super::keys::Keys;
use super::nocase::{self, CITEXT, COLLATION, Comparison, LOCALE};
use super::program_ddl::{function, trigger_on, view_of};
use super::programs::Programs;
use super::schema::{Schema, Table};
use super::target_type::TargetType;
use super::text_search::TextSearch;
use super::translate::{self, Identity, SCHEMA};

/// Everything of which a file's schema is made on the target.
pub(super) struct Made<'a> {
    pub(super) schema: &'a Schema,
    pub(super) keys: &'a Keys,
    pub(super) expressions: &'a Expressions,
    pub(super) identities: &'a [Option<Identity>],
    pub(super) programs: &'a Programs,
    pub(super) utf16: bool,
}

impl Made<'_> {
    /// The catalog of what is made, with its definitions.
    pub(super) fn catalog(&self) -> Catalog {
        let made = translate::catalog(
            self.schema,
            self.keys,
            self.expressions,
            self.identities,
            self.programs,
        );
        Catalog {
            definitions: self.definitions(),
            ..made
        }
    }

    /// Columns stand in the order in which their table has them.
    fn definitions(&self) -> Vec<Definition> {
        let mut all = vec![Definition {
            schema: String::new(),
            ..definition(DefinitionKind::Schema, SCHEMA, None, Vec::new())
        }];
        all.extend(self.what_comparisons_need());
        for (at, table) in self.schema.tables.iter().enumerate() {
            let kind = DefinitionKind::Object(ObjectKind::Table);
            all.push(definition(kind, &table.new_name, None, Vec::new()));
            all.extend((0..table.columns.len()).map(|place| self.column((table, at), place)));
            all.extend(table.searches.iter().filter_map(|it| search_column(table, it)));
            all.extend(self.identities[at].iter().map(|it| sequence(table, it)));
        }
        all.extend(self.constraints());
        all.extend(self.indexes());
        all.extend(self.programs());
        all
    }

    fn what_comparisons_need(&self) -> Vec<Definition> {
        let mut all = Vec::new();
        if nocase::uses(self.schema, self.keys, Comparison::Citext) {
            // Which version the target has is its own.
            all.push(definition(DefinitionKind::Extension, CITEXT, None, Vec::new()));
        }
        if nocase::uses(self.schema, self.keys, Comparison::Icu) {
            let properties = vec![
                plain("provider", "icu"),
                plain("locale", LOCALE),
                plain("deterministic", "no"),
            ];
            let kind = DefinitionKind::Object(ObjectKind::Collation);
            all.push(definition(kind, COLLATION, None, properties));
        }
        all
    }

    fn column(&self, (table, at): (&Table, usize), place: usize) -> Definition {
        let column = &table.columns[place];
        let alter = alter(table, &column.new_name);
        let type_sql = column.type_sql();
        let mut properties = vec![if type_sql.contains(['.', '"']) {
            statement("type", format!("{alter} TYPE {type_sql};"))
        } else {
            plain("type", &type_sql)
        }];
        if is_not_null(table, at, place, self.keys) {
            properties.push(plain("not null", "yes"));
        }
        let set = |name: &str, sql: &str| written(name, format!("{alter} SET DEFAULT {sql};"));
        if let Some(expression) = &column.expression {
            properties.push(plain("generated", "stored"));
            properties.push(set("expression", expression));
        } else if table.rowid_alias != Some(place)
            && column.generated.is_none()
            && let Ok(Some(default)) = default::translate(column, self.utf16)
        {
            properties.push(set("default", &default));
        }
        if self.identities[at].as_ref().is_some_and(|it| it.column == place) {
            properties.push(plain("identity", "by default"));
        }
        definition(
            DefinitionKind::Column,
            &column.new_name,
            Some(&table.new_name),
            properties,
        )
    }

    fn constraints(&self) -> Vec<Definition> {
        let mut all = Vec::new();
        let mut add =
            |table: &Table, name: &str, definition_sql: &str, rest: Vec<Property>, is_ours: bool| {
                let sql = format!(
                    "ALTER TABLE ONLY {} ADD CONSTRAINT {} {definition_sql};",
                    name_of(&table.new_name),
                    quote_ident(name)
                );
                let said = if is_ours {
                    written("definition", sql)
                } else {
                    statement("definition", sql)
                };
                let properties = std::iter::once(said).chain(rest).collect();
                let kind = DefinitionKind::Object(ObjectKind::Constraint);
                all.push(definition(kind, name, Some(&table.new_name), properties));
            };
        for key in &self.keys.uniques {
            let table = &self.schema.tables[key.table];
            let kind = if key.primary { "PRIMARY KEY" } else { "UNIQUE" };
            let sql = format!("{kind} ({})", list(table, &key.columns));
            add(table, &key.name, &sql, Vec::new(), false);
        }
        let not_validated = |valid: bool| (!valid).then(|| plain("validated", "no"));
        for check in &self.expressions.checks {
            let sql = format!("CHECK ({})", check.sql);
            let rest = not_validated(check.valid).into_iter().collect();
            add(&self.schema.tables[check.table], &check.name, &sql, rest, true);
        }
        for key in &self.keys.references {
            let when = match key.deferral {
                Deferral::NotDeferrable => None,
                Deferral::Deferrable => Some("initially immediate"),
                Deferral::InitiallyDeferred => Some("initially deferred"),
            };
            let rest = when
                .map(|it| plain("deferrable", it))
                .into_iter()
                .chain(not_validated(key.valid));
            let sql = reference(self.schema, key);
            add(
                &self.schema.tables[key.table],
                &key.name,
                &sql,
                rest.collect(),
                false,
            );
        }
        all
    }

    fn indexes(&self) -> Vec<Definition> {
        let tables = &self.schema.tables;
        let plain = self.keys.indexes.iter();
        let plain = plain.map(|it| (it.table, &it.name, plain_index(self.schema, it)));
        let calculated = self.expressions.indexes.iter();
        let calculated = calculated.map(|it| (it.table, &it.name, expression_index(self.schema, it)));
        let searches = tables.iter().enumerate().flat_map(|(at, table)| {
            let searches = table.searches.iter();
            searches.map(move |it| (at, &it.index, search_index(table, it)))
        });
        let all = plain.chain(calculated).chain(searches);
        let kind = DefinitionKind::Object(ObjectKind::Index);
        all.map(|(at, name, sql)| {
            definition(
                kind,
                name,
                Some(&tables[at].new_name),
                vec![written("definition", sql)],
            )
        })
        .collect()
    }

    fn programs(&self) -> Vec<Definition> {
        let mut all = Vec::new();
        for view in &self.programs.views {
            let kind = DefinitionKind::Object(ObjectKind::View);
            let said = written("definition", view_of(view));
            all.push(definition(kind, &view.name, None, vec![said]));
        }
        for trigger in &self.programs.triggers {
            let sql = function(trigger).replacen("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION", 1);
            let kind = DefinitionKind::Object(ObjectKind::Function);
            let said = statement("definition", sql.trim_end().to_owned());
            all.push(Definition {
                arguments: Some(String::new()),
                ..definition(kind, &trigger.name, None, vec![said])
            });
            let kind = DefinitionKind::Object(ObjectKind::Trigger);
            let said = written("definition", trigger_on(trigger).trim_end().to_owned());
            all.push(definition(
                kind,
                &trigger.name,
                Some(&trigger.relation),
                vec![said],
            ));
        }
        all
    }
}

/// The sequence of an identity column.
fn sequence(table: &Table, identity: &Identity) -> Definition {
    let column = &table.columns[identity.column];
    let maximum = match column.target {
        TargetType::SmallInt => i64::from(i16::MAX),
        TargetType::Integer => i64::from(i32::MAX),
        _ => i64::MAX,
    };
    let owner = format!("{}.{}", name_of(&table.new_name), quote_ident(&column.new_name));
    let ownership = format!("ALTER SEQUENCE {} OWNED BY {owner};", name_of(&identity.sequence));
    let properties = vec![
        plain("type", &column.target.to_sql()),
        plain("start", "1"),
        plain("increment", "1"),
        plain("minimum", "1"),
        plain("maximum", &maximum.to_string()),
        plain("cache", "1"),
        statement("owned by", ownership),
        plain("identity", "yes"),
    ];
    let kind = DefinitionKind::Object(ObjectKind::Sequence);
    definition(kind, &identity.sequence, None, properties)
}

/// The generated column that holds the words of others.
fn search_column(table: &Table, search: &TextSearch) -> Option<Definition> {
    let name = search.column.as_ref()?;
    let sql = format!("{} SET DEFAULT {};", alter(table, name), search.vector(table));
    let properties = vec![
        plain("type", "tsvector"),
        plain("generated", "stored"),
        written("expression", sql),
    ];
    Some(definition(
        DefinitionKind::Column,
        name,
        Some(&table.new_name),
        properties,
    ))
}

fn alter(table: &Table, column: &str) -> String {
    format!(
        "ALTER TABLE ONLY {} ALTER COLUMN {}",
        name_of(&table.new_name),
        quote_ident(column)
    )
}

fn definition(
    kind: DefinitionKind,
    name: &str,
    table: Option<&str>,
    properties: Vec<Property>,
) -> Definition {
    Definition {
        kind,
        schema: SCHEMA.to_owned(),
        name: name.to_owned(),
        table: table.map(str::to_owned),
        arguments: None,
        properties,
    }
}

fn plain(name: &str, value: &str) -> Property {
    property(name, Value::Plain(value.to_owned()))
}

fn statement(name: &str, sql: String) -> Property {
    property(name, Value::Statement(sql))
}

fn written(name: &str, sql: String) -> Property {
    property(name, Value::Written(sql))
}

fn property(name: &str, value: Value) -> Property {
    Property {
        name: name.to_owned(),
        value,
    }
}
