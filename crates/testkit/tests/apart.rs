//! What concerns more than the schemas of a source: recorded, applied on request alone, and refused before any work
//! where it does not fit; and what becomes of the privileges that everybody had.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use archive::{Reader, SchemaMember, TarSink, TarStore, Writer};
use testkit::{Cluster, Database, Desk, Output, POSTGRES, target_word};

/// `$ROLE` stands for a role of this test, `$DB` for the database.
const SOURCE: &str = "
CREATE SCHEMA audit;
CREATE TABLE t (id int PRIMARY KEY, note text); INSERT INTO t VALUES (1, 'one');
CREATE TABLE audit.log (what text);
CREATE TEXT SEARCH CONFIGURATION words (COPY = pg_catalog.simple);
CREATE FUNCTION on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO audit.log VALUES (tg_tag); END $$;
CREATE PUBLICATION news FOR TABLE t (id) WHERE (id > 0), audit.log WITH (publish = 'insert');
COMMENT ON PUBLICATION news IS 'some of it';
CREATE EVENT TRIGGER watch ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION on_ddl();
COMMENT ON EVENT TRIGGER watch IS 'who did it';
ALTER DEFAULT PRIVILEGES FOR ROLE $OWNER IN SCHEMA public GRANT SELECT ON TABLES TO $ROLE;
CREATE SUBSCRIPTION feed CONNECTION 'host=db.example.com password=canary-one' PUBLICATION p, q
  WITH (connect = false, slot_name = NONE, binary = true);
ALTER DATABASE $DB SET search_path = \"$user\", public, audit, pg_catalog;
ALTER DATABASE $DB SET \"app.api_key\" = 'canary-two';
ALTER DATABASE $DB SET app.dsn = 'postgres://it:canary-three@db/x';
ALTER ROLE $ROLE IN DATABASE $DB SET default_text_search_config = 'public.words';
ALTER ROLE $ROLE IN DATABASE $DB SET work_mem = '8MB';";

/// What stands on the target of what [`SOURCE`] has apart from its schemas.
const APPLIED: &str = "
SELECT pubname || ' of ' || schemaname || '.' || tablename || ' ' || attnames::text || coalesce(rowfilter, '') FROM pg_publication_tables
UNION ALL SELECT obj_description(oid, 'pg_publication') FROM pg_publication
UNION ALL SELECT concat(evtname, ' calls ', pronamespace::regnamespace, '.', proname) FROM pg_event_trigger
  JOIN pg_proc AS f ON f.oid = evtfoid
UNION ALL SELECT concat_ws(' ', subname, subconninfo, subenabled, subslotname, subpublications, subbinary) FROM pg_subscription
  WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())
UNION ALL SELECT concat('default for ', defaclrole::regrole, ' in ', defaclnamespace::regnamespace) FROM pg_default_acl
UNION ALL SELECT concat_ws(' ', nullif(setrole, 0)::regrole, unnest(setconfig)) FROM pg_db_role_setting
  WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
ORDER BY 1";

struct Case {
    desk: Desk,
    source: Database<'static>,
    target: Database<'static>,
    role: String,
    /// What `dump` said of the source.
    said: String,
}

impl Case {
    /// A source made by `sql` and dumped into `whole.tar`, with an empty target.
    fn new(sql: &str) -> Self {
        let cluster = Cluster::shared();
        let source = cluster.database("apart").unwrap();
        let role = format!("role_{}", source.name());
        source.execute(&format!("CREATE ROLE {role} LOGIN")).unwrap();
        let sql = sql.replace("$ROLE", &role).replace("$DB", source.name());
        source.execute(&sql.replace("$OWNER", "target_owner")).unwrap();
        let (desk, target) = (Desk::shared(), cluster.target().unwrap());
        let mut case = Case {
            desk,
            source,
            target,
            role,
            said: String::new(),
        };
        case.said = case.dump().assert_success().stderr();
        case
    }

    /// As superuser, which alone may read subscriptions.
    fn dump(&self) -> Output {
        let source = self.source.name();
        let line = format!("dump 'dbname={source} user={POSTGRES}' --compress none -o whole.tar");
        self.desk.run(&line)
    }

