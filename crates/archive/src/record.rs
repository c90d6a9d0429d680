//! What an archive says of one member, and the SHA-256 that binds it to the member's bytes.

use fingerprint::Form;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{Codec, Error, Result};

/// The record of one member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    pub name: String,
    pub kind: MemberKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<RowsRecord>,
    /// Bytes of the member.
    pub stored: u64,
    /// 64 lower-case hexadecimal digits.
    pub sha256: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MemberKind {
    Header,
    Schema,
    Rows,
    End,
}

/// What is said of a chunk beyond what every member has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowsRecord {
    pub table: u32,
    pub chunk: u32,
    pub form: Form,
    pub codec: Codec,
    pub rows: u64,
    /// Bytes before compression.
    pub raw: u64,
}

/// The members with SQL text, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SchemaMember {
    PreData,
    PostData,
    Privileges,
    Apart,
}

impl SchemaMember {
    pub const ALL: [SchemaMember; 4] = [
        SchemaMember::PreData,
        SchemaMember::PostData,
        SchemaMember::Privileges,
        SchemaMember::Apart,
    ];

    pub fn name(self) -> &'static str {
        match self {
            SchemaMember::PreData => "schema/pre-data.sql",
            SchemaMember::PostData => "schema/post-data.sql",
            SchemaMember::Privileges => "schema/privileges.sql",
            SchemaMember::Apart => "schema/apart.sql",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<SchemaMember> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }
}

impl MemberKind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            MemberKind::Header => "header",
            MemberKind::Schema => "schema",
            MemberKind::Rows => "rows",
            MemberKind::End => "end",
        }
    }

    fn from_name(name: &str) -> Option<MemberKind> {
        let all = [
            MemberKind::Header,
            MemberKind::Schema,
            MemberKind::Rows,
            MemberKind::End,
        ];
        all.into_iter().find(|it| it.name() == name)
    }
}

impl RowsRecord {
    /// The label of a chunk of the table called `schema.name`.
    pub(crate) fn label(&self, schema: &str, name: &str) -> String {
        const LABEL_BYTES_MAX: usize = 63;
        let plain = |byte: u8| {
            if byte.is_ascii_alphanumeric() || b"_.-".contains(&byte) {
                byte as char
            } else {
                '_'
            }
        };
        let words: String = format!("{schema}.{name}")
            .bytes()
            .take(LABEL_BYTES_MAX)
            .map(plain)
            .collect();
        let extension = match self.form {
            Form::Text => "csv",
            Form::Binary => "bin",
        };
        format!(
            "data/{:04}-{words}/{:05}.{extension}{}",
            self.table,
            self.chunk,
            self.codec.suffix()
        )
    }

    /// Whether `name` is a label that some table's name gives for this chunk.
    fn has_label(&self, name: &str) -> bool {
        let (empty, label) = (self.label("", ""), name);
        let (start, end) = empty.split_once("-./").unwrap_or_default();
        let words = label.strip_prefix(start).and_then(|it| it.strip_prefix('-'));
        let words = words
            .and_then(|it| it.strip_suffix(end))
            .and_then(|it| it.strip_suffix('/'));
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
        words.is_some_and(|words| words.len() <= 63 && words.bytes().all(plain))
    }
}

impl Record {
    /// Whether the name is the one that members of this kind have.
    pub(crate) fn has_proper_name(&self) -> bool {
        match (self.kind, &self.rows) {
            (MemberKind::Header, None) => self.name == crate::reader::HEADER_NAME,
            (MemberKind::Schema, None) => SchemaMember::from_name(&self.name).is_some(),
            (MemberKind::Rows, Some(rows)) => rows.has_label(&self.name),
            (MemberKind::End, None) => self.name == crate::reader::END_NAME,
            _ => false,
        }
    }

    /// Refuses a name that members of this kind do not have: only a proper one may become a file's.
    pub fn check_name(&self) -> Result<()> {
        if self.has_proper_name() {
            Ok(())
        } else {
            Err(Error::damaged("a member has a name that none can have"))
        }
    }

