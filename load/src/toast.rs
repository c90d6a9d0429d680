//! `--toast-compression`: how long values are compressed where their column does not say it itself.

use clap::{Args, ValueEnum};
use cli::Result;

use crate::statements::execute;
use crate::target::{Target, failed};

/// Flattened into the tool's arguments.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct ToastArgs {
    /// How long values are compressed [default: as the server says]
    ///
    /// For columns that do not say it themselves (COMPRESSION). lz4 costs the server far less time than pglz, and
    /// needs PostgreSQL 14 built with it.
    #[arg(long, value_enum, value_name = "METHOD")]
    toast_compression: Option<Method>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Method {
    Lz4,
    Pglz,
}

impl Method {
    fn name(self) -> &'static str {
        match self {
            Method::Lz4 => "lz4",
            Method::Pglz => "pglz",
        }
    }
}

impl ToastArgs {
    /// What keeps the server from it, as a sentence; otherwise all sessions do so from here on.
    pub(crate) fn apply(self, target: &mut Target) -> Result<Option<String>> {
        const METHODS: &str =
            "SELECT enumvals FROM pg_catalog.pg_settings WHERE name = 'default_toast_compression'";
        let Some(method) = self.toast_compression.map(Method::name) else {
            return Ok(None);
        };
        let row = target
            .client()
            .query_opt(METHODS, &[])
            .map_err(|error| failed("the server's settings could not be read", error))?;
        let known: Option<Vec<String>> = row.map(|it| it.get(0));
        if let Some(obstacle) = obstacle(known.as_deref(), method) {
            return Ok(Some(obstacle));
        }
        let sql = format!("SET default_toast_compression = {method}");
        execute(target.client(), &sql)?;
        target.set_up_sessions(sql);
        Ok(None)
    }
}

/// What keeps a server from compressing by `method` that knows the methods `known`, or has no choice.
fn obstacle(known: Option<&[String]>, method: &str) -> Option<String> {
    let Some(known) = known else {
        return Some("the server is older than PostgreSQL 14: leave --toast-compression out".to_owned());
    };
    (!known.iter().any(|it| it == method)).then(|| {
        let known = known.join(" or ");
        format!("the server was built without {method}: --toast-compression can be {known}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_that_the_server_lacks_is_refused() {
        let (pglz, both) = (["pglz".to_owned()], ["pglz", "lz4"].map(str::to_owned));
        assert_eq!(obstacle(Some(&both), "lz4"), None);
        assert_eq!(obstacle(Some(&pglz), "pglz"), None);
        let without = "the server was built without lz4: --toast-compression can be pglz";
        assert_eq!(obstacle(Some(&pglz), "lz4").as_deref(), Some(without));
        assert!(obstacle(None, "pglz").is_some_and(|it| it.contains("older than PostgreSQL 14")));
    }
}
