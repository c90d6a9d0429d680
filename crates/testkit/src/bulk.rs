//! Inputs in bulk: as many definitions as wanted, of every common kind, as `pg_dump` writes them.

use std::fmt::Write as _;

/// Statements for each table of [`definitions`].
pub const STATEMENTS_PER_TABLE: usize = 10;

/// A plain dump around `body`, which ends with a newline.
pub fn plain_dump(body: &str) -> String {
    format!(
        "--\n-- PostgreSQL database dump\n--\n\nSET client_encoding = 'UTF8';\n\
         SELECT pg_catalog.set_config('search_path', '', false);\nSET check_function_bodies = false;\n\n\
         {body}\n--\n-- PostgreSQL database dump complete\n--\n\n"
    )
}

/// Tables in schema `public` with [`STATEMENTS_PER_TABLE`] statements each: a sequence, a view, a function, a key, an
/// index, a grant and comments, which name each other.
pub fn definitions(table_count: usize) -> String {
    let mut sql = String::new();
    for number in 1..=table_count {
        let before = number.saturating_sub(1).max(1);
        for statement in of_table(number, before) {
            let _ = write!(
                sql,
                "--\n-- Name: t{number}; Type: TABLE; Schema: public; Owner: postgres\n--\n\n{statement}\n\n\n"
            );
        }
    }
    sql
}

fn of_table(number: usize, before: usize) -> [String; STATEMENTS_PER_TABLE] {
    let table = format!("public.t{number}");
    [
        format!(
            "CREATE TABLE {table} (\n    id integer NOT NULL,\n    name text DEFAULT 'x'::text,\n    \
             at timestamp with time zone DEFAULT now() NOT NULL,\n    CONSTRAINT c{number} CHECK ((id > 0))\n);"
        ),
        format!("ALTER TABLE {table} OWNER TO postgres;"),
        format!("COMMENT ON TABLE {table} IS 'table {number} of public things';"),
        format!(
            "CREATE SEQUENCE {table}_id_seq\n    START WITH 1\n    INCREMENT BY 1\n    NO MINVALUE\n    \
             NO MAXVALUE\n    CACHE 1;"
        ),
        format!("ALTER TABLE ONLY {table} ALTER COLUMN id SET DEFAULT nextval('{table}_id_seq'::regclass);"),
        format!(
            "CREATE VIEW public.v{number} AS\n SELECT t.id,\n    t.name,\n    ( SELECT count(*) AS count\n           \
             FROM public.t{before} o\n          WHERE (o.id = t.id)) AS n\n   FROM ({table} t\n     \
             LEFT JOIN public.t{before} u ON ((u.id = t.id)))\n  WHERE (t.name ~~ 'a%'::text);"
        ),
        format!(
            "CREATE FUNCTION public.f{number}(a integer, b text) RETURNS SETOF {table}\n    LANGUAGE plpgsql STABLE\n    \
             AS $$\nDECLARE\n  r {table}%ROWTYPE;\nBEGIN\n  FOR r IN SELECT * FROM {table} WHERE id = a LOOP\n    \
             IF r.name = b THEN\n      INSERT INTO public.t{before} (id, name) VALUES (r.id, b);\n    END IF;\n    \
             RETURN NEXT r;\n  END LOOP;\nEND\n$$;"
        ),
        format!("ALTER TABLE ONLY {table}\n    ADD CONSTRAINT t{number}_pkey PRIMARY KEY (id);"),
        format!("CREATE INDEX t{number}_name ON {table} USING btree (lower(name), at DESC);"),
        format!("GRANT SELECT,INSERT ON TABLE {table} TO postgres;"),
    ]
}
