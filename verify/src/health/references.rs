//! References from the compared schemas into any other application's: a view that still reads the old schema, a body that
//! names it.

use std::collections::BTreeSet;

use catalog::{Catalog, Schema, parse_search_path};
use cli::{Failure, Result};
use database::postgres::health::{
    StringBody, Surroundings, read_references, read_string_bodies, read_surroundings,
};
use plan::{ExtensionsPolicy, Mapping};
use rewrite::{Known, Rewriter};

use super::Scene;
use crate::report::{Area, Finding, Weight};

/// What a foreign schema is called while its name is looked for; no name of PostgreSQL's is so long.
const MARK: &str = " of another application, whose name is looked for in what is ours";

pub(super) fn look(scene: &Scene<'_>) -> Result<Vec<Finding>> {
    let ask = |snapshot: &mut database::postgres::Snapshot| -> database::Result<_> {
        let client = snapshot.client();
        Ok((
            read_references(client, scene.schemas)?,
            read_string_bodies(client, scene.schemas)?,
            read_surroundings(client, scene.schemas)?,
        ))
    };
    let (references, bodies, around) = scene.target.with_snapshot(ask).map_err(Failure::target)?;
    let mut findings: Vec<Finding> = references
        .iter()
        .filter(|it| !scene.merging.is_merged_object(&it.needs))
        .map(|it| Finding::new(Area::Health, &it.object, format!("refers to {}", it.needs)))
        .map(|it| it.with_note("another application's"))
        .collect();
    let others = foreign_names(scene, &around);
    match Eye::new(scene, &around, &others) {
        Ok(eye) => {
            let found = bodies.iter().flat_map(|it| eye.of_body(it));
            let is_ours = |it: &Finding| {
                let name = it.property.strip_prefix("refers to ");
                name.is_some_and(|it| scene.merging.is_merged_object(it))
            };
            findings.extend(found.filter(|it| !is_ours(it)));
        }
        Err(error) => findings.push(
            Finding::new(Area::Health, "bodies of routines", "references")
                .weighing(Weight::NotCompared)
                .with_note(error.to_string()),
        ),
    }
    findings.extend(bodies.iter().filter_map(|it| of_path(scene, it, &around)));
    Ok(findings)
}

/// Schemas that nothing of ours should name: those that the target has beside ours, and those of the source under their old
/// names.
fn foreign_names(scene: &Scene<'_>, around: &Surroundings) -> Vec<String> {
    let old = scene.source.catalog().schemas.iter().map(|it| it.name.clone());
    let names: BTreeSet<String> = old.chain(around.schemas.iter().cloned()).collect();
    names
        .into_iter()
        .filter(|it| !scene.schemas.contains(it))
        .collect()
}

/// Sees which names in a text are those of foreign schemas, by the parser that would rename them.
struct Eye<'a> {
    rewriter: Rewriter,
    others: &'a [String],
}

impl<'a> Eye<'a> {
    fn new(
        scene: &Scene<'_>,
        around: &Surroundings,
        others: &'a [String],
    ) -> std::result::Result<Self, plan::MappingError> {
        let old = scene.source.catalog().objects.iter();
        let old = old.filter(|it| others.contains(&it.schema) && !around.schemas.contains(&it.schema));
        let schemas = others.iter().map(|name| Schema {
            name: name.clone(),
            comment: None,
        });
        let known = Known::from_catalog(&Catalog {
            schemas: schemas.collect(),
            objects: around.objects.iter().chain(old).cloned().collect(),
            extensions: scene.target.catalog.extensions.clone(),
            search_path: scene.schemas.to_vec(),
            ..Catalog::default()
        });
        let mapping = Mapping {
            map: others
                .iter()
                .map(|it| (it.clone(), format!("{it}{MARK}")))
                .collect(),
            extensions: ExtensionsPolicy::Leave,
            ..Mapping::default()
        };
        let rewriter = Rewriter::new(mapping, known)?;
        Ok(Eye { rewriter, others })
    }

    fn of_body(&self, body: &StringBody) -> Vec<Finding> {
        let text = body.definition.to_lowercase();
        if !self.others.iter().any(|it| text.contains(&it.to_lowercase())) {
            return Vec::new();
        }
        let seen = self.rewriter.rewrite(&body.definition);
        let names: BTreeSet<(String, Option<usize>)> = seen
            .edits
            .iter()
            .filter(|it| it.in_body && it.new.contains(MARK))
            .map(|it| (name_at(&body.definition, it.offset), it.body_line))
            .collect();
        let line = |line: &Option<usize>| line.map_or(String::new(), |it| format!("line {it}: "));
        if !names.is_empty() {
            let finding = |(name, at): &(String, Option<usize>)| {
                Finding::new(Area::Health, &body.object, format!("refers to {name}"))
                    .with_note(format!("{}another application's", line(at)))
            };
            return names.iter().map(finding).collect();
        }
        let doubts = seen.doubts.iter().filter(|it| it.body_line.is_some());
        let doubts: BTreeSet<String> = doubts
            .map(|it| format!("{}{}", line(&it.body_line), it.reason))
            .collect();
        let finding = |reason: String| {
            Finding::new(Area::Health, &body.object, "may refer to another application")
                .weighing(Weight::Advice)
                .with_note(reason)
        };
        doubts.into_iter().map(finding).collect()
    }
}

/// The whole name that begins in `text` at `offset`: `public.orders`.
fn name_at(text: &str, offset: usize) -> String {
    let rest = text.get(offset..).unwrap_or_default();
    let mut quoted = false;
    let end = rest.find(|sign: char| {
        if sign == '"' {
            quoted = !quoted;
            return false;
        }
        !quoted && !sign.is_alphanumeric() && !"_.".contains(sign)
    });
    rest[..end.unwrap_or(rest.len())].to_owned()
}

/// A routine whose own path leads through another application's schema.
fn of_path(scene: &Scene<'_>, body: &StringBody, around: &Surroundings) -> Option<Finding> {
    let path = parse_search_path(body.search_path.as_deref()?, "");
    let is_foreign = |it: &&String| {
        around.schemas.contains(it) && !around.with_extensions.contains(it) && !scene.schemas.contains(it)
    };
    let foreign = path.iter().find(is_foreign)?;
    // A schema in which nobody has anything leads nowhere.
    around.objects.iter().find(|it| it.schema == *foreign)?;
    let property = format!("search_path names {}", catalog::quote_ident(foreign));
    Some(Finding::new(Area::Health, &body.object, property).with_note("another application's schema"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cut_where_they_end() {
        for (text, expected) in [
            ("public.orders WHERE", "public.orders"),
            ("\"a b\".\"c;d\"; END", "\"a b\".\"c;d\""),
            ("old.f(1)", "old.f"),
            ("x", "x"),
            ("public.users$function$", "public.users"),
        ] {
            assert_eq!(name_at(text, 0), expected);
        }
    }
}
