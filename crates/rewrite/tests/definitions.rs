//! Definitions as `pg_dump` writes them: every name in its role gets its new schema, everything else stays.

use catalog::Catalog;
use plan::Mapping;
use rewrite::{Known, Rewriter};

/// Installed in `public`, so that a name there may be an extension's.
const EXTENSION: &str = "CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;\n";

fn rewrite(sql: &str, known: &str, pairs: &[&str]) -> String {
    let pairs: Vec<String> = pairs.iter().map(|it| (*it).to_owned()).collect();
    let rewriter = Rewriter::new(
        Mapping::new(None, &pairs).expect("the pairs are valid"),
        Known::from_sql(known),
    )
    .expect("the mapping fits");
    let rewritten = rewriter.rewrite(sql);
    assert_eq!(rewritten.doubts, [], "{sql}");
    assert_eq!(rewritten.notes, [], "{sql}");
    rewritten.text
}

/// `public` becomes `x`; everything that has a schema is the source's own, as with an archive.
fn check(sql: &str, expected: &str) {
    let mapping = Mapping::new(None, &["public=x".to_owned()]).expect("the pair is valid");
    let known = Known::from_catalog(&Catalog::default());
    let rewriter = Rewriter::new(mapping, known).expect("the mapping fits");
    let rewritten = rewriter.rewrite(sql);
    assert_eq!(rewritten.doubts, [], "{sql}");
    assert_eq!(rewritten.notes, [], "{sql}");
    assert_eq!(rewritten.text, expected);
}

/// The reasons of the doubts about a dump that consists of `sql`.
fn check_doubts(sql: &str, expected: &[&str]) {
    let mapping = Mapping::new(None, &["public=x".to_owned()]).expect("the pair is valid");
    let rewriter = Rewriter::new(mapping, Known::from_sql(sql)).expect("the mapping fits");
    let rewritten = rewriter.rewrite(sql);
    let reasons: Vec<&str> = rewritten.doubts.iter().map(|it| it.reason.as_str()).collect();
    assert_eq!(reasons, expected, "{sql}");
}

#[test]
fn what_a_dump_does_not_make_is_a_doubt() {
    check_doubts(
        "CREATE EXTENSION IF NOT EXISTS citext WITH SCHEMA public;
CREATE TABLE public.t (a public.citext);
CREATE VIEW public.v AS SELECT log.a FROM public.log;",
        &["public.log is not made by the dump"],
    );
    check_doubts(
        "CREATE TABLE public.t (a public.citext);
ALTER TABLE ONLY public.t ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES public.other(id);",
        &[
            "public.citext is not made by the dump",
            "public.other is not made by the dump",
        ],
    );
    // Rows, and what comes behind them, without the definitions.
    check_doubts(
        "COPY public.t (a) FROM stdin;\nSELECT pg_catalog.setval('public.q', 1, true);
CREATE INDEX i ON public.t USING btree (public.f(a));",
        &[],
    );
    // A table of its own, and one of which only the rows are there.
    check_doubts(
        "CREATE TABLE public.u (a integer);\nCOPY public.t (a) FROM stdin;\nSELECT pg_catalog.setval('public.q', 1, true);",
        &[],
    );
}

