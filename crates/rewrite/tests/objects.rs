//! Objects under new names: a prefix, single renames, standardised names.

use plan::{Mapping, MappingError};
use rewrite::{Known, Rewriter, Rewritten};

/// What a source holds, as `pg_dump` writes it.
const SOURCE: &str = "
CREATE TYPE public.mood AS ENUM ('ok');
CREATE TYPE public.span AS RANGE (subtype = integer, multirange_type_name = public.spans);
CREATE TABLE public.users (id integer NOT NULL, name text, feeling public.mood);
CREATE TABLE public.orders (id integer, user_id integer);
CREATE TABLE audit.users (id integer);
CREATE SEQUENCE public.users_id_seq;
ALTER SEQUENCE public.users_id_seq OWNED BY public.users.id;
CREATE FUNCTION public.f(integer) RETURNS integer LANGUAGE c AS 'x', 'f';
CREATE FUNCTION public.lower(integer) RETURNS integer LANGUAGE c AS 'x', 'f';
ALTER TABLE ONLY public.users ADD CONSTRAINT users_pkey PRIMARY KEY (id);
CREATE INDEX users_name_idx ON public.users USING btree (name);
ALTER TABLE ONLY public.orders ADD CONSTRAINT orders_user_fkey FOREIGN KEY (user_id) REFERENCES public.users(id);
";

fn prefix() -> Mapping {
    Mapping::default()
        .with_prefix(Some("p_"))
        .expect("the prefix is valid")
}

fn rewrite(mapping: Mapping, sql: &str) -> Rewritten {
    let known = Known::from_sql(&format!("{SOURCE}{sql}"));
    Rewriter::new(mapping, known)
        .expect("the mapping fits")
        .rewrite(sql)
}

#[track_caller]
fn check_mapping(mapping: Mapping, sql: &str, expected: &str) {
    let rewritten = rewrite(mapping, sql);
    assert_eq!(rewritten.text, expected);
    assert_eq!(rewritten.doubts, [], "{sql}");
}

#[track_caller]
fn check(sql: &str, expected: &str) {
    check_mapping(prefix(), sql, expected);
}

/// Both in a function's body, in SQL and, with a semicolon, in PL/pgSQL.
#[track_caller]
fn check_body(body: &str, expected: &str) {
    let sql = |name: &str, body: &str| {
        format!("CREATE FUNCTION public.{name}() RETURNS void LANGUAGE sql AS $$ {body}; $$;")
    };
    check(&sql("g", body), &sql("p_g", expected));
    let block = |body: &str| format!("DO $$ BEGIN {body}; END $$;");
    check(&block(body), &block(expected));
}

/// The only doubt about a DO block with `body` says `expected`.
#[track_caller]
fn check_doubt(mapping: Mapping, body: &str, expected: &str) {
    let sql = format!("DO $$ BEGIN {body}; END $$;");
    let rewritten = rewrite(mapping, &sql);
    let reasons: Vec<&str> = rewritten.doubts.iter().map(|it| it.reason.as_str()).collect();
    assert_eq!(reasons, [expected], "{body}");
}

