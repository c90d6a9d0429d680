//! Which indexes of a table serve nothing that another one of them does not serve as well.

use ::inventory::IndexFlags;

/// What decides what an index serves.
pub(super) struct Shape {
    pub(super) name: String,
    /// Access method, columns with those that are only included, operator classes, collations, order.
    pub(super) key: [String; 5],
    /// Expressions and predicate as the server writes them; `None` without any, empty where they could not be read.
    pub(super) expressions: Option<String>,
    pub(super) flags: IndexFlags,
}

impl Shape {
    /// Whether all that `self` is for can be had of `other`.
    fn is_served_by(&self, other: &Shape) -> bool {
        let is_known = self.expressions.as_deref() != Some("");
        is_known
            && self.key == other.key
            && self.expressions == other.expressions
            && other.flags.valid
            && (!self.flags.unique || other.flags.unique)
            && self.rank() < other.rank()
    }

    /// Of two that serve the same the one with the higher rank stays; among equals the first by name.
    fn rank(&self) -> (bool, bool, bool, std::cmp::Reverse<&str>) {
        let flags = self.flags;
        (
            flags.valid,
            flags.constraint,
            flags.unique,
            std::cmp::Reverse(&self.name),
        )
    }
}

/// For each of a table's indexes the name of the one that makes it needless.
pub(super) fn find(shapes: &[&Shape]) -> Vec<Option<String>> {
    let better = |shape: &&Shape| {
        let others = shapes.iter().filter(|other| shape.is_served_by(other));
        others.max_by_key(|other| other.rank()).map(|it| it.name.clone())
    };
    shapes.iter().map(better).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(name: &str, columns: &str, expressions: Option<&str>, flags: &str) -> Shape {
        Shape {
            name: name.to_owned(),
            key: ["btree", columns, "1978", "0", "0"].map(str::to_owned),
            expressions: expressions.map(str::to_owned),
            flags: IndexFlags {
                unique: flags.contains('u'),
                constraint: flags.contains('c'),
                partial: expressions.is_some(),
                valid: !flags.contains('!'),
            },
        }
    }

    #[track_caller]
    fn check(shapes: &[Shape], expected: &[Option<&str>]) {
        let shapes: Vec<&Shape> = shapes.iter().collect();
        let found = find(&shapes);
        let found: Vec<Option<&str>> = found.iter().map(Option::as_deref).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_plain_index_on_the_columns_of_a_key_is_needless() {
        check(
            &[shape("a", "1", None, ""), shape("t_pkey", "1", None, "uc")],
            &[Some("t_pkey"), None],
        );
    }

    #[test]
    fn a_unique_index_is_never_needless_beside_one_that_is_not() {
        check(
            &[shape("a", "1", None, "u"), shape("b", "1", None, "")],
            &[None, Some("a")],
        );
    }

    #[test]
    fn of_equals_one_stays() {
        let three = ["a", "b", "c"].map(|it| shape(it, "1, 2", None, ""));
        check(&three, &[None, Some("a"), Some("a")]);
    }

    #[test]
    fn another_order_or_predicate_is_another_index() {
        check(
            &[
                shape("a", "1, 2", None, ""),
                shape("b", "2, 1", None, ""),
                shape("c", "1, 2", Some("btree (a, b) WHERE a > 1"), ""),
                shape("d", "1, 2", Some("btree (a, b) WHERE a > 2"), ""),
            ],
            &[None, None, None, None],
        );
    }

    #[test]
    fn what_is_not_known_or_not_valid_makes_nothing_needless() {
        check(
            &[
                shape("a", "0", Some(""), ""),
                shape("b", "0", Some(""), ""),
                shape("c", "1", None, "!"),
                shape("d", "1", None, ""),
            ],
            &[None, None, Some("d"), None],
        );
    }
}
