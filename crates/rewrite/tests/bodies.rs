//! Bodies of routines: only names that are proved to be the source's are changed, and what is not proved is
//! said.

use catalog::{Catalog, Extension, Member, Object, ObjectKind, Schema};
use plan::Mapping;
use rewrite::{Known, Rewriter, Rewritten};

fn member(kind: ObjectKind, name: &str) -> Member {
    Member {
        kind,
        schema: "public".to_owned(),
        name: name.to_owned(),
    }
}

fn object(kind: ObjectKind, name: &str) -> Object {
    Object {
        kind,
        schema: "public".to_owned(),
        name: name.to_owned(),
        table: None,
        indexed: false,
    }
}

/// `public` with two tables, a function, a sequence, and pgcrypto.
fn source() -> Known {
    let extension = Extension {
        name: "pgcrypto".to_owned(),
        version: "1.3".to_owned(),
        schema: "public".to_owned(),
        trusted: true,
        members: vec![
            member(ObjectKind::Function, "digest"),
            member(ObjectKind::Function, "both"),
        ],
    };
    let objects = vec![
        object(ObjectKind::Table, "orders"),
        object(ObjectKind::Table, "lines"),
        object(ObjectKind::Function, "f"),
        object(ObjectKind::Function, "both"),
        object(ObjectKind::Type, "mood"),
        object(ObjectKind::Sequence, "counter"),
    ];
    Known::from_catalog(&Catalog {
        schemas: vec![Schema {
            name: "public".to_owned(),
            comment: None,
        }],
        extensions: vec![extension],
        objects,
        ..Catalog::default()
    })
}

fn rewrite(sql: &str) -> Rewritten {
    Rewriter::new(Mapping::new(Some("x"), &[]).expect("the name is valid"), source())
        .expect("the mapping fits")
        .rewrite(sql)
}

fn plpgsql(body: &str) -> String {
    format!(
        "CREATE FUNCTION public.f() RETURNS void LANGUAGE plpgsql AS $$\nDECLARE r record;\nBEGIN\n{body}\nEND $$;"
    )
}

/// One statement of PL/pgSQL; the name of the function moves besides.
fn check(body: &str, expected: &str) {
    let rewritten = rewrite(&plpgsql(body));
    assert_eq!(
        rewritten.text,
        plpgsql(expected).replacen("public.f()", "x.f()", 1)
    );
    assert_eq!(rewritten.doubts, [], "{body}");
    assert_eq!(rewritten.notes, [], "{body}");
}

/// The reason of the only doubt, and its line within the function.
fn check_doubt(body: &str, line: usize, reason: &str) {
    let rewritten = rewrite(&plpgsql(body));
    assert_eq!(rewritten.text, plpgsql(body).replacen("public.f()", "x.f()", 1));
    let doubts: Vec<_> = rewritten
        .doubts
        .iter()
        .map(|it| (it.object.as_str(), it.line, it.reason.as_str()))
        .collect();
    assert_eq!(doubts, [("function public.f()", line, reason)]);
}

#[test]
fn statements_of_plpgsql_move() {
    for (old, new) in [
        ("PERFORM public.f();", "PERFORM x.f();"),
        (
            "SELECT * INTO STRICT r FROM public.orders;",
            "SELECT * INTO STRICT r FROM x.orders;",
        ),
        (
            "INSERT INTO public.lines VALUES (1) RETURNING public.lines.id INTO r.a, r.b;",
            "INSERT INTO x.lines VALUES (1) RETURNING x.lines.id INTO r.a, r.b;",
        ),
        (
            "UPDATE public.orders SET a = public.f() WHERE public.orders.id = 1 RETURNING id INTO r;",
            "UPDATE x.orders SET a = x.f() WHERE x.orders.id = 1 RETURNING id INTO r;",
        ),
        (
            "FOR r IN SELECT * FROM public.orders LOOP NULL; END LOOP;",
            "FOR r IN SELECT * FROM x.orders LOOP NULL; END LOOP;",
        ),
        (
            "r := ROW('a'::public.mood, NULL::public.orders);",
            "r := ROW('a'::x.mood, NULL::x.orders);",
        ),
        (
            "IF public.f() THEN RETURN; END IF;",
            "IF x.f() THEN RETURN; END IF;",
        ),
        (
            "RETURN QUERY SELECT nextval('public.counter');",
            "RETURN QUERY SELECT nextval('x.counter');",
        ),
        (
            "DECLARE t public.orders.id%TYPE; u public.orders%ROWTYPE; BEGIN NULL; END;",
            "DECLARE t x.orders.id%TYPE; u x.orders%ROWTYPE; BEGIN NULL; END;",
        ),
        (
            "EXECUTE 'TRUNCATE public.orders';",
            "EXECUTE 'TRUNCATE x.orders';",
        ),
        (
            "EXECUTE 'SELECT ''public.orders''::regclass';",
            "EXECUTE 'SELECT ''x.orders''::regclass';",
        ),
        (
            "PERFORM set_config('search_path', 'public', true);",
            "PERFORM set_config('search_path', 'x, public', true);",
        ),
        (
            "PERFORM public.digest('a', 'sha1');",
            "PERFORM public.digest('a', 'sha1');",
        ),
        (
            "RAISE NOTICE 'public.orders %', 'public.orders';",
            "RAISE NOTICE 'public.orders %', 'public.orders';",
        ),
        (
            "r.public := public.a; -- public.orders",
            "r.public := public.a; -- public.orders",
        ),
    ] {
        check(old, new);
    }
}