#[test]
fn definitions_of_every_kind_get_the_prefix() {
    for (sql, expected) in [
        (
            "CREATE TABLE public.t (a public.mood, b public.span[] DEFAULT public.f(1), CONSTRAINT c CHECK ((a > 1)));",
            "CREATE TABLE public.p_t (a public.p_mood, b public.p_span[] DEFAULT public.p_f(1), CONSTRAINT c CHECK ((a > 1)));",
        ),
        (
            "ALTER TABLE ONLY public.users ADD CONSTRAINT users_pkey PRIMARY KEY (id);",
            "ALTER TABLE ONLY public.p_users ADD CONSTRAINT p_users_pkey PRIMARY KEY (id);",
        ),
        (
            "ALTER TABLE ONLY public.orders ADD CONSTRAINT orders_user_fkey FOREIGN KEY (user_id) REFERENCES public.users(id);",
            "ALTER TABLE ONLY public.p_orders ADD CONSTRAINT orders_user_fkey FOREIGN KEY (user_id) REFERENCES public.p_users(id);",
        ),
        (
            "COMMENT ON CONSTRAINT users_pkey ON public.users IS 'x';\nCOMMENT ON CONSTRAINT orders_user_fkey ON public.orders IS 'x';",
            "COMMENT ON CONSTRAINT p_users_pkey ON public.p_users IS 'x';\nCOMMENT ON CONSTRAINT orders_user_fkey ON public.p_orders IS 'x';",
        ),
        (
            "CREATE INDEX users_name_idx ON public.users USING btree (name);\nALTER TABLE public.users CLUSTER ON users_name_idx;\nALTER TABLE ONLY public.users REPLICA IDENTITY USING INDEX users_pkey;",
            "CREATE INDEX p_users_name_idx ON public.p_users USING btree (name);\nALTER TABLE public.p_users CLUSTER ON p_users_name_idx;\nALTER TABLE ONLY public.p_users REPLICA IDENTITY USING INDEX p_users_pkey;",
        ),
        (
            "ALTER SEQUENCE public.users_id_seq OWNED BY public.users.id;",
            "ALTER SEQUENCE public.p_users_id_seq OWNED BY public.p_users.id;",
        ),
        (
            "SELECT pg_catalog.setval('public.users_id_seq', 1, false);",
            "SELECT pg_catalog.setval('public.p_users_id_seq', 1, false);",
        ),
        (
            "CREATE TYPE public.span AS RANGE (subtype = integer, multirange_type_name = public.spans);",
            "CREATE TYPE public.p_span AS RANGE (subtype = integer, multirange_type_name = public.p_spans);",
        ),
        (
            "CREATE TRIGGER t AFTER INSERT ON public.users FOR EACH ROW EXECUTE FUNCTION public.f();",
            "CREATE TRIGGER t AFTER INSERT ON public.p_users FOR EACH ROW EXECUTE FUNCTION public.p_f();",
        ),
        (
            "CREATE OPERATOR public.## (FUNCTION = public.f, LEFTARG = public.mood);",
            "CREATE OPERATOR public.## (FUNCTION = public.p_f, LEFTARG = public.p_mood);",
        ),
        (
            "COPY public.users (id, name) FROM stdin;",
            "COPY public.p_users (id, name) FROM stdin;",
        ),
    ] {
        check(sql, expected);
    }
}

#[test]
fn columns_of_relations_without_an_alias_follow() {
    check(
        "CREATE VIEW public.v AS SELECT users.id, o.id AS o, (users.*)::public.users AS r FROM (public.users JOIN public.orders o ON ((users.id = o.user_id)));",
        "CREATE VIEW public.p_v AS SELECT p_users.id, o.id AS o, (p_users.*)::public.p_users AS r FROM (public.p_users JOIN public.p_orders o ON ((p_users.id = o.user_id)));",
    );
    check(
        "CREATE POLICY p ON public.users USING ((EXISTS ( SELECT 1 FROM public.orders WHERE (orders.user_id = users.id))));",
        "CREATE POLICY p ON public.p_users USING ((EXISTS ( SELECT 1 FROM public.p_orders WHERE (p_orders.user_id = p_users.id))));",
    );
    check(
        "CREATE VIEW public.v AS SELECT users.id FROM public.orders users;",
        "CREATE VIEW public.p_v AS SELECT users.id FROM public.p_orders users;",
    );
}

#[test]
fn names_without_a_schema_follow_in_bodies() {
    for (body, expected) in [
        (
            "INSERT INTO users (id) VALUES (nextval('users_id_seq'), f(1)) ON CONFLICT ON CONSTRAINT users_pkey DO UPDATE SET name = users.name",
            "INSERT INTO p_users (id) VALUES (nextval('p_users_id_seq'), p_f(1)) ON CONFLICT ON CONSTRAINT p_users_pkey DO UPDATE SET name = p_users.name",
        ),
        (
            "UPDATE users SET name = orders.id FROM orders WHERE users.id = orders.id",
            "UPDATE p_users SET name = p_orders.id FROM p_orders WHERE p_users.id = p_orders.id",
        ),
        (
            "DELETE FROM users u WHERE u.id = 1 AND u.feeling = 'ok'::mood",
            "DELETE FROM p_users u WHERE u.id = 1 AND u.feeling = 'ok'::p_mood",
        ),
        (
            "INSERT INTO orders WITH users AS (SELECT id FROM users) SELECT users.id FROM users",
            "INSERT INTO p_orders WITH users AS (SELECT id FROM p_users) SELECT users.id FROM users",
        ),
        (
            "INSERT INTO orders SELECT count(users) FROM users",
            "INSERT INTO p_orders SELECT count(p_users) FROM p_users",
        ),
        (
            "DELETE FROM audit.users WHERE users.id > 1",
            "DELETE FROM audit.p_users WHERE p_users.id > 1",
        ),
    ] {
        check_body(body, expected);
    }
}

