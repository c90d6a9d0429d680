//! Service files: connection settings under a name, read by libpq's rules ("The Connection Service File" in
//! the PostgreSQL manual).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fmt, fs, io};

use super::environment::Environment;
use super::keyword;
use crate::error::{Error, ErrorKind, Result};

/// Where distributions keep the file for everyone: Debian, Red Hat, PostgreSQL as its authors build it.
const SYSTEM_FOLDERS: [&str; 3] = [
    "/etc/postgresql-common",
    "/etc/sysconfig/pgsql",
    "/usr/local/pgsql/etc",
];

/// What a service file says of one service. Values may be secret.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Service {
    path: PathBuf,
    /// Values with the numbers of their lines, counted from 1.
    values: BTreeMap<&'static str, (String, usize)>,
}

impl Service {
    /// Looks `name` up in `file`, else in `~/.pg_service.conf`; then in the file for everyone.
    pub(super) fn find(name: &str, file: Option<PathBuf>, environment: &Environment) -> Result<Service> {
        let personal = match file {
            Some(path) if !path.exists() => {
                let message = format!("service file {} does not exist", path.display());
                return Err(Error::new(ErrorKind::Endpoint, message)
                    .with_hint("servicefile= or PGSERVICEFILE names the file"));
            }
            Some(path) => Some(path),
            None => environment.home_file(".pg_service.conf"),
        };
        let system = match environment.variable("PGSYSCONFDIR") {
            Some(folder) => vec![PathBuf::from(folder)],
            None => SYSTEM_FOLDERS.iter().map(PathBuf::from).collect(),
        };
        let system = system.iter().map(|it| it.join("pg_service.conf"));
        let files: Vec<PathBuf> = personal.into_iter().chain(system).collect();
        for path in files.iter().filter(|it| it.exists()) {
            if let Some(service) = read(path, name)? {
                return Ok(service);
            }
        }
        let places: Vec<String> = files.iter().map(|it| it.display().to_string()).collect();
        Err(
            Error::new(ErrorKind::Endpoint, format!("service {name} is defined nowhere")).with_hint(format!(
                "write a section [{name}] into one of {}",
                places.join(", ")
            )),
        )
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// A keyword's value and its line.
    pub(super) fn get(&self, keyword: &str) -> Option<(&str, usize)> {
        self.values
            .get(keyword)
            .map(|(value, line)| (value.as_str(), *line))
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} in {}", self.values.keys(), self.path.display())
    }
}

/// The section called `name`, if the file has one. What stands in other sections is not looked at.
fn read(path: &Path, name: &str) -> Result<Option<Service>> {
    let unreadable = |source: io::Error| {
        let message = format!("service file {} cannot be read", path.display());
        Error::new(ErrorKind::Endpoint, message).with_source(source)
    };
    let text = fs::read_to_string(path).map_err(unreadable)?;
    let header = format!("[{name}]");
    let lines = text
        .lines()
        .enumerate()
        .map(|(place, line)| (place + 1, line.trim()));
    let mut section = lines.skip_while(|(_, line)| !line.starts_with(&header));
    if section.next().is_none() {
        return Ok(None);
    }
    let mut values = BTreeMap::new();
    for (number, line) in section.take_while(|(_, line)| !line.starts_with('[')) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (keyword, value) = parse_line(line).map_err(|fault| fault.at(path, number))?;
        // The first line of a keyword holds, as in libpq.
        values
            .entry(keyword)
            .or_insert_with(|| (value.to_owned(), number));
    }
    Ok(Some(Service {
        path: path.to_owned(),
        values,
    }))
}

/// What is wrong with a line. The line itself is never repeated: it may hold a password.
enum LineFault {
    Syntax,
    Ldap,
    Nested,
    Unsupported(Error),
}

fn parse_line(line: &str) -> std::result::Result<(&'static str, &str), LineFault> {
    if line.starts_with("ldap") {
        return Err(LineFault::Ldap);
    }
    let (name, value) = line.split_once('=').ok_or(LineFault::Syntax)?;
    if name == "service" || name == "servicefile" {
        return Err(LineFault::Nested);
    }
    let keyword = keyword::find(name, value).ok_or(LineFault::Syntax)?;
    Ok((keyword.map_err(LineFault::Unsupported)?, value))
}

