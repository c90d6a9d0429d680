//! The choices for a SQLite file as a plan holds them: `assess` enters them, the tools that read the file take them.

use std::path::Path;

use database::sqlite::{Choices, FullText, NameStyle, Nocase, OnBadValue, Opening, Orphans, Rename};
use plan::{BadValues, FileNames, FullTextTables, NocaseText, OrphanRows, PlannedName, PlannedSource};

use crate::sqlite_types::planned_types;
use crate::{Result, Ui};

/// Enters into `planned` what was chosen for the file, but for the types, which the census decides with.
pub fn plan_choices(choices: &Choices, planned: &mut PlannedSource) {
    planned.on_bad_value = match choices.on_bad_value {
        OnBadValue::Stop => None,
        OnBadValue::Null => Some(BadValues::Null),
        OnBadValue::TextColumn => Some(BadValues::TextColumn),
        OnBadValue::Reject => Some(BadValues::Reject),
    };
    planned.orphans = match choices.orphans {
        Orphans::Stop => None,
        Orphans::Keep => Some(OrphanRows::Keep),
        Orphans::Delete => Some(OrphanRows::Delete),
        Orphans::Null => Some(OrphanRows::Null),
    };
    planned.nocase = match choices.nocase {
        Nocase::Ignore => None,
        Nocase::Citext => Some(NocaseText::Citext),
        Nocase::Icu => Some(NocaseText::Icu),
    };
    planned.full_text = match choices.full_text {
        FullText::LeaveOut => None,
        FullText::TsVector => Some(FullTextTables::Tsvector),
    };
    planned.salvage = choices.opening.salvage;
    let rename = choices.renames.iter().map(|it| PlannedName {
        table: it.table.clone(),
        column: it.column.clone(),
        name: it.new_name.clone(),
        note: None,
    });
    let names = FileNames {
        snake_case: choices.names == NameStyle::SnakeCase,
        rename: rename.collect(),
        note: None,
    };
    planned.names = (names != FileNames::default()).then_some(names);
}

/// What the plan's source says; [`Choices::default`] where it says nothing.
pub(crate) fn planned_choices(planned: &PlannedSource) -> Result<Choices> {
    let renames = planned.names.iter().flat_map(|it| &it.rename);
    let is_snake_case = planned.names.as_ref().is_some_and(|it| it.snake_case);
    Ok(Choices {
        opening: Opening {
            salvage: planned.salvage,
            ..Opening::default()
        },
        types: planned_types(planned)?,
        on_bad_value: match planned.on_bad_value {
            None | Some(BadValues::Stop) => OnBadValue::Stop,
            Some(BadValues::Null) => OnBadValue::Null,
            Some(BadValues::TextColumn) => OnBadValue::TextColumn,
            Some(BadValues::Reject) => OnBadValue::Reject,
        },
        orphans: match planned.orphans {
            None | Some(OrphanRows::Stop) => Orphans::Stop,
            Some(OrphanRows::Keep) => Orphans::Keep,
            Some(OrphanRows::Delete) => Orphans::Delete,
            Some(OrphanRows::Null) => Orphans::Null,
        },
        renames: renames
            .map(|it| Rename {
                table: it.table.clone(),
                column: it.column.clone(),
                new_name: it.name.clone(),
            })
            .collect(),
        names: if is_snake_case {
            NameStyle::SnakeCase
        } else {
            NameStyle::Keep
        },
        nocase: match planned.nocase {
            None | Some(NocaseText::Ignore) => Nocase::Ignore,
            Some(NocaseText::Citext) => Nocase::Citext,
            Some(NocaseText::Icu) => Nocase::Icu,
        },
        full_text: match planned.full_text {
            None | Some(FullTextTables::LeaveOut) => FullText::LeaveOut,
            Some(FullTextTables::Tsvector) => FullText::TsVector,
        },
    })
}

/// Warns where the plan was made of a file of another name: its choices may be meant for other rows.
pub fn compare_planned_file(planned: Option<&PlannedSource>, path: &Path, ui: &Ui) {
    let Some(planned) = planned else {
        return;
    };
    let of = format!("source {}", planned.name);
    let endpoint = crate::expand_endpoint(&planned.endpoint, &of).unwrap_or_default();
    let made_of = Path::new(&endpoint).file_name().unwrap_or_default();
    if made_of != path.file_name().unwrap_or_default() {
        ui.warning(format_args!(
            "source {} of the plan is {}, and {} is read by its choices",
            planned.name,
            planned.endpoint,
            path.display()
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plan::Plan;

    #[test]
    fn what_is_chosen_comes_back_out_of_a_plan() {
        let rename = |column: Option<&str>| Rename {
            table: "a.b".to_owned(),
            column: column.map(str::to_owned),
            new_name: "x".to_owned(),
        };
        let one = Choices {
            opening: Opening {
                salvage: true,
                ..Opening::default()
            },
            on_bad_value: OnBadValue::TextColumn,
            orphans: Orphans::Null,
            renames: vec![rename(None), rename(Some("c"))],
            names: NameStyle::SnakeCase,
            nocase: Nocase::Icu,
            full_text: FullText::TsVector,
            ..Choices::default()
        };
        let other = Choices {
            on_bad_value: OnBadValue::Reject,
            orphans: Orphans::Delete,
            nocase: Nocase::Citext,
            ..Choices::default()
        };
        for choices in [Choices::default(), one, other] {
            let empty = r#"{"version": 1, "sources": [{"name": "a", "endpoint": "a.sqlite", "schemas": ["public"]}]}"#;
            let mut plan = Plan::parse(empty).unwrap();
            plan_choices(&choices, &mut plan.sources[0]);
            let read = Plan::parse(&plan.to_json()).unwrap();
            assert_eq!(
                planned_choices(&read.sources[0]).unwrap(),
                choices,
                "{}",
                plan.to_json()
            );
        }
    }

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        values: crate::SqliteArgs,
        #[command(flatten)]
        names: crate::SqliteNameArgs,
    }

    #[test]
    fn what_is_said_beside_a_plan_goes_before_it() {
        let plan = r#"{"version": 1, "sources": [{"name": "a", "endpoint": "a.sqlite", "schemas": ["public"],
            "on_bad_value": "null", "orphans": "delete", "nocase": "icu", "salvage": true,
            "types": [{"table": "t", "column": "c", "type": "date"}, {"table": "t", "column": "d", "type": "date"}],
            "names": {"snake_case": true, "rename": [{"table": "t", "name": "y"}, {"table": "u", "name": "v"}]}}]}"#;
        let plan = Plan::parse(plan).unwrap();
        let said = [
            "dump",
            "--orphans",
            "stop",
            "--type",
            "T.C=text",
            "--rename",
            "T=z",
        ];
        let line = <Line as clap::Parser>::try_parse_from(said).unwrap();
        let mut found = line.values.choices(Some(&plan.sources[0])).unwrap();
        line.names.apply(&mut found).unwrap();
        let types: Vec<String> = found
            .types
            .iter()
            .map(|it| format!("{}.{}={}", it.table, it.column, it.target))
            .collect();
        assert_eq!(types, ["T.C=text", "t.d=date"]);
        let names: Vec<&str> = found.renames.iter().map(|it| it.new_name.as_str()).collect();
        assert_eq!(names, ["z", "v"]);
        assert_eq!(
            (found.orphans, found.on_bad_value, found.nocase, found.names),
            (Orphans::Stop, OnBadValue::Null, Nocase::Icu, NameStyle::SnakeCase)
        );
        assert!(found.opening.salvage);
    }
}
