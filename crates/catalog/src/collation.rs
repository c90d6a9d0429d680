//! Collations: what orders text, which two servers of one name may do differently.

use serde::{Deserialize, Serialize};

use crate::QualifiedName;

/// A collation that definitions use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Collation {
    pub schema: String,
    /// `default` in `pg_catalog` stands for the database's own.
    pub name: String,
    /// `provider:locale@version` with what the library says of itself now; `C` for the locales `C` and `POSIX`.
    /// Without `@version` where the library does not tell.
    pub order: String,
    /// Indexes that it orders.
    pub indexes: u32,
}

impl Collation {
    pub fn qualified_name(&self) -> QualifiedName {
        QualifiedName::new(&self.schema, &self.name)
    }

    /// Whether it is the database's own.
    pub fn is_default(&self) -> bool {
        self.schema == "pg_catalog" && self.name == "default"
    }

    /// `libc`, `icu` or `builtin`; the locales `C` and `POSIX` are libc's.
    pub fn provider(&self) -> &str {
        self.order
            .split_once(':')
            .map_or("libc", |(provider, _)| provider)
    }

    /// The locale, as its provider calls it.
    pub fn locale(&self) -> &str {
        self.locale_and_version().0
    }

    /// Both as they stand there; a locale of libc's may hold the sign itself: `de_DE@euro`.
    fn locale_and_version(&self) -> (&str, Option<&str>) {
        let text = self
            .order
            .split_once(':')
            .map_or(self.order.as_str(), |(_, it)| it);
        match text.rsplit_once('@') {
            Some((locale, version)) if version.starts_with(|it: char| it.is_ascii_digit()) => {
                (locale, Some(version))
            }
            _ => (text, None),
        }
    }

    /// Whether text may stand in another order under `other`. Where one of the two has no version, the versions are
    /// not compared.
    pub fn orders_otherwise(&self, other: &Collation) -> bool {
        let ((locale, version), (other_locale, other_version)) =
            (self.locale_and_version(), other.locale_and_version());
        let same_version = version.is_none() || other_version.is_none() || version == other_version;
        (self.provider(), locale) != (other.provider(), other_locale) || !same_version
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collation(order: &str) -> Collation {
        Collation {
            schema: "pg_catalog".to_owned(),
            name: "x".to_owned(),
            order: order.to_owned(),
            indexes: 1,
        }
    }

    #[test]
    fn orders_are_told_apart() {
        for (one, other, differs) in [
            ("libc:en_US.UTF-8@2.31", "libc:en_US.UTF-8@2.36", true),
            ("libc:en_US.UTF-8", "libc:en_US.UTF-8@2.36", false),
            ("libc:de_DE@euro", "libc:de_DE@euro@2.36", false),
            ("libc:de_DE@euro", "libc:de_DE", true),
            ("libc:C.UTF-8", "builtin:C.UTF-8@1", true),
            ("C", "C", false),
            ("C", "icu:en@153.14", true),
        ] {
            let (one, other) = (collation(one), collation(other));
            assert_eq!(one.orders_otherwise(&other), differs, "{one:?} {other:?}");
            assert_eq!(other.orders_otherwise(&one), differs, "{other:?} {one:?}");
        }
    }
}
