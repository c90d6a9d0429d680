//! `remap-schema`: a filter that gives every schema its new name, in an archive or in plain SQL.

mod archive_stream;
mod args;
mod converted_keys;
mod merging;
mod opened_rows;
mod path_report;
mod plain_sql;
mod planned;
mod report;
mod roles;

use clap::{ArgMatches, Command, CommandFactory, FromArgMatches};
use cli::{Failure, Input, Ui, open_input};

use args::Args;

/// The definition of the tool's arguments.
pub fn command() -> Command {
    Args::command()
}

/// Runs the tool.
pub fn run(matches: &ArgMatches, ui: &Ui) -> cli::Result {
    let args = Args::from_arg_matches(matches).map_err(Failure::usage)?;
    if args.merging.merge {
        args.roles.refuse_beside_merge()?;
        return merging::merge(&args, ui);
    }
    let input = match args.inputs.as_slice() {
        [] => "-",
        [one] => one,
        _ => {
            return Err(Failure::usage("several inputs are given")
                .with_hint("each source is remapped by itself, unless --merge makes one archive of all"));
        }
    };
    let planned = args.mapping.planned()?;
    let roles = args.roles.roles(planned.as_ref())?;
    let mapping = args.mapping.mapping()?;
    let keys = args.keys.keys(&args.mapping)?;
    // A plan may say that everything stays as it is.
    if mapping.is_empty() && keys.is_none() && planned.is_none() && roles.is_empty() {
        return Err(Failure::usage("nothing says what becomes of the schemas")
            .with_hint("name a schema with --to NAME, or map some with --map OLD=NEW"));
    }
    match open_input(input)? {
        Input::Archive(reader) => {
            archive_stream::remap(*reader, &mapping, (keys.as_ref(), &roles), &args, ui)
        }
        Input::Text(_) if keys.is_some() => Err(Failure::usage(
            "the input is no archive, and plain SQL has no place for keys that become UUIDs",
        )
        .with_hint("`dump` makes an archive, whose rows `load` converts")),
        Input::Text(_) if planned.as_ref().is_some_and(plan::PlannedSource::changes_columns) => Err(Failure::usage(
            "the input is no archive, and in plain SQL columns are not dropped, added or given another type",
        )
        .with_hint("`dump` makes an archive; or take `drop`, `type`, `using` and `add` out of the plan")),
        Input::Text(text) => {
            roles::refuse_for_text(&roles)?;
            plain_sql::remap(text, &mapping, &args, ui)
        }
    }
}
