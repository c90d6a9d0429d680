//! What `pg_get_indexdef` writes, of the catalog's own columns: most indexes are of columns alone, and to have the server
//! write down each takes longer than all the rest of a census.

use std::collections::HashSet;

use ::inventory::Table;
use catalog::quote_ident;

use super::session::Session;
use super::tables::Relations;
use crate::Result;

/// Operator classes of btree that come with the server and are what a type gets without a word; `is_shadowed` where one
/// for `varchar` was made, which otherwise has that of `text`.
const DEFAULT_CLASSES: &str = "
SELECT o.oid AS class, o.opcintype AS type, EXISTS (
         SELECT FROM pg_catalog.pg_opclass v WHERE v.opcmethod = o.opcmethod AND v.opcdefault
           AND v.opcintype = 'pg_catalog.varchar'::pg_catalog.regtype) AS is_shadowed
FROM pg_catalog.pg_opclass o JOIN pg_catalog.pg_am m ON m.oid = o.opcmethod AND m.amname = 'btree'
WHERE o.opcdefault AND o.opcnamespace = 'pg_catalog'::pg_catalog.regnamespace";

const TEXT: u32 = 25;
const VARCHAR: u32 = 1043;

/// `pg_index.indoption`, of each column of the key.
const DESCENDING: i16 = 1;
const NULLS_FIRST: i16 = 2;

/// Which operator class goes without a word for which type, both by OID.
pub(super) struct DefaultClasses(HashSet<(u32, u32)>);

impl DefaultClasses {
    pub(super) fn read(session: &mut Session<'_>) -> Result<Self> {
        let mut classes = HashSet::new();
        for row in session.ask("the operator classes", DEFAULT_CLASSES, &[])? {
            let (class, of_type): (u32, u32) = (row.get("class"), row.get("type"));
            classes.insert((class, of_type));
            if of_type == TEXT && !row.get::<_, bool>("is_shadowed") {
                classes.insert((class, VARCHAR));
            }
        }
        Ok(DefaultClasses(classes))
    }
}

/// An index of `btree` without expressions, predicate and storage parameters.
pub(super) struct PlainIndex<'a> {
    pub(super) name: &'a str,
    pub(super) unique: bool,
    pub(super) nulls_not_distinct: bool,
    /// Of a partitioned table.
    pub(super) partitioned: bool,
    /// Numbers of columns, with those that are only included.
    pub(super) columns: &'a [i16],
    /// Of the columns of the key, and no more.
    pub(super) classes: &'a [u32],
    pub(super) collations: &'a [u32],
    pub(super) options: &'a [i16],
}

impl PlainIndex<'_> {
    /// `None` where there is more to it than follows from its columns, so that the server has to say it.
    pub(super) fn definition(
        &self,
        table: &Table,
        relation: u32,
        relations: &Relations,
        defaults: &DefaultClasses,
    ) -> Option<String> {
        let (key, included) = self.columns.split_at_checked(self.classes.len())?;
        let mut columns = Vec::with_capacity(key.len());
        for (place, number) in key.iter().enumerate() {
            let column = relations.column(relation, *number)?;
            let collation = *self.collations.get(place)?;
            let class = (*self.classes.get(place)?, column.type_oid);
            if collation != column.collation || !defaults.0.contains(&class) {
                return None;
            }
            let order = match self.options.get(place)? & (DESCENDING | NULLS_FIRST) {
                0 => "",
                DESCENDING => " DESC NULLS LAST",
                NULLS_FIRST => " NULLS FIRST",
                _ => " DESC",
            };
            columns.push(format!("{}{order}", quote_ident(&column.name)));
        }
        let included: Vec<String> = included
            .iter()
            .map(|it| Some(quote_ident(&relations.column(relation, *it)?.name)))
            .collect::<Option<_>>()?;
        let included = if included.is_empty() {
            String::new()
        } else {
            format!(" INCLUDE ({})", included.join(", "))
        };
        Some(format!(
            "CREATE {}INDEX {} ON {}{}.{} USING btree ({}){included}{}",
            if self.unique { "UNIQUE " } else { "" },
            quote_ident(self.name),
            if self.partitioned { "ONLY " } else { "" },
            quote_ident(&table.schema),
            quote_ident(&table.name),
            columns.join(", "),
            if self.nulls_not_distinct {
                " NULLS NOT DISTINCT"
            } else {
                ""
            }
        ))
    }
}