#[test]
fn bodies_in_quotes_keep_their_escapes() {
    let body = |schema: &str| {
        format!(
            "CREATE FUNCTION {schema}.f() RETURNS int LANGUAGE sql AS 'SELECT ''it''''s'', nextval(''{schema}.counter'') FROM {schema}.orders';"
        )
    };
    assert_eq!(rewrite(&body("public")).text, body("x"));
    let escaped = |schema: &str| format!("DO LANGUAGE plpgsql E'begin\\n perform {schema}.f();\\tend';");
    assert_eq!(rewrite(&escaped("public")).text, escaped("x"));
}

#[test]
fn edits_name_object_line_and_count() {
    let rewritten = rewrite(&plpgsql("PERFORM public.f();\nDELETE FROM public.orders;"));
    let edits: Vec<_> = rewritten
        .edits
        .iter()
        .map(|it| (it.line, &*it.old, &*it.new, it.in_body))
        .collect();
    assert_eq!(
        edits,
        [
            (1, "public", "x", false),
            (4, "public", "x", true),
            (5, "public", "x", true)
        ]
    );
    let counts = rewritten.counts;
    assert_eq!(
        (counts.names, counts.statements, counts.body_names, counts.bodies),
        (1, 1, 2, 1)
    );
}

#[test]
fn what_is_not_proved_is_a_doubt_and_stays() {
    check_doubt(
        "CASE TG_TABLE_SCHEMA WHEN 'public' THEN NULL; ELSE NULL; END CASE;",
        4,
        "a name of a schema is compared with 'public'",
    );
    check_doubt(
        "r.t := (SELECT table_schema LIKE 'public%' FROM pg_tables);",
        4,
        "a name of a schema is compared with 'public%'",
    );
    check_doubt("r.t := 'public';", 4, "'public' can be a name");
    check_doubt(
        "r.t := f(n => 'public.orders');",
        4,
        "a string holds the name public.orders",
    );
    check_doubt(
        "PERFORM set_config('search_path', r.t, true);",
        4,
        "the search_path is set at run time",
    );
    check_doubt(
        "r.t := 'public' || '.' || r.t;",
        4,
        "'public' can be part of a name that is put together",
    );
    check_doubt(
        "r.t := format('%I.%I', 'public', r.t);",
        4,
        "'public' can be part of a name that is put together",
    );
    check_doubt(
        "EXECUTE 'DROP TABLE ' || r.t;",
        4,
        "EXECUTE builds its statement at run time",
    );
    check_doubt(
        "NULL;\nRETURN QUERY EXECUTE format('TABLE public.%I', r.t);",
        5,
        "EXECUTE builds its statement at run time, with public among its constants",
    );
    check_doubt(
        "DELETE FROM public.gone;",
        4,
        "public.gone is not known to be an object of the source",
    );
    check_doubt(
        "PERFORM public.both();",
        4,
        "public.both is both an extension's and the source's own",
    );
    check_doubt(
        "r := 'public.orders';",
        4,
        "a string holds the name public.orders",
    );
    check_doubt(
        "PERFORM 1 FROM pg_namespace n WHERE n.nspname = 'public';",
        4,
        "a name of a schema is compared with 'public'",
    );
    check_doubt(
        "PERFORM 'pub'\n'lic.orders'::regclass;",
        4,
        "the name public is written in pieces, or the new name cannot stand there",
    );
}

#[test]
fn unreadable_body_is_a_doubt_as_a_whole() {
    let rewritten = rewrite(&plpgsql("PERFORM public.f();\nFROBNICATE public.orders;"));
    assert_eq!(rewritten.counts.body_names, 0);
    assert_eq!(rewritten.doubts.len(), 1);
    assert_eq!(rewritten.doubts[0].line, 4);
}

#[test]
fn unreadable_statement_is_a_doubt_only_when_it_mentions_the_schema() {
    let mention = rewrite("FROBNICATE public.orders; TABLE public.orders;");
    assert_eq!(mention.text, "FROBNICATE public.orders; TABLE x.orders;");
    assert_eq!((mention.doubts.len(), mention.notes.len()), (1, 0));
    let other = rewrite("FROBNICATE republic.orders;");
    assert_eq!((other.doubts.len(), other.notes.len()), (0, 1));
}

#[test]
fn other_languages_are_a_doubt_only_when_they_mention_the_schema() {
    for (body, doubts) in [
        ("select * from public.orders", 1),
        ("print('republic', public_key)", 0),
    ] {
        let sql = format!("CREATE FUNCTION public.f() RETURNS void LANGUAGE plpython3u AS $$ {body} $$;");
        assert_eq!(rewrite(&sql).doubts.len(), doubts, "{body}");
    }
}
