//! Bodies judged by use: routines checked, definitions of SQL functions run again, views read, triggers fired, in
//! a source and in what became of it.

use std::collections::BTreeMap;
use std::fmt;

use postgres::Client;

use crate::cluster::identifier;
use crate::database::{Database, lines};
use crate::error::{Error, ErrorKind, Result};
use crate::install::CHECKER;
use crate::skipped::Skipped;

use super::naming::Naming;

/// Where the checker stands, out of every path.
const CHECKER_SCHEMA: &str = "coalesce_checker";

/// The class of SQLSTATEs by which keys, checks and NOT NULL refuse rows.
const INTEGRITY_VIOLATION: &str = "23";

/// One use of an object by PostgreSQL.
#[derive(Clone, Debug)]
struct Use {
    kind: Kind,
    schema: String,
    name: String,
    sql: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// A PL/pgSQL routine was checked.
    Checked,
    /// The definition of an SQL routine was run again.
    Defined,
    /// A view was read.
    Read,
    /// Rows of a table with triggers or rules were inserted, updated, deleted.
    Fired,
}

/// What the uses of one database found: the answers for each object, by its name in the source.
type Answers = BTreeMap<(Kind, String, String), Vec<String>>;

/// How many objects of the source were used, and what only the result complains of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judged {
    /// PL/pgSQL routines, once for each trigger that calls them; none where the checker is not installed.
    pub checked: usize,
    /// SQL routines.
    pub defined: usize,
    pub read: usize,
    /// Statements that fire triggers and rules.
    pub fired: usize,
    /// Uses that ended with a finding on both sides alike.
    pub known_findings: usize,
    /// Each with both answers.
    pub new_findings: Vec<String>,
}

impl fmt::Display for Judged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} PL/pgSQL bodies checked, {} SQL bodies defined again, {} views read, {} triggers and rules fired; \
             {} findings as in the source, {} new",
            self.checked,
            self.defined,
            self.read,
            self.fired,
            self.known_findings,
            self.new_findings.len()
        )
    }
}

/// Uses everything that can be used in `source` under `path`, and in `target` under the path that the
/// application's role has there. A missing checker is a skip that is counted; the rest is judged all the same.
pub fn judge_uses(
    source: &Database<'_>,
    path: &[&str],
    target: &Database<'_>,
    naming: &Naming,
) -> Result<Judged> {
    let before = answers(source, path, &|name| name.to_owned())?;
    let mut after = answers(target, &naming.path(path), &|text| naming.mapped_back(text))?;
    let mut judged = Judged::default();
    for ((kind, schema, name), mut expected) in before {
        let renamed = (kind, naming.schema(&schema).to_owned(), naming.object(&name));
        let mut found = after.remove(&renamed).unwrap_or_default();
        if kind == Kind::Fired {
            keep_allowed(&mut expected, &mut found);
        }
        judged.add(kind, &expected);
        if found != expected {
            let [expected, found] = [expected, found].map(|it| it.join("\n"));
            judged.new_findings.push(format!(
                "{kind:?} {schema}.{name}\n--- source ---\n{expected}\n--- result ---\n{found}"
            ));
        }
    }
    for ((kind, schema, name), found) in after {
        let found = found.join("\n");
        judged.new_findings.push(format!(
            "{kind:?} {schema}.{name}, which the source has not\n{found}"
        ));
    }
    Ok(judged)
}

impl Judged {
    fn add(&mut self, kind: Kind, answers: &[String]) {
        let counter = match kind {
            Kind::Checked => &mut self.checked,
            Kind::Defined => &mut self.defined,
            Kind::Read => &mut self.read,
            Kind::Fired => &mut self.fired,
        };
        *counter += answers.len();
        self.known_findings += answers.iter().filter(|it| !it.is_empty()).count();
    }
}

/// Leaves out what the data of the source do not allow: which of several keys is named depends on the order in
/// which indexes were built.
fn keep_allowed(expected: &mut Vec<String>, found: &mut Vec<String>) {
    let is_allowed: Vec<bool> = expected
        .iter()
        .map(|it| !it.starts_with(INTEGRITY_VIOLATION))
        .collect();
    for answers in [expected, found] {
        let mut at = 0;
        answers.retain(|_| {
            at += 1;
            is_allowed.get(at - 1) != Some(&false)
        });
    }
}

