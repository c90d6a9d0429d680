//! Which routines get the search path that their bodies lean on, and which are left.

use catalog::{Catalog, Extension, Member, Object, ObjectKind, Schema};
use plan::Mapping;
use rewrite::{Known, Rewriter, Rewritten, SearchPath};

const PATH: &str = "SET search_path TO 'x', 'public', 'pg_temp'";

fn object(kind: ObjectKind, name: &str) -> Object {
    Object {
        kind,
        schema: "public".to_owned(),
        name: name.to_owned(),
        table: None,
        indexed: false,
    }
}

/// `public` with a table, a type, and citext beside them.
fn catalog() -> Catalog {
    let member = |kind, name: &str| Member {
        kind,
        schema: "public".to_owned(),
        name: name.to_owned(),
    };
    Catalog {
        schemas: vec![Schema {
            name: "public".to_owned(),
            comment: None,
        }],
        extensions: vec![Extension {
            name: "ext".to_owned(),
            version: "1".to_owned(),
            schema: "public".to_owned(),
            trusted: true,
            members: vec![
                member(ObjectKind::Type, "citext"),
                member(ObjectKind::Function, "replace"),
                member(ObjectKind::Operator, "="),
                member(ObjectKind::Operator, "%"),
            ],
        }],
        objects: vec![
            object(ObjectKind::Table, "orders"),
            object(ObjectKind::Type, "mood"),
            object(ObjectKind::Function, "f"),
            object(ObjectKind::Function, "g"),
        ],
        search_path: vec!["public".to_owned()],
        ..Catalog::default()
    }
}

fn mapping() -> Mapping {
    Mapping::new(Some("x"), &[]).expect("the name is valid")
}

/// Rewrites `texts` as those of one archive.
fn rewrite_with(policy: SearchPath, mapping: Mapping, catalog: &Catalog, texts: &[&str]) -> Vec<Rewritten> {
    let mut rewriter = Rewriter::new(mapping, Known::from_catalog(catalog))
        .expect("the mapping fits")
        .with_search_path(policy);
    rewriter.survey(texts);
    texts.iter().map(|it| rewriter.rewrite(it)).collect()
}

fn rewrite(texts: &[&str]) -> Vec<Rewritten> {
    rewrite_with(SearchPath::Pin, mapping(), &catalog(), texts)
}

fn sql(name: &str, body: &str) -> String {
    format!(
        "CREATE FUNCTION public.{name}(a text) RETURNS text\n    LANGUAGE sql IMMUTABLE\n    AS $$SELECT {body}$$;\n"
    )
}

/// Needs `f`.
const INDEX: &str = "CREATE INDEX i ON public.orders USING btree (public.f(id));\n";

/// The objects that are pinned and those that are left leaning.
fn fates(texts: &[&str]) -> (Vec<String>, Vec<String>) {
    let (mut pinned, mut left) = (Vec::new(), Vec::new());
    for rewritten in rewrite(texts) {
        pinned.extend(rewritten.pins.into_iter().map(|it| it.object));
        left.extend(rewritten.leaning.into_iter().map(|it| it.object));
    }
    (pinned, left)
}

#[track_caller]
fn check(texts: &[&str], pinned: &[&str], left: &[&str]) {
    let found = fates(texts);
    let names = |names: &[&str]| -> Vec<String> {
        names.iter().map(|it| format!("function public.{it}()")).collect()
    };
    assert_eq!(found, (names(pinned), names(left)), "{texts:?}");
}

#[test]
fn body_leans_when_a_name_is_not_proved_to_be_built_in() {
    for body in [
        "id FROM orders",
        "a::mood",
        "f(a)",
        "replace(a, 'x', 'y')",
        "a % 'b'",
        "CASE a WHEN 'b' THEN 'c' END",
        "a IN ('b')",
        "a COLLATE mine",
        "to_tsvector('mine', a)",
        "nextval('counter')",
        "'orders'::regclass",
        "1; INSERT INTO orders SELECT 1",
        "unknown(a)",
        "current_schema",
        "current_schemas(true)::text",
        "a::regclass::text",
        "to_regclass(a)",
        "nextval(a)",
    ] {
        check(&[&sql("g", body)], &[], &["g"]);
    }
    for body in [
        "lower(a) || 'x'",
        "id FROM public.orders",
        "id FROM pg_class",
        "a::text COLLATE \"C\"",
        "a::integer + 1",
        "a::public.mood",
        "coalesce(a, 'b')",
        "to_tsvector('simple', a)",
        "nextval('public.counter')",
        "c FROM (WITH b AS (SELECT 1 AS c) SELECT c FROM b) AS d",
    ] {
        check(&[&sql("g", body)], &[], &[]);
    }
}

