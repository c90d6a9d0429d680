//! What sources and targets cost in a month, and what is saved.

use cli::{Failure, Result};
use plan::{Cost, Plan};

use super::PlanningArgs;
use super::placement::find_source;
use crate::sources::Source;

/// Enters `--cost`.
pub(super) fn enter(
    args: &PlanningArgs,
    words: &[String],
    sources: &[Source],
    plan: &mut Plan,
) -> Result<()> {
    for pair in &args.cost {
        let wrong = || {
            Failure::usage(format!("`--cost {pair}` is no NAME=AMOUNT"))
                .with_hint("an amount is a number, such as 120 or 99.50")
        };
        let (name, amount) = pair.rsplit_once('=').ok_or_else(wrong)?;
        let amount: Cost = amount.parse().map_err(|_| wrong())?;
        if amount.as_f64().is_none_or(|it| it < 0.0) {
            return Err(wrong());
        }
        if let Some(target) = plan.targets.iter_mut().find(|it| it.name == name) {
            target.cost_per_month = Some(amount);
        } else if let Some(source) = plan.sources.iter_mut().find(|it| it.name == name) {
            source.cost_per_month = Some(amount);
        } else {
            let at = find_source(name, words, sources)?;
            plan.sources[at].cost_per_month = Some(amount);
        }
    }
    if let Some(saving) = saving(plan) {
        plan.note = Some(saving);
    }
    Ok(())
}

/// What is paid now and then, as a sentence; `None` where nothing says what the sources cost.
pub(crate) fn saving(plan: &Plan) -> Option<String> {
    let (sources, targets) = plan.costs()?;
    let verb = if targets <= sources { "saves" } else { "costs" };
    Some(format!(
        "sources cost {sources:.2} a month, targets {targets:.2}: the move {verb} {:.2} a month",
        (sources - targets).abs()
    ))
}
