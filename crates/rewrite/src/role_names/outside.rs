//! Roles that stand in no statement: in rows and in settings of a database.

use catalog::{Catalog, ColumnType, RoleNames, Setting};

use crate::outcome::Doubt;

/// Columns whose values are roles: rows pass as they are, and PostgreSQL looks the old names up.
pub fn roles_in_rows(catalog: &Catalog) -> Vec<Doubt> {
    let columns = catalog
        .tables
        .iter()
        .flat_map(|table| table.columns.iter().map(move |it| (table, it)));
    let holds_roles = |of: &ColumnType| {
        of.schema == ColumnType::BUILT_IN_SCHEMA
            && matches!(of.name.trim_start_matches('_'), "regrole" | "aclitem")
    };
    columns
        .filter(|(_, column)| holds_roles(&column.column_type))
        .map(|(table, column)| Doubt {
            object: format!("table {}", table.qualified_name()),
            line: 1,
            body_line: None,
            reason: format!("values of column {} are roles, and stay as they are", column.name),
        })
        .collect()
}

/// Settings that go with a role that becomes none.
pub fn roles_in_settings(catalog: &Catalog, names: &RoleNames) -> Vec<Doubt> {
    let is_of_none = |it: &&Setting| it.name == Setting::ROLE && names.of(&it.value).is_none();
    let settings = catalog.settings.iter().filter(is_of_none);
    settings
        .map(|it| Doubt {
            object: format!("setting {it}"),
            line: 1,
            body_line: None,
            reason: format!("it is left out, since role {} becomes none", it.value),
        })
        .collect()
}