#[test]
fn what_postgresql_calls_by_itself_is_pinned() {
    let f = sql("f", "id FROM orders");
    for caller in [
        INDEX,
        "CREATE INDEX i ON public.orders USING btree (id) WHERE (public.f(id) IS NULL);",
        "ALTER TABLE ONLY public.orders ADD CONSTRAINT c CHECK ((public.f(id) > 0));",
        "ALTER TABLE ONLY public.orders ALTER COLUMN id SET DEFAULT public.f('a'::text);",
        "CREATE TABLE public.t (a text, b text GENERATED ALWAYS AS (public.f(a)) STORED);",
        "CREATE TABLE public.t (a text DEFAULT public.f('b'::text), CONSTRAINT c CHECK (public.f(a) IS NULL));",
        "CREATE DOMAIN public.d AS text CONSTRAINT c CHECK (public.f(VALUE) IS NULL);",
        "CREATE POLICY p ON public.orders USING ((id = public.f('a'::text)));",
        "CREATE MATERIALIZED VIEW public.m AS\n SELECT public.f('a'::text) AS f\n  WITH NO DATA;",
        "CREATE TRIGGER t BEFORE INSERT ON public.orders FOR EACH ROW EXECUTE FUNCTION public.f();",
        "CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION public.f();",
        "CREATE OPERATOR public.@@@ (FUNCTION = public.f, LEFTARG = text, RIGHTARG = text);",
        "CREATE CAST (public.mood AS text) WITH FUNCTION public.f(public.mood);",
        "CREATE AGGREGATE public.agg(text) (SFUNC = public.f, STYPE = text);",
        "CREATE OPERATOR CLASS public.c FOR TYPE text USING btree AS FUNCTION 1 public.f(text, text);",
        "CREATE STATISTICS public.s ON (public.f(id)), id FROM public.orders;",
    ] {
        check(&[&f, caller], &["f"], &[]);
    }
    for caller in [
        "",
        "CREATE VIEW public.v AS SELECT public.f('a'::text) AS f;",
        "ALTER FUNCTION public.f(a text) OWNER TO somebody;",
        "COMMENT ON FUNCTION public.f(a text) IS 'public.f()';",
        "GRANT ALL ON FUNCTION public.f(a text) TO somebody;",
    ] {
        check(&[&f, caller], &[], &["f"]);
    }
}

#[test]
fn routines_are_reached_through_views_and_through_bodies() {
    let g = sql("g", "id FROM orders");
    for f in ["g(a)", "public.g(a)"] {
        let f = format!(
            "CREATE FUNCTION public.f(a text) RETURNS text LANGUAGE plpgsql\n    AS $$BEGIN RETURN {f}; END$$;"
        );
        let pinned: &[&str] = if f.contains("public.g(") { &["g"] } else { &["f"] };
        // A pinned caller gives its path to what it calls.
        let left: &[&str] = if f.contains("public.g(") { &[] } else { &["g"] };
        check(&[&format!("{f}\n{g}{INDEX}")], pinned, left);
    }
    let atomic =
        "CREATE FUNCTION public.f(a text) RETURNS text LANGUAGE sql BEGIN ATOMIC SELECT public.g(a); END;";
    check(&[atomic, &g, INDEX], &["g"], &[]);
    let view = "CREATE VIEW public.v AS SELECT public.g('a'::text) AS g;\nCREATE VIEW public.w AS SELECT v.g FROM public.v;\n";
    let materialized = "CREATE MATERIALIZED VIEW public.m AS SELECT w.g FROM public.w;";
    check(&[&g, view, materialized], &["g"], &[]);
    check(&[&sql("f", "v.g FROM public.v"), &g, view, INDEX], &["g"], &[]);
    let own_path = "CREATE FUNCTION public.f(a text) RETURNS text\n    LANGUAGE sql\n    SET search_path TO 'public'\n    AS $$SELECT g(a)$$;";
    check(&[own_path, &g, INDEX], &[], &["g"]);
}

