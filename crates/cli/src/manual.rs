//! Man pages and completions, made from the same definition as `--help`; for packagers, by arguments that no help
//! shows: `TOOL --generate-man`, `TOOL --generate-completions SHELL`.

use clap::{Command, ValueEnum};
use clap_complete::Shell;

/// The text that the arguments ask for, if they do. They stand alone: what a tool needs is not needed here.
pub(crate) fn generate(mut command: Command, arguments: &[String]) -> Option<String> {
    let mut text = Vec::new();
    match arguments {
        [word] if word == "--generate-man" => clap_mangen::Man::new(command).render(&mut text).ok()?,
        [word, shell] if word == "--generate-completions" => {
            let shell = Shell::from_str(shell, false).ok()?;
            let name = command.get_name().to_owned();
            clap_complete::generate(shell, &mut command, name, &mut text);
        }
        _ => return None,
    }
    String::from_utf8(text).ok()
}
