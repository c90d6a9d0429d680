//! Settings of a database, and of roles in it.

use serde::{Deserialize, Serialize};

use crate::quote_literal;
use crate::search_path::split_names;

/// One parameter that `ALTER DATABASE … SET` or `ALTER ROLE … IN DATABASE … SET` has set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setting {
    /// `None` for whoever connects to the database.
    pub role: Option<String>,
    /// The parameter's name, as the server has it.
    pub name: String,
    /// As `pg_db_role_setting` has it.
    pub value: String,
}

impl Setting {
    /// The parameter whose value names schemas, which can get new names.
    pub const SEARCH_PATH: &'static str = "search_path";

    /// The parameter whose value is a role.
    pub const ROLE: &'static str = "role";

    /// Parameters whose value is a list of names (`GUC_LIST_QUOTE`, `variable_is_guc_list_quote` of `pg_dump`).
    const LISTS: [&'static str; 6] = [
        Setting::SEARCH_PATH,
        "local_preload_libraries",
        "session_preload_libraries",
        "shared_preload_libraries",
        "temp_tablespaces",
        "unix_socket_directories",
    ];

    /// The value as SQL, as it stands behind `SET name TO`.
    pub fn value_as_sql(&self) -> String {
        let quoted = |it: &str| quote_literal(it).trim_start().to_owned();
        if !Setting::LISTS.contains(&self.name.as_str()) {
            return quoted(&self.value);
        }
        let names: Vec<String> = split_names(&self.value).iter().map(|it| quoted(it)).collect();
        if names.is_empty() {
            quoted("")
        } else {
            names.join(", ")
        }
    }
}

/// `search_path of role app`, `work_mem`.
impl std::fmt::Display for Setting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)?;
        match &self.role {
            Some(role) => write!(f, " of role {role}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_as_pg_dump_writes_them() {
        for (name, value, expected) in [
            ("work_mem", "8MB", "'8MB'"),
            ("app.motto", "it's, \"so\"", "'it''s, \"so\"'"),
            (
                "search_path",
                "\"$user\", \"Odd name\", public",
                "'$user', 'Odd name', 'public'",
            ),
            ("search_path", "\"\"", "''"),
        ] {
            let setting = Setting {
                role: None,
                name: name.to_owned(),
                value: value.to_owned(),
            };
            assert_eq!(setting.value_as_sql(), expected, "{name}");
        }
    }
}
