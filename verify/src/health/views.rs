//! Materialized views that hold nothing yet.

use super::Scene;
use crate::report::{Area, Finding, Weight};

pub(super) fn look(scene: &Scene<'_>) -> Vec<Finding> {
    let views = scene.target.catalog.materialized_views.iter();
    let empty = views.filter(|it| !it.populated && scene.schemas.contains(&it.schema));
    empty
        .map(|view| {
            let name = catalog::QualifiedName::new(&view.schema, &view.name);
            let mut here = scene.renamed.materialized_views.iter();
            let here = here.find(|it| it.schema == view.schema && it.name == view.name);
            let finding = Finding::new(Area::Health, format!("materialized view {name}"), "not populated");
            if here.is_some_and(|it| !it.populated) {
                finding
                    .weighing(Weight::Expected)
                    .with_note("nor is it in the source")
            } else {
                finding.with_note("who reads it gets an error; refresh it")
            }
        })
        .collect()
}
