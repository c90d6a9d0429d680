//! What the target has beyond one source, and may have: keys and indexes that the statements of `load --after` have added,
//! and objects of other sources in a schema that the plan gives to several.

use std::collections::HashSet;
use std::path::PathBuf;

use catalog::{QualifiedName, quote_ident};
use cli::{Exit, FailureContext, Result};
use rewrite::{StatementKind, statements};

use crate::report::{Area, Finding, Weight};

#[derive(Debug, clap::Args)]
pub(crate) struct AfterArgs {
    /// The file that `load --after` had: constraints and indexes that it adds are expected on the target
    ///
    /// They are known by their names, so a constraint needs one. They must still be valid, and the rows must keep to
    /// them. Whatever else the file has made makes a difference.
    #[arg(long, value_name = "FILE", conflicts_with = "archive")]
    after: Option<PathBuf>,
}

impl AfterArgs {
    /// Takes what the file adds for expected.
    pub(crate) fn expect(&self, findings: &mut [Finding]) -> Result<()> {
        let Some(path) = &self.after else {
            return Ok(());
        };
        let sql = std::fs::read_to_string(path)
            .or_fail(Exit::Usage, || format!("`{}` cannot be read", path.display()))?;
        let made = made_by(&sql);
        let is_told = |it: &&mut Finding| it.area == Area::Schema && it.property == "not in the source";
        for finding in findings.iter_mut().filter(is_told) {
            if made.iter().any(|it| it.is(&finding.object)) {
                finding.weight = Weight::Expected;
                finding.note = Some(format!("made by {}", path.display()));
            }
        }
        Ok(())
    }
}

/// In schemas that the plan gives to several sources, what one of them does not have is another's, with whatever is wrong
/// with it.
pub(crate) fn excuse_others(shared_schemas: &[String], findings: &mut [Finding]) {
    if shared_schemas.is_empty() {
        return;
    }
    let is_extra = |it: &Finding| it.area == Area::Schema && it.property == "not in the source";
    let is_others = |it: &Finding| is_extra(it) && it.weight != Weight::Expected;
    let others = findings.iter().filter(|it| is_others(it));
    let others: HashSet<String> = others.map(|it| it.object.clone()).collect();
    let excused = findings.iter_mut().filter(|it| {
        it.weight == Weight::Difference
            && (is_extra(it) || it.area == Area::Health && others.contains(&it.object))
    });
    for finding in excused {
        finding.weight = Weight::NotCompared;
        finding.note =
            Some("the plan puts several sources into its schema: verify the merged archive".to_owned());
    }
}

/// An object that a statement adds: what findings call it up to its schema, and the name behind that.
struct Made {
    label: String,
    name: QualifiedName,
}

impl Made {
    fn new(label: impl Into<String>, schema: &str, name: &str) -> Self {
        Made {
            label: label.into(),
            name: QualifiedName::new(schema, name),
        }
    }

    /// A name without a schema is found in whichever it is: the file's search path is that of its load.
    fn is(&self, object: &str) -> bool {
        let Some(name) = object.strip_prefix(&self.label) else {
            return false;
        };
        if self.name.schema.is_empty() {
            return name.ends_with(&format!(".{}", quote_ident(&self.name.name)));
        }
        name == self.name.to_string()
    }
}

fn made_by(sql: &str) -> Vec<Made> {
    let mut made = Vec::new();
    for statement in statements(sql) {
        match statement.kind {
            StatementKind::AddConstraint {
                table,
                name: Some(name),
                ..
            } => {
                let label = format!("constraint {} of ", quote_ident(&name));
                made.push(Made::new(label, &table.schema, &table.name));
                // A key brings its index.
                made.push(Made::new("index ", &table.schema, &name));
            }
            StatementKind::CreateIndex {
                index: Some(index), ..
            } => made.push(Made::new("index ", &index.schema, &index.name)),
            _ => {}
        }
    }
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_adds_is_known_by_its_name() {
        let made = made_by(
            "ALTER TABLE t ADD CONSTRAINT k FOREIGN KEY (a) REFERENCES u (a); CREATE INDEX i ON s.t (a);
             ALTER TABLE s.\"T\" ADD CONSTRAINT once UNIQUE (a); SELECT 1",
        );
        for (object, expected) in [
            ("constraint k of x.t", true),
            ("constraint k of x.\"T\"", false),
            ("constraint once of s.\"T\"", true),
            ("constraint once of x.\"T\"", false),
            ("index s.once", true),
            ("index s.i", true),
            ("index x.i", false),
            ("table s.t", false),
        ] {
            assert_eq!(made.iter().any(|it| it.is(object)), expected, "{object}");
        }
    }
    #[test]
    fn what_is_wrong_with_another_sources_objects_is_not_this_ones() {
        let shared = ["app".to_owned()];
        let health = |object: &str| Finding::new(Area::Health, object, "not populated");
        let extra = "materialized view app.theirs";
        let mut findings = [
            Finding::new(Area::Schema, extra, "not in the source"),
            health(extra),
            health("materialized view app.ours"),
        ];
        excuse_others(&[], &mut findings);
        assert!(findings.iter().all(|it| it.weight == Weight::Difference));
        excuse_others(&shared, &mut findings);
        let weights = findings.map(|it| it.weight);
        assert_eq!(
            weights,
            [Weight::NotCompared, Weight::NotCompared, Weight::Difference]
        );
    }
}