impl LineFault {
    fn at(self, path: &Path, line: usize) -> Error {
        let place = format!("line {line} of service file {}", path.display());
        let error = |message| Error::new(ErrorKind::Endpoint, message);
        match self {
            LineFault::Syntax => error(format!("{place} is not of the form keyword=value"))
                .with_hint("without spaces around the \"=\", without quotes, and a keyword of libpq's"),
            LineFault::Ldap => error(format!("{place} asks an LDAP server, which is not supported"))
                .with_hint("write down what the LDAP server would say: host=…, port=…"),
            LineFault::Nested => error(format!(
                "{place} names another service, which a service cannot do"
            )),
            LineFault::Unsupported(cause) => {
                let hint = cause.hint().unwrap_or_default().to_owned();
                error(format!("{place}: {cause}")).with_hint(hint)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::conninfo::parse_keywords;
    use super::super::keyword::Origin;
    use super::*;

    const FILE: &str = "# services
[shop]
host=db
 port=5433\x20
password=hunter2
host=later

dbname=
[lines]
no equals sign hunter2
[unknown]
colour=red
[kerberos]
krbsrvname=pg
[other]
service=shop
[directory]
ldap://ldap.example.com/dc=example
[shopping]
host=elsewhere
";

    fn environment() -> (tempfile::TempDir, Environment) {
        let home = tempfile::tempdir().expect("a temporary folder");
        fs::write(home.path().join(".pg_service.conf"), FILE).expect("a file");
        let environment = Environment::empty()
            .with_home(home.path())
            .with_variable("PGSYSCONFDIR", &home.path().join("system").display().to_string());
        (home, environment)
    }

    /// `expected` is host, port and database, or what the error says behind the name of the file.
    #[track_caller]
    fn check(words: &str, environment: &Environment, expected: std::result::Result<[&str; 3], &str>) {
        let keywords = parse_keywords(words).and_then(|it| it.with_service(environment));
        let outcome = keywords.as_ref().map(|keywords| {
            ["host", "port", "dbname"].map(|it| keywords.get(it, environment).unwrap_or_default())
        });
        match (outcome, expected) {
            (Err(error), Err(expected)) => {
                assert!(error.to_string().ends_with(expected), "{words}: {error}");
                assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
            }
            (outcome, expected) => assert_eq!(outcome.ok(), expected.ok(), "{words}"),
        }
    }

    #[test]
    fn words_go_before_the_service_and_the_service_before_the_environment() {
        let (_home, environment) = environment();
        let environment = environment
            .with_variable("PGPORT", "1")
            .with_variable("PGDATABASE", "d");
        check("service=shop", &environment, Ok(["db", "5433", ""]));
        check(
            "service=shop host=x dbname=y",
            &environment,
            Ok(["x", "5433", "y"]),
        );
        check("service=shopping", &environment, Ok(["elsewhere", "1", "d"]));
        let named = environment.with_variable("PGSERVICE", "shop");
        check("port=2", &named, Ok(["db", "2", ""]));
        check("service=''", &named, Ok(["", "1", "d"]));
    }

    #[test]
    fn what_cannot_be_read_is_named_with_its_line() {
        let (home, environment) = environment();
        let none = Err("service shops is defined nowhere");
        check("service=shops", &environment, none);
        check(
            "service=lines",
            &environment,
            Err(".pg_service.conf is not of the form keyword=value"),
        );
        check(
            "service=unknown",
            &environment,
            Err("is not of the form keyword=value"),
        );
        check(
            "service=kerberos",
            &environment,
            Err("krbsrvname is not supported"),
        );
        check(
            "service=other",
            &environment,
            Err("names another service, which a service cannot do"),
        );
        check(
            "service=directory",
            &environment,
            Err("asks an LDAP server, which is not supported"),
        );
        let error = read(&home.path().join(".pg_service.conf"), "lines").expect_err("a fault");
        assert!(
            error.to_string().starts_with("line 10 of service file"),
            "{error}"
        );
        let missing = environment.with_variable("PGSERVICEFILE", "/nonexistent/services");
        check(
            "service=shop",
            &missing,
            Err("service file /nonexistent/services does not exist"),
        );
    }

    #[test]
    fn the_file_for_everyone_is_asked_last() {
        let (home, environment) = environment();
        let system = home.path().join("system");
        fs::create_dir(&system).expect("a folder");
        fs::write(
            system.join("pg_service.conf"),
            "[shop]\nhost=no\n[all]\nhost=all\n",
        )
        .expect("a file");
        check("service=shop", &environment, Ok(["db", "5433", ""]));
        check("service=all", &environment, Ok(["all", "", ""]));
        let keywords = parse_keywords("service=all").and_then(|it| it.with_service(&environment));
        let keywords = keywords.expect("a service");
        let (_, origin) = keywords.get_with_origin("host", &environment).expect("a host");
        let path = system.join("pg_service.conf");
        assert_eq!(origin, Origin::ServiceFile { path, line: 4 });
    }
}
