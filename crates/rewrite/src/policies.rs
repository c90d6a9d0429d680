//! Policies of row level security, which name roles: what a server without some of them can take.

use std::collections::HashSet;

use squawk_syntax::ast::normalize_name_node;
use squawk_syntax::{SyntaxKind, SyntaxNode};

use crate::parse::Parsed;
use crate::split::split;

/// Takes the policies for any of `roles`, and the comments on them, out of `sql`. Returns what is left, and the
/// policies that were taken out, `name ON table`.
pub fn without_policies_for<'a>(
    sql: &str,
    roles: impl IntoIterator<Item = &'a String>,
) -> (String, Vec<String>) {
    let roles: HashSet<&str> = roles.into_iter().map(String::as_str).collect();
    let (mut left, mut taken, mut end) = (String::new(), Vec::new(), 0);
    for piece in split(sql) {
        let text = &sql[piece.range.clone()];
        let about = if text.starts_with("CREATE POLICY") || text.starts_with("COMMENT ON POLICY") {
            Parsed::new(sql, &piece)
                .statement()
                .and_then(|it| policy(&it, &roles))
        } else {
            None
        };
        let Some((name, is_for_one)) = about else { continue };
        if is_for_one {
            taken.push(name);
        } else if !taken.contains(&name) {
            continue;
        }
        left.push_str(&sql[end..piece.range.start]);
        end = piece.range.end;
    }
    left.push_str(&sql[end..]);
    (left, taken)
}

/// The policy that a statement is about, and whether the statement makes it for one of `roles`.
fn policy(statement: &SyntaxNode, roles: &HashSet<&str>) -> Option<(String, bool)> {
    use SyntaxKind as K;
    let about = match statement.kind() {
        K::CREATE_POLICY => statement.clone(),
        K::COMMENT_ON => statement.children().find(|it| it.kind() == K::OBJECT_POLICY)?,
        _ => return None,
    };
    let find = |kinds: &[SyntaxKind]| about.descendants().find(|it| kinds.contains(&it.kind()));
    let name = normalize_name_node(&find(&[K::POLICY, K::POLICY_REF])?);
    let table = find(&[K::TABLE_NAME_REF])?.text().to_string();
    let named = statement
        .children()
        .filter(|it| it.kind() == K::POLICY_ROLES)
        .flat_map(|it| it.descendants().collect::<Vec<_>>())
        .filter(|it| it.kind() == K::ROLE_REF)
        .filter_map(|it| it.children().next().or(Some(it)))
        .map(|it| normalize_name_node(&it));
    let is_for_one = named.into_iter().any(|it| roles.contains(it.as_str()));
    Some((format!("{name} ON {}", table.trim()), is_for_one))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_for_roles_are_taken_out_with_their_comments() {
        let kept = [
            "CREATE POLICY a ON s.t USING (true);",
            "CREATE POLICY \"To x\" ON s.t TO PUBLIC, other USING ((who = 'gone'::name));",
            "COMMENT ON POLICY a ON s.t IS 'for gone';",
            "CREATE POLICY b ON s.other USING (true);",
            "COMMENT ON POLICY b ON s.other IS 'stays';",
        ];
        let taken = [
            "CREATE POLICY b ON s.t FOR SELECT TO here, gone USING (true);",
            "CREATE POLICY c ON s.\"T t\" AS RESTRICTIVE TO \"Gone too\" WITH CHECK (true);",
            "COMMENT ON POLICY b ON s.t IS 'goes';",
        ];
        let all = [
            kept[0], taken[0], kept[1], taken[1], kept[2], kept[3], taken[2], kept[4],
        ]
        .join("\n");
        let roles = ["gone".to_owned(), "Gone too".to_owned()];
        let (left, names) = without_policies_for(&all, &roles);
        let left: Vec<&str> = left.lines().filter(|it| !it.is_empty()).collect();
        assert_eq!(left, kept);
        assert_eq!(names, ["b ON s.t", "c ON s.\"T t\""]);
    }
}