#[test]
fn tables_and_their_parts_move() {
    check(
        "CREATE TABLE public.t (a public.mood DEFAULT 'ok'::public.mood NOT NULL, b public.pos[] COLLATE public.de);",
        "CREATE TABLE x.t (a x.mood DEFAULT 'ok'::x.mood NOT NULL, b x.pos[] COLLATE x.de);",
    );
    check(
        "CREATE TABLE public.c () INHERITS (public.p);",
        "CREATE TABLE x.c () INHERITS (x.p);",
    );
    check(
        "CREATE TABLE public.t (n integer GENERATED ALWAYS AS (public.f(a)) STORED, CONSTRAINT k CHECK ((public.g(a) > 0)));",
        "CREATE TABLE x.t (n integer GENERATED ALWAYS AS (x.f(a)) STORED, CONSTRAINT k CHECK ((x.g(a) > 0)));",
    );
    check(
        "ALTER TABLE ONLY public.ev ATTACH PARTITION public.ev1 FOR VALUES FROM ('public.a') TO ('b');",
        "ALTER TABLE ONLY x.ev ATTACH PARTITION x.ev1 FOR VALUES FROM ('public.a') TO ('b');",
    );
    check(
        "ALTER INDEX public.a ATTACH PARTITION public.b;",
        "ALTER INDEX x.a ATTACH PARTITION x.b;",
    );
    check(
        "ALTER TABLE ONLY public.l ADD CONSTRAINT public FOREIGN KEY (o) REFERENCES public.o(id) NOT VALID;",
        "ALTER TABLE ONLY x.l ADD CONSTRAINT public FOREIGN KEY (o) REFERENCES x.o(id) NOT VALID;",
    );
    check(
        "ALTER TABLE public.t OWNER TO public;",
        "ALTER TABLE x.t OWNER TO public;",
    );
}

#[test]
fn sequences_move_with_their_names_in_literals() {
    check(
        "ALTER TABLE ONLY public.t ALTER COLUMN id SET DEFAULT nextval('public.t_id_seq'::regclass);",
        "ALTER TABLE ONLY x.t ALTER COLUMN id SET DEFAULT nextval('x.t_id_seq'::regclass);",
    );
    check(
        "SELECT pg_catalog.setval('public.q', 7, true);",
        "SELECT pg_catalog.setval('x.q', 7, true);",
    );
    check(
        "ALTER SEQUENCE public.q OWNED BY public.t.id;",
        "ALTER SEQUENCE x.q OWNED BY x.t.id;",
    );
    check(
        "ALTER TABLE public.t ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (SEQUENCE NAME public.t_id_seq START WITH 1);",
        "ALTER TABLE x.t ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (SEQUENCE NAME x.t_id_seq START WITH 1);",
    );
}

#[test]
fn views_keep_aliases_and_columns_called_like_the_schema() {
    check(
        "CREATE VIEW public.v AS SELECT public.id, public.orders.n, public.f(public.a) FROM (public.orders public JOIN public.public o ON (public.id = o.public));",
        "CREATE VIEW x.v AS SELECT public.id, x.orders.n, x.f(public.a) FROM (x.orders public JOIN x.public o ON (public.id = o.public));",
    );
    check(
        "CREATE VIEW public.v AS WITH public AS (SELECT 1 AS id) SELECT public.id, (public.c).d FROM public FOR UPDATE OF public;",
        "CREATE VIEW x.v AS WITH public AS (SELECT 1 AS id) SELECT public.id, (public.c).d FROM public FOR UPDATE OF public;",
    );
    check(
        "CREATE MATERIALIZED VIEW public.m AS SELECT orders.* FROM public.orders, LATERAL public.g(orders.id) g(a) WITH NO DATA;",
        "CREATE MATERIALIZED VIEW x.m AS SELECT orders.* FROM x.orders, LATERAL x.g(orders.id) g(a) WITH NO DATA;",
    );
    check(
        "CREATE VIEW public.v AS SELECT (a OPERATOR(public.@@@) b) FROM ONLY public.t TABLESAMPLE system (1);",
        "CREATE VIEW x.v AS SELECT (a OPERATOR(x.@@@) b) FROM ONLY x.t TABLESAMPLE system (1);",
    );
}

