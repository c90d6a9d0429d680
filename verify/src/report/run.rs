//! How and when a report was made.

use clap::parser::ValueSource;
use clap::{ArgMatches, Command};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::value::line;

/// A run of `verify`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    /// Options as they were given, without secrets; a flag has no value.
    options: Vec<(String, Option<String>)>,
    started: Timestamp,
    finished: Timestamp,
}

impl Run {
    /// A run that starts now, with the options of `command` that were given. SOURCE and TARGET are none of them: the
    /// report tells both by what they are, and their words can hold a password.
    pub(crate) fn start(command: &Command, matches: &ArgMatches) -> Self {
        let mut options = Vec::new();
        for argument in command.get_arguments() {
            let id = argument.get_id().as_str();
            let is_given = matches!(
                matches.try_contains_id(id).ok().and(matches.value_source(id)),
                Some(ValueSource::CommandLine | ValueSource::EnvVariable)
            );
            let Some(long) = argument.get_long().filter(|_| is_given) else {
                continue;
            };
            let name = format!("--{long}");
            if !argument.get_action().takes_values() {
                options.push((name, None));
                continue;
            }
            let values = matches.try_get_raw(id).ok().flatten().into_iter().flatten();
            let values = values.map(|it| without_secret(&it.to_string_lossy()));
            options.extend(values.map(|it| (name.clone(), Some(it))));
        }
        let now = Timestamp::now();
        Run {
            options,
            started: now,
            finished: now,
        }
    }

    /// The same, done now.
    pub(crate) fn finish(self) -> Self {
        Run {
            finished: Timestamp::now(),
            ..self
        }
    }

    /// How much was looked at: `full`, or what was asked for instead.
    pub(super) fn mode(&self) -> &'static str {
        let is_given = |name: &str| self.options.iter().any(|(it, _)| it == name);
        if is_given("--quick") {
            "quick"
        } else if is_given("--sample") {
            "sample"
        } else {
            "full"
        }
    }

    pub(super) fn version() -> &'static str {
        env!("CARGO_PKG_VERSION")
    }

    pub(super) fn finished(&self) -> String {
        seconds(self.finished)
    }

    pub(super) fn started(&self) -> String {
        seconds(self.started)
    }

    /// How long it took.
    pub(super) fn took(&self) -> std::time::Duration {
        self.finished.duration_since(self.started).unsigned_abs()
    }

    /// `--to there --no-large-objects`
    pub(super) fn options(&self) -> String {
        let option = |(name, value): &(String, Option<String>)| match value {
            None => name.clone(),
            Some(value) => format!("{name} {}", line(value)),
        };
        self.options.iter().map(option).collect::<Vec<_>>().join(" ")
    }

    pub(super) fn json(&self) -> Value {
        let options = self.options.iter();
        let options = options.map(|(name, value)| json!({"name": name, "value": value}));
        json!({
            "version": Run::version(),
            "mode": self.mode(),
            "options": options.collect::<Vec<_>>(),
            "started": self.started(),
            "finished": self.finished(),
        })
    }
}

fn seconds(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The value, unless it looks like an endpoint with a password.
fn without_secret(value: &str) -> String {
    let is_word = value.to_ascii_lowercase().contains("password");
    let authority = value
        .split_once("://")
        .map(|(_, rest)| rest.split('/').next().unwrap_or(rest));
    let user = authority.and_then(|it| it.rsplit_once('@')).map(|(user, _)| user);
    if is_word || user.is_some_and(|it| it.contains(':')) {
        "(not shown)".to_owned()
    } else {
        value.to_owned()
    }
}

#[cfg(test)]
impl Run {
    /// A run with these options, which took a second and a half.
    pub(super) fn at(options: &[(&str, Option<&str>)]) -> Self {
        let owned = |(name, value): &(&str, Option<&str>)| ((*name).to_owned(), value.map(str::to_owned));
        Run {
            options: options.iter().map(owned).collect(),
            started: Timestamp::UNIX_EPOCH,
            finished: Timestamp::from_millisecond(1_500).expect("it is a moment"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_told_as_they_were_given_and_without_secrets() {
        let line = [
            "verify",
            "postgres://ann:secret@host/a",
            "b",
            "--to",
            "there",
            "--no-large-objects",
            "--map",
            "a=b",
        ];
        let matches = crate::command().get_matches_from(line);
        let run = Run::start(&crate::command(), &matches);
        let mut options: Vec<String> = run.options.iter().map(|(name, _)| name.clone()).collect();
        options.sort();
        assert_eq!(options, ["--map", "--no-large-objects", "--to"]);
        assert!(run.options().contains("--to there"), "{}", run.options());
        assert!(!run.options().contains("secret"));
        for (value, shown) in [
            ("postgres://ann:secret@host/a", "(not shown)"),
            ("host=a PassWord=secret", "(not shown)"),
            ("public.a:b@c", "public.a:b@c"),
            ("postgres://ann@host:5432/a", "postgres://ann@host:5432/a"),
        ] {
            assert_eq!(without_secret(value), shown);
        }
    }

    #[test]
    fn weaker_proofs_are_labelled() {
        assert_eq!(Run::at(&[("--to", Some("a"))]).mode(), "full");
        assert_eq!(Run::at(&[("--quick", None)]).mode(), "quick");
        assert_eq!(Run::at(&[("--sample", Some("10"))]).mode(), "sample");
    }
}
