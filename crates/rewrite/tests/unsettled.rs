//! Names that the source's search path does not settle: nothing is pinned, since callers' paths decide.

use catalog::{Catalog, Object, ObjectKind, Schema};
use plan::Mapping;
use rewrite::{Known, Rewriter, SearchPath};

const FUNCTION: &str = "CREATE FUNCTION public.t() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN INSERT INTO log VALUES (1); RETURN NEW; END$$;";
const TRIGGER: &str =
    "CREATE TRIGGER g BEFORE INSERT ON public.orders FOR EACH ROW EXECUTE FUNCTION public.t();";

/// The doubts about a trigger function that writes `log`, which stands in `schemas`, in a source with this path.
fn check(schemas: &[&str], path: &[&str], expected: &[&str]) {
    let all = || schemas.iter().chain(&["public"]).map(|it| (*it).to_owned());
    let table = |schema: &&str| Object {
        kind: ObjectKind::Table,
        schema: (*schema).to_owned(),
        name: "log".to_owned(),
        table: None,
        indexed: false,
    };
    let catalog = Catalog {
        schemas: all().map(|name| Schema { name, comment: None }).collect(),
        objects: schemas.iter().map(table).collect(),
        search_path: path.iter().map(|it| (*it).to_owned()).collect(),
        ..Catalog::default()
    };
    let mapping = Mapping::new(Some("x"), &[]).expect("the name is valid");
    let mut rewriter = Rewriter::new(mapping, Known::from_catalog(&catalog))
        .expect("the mapping fits")
        .with_search_path(SearchPath::Pin);
    rewriter.survey(&[FUNCTION, TRIGGER]);
    let rewritten = rewriter.rewrite(FUNCTION);
    let reasons: Vec<&str> = rewritten.doubts.iter().map(|it| it.reason.as_str()).collect();
    assert_eq!(reasons, expected, "{schemas:?}");
    assert_eq!(
        rewritten.pins.len(),
        usize::from(expected.is_empty()),
        "{schemas:?}"
    );
}

#[test]
fn one_schema_on_the_path_settles_a_name() {
    check(&["app"], &["app"], &[]);
}

#[test]
fn a_schema_off_the_path_does_not() {
    check(
        &["app"],
        &["public"],
        &["log stands in app: the caller's search_path decides, so nothing is pinned to x, pg_temp"],
    );
}

#[test]
fn several_schemas_do_not() {
    check(
        &["app", "other"],
        &["app", "public"],
        &[
            "log stands in app, other: the caller's search_path decides, so nothing is pinned to x_app, x, pg_temp",
        ],
    );
}
