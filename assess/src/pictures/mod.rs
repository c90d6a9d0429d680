//! Pictures: each schema of each source, and the result of the plan, as SVG and as Mermaid text.

mod draft;
mod files;
mod foreign_keys;
mod result;
mod schema;

use std::path::PathBuf;

use clap::Args;
use cli::{Result, Ui};
use diagram::{Diagram, Framing, Layout};
use inventory::Inventory;
use plan::Plan;

use crate::report::Report;

pub(crate) use files::Folder;

#[derive(Args, Debug)]
pub(crate) struct PictureArgs {
    /// Draw diagrams into this folder, which must be new or empty: SOURCE.SCHEMA.svg and .mmd (Mermaid) for each schema,
    /// and result.svg and .mmd for what the plan makes of all sources; SOURCE is the source's name in the plan
    ///
    /// More than 40 tables in one diagram are shown with their key columns alone, more than 400 in several parts.
    #[arg(long, value_name = "DIR", help_heading = "Pictures")]
    pub(crate) pictures: Option<PathBuf>,
}

/// A diagram as text.
#[derive(Clone, Debug)]
pub(crate) struct Picture {
    pub(crate) title: String,
    pub(crate) svg: String,
    pub(crate) mermaid: String,
}

/// One schema of a source; several where it has more tables than one diagram takes.
pub(crate) fn of_schema(source: &Inventory, schema: &str, framing: Framing) -> Vec<Picture> {
    drawn(schema::diagram(source, schema), framing)
}

/// What the plan makes of the sources, which are in the plan's order: one or more diagrams for each target.
pub(crate) fn of_result(
    sources: &[&Inventory],
    plan: &Plan,
    framing: Framing,
) -> Vec<(Option<String>, Vec<Picture>)> {
    let results = result::diagrams(sources, plan).into_iter();
    results
        .map(|(target, diagram)| (target, drawn(diagram, framing)))
        .collect()
}

/// The result first, then each schema that has tables; as parts of a page that has [`diagram::STYLE`].
pub(crate) fn for_page(sources: &[&Inventory], plan: &Plan) -> Vec<Picture> {
    let results = of_result(sources, plan, Framing::Inline)
        .into_iter()
        .flat_map(|it| it.1);
    let schemas = sources.iter().flat_map(|source| {
        let schemas = schema::names(source).into_iter();
        schemas.flat_map(|schema| of_schema(source, schema, Framing::Inline))
    });
    results.chain(schemas).collect()
}

/// Writes all of them, and says so.
pub(crate) fn write(mut folder: Folder, report: &Report<'_>, ui: &Ui) -> Result<()> {
    let sources: Vec<&Inventory> = report.sources.iter().map(|it| &it.inventory).collect();
    for (target, pictures) in of_result(&sources, report.plan, Framing::File) {
        let name = target.map_or_else(
            || "result".to_owned(),
            |it| format!("result.{}", files::plain(&it)),
        );
        folder.add_all(&name, &pictures)?;
    }
    for (source, planned) in sources.iter().zip(&report.plan.sources) {
        for schema in schema::names(source) {
            let name = format!("{}.{}", files::plain(&planned.name), files::plain(schema));
            folder.add_all(&name, &of_schema(source, schema, Framing::File))?;
        }
    }
    ui.status(format_args!(
        "{} pictures written to {}",
        folder.count(),
        folder.path().display()
    ));
    Ok(())
}

fn drawn(diagram: Diagram, framing: Framing) -> Vec<Picture> {
    let parts = diagram::divided(diagram).into_iter();
    parts
        .map(|it| Picture {
            svg: diagram::svg(&it, &Layout::of(&it), &it.title, framing),
            mermaid: diagram::mermaid(&it),
            title: it.title,
        })
        .collect()
}
