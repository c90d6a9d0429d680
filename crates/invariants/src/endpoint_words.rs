//! The endpoint parser: no words make it fall, none of its answers repeats a password, and what it understood can be
//! said again.

use std::error::Error;

use database::Endpoint;
use database::endpoint::Environment;

use crate::Verdict;

const PASSWORD: &str = "hunter2";

/// What is put before an input, so that it has a password.
const WITH_PASSWORD: [&str; 4] = [
    "postgres://ada:hunter2@",
    "postgresql:///?password=hunter2&",
    "password=hunter2 ",
    "sslpassword = 'hunter2'",
];

pub(crate) fn check(bytes: &[u8]) -> Verdict {
    let Ok(words) = std::str::from_utf8(bytes) else {
        return Verdict::Refused;
    };
    // Files are not this function's matter, and some never end.
    if names_a_file(words) {
        return Verdict::Refused;
    }
    if !words.contains(PASSWORD) {
        for before in WITH_PASSWORD {
            let said = everything_said(&parse(&format!("{before}{words}")));
            assert!(!said.contains(PASSWORD), "a password is repeated: {said}");
        }
    }
    match parse(words) {
        Ok(Endpoint::Postgres(endpoint)) => {
            let said = endpoint.without_password();
            let Ok(Endpoint::Postgres(again)) = parse(&said) else {
                panic!("`{said}` cannot be understood");
            };
            assert_eq!(again.without_password(), said, "said again it is something else");
            assert_eq!(again.display_name(), endpoint.display_name(), "{said}");
            Verdict::Accepted
        }
        Ok(Endpoint::Sqlite(_)) => Verdict::Accepted,
        Err(_) => Verdict::Refused,
    }
}

fn parse(words: &str) -> database::Result<Endpoint> {
    let environment = Environment::empty()
        .with_user_name("ada")
        .with_socket_directories(["/"]);
    Endpoint::parse(words, &environment)
}

/// All texts in which an answer could show what it was given.
fn everything_said(answer: &database::Result<Endpoint>) -> String {
    match answer {
        Ok(endpoint @ Endpoint::Postgres(it)) => {
            let texts = [
                format!("{endpoint} {endpoint:?}"),
                it.display_name(),
                it.without_password(),
            ];
            format!("{} {}", texts.join(" "), endpoint.warnings().join(" "))
        }
        Ok(Endpoint::Sqlite(_)) => String::new(),
        Err(error) => {
            let mut said = vec![
                error.to_string(),
                format!("{error:?}"),
                error.hint().unwrap_or_default().to_owned(),
            ];
            let mut cause = error.source();
            while let Some(error) = cause {
                said.push(error.to_string());
                cause = error.source();
            }
            said.join(" ")
        }
    }
}

/// Whether one of the words could be the path of a file that is opened. `%` may hide one in a URL.
fn names_a_file(words: &str) -> bool {
    const FILES: [&str; 6] = ["passfile", "ssl", "service", "crl", "cert", "/"];
    let is_url = words.starts_with("postgres");
    !is_url && words.contains('/')
        || FILES[..5].iter().any(|it| words.contains(it)) && words.contains(['/', '%'])
}
