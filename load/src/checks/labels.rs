//! Security labels, which only a server with the provider's module can take.

use cli::Result;
use postgres::error::SqlState;
use rewrite::{for_provider, label_providers};

use crate::target::{Target, failed};

/// Providers of labels in `texts` that the server does not have, as sentences.
pub(crate) fn missing_providers(target: &mut Target, texts: &[&str]) -> Result<Vec<String>> {
    let mut providers: Vec<_> = texts.iter().flat_map(|sql| label_providers(sql)).collect();
    providers.sort();
    providers.dedup();
    let mut findings = Vec::new();
    for provider in providers {
        // No catalog lists them. A provider is looked for before anything else.
        let clause = for_provider(provider.as_deref());
        let step = "the providers of security labels could not be examined";
        let mut transaction = target
            .client()
            .transaction()
            .map_err(|error| failed(step, error))?;
        let tried =
            transaction.batch_execute(&format!("SECURITY LABEL{clause} ON SCHEMA pg_catalog IS NULL"));
        transaction.rollback().map_err(|error| failed(step, error))?;
        let code = tried.err().and_then(|error| error.code().cloned());
        if code == Some(SqlState::INVALID_PARAMETER_VALUE) {
            let name = provider.unwrap_or_else(|| "of no name".to_owned());
            findings.push(format!(
                "security label provider {name} is not loaded on the server: its module belongs in shared_preload_libraries"
            ));
        }
    }
    Ok(findings)
}
