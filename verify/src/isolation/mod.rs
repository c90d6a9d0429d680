//! Isolation: what the roles of the compared schemas can see and touch outside of them, and who from outside can reach in.
//! PostgreSQL's own rights alone count: superusers, the owner of the database and whoever makes roles are above them.

mod closing;
mod grants;
mod parties;
mod standing;

use cli::{Failure, Result};
use database::postgres::isolation::read_access;

use crate::health::Scene;
use crate::report::{Area, Finding};
use parties::Parties;

/// Every leak, one line each; `roles` are those that belong to the schemas besides those that can be known.
pub(crate) fn look(scene: &Scene<'_>, roles: &[String]) -> Result<Vec<Finding>> {
    let target = scene.target;
    let access = target
        .with_snapshot(|it| read_access(it.client()))
        .map_err(Failure::target)?;
    if let Some(missing) = roles
        .iter()
        .find(|it| !access.roles.iter().any(|role| role.name == **it))
    {
        let message = format!("there is no role {missing} on {}", target.name);
        return Err(Failure::usage(message).with_hint("--role takes the name as it is, without quotes"));
    }
    let parties = Parties::new(&access, scene.schemas, roles, &scene.source.catalog().roles);
    let mut findings = standing::administrators(&parties);
    findings.extend(standing::roles(&parties));
    findings.extend(standing::owners(&parties));
    findings.extend(standing::paths(&parties));
    findings.extend(grants::look(&parties, scene.is_verbose));
    findings.extend(grants::defaults(&parties));
    findings.extend(grants::large_objects(&parties));
    Ok(findings)
}

/// A leak: `who` (`None` is everybody) can do `what`; `closing` is the statement against it.
fn leak(who: Option<&str>, what: impl Into<String>, closing: &str) -> Finding {
    let object = who.map_or("every role".to_owned(), |it| {
        format!("role {}", catalog::quote_ident(it))
    });
    Finding::new(Area::Isolation, object, what).with_note(format!("closed by: {closing}"))
}
