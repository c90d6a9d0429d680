//! Words of a text that could be names of roles.

use catalog::RoleNames;

/// What says that a text asks for roles. What only looks so makes a doubt too many.
pub(super) const ABOUT_ROLES: &[&str] = &[
    "aclexplode",
    "acldefault",
    "alter",
    "applicable_roles",
    "authorization",
    "current_role",
    "current_user",
    "enabled_roles",
    "getpgusername",
    "grant",
    "grantee",
    "grantor",
    "has_any_column_privilege",
    "has_column_privilege",
    "has_database_privilege",
    "has_foreign_data_wrapper_privilege",
    "has_function_privilege",
    "has_language_privilege",
    "has_parameter_privilege",
    "has_schema_privilege",
    "has_sequence_privilege",
    "has_server_privilege",
    "has_table_privilege",
    "has_tablespace_privilege",
    "has_type_privilege",
    "makeaclitem",
    "name",
    "owner",
    "pg_auth_members",
    "pg_authid",
    "pg_get_userbyid",
    "pg_has_role",
    "pg_roles",
    "pg_stat_activity",
    "pg_user",
    "regrole",
    "revoke",
    "role",
    "rolname",
    "session_user",
    "system_user",
    "to_regrole",
    "usename",
    "user",
];

pub(super) fn is_about_roles(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    words(&lower).any(|(_, word)| ABOUT_ROLES.contains(&word))
}

/// The first word of `text` that is the name of a role with another name, with its offset. A name that is no word is
/// found as it stands.
pub(super) fn mention(text: &str, names: &RoleNames) -> Option<(usize, String)> {
    let is_word = |it: &str| it.chars().all(is_of_name);
    let mut found = words(text).find_map(|(at, word)| {
        let folded = word.to_ascii_lowercase();
        let name = [word, folded.as_str()].into_iter().find(|it| names.changes(it))?;
        Some((at, name.to_owned()))
    });
    for (old, _) in names.iter().filter(|(old, _)| !is_word(old)) {
        let at = text
            .find(old)
            .or_else(|| text.find(&old.replace('"', "\"\"")))
            .or_else(|| text.find(&old.replace('\'', "''")));
        if let Some(at) = at {
            found = found.or_else(|| Some((at, old.to_owned())));
        }
    }
    found
}

fn is_of_name(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '_' | '$')
}

fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + text[at..].find(is_of_name)?;
        let rest = &text[start..];
        let end = start + rest.find(|it| !is_of_name(it)).unwrap_or(rest.len());
        at = end;
        Some((start, &text[start..end]))
    })
}
