//! `--script FILE`: all SQL that a run sends to the target, for review.
//!
//! It is written down where it leaves the tool: the client library tells the crate `log` of every statement that it
//! sends, so a statement of ours that would be missing here would have to bypass the library. Each thread works on one
//! session at a time, so what a thread sends between BEGIN and COMMIT is a transaction, and transactions stand in the order in which
//! they ended. Rows are not written, nor the values that statements are given.

use std::cell::Cell;
use std::collections::HashMap;
use std::fmt::{self, Display, Write};
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock, PoisonError};

use clap::Args;
use cli::{Exit, Failure, ReportFile, Result};
use log::{LevelFilter, Log, Metadata, Record};

use crate::statements::shorten;

/// What the library says before each statement, as of tokio-postgres 0.7. A test holds what is written down against the
/// server's own log.
const PREPARING: &str = "preparing query ";
const EXECUTING: &str = "executing statement ";
const COPYING: &str = "executing copy in statement ";
const SENDING: [&str; 2] = ["executing statement batch: ", "executing simple query: "];
const WITH_VALUES: &str = " with parameters";

/// Functions that make a SELECT more than a question.
const WRITING: [&str; 4] = ["lo_", "setval", "set_config", "advisory"];

#[derive(Clone, Debug, Default, Args)]
pub(crate) struct ScriptArgs {
    /// Write all SQL that this run sends to FILE, for review
    ///
    /// It stands as it was sent, transaction by transaction in the order in which they ended, also when the run fails.
    /// Questions to the catalogs are shortened to a comment; rows stand as COPY … FROM STDIN with their number and size.
    /// The run does what it does without --script: to review first, load into a scratch database, or with --dry-run.
    #[arg(long, value_name = "FILE")]
    script: Option<PathBuf>,
}

/// Does `work`, and writes down what it sends if that was asked for.
pub(crate) fn record<T>(args: &ScriptArgs, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let Some(path) = &args.script else {
        return work();
    };
    let file = ReportFile::create(path)?;
    let page = PAGE.get_or_init(Page::default);
    log::set_logger(page)
        .map_err(|error| Failure::new(Exit::Internal, format!("nothing can be written down: {error}")))?;
    log::set_max_level(LevelFilter::Debug);
    let worked = work();
    log::set_max_level(LevelFilter::Off);
    let published = file.publish(&page.text(worked.is_ok()));
    // Why the work failed says more than why its script did.
    let worked = worked?;
    published.map_err(|failure| failure.with_state("the run itself ended well"))?;
    Ok(worked)
}

/// Adds a comment behind what this thread sent last.
pub(crate) fn remark(words: impl Display) {
    if let Some(page) = PAGE.get() {
        page.lines(|lines| lines.add(&format!("-- {words}")));
    }
}

static PAGE: OnceLock<Page> = OnceLock::new();

thread_local! {
    /// The number of this thread in the script; 0 before it has sent anything.
    static THREAD: Cell<usize> = const { Cell::new(0) };
}

/// What was sent until now.
#[derive(Default)]
struct Page(Mutex<Lines>);

#[derive(Default)]
struct Lines {
    /// Transactions that have ended, and what was sent outside of them.
    text: String,
    /// Transactions that are under way, by thread.
    open: HashMap<usize, String>,
    threads: usize,
    /// The thread of the last line of `text`.
    last: usize,
    /// Prepared statements by the library's names, which are unique in the process.
    prepared: HashMap<String, String>,
}