#[test]
fn routines_are_reached_through_views_that_grow() {
    let view = |columns: &str| format!("CREATE OR REPLACE VIEW public.v AS SELECT {columns};\n");
    let reader = "CREATE MATERIALIZED VIEW public.m AS SELECT * FROM public.v;\n";
    let f = sql("f", "id FROM orders");
    let growing = |later: &str| [f.as_str(), &view("1 AS f"), reader, later].concat();
    check(&[&growing(&view("1 AS f, public.f('x') AS b"))], &["f"], &[]);
    check(&[&growing(&view("1 AS f, 2 AS b"))], &[], &["f"]);
}

#[test]
fn views_between_tables_are_not_walked_through_again_and_again() {
    let pair = |it: u32| {
        format!(
            "CREATE TABLE public.t{it} (a int CHECK (public.f(a) > {it}));\nCREATE VIEW public.v{it} AS SELECT public.f({it});\n\
             CREATE MATERIALIZED VIEW public.m{it} AS SELECT a FROM public.v{it};\n"
        )
    };
    let tables: String = (0..4_000).map(pair).collect();
    let start = std::time::Instant::now();
    check(&[&(sql("f", "id FROM orders") + &tables)], &["f"], &[]);
    assert!(start.elapsed().as_secs() < 10, "{:?}", start.elapsed());
}

#[test]
fn defaults_of_arguments_are_called_by_the_caller() {
    let f = "CREATE FUNCTION public.f(a text, b text DEFAULT public.g('x'::text)) RETURNS text\n    LANGUAGE sql\n    AS $$SELECT a$$;\n";
    check(&[f, &sql("g", "id FROM orders"), INDEX], &["g"], &[]);
}

#[test]
fn routine_that_sets_the_path_keeps_doing_so() {
    for statement in [
        "PERFORM set_config('search_path', 'public', false);",
        "SET LOCAL search_path = public;",
    ] {
        let f = format!(
            "CREATE FUNCTION public.f(a text) RETURNS text\n    LANGUAGE plpgsql\n    AS $$BEGIN {statement} RETURN g(a); END$$;\n"
        );
        check(&[&f, &sql("g", "id FROM orders"), INDEX], &["g"], &["f"]);
    }
}

#[test]
fn only_leaning_overloads_are_pinned() {
    let other =
        "CREATE FUNCTION public.f(a integer) RETURNS integer\n    LANGUAGE sql\n    AS $$SELECT a + 1$$;\n";
    let c = "CREATE FUNCTION public.f(a bytea) RETURNS bytea\n    LANGUAGE c\n    AS '$libdir/x', 'f';\n";
    check(&[&sql("f", "id FROM orders"), other, c, INDEX], &["f"], &[]);
}

#[test]
fn what_cannot_be_told_leans() {
    let function = |language: &str, body: &str| {
        format!(
            "CREATE FUNCTION public.f(a text) RETURNS text\n    LANGUAGE {language}\n    AS $b${body}$b$;\n"
        )
    };
    for f in [
        function("plpython3u", "return a"),
        function("plpgsql", "BEGIN EXECUTE a; END"),
        function("plpgsql", "BEGIN EXECUTE 'TABLE orders'; END"),
        function("plpgsql", "DECLARE b orders; BEGIN END"),
        function("plpgsql", "DECLARE b orders%ROWTYPE; BEGIN END"),
        function("plpgsql", "DECLARE b orders.id%TYPE; BEGIN END"),
        function("sql", "FROBNICATE"),
    ] {
        check(&[&f, INDEX], &["f"], &[]);
    }
    for f in [
        function("plpgsql", "BEGIN EXECUTE 'TABLE public.orders'; END"),
        function(
            "plpgsql",
            "DECLARE b integer := 1; orders text; BEGIN orders := a; b := b + 1; END",
        ),
    ] {
        check(&[&f, INDEX], &[], &[]);
    }
}

#[test]
fn transition_tables_come_with_their_trigger() {
    let f = "CREATE FUNCTION public.f() RETURNS trigger\n    LANGUAGE plpgsql\n    AS $$BEGIN PERFORM count(*) FROM fresh; RETURN NULL; END$$;\n";
    let trigger = |referencing: &str| {
        format!(
            "CREATE TRIGGER t AFTER INSERT ON public.orders {referencing} FOR EACH STATEMENT EXECUTE FUNCTION public.f();"
        )
    };
    check(&[f, &trigger("REFERENCING NEW TABLE AS fresh")], &[], &[]);
    check(&[f, &trigger("")], &["f"], &[]);
}

