//! A small extension of the tests' own, with tables that hold rows of the user's.

use std::path::Path;

use crate::error::{Error, ErrorKind, Result};
use crate::install::is_root;
use crate::programs::Programs;

/// The extension's name.
pub const CONFIGURED: &str = "coalesce_configured";

const CONTROL: &str = "comment = 'rows of the user in tables of an extension'
default_version = '1.0'
relocatable = false
trusted = true
";

/// `rates`: only rows that are not `standard` are the user's; `labels` refers to it and comes before it by name;
/// `words` has no key; `untouched` never has rows of the user's.
const SCRIPT: &str = "
CREATE TABLE rates (code text PRIMARY KEY, rate numeric, standard boolean NOT NULL DEFAULT false,
  twice numeric GENERATED ALWAYS AS (rate * 2) STORED);
INSERT INTO rates VALUES ('EUR', 1, true), ('USD', 1.1, true);
CREATE TABLE labels (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, code text REFERENCES rates, label json);
CREATE TABLE words (word text, number integer);
CREATE TABLE untouched (id integer);
SELECT pg_catalog.pg_extension_config_dump('rates', 'WHERE NOT standard');
SELECT pg_catalog.pg_extension_config_dump('labels', '');
SELECT pg_catalog.pg_extension_config_dump('words', '');
SELECT pg_catalog.pg_extension_config_dump('untouched', '');
";

/// Puts the extension's files where the server looks for them. `None` where this is not allowed.
pub fn install_configured_extension(programs: &Programs) -> Result<Option<&'static str>> {
    if !is_root() {
        return Ok(None);
    }
    let output = programs
        .command("pg_config")
        .arg("--sharedir")
        .output()
        .map_err(Error::caused(ErrorKind::Program, "cannot run pg_config"))?;
    let shared = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let folder = Path::new(&shared).join("extension");
    for (name, text) in [
        (format!("{CONFIGURED}--1.0.sql"), SCRIPT),
        (format!("{CONFIGURED}.control"), CONTROL),
    ] {
        put(&folder, &name, text)?;
    }
    Ok(Some(CONFIGURED))
}

/// Other tests may do the same at the same time, so a file appears whole.
fn put(folder: &Path, name: &str, text: &str) -> Result<()> {
    use std::io::Write;
    use std::os::unix::fs::PermissionsExt;

    let failed = || {
        Error::caused(
            ErrorKind::File,
            format!("cannot put {name} into {}", folder.display()),
        )
    };
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed())?;
    file.write_all(text.as_bytes()).map_err(failed())?;
    let readable = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(file.path(), readable).map_err(failed())?;
    file.persist(folder.join(name))
        .map(drop)
        .map_err(|error| failed()(error.error))
}
