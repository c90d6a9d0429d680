//! Texts that are SQL, or nearly.

use catalog::quote_ident;
use proptest::prelude::*;

/// Pieces of SQL in any order: seldom a statement, often nearly one.
pub(crate) fn sql_like() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "SELECT",
        "CREATE",
        "FUNCTION",
        "TABLE",
        "VIEW",
        "AS",
        "FROM",
        "public",
        "\"public\"",
        ".",
        "t",
        "(",
        ")",
        ",",
        ";",
        "'",
        "''",
        "$$",
        "$a$",
        "BEGIN",
        "ATOMIC",
        "END",
        "CASE",
        "--",
        "\n",
        "/*",
        "*/",
        "::",
        "regclass",
        "'public.t'",
        "E'\\'",
        "U&\"x\"",
        "LANGUAGE",
        "plpgsql",
        "sql",
        "DO",
        "INTO",
        "STRICT",
        "EXECUTE",
        "OPERATOR",
        "=",
        "%",
        "[",
        "]",
        "\\restrict",
        "COPY",
        "stdin",
        "INDEX",
        "ON",
        "ALTER",
        "SET",
        "search_path",
        "TO",
        "1.5",
        "é",
        "\u{feff}",
        "%TYPE",
        "RETURNING",
        "WITH",
        "JOIN",
        "USING",
        "COMMENT",
        "GRANT",
        "NOT",
        "NULL",
        "IN",
    ]);
    let space = prop::sample::select(vec!["", " "]);
    let spaced = (piece, space).prop_map(|(piece, space)| piece.to_owned() + space);
    prop::collection::vec(spaced, 0..40).prop_map(|pieces| pieces.concat())
}

/// What nests, over and over: in a query, in bodies of both languages and in a name that is a literal. An escape
/// hides it from whoever looks at the tokens of the statement alone.
pub(crate) fn endless() -> impl Strategy<Value = String> {
    let unit = prop::sample::select(vec![
        "(",
        "[",
        "f(",
        "NOT ",
        "- ",
        "CASE WHEN ",
        "CASE a WHEN b THEN ",
        "|| a ",
        "= NOT a ",
        "AND a ",
        ".a",
        "::a ",
        "UNION SELECT 1, 2 ",
        "JOIN a ",
        "BETWEEN a AND ",
        "SELECT (",
        "EXISTS (SELECT ",
        "ARRAY[",
        "EXPLAIN ",
        "BEGIN ",
        "IF a THEN b; ELSE ",
        "LOOP ",
        "<<a>> BEGIN ",
        "FROM (a JOIN ",
        "AS (",
        "IN ",
        "a, ",
    ]);
    let units = prop::collection::vec(unit, 1..3).prop_map(|units| units.concat());
    let times = prop::sample::select(vec![100, 255, 1_000, 20_000]);
    let frame = prop::sample::select(vec![
        "CREATE VIEW public.v AS SELECT a {} 1;",
        "{} 1;",
        "SELECT 'public.a{}'::regtype;",
        "CREATE TABLE public.t (a int CHECK ({} 1));",
        "CREATE FUNCTION public.f() RETURNS int LANGUAGE sql AS $$SELECT a {} public.t$$;",
        "CREATE FUNCTION public.f() RETURNS int LANGUAGE sql AS E'\\x53ELECT a {} public.t';",
        "CREATE FUNCTION public.f() RETURNS int LANGUAGE plpgsql AS $$BEGIN {} PERFORM public.t; END$$;",
        "DO $$BEGIN EXECUTE 'SELECT a {} public.t'; END$$;",
        "DO $$BEGIN PERFORM 'public.a{}'::regclass; END$$;",
    ]);
    (frame, units, times).prop_map(|(frame, units, times)| frame.replace("{}", &units.repeat(times)))
}

/// Bodies inside bodies.
pub(crate) fn bodies_in_bodies(count: usize) -> String {
    (0..count).fold("SELECT public.f()".to_owned(), |body, number| {
        format!("CREATE FUNCTION public.f() RETURNS int LANGUAGE sql AS $a{number}${body}$a{number}$")
    })
}

const TABLE: &str =
    "CREATE TABLE public.t (id integer DEFAULT nextval('public.q'::regclass) NOT NULL, m public.mood);\n";