    fn load_as(&self, user: &str, flags: &str) -> Output {
        let target = format!("'dbname={} user={user}'", self.target.name());
        self.desk.run(&format!(
            "remap-schema --to shop whole.tar | load {target} {flags}"
        ))
    }

    fn load(&self, flags: &str) -> Output {
        self.load_as("target_owner", flags)
    }

    fn answers(&self, sql: &str) -> Vec<String> {
        self.target.query(sql).unwrap()
    }
}

impl Drop for Case {
    fn drop(&mut self) {
        // A subscription would hold its database.
        for database in [&self.source, &self.target] {
            let _ = database.execute("DROP SUBSCRIPTION IF EXISTS feed");
        }
    }
}

// Fault 49.
#[test]
fn what_stands_apart_is_applied_when_it_is_asked_for() {
    let case = Case::new(SOURCE);
    let archive = std::fs::read(case.desk.path("whole.tar")).unwrap();
    let text = String::from_utf8_lossy(&archive);
    assert!(!text.contains("canary"), "a password is in the archive");
    for said in [
        "setting app.api_key is not in the archive, since it can hold a password",
        "setting app.dsn is not in the archive",
        "subscription feed is in the archive without its password",
    ] {
        assert!(case.said.contains(said), "{}", case.said);
    }

    // Asked for too much.
    let refused = case.load("--apply event-triggers,subscriptions,settings,default-privileges");
    refused
        .assert_code(5)
        .assert_stderr_contains("nothing was written");
    for said in [
        "event trigger watch needs a superuser",
        "subscription feed needs a superuser",
        &format!("setting work_mem of role {} is refused", case.role),
    ] {
        refused.assert_stderr_contains(said);
    }
    let (role, name) = (&case.role, case.target.name());
    case.target
        .execute(&format!(
            "CREATE PUBLICATION news; ALTER DATABASE {name} SET search_path = mine"
        ))
        .unwrap();
    case.load_as(POSTGRES, "--apply publications,settings")
        .assert_code(5)
        .assert_stderr_contains("publication news exists")
        .assert_stderr_contains("setting search_path has another value here");
    case.target
        .execute(&format!(
            "DROP PUBLICATION news; ALTER DATABASE {name} RESET search_path"
        ))
        .unwrap();
    assert_eq!(case.answers("SELECT to_regnamespace('shop') IS NULL"), ["t"]);

    // A load that fails leaves nothing of it, also in the moment in which some is applied already.
    case.target
        .execute(
            "CREATE FUNCTION stop() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no news here'; END $$;
             CREATE EVENT TRIGGER stop ON ddl_command_start WHEN TAG IN ('CREATE PUBLICATION') EXECUTE FUNCTION stop()",
        )
        .unwrap();
    case.load("--apply publications,default-privileges")
        .assert_code(5)
        .assert_stderr_contains("no news here")
        .assert_stderr_contains("nothing is live");
    case.target
        .execute("DROP EVENT TRIGGER stop; DROP FUNCTION stop")
        .unwrap();
    assert_eq!(case.answers(APPLIED), [""; 0]);
    case.desk
        .run(&format!("load --abandon shop {}", target_word(&case.target)))
        .assert_success();

    let report = case.load_as(
        POSTGRES,
        "--apply default-privileges,publications,settings,subscriptions,event-triggers --format json",
    );
    report
        .assert_success()
        .assert_stderr_contains("subscription feed is switched off")
        .assert_stderr_contains("setting search_path holds for every role of the database");
    assert!(report.stdout_text().contains("\"name\": \"watch\""), "{report}");
    assert_eq!(
        case.answers(APPLIED),
        [
            "default for target_owner in shop".to_owned(),
            "feed host=db.example.com f {p,q} t".to_owned(),
            "news of shop.t {id}(id > 0)".to_owned(),
            "news of shop_audit.log {what}".to_owned(),
            format!("{role} default_text_search_config=shop.words"),
            format!("{role} work_mem=8MB"),
            "search_path=\"$user\", shop, shop_audit, pg_catalog".to_owned(),
            "some of it".to_owned(),
            "watch calls shop.on_ddl".to_owned(),
        ]
    );
}

