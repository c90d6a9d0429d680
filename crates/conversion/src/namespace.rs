//! The UUID of a key, in Rust and in SQL.

use std::fmt::Write;

use catalog::QualifiedName;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// What stands before every key: another way of making keys would have other words here.
const SCHEME: &str = "coalesce integer key 1";

/// What is hashed before a key: whose key it is. Equal for two tables only if source, schema and table are.
///
/// The scheme's words, the source's name, the schema and the table, each as its length in bytes, a colon, itself and a
/// comma (a netstring): no two lists of names give the same text, and none is the beginning of another.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Namespace(String);

impl Namespace {
    /// The keys of `table`, under its name in the source that is called `source`.
    pub fn of(source: &str, table: &QualifiedName) -> Self {
        let mut text = String::new();
        for part in [SCHEME, source, &table.schema, &table.name] {
            // Writing to a String cannot fail, here and below.
            let _ = write!(text, "{}:{part},", part.len());
        }
        Namespace(text)
    }

    /// The 16 bytes of the UUID (RFC 9562, version 8) of the key with this decimal text: the first bytes of SHA-256 over
    /// the namespace and the text, with the bits of version and variant.
    pub fn uuid(&self, key: i64) -> [u8; 16] {
        let mut hash = Sha256::new();
        hash.update(&self.0);
        hash.update(key.to_string());
        let hash = hash.finalize();
        let mut uuid = [0; 16];
        uuid.copy_from_slice(&hash[..16]);
        uuid[6] = uuid[6] & 0x0f | 0x80;
        uuid[8] = uuid[8] & 0x3f | 0x80;
        uuid
    }

    /// The namespace whose [`Namespace::sql`] of `key` this is.
    pub fn of_sql(sql: &str, key: &str) -> Option<Self> {
        let (_, rest) = sql.split_once("'\\x")?;
        let (digits, _) = rest.split_once('\'')?;
        let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
        let bytes: Option<Vec<u8>> = digits.as_bytes().chunks(2).map(byte).collect();
        let namespace = Namespace(String::from_utf8(bytes?).ok()?);
        (namespace.sql(key) == sql).then_some(namespace)
    }

    /// The same as an SQL expression over functions of `pg_catalog`, from PostgreSQL 11 on, whatever the database's
    /// encoding: `key` is an expression whose value is an integer or NULL, and is computed once.
    pub fn sql(&self, key: &str) -> String {
        let mut namespace = String::with_capacity(self.0.len() * 2);
        for byte in self.0.bytes() {
            let _ = write!(namespace, "{byte:02x}");
        }
        let hash = format!(
            "pg_catalog.substr(pg_catalog.sha256('\\x{namespace}'::pg_catalog.bytea OPERATOR(pg_catalog.||) \
             pg_catalog.decode(({key})::pg_catalog.text, 'escape')), 1, 16)"
        );
        // Bits are counted from the lowest of each byte: the upper four of byte 6, the upper two of byte 8.
        let bits = [(55, 1), (54, 0), (53, 0), (52, 0), (71, 1), (70, 0)];
        let marked = bits.into_iter().fold(hash, |bytes, (bit, value)| {
            format!("pg_catalog.set_bit({bytes}, {bit}, {value})")
        });
        format!("pg_catalog.encode({marked}, 'hex')::pg_catalog.uuid")
    }
}

/// The text of a UUID as PostgreSQL writes it.
pub(crate) fn uuid_text(uuid: [u8; 16]) -> String {
    let mut text = String::with_capacity(36);
    for (place, byte) in uuid.iter().enumerate() {
        if [4, 6, 8, 10].contains(&place) {
            text.push('-');
        }
        let _ = write!(text, "{byte:02x}");
    }
    text
}

impl Namespace {
    /// The key's UUID as PostgreSQL writes it.
    pub fn uuid_text(&self, key: i64) -> String {
        uuid_text(self.uuid(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn namespace(source: &str, schema: &str, table: &str) -> Namespace {
        Namespace::of(source, &QualifiedName::new(schema, table))
    }

    #[test]
    fn names_that_run_together_stay_apart() {
        let all = [
            namespace("a", "b", "c"),
            namespace("ab", "", "c"),
            namespace("a", "b,1:c", ""),
            namespace("a", "b", "c,1:1"),
            namespace("a", "b", "c1"),
            namespace("a,1:b", "c", ""),
        ];
        let keys: std::collections::HashSet<_> = all
            .iter()
            .flat_map(|it| [it.uuid(1), it.uuid(11), it.uuid(-1)])
            .collect();
        assert_eq!(keys.len(), all.len() * 3);
    }

    #[test]
    fn a_namespace_is_known_by_its_sql() {
        let it = namespace("it's", "a\\b", "Größe");
        let sql = it.sql("s.id");
        assert_eq!(Namespace::of_sql(&sql, "s.id").as_ref(), Some(&it));
        assert_eq!(Namespace::of_sql(&sql, "s.other"), None);
        assert_eq!(Namespace::of_sql(&sql.replace("sha256", "sha512"), "s.id"), None);
        assert_eq!(Namespace::of_sql("s.id", "s.id"), None);
    }

    #[test]
    fn the_same_key_is_the_same_for_ever() {
        // What was loaded once is joined with what is loaded later: another value here breaks both.
        let it = namespace("mandible", "public", "customers");
        assert_eq!(it.0, "22:coalesce integer key 1,8:mandible,6:public,9:customers,");
        assert_eq!(it.uuid_text(1), FIRST);
        assert!(it.uuid_text(i64::MIN).as_bytes()[14] == b'8');
    }

    /// From `sha256sum` over the text of the namespace and `1`.
    const FIRST: &str = "8f870d96-8bae-8fca-8f99-85628054833b";
}