/// Definitions as `pg_dump` writes them.
pub(crate) fn dump_like() -> impl Strategy<Value = String> {
    let statement = prop::sample::select(vec![
        "CREATE SEQUENCE public.q;\n",
        "CREATE TABLE audit.log (what text);\n",
        "-- Name: v; Type: VIEW; Schema: public\n\nCREATE VIEW public.v AS\n SELECT public.f(t.id) AS public\n   FROM public.t;\n",
        "CREATE FUNCTION public.f(i integer) RETURNS integer\n    LANGUAGE sql\n    SET search_path TO 'public'\n    AS $$ SELECT public.t.id FROM public.t; $$;\n",
        "CREATE FUNCTION public.g() RETURNS void LANGUAGE plpgsql AS $_$ BEGIN SELECT 1 INTO STRICT x FROM public.t; END $_$;\n",
        "ALTER TABLE ONLY public.t ADD CONSTRAINT p PRIMARY KEY (id);\n",
        "COMMENT ON COLUMN public.t.id IS 'public.t';\n",
        "GRANT ALL ON SCHEMA public TO PUBLIC;\n",
        "SELECT pg_catalog.set_config('search_path', '', false);\n",
    ]);
    prop::collection::vec(statement, 0..12).prop_map(|statements| TABLE.to_owned() + &statements.concat())
}

/// Definitions with line ends of another system, comments and psql's commands between them, and pieces of SQL
/// where none belong.
pub(crate) fn damaged() -> impl Strategy<Value = String> {
    let between = prop::sample::select(vec![
        "",
        "\r\n",
        "\\connect public\n",
        "\\restrict public.t\n",
        "\\.\n",
        "-- public.t\r\n",
        "/* public.t /* CREATE SCHEMA public; */ */",
        "\u{0}",
    ]);
    let cut = (
        dump_like(),
        any::<prop::sample::Index>(),
        sql_like(),
        between,
        any::<bool>(),
    );
    cut.prop_map(|(text, index, piece, between, is_crlf)| {
        let mut at = index.index(text.len() + 1);
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        let text = format!("{between}{}{piece}{between}{}", &text[..at], &text[at..]);
        if is_crlf { text.replace('\n', "\r\n") } else { text }
    })
}

/// Names for [`definitions`]; no two schemas share one.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    pub(crate) schema: String,
    pub(crate) other: String,
    /// Of a schema that is not there yet.
    pub(crate) new: String,
    pub(crate) table: String,
    pub(crate) column: String,
}

/// Words that PL/pgSQL reads itself where `quote_ident` leaves them unquoted; as short as names come up by chance.
const PLPGSQL_WORDS: [&str; 12] = [
    "begin", "by", "call", "do", "exit", "get", "if", "is", "loop", "move", "no", "open",
];

/// A name that PostgreSQL could hold and an option can carry; without `$`, which cannot be written into every
/// body that stands between `$$`, and is a doubt there.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z_][a-z0-9_]{0,8}",
        "[A-Za-z \"'.%\\\\;()é🦊ש-]{1,8}",
        prop::sample::select(vec![
            "select", "table", "public", "user", "order", "old", "new", "all", "type", "set"
        ])
        .prop_map(str::to_owned),
        Just("a_name_of_sixty_three_bytes_is_as_long_as_postgresql_keeps_them".to_owned()),
    ]
}

fn named() -> impl Strategy<Value = Names> {
    let is_usable = |it: &Names| {
        let schemas = [&it.schema, &it.other, &it.new];
        let is_own = |it: &&String| !it.starts_with("pg_") && **it != "coalesce" && !it.trim().is_empty();
        let is_read = [&it.table, &it.column]
            .into_iter()
            .chain(schemas)
            .any(|it| PLPGSQL_WORDS.contains(&it.as_str()));
        !is_read
            && schemas.iter().all(is_own)
            && it.schema != it.other
            && it.schema != it.new
            && it.other != it.new
    };
    (name(), name(), name(), name(), name())
        .prop_map(|(schema, other, new, table, column)| Names {
            schema,
            other,
            new,
            table,
            column,
        })
        .prop_filter("schemas are told apart", is_usable)
}

