//! Roles that are called otherwise on the target: what the source gave to one the other has there, and nobody else.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use serde_json::{Value, json};
use testkit::{Cluster, Database, Desk, Output, POSTGRES};

/// Roles of the source with an `$`, whose name differs with the test.
const SOURCE: &str = "
CREATE SCHEMA app AUTHORIZATION $owner; SET ROLE $owner;
CREATE TABLE app.notes (id serial PRIMARY KEY, who text, secret text);
CREATE VIEW app.seen AS SELECT id, who FROM app.notes;
CREATE FUNCTION app.f() RETURNS integer LANGUAGE sql AS 'SELECT 1'; REVOKE ALL ON FUNCTION app.f() FROM PUBLIC;
INSERT INTO app.notes (who) VALUES ('ada'), ('bob');
GRANT USAGE ON SCHEMA app TO $reader, $writer, $gone;
GRANT SELECT ON app.notes TO $reader; GRANT SELECT (id), UPDATE (secret) ON app.notes TO $gone;
GRANT SELECT, INSERT ON app.notes TO $writer WITH GRANT OPTION; GRANT USAGE ON SEQUENCE app.notes_id_seq TO $writer;
GRANT EXECUTE ON FUNCTION app.f() TO $writer; GRANT SELECT ON app.seen TO $reader, $gone;
ALTER TABLE app.notes ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_of_it ON app.notes TO $writer USING (true); CREATE POLICY ada ON app.notes TO $reader, $gone USING (who = 'ada');
ALTER DEFAULT PRIVILEGES FOR ROLE $owner IN SCHEMA app GRANT SELECT ON TABLES TO $reader;
ALTER DEFAULT PRIVILEGES FOR ROLE $owner IN SCHEMA app GRANT INSERT ON TABLES TO $gone;
RESET ROLE;";

/// A source whose roles the server calls `LABEL_owner`, `_reader`, `_writer`, `_gone`; a target of its own role
/// `LABEL_load`, beside `new_LABEL_reader` and `new_LABEL_writer`.
struct Place {
    desk: Desk,
    source: Database<'static>,
    target: Database<'static>,
    label: &'static str,
}

impl Place {
    fn new(label: &'static str, more: &str) -> Self {
        let cluster = Cluster::shared();
        let words = ["owner", "reader", "writer", "gone"];
        let old = words.iter().map(|it| format!("CREATE ROLE {label}_{it} LOGIN; "));
        let new = ["reader", "writer"]
            .iter()
            .map(|it| format!("CREATE ROLE new_{label}_{it} LOGIN; "));
        let all: String = old.chain(new).collect();
        cluster
            .client(POSTGRES, POSTGRES)
            .unwrap()
            .batch_execute(&format!("{all} CREATE ROLE {label}_load LOGIN"))
            .unwrap();
        let source = cluster.database(label).unwrap();
        source
            .execute(&format!("{SOURCE}{more}").replace('$', &format!("{label}_")))
            .unwrap();
        Place {
            desk: Desk::shared(),
            source,
            target: cluster.database_owned_by(&format!("{label}_load")).unwrap(),
            label,
        }
    }

    /// Writes `plan.json`, by which schema `app` becomes `shop`, and dumps the source.
    fn plan(&self, roles: &Value) {
        let (name, label) = (self.source.name(), self.label);
        self.desk
            .run(&format!("assess {name} --plan {label}.json"))
            .assert_success();
        let path = self.desk.path(&format!("{label}.json"));
        let mut plan: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let source = &mut plan["sources"][0];
        source["map"] = json!({"app": "shop"});
        source["roles"] = roles.clone();
        std::fs::write(path, format!("{plan:#}")).unwrap();
        self.desk
            .run(&format!("dump {} -o {label}.tar", self.from()))
            .assert_success();
    }

    /// The source for a role that row level security hides nothing from.
    fn from(&self) -> String {
        format!("'user=postgres dbname={}'", self.source.name())
    }

    /// Runs `tool` with the plan, and what stands in `words`.
    fn planned(&self, tool: &str, words: &str) -> Output {
        let (name, label) = (self.source.name(), self.label);
        self.desk
            .run(&format!("{tool} --plan {label}.json --source {name} {words}"))
    }

    fn word(&self) -> String {
        format!("'dbname={} user={}_load'", self.target.name(), self.label)
    }

    /// Whether `role` may run each statement on the target.
    #[track_caller]
    fn check_rights(&self, role: &str, facts: &[(&str, bool)]) {
        let mut client = self.target.client(role).unwrap();
        for (sql, expected) in facts {
            let done = client.batch_execute(sql);
            assert_eq!(done.is_ok(), *expected, "{sql} as {role}: {done:?}");
        }
    }
}

