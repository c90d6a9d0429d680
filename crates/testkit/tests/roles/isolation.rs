//! `verify --isolation` finds every way across the border of an application's schema, each on one line with the statement
//! that closes it, and none where `load` has made the roles.

use testkit::Output;

use super::Place;

/// Leaks between `left_app`, which is verified, and `right_app`; each with its line.
const LEAKS: [(&str, &str); 17] = [
    (
        "GRANT USAGE ON SCHEMA right_app TO left_app_role",
        "role left_app_role  has USAGE on schema right_app (closed by: REVOKE USAGE ON SCHEMA right_app FROM left_app_role)",
    ),
    (
        "GRANT SELECT, DELETE ON right_app.notes TO left_app_role",
        "role left_app_role  has DELETE, SELECT on table right_app.notes (closed by: REVOKE DELETE, SELECT ON TABLE \
         right_app.notes FROM left_app_role)",
    ),
    (
        "GRANT UPDATE (name) ON right_app.names TO left_app_role",
        "role left_app_role  has UPDATE on column name of right_app.names (closed by: REVOKE UPDATE (name) ON TABLE \
         right_app.names FROM left_app_role)",
    ),
    (
        "GRANT EXECUTE ON FUNCTION right_app.peek() TO PUBLIC",
        "every role  has EXECUTE on function right_app.peek(), which runs as its owner (closed by: REVOKE EXECUTE ON \
         FUNCTION right_app.peek() FROM PUBLIC)",
    ),
    (
        "GRANT right_app_role TO left_app_role",
        "role left_app_role  is a member of right_app_role, another application's role (closed by: REVOKE right_app_role \
         FROM left_app_role)",
    ),
    (
        "ALTER DEFAULT PRIVILEGES FOR ROLE right_app_role IN SCHEMA right_app GRANT SELECT ON TABLES TO left_app_role",
        "role left_app_role  will have SELECT on tables that right_app_role makes in schema right_app (closed by: ALTER \
         DEFAULT PRIVILEGES FOR ROLE right_app_role IN SCHEMA right_app REVOKE SELECT ON TABLES FROM left_app_role)",
    ),
    (
        "GRANT SELECT ON LARGE OBJECT 910002 TO left_app_role",
        "role left_app_role  has privileges on 1 large object (the first: 910002) (closed by: REVOKE ALL ON LARGE OBJECT \
         910002 FROM left_app_role)",
    ),
    (
        "ALTER ROLE left_app_role BYPASSRLS",
        "role left_app_role  sees rows past every policy (closed by: ALTER ROLE left_app_role NOBYPASSRLS)",
    ),
    (
        "GRANT pg_write_all_data TO left_app_role",
        "role left_app_role  is a member of pg_write_all_data (closed by: REVOKE pg_write_all_data FROM left_app_role)",
    ),
    (
        "CREATE ROLE between_app; GRANT pg_read_all_data TO between_app; GRANT between_app TO left_app_role",
        "role left_app_role  is a member of pg_read_all_data by way of between_app (closed by: REVOKE between_app FROM \
         left_app_role)",
    ),
    (
        "ALTER ROLE between_app BYPASSRLS",
        "role left_app_role  sees rows past every policy as between_app, which has BYPASSRLS (closed by: REVOKE \
         between_app FROM left_app_role)",
    ),
    (
        "ALTER ROLE left_app_role IN DATABASE DATABASE_ SET search_path = left_app, right_app, public",
        "role left_app_role  has schema right_app in its search_path (closed by: ALTER ROLE left_app_role SET search_path \
         = … (its own schemas and those of extensions))",
    ),
    (
        "CREATE TABLE public.shared (id integer); GRANT SELECT ON public.shared TO PUBLIC",
        "every role  has SELECT on table public.shared (closed by: REVOKE SELECT ON TABLE public.shared FROM PUBLIC)",
    ),
    (
        "GRANT CREATE ON SCHEMA public TO PUBLIC",
        "every role  has CREATE on schema public (closed by: REVOKE CREATE ON SCHEMA public FROM PUBLIC)",
    ),
    (
        "GRANT CREATE ON DATABASE DATABASE_ TO left_app_role",
        "role left_app_role  can make schemas in the database (closed by: REVOKE CREATE ON DATABASE DATABASE_ FROM \
         left_app_role)",
    ),
    (
        "GRANT SELECT ON left_app.notes TO right_app_role",
        "role right_app_role  has SELECT on table left_app.notes (closed by: REVOKE SELECT ON TABLE left_app.notes FROM \
         right_app_role)",
    ),
    (
        "GRANT USAGE ON SCHEMA left_app TO PUBLIC",
        "every role  has USAGE on schema left_app (closed by: REVOKE USAGE ON SCHEMA left_app FROM PUBLIC)",
    ),
];

/// Both applications have been loaded, each with a role of its own.
pub(super) fn check(place: &Place) {
    for schema in ["left_app", "right_app"] {
        let output = verify(place, schema, "");
        assert_eq!(leaks(&output), [""; 0], "{output}");
    }
    let named = |text: &str| text.replace("DATABASE_", place.target.name());
    let faults: Vec<&str> = LEAKS.iter().map(|(sql, _)| *sql).collect();
    place.target.execute(&named(&faults.join("; "))).unwrap();
    let mut expected: Vec<String> = LEAKS.iter().map(|(_, line)| named(line)).collect();
    expected.sort_unstable();
    let output = verify(place, "left_app", "--role left_app_role");
    output.assert_code(1);
    assert_eq!(leaks(&output), expected, "{output}");
    verify(place, "left_app", "--role nobody_here")
        .assert_code(2)
        .assert_stderr_contains("there is no role nobody_here");
}

fn verify(place: &Place, schema: &str, flags: &str) -> Output {
    place.desk.run(&format!(
        "verify {schema}.tar {} --isolation --no-health --format json {flags}",
        place.word()
    ))
}

/// The lines on these applications and on everybody; the cluster's other roles belong to other tests.
fn leaks(output: &Output) -> Vec<String> {
    let report = serde_json::from_slice(output.stdout()).unwrap();
    let found = testkit::finding_lines(&report, &["difference"]);
    let lines = found.iter().filter_map(|it| it.strip_prefix("isolation: "));
    let lines = lines.filter(|it| it.starts_with("every role") || it.contains("_app"));
    let mut lines: Vec<String> = lines.map(str::to_owned).collect();
    lines.sort_unstable();
    lines
}
