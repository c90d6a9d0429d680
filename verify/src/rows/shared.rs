//! What of a table both sides have: a table is compared by that, and the rest is said.

use catalog::{Column, ColumnType, GeneratedKind, Table, TableKind, ThroughRoot, quote_ident};
use cli::{Failure, Result};
use database::postgres::Extent;
use fingerprint::{Fingerprint, Form};

use crate::rows::trees::Unit;
use crate::sides::Live;
use crate::sides::with_table::is_refusal;

/// A table as far as both sides have it.
pub(crate) struct Shared {
    /// The source's table; columns that are not compared stand as generated ones, which nobody reads.
    pub(crate) table: Table,
    /// The same under the target's names.
    pub(crate) renamed: Table,
    /// Columns whose type is another one on the target.
    retyped: Vec<Retyped>,
    /// Which columns are not compared, as sentences.
    pub(crate) left_out: Vec<String>,
    /// The source's names of columns whose new values are calculated.
    calculated: Vec<String>,
}

/// A column whose type is another one on the target, though nobody declared that.
struct Retyped {
    /// The target's name.
    name: String,
    /// Both types as SQL of the target.
    source: String,
    target: String,
    /// Whether only the modifier is another one, such as a length, so that both write a value in the same bytes.
    is_kin: bool,
}

impl Shared {
    /// `converted` tables have columns of their own on the target, and are compared whole or not at all. A source that
    /// `calculates` says itself what columns become that a plan gives another type.
    pub(crate) fn of(unit: &Unit<'_>, other: &Table, converted: bool, calculates: bool) -> Shared {
        let mut shared = Shared {
            table: unit.table.clone(),
            renamed: unit.renamed.clone(),
            retyped: Vec::new(),
            left_out: Vec::new(),
            calculated: Vec::new(),
        };
        if converted {
            return shared;
        }
        let label = shared.renamed.qualified_name();
        let changes = shared.table.changes.clone().unwrap_or_default();
        for (own, new) in shared.table.columns.iter_mut().zip(&mut shared.renamed.columns) {
            if new.generated.is_some() {
                continue;
            }
            let name = new.target_name().to_owned();
            let retyped = changes.retypes(&own.name);
            if retyped.is_some_and(|it| calculates || it.using.is_some()) {
                shared.calculated.push(own.name.clone());
                own.generated = Some(GeneratedKind::Stored);
                new.generated = Some(GeneratedKind::Stored);
                continue;
            }
            let found = other.columns.iter().find(|it| it.name == name);
            let found = found.filter(|_| !changes.drops(&own.name));
            let reason = match found {
                None if changes.drops(&own.name) => Some("it is dropped on the way"),
                None => Some("the target does not have it"),
                Some(found) if found.generated.is_some() => Some("the target calculates it"),
                Some(_) => None,
            };
            if let Some(reason) = reason {
                shared
                    .left_out
                    .push(format!("column {} of {label}: {reason}", quote_ident(&name)));
                own.generated = Some(GeneratedKind::Stored);
                new.generated = Some(GeneratedKind::Stored);
            } else if let Some(found) = found
                && differs(&new.column_type, &found.column_type)
            {
                let is_kin = new.column_type.name == found.column_type.name
                    && is_array(&new.column_type) == is_array(&found.column_type);
                // Bytes of two types say nothing about each other.
                own.binary_safe &= is_kin;
                shared.retyped.push(Retyped {
                    name,
                    source: type_sql(&new.column_type),
                    target: type_sql(&found.column_type),
                    is_kin,
                });
            }
        }
        let here = |name: &str| shared.renamed.columns.iter().any(|it| it.target_name() == name);
        let extra = other
            .stored_columns()
            .filter(|it| !here(&it.name) && !changes.adds(&it.name));
        let said = extra.map(|it| {
            format!(
                "column {} of {label}: the source does not have it",
                quote_ident(&it.name)
            )
        });
        shared.left_out.extend(said.collect::<Vec<_>>());
        shared
    }

    /// The unit that is compared.
    pub(crate) fn unit<'a>(&'a self, whole: &Unit<'a>) -> Unit<'a> {
        Unit {
            table: self.table.clone(),
            renamed: &self.renamed,
            parts: whole.parts.clone(),
            extent: whole.extent.clone(),
        }
    }

    /// Whether a column that got another type is compared by what it is calculated of.
    pub(crate) fn is_calculated(&self, column: &str) -> bool {
        self.calculated.iter().any(|it| it == column)
    }

    /// Whether some types differ.
    pub(crate) fn is_retyped(&self) -> bool {
        !self.retyped.is_empty()
    }

    /// Whether values in these bytes of the target would say nothing about the source's.
    pub(crate) fn has_other_bytes(&self, form: Form) -> bool {
        form == Form::Binary && self.is_retyped()
    }

    /// Whether a column's type is another one on the target.
    pub(crate) fn retypes(&self, column: &Column) -> bool {
        self.retyped.iter().any(|it| it.name == column.target_name())
    }

