//! `cargo xtask man`: man pages and completions, printed by the tools themselves.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::{Error, Result};
use crate::metadata::Metadata;
use crate::step::{capture, cargo, run as run_step};

/// Shells with completions, and what each calls the file for a program.
///
/// That is the program's name between a prefix and a suffix.
const SHELLS: [(&str, &str, &str); 3] = [("bash", "", ""), ("zsh", "_", ""), ("fish", "", ".fish")];

/// Writes `man/*.1` and `completions/<shell>/*` into `out`, or into the target folder.
pub(crate) fn run(out: Option<PathBuf>) -> Result<()> {
    run_step(cargo().args(["build", "--workspace", "--bins"]))?;
    let metadata = Metadata::read()?;
    let out = out.unwrap_or_else(|| metadata.target.clone());
    let mut programs: Vec<&String> = metadata.tools().flat_map(|it| &it.programs).collect();
    programs.sort();
    for program in &programs {
        let path = metadata.target.join("debug").join(program);
        write(
            &out.join("man"),
            &format!("{program}.1"),
            &capture(Command::new(&path).arg("--generate-man"))?,
        )?;
        for (shell, prefix, suffix) in SHELLS {
            let text = capture(Command::new(&path).args(["--generate-completions", shell]))?;
            write(
                &out.join("completions").join(shell),
                &format!("{prefix}{program}{suffix}"),
                &text,
            )?;
        }
    }
    println!(
        "man pages and completions of {} tools in {}",
        programs.len(),
        out.display()
    );
    Ok(())
}

fn write(folder: &Path, name: &str, text: &[u8]) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(Error::file(folder))?;
    let path = folder.join(name);
    std::fs::write(&path, text).map_err(Error::file(&path))
}
