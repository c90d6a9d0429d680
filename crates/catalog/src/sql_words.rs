//! The names in a piece of SQL, told by its words alone: enough to say that a column is not mentioned, and otherwise on the
//! safe side.

/// A name in SQL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqlWord {
    /// As PostgreSQL keeps it: in lower case, unless it was quoted.
    pub name: String,
    /// The name before the dot before it.
    pub qualifier: Option<String>,
    /// Whether a parenthesis follows.
    pub is_call: bool,
}

/// All names and keywords of `sql`; what stands in single quotes is none.
pub fn words(sql: &str) -> Vec<SqlWord> {
    let mut found: Vec<SqlWord> = Vec::new();
    let mut rest = sql;
    // Whether nothing but a dot stands between the last word and here.
    let mut after_dot = false;
    while let Some(first) = rest.chars().next() {
        let length = if first == '\'' {
            quoted_length(rest, '\'')
        } else if first == '"' || first == '_' || first.is_alphabetic() {
            let (name, length) = name_at(rest);
            let qualifier = after_dot
                .then(|| found.last().map(|it| it.name.clone()))
                .flatten();
            found.push(SqlWord {
                name,
                qualifier,
                is_call: rest[length..].trim_start().starts_with('('),
            });
            after_dot = rest[length..].trim_start().starts_with('.');
            rest = &rest[length..];
            continue;
        } else if first.is_ascii_digit() {
            rest.find(|it: char| !it.is_ascii_alphanumeric() && it != '.')
                .unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        if first != '.' && !first.is_whitespace() {
            after_dot = false;
        }
        rest = &rest[length..];
    }
    found
}

/// Whether `sql`, which speaks of one table alone, can mean a column of this name.
pub fn mentions(sql: &str, column: &str) -> bool {
    words(sql).iter().any(|it| it.name == column)
}

/// Whether `sql`, which speaks of several tables, can mean the column of `table`.
pub fn mentions_of_table(sql: &str, table: &str, column: &str) -> bool {
    let words = words(sql);
    let mut names = vec![table];
    for (place, word) in words.iter().enumerate() {
        if word.name == table {
            let mut next = words[place + 1..].iter().map(|it| it.name.as_str());
            names.extend(
                next.next()
                    .and_then(|it| if it == "as" { next.next() } else { Some(it) }),
            );
        }
    }
    let is_of_table = |word: &&crate::SqlWord| {
        let qualifier = word.qualifier.as_deref();
        qualifier.is_none_or(|it| names.contains(&it))
    };
    words.iter().any(|it| it.name == table) && words.iter().filter(is_of_table).any(|it| it.name == column)
}

fn name_at(sql: &str) -> (String, usize) {
    if sql.starts_with('"') {
        let length = quoted_length(sql, '"');
        let inner = sql[1..length].strip_suffix('"').unwrap_or(&sql[1..length]);
        return (inner.replace("\"\"", "\""), length);
    }
    let is_part = |it: char| it.is_alphanumeric() || it == '_' || it == '$';
    let length = sql.find(|it: char| !is_part(it)).unwrap_or(sql.len());
    (sql[..length].to_ascii_lowercase(), length)
}

/// Bytes of what stands in quotes at the beginning; a doubled quote is one of the text.
fn quoted_length(sql: &str, quote: char) -> usize {
    let mut marks = sql.char_indices().skip(1).peekable();
    while let Some((at, mark)) = marks.next() {
        if mark == quote && marks.next_if(|it| it.1 == quote).is_none() {
            return at + 1;
        }
    }
    sql.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_told_from_those_of_other_tables() {
        let sql = "SELECT u.id, o.name, 'u.note' AS x, u.\"Odd\" FROM (public.users u JOIN public.orders o ON ((o.usr = u.id)))";
        for (column, expected) in [
            ("id", true),
            ("name", false),
            ("note", false),
            ("Odd", true),
            ("odd", false),
        ] {
            assert_eq!(mentions_of_table(sql, "users", column), expected, "{column}");
        }
        assert!(mentions_of_table(
            "SELECT name FROM public.users",
            "users",
            "name"
        ));
        assert!(!mentions_of_table(
            "SELECT name FROM public.orders",
            "users",
            "name"
        ));
        assert!(mentions("lower( Name )", "name"));
        assert!(!mentions("'name'", "name"));
    }
}