#[test]
fn what_stands_apart_stays_there_and_is_told() {
    let case = Case::new(SOURCE);
    let loaded = case.load("--format json");
    loaded.assert_success().assert_stderr_contains(
        "not applied (--apply): default privileges target_owner; publications news; settings search_path",
    );
    assert!(loaded.stdout_text().contains("\"applied\": false"), "{loaded}");
    assert_eq!(case.answers(APPLIED), [""; 0]);

    // Nor does it pass among the definitions; and a role that relied on `public` is asked for before any work.
    let whole = std::fs::read(case.desk.path("whole.tar")).unwrap();
    std::fs::write(case.desk.path("whole.tar"), crafted(&whole)).unwrap();
    let refused = case.desk.run(&format!(
        "load {} whole.tar --privileges keep",
        target_word(&case.target)
    ));
    refused.assert_code(5);
    for said in [
        "ALTER SYSTEM stands among the archive's definitions",
        "CREATE EVENT TRIGGER stands among the archive's definitions",
        "role nobody_here does not exist",
        "nothing was written",
    ] {
        refused.assert_stderr_contains(said);
    }
}

/// The archive as somebody else could have made it, with checksums that fit.
fn crafted(archive: &[u8]) -> Vec<u8> {
    let mut reader = Reader::new(TarStore::new(archive)).unwrap();
    let texts = reader.schema().unwrap();
    let mut header = reader.header().clone();
    let usage = header.catalog.public_usage.first_mut().unwrap();
    usage.relied_on_by.push("nobody_here".to_owned());
    let mut writer = Writer::new(TarSink::new(Vec::new()), &header).unwrap();
    for (member, mut sql) in texts {
        match member {
            SchemaMember::PreData => sql.push_str("\nALTER SYSTEM SET work_mem = 1;\n"),
            SchemaMember::PostData => {
                sql.push_str("\nCREATE EVENT TRIGGER e ON sql_drop EXECUTE FUNCTION f();\n");
            }
            _ => {}
        }
        writer.schema(member, &sql).unwrap();
    }
    while let Some((rows, record)) = reader.next_chunk().unwrap() {
        reader
            .chunk_stream(|body| writer.pass_chunk(rows, &record, body))
            .unwrap();
    }
    writer.finish_with(reader.finish().unwrap().tables).unwrap().0
}

// Fault 24.
#[test]
fn what_the_role_may_not_make_is_refused_all_at_once() {
    let case = Case::new(
        "CREATE EXTENSION postgres_fdw; CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw;
         CREATE FOREIGN DATA WRAPPER own; CREATE SERVER \"of own\" FOREIGN DATA WRAPPER own;
         CREATE FOREIGN TABLE farther (a int) SERVER far;
         CREATE TABLE numbered (id serial); INSERT INTO numbered VALUES (3); CREATE TABLE near () INHERITS (numbered);
         CREATE FOREIGN TABLE remote () INHERITS (numbered) SERVER far; INSERT INTO near VALUES (7); CREATE TABLE t (id int); CREATE TABLE u (id int);
         CREATE PUBLICATION everything FOR ALL TABLES; COMMENT ON PUBLICATION everything IS 'all of it';
         ALTER DATABASE $DB SET work_mem = '8MB';
         UPDATE pg_db_role_setting SET setconfig = '{work_memory=8MB}' WHERE setrole = 0
           AND setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database());
         INSERT INTO pg_seclabel SELECT oid, 'pg_class'::regclass, 0, 'classifier', 'secret' FROM pg_class WHERE relname IN ('t', 'u')",
    );
    let refused = case.load("--apply publications,settings");
    refused.assert_code(5);
    for said in [
        "setting work_memory is refused: unrecognized configuration parameter",
        "extension postgres_fdw is not trusted",
        "foreign-data wrapper own needs a superuser",
        "publication everything is for all tables",
        "security label provider classifier is not loaded",
        "nothing was written",
    ] {
        refused.assert_stderr_contains(said);
    }
    assert_eq!(refused.stderr().matches("classifier").count(), 1, "{refused}");
    case.target
        .execute("CREATE EXTENSION postgres_fdw; CREATE FOREIGN DATA WRAPPER own; CREATE SERVER \"of own\" FOREIGN DATA WRAPPER own")
        .unwrap();
    case.load("")
        .assert_code(5)
        .assert_stderr_contains(
            "server far needs USAGE on its wrapper: GRANT USAGE ON FOREIGN DATA WRAPPER postgres_fdw",
        )
        .assert_stderr_contains("foreign-data wrapper own exists")
        .assert_stderr_contains("server of own exists");
    assert_eq!(case.answers("SELECT to_regnamespace('shop') IS NULL"), ["t"]);
    case.target
        .execute("GRANT USAGE ON FOREIGN DATA WRAPPER postgres_fdw TO target_owner")
        .unwrap();
    case.source
        .execute("DROP FOREIGN DATA WRAPPER own CASCADE; DELETE FROM pg_seclabel")
        .unwrap();
    case.desk.run("rm whole.tar").assert_success();
    case.dump().assert_success();
    // The server of the foreign tables does not answer: rows below `numbered` are looked at where they are here.
    case.load("")
        .assert_success()
        .assert_stderr_contains("sequence shop.numbered_id_seq stands at 1, its column holds 7");
    assert_eq!(
        case.answers("SELECT ftrelid::regclass FROM pg_foreign_table ORDER BY 1"),
        ["shop.farther", "shop.remote"]
    );
}

