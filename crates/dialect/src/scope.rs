//! What the names in an expression mean.

/// The columns that an expression may name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    pub columns: Vec<ScopeColumn>,
    /// Whether the file keeps its texts in UTF-16.
    pub utf16: bool,
}

/// A column as SQLite names it, and as it is on the target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScopeColumn {
    /// The table's name or alias in SQLite.
    pub table: String,
    pub name: String,
    /// How the target's SQL names it, quoted.
    pub sql: String,
    pub value_type: ValueType,
    pub nullable: bool,
    pub collation: Collation,
    /// As SQLite has it from the declared type (<https://sqlite.org/datatype3.html>, section 3.1).
    pub affinity: Affinity,
    /// Whether PostgreSQL calculates it, so that no other generated column may use it.
    pub generated: bool,
}

/// SQLite's type affinity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Affinity {
    Integer,
    Real,
    Numeric,
    Text,
    /// Also called none.
    #[default]
    Blob,
}

/// How SQLite compares a column's text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Collation {
    #[default]
    Binary,
    NoCase,
    RTrim,
    /// One that an application defines.
    Other,
}

/// The values of an expression: what SQLite has, and the type that has them on the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueType {
    /// NULL alone.
    Null,
    /// INTEGER; `smallint`.
    SmallInt,
    /// INTEGER; `bigint`.
    Integer,
    /// The INTEGERs 0 and 1; `boolean`.
    Boolean,
    /// REAL; `double precision`.
    Real,
    /// INTEGER and REAL; of a column `numeric` with their shortest decimals, of an expression `double precision`.
    Numeric,
    /// TEXT; `text` or `character varying`.
    Text,
    /// BLOB; `bytea`.
    Blob,
    /// TEXT `YYYY-MM-DD`; `date`.
    Date,
    /// TEXT `HH:MM:SS`; `time without time zone`.
    Time,
    /// TEXT `YYYY-MM-DD HH:MM:SS`; `timestamp without time zone`.
    Timestamp,
    /// TEXT with an offset; `timestamp with time zone`.
    TimestampTz,
    /// TEXT with a document; `json`.
    Json,
    /// TEXT with a document; `jsonb`.
    Jsonb,
    /// TEXT in the form that PostgreSQL prints; `uuid`.
    Uuid,
    /// Values of several storage classes, or a type that is not told apart here.
    Other,
}

impl Scope {
    /// The column that SQLite finds: names are compared without regard to ASCII case.
    pub fn column(&self, table: Option<&str>, name: &str) -> Option<&ScopeColumn> {
        self.columns.iter().find(|column| {
            column.name.eq_ignore_ascii_case(name)
                && table.is_none_or(|table| column.table.eq_ignore_ascii_case(table))
        })
    }
}

impl Affinity {
    /// Of a declared type.
    pub fn of(declared: &str) -> Affinity {
        let declared = declared.to_ascii_uppercase();
        let has = |parts: &[&str]| parts.iter().any(|part| declared.contains(part));
        if has(&["INT"]) {
            Affinity::Integer
        } else if has(&["CHAR", "CLOB", "TEXT"]) {
            Affinity::Text
        } else if has(&["BLOB"]) || declared.is_empty() {
            Affinity::Blob
        } else if has(&["REAL", "FLOA", "DOUB"]) {
            Affinity::Real
        } else {
            Affinity::Numeric
        }
    }

    /// Whether numbers are preferred.
    pub(crate) fn is_numeric(self) -> bool {
        matches!(self, Affinity::Integer | Affinity::Real | Affinity::Numeric)
    }
}

impl Collation {
    /// The collation of that name; SQLite compares it without regard to ASCII case.
    pub fn of(name: &str) -> Collation {
        match name.to_ascii_uppercase().as_str() {
            "BINARY" | "" => Collation::Binary,
            "NOCASE" => Collation::NoCase,
            "RTRIM" => Collation::RTrim,
            _ => Collation::Other,
        }
    }
}