#[test]
fn derived_names_are_kept_where_a_body_uses_them() {
    let sql = |name: &str, body: &str| {
        format!(
            "CREATE FUNCTION public.{name}() RETURNS void LANGUAGE plpgsql AS $$ DECLARE r record; BEGIN {body}; END $$;"
        )
    };
    for (body, expected) in [
        (
            "FOR r IN SELECT f(id) FROM users LOOP RAISE NOTICE '%', r.f; END LOOP",
            "FOR r IN SELECT p_f(id) AS f FROM p_users LOOP RAISE NOTICE '%', r.f; END LOOP",
        ),
        (
            "PERFORM q.f FROM (SELECT f(1)) q",
            "PERFORM q.f FROM (SELECT p_f(1) AS f) q",
        ),
        ("PERFORM f.f FROM f(1)", "PERFORM f.f FROM p_f(1) AS f"),
        (
            "SELECT users, 1 INTO r FROM users; PERFORM (r.users).name",
            "SELECT p_users AS users, 1 INTO r FROM p_users; PERFORM (r.users).name",
        ),
        ("PERFORM f(1)", "PERFORM p_f(1)"),
        (
            "PERFORM name AS users FROM users ORDER BY users",
            "PERFORM name AS users FROM p_users ORDER BY users",
        ),
    ] {
        check(&sql("g", body), &sql("p_g", expected));
    }
}

#[test]
fn declarations_and_arguments_follow() {
    check(
        "CREATE FUNCTION public.g(id integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE r users%ROWTYPE; i users.id%TYPE; u users; orders record; s orders.id%TYPE;
BEGIN
  SELECT * INTO r FROM users WHERE users.id = g.id;
  g.id := orders.id;
  SELECT 1, 2 INTO STRICT g.id, r.id;
END $$;",
        "CREATE FUNCTION public.p_g(id integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE r p_users%ROWTYPE; i p_users.id%TYPE; u p_users; orders record; s p_orders.id%TYPE;
BEGIN
  SELECT * INTO r FROM p_users WHERE p_users.id = p_g.id;
  p_g.id := orders.id;
  SELECT 1, 2 INTO STRICT p_g.id, r.id;
END $$;",
    );
}

#[test]
fn the_path_of_a_routine_decides_which_table_is_meant() {
    let sql = |set: &str, name: &str, table: &str| {
        format!(
            "CREATE FUNCTION public.{name}() RETURNS bigint LANGUAGE sql{set} AS $$ SELECT count(*) FROM {table} $$;"
        )
    };
    let renamed = || {
        Mapping::default()
            .with_renames(&["audit.users=log".to_owned()])
            .expect("the pair is valid")
    };
    let audit = "\n    SET search_path TO 'audit'";
    check_mapping(renamed(), &sql(audit, "g", "users"), &sql(audit, "g", "log"));
    check_mapping(renamed(), &sql("", "g", "users"), &sql("", "g", "users"));
}

#[test]
fn what_is_not_proved_is_a_doubt() {
    check_doubt(
        prefix(),
        "PERFORM lower(1)",
        "lower is a built-in function and one of the source's own",
    );
    check_doubt(
        prefix(),
        "PERFORM 1 FROM pg_class WHERE relname = 'users'",
        "a name of an object is compared with 'users'",
    );
    check_doubt(
        prefix(),
        "PERFORM name FROM orders name, users name WHERE name = 1; EXECUTE 'SELECT ' || x || ' FROM users'",
        "EXECUTE builds its statement at run time, with users among its constants",
    );
    check_doubt(
        prefix(),
        "CREATE TEMP TABLE users (id integer); INSERT INTO users VALUES (1)",
        "temporary table users is called like a table that gets another name",
    );
    check_doubt(
        prefix(),
        "PERFORM users.f FROM users",
        "f is called as if it were a column, and gets another name",
    );
    check_doubt(
        Mapping {
            snake_case: true,
            ..Mapping::default()
        },
        "EXECUTE x",
        "EXECUTE builds its statement at run time",
    );
}