/// An application whose role lives by PUBLIC's USAGE on `public`, in a database of before PostgreSQL 15.
const APPLICATION: &str = "
GRANT ALL ON SCHEMA public TO PUBLIC;
CREATE SCHEMA shared; GRANT USAGE ON SCHEMA shared TO PUBLIC;
CREATE TABLE t (id int); CREATE TABLE everybodys (id int); CREATE TABLE shared.s (id int);
CREATE VIEW v AS SELECT id FROM t;
GRANT SELECT (id) ON t TO $ROLE;
GRANT SELECT ON everybodys, shared.s TO PUBLIC;
CREATE ROLE $ROLE_through; GRANT USAGE ON SCHEMA public TO $ROLE_through;
CREATE ROLE $ROLE_member IN ROLE $ROLE_through; GRANT SELECT ON v TO $ROLE_member;";

#[test]
fn applications_in_one_database_do_not_see_each_other() {
    let [first, second] = [APPLICATION, APPLICATION].map(Case::new);
    let usage = first.desk.run("tar xOf whole.tar archive.json").stdout_text();
    let relied = format!(
        "\"public_usage\":[{{\"schema\":\"public\",\"built_in\":true,\"relied_on_by\":[\"{}\"]}},\
         {{\"schema\":\"shared\",\"built_in\":false,\"relied_on_by\":[]}}]",
        first.role
    );
    let compact: String = usage.split_whitespace().collect();
    assert!(compact.contains(&relied), "{usage}");
    let target = target_word(&first.target);
    for (case, schema) in [(&first, "one"), (&second, "two")] {
        let loaded = case.desk.run(&format!(
            "remap-schema --to {schema} whole.tar | load {target} --privileges keep"
        ));
        loaded
            .assert_success()
            .assert_stderr_contains(&format!("schema {schema} was open to PUBLIC in the source"))
            .assert_stderr_contains(&format!("{} relied on that and get USAGE", case.role))
            .assert_stderr_contains(&format!(
                "schema {schema}_shared was open to PUBLIC in the source and is not here; roles to whom"
            ))
            .assert_stderr_contains(
                "grants to PUBLIC on objects are kept, for whoever has USAGE on the schema: 2",
            );
    }
    for (case, own, other) in [(&first, "one", "two"), (&second, "two", "one")] {
        let mut client = first.target.client(&case.role).unwrap();
        for (table, seen) in [
            (format!("{own}.t"), true),
            (format!("{own}.everybodys"), true),
            (format!("{other}.t"), false),
            (format!("{other}.everybodys"), false),
            (format!("{own}_shared.s"), true),
            (format!("{other}_shared.s"), false),
        ] {
            let read = client.query(&format!("SELECT id FROM {table}"), &[]);
            assert_eq!(read.is_ok(), seen, "{} of {table}", case.role);
        }
        assert!(
            client
                .batch_execute(&format!("CREATE TABLE {own}.mine ()"))
                .is_err()
        );
    }
}
