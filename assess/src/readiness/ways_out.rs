//! What people can run to get what stands in the way out of it. Nothing here reaches a server.

use catalog::{QualifiedName, quote_ident};

pub(super) fn validate(table: &str, constraint: &str) -> String {
    format!(
        "ALTER TABLE {table} VALIDATE CONSTRAINT {}",
        quote_ident(constraint)
    )
}

pub(super) fn enter_schema(schema: &str, role: &str) -> String {
    let (schema, role) = (quote_ident(schema), quote_ident(role));
    format!("GRANT USAGE ON SCHEMA {schema} TO {role}, or GRANT pg_read_all_data TO {role}")
}

pub(super) fn read_schema(schema: &str, role: &str, has_table: bool, has_sequence: bool) -> String {
    let (schema, role) = (quote_ident(schema), quote_ident(role));
    let kinds = [(has_table, "TABLES"), (has_sequence, "SEQUENCES")];
    let grants: Vec<String> = kinds
        .iter()
        .filter(|(has, _)| *has)
        .map(|(_, kind)| format!("GRANT SELECT ON ALL {kind} IN SCHEMA {schema} TO {role}"))
        .collect();
    format!("{}, or GRANT pg_read_all_data TO {role}", grants.join("; "))
}

pub(super) fn pass_row_security(role: &str) -> String {
    format!(
        "ALTER ROLE {} BYPASSRLS, or read as the tables' owner",
        quote_ident(role)
    )
}

pub(super) fn create_in_database(database: &str, role: &str) -> String {
    format!(
        "its owner runs GRANT CREATE ON DATABASE {} TO {}",
        quote_ident(database),
        quote_ident(role)
    )
}

pub(super) fn create_extension(name: &str, schema: &str) -> String {
    format!(
        "an administrator runs CREATE EXTENSION {} SCHEMA {}",
        quote_ident(name),
        quote_ident(schema)
    )
}

pub(super) fn move_extension(name: &str, schema: &str) -> String {
    format!(
        "ALTER EXTENSION {} SET SCHEMA {}",
        quote_ident(name),
        quote_ident(schema)
    )
}

pub(super) fn update_extension(name: &str) -> String {
    format!("ALTER EXTENSION {} UPDATE on the target", quote_ident(name))
}

pub(super) fn rebuild(index: &QualifiedName) -> String {
    format!("REINDEX INDEX {index}")
}
