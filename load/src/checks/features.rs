//! Features that the target's version does not have, where it is older than the source's.

use archive::Header;
use catalog::GeneratedKind;
use rewrite::{DemandKind, later_features};

/// The version that brought virtual generated columns, which are what a definition means that does not say STORED.
const VIRTUAL_SINCE: i32 = 18;

/// What the definitions in `texts` use and a server of `version` lacks, as sentences.
pub(super) fn missing(header: &Header, texts: &[&str], version: i32) -> Vec<String> {
    let mut findings: Vec<String> = Vec::new();
    for table in header.catalog.tables.iter().filter(|_| version < VIRTUAL_SINCE) {
        let mut columns = table.columns.iter();
        if columns.any(|it| it.generated == Some(GeneratedKind::Virtual)) {
            findings.push(format!(
                "table {} has virtual generated columns, which PostgreSQL has from {VIRTUAL_SINCE} on: make them STORED",
                table.qualified_name()
            ));
        }
    }
    for demand in texts.iter().flat_map(|sql| later_features(sql, version)) {
        let DemandKind::Version { feature, since } = demand.kind else {
            continue;
        };
        findings.push(format!(
            "{} uses {feature}, which PostgreSQL has from {since} on: load into a newer server, or change it in the source",
            demand.object
        ));
    }
    findings
}
