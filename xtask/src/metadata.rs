//! The workspace as cargo sees it: members, their dependencies and programs.

use std::path::PathBuf;

use serde_json::Value;

use crate::error::{Error, Result};
use crate::step;

/// The workspace's packages and its target folder.
#[derive(Debug)]
pub(crate) struct Metadata {
    pub(crate) packages: Vec<Package>,
    pub(crate) target: PathBuf,
}

/// One member of the workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Package {
    pub(crate) name: String,
    /// Its folder, relative to the workspace's: `crates/plan`, `dump`.
    pub(crate) folder: String,
    /// Packages that its code depends on, outside tests.
    pub(crate) dependencies: Vec<String>,
    /// Packages that its tests alone depend on.
    pub(crate) test_dependencies: Vec<String>,
    /// Names of its programs.
    pub(crate) programs: Vec<String>,
}

impl Metadata {
    pub(crate) fn read() -> Result<Self> {
        let text = step::capture(step::cargo().args(["metadata", "--format-version", "1", "--no-deps"]))?;
        Ok(Metadata::parse(
            &serde_json::from_slice(&text).map_err(Error::Metadata)?,
        ))
    }

    fn parse(value: &Value) -> Self {
        let root = text(&value["workspace_root"]);
        let packages = list(&value["packages"])
            .iter()
            .map(|it| Package::parse(it, &root))
            .collect();
        Metadata {
            packages,
            target: PathBuf::from(text(&value["target_directory"])),
        }
    }

    /// Packages that are tools: at the top of the workspace, and not this one.
    pub(crate) fn tools(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|it| it.is_tool())
    }
}

impl Package {
    pub(crate) fn is_tool(&self) -> bool {
        !self.folder.contains('/') && self.folder != "xtask"
    }

    fn parse(value: &Value, root: &str) -> Self {
        let manifest = text(&value["manifest_path"]);
        let folder = manifest
            .strip_prefix(root)
            .unwrap_or(&manifest)
            .trim_start_matches('/');
        let names = |of_tests: bool| {
            let dependencies = list(&value["dependencies"]).iter();
            dependencies
                .filter(|it| (it["kind"] == "dev") == of_tests)
                .map(|it| text(&it["name"]))
                .collect::<Vec<_>>()
        };
        let is_program = |it: &&Value| list(&it["kind"]).iter().any(|kind| kind == "bin");
        Package {
            name: text(&value["name"]),
            folder: folder
                .trim_end_matches("Cargo.toml")
                .trim_end_matches('/')
                .to_owned(),
            dependencies: names(false),
            test_dependencies: names(true),
            programs: list(&value["targets"])
                .iter()
                .filter(is_program)
                .map(|it| text(&it["name"]))
                .collect(),
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_read_with_their_folders_dependencies_and_programs() {
        let value = serde_json::json!({
            "workspace_root": "/w",
            "target_directory": "/w/target",
            "packages": [{
                "name": "coalesce-dump",
                "manifest_path": "/w/dump/Cargo.toml",
                "dependencies": [{"name": "clap", "kind": null}, {"name": "proptest", "kind": "dev"}],
                "targets": [{"name": "dump", "kind": ["lib"]}, {"name": "dump", "kind": ["bin"]}],
            }],
        });
        let metadata = Metadata::parse(&value);
        let expected = Package {
            name: "coalesce-dump".to_owned(),
            folder: "dump".to_owned(),
            dependencies: vec!["clap".to_owned()],
            test_dependencies: vec!["proptest".to_owned()],
            programs: vec!["dump".to_owned()],
        };
        assert_eq!(metadata.packages, [expected]);
        assert_eq!(metadata.tools().count(), 1);
    }
}
