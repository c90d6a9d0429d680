//! New names, as a test asks for them.

use crate::cluster::identifier;

/// PostgreSQL cuts names here.
const NAME_BYTES_MAX: usize = 63;

/// New names of schemas, and a prefix for everything that lives in them.
#[derive(Clone, Debug, Default)]
pub struct Naming {
    schemas: Vec<(String, String)>,
    prefix: String,
}

impl From<&[(&str, &str)]> for Naming {
    /// The old and the new name of each schema.
    fn from(schemas: &[(&str, &str)]) -> Self {
        let owned = |(old, new): &(&str, &str)| ((*old).to_owned(), (*new).to_owned());
        Naming {
            schemas: schemas.iter().map(owned).collect(),
            prefix: String::new(),
        }
    }
}

impl<const COUNT: usize> From<&[(&str, &str); COUNT]> for Naming {
    fn from(schemas: &[(&str, &str); COUNT]) -> Self {
        Naming::from(schemas.as_slice())
    }
}

impl From<&Naming> for Naming {
    fn from(naming: &Naming) -> Self {
        naming.clone()
    }
}

impl Naming {
    /// The same with a prefix for the names of all objects.
    #[must_use]
    pub fn with_prefix(mut self, prefix: &str) -> Self {
        prefix.clone_into(&mut self.prefix);
        self
    }

    /// Pairs of the old and the new name of each schema.
    pub fn schemas(&self) -> &[(String, String)] {
        &self.schemas
    }

    /// Empty where objects keep their names.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    pub fn schema<'a>(&'a self, old: &'a str) -> &'a str {
        let found = self.schemas.iter().find(|(it, _)| it == old);
        found.map_or(old, |(_, new)| new)
    }

    /// The new name of an object, cut as PostgreSQL cuts it.
    pub fn object(&self, old: &str) -> String {
        let mut name = format!("{}{old}", self.prefix);
        name.truncate(name.floor_char_boundary(NAME_BYTES_MAX));
        name
    }

    /// A `search_path` of the source as the application's role must have it afterwards; extensions are in
    /// `public`.
    pub fn path<'a>(&'a self, old: &[&'a str]) -> Vec<&'a str> {
        let mut path: Vec<&str> = old.iter().map(|it| self.schema(it)).collect();
        if !path.contains(&"public") {
            path.push("public");
        }
        path
    }

    /// An SQL text in which `{name}` stands for an object, `{schema.name}` for one in a schema, `{schema.}` for the
    /// schema itself, each by its old name; `{{` and `}}` stand for themselves.
    pub fn spelled(&self, text: &str) -> String {
        let mut spelled = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            spelled.push_str(&rest[..at]);
            let (sign, after) = rest[at..].split_at(1);
            rest = after;
            if after.starts_with(sign) {
                spelled.push_str(sign);
                rest = &after[1..];
            } else if let Some((name, after)) = after.split_once('}') {
                spelled.push_str(&self.reference(name));
                rest = after;
            }
        }
        spelled + rest
    }

    fn reference(&self, name: &str) -> String {
        match name.split_once('.') {
            Some((schema, "")) => identifier(self.schema(schema)),
            Some((schema, name)) => {
                format!(
                    "{}.{}",
                    identifier(self.schema(schema)),
                    identifier(&self.object(name))
                )
            }
            None => identifier(&self.object(name)),
        }
    }

    /// A message of the server about the new names, told with the old ones. Good enough to compare messages,
    /// as long as the new names are words that no message has by itself.
    pub fn mapped_back(&self, message: &str) -> String {
        let mut new_names: Vec<(&str, &str)> = self
            .schemas
            .iter()
            .map(|(old, new)| (new.as_str(), old.as_str()))
            .chain([(self.prefix.as_str(), "")])
            .filter(|(new, _)| !new.is_empty())
            .collect();
        new_names.sort_by_key(|(new, _)| std::cmp::Reverse(new.len()));
        let mut text = String::with_capacity(message.len());
        let mut rest = message;
        while let Some(sign) = rest.chars().next() {
            let is_beginning = !text.ends_with(is_of_name);
            let ends = |new: &str| new == self.prefix || !rest[new.len()..].starts_with(is_of_name);
            let found = new_names
                .iter()
                .find(|(new, _)| is_beginning && rest.starts_with(new) && ends(new));
            if let Some((new, old)) = found {
                text.push_str(old);
                rest = &rest[new.len()..];
                // What follows a schema is no beginning; what follows a prefix is one no longer either.
                if let Some(sign) = rest.chars().next() {
                    text.push(sign);
                    rest = &rest[sign.len_utf8()..];
                }
            } else {
                text.push(sign);
                rest = &rest[sign.len_utf8()..];
            }
        }
        text
    }
}

fn is_of_name(sign: char) -> bool {
    sign.is_alphanumeric() || sign == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(naming: &Naming, message: &str, expected: &str) {
        assert_eq!(naming.mapped_back(message), expected);
    }

    #[test]
    fn messages_are_told_with_the_old_names() {
        let naming = Naming::from(&[("public", "shop"), ("log", "shop_log")]).with_prefix("zz_");
        for (message, expected) in [
            (
                "relation \"shop.zz_users\" is not there",
                "relation \"public.users\" is not there",
            ),
            ("shop_log.zz_t, shopping, a_zz_t", "log.t, shopping, a_zz_t"),
            ("zz_zz_t", "zz_t"),
            ("shop", "public"),
            ("", ""),
        ] {
            check(&naming, message, expected);
        }
    }

    #[test]
    fn swapped_names_are_swapped_back() {
        check(&Naming::from(&[("a", "b"), ("b", "a")]), "a.t, b.t", "b.t, a.t");
    }

    #[test]
    fn names_in_braces_are_spelled_anew() {
        let naming = Naming::from(&[("public", "shop"), ("a", "b")]).with_prefix("zz_");
        assert_eq!(
            naming.spelled("SELECT '{{1}}' FROM {t}, {a.t} {a.}"),
            "SELECT '{1}' FROM \"zz_t\", \"b\".\"zz_t\" \"b\""
        );
    }

    #[test]
    fn names_are_cut_between_letters() {
        let naming = Naming::default().with_prefix("zz_");
        assert_eq!(naming.object("users"), "zz_users");
        let cut = naming.object(&"ä".repeat(31));
        assert_eq!(cut, format!("zz_{}", "ä".repeat(30)));
    }

    #[test]
    fn a_path_ends_where_extensions_are() {
        let naming = Naming::from(&[("public", "shop")]);
        assert_eq!(naming.path(&["public", "log"]), ["shop", "log", "public"]);
        assert_eq!(Naming::default().path(&["public"]), ["public"]);
    }
}