impl Page {
    fn lines(&self, work: impl FnOnce(&mut Lines)) {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn text(&self, ended_well: bool) -> String {
        let mut whole = String::from(
            "-- All SQL that one run of load sent, transaction by transaction in the order in which they ended.\n\
             -- Threads of load work beside each other, each on one session at a time. $1 and so on stand for values.\n\
             -- What only asks the catalogs is shortened (\"asks:\").\n",
        );
        self.lines(|lines| {
            let mut open: Vec<_> = lines.open.drain().collect();
            open.sort_unstable();
            for (thread, text) in open {
                lines.append(thread, &text);
            }
            whole.push_str(&lines.text);
        });
        whole.push_str(if ended_well {
            "\n-- The run ended well.\n"
        } else {
            "\n-- The run failed here; what it had not committed is undone.\n"
        });
        whole
    }
}

impl Log for Page {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("tokio_postgres")
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let mut said = Said(String::new());
        // It refuses to take values, which are data.
        let _ = write!(said, "{}", record.args());
        let said = said.0;
        if let Some((name, sql)) = said.strip_prefix(PREPARING).and_then(|it| it.split_once(": ")) {
            let name = name.split(' ').next().unwrap_or_default().to_owned();
            let sql = sql.to_owned();
            self.lines(|lines| drop(lines.prepared.insert(name, sql)));
        } else if let Some(sql) = SENDING.iter().find_map(|it| said.strip_prefix(it)) {
            self.lines(|lines| lines.statement(sql));
        } else if let Some(name) = [EXECUTING, COPYING].iter().find_map(|it| said.strip_prefix(it)) {
            let name = name.split(' ').next().unwrap_or_default();
            self.lines(|lines| {
                let sql = lines.prepared.get(name).cloned().unwrap_or_default();
                if is_question(&sql) {
                    lines.add(&format!("-- asks: {}", shorten(&sql)));
                } else {
                    lines.statement(&sql);
                }
            });
        }
    }

    fn flush(&self) {}
}

impl Lines {
    fn statement(&mut self, sql: &str) {
        let sql = sql.trim();
        let (thread, word) = (self.thread(), first_word(sql));
        if matches!(word.as_str(), "BEGIN" | "START") {
            self.open.insert(thread, String::new());
        }
        let end = if sql.ends_with(';') { "" } else { ";" };
        self.add(&format!("{sql}{end}"));
        let goes_on = sql.to_ascii_uppercase().starts_with("ROLLBACK TO");
        if matches!(word.as_str(), "COMMIT" | "ROLLBACK") && !goes_on {
            let text = self.open.remove(&thread).unwrap_or_default();
            self.append(thread, &text);
        }
    }

    fn add(&mut self, line: &str) {
        let thread = self.thread();
        if let Some(text) = self.open.get_mut(&thread) {
            text.extend([line, "\n"]);
        } else {
            self.append(thread, &format!("{line}\n"));
        }
    }

    fn append(&mut self, thread: usize, text: &str) {
        if self.last != thread {
            let _ = writeln!(self.text, "\n-- thread {thread}");
            self.last = thread;
        }
        self.text.push_str(text);
    }

    /// The number of the thread that speaks.
    fn thread(&mut self) -> usize {
        THREAD.with(|number| {
            if number.get() == 0 {
                self.threads += 1;
                number.set(self.threads);
            }
            number.get()
        })
    }
}

/// A message up to the values in it.
struct Said(String);

impl Write for Said {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.push_str(text);
        match self.0.find(WITH_VALUES) {
            Some(end) if self.0.starts_with(EXECUTING) && !self.0.starts_with(SENDING[0]) => {
                self.0.truncate(end);
                Err(fmt::Error)
            }
            _ => Ok(()),
        }
    }
}

/// Whether a statement only asks.
fn is_question(sql: &str) -> bool {
    matches!(first_word(sql).as_str(), "SELECT" | "WITH" | "SHOW")
        && !WRITING.iter().any(|it| sql.contains(it))
}

fn first_word(sql: &str) -> String {
    let words = sql.trim_start();
    let end = words.find(|it: char| !it.is_ascii_alphabetic());
    words[..end.unwrap_or(words.len())].to_ascii_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_do_not_get_into_the_script() {
        let mut said = Said(String::new());
        let sent = write!(said, "{EXECUTING}s7{WITH_VALUES}: {:?}", ["secret"]);
        assert!(sent.is_err());
        assert_eq!(said.0, "executing statement s7");
        let mut batch = Said(String::new());
        let text = "SELECT ' with parameters'; SELECT 2";
        assert!(write!(batch, "{}{text}", SENDING[0]).is_ok());
        assert!(batch.0.ends_with(text));
    }

    #[test]
    fn questions_are_told_from_what_writes() {
        for (sql, expected) in [
            ("\nSELECT FROM x FOR SHARE", true),
            ("with a AS (SELECT 1) SELECT 2", true),
            ("SELECT pg_catalog.lo_create($1)", false),
            ("INSERT INTO x SELECT 1", false),
        ] {
            assert_eq!(is_question(sql), expected, "{sql}");
        }
    }
}
