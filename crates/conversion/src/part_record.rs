//! What must be known of one part of a merged table to prove it against its source: out of an archive, or out of the
//! journal of a target.

use std::collections::BTreeMap;

use catalog::{Catalog, Column, PartValue, QualifiedName, Table, TableKind, quote_ident};
use serde::{Deserialize, Serialize};

use crate::{ColumnConversion, ConversionKind, IntegerType, Namespace, TableConversion, conversion_of};

/// A part with the table that it went into.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartRecord {
    /// As the archive has it, of kind [`TableKind::Part`].
    pub table: Table,
    /// The merged table, as the archive has it.
    pub into: Table,
    /// The columns whose values are known as UUIDs alone: those that nothing in the merged table tells as they were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversion: Option<TableConversion>,
    /// What the source's database is called, or its file; empty where nobody says.
    #[serde(default)]
    pub database: String,
    /// The merged tables that keys of this one follow, by number: those alone whose rows are joined.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parents: BTreeMap<u32, QualifiedName>,
}

/// How a source's column can be told from the rows of the merged table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparable<'a> {
    /// By this SQL over the merged table's row, with the alias `t`.
    Back(&'a PartValue, &'a str),
    /// Only the other way: the source's value becomes a UUID, as the merged column has it.
    Forth(&'a PartValue),
}

impl PartRecord {
    /// The record of a part of a catalog; `None` where it is none, or what it goes into is not there.
    pub fn of(catalog: &Catalog, conversions: &[TableConversion], table: &Table) -> Option<Self> {
        let at = |number: u32| catalog.tables.get(usize::try_from(number).ok()?);
        let part = table.part.as_ref().filter(|_| table.kind == TableKind::Part)?;
        let into = at(part.into).filter(|it| it.kind == TableKind::Merged)?;
        let follows = into.merged.iter().flat_map(|it| &it.follows);
        let parent = |number: u32| {
            let parent = at(number)?;
            let joins = parent.merged.as_ref().is_some_and(|it| !it.dedupe.is_empty());
            joins.then(|| (number, parent.qualified_name()))
        };
        Some(PartRecord {
            table: table.clone(),
            into: into.clone(),
            conversion: conversion(table, &part.values, conversions),
            database: String::new(),
            parents: follows.filter_map(|it| parent(it.parent)).collect(),
        })
    }

    /// The values that the columns of the merged table get.
    pub fn values(&self) -> &[PartValue] {
        self.table.part.as_ref().map_or(&[], |it| it.values.as_slice())
    }

    /// The source's name in the plan.
    pub fn source(&self) -> &str {
        self.table.part.as_ref().map_or("", |it| it.source.as_str())
    }

    /// The columns of the source that can be compared, in their order, each with how.
    pub fn comparable(&self) -> Vec<(&Column, Comparable<'_>)> {
        let columns = self.table.stored_columns();
        columns
            .filter_map(|it| Some((it, self.comparable_column(&it.name)?)))
            .collect()
    }

    fn comparable_column(&self, name: &str) -> Option<Comparable<'_>> {
        let of_it = || self.values().iter().filter(|it| it.from.as_deref() == Some(name));
        let back = of_it().find_map(|it| Some(Comparable::Back(it, it.back.as_deref()?)));
        let converted = self.conversion.as_ref().and_then(|it| it.column(name));
        back.or_else(|| {
            converted?;
            of_it().next().map(Comparable::Forth)
        })
    }
}

/// What becomes of the columns that have no way back, as the archive says it or as the SQL of their values is.
fn conversion(
    table: &Table,
    values: &[PartValue],
    conversions: &[TableConversion],
) -> Option<TableConversion> {
    let said = conversion_of(conversions, table.number);
    let column = |column: &Column| {
        let mut of_it = values.iter().filter(|it| it.from.as_ref() == Some(&column.name));
        if of_it.clone().any(|it| it.back.is_some()) {
            return None;
        }
        if let Some(it) = said.and_then(|it| it.column(&column.name)) {
            return Some(ColumnConversion {
                kept_as: None,
                ..it.clone()
            });
        }
        let quoted = format!("s.{}", quote_ident(&column.name));
        Some(ColumnConversion {
            column: column.name.clone(),
            kind: ConversionKind::UuidKey,
            from: IntegerType::of(column)?,
            key_of: table.qualified_name(),
            namespace: of_it.find_map(|it| Namespace::of_sql(&it.sql, &quoted))?,
            kept_as: None,
        })
    };
    let columns: Vec<ColumnConversion> = table.stored_columns().filter_map(column).collect();
    (!columns.is_empty()).then_some(TableConversion {
        table: table.number,
        columns,
    })
}