#[test]
fn sequences_and_indexes_of_a_renamed_table_follow() {
    let renamed = Mapping::default()
        .with_renames(&["public.users=accounts".to_owned()])
        .expect("the pair is valid");
    check_mapping(
        renamed,
        "ALTER SEQUENCE public.users_id_seq OWNED BY public.users.id;
ALTER TABLE ONLY public.users ADD CONSTRAINT users_pkey PRIMARY KEY (id);
CREATE INDEX users_name_idx ON public.users USING btree (name);
CREATE VIEW public.v AS SELECT users.id FROM public.users, audit.users users_1;",
        "ALTER SEQUENCE public.accounts_id_seq OWNED BY public.accounts.id;
ALTER TABLE ONLY public.accounts ADD CONSTRAINT accounts_pkey PRIMARY KEY (id);
CREATE INDEX accounts_name_idx ON public.accounts USING btree (name);
CREATE VIEW public.v AS SELECT accounts.id FROM public.accounts, audit.users users_1;",
    );
}

#[test]
fn two_objects_never_get_one_name() {
    let refused = |mapping: Mapping, sql: &str| {
        Rewriter::new(mapping, Known::from_sql(sql))
            .expect_err("it is refused")
            .to_string()
    };
    let long = "a".repeat(60);
    let message = refused(
        Mapping::default()
            .with_prefix(Some("pre_"))
            .expect("the prefix is valid"),
        &format!("CREATE TABLE public.{long}1 (); CREATE TABLE public.{long}2 ();"),
    );
    assert_eq!(
        message,
        format!(
            "public.{long}1 (pre_{long}1) and public.{long}2 (pre_{long}2) would both become `pre_{}`",
            "a".repeat(59)
        )
    );
    let snake = Mapping {
        snake_case: true,
        ..Mapping::default()
    };
    assert_eq!(
        refused(
            snake.clone(),
            "CREATE TABLE public.t (\"orderId\" integer, order_id integer);"
        ),
        "column \"orderId\" of public.t and column order_id would both become `order_id`"
    );
    assert_eq!(
        refused(
            snake,
            "CREATE TABLE public.\"Users\" (); CREATE TYPE public.users AS ENUM ();"
        ),
        "public.\"Users\" (users) and public.users (users) would both become `users`"
    );
    let unknown = Mapping::default().with_renames(&["public.nothing=x".to_owned()]);
    assert!(matches!(
        Rewriter::new(unknown.expect("the pair is valid"), Known::from_sql("")),
        Err(MappingError::NoSuchObject(_))
    ));
}

#[test]
fn names_are_standardised() {
    let snake = Mapping {
        snake_case: true,
        ..Mapping::default()
    };
    check_mapping(
        snake,
        "CREATE TABLE public.\"OrderItems\" (\"orderId\" integer, CONSTRAINT \"CK_Items\" CHECK ((\"orderId\" > 0)));
ALTER TABLE ONLY public.\"OrderItems\" ADD CONSTRAINT \"PK_OrderItems\" PRIMARY KEY (\"orderId\");
CREATE TRIGGER \"OnInsert\" AFTER INSERT ON public.\"OrderItems\" FOR EACH ROW EXECUTE FUNCTION public.f();
CREATE VIEW public.v AS SELECT \"OrderItems\".\"orderId\" FROM public.\"OrderItems\";",
        "CREATE TABLE public.order_items (\"orderId\" integer, CONSTRAINT ck_items CHECK ((\"orderId\" > 0)));
ALTER TABLE ONLY public.order_items ADD CONSTRAINT pk_order_items PRIMARY KEY (\"orderId\");
CREATE TRIGGER on_insert AFTER INSERT ON public.order_items FOR EACH ROW EXECUTE FUNCTION public.f();
CREATE VIEW public.v AS SELECT order_items.\"orderId\" FROM public.order_items;",
    );
}
