//! Tables with rows of which the planner knows nothing.

use cli::{Failure, Result};
use database::postgres::health::read_never_analyzed;
use rayon::prelude::*;

use super::Scene;
use crate::report::{Area, Finding, Weight};

pub(super) fn look(scene: &Scene<'_>) -> Result<Vec<Finding>> {
    let never = scene
        .target
        .with_snapshot(|it| read_never_analyzed(it.client(), scene.schemas))
        .map_err(Failure::target)?;
    let found: Result<Vec<Option<Finding>>> = never
        .par_iter()
        .map(|table| {
            let sql = format!("SELECT 1 FROM ONLY {table} LIMIT 1");
            let what = format!("{table} could not be read");
            let rows = scene.target.ask(&sql, &what, Failure::target)?;
            let finding = Finding::new(Area::Health, format!("table {table}"), "never analyzed");
            let finding = finding
                .weighing(Weight::Advice)
                .with_note("the planner knows nothing of its rows; ANALYZE it");
            Ok((!rows.is_empty()).then_some(finding))
        })
        .collect();
    Ok(found?.into_iter().flatten().collect())
}
