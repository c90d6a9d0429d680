//! Tables in which a framework keeps what it has done to a schema. They say what is true of the database in which they
//! stand, so rows of another database's would be a lie there.

/// By the names that their makers give them, in whatever schema.
const TABLES: [&str; 15] = [
    "__EFMigrationsHistory",
    "_prisma_migrations",
    "__drizzle_migrations",
    "alembic_version",
    "schema_migrations",
    "ar_internal_metadata",
    "flyway_schema_history",
    "django_migrations",
    "databasechangelog",
    "databasechangeloglock",
    "knex_migrations",
    "knex_migrations_lock",
    "SequelizeMeta",
    "_sqlx_migrations",
    "goose_db_version",
];

/// Whether a table of this name is a history of migrations.
pub(crate) fn is_history(name: &str) -> bool {
    TABLES.contains(&name)
}