    /// The target's table with the columns that are compared, in the source's order.
    pub(crate) fn view(&self, other: &Table) -> Table {
        let there = |column: &Column| {
            let found = other.columns.iter().find(|it| it.name == column.target_name());
            Column {
                name: column.target_name().to_owned(),
                ..found.unwrap_or(column).clone()
            }
        };
        Table {
            columns: self.renamed.stored_columns().map(there).collect(),
            through_root: self
                .table
                .through_root
                .or(self.is_read_through_root(other).then_some(ThroughRoot::Root)),
            ..other.clone()
        }
    }

    /// Whether the target's table is read with its partitions. It can have been divided there, where it then has no rows
    /// of its own.
    pub(crate) fn is_read_through_root(&self, other: &Table) -> bool {
        other.kind == TableKind::Partitioned
            && self.table.through_root.is_none_or(|it| it == ThroughRoot::Root)
    }

    /// The target's rows with their values as the source's types write them; `None` where that would lose something, or
    /// the server knows no way.
    pub(crate) fn found_as_source(
        &self,
        target: &Live,
        other: &Table,
        form: Form,
        extent: &Extent,
    ) -> Result<Option<Fingerprint>> {
        let view = self.view(other);
        let expression = |column: &Column| {
            let name = quote_ident(column.target_name());
            let retyped = self.retyped.iter().find(|it| it.name == column.target_name());
            retyped.map_or(name.clone(), |it| format!("CAST({name} AS {})", it.source))
        };
        let expressions: Vec<String> = self.renamed.stored_columns().map(expression).collect();
        let lost = target.number(&view, &self.loses(&view), Failure::target);
        let read = lost.and_then(|lost| {
            let read = || target.fingerprint_as(&view, &expressions, form, extent, Failure::target);
            (lost == 0).then(read).transpose()
        });
        match read {
            // There is no such cast, or a value does not fit: then it is another one.
            Err(failure) if is_refusal(&failure) => Ok(None),
            read => read,
        }
    }

    /// Why rows cannot be told apart by their values in this form, though they can be by their casts; `None` where they
    /// can.
    pub(crate) fn hides_rows(
        &self,
        target: &Live,
        other: &Table,
        form: Form,
    ) -> Result<Option<&'static str>> {
        if form == Form::Binary && self.retyped.iter().any(|it| !it.is_kin) {
            return Ok(Some("the archive has bytes of other types than the target"));
        }
        if !self.is_retyped() {
            return Ok(None);
        }
        let view = self.view(other);
        match target.number(&view, &self.written_otherwise(&view), Failure::target) {
            Ok(0) => Ok(None),
            Ok(_) => Ok(Some(
                "columns have types on the target that write the same values otherwise",
            )),
            // Without casts it was by their texts that they were found to differ.
            Err(failure) if is_refusal(&failure) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// Counts rows of the target with values that the source's type writes otherwise, without losing anything.
    fn written_otherwise(&self, view: &Table) -> String {
        let changed = self.retyped.iter().map(|it| {
            let (there, here, again) = it.casts();
            format!("({here} IS DISTINCT FROM {there} AND {again} IS NOT DISTINCT FROM {there})")
        });
        count_where(view, changed)
    }

    /// Counts values of the target that are not the same any more when they come back from the source's type.
    fn loses(&self, view: &Table) -> String {
        let changed = self.retyped.iter().map(|it| {
            let (there, _, again) = it.casts();
            format!("{again} IS DISTINCT FROM {there}")
        });
        count_where(view, changed)
    }

    /// Which columns were read as the source's type, as a sentence.
    pub(crate) fn read_as(&self) -> String {
        let columns = self.retyped.iter().map(|it| {
            format!(
                "{} as {} ({} on the target)",
                quote_ident(&it.name),
                it.source,
                it.target
            )
        });
        columns.collect::<Vec<_>>().join(", ")
    }
}

impl Retyped {
    /// SQL for the text of the target's value, of its cast to the source's type, and of that one's cast back.
    fn casts(&self) -> (String, String, String) {
        let there = quote_ident(&self.name);
        let here = format!("CAST({there} AS {})", self.source);
        let again = format!("CAST({here} AS {})", self.target);
        let text = |it: &str| format!("ROW({it})::pg_catalog.text");
        (text(&there), text(&here), text(&again))
    }
}

fn count_where(view: &Table, conditions: impl Iterator<Item = String>) -> String {
    let only = if view.through_root == Some(ThroughRoot::Root) {
        ""
    } else {
        "ONLY "
    };
    format!(
        "SELECT pg_catalog.count(*) FROM {only}{} WHERE {}",
        view.qualified_name(),
        conditions.collect::<Vec<_>>().join(" OR ")
    )
}

fn is_array(it: &ColumnType) -> bool {
    it.text.ends_with(']')
}

/// A type of an extension may live in another schema there.
fn differs(here: &ColumnType, there: &ColumnType) -> bool {
    here.name != there.name || here.text != there.text
}

/// The type as SQL under an empty search path.
fn type_sql(it: &ColumnType) -> String {
    if it.schema == ColumnType::BUILT_IN_SCHEMA {
        it.text.clone()
    } else {
        format!("{}.{}{}", quote_ident(&it.schema), quote_ident(&it.name), it.text)
    }
}
