//! axe-core, which knows the rules of accessible pages: one version, by its hash, fetched once with npm.
//!
//! It is under MPL 2.0, runs in checks only, and is no part of what we hand on.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::step::capture;

const VERSION: &str = "4.14.1";

/// Of `axe.min.js` in the package of [`VERSION`].
const SHA256: &str = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c";

/// Runs every rule; what it gives is a list of sentences.
pub(super) const RUN: &str = "axe.run(document, { resultTypes: ['violations'] }).then((result) => \
    result.violations.flatMap((rule) => rule.nodes.slice(0, 5).map((node) => \
    `axe ${rule.id}: ${rule.help}: ${node.target.join(' ')}: ${(node.any[0] ?? node.all[0] ?? node.none[0])?.message}`)))";

/// Its text, from `target/axe-core` or npm.
pub(super) fn script(target: &Path) -> Result<String> {
    let folder = target.join("axe-core").join(VERSION);
    let path = folder.join("package/axe.min.js");
    if !path.is_file() {
        fetch(&folder)?;
    }
    let text = std::fs::read_to_string(&path).map_err(Error::file(&path))?;
    check(&text)?;
    Ok(text)
}

fn fetch(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(Error::file(folder))?;
    let spec = format!("axe-core@{VERSION}");
    println!("fetching {spec} (MPL 2.0)");
    let name = capture(
        Command::new("npm")
            .args(["pack", "--silent", &spec])
            .current_dir(folder),
    )?;
    let name = String::from_utf8_lossy(&name).trim().to_owned();
    let mut unpack = Command::new("tar");
    unpack.args(["--no-same-owner", "-xzf", &name, "package/axe.min.js"]);
    capture(unpack.current_dir(folder)).map(drop)
}

fn check(text: &str) -> Result<()> {
    let mut found = String::new();
    for byte in Sha256::digest(text) {
        // To write to a String never fails.
        let _ = write!(found, "{byte:02x}");
    }
    if found == SHA256 {
        Ok(())
    } else {
        Err(Error::Differs(format!(
            "axe-core {VERSION} has the SHA-256 {found}, not {SHA256}"
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_script_is_refused() {
        assert!(check("alert(1)").is_err());
    }
}
