//! No tool depends on another tool: they meet in pipelines only.

use super::Finding;
use crate::metadata::Package;

pub(super) fn between_tools(packages: &[Package]) -> Vec<Finding> {
    let tools: Vec<&Package> = packages.iter().filter(|it| it.is_tool()).collect();
    let mut findings = Vec::new();
    for package in packages {
        for name in package.dependencies.iter().chain(&package.test_dependencies) {
            if tools.iter().any(|it| it.name == *name) {
                let path = format!("{}/Cargo.toml", package.folder);
                findings.push(Finding::new(
                    &path,
                    0,
                    format!("depends on {name}, which is a tool"),
                ));
            }
        }
    }
    findings
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A package called after its folder.
    pub(in crate::tidy) fn package(folder: &str, dependencies: &[&str]) -> Package {
        Package {
            name: format!("coalesce-{}", folder.trim_start_matches("crates/")),
            folder: folder.to_owned(),
            dependencies: dependencies.iter().map(|it| (*it).to_owned()).collect(),
            test_dependencies: Vec::new(),
            programs: Vec::new(),
        }
    }

    #[test]
    fn a_tool_that_depends_on_a_tool_is_found() {
        let packages = [
            package("dump", &["coalesce-cli"]),
            package("load", &["coalesce-dump"]),
            package("crates/cli", &[]),
        ];
        let found = between_tools(&packages);
        assert_eq!(
            found,
            [Finding::new(
                "load/Cargo.toml",
                0,
                "depends on coalesce-dump, which is a tool"
            )]
        );
    }
}
