//! A tool's run, from its arguments to its exit code, and the one printer of errors.

use std::error::Error;
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::ExitCode;

use clap::{ArgMatches, Command};
use postgres::error::{DbError, ErrorPosition};
use rustix::process::{Resource, Rlimit, setrlimit};

use crate::ui::write_line;
use crate::{Exit, Failure, Frame, Result, Ui, interrupt, manual};

/// Runs a tool. `command` is the tool's own, `tool` does the work.
pub fn run(command: Command, tool: fn(&ArgMatches, &Ui) -> Result) -> ExitCode {
    forbid_core_files();
    let command = Frame::augment(command);
    let arguments: Vec<String> = std::env::args_os()
        .skip(1)
        .map(|it| it.to_string_lossy().into_owned())
        .collect();
    if let Some(text) = manual::generate(command.clone(), &arguments) {
        // Like stderr below: what nobody takes changes neither the work nor the exit code.
        let _ = write!(std::io::stdout().lock(), "{text}");
        return ExitCode::SUCCESS;
    }
    let matches = match command.clone().try_get_matches() {
        Ok(matches) => matches,
        Err(error) => {
            // A closed stdout while help is printed is nobody's concern.
            let _ = error.print();
            let exit = if error.use_stderr() {
                Exit::Usage
            } else {
                Exit::Done
            };
            return ExitCode::from(exit as u8);
        }
    };
    let frame = Frame::from_matches(&matches);
    let ui = Ui::new(command.get_name(), &frame);
    interrupt::install(ui.clone());
    let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| tool(&matches, &ui)));
    let exit = match ended {
        _ if interrupt::caught().is_some() => {
            ui.status("interrupted");
            if let Ok(Err(failure)) = &ended {
                for line in failure.left.iter().chain(&failure.hint) {
                    ui.status(line);
                }
            }
            interrupt::caught().unwrap_or(Exit::Interrupted)
        }
        Ok(Ok(outcome)) => outcome.into(),
        Ok(Err(failure)) => {
            print(&failure, &ui);
            failure.exit
        }
        Err(_) => {
            write_line("error: internal error; please report it with the lines above");
            Exit::Internal
        }
    };
    ExitCode::from(exit as u8)
}

/// A core file would hold passwords and rows. It is forbidden for the programs that we run, too.
fn forbid_core_files() {
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    // To ask for less is always allowed.
    let _ = setrlimit(Resource::Core, none);
}

/// Prints an error: the step, its causes, the state that is left, and the way out.
fn print(failure: &Failure, ui: &Ui) {
    if failure.exit == Exit::OutputClosed {
        return;
    }
    let mut text = format!("error: {}", failure.message);
    let mut said = failure.message.clone();
    let mut cause = failure.source.as_deref().map(|it| it as &(dyn Error + 'static));
    while let Some(error) = cause {
        let words = describe(error, ui.is_verbose());
        if !words.is_empty() && !said.contains(&words) {
            let _ = write!(text, "\n  {}", words.replace('\n', "\n  "));
            said = words;
        }
        let failed = error.downcast_ref::<database::Error>();
        for name in failed
            .filter(|_| ui.is_verbose())
            .map_or(&[][..], |it| it.names())
        {
            text.extend(["\n  ", name]);
        }
        cause = error.source();
    }
    failure.left.iter().for_each(|line| text.extend(["\n  ", line]));
    if let Some(hint) = &failure.hint {
        let _ = write!(text, "\nhint: {hint}");
    }
    write_line(&text);
}

/// A server's error in full, apart from DETAIL, which can hold row data and is shown on request only.
fn describe(error: &(dyn Error + 'static), verbose: bool) -> String {
    if error
        .downcast_ref::<postgres::Error>()
        .is_some_and(|it| it.as_db_error().is_some())
    {
        return String::new();
    }
    let Some(server) = error.downcast_ref::<DbError>() else {
        return error.to_string();
    };
    let mut text = format!(
        "{}: {} (SQLSTATE {})",
        server.severity(),
        server.message(),
        server.code().code()
    );
    if let Some(detail) = server.detail() {
        let shown = if verbose {
            detail
        } else {
            "shown with --verbose, since it can hold row data"
        };
        let _ = write!(text, "\nDETAIL: {shown}");
    }
    if let Some(hint) = server.hint() {
        let _ = write!(text, "\nHINT: {hint}");
    }
    if let Some(context) = server.where_().filter(|_| verbose) {
        let _ = write!(text, "\nCONTEXT: {context}");
    }
    if let Some(ErrorPosition::Original(position)) = server.position() {
        let _ = write!(text, "\nat character {position} of the statement");
    }
    text
}
