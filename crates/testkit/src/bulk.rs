//! Inputs in bulk: as many definitions as wanted, of every common kind, as `pg_dump` writes them; a SQLite file of any
//! size.

use std::fmt::Write as _;
use std::path::Path;

use rusqlite::Connection;

use crate::error::{Error, ErrorKind, Result};

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

/// Tables of a shop with rows of every common kind, `N` times.
const SHOP: &str = "
CREATE TABLE customers (id integer PRIMARY KEY, email text NOT NULL UNIQUE, name varchar(80), active boolean NOT NULL,
  credit real, created_at datetime NOT NULL);
INSERT INTO customers SELECT n, 'user' || n || '@example.org', CASE WHEN n % 50 THEN 'Zoë ' || n END, n % 7 <> 0, n * 0.37,
  datetime(1577836800 + n * 517, 'unixepoch') FROM n WHERE n <= 400 * N;
CREATE TABLE orders (id integer PRIMARY KEY, customer_id integer NOT NULL REFERENCES customers (id), placed_at datetime
  NOT NULL, total decimal(12,2) NOT NULL, status text NOT NULL CHECK (status IN ('new', 'paid', 'sent')));
INSERT INTO orders SELECT n, 1 + n * 7919 % (400 * N), datetime(1577836800 + n * 97, 'unixepoch'), n * 104729 % 9999999 / 100.0,
  CASE n % 3 WHEN 0 THEN 'new' WHEN 1 THEN 'paid' ELSE 'sent' END FROM n WHERE n <= 2000 * N;
CREATE TABLE items (order_id integer NOT NULL REFERENCES orders (id), line_no integer NOT NULL, sku text NOT NULL,
  pieces integer NOT NULL, price real NOT NULL, PRIMARY KEY (order_id, line_no)) WITHOUT ROWID;
INSERT INTO items SELECT 1 + (n - 1) / 2, n % 2, printf('SKU-%06d', n * 31 % 50000), 1 + n % 9, n * 7 % 100000 / 100.0
  FROM n WHERE n <= 4000 * N;
CREATE TABLE events (id integer PRIMARY KEY AUTOINCREMENT, at text NOT NULL, kind text NOT NULL, ok boolean, payload json);
INSERT INTO events SELECT n, datetime(1577836800 + n * 13, 'unixepoch'), 'kind-' || n % 20, n % 3 = 0, json_object('session',
  hex(randomblob(16)), 'path', '/p/' || n % 5000, 'ms', n % 3000, 'agent', 'Mozilla/5.0 (X11; Linux) v' || n % 120)
  FROM n WHERE n <= 1200 * N;
CREATE TABLE documents (id integer PRIMARY KEY, title text, body text, published_on date);
INSERT INTO documents SELECT n, 'Title ' || n, replace(hex(zeroblob(700 + n % 700)), '00', 'word '),
  date(1577836800 + n * 86400, 'unixepoch') FROM n WHERE n <= 80 * N;
CREATE TABLE attachments (id integer PRIMARY KEY, document_id integer REFERENCES documents (id), name text, data blob);
INSERT INTO attachments SELECT n, 1 + n % (80 * N), 'file-' || n || '.bin', randomblob(2000 + n % 4000) FROM n WHERE n <= 60 * N;
CREATE INDEX orders_customer ON orders (customer_id);
CREATE INDEX items_sku ON items (sku);
CREATE INDEX events_at ON events (at);
CREATE INDEX events_kind ON events (kind, at);
CREATE INDEX attachments_document ON attachments (document_id);";

/// Makes a SQLite file of about `mib` MiB at `path`.
pub fn sqlite_file(path: &Path, mib: u32) -> Result<()> {
    let sql = format!(
        "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
         CREATE TEMP TABLE n AS WITH RECURSIVE c(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM c WHERE n < 4000 * {mib})
           SELECT n FROM c;
         BEGIN; {} COMMIT;",
        SHOP.replace("* N", &format!("* {mib}"))
    );
    let made = Connection::open(path).and_then(|it| it.execute_batch(&sql));
    made.map_err(Error::caused(
        ErrorKind::Sql,
        format!("cannot make the file {}", path.display()),
    ))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_about_as_large_as_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f.sqlite");
        sqlite_file(&path, 2).unwrap();
        let bytes = std::fs::metadata(&path).unwrap().len();
        assert!((3 << 19..3 << 20).contains(&bytes), "{bytes} bytes");
    }
}