/// Every use of `database` under `path`, with what came of it; an empty answer is no finding.
fn answers(database: &Database<'_>, path: &[&str], told: &dyn Fn(&str) -> String) -> Result<Answers> {
    let mut client = database.admin()?;
    let quoted: Vec<String> = path.iter().map(|it| identifier(it)).collect();
    prepare(&mut client)?;
    let uses = uses(&mut client)?;
    lines(&mut client, &format!("SET search_path = {}", quoted.join(", ")))?;
    let mut answers = Answers::new();
    for Use {
        kind,
        schema,
        name,
        sql,
    } in uses
    {
        let answer = told(&try_out(&mut client, &sql)?);
        answers.entry((kind, schema, name)).or_default().push(answer);
    }
    // What is judged once more must be as it was.
    lines(
        &mut client,
        &format!("SET session_replication_role = replica; DROP SCHEMA IF EXISTS {CHECKER_SCHEMA} CASCADE"),
    )?;
    for ((kind, ..), found) in &mut answers {
        if *kind != Kind::Fired {
            // Overloaded routines have no order that survives new names.
            found.sort();
        }
    }
    Ok(answers)
}

/// Event triggers stay out of it, broken views do not hold us up, bodies are checked, and the checker is there.
fn prepare(client: &mut Client) -> Result<()> {
    lines(
        client,
        "SET session_replication_role = replica; SET statement_timeout = '10s'; SET check_function_bodies = on;
         SET client_min_messages = error",
    )?;
    let available = format!("SELECT name FROM pg_available_extensions WHERE name = '{CHECKER}'");
    if lines(client, &available)?.is_empty() {
        let _ = Skipped::because(format!(
            "{CHECKER} is not installed; PL/pgSQL bodies are not checked"
        ));
    } else {
        lines(
            client,
            &format!("CREATE SCHEMA {CHECKER_SCHEMA}; CREATE EXTENSION {CHECKER} SCHEMA {CHECKER_SCHEMA}"),
        )?;
    }
    lines(client, "SET session_replication_role = origin")?;
    Ok(())
}

/// The first line of what the server says against `sql`, or what `sql` answers; nothing of it stays.
fn try_out(client: &mut Client, sql: &str) -> Result<String> {
    let failed = || Error::caused(ErrorKind::Sql, "cannot begin or end a transaction");
    client
        .batch_execute("BEGIN; SET CONSTRAINTS ALL IMMEDIATE")
        .map_err(failed())?;
    let answer = match client.simple_query(sql) {
        Ok(messages) => found_by_checker(&messages),
        Err(error) => match error.as_db_error() {
            Some(it) => format!("{} {}", it.code().code(), it.message()),
            None => {
                return Err(Error::caused(
                    ErrorKind::Sql,
                    format!("`{sql}` broke the session"),
                )(error));
            }
        },
    };
    client.batch_execute("ROLLBACK").map_err(failed())?;
    Ok(answer)
}

/// The rows of the first column, without NULLs.
fn found_by_checker(messages: &[postgres::SimpleQueryMessage]) -> String {
    let rows = messages.iter().filter_map(|it| match it {
        postgres::SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    rows.collect::<Vec<_>>().join("\n")
}

fn uses(client: &mut Client) -> Result<Vec<Use>> {
    lines(client, "SET search_path = ''")?;
    let mut uses = Vec::new();
    let checker = format!("SELECT 1 FROM pg_extension WHERE extname = '{CHECKER}'");
    let has_checker = !lines(client, &checker)?.is_empty();
    for (kind, sql) in [
        (Kind::Checked, CHECKED),
        (Kind::Defined, DEFINED),
        (Kind::Read, READ),
        (Kind::Fired, FIRED),
    ] {
        if kind == Kind::Checked && !has_checker {
            continue;
        }
        let failed = Error::caused(ErrorKind::Sql, format!("cannot list what can be {kind:?}"));
        for row in client.query(&with_own(sql), &[]).map_err(failed)? {
            uses.push(Use {
                kind,
                schema: row.get(0),
                name: row.get(1),
                sql: row.get(2),
            });
        }
    }
    Ok(uses)
}

/// The query with the database's own schemas as `own`, and what belongs to extensions as `members`.
fn with_own(sql: &str) -> String {
    format!(
        "WITH own AS (
             SELECT oid, nspname FROM pg_namespace
             WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'coalesce', '{CHECKER_SCHEMA}')
         ), members AS (SELECT classid, objid FROM pg_depend WHERE deptype = 'e')
         {sql}"
    )
}