#[test]
fn new_roles_have_what_the_old_ones_had_and_those_that_become_none_leave_nothing() {
    let place = Place::new("rolenames", "");
    place.plan(&json!({
        "rolenames_owner": "rolenames_load", "rolenames_reader": "new_rolenames_reader",
        "rolenames_writer": "new_rolenames_writer", "rolenames_gone": null,
    }));
    place
        .planned("remap-schema", "rolenames.tar -o rolenames_new.tar")
        .assert_success()
        .assert_stderr_contains("rolenames_gone → none")
        .assert_stderr_contains("no doubts");
    place
        .desk
        .run(&format!(
            "load {} rolenames_new.tar --privileges keep --apply default-privileges",
            place.word()
        ))
        .assert_success();
    place
        .planned(
            "verify",
            &format!("{} {} --grants --owners", place.from(), place.word()),
        )
        .assert_success();
    place.check_rights(
        "new_rolenames_reader",
        &[
            ("SELECT FROM shop.notes; SELECT FROM shop.seen", true),
            ("SELECT 1 / (count(*) - 2) FROM shop.notes", true),
            ("INSERT INTO shop.notes (who) VALUES ('x')", false),
            ("SELECT shop.f()", false),
        ],
    );
    place.check_rights(
        "new_rolenames_writer",
        &[
            ("INSERT INTO shop.notes (who) VALUES ('x')", true),
            ("SELECT 1 / (count(*) - 1) FROM shop.notes", true),
            ("SELECT shop.f()", true),
            ("GRANT SELECT ON shop.notes TO rolenames_load", true),
        ],
    );
    for role in ["rolenames_gone", "rolenames_reader"] {
        place.check_rights(
            role,
            &[("SELECT id FROM shop.notes", false), ("TABLE shop.seen", false)],
        );
    }
    let check =
        |sql: &str, expected: &[&str]| assert_eq!(place.target.query(sql).unwrap(), expected, "{sql}");
    check(
        "SELECT policyname, roles FROM pg_policies ORDER BY 1",
        &[
            "ada | {new_rolenames_reader}",
            "all_of_it | {new_rolenames_writer}",
        ],
    );
    check(
        "SELECT pg_get_userbyid(defaclrole), defaclacl FROM pg_default_acl",
        &["rolenames_load | {new_rolenames_reader=r/rolenames_load}"],
    );
    // A grant to somebody else is seen.
    place
        .target
        .execute("GRANT SELECT ON shop.notes TO rolenames_gone")
        .unwrap();
    let found = place.planned("verify", &format!("{} {} --grants", place.from(), place.word()));
    found.assert_code(1);
    assert!(
        String::from_utf8_lossy(found.stdout()).contains("select to rolenames_gone"),
        "{found}"
    );
}

#[test]
fn what_roles_cannot_become_is_refused_and_what_nobody_can_follow_is_a_doubt() {
    let place = Place::new(
        "rolesunfit",
        "CREATE FUNCTION app.g() RETURNS void LANGUAGE plpgsql AS 'BEGIN SET LOCAL ROLE $writer; END';
         CREATE POLICY mine ON app.notes USING (current_user = '$reader');",
    );
    let from = place.from();
    place
        .desk
        .run(&format!("dump {from} -o rolesunfit.tar"))
        .assert_success();
    let remap = |words: &str| {
        place.desk.run(&format!(
            "remap-schema --map app=shop rolesunfit.tar --check {words}"
        ))
    };
    remap("--role rolesunfit_reader= --role rolesunfit_gone=")
        .assert_code(2)
        .assert_stderr_contains("policies name only roles that become none")
        .assert_stderr_contains("policy ada on app.notes");
    remap("--role nobody=somebody")
        .assert_code(2)
        .assert_stderr_contains("the archive does not name role `nobody`")
        .assert_stderr_contains("rolesunfit_gone");
    remap("--role rolesunfit_gone=public")
        .assert_code(2)
        .assert_stderr_contains("no role can be called `public`");
    remap("--role rolesunfit_reader=rolesunfit_writer --role rolesunfit_writer=rolesunfit_reader")
        .assert_success()
        .assert_stderr_contains("2 doubts")
        .assert_stderr_contains("policy mine on app.notes")
        .assert_stderr_contains("function app.g()");
    remap("--strict --role rolesunfit_reader=ada").assert_code(1);
    place
        .desk
        .run(&format!(
            "pg_dump {from} | remap-schema --map app=shop --role rolesunfit_reader=ada"
        ))
        .assert_code(2)
        .assert_stderr_contains("roles get new names in archives alone");
}
