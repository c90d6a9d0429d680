//! The search paths of roles and databases, as `pg_dumpall` and `pg_dump -C` write them, and all settings of a
//! database as an archive has them.

use catalog::{Setting, quote_ident};
use plan::is_built_in;
use squawk_syntax::ast::{AstNode, Literal, normalize_name_node};
use squawk_syntax::{SyntaxKind, SyntaxNode};

use crate::outcome::Doubt;
use crate::parse::Parsed;
use crate::rewriter::{Rewriter, child};
use crate::split::split;

/// The schemas that `ALTER ROLE … SET search_path` and `ALTER DATABASE … SET search_path` name in `sql`, without
/// `$user` and those that PostgreSQL itself makes.
pub(crate) fn path_schemas(sql: &str) -> Vec<String> {
    let mut schemas = Vec::new();
    for piece in split(sql) {
        if !sql[piece.range.clone()]
            .to_ascii_lowercase()
            .contains("search_path")
        {
            continue;
        }
        let settings = Parsed::new(sql, &piece)
            .statement()
            .filter(|it| {
                matches!(
                    it.kind(),
                    SyntaxKind::ALTER_ROLE | SyntaxKind::ALTER_USER | SyntaxKind::ALTER_DATABASE
                )
            })
            .and_then(|it| child(&it, SyntaxKind::SET_CONFIG_PARAM));
        schemas.extend(settings.into_iter().flat_map(|it| entries(&it)));
    }
    schemas.retain(|it| it != "$user" && !it.is_empty() && !is_built_in(it));
    schemas
}

fn entries(setting: &SyntaxNode) -> Vec<String> {
    let parameter = child(setting, SyntaxKind::CONFIG_PARAMETER_REF).map(|it| it.text().to_string());
    if !parameter.is_some_and(|it| it.eq_ignore_ascii_case("search_path")) {
        return Vec::new();
    }
    values(setting)
}

fn values(setting: &SyntaxNode) -> Vec<String> {
    let name = |value: SyntaxNode| match Literal::cast(value.clone()) {
        Some(literal) => literal.string_value().unwrap_or_default(),
        None => normalize_name_node(&value),
    };
    child(setting, SyntaxKind::TO_CONFIG_VALUE)
        .into_iter()
        .flat_map(|it| it.children().collect::<Vec<_>>())
        .map(name)
        .collect()
}

impl Rewriter {
    /// Gives the names in a setting's value their new ones. What keeps an old name is a doubt: a part of the value whose
    /// meaning is not proved, and a value that is no list of names and mentions one.
    pub fn rename_setting(&self, setting: &mut Setting) -> Vec<Doubt> {
        let object = format!("setting {setting}");
        let doubt = |reason: String| Doubt {
            object: object.clone(),
            line: 1,
            body_line: None,
            reason,
        };
        let (name, value) = (quote_ident(&setting.name), setting.value_as_sql());
        let rewritten = self.rewrite(&format!("ALTER DATABASE d SET {name} TO {value};"));
        let mut doubts: Vec<Doubt> = rewritten.doubts.into_iter().map(|it| doubt(it.reason)).collect();
        if rewritten.edits.is_empty() {
            if let Some((_, mentioned)) = self.mention(&setting.value).filter(|_| doubts.is_empty()) {
                doubts.push(doubt(format!(
                    "its value mentions {mentioned} and stays as it is"
                )));
            }
            return doubts;
        }
        let pieces = split(&rewritten.text);
        let statement = pieces
            .first()
            .and_then(|it| Parsed::new(&rewritten.text, it).statement());
        let parameter = statement.and_then(|it| child(&it, SyntaxKind::SET_CONFIG_PARAM));
        let new = parameter.map(|it| values(&it)).unwrap_or_default();
        if setting.name == Setting::SEARCH_PATH {
            let mut names: Vec<String> = Vec::new();
            for name in new.iter().map(|it| quote_ident(it)) {
                if !names.contains(&name) {
                    names.push(name);
                }
            }
            setting.value = names.join(", ");
        } else {
            setting.value = new.concat();
        }
        doubts
    }
}

#[cfg(test)]
mod tests {
    use catalog::Setting;
    use plan::Mapping;

    use crate::{Known, Rewriter};

    fn check(create: &str, sql: &str, expected: &str) {
        let mapping = Mapping::new(Some("shop"), &[]).expect("the name is valid");
        let mut rewriter = Rewriter::new(mapping, Known::from_sql(create)).expect("the mapping fits");
        if create.is_empty() {
            rewriter.learn_paths(sql);
        }
        assert_eq!(rewriter.rewrite(sql).text, expected);
    }

    #[test]
    fn paths_of_roles_and_databases_follow_the_map() {
        let create = "CREATE SCHEMA app; CREATE TABLE public.t ();";
        for (subject, path, expected) in [
            ("ROLE r", "'app', 'public'", "'shop_app', 'shop'"),
            ("ROLE r IN DATABASE d", "'app'", "'shop_app'"),
            ("ROLE ALL", "app, public", "shop_app, shop"),
            (
                "DATABASE d",
                "'app', '$user', 'public'",
                "'shop_app', '$user', 'shop'",
            ),
            (
                "DATABASE d",
                "\"$user\", pg_catalog, other",
                "\"$user\", pg_catalog, other",
            ),
        ] {
            let sql = |path| format!("ALTER {subject} SET search_path TO {path};");
            check(create, &sql(path), &sql(expected));
        }
    }

    #[test]
    fn settings_of_an_archive_follow_the_map() {
        let create = "CREATE SCHEMA \"Odd app\"; CREATE TABLE public.t (); CREATE TEXT SEARCH CONFIGURATION public.s (PARSER = p);";
        let mapping = Mapping::new(Some("shop"), &[]).expect("the name is valid");
        let rewriter = Rewriter::new(mapping, Known::from_sql(create)).expect("the mapping fits");
        for (name, value, expected, mentions) in [
            (
                "search_path",
                "\"$user\", \"Odd app\", public, shop",
                "\"$user\", \"shop_Odd app\", shop",
                false,
            ),
            ("search_path", "pg_catalog", "pg_catalog", false),
            ("default_text_search_config", "public.s", "shop.s", false),
            ("work_mem", "8MB", "8MB", false),
            ("app.table", "public.t", "public.t", true),
        ] {
            let mut setting = Setting {
                role: None,
                name: name.to_owned(),
                value: value.to_owned(),
            };
            let doubts = rewriter.rename_setting(&mut setting);
            assert_eq!(
                (setting.value.as_str(), !doubts.is_empty()),
                (expected, mentions),
                "{name}"
            );
        }
    }

    #[test]
    fn paths_of_a_whole_cluster_follow_the_map_although_nothing_is_created() {
        let sql = |path| format!("ALTER ROLE r SET search_path TO {path};");
        check(
            "",
            &sql("'app', '$user', 'public', 'pg_catalog'"),
            &sql("'shop_app', '$user', 'shop', 'public', 'pg_catalog'"),
        );
        let other = "ALTER ROLE r SET work_mem TO 'search_path';";
        check("", other, other);
    }
}