#[test]
fn literals_that_are_names_move() {
    for (old, new) in [
        ("'public.t'::regclass", "'x.t'::regclass"),
        (
            "'public.\"T\"'::pg_catalog.regclass",
            "'x.\"T\"'::pg_catalog.regclass",
        ),
        ("CAST('public.mood[]' AS regtype)", "CAST('x.mood[]' AS regtype)"),
        (
            "'public.f(public.mood, integer)'::regprocedure",
            "'x.f(x.mood, integer)'::regprocedure",
        ),
        ("'public.f'::regproc", "'x.f'::regproc"),
        ("'public.==='::regoper", "'x.==='::regoper"),
        (
            "'public.===(public.mood,integer)'::regoperator",
            "'x.===(x.mood,integer)'::regoperator",
        ),
        (
            "to_tsvector('public.conf'::regconfig, a)",
            "to_tsvector('x.conf'::regconfig, a)",
        ),
        ("to_tsvector('public.conf', a)", "to_tsvector('x.conf', a)"),
        ("'public'::regnamespace", "'x'::regnamespace"),
        ("to_regclass('public.t')", "to_regclass('x.t')"),
        (
            "pg_get_serial_sequence('public.t', 'public')",
            "pg_get_serial_sequence('x.t', 'public')",
        ),
        ("E'public.t'::regclass", "E'x.t'::regclass"),
        ("$$public.t$$::regclass", "$$x.t$$::regclass"),
        ("'public'::text", "'public'::text"),
        ("'t'::regclass", "'t'::regclass"),
    ] {
        check(&format!("SELECT {old};"), &format!("SELECT {new};"));
    }
}

#[test]
fn triggers_policies_and_rules_move() {
    check(
        "CREATE TRIGGER public BEFORE UPDATE ON public.t FOR EACH ROW WHEN ((new.m = 'ok'::public.mood)) EXECUTE FUNCTION public.f('public.t');",
        "CREATE TRIGGER public BEFORE UPDATE ON x.t FOR EACH ROW WHEN ((new.m = 'ok'::x.mood)) EXECUTE FUNCTION x.f('public.t');",
    );
    check(
        "CREATE TRIGGER ts BEFORE UPDATE ON public.t FOR EACH ROW EXECUTE FUNCTION tsvector_update_trigger('doc', 'public.conf', 'title');",
        "CREATE TRIGGER ts BEFORE UPDATE ON x.t FOR EACH ROW EXECUTE FUNCTION tsvector_update_trigger('doc', 'x.conf', 'title');",
    );
    check(
        "CREATE POLICY p ON public.t TO PUBLIC USING ((EXISTS (SELECT 1 FROM public.l WHERE (l.o = t.id))));",
        "CREATE POLICY p ON x.t TO PUBLIC USING ((EXISTS (SELECT 1 FROM x.l WHERE (l.o = t.id))));",
    );
    check(
        "CREATE RULE r AS ON DELETE TO public.l DO (INSERT INTO audit.log (a) VALUES (old.a); UPDATE public.o SET n = 1;);",
        "CREATE RULE r AS ON DELETE TO x.l DO (INSERT INTO audit.log (a) VALUES (old.a); UPDATE x.o SET n = 1;);",
    );
}

#[test]
fn routines_and_operators_move() {
    check(
        "CREATE FUNCTION public.f(a public.mood DEFAULT 'ok'::public.mood) RETURNS SETOF public.t LANGUAGE sql BEGIN ATOMIC SELECT t.a FROM public.t WHERE (t.n = CASE WHEN true THEN 1 END); END;",
        "CREATE FUNCTION x.f(a x.mood DEFAULT 'ok'::x.mood) RETURNS SETOF x.t LANGUAGE sql BEGIN ATOMIC SELECT t.a FROM x.t WHERE (t.n = CASE WHEN true THEN 1 END); END;",
    );
    check(
        "CREATE AGGREGATE public.agg(text) (SFUNC = public.f, STYPE = public.mood, SORTOP = OPERATOR(public.<));",
        "CREATE AGGREGATE x.agg(text) (SFUNC = x.f, STYPE = x.mood, SORTOP = OPERATOR(x.<));",
    );
    check(
        "CREATE OPERATOR public.=== (FUNCTION = public.f, LEFTARG = public.mood, RIGHTARG = integer, COMMUTATOR = OPERATOR(public.===));",
        "CREATE OPERATOR x.=== (FUNCTION = x.f, LEFTARG = x.mood, RIGHTARG = integer, COMMUTATOR = OPERATOR(x.===));",
    );
    check(
        "ALTER OPERATOR public.=== (public.mood, integer) OWNER TO o;",
        "ALTER OPERATOR x.=== (x.mood, integer) OWNER TO o;",
    );
    check(
        "CREATE CAST (public.mood AS integer) WITH FUNCTION public.f(public.mood);",
        "CREATE CAST (x.mood AS integer) WITH FUNCTION x.f(x.mood);",
    );
}