/// Definitions as `pg_dump` writes them, about any names, and the names.
pub(crate) fn definitions() -> impl Strategy<Value = Definitions> {
    let template = prop::sample::select(vec![
        "CREATE SEQUENCE {s}.q\n    START WITH 1;\n",
        "CREATE TYPE {o}.{t} AS ENUM (\n    'a'\n);\n",
        "CREATE DOMAIN {s}.d AS {o}.{t}\n\tCONSTRAINT {c} CHECK ((VALUE <> 'a'::{o}.{t}));\n",
        "CREATE TABLE {o}.child (\n    {c} {s}.{t}[] DEFAULT nextval('{s!}.q'::regclass)\n)\nINHERITS ({s}.{t});\n",
        "CREATE VIEW {o}.v AS\n SELECT {t}.{c},\n    x.{c} AS {t}\n   FROM ({s}.{t}\n     JOIN {o}.child x ON (({t}.{c} = x.{c})));\n",
        "CREATE FUNCTION {s}.f({c} {s}.{t}, VARIADIC x {o}.{t}[]) RETURNS SETOF {s}.{t}\n    LANGUAGE sql\n    AS $_$ SELECT * FROM {s}.{t} WHERE {s}.{t}.{c} = $1.{c} $_$;\n",
        "CREATE FUNCTION {o}.g() RETURNS void\n    LANGUAGE plpgsql\n    AS $$\nDECLARE r {s}.{t}%ROWTYPE; c {s}.{t}.{c}%TYPE;\nBEGIN\n  INSERT INTO {s}.{t} ({c}) SELECT {c} FROM {s}.{t};\n  PERFORM {o}.g();\nEND $$;\n",
        "CREATE INDEX {c} ON {s}.{t} USING btree ({c}) WHERE ({c} <> 'words'::text);\n",
        "ALTER TABLE ONLY {o}.child\n    ADD CONSTRAINT k FOREIGN KEY ({c}) REFERENCES {s}.{t}({c}) ON DELETE CASCADE;\n",
        "CREATE POLICY {c} ON {s}.{t} USING ((EXISTS ( SELECT 1\n   FROM {o}.child\n  WHERE (child.{c} = {t}.{c}))));\n",
        "CREATE TRIGGER {c} BEFORE UPDATE ON {s}.{t} FOR EACH ROW EXECUTE FUNCTION {o}.g();\n",
        "CREATE RULE {c} AS\n    ON DELETE TO {s}.{t} DO INSTEAD  INSERT INTO {o}.child ({c})\n  VALUES (old.{c});\n",
        "COMMENT ON COLUMN {s}.{t}.{c} IS 'plain words';\n",
        "GRANT SELECT ON TABLE {s}.{t} TO PUBLIC;\n",
        "ALTER DEFAULT PRIVILEGES IN SCHEMA {s} GRANT SELECT ON TABLES  TO PUBLIC;\n",
        "CREATE AGGREGATE {s}.a({o}.{t}) (\n    SFUNC = {o}.g,\n    STYPE = {o}.{t}\n);\n",
        "CREATE OPERATOR {s}.=~= (\n    FUNCTION = {o}.g,\n    LEFTARG = {o}.{t},\n    COMMUTATOR = OPERATOR({s}.=~=)\n);\n",
        "ALTER SEQUENCE {s}.q OWNED BY {s}.{t}.{c};\n",
        "SELECT pg_catalog.setval('{s!}.q', 7, true);\n",
    ]);
    (named(), prop::collection::vec(template, 0..8))
        .prop_map(|(names, templates)| Definitions { names, templates })
}

/// What every text of [`definitions`] begins with.
const BEGIN: &str =
    "CREATE SCHEMA {s};\n\nCREATE SCHEMA {o};\n\nCREATE TABLE {s}.{t} (\n    {c} integer NOT NULL\n);\n";

/// Definitions, and the names in them.
#[derive(Clone, Debug)]
pub(crate) struct Definitions {
    pub(crate) names: Names,
    templates: Vec<&'static str>,
}

impl Definitions {
    /// The text in which the two schemas have these names.
    pub(crate) fn text(&self, schema: &str, other: &str) -> String {
        let (schema, other) = (quote_ident(schema), quote_ident(other));
        let all = std::iter::once(&BEGIN).chain(&self.templates);
        let write = |template: &&str| {
            let text = template
                .replace("{s!}", &schema.replace('\'', "''"))
                .replace("{s}", &schema)
                .replace("{o}", &other)
                .replace("{t}", &quote_ident(&self.names.table))
                .replace("{c}", &quote_ident(&self.names.column));
            text + "\n"
        };
        all.map(write).collect()
    }
}
