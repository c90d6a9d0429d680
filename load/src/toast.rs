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
        let Some(row) = row else {
            return Ok(Some(
                "the server is older than PostgreSQL 14: leave --toast-compression out".to_owned(),
            ));
        };
        let methods: Vec<String> = row.get(0);
        if !methods.iter().any(|it| it == method) {
            return Ok(Some(format!(
                "the server was built without {method}: --toast-compression can be {}",
                methods.join(" or ")
            )));
        }
        let sql = format!("SET default_toast_compression = {method}");
        execute(target.client(), &sql)?;
        target.set_up_sessions(sql);
        Ok(None)
    }
}