#[test]
fn procedures_that_control_transactions_are_never_pinned() {
    let procedure = |name: &str, body: &str| {
        format!("CREATE PROCEDURE public.{name}()\n    LANGUAGE plpgsql\n    AS $$BEGIN {body} END$$;\n")
    };
    let trigger = "CREATE FUNCTION public.f() RETURNS trigger\n    LANGUAGE plpgsql\n    AS $$BEGIN CALL public.p(); RETURN NULL; END$$;
        CREATE TRIGGER t BEFORE INSERT ON public.orders EXECUTE FUNCTION public.f();";
    for (body, is_pinned) in [
        ("INSERT INTO orders VALUES (1);", true),
        ("INSERT INTO orders VALUES (1); COMMIT;", false),
        ("INSERT INTO orders VALUES (1); CALL q();", false),
        ("INSERT INTO orders VALUES (1); CALL r();", true),
        ("INSERT INTO orders VALUES (1); CALL elsewhere();", false),
        ("INSERT INTO orders VALUES (1); EXECUTE 'CALL ' || name;", false),
    ] {
        let others = procedure("q", "ROLLBACK;") + &procedure("r", "NULL;");
        let text = procedure("p", body) + &others + trigger;
        let rewritten = rewrite(&[&text]).remove(0);
        let fate = |objects: Vec<String>| objects.contains(&"procedure public.p()".to_owned());
        let pins = rewritten.pins.into_iter().map(|it| it.object).collect();
        let left = rewritten.leaning.into_iter().map(|it| it.object).collect();
        assert_eq!((fate(pins), fate(left)), (is_pinned, !is_pinned), "{body}");
    }
}

#[test]
fn setting_stands_on_a_line_of_its_own() {
    let texts = [sql("f", "id FROM orders"), INDEX.to_owned()];
    let [first, second] = &rewrite(&[&texts[0], &texts[1]])[..] else {
        panic!("as many texts as before");
    };
    let expected = texts[0]
        .replacen("public", "x", 1)
        .replace("    AS", &format!("    {PATH}\n    AS"));
    assert_eq!(first.text, expected);
    assert_eq!(second.text, INDEX.replace("public", "x"));
    let edit = first.edits.last().expect("the setting is an edit");
    assert_eq!((edit.old.as_str(), edit.line), ("", 3));
    assert_eq!(first.counts.names, 1);
    assert_eq!(first.pins[0].path, ["x", "public", "pg_temp"]);
    let one_line = "CREATE FUNCTION public.f() RETURNS text LANGUAGE sql AS 'SELECT id FROM orders';";
    let rewritten = rewrite(&[one_line, INDEX]).remove(0);
    assert!(
        rewritten
            .text
            .contains(&format!("sql \n    {PATH}\n    AS 'SELECT")),
        "{}",
        rewritten.text
    );
}

#[test]
fn path_is_the_sources_own_under_the_new_names() {
    let shown = |mapping: Mapping, path: &[&str], change: &dyn Fn(&mut Catalog)| {
        let mut catalog = catalog();
        catalog.search_path = path.iter().map(|it| (*it).to_owned()).collect();
        change(&mut catalog);
        let f = sql("f", "id FROM orders");
        let mut rewritten = rewrite_with(SearchPath::Pin, mapping, &catalog, &[&f, INDEX]).remove(0);
        rewritten.pins.pop().map(|it| it.path.join(","))
    };
    let same = |_: &mut Catalog| {};
    let check = |found: Option<String>, expected: &str| assert_eq!(found.as_deref(), Some(expected));
    check(
        shown(mapping(), &["billing", "public"], &same),
        "x_billing,x,public,pg_temp",
    );
    let extensions = mapping()
        .with_extensions_schemas(&["ext".to_owned()])
        .expect("a valid name");
    check(shown(extensions, &["public"], &same), "x,ext,pg_temp");
    let none = |it: &mut Catalog| it.extensions.clear();
    check(shown(mapping(), &["public"], &none), "x,pg_temp");
    let alone = |it: &mut Catalog| it.extensions[0].schema = "home".to_owned();
    check(shown(mapping(), &["home", "public"], &alone), "public,x,pg_temp");
    let odd = Mapping::new(Some("it's"), &[]).expect("a valid name");
    check(shown(odd, &["public"], &none), "it's,pg_temp");
    assert_eq!(shown(mapping(), &[], &same), None);
    assert_eq!(shown(Mapping::default(), &["public"], &same), None);
}

