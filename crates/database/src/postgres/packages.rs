//! What the package with PostgreSQL's client programs is called on this system.

use std::path::Path;

/// Kinds of systems, by what they say of themselves in `/etc/os-release`: the own name, or whose kin they are.
/// `NN` stands for the major version.
const PACKAGES: [(&str, &str); 7] = [
    ("debian", "postgresql-client-NN"),
    ("ubuntu", "postgresql-client-NN"),
    ("fedora", "postgresqlNN"),
    ("rhel", "postgresqlNN"),
    ("suse", "postgresqlNN"),
    ("alpine", "postgresqlNN-client"),
    ("arch", "postgresql"),
];

/// The package that holds `pg_dump` of version `major`.
pub(super) fn client_package(major: u32) -> String {
    if cfg!(target_os = "macos") {
        return format!("postgresql@{major}");
    }
    let release = std::fs::read_to_string(Path::new("/etc/os-release")).unwrap_or_default();
    package_of(&release, major)
}

/// The same for the text of an `os-release` file: <https://www.freedesktop.org/software/systemd/man/os-release.html>.
fn package_of(release: &str, major: u32) -> String {
    let value = |key: &str| {
        let mut lines = release.lines();
        let found = lines.find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        found.unwrap_or_default().trim_matches(['"', '\'']).to_owned()
    };
    let (own, kin) = (value("ID"), value("ID_LIKE"));
    let name = std::iter::once(own.as_str())
        .chain(kin.split_whitespace())
        .find_map(|id| PACKAGES.iter().find(|(system, _)| *system == id))
        .map_or(PACKAGES[0].1, |(_, name)| *name);
    name.replace("NN", &major.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_package_is_called_as_on_the_system() {
        for (release, package) in [
            ("ID=debian\nVERSION_ID=\"12\"\n", "postgresql-client-18"),
            (
                "NAME=Mint\nID=linuxmint\nID_LIKE=\"ubuntu debian\"\n",
                "postgresql-client-18",
            ),
            ("ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n", "postgresql18"),
            ("ID=fedora\n", "postgresql18"),
            (
                "ID=\"opensuse-leap\"\nID_LIKE=\"suse opensuse\"\n",
                "postgresql18",
            ),
            ("ID=alpine\n", "postgresql18-client"),
            ("ID=arch\n", "postgresql"),
            ("", "postgresql-client-18"),
        ] {
            assert_eq!(package_of(release, 18), package, "{release}");
        }
    }
}
