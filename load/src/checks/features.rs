//! Features that the target's version does not have, where it is older than the source's.

use rewrite::{DemandKind, later_features};

/// What the definitions in `texts` use and a server of `version` lacks, as sentences.
pub(super) fn missing(texts: &[&str], version: i32) -> Vec<String> {
    let mut findings: Vec<String> = Vec::new();
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