#[test]
fn left_is_left_and_listed() {
    let f = sql("f", "id FROM orders");
    let rewritten = rewrite_with(SearchPath::Leave, mapping(), &catalog(), &[&f, INDEX]).remove(0);
    assert_eq!(rewritten.text, f.replacen("public", "x", 1));
    assert_eq!((rewritten.pins.len(), rewritten.leaning.len()), (0, 1));
    for (policy, leans) in [(SearchPath::Leave, true), (SearchPath::Pin, false)] {
        let mut rewriter = Rewriter::for_stream(mapping()).with_search_path(policy);
        rewriter.learn(&(f.clone() + INDEX)).expect("the mapping fits");
        assert_eq!(rewriter.leans("function public.f()"), leans, "{policy:?}");
    }
}

/// Sections of a plain dump, each rewritten before the next is known.
fn rewrite_in_turn(sections: &[&str]) -> Vec<Rewritten> {
    let mut rewriter = Rewriter::for_stream(mapping()).with_search_path(SearchPath::Pin);
    let in_turn = sections
        .iter()
        .map(|it| rewriter.learn_and_rewrite(it).expect("the mapping fits"));
    in_turn.collect()
}

#[test]
fn routine_that_is_needed_later_gets_its_path_then() {
    let before = "CREATE TYPE public.mood AS ENUM ('ok');
CREATE FUNCTION public.f(IN a public.mood DEFAULT 'ok'::public.mood, VARIADIC \"B c\" text[] DEFAULT '{}'::text[], OUT d text) RETURNS text
    LANGUAGE sql IMMUTABLE
    AS $$SELECT id FROM orders$$;
CREATE TABLE public.orders (id text);\n";
    let after = format!("SELECT 1;\n-- the index\n{INDEX}{INDEX}");
    let [first, second] = &rewrite_in_turn(&[before, &after])[..] else {
        panic!("as many sections as before");
    };
    assert!(
        !first.text.contains("search_path") && first.leaning.len() == 1,
        "{}",
        first.text
    );
    let statement = "ALTER FUNCTION x.f(IN a x.mood, VARIADIC \"B c\" text[], OUT d text) SET search_path TO 'x', 'pg_temp';\n\n";
    let index = INDEX.replace("public", "x");
    assert_eq!(
        second.text,
        format!("SELECT 1;\n-- the index\n{statement}{index}{index}")
    );
    assert_eq!((second.pins.len(), second.pins[0].line), (1, 3));
    assert_eq!(second.pins[0].object, first.leaning[0].object);
    let [_, at_once, again] = &rewrite_in_turn(&[before, INDEX, INDEX])[..] else {
        panic!("as many sections as before");
    };
    assert_eq!(at_once.text, format!("{statement}{index}"));
    assert_eq!(again.text, index);
}

#[test]
fn late_setting_follows_a_prefix_too() {
    let mapping = mapping().with_prefix(Some("p_")).expect("the prefix is valid");
    let mut rewriter = Rewriter::for_stream(mapping).with_search_path(SearchPath::Pin);
    let before = sql("f", "id FROM orders") + "CREATE TABLE public.orders (id text);";
    rewriter.learn_and_rewrite(&before).expect("the mapping fits");
    let after = rewriter.learn_and_rewrite(INDEX).expect("the mapping fits").text;
    let statement = "ALTER FUNCTION x.p_f(a text) SET search_path TO 'x', 'pg_temp';";
    assert!(after.starts_with(statement), "{after}");
}

#[test]
fn dump_of_a_database_says_its_path() {
    let settings = "ALTER DATABASE d OWNER TO billing;\nALTER DATABASE d SET search_path TO '$user', 'gone', 'public';\n";
    let f = sql("f", "id FROM orders");
    let text = format!("{settings}CREATE SCHEMA billing;\n{f}{INDEX}");
    let rewritten = rewrite_in_turn(&[&text]).remove(0);
    assert_eq!(rewritten.pins[0].path, ["x_billing", "x", "pg_temp"]);
}

#[test]
fn in_plain_sql_an_extension_may_bring_any_overload() {
    let f = sql("f", "lower(a)");
    let extension = "CREATE EXTENSION e WITH SCHEMA public;\n";
    for (before, pins) in [("", 0), (extension, 1)] {
        let rewritten = rewrite_in_turn(&[&format!("{before}{f}{INDEX}")]).remove(0);
        assert_eq!(rewritten.pins.len(), pins, "{before}");
    }
}