/// A routine that is called by triggers is checked for each of their tables, else once.
const CHECKED: &str = "
SELECT nspname::text, proname::text, format(
    'SELECT concat_ws('' '', level, sqlstate, ''line'', lineno, message, detail)
     FROM coalesce_checker.plpgsql_check_function_tb(%s::oid, %s::oid, fatal_errors => false, oldtable => %L, newtable => %L)',
    p.oid, coalesce(tgrelid, 0), tgoldtable, tgnewtable)
FROM pg_proc AS p JOIN own ON own.oid = pronamespace JOIN pg_language AS l ON l.oid = prolang
LEFT JOIN pg_trigger AS t ON tgfoid = p.oid AND NOT tgisinternal
WHERE lanname = 'plpgsql' AND (prorettype <> 'pg_catalog.trigger'::regtype OR tgrelid IS NOT NULL)
    AND ('pg_proc'::regclass, p.oid) NOT IN (SELECT classid, objid FROM members)
ORDER BY 1, 2, p.oid, tgname";

const DEFINED: &str = "
SELECT nspname::text, proname::text, pg_get_functiondef(p.oid)
FROM pg_proc AS p JOIN own ON own.oid = pronamespace JOIN pg_language AS l ON l.oid = prolang
WHERE lanname = 'sql' AND prokind <> 'a' AND ('pg_proc'::regclass, p.oid) NOT IN (SELECT classid, objid FROM members)
ORDER BY 1, 2, p.oid";

/// The rows themselves are compared elsewhere; here every column of a view's first row must be computed, and the
/// answer is NULL.
const READ: &str = "
SELECT nspname::text, relname::text, format(
    'SELECT nullif(count(first_row)::text, count(*)::text) FROM (SELECT * FROM %I.%I LIMIT 1) AS first_row', nspname, relname)
FROM pg_class AS c JOIN own ON own.oid = relnamespace
WHERE relkind IN ('v', 'm') AND ('pg_class'::regclass, c.oid) NOT IN (SELECT classid, objid FROM members)
ORDER BY 1, 2";

/// The row that comes first as text is updated to itself, deleted, and inserted anew in place of the old one.
const FIRED: &str = "
SELECT nspname::text, relname::text,
       replace(format(event, nspname, relname, first_column, columns), '<first row>', format(
           '(tableoid, ctid) = (SELECT tableoid, ctid FROM %I.%I AS one ORDER BY (one.*)::text COLLATE \"C\" LIMIT 1)',
           nspname, relname))
FROM pg_class AS c JOIN own ON own.oid = relnamespace
JOIN LATERAL (
    SELECT (array_agg(attname ORDER BY attnum) FILTER (WHERE attidentity <> 'a'))[1] AS first_column,
           string_agg(quote_ident(attname), ', ' ORDER BY attnum) AS columns
    FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
) AS a ON first_column IS NOT NULL
CROSS JOIN (VALUES
    (1, 'UPDATE %1$I.%2$I SET %3$I = %3$I WHERE <first row>'),
    (2, 'DELETE FROM %1$I.%2$I WHERE <first row>'),
    (3, 'CREATE TEMP TABLE coalesce_row AS SELECT * FROM %1$I.%2$I WHERE <first row>;
         DELETE FROM %1$I.%2$I WHERE <first row>;
         INSERT INTO %1$I.%2$I (%4$s) OVERRIDING SYSTEM VALUE SELECT %4$s FROM coalesce_row')
) AS events (number, event)
WHERE relkind IN ('r', 'p') AND ('pg_class'::regclass, c.oid) NOT IN (SELECT classid, objid FROM members)
    AND (relhasrules OR EXISTS (SELECT FROM pg_trigger WHERE tgrelid = c.oid AND NOT tgisinternal))
ORDER BY 1, 2, number";