    /// The fields in the order in which they are hashed and written, the checksum left out.
    pub(crate) fn fields(&self, run: &str) -> Vec<(&'static str, String)> {
        let mut fields = vec![("run", run.to_owned()), ("kind", self.kind.name().to_owned())];
        if let Some(rows) = &self.rows {
            fields.extend([
                ("table", rows.table.to_string()),
                ("chunk", rows.chunk.to_string()),
                ("form", rows.form.to_string()),
                ("codec", rows.codec.name().to_owned()),
                ("rows", rows.rows.to_string()),
                ("raw", rows.raw.to_string()),
            ]);
        }
        fields.push(("stored", self.stored.to_string()));
        fields
    }

    /// Reads the fields back, `sha256` being the last; `None` where they are no record.
    pub(crate) fn from_fields(name: &str, fields: &[(String, String)]) -> Option<(String, Record)> {
        let value = |key: &str| {
            fields
                .iter()
                .find(|(it, _)| it == key)
                .map(|(_, value)| value.as_str())
        };
        let kind = MemberKind::from_name(value("kind")?)?;
        let rows = match kind {
            MemberKind::Rows => Some(RowsRecord {
                table: value("table")?.parse().ok()?,
                chunk: value("chunk")?.parse().ok()?,
                form: match value("form")? {
                    "text" => Form::Text,
                    "binary" => Form::Binary,
                    _ => return None,
                },
                codec: Codec::from_name(value("codec")?)?,
                rows: value("rows")?.parse().ok()?,
                raw: value("raw")?.parse().ok()?,
            }),
            _ => None,
        };
        let stored = value("stored")?.parse().ok()?;
        let record = Record {
            name: name.to_owned(),
            kind,
            rows,
            stored,
            sha256: value("sha256")?.to_owned(),
        };
        Some((value("run")?.to_owned(), record))
    }

    /// A hasher that has taken the record and waits for the member's bytes.
    pub(crate) fn hasher(&self, run: &str) -> Sha256 {
        let mut hasher = Sha256::new();
        for (key, value) in self.fields(run) {
            hasher.update(format!("{key}={value}\n"));
        }
        if self.kind == MemberKind::Schema {
            hasher.update(format!("name={}\n", self.name));
        }
        hasher.update("\n");
        hasher
    }

    /// The record of a member with these bytes, its checksum filled in.
    pub(crate) fn sealed(
        name: String,
        kind: MemberKind,
        rows: Option<RowsRecord>,
        run: &str,
        body: &[u8],
    ) -> Record {
        let mut record = Record {
            name,
            kind,
            rows,
            stored: body.len() as u64,
            sha256: String::new(),
        };
        let mut hasher = record.hasher(run);
        hasher.update(body);
        record.sha256 = hex(&hasher.finalize());
        record
    }
}

/// Lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(2 * bytes.len()), |mut digits, byte| {
            let digit = |value: u8| char::from_digit(value.into(), 16).unwrap_or_default();
            digits.extend([digit(byte >> 4), digit(byte & 15)]);
            digits
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk() -> RowsRecord {
        RowsRecord {
            table: 3,
            chunk: 2,
            form: Form::Text,
            codec: Codec::Gzip(2),
            rows: 1,
            raw: 9,
        }
    }

    #[test]
    fn labels_never_leave_their_folder() {
        assert_eq!(
            chunk().label("a/../b", "ü \0"),
            "data/0003-a_.._b.____/00002.csv.gz"
        );
        for (name, proper) in [
            ("data/0003-public.users/00002.csv.gz", true),
            ("data/0003-x/00002.csv.gz", true),
            ("data/0003-a/b/00002.csv.gz", false),
            ("data/0004-public.users/00002.csv.gz", false),
            ("../data/0003-x/00002.csv.gz", false),
            ("/data/0003-x/00002.csv.gz", false),
            ("data/0003-x\0/00002.csv.gz", false),
            ("data/0003-x/00002.csv", false),
        ] {
            assert_eq!(chunk().has_label(name), proper, "{name}");
        }
    }

    #[test]
    fn swapped_numbers_and_runs_change_the_checksum() {
        let seal = |rows, run| Record::sealed(String::new(), MemberKind::Rows, Some(rows), run, b"x").sha256;
        let one = seal(chunk(), "a");
        for other in [
            seal(RowsRecord { table: 4, ..chunk() }, "a"),
            seal(RowsRecord { chunk: 3, ..chunk() }, "a"),
            seal(RowsRecord { rows: 2, ..chunk() }, "a"),
            seal(chunk(), "b"),
        ] {
            assert_ne!(one, other);
        }
    }
}
