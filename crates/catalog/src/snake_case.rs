//! Standardised names: `OrderItems` becomes `order_items`.

use heck::ToSnakeCase;

/// The name in lower case with `_` between its words; one that needs no quotes already stays as it is.
///
/// Leading `_` are kept, since `_id` and `id` are two names. A name without letters or digits stays.
pub fn snake_case(name: &str) -> String {
    let is_plain = name
        .bytes()
        .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'));
    if is_plain {
        return name.to_owned();
    }
    let stem = name.trim_start_matches('_');
    let words = stem.to_snake_case();
    if words.is_empty() {
        return name.to_owned();
    }
    format!("{}{words}", &name[..name.len() - stem.len()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_told_apart() {
        for (name, expected) in [
            ("OrderItems", "order_items"),
            ("orderId", "order_id"),
            ("userID", "user_id"),
            ("HTTPServer", "http_server"),
            ("Order Items", "order_items"),
            ("order-items", "order_items"),
            ("__EFMigrationsHistory", "__ef_migrations_history"),
            ("_id", "_id"),
            ("a__b", "a__b"),
            ("Größe", "größe"),
            ("FK_Orders_Users", "fk_orders_users"),
            ("Address2", "address2"),
            ("😀", "😀"),
        ] {
            assert_eq!(snake_case(name), expected, "{name}");
            assert_eq!(snake_case(expected), expected, "{name}");
        }
    }
}