#[test]
fn schemas_move_wherever_they_are_named() {
    for (old, new) in [
        ("CREATE SCHEMA public;", "CREATE SCHEMA x;"),
        (
            "ALTER SCHEMA public OWNER TO public;",
            "ALTER SCHEMA x OWNER TO public;",
        ),
        (
            "COMMENT ON SCHEMA public IS 'public';",
            "COMMENT ON SCHEMA x IS 'public';",
        ),
        (
            "GRANT USAGE ON SCHEMA public TO PUBLIC;",
            "GRANT USAGE ON SCHEMA x TO PUBLIC;",
        ),
        (
            "REVOKE ALL ON TABLE public.t FROM PUBLIC;",
            "REVOKE ALL ON TABLE x.t FROM PUBLIC;",
        ),
        (
            "GRANT SELECT(a) ON TABLE public.t TO r;",
            "GRANT SELECT(a) ON TABLE x.t TO r;",
        ),
        (
            "GRANT ALL ON FUNCTION public.f(a public.mood) TO r;",
            "GRANT ALL ON FUNCTION x.f(a x.mood) TO r;",
        ),
        (
            "ALTER DEFAULT PRIVILEGES FOR ROLE public IN SCHEMA public GRANT SELECT ON TABLES TO r;",
            "ALTER DEFAULT PRIVILEGES FOR ROLE public IN SCHEMA x GRANT SELECT ON TABLES TO r;",
        ),
        (
            "SET search_path = public, pg_catalog;",
            "SET search_path = x, pg_catalog;",
        ),
        (
            "SET search_path TO 'public', \"$user\";",
            "SET search_path TO 'x', \"$user\";",
        ),
        (
            "SELECT pg_catalog.set_config('search_path', 'public, audit', false);",
            "SELECT pg_catalog.set_config('search_path', 'x, audit', false);",
        ),
        (
            "SELECT pg_catalog.set_config('search_path', '', false);",
            "SELECT pg_catalog.set_config('search_path', '', false);",
        ),
        (
            "ALTER PUBLICATION p ADD TABLES IN SCHEMA public;",
            "ALTER PUBLICATION p ADD TABLES IN SCHEMA x;",
        ),
        ("COPY public.t (a) FROM stdin;", "COPY x.t (a) FROM stdin;"),
        (
            "COMMENT ON COLUMN public.t.public IS 'a';",
            "COMMENT ON COLUMN x.t.public IS 'a';",
        ),
        (
            "COMMENT ON EXTENSION pg_trgm IS 'public';",
            "COMMENT ON EXTENSION pg_trgm IS 'public';",
        ),
    ] {
        check(old, new);
    }
}

#[test]
fn extensions_stay_where_the_target_keeps_them() {
    let own = "CREATE TABLE public.t (a text);";
    let known = format!("{EXTENSION}{own}");
    for (old, new) in [
        (EXTENSION, EXTENSION),
        (own, "CREATE TABLE x.t (a text);"),
        (
            "SELECT public.similarity('a', t.a) FROM public.t;",
            "SELECT public.similarity('a', t.a) FROM x.t;",
        ),
        (
            "CREATE INDEX i ON public.t USING gin (a public.gin_trgm_ops);",
            "CREATE INDEX i ON x.t USING gin (a public.gin_trgm_ops);",
        ),
        (
            "SELECT ('a' OPERATOR(public.%) 'b');",
            "SELECT ('a' OPERATOR(public.%) 'b');",
        ),
        (
            "SELECT NULL::public.t[], NULL::public.gtrgm;",
            "SELECT NULL::x.t[], NULL::public.gtrgm;",
        ),
        ("SELECT '_'::public._t;", "SELECT '_'::x._t;"),
        (
            "SET search_path TO 'public', 'pg_temp';",
            "SET search_path TO 'x', 'public', 'pg_temp';",
        ),
    ] {
        assert_eq!(rewrite(old, &known, &["public=x"]), new);
    }
    let moved = rewrite("CREATE EXTENSION pg_trgm WITH SCHEMA ext;", "", &["ext=y"]);
    assert_eq!(
        moved,
        "CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;"
    );
}

