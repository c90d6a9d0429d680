//! Predicates of partial indexes, as far as they mean the same for PostgreSQL whatever the types.

use super::sql_text;

/// Reads conjunctions such as `a IS NOT NULL AND b IS NULL`: names, and whether they must not be NULL.
pub(super) fn null_tests(predicate: &str) -> Option<Vec<(String, bool)>> {
    let words: Vec<(usize, &str)> = sql_text::words(predicate).collect();
    let conjuncts = words.split(|(_, word)| word.eq_ignore_ascii_case("and"));
    conjuncts
        .map(|conjunct| {
            let (&(start, first), rest) = conjunct.split_first()?;
            let end = rest.first().map_or(predicate.len(), |(next, _)| *next);
            let name = if first == "'" {
                predicate[start..end].trim()
            } else {
                first
            };
            let test: Vec<String> = rest.iter().map(|(_, word)| word.to_ascii_lowercase()).collect();
            let not_null = match test.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
                ["is", "not", "null"] | ["not", "null"] | ["notnull"] => true,
                ["is", "null"] | ["isnull"] => false,
                _ => return None,
            };
            Some((sql_text::unquote(name)?, not_null))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_null_tests_are_translated() {
        let check = |predicate: &str, expected: Option<&[(&str, bool)]>| {
            let expected = expected.map(|it| {
                it.iter()
                    .map(|(name, test)| ((*name).to_owned(), *test))
                    .collect()
            });
            assert_eq!(null_tests(predicate), expected, "{predicate}");
        };
        check("a IS NOT NULL", Some(&[("a", true)]));
        check(
            "\"a b\" IS NULL AND [c] NOTNULL",
            Some(&[("a b", false), ("c", true)]),
        );
        check("a > 0", None);
        check("a IS NULL OR b IS NULL", None);
        check("(a IS NULL)", None);
        check("", None);
    }
}
