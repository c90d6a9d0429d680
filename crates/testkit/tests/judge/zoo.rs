//! The zoo: every trap, judged by its definitions, its bodies, and a list of uses.

use testkit::fixtures::{ZOO_PATH, ZOO_SCHEMAS, ZOO_USES, answers, zoo};
use testkit::judge::{Naming, count, renamed};
use testkit::{Cluster, Database, POSTGRES};

use super::{Case, Way};

/// `load` says that it leaves them alone.
const NOT_LOADED: &[(&str, &str)] = &[
    (
        "on_ddl; Type: EVENT TRIGGER",
        "what stands outside schemas and acts on the whole database is not loaded",
    ),
    (
        "EVENT TRIGGER on_ddl; Type: COMMENT",
        "the event trigger is not loaded",
    ),
];

/// Whenever the text search configuration gets a new name.
const ARGUMENT: (&str, &str) = (
    "users search; Type: TRIGGER",
    "PostgreSQL's own rename leaves the configuration in the trigger's argument, and so breaks the trigger",
);

/// In plain SQL under a prefix.
const DOUBTED: [(&str, &str); 2] = [
    (
        "public.on_cages",
        "its transition tables are called like tables, and its trigger comes after its body",
    ),
    ("left_wing.cages", "its trigger calls public.on_cages"),
];

const SWAP: [(&str, &str); 2] = [("left_wing", "right_wing"), ("right_wing", "left_wing")];

#[test]
fn every_trap_survives_a_new_schema_in_an_archive() {
    check(Way::Archive, &to("park"), "--to park");
}

#[test]
fn every_trap_survives_a_new_schema_in_plain_sql() {
    check(Way::PlainSql, &to("park"), "--to park");
}

#[test]
fn two_schemas_swap_their_names_in_an_archive() {
    check(Way::Archive, &Naming::from(&SWAP), &swap());
}

#[test]
fn two_schemas_swap_their_names_in_plain_sql() {
    check(Way::PlainSql, &Naming::from(&SWAP), &swap());
}

#[test]
fn every_trap_survives_a_prefix_in_an_archive() {
    check(
        Way::Archive,
        &to("park").with_prefix("zz9_"),
        "--to park --prefix zz9_",
    );
}

#[test]
fn every_trap_survives_a_prefix_in_plain_sql() {
    check(
        Way::PlainSql,
        &to("park").with_prefix("zz9_"),
        "--to park --prefix zz9_",
    );
}

#[test]
fn every_use_answers_in_the_zoo_itself() {
    let zoo = zoo(Cluster::shared()).unwrap();
    let mut wrong = Vec::new();
    for question in ZOO_USES {
        match answered(&zoo, &Naming::default(), question) {
            Ok(lines) if lines.is_empty() => wrong.push(format!("nobody answers anything: {question}")),
            Ok(_) => {}
            Err(error) => wrong.push(error),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn postgresql_itself_gives_every_object_of_the_zoo_its_prefix() {
    let zoo = zoo(Cluster::shared()).unwrap();
    let renamed = renamed(&zoo, Naming::default().with_prefix("zz9_")).unwrap();
    let left = renamed
        .query(
            "WITH objects AS (
                 SELECT 'pg_class'::regclass AS class, oid, relnamespace AS schema, relname AS name FROM pg_class
                 UNION ALL SELECT 'pg_type'::regclass, oid, typnamespace, ltrim(typname, '_') FROM pg_type
                 UNION ALL SELECT 'pg_proc'::regclass, oid, pronamespace, proname FROM pg_proc
                 UNION ALL SELECT 'pg_opclass'::regclass, oid, opcnamespace, opcname FROM pg_opclass
                 UNION ALL SELECT 'pg_opfamily'::regclass, oid, opfnamespace, opfname FROM pg_opfamily
                 UNION ALL SELECT 'pg_collation'::regclass, oid, collnamespace, collname FROM pg_collation
                 UNION ALL SELECT 'pg_conversion'::regclass, oid, connamespace, conname FROM pg_conversion
                 UNION ALL SELECT 'pg_ts_dict'::regclass, oid, dictnamespace, dictname FROM pg_ts_dict
                 UNION ALL SELECT 'pg_ts_config'::regclass, oid, cfgnamespace, cfgname FROM pg_ts_config
                 UNION ALL SELECT 'pg_statistic_ext'::regclass, oid, stxnamespace, stxname FROM pg_statistic_ext
             )
             SELECT class, name FROM objects JOIN pg_namespace AS n ON n.oid = schema
             WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' AND name !~ '^zz9_'
                 AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = class AND objid = objects.oid AND deptype = 'e')
                 AND name NOT IN ('citext', 'gtrgm') -- array types of extensions' types
             ORDER BY 1, 2",
        )
        .unwrap();
    assert_eq!(left, [""; 0]);
}

/// The names that `--to` gives.
fn to(schema: &str) -> Naming {
    let others = |it: &&str| match *it {
        "public" => schema.to_owned(),
        other => format!("{schema}_{other}"),
    };
    let new: Vec<String> = ZOO_SCHEMAS.iter().map(others).collect();
    let pairs: Vec<(&str, &str)> = ZOO_SCHEMAS
        .into_iter()
        .zip(new.iter().map(String::as_str))
        .collect();
    Naming::from(pairs.as_slice())
}

/// The arguments that give the names of [`SWAP`].
fn swap() -> String {
    let pairs = SWAP.iter().map(|(old, new)| format!("--map {old}={new}"));
    pairs.collect::<Vec<_>>().join(" ")
}

#[track_caller]
fn check(way: Way, naming: &Naming, arguments: &str) {
    let source = zoo(Cluster::shared()).unwrap();
    let mut case = Case::new(source, ZOO_PATH, naming.clone(), arguments);
    (case.reader, case.loader) = (POSTGRES, POSTGRES);
    if naming.schema("public") != "public" {
        case.explained.push(ARGUMENT);
    }
    if way == Way::Archive {
        case.explained.extend(NOT_LOADED);
    } else if !naming.prefix().is_empty() {
        case.doubted.extend(DOUBTED);
    }
    let (target, output) = case.check(way);
    let mut wrong = Vec::new();
    let is_doubted = |question: &&&str| {
        case.doubted.iter().any(|(object, _)| {
            let name = object.trim_start_matches("public.");
            question.contains(&format!("{{{name}}}"))
        })
    };
    let uses: Vec<_> = ZOO_USES.iter().filter(|it| !is_doubted(it)).collect();
    for question in &uses {
        let expected = answered(&case.source, &Naming::default(), question).unwrap();
        let found = match answered(&target, naming, question) {
            Ok(lines) => lines.iter().map(|it| naming.mapped_back(it)).collect(),
            Err(error) => vec![error],
        };
        if found != expected {
            wrong.push(format!("{question}\n  source {expected:?}\n  result {found:?}"));
        }
    }
    count(&format!(
        "{} uses, {} answered otherwise",
        ZOO_USES.len(),
        wrong.len()
    ));
    assert!(wrong.is_empty(), "{output}\n{}", wrong.join("\n"));
}

/// What `question` answers in a database whose names are those of `naming`, or the error.
fn answered(database: &Database<'_>, naming: &Naming, question: &str) -> Result<Vec<String>, String> {
    let mut client = database.admin().unwrap();
    let path = naming.path(ZOO_PATH).join(", ");
    answers(&mut client, &path, &naming.spelled(question)).map_err(|it| it.chain())
}