#[test]
fn columns_that_hold_names_of_objects_are_doubts() {
    for (sql, doubts) in [
        ("CREATE TABLE public.t (a regclass);", &["a"][..]),
        (
            "CREATE TABLE public.t (a regproc[] NOT NULL, b pg_catalog.regtype, c regrole);",
            &["a", "b"],
        ),
        ("CREATE TYPE public.p AS (a integer, b regclass);", &["b"]),
        ("CREATE DOMAIN public.d AS regclass NOT NULL;", &["d"]),
        ("CREATE DOMAIN public.\"D e\" AS pg_catalog.regproc[];", &["D"]),
        (
            "CREATE DOMAIN public.regclass AS text; CREATE DOMAIN public.d AS public.regclass;",
            &[],
        ),
        (
            "CREATE TYPE public.r AS RANGE (subtype_opclass = pg_catalog.oid_ops, subtype = regclass);",
            &["r"],
        ),
        (
            "CREATE TYPE public.r AS RANGE (subtype = oid, multirange_type_name = public.regclass);",
            &[],
        ),
        ("CREATE TABLE public.t (regclass integer DEFAULT 1, b text);", &[]),
        ("SELECT 'public.t'::regclass;", &[]),
        (
            "CREATE FUNCTION public.f(a regclass) RETURNS void LANGUAGE sql AS 'CREATE TEMP TABLE t (a regclass)';",
            &[],
        ),
    ] {
        let mapping = Mapping::new(None, &["public=x".to_owned()]).expect("the pair is valid");
        let rewritten = Rewriter::new(mapping, Known::from_sql(sql))
            .expect("the mapping fits")
            .rewrite(sql);
        let columns = rewritten
            .doubts
            .iter()
            .map(|it| it.reason.split(' ').nth(1).unwrap_or_default());
        assert_eq!(columns.collect::<Vec<_>>(), doubts, "{sql}");
    }
}

#[test]
fn names_are_quoted_where_they_must_be_and_read_as_the_server_reads_them() {
    assert_eq!(
        rewrite("TABLE public.t;", "", &["public=Big Name"]),
        "TABLE \"Big Name\".t;"
    );
    assert_eq!(
        rewrite("TABLE public.t;", "", &["public=order"]),
        "TABLE \"order\".t;"
    );
    assert_eq!(
        rewrite("SELECT 'public.t'::regclass;", "", &["public=it's"]),
        "SELECT '\"it''s\".t'::regclass;"
    );
    assert_eq!(
        rewrite("TABLE \"public\".t; TABLE PUBLIC.t;", "", &["public=x"]),
        "TABLE x.t; TABLE x.t;"
    );
    assert_eq!(
        rewrite("TABLE \"Public\".t;", "", &["public=x"]),
        "TABLE \"Public\".t;"
    );
    assert_eq!(
        rewrite("TABLE \"a.b\".t;", "CREATE SCHEMA \"a.b\";", &["a.b=x"]),
        "TABLE x.t;"
    );
    assert_eq!(
        rewrite("TABLE a.t; TABLE b.t;", "", &["a=b", "b=a"]),
        "TABLE b.t; TABLE a.t;"
    );
}

#[test]
fn commands_of_psql_and_comments_keep_their_bytes() {
    check(
        "\\restrict public.\n--\n-- Name: t; Schema: public\n--\nTABLE public . t; -- public.t\n\\unrestrict public.\n",
        "\\restrict public.\n--\n-- Name: t; Schema: public\n--\nTABLE x . t; -- public.t\n\\unrestrict public.\n",
    );
}
