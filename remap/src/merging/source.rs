//! One source that is merged: its archive, opened, and everything in it under its new names.

use std::collections::BTreeMap;

use archive::{Content, Header, SchemaMember};
use catalog::{Catalog, QualifiedName, TableKind};
use cli::{ArchiveReader, Failure, open_archive};
use conversion::TableConversion;
use plan::{Keys, Mapping, Namespace, Plan, PlannedSource, Renamed};
use rewrite::moves::{self, Moves};
use rewrite::{Known, Rewriter};

use crate::args::Args;
use crate::converted_keys;
use crate::report::Account;
use crate::roles::Roles;

/// A source with its archive, of which everything but the chunks has been read.
pub(crate) struct Source {
    /// Its name in the plan.
    pub(crate) name: String,
    pub(crate) reader: ArchiveReader,
    /// As `dump` wrote it, with new names for roles alone.
    pub(crate) header: Header,
    /// Under its new names, with the types that the target has.
    pub(crate) catalog: Catalog,
    pub(crate) conversions: Vec<TableConversion>,
    pub(crate) texts: Vec<(SchemaMember, String)>,
    /// With everything that follows from it.
    pub(crate) mapping: Mapping,
    pub(crate) account: Account,
    /// What has gone into another schema, tables and sequences: where they are made they have their old names still.
    pub(crate) moved: BTreeMap<QualifiedName, QualifiedName>,
    /// Tables that are merged, by their number, with the place of the merge in the plan.
    pub(crate) merged: BTreeMap<u32, usize>,
}

impl Source {
    /// Opens `archive`, refuses what cannot be merged, and gives everything its new name.
    pub(crate) fn open(name: &str, archive: &str, plan: &Plan, args: &Args) -> cli::Result<Source> {
        let planned = plan.source(name).map_err(Failure::usage)?;
        let mut reader = open_archive(archive)?;
        let header = reader.header().clone();
        refuse_what_dump_did_not_write(name, &header)?;
        let merged = merged_tables(name, &header.catalog, plan)?;
        refuse_tables(name, &header.catalog, &merged)?;
        let texts = reader.schema().map_err(Failure::archive)?;
        let schemas = header.catalog.schemas.iter().map(|it| it.name.clone()).collect();
        let mut source = Source {
            name: name.to_owned(),
            reader,
            catalog: header.catalog.clone(),
            header,
            conversions: Vec::new(),
            texts,
            mapping: Mapping::default(),
            account: Account::of(schemas),
            moved: BTreeMap::new(),
            merged,
        };
        // `report.rs` lists what became of the texts with everything else.
        let (catalog, texts) = (&mut source.header.catalog, &mut source.texts);
        Roles::of_plan(planned).rename(catalog, texts, true, &mut source.account)?;
        source.catalog = source.header.catalog.clone();
        source.convert_keys(planned)?;
        source.rename(planned, plan, args)?;
        source.move_tables(plan)?;
        Ok(source)
    }

    /// Integer keys that the plan makes UUIDs.
    fn convert_keys(&mut self, planned: &PlannedSource) -> cli::Result<()> {
        let Some(keys) = planned.keys.clone() else {
            return Ok(());
        };
        let keys = Keys {
            source: keys.source.or_else(|| Some(planned.name.clone())),
            ..keys
        };
        let mut header = self.header.clone();
        let texts = std::mem::take(&mut self.texts);
        self.texts = converted_keys::convert(&mut header, texts, &keys, true, &mut self.account)?;
        self.catalog = header.catalog;
        self.conversions = header.conversions;
        conversion::reshape(&mut self.catalog, &self.conversions);
        Ok(())
    }

    /// The names that the plan has for the source; merged tables get the name of the table that they become.
    fn rename(&mut self, planned: &PlannedSource, plan: &Plan, args: &Args) -> cli::Result<()> {
        crate::planned::refuse_beside_others(planned)?;
        let mut mapping = planned.mapping.clone();
        let schemas = self.catalog.schemas.iter().map(|it| it.name.as_str());
        mapping.apply(schemas).map_err(Failure::usage)?;
        for (number, place) in &self.merged {
            let Some(table) = self.catalog.tables.iter().find(|it| it.number == *number) else {
                continue;
            };
            let target = plan.merges[*place].target();
            let Some(new) = target.map(|it| it.name) else {
                continue;
            };
            if mapping.object(Namespace::Objects, &table.schema, &table.name) != new {
                let renamed = Renamed {
                    schema: table.schema.clone(),
                    name: table.name.clone(),
                    routine: false,
                };
                mapping.rename.insert(renamed, new);
            }
        }
        let mut known = Known::from_catalog(&self.catalog);
        for (_, sql) in self.texts.iter().filter(|_| mapping.renames_objects()) {
            known.learn_details(sql);
        }
        let step = |error| {
            Failure::usage(format!("the names of source `{}` cannot be given", self.name)).with_source(error)
        };
        let mut rewriter = Rewriter::new(mapping, known)
            .map_err(step)?
            .with_search_path(args.search_path.into());
        let all: Vec<&str> = self.texts.iter().map(|(_, sql)| sql.as_str()).collect();
        rewriter.survey(&all);
        self.rewrite(&rewriter);
        self.catalog.rename(rewriter.mapping());
        conversion::rename_kept(&mut self.conversions, rewriter.mapping());
        self.mapping = rewriter.mapping().clone();
        self.refuse_new_columns()
    }

    /// Merged tables go where the table is that they become.
    fn move_tables(&mut self, plan: &Plan) -> cli::Result<()> {
        let mut moves = Moves::default();
        for (number, place) in &self.merged {
            let table = self.catalog.tables.iter().find(|it| it.number == *number);
            let target = plan.merges[*place].target();
            if let (Some(table), Some(target)) = (table, target)
                && table.schema != target.schema
            {
                moves.insert(table.qualified_name(), target.schema);
            }
        }
        if moves.is_empty() {
            return Ok(());
        }
        let (known, mapping) = moves::rewriting(&self.catalog, &moves);
        let rewriter = Rewriter::new(mapping, known).map_err(Failure::usage)?;
        self.rewrite(&rewriter);
        self.moved = moves::apply(&mut self.catalog, &moves);
        Ok(())
    }

    fn rewrite(&mut self, rewriter: &Rewriter) {
        for (member, sql) in &mut self.texts {
            let rewritten = if *member == SchemaMember::Privileges {
                rewriter.rewrite_grants(sql)
            } else {
                rewriter.rewrite(sql)
            };
            *sql = self.account.take(Some(member.name()), rewritten);
        }
        let doubts = self
            .catalog
            .settings
            .iter_mut()
            .flat_map(|it| rewriter.rename_setting(it));
        let doubts = doubts.collect();
        self.account.doubt(doubts);
    }

    /// Columns of new names get them after everything else, when a merged table has its columns already.
    fn refuse_new_columns(&self) -> cli::Result<()> {
        let renamed = self.catalog.tables.iter().flat_map(|table| {
            let columns = table.columns.iter().filter(|it| it.new_name.is_some());
            columns.map(move |it| format!("{}.{}", table.qualified_name(), it.name))
        });
        let renamed: Vec<String> = renamed.collect();
        if renamed.is_empty() {
            return Ok(());
        }
        Err(Failure::usage(format!(
            "source `{}` cannot be merged while its columns get new names: {}",
            self.name,
            shortened(&renamed)
        ))
        .with_hint(
            "take `snake_case` out of the plan's source; a SQLite file's columns get new names by `names`",
        ))
    }
}

/// The first of many.
pub(crate) fn shortened(all: &[String]) -> String {
    const SHOWN: usize = 5;
    let shown = all.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    match all.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

fn refuse_what_dump_did_not_write(name: &str, header: &Header) -> cli::Result<()> {
    let (message, hint) = if !header.merged_from.is_empty() {
        (
            "is merged of several sources already",
            "give the archives that `dump` wrote",
        )
    } else if !header.mappings.is_empty() || !header.conversions.is_empty() || header.changes_columns() {
        (
            "has new names or keys already, and the plan is about the source's own",
            "give the archive that `dump` wrote",
        )
    } else if header.content == Content::DataOnly {
        (
            "has no definitions, so that nobody knows what refers to what",
            "dump it without --data-only",
        )
    } else {
        return Ok(());
    };
    Err(Failure::usage(format!("the archive of source `{name}` {message}")).with_hint(hint))
}

fn merged_tables(name: &str, catalog: &Catalog, plan: &Plan) -> cli::Result<BTreeMap<u32, usize>> {
    let mut merged = BTreeMap::new();
    for (place, merge) in plan.merges.iter().enumerate() {
        for (at, it) in merge
            .tables
            .iter()
            .enumerate()
            .filter(|(_, it)| it.source == name)
        {
            let wanted = it.name();
            let is_it = |table: &&catalog::Table| Some(table.qualified_name()) == wanted && table.is_own();
            let Some(table) = catalog.tables.iter().find(is_it) else {
                let message = format!("the archive of source `{name}` has no table {}", it.table);
                let hint = format!("the plan's merges[{place}].tables[{at}] names it");
                return Err(Failure::usage(message).with_hint(hint));
            };
            merged.insert(table.number, place);
        }
    }
    Ok(merged)
}

/// What can be no part of a merged table.
fn refuse_tables(name: &str, catalog: &Catalog, merged: &BTreeMap<u32, usize>) -> cli::Result<()> {
    let mut found: Vec<String> = Vec::new();
    let is_parent = |of: &QualifiedName| {
        let parents = catalog
            .tables
            .iter()
            .flat_map(|it| it.inherits.iter().chain(&it.partition_of));
        parents.into_iter().any(|it| it == of)
    };
    for table in &catalog.tables {
        let label = table.qualified_name();
        let why = if table.stores_names() {
            "holds names of objects in its rows (regclass and its kin), which are not mapped while merging"
        } else if !merged.contains_key(&table.number) {
            continue;
        } else if table.kind == TableKind::Partitioned || table.partition_of.is_some() {
            "is partitioned, or a partition"
        } else if !table.inherits.is_empty() || is_parent(&label) {
            "inherits, or is inherited from"
        } else if table.kind == TableKind::Foreign {
            "is a foreign table, whose rows are elsewhere"
        } else if table.kind != TableKind::Ordinary {
            "is no table of the source's own"
        } else {
            continue;
        };
        found.push(format!("{label} of source `{name}` {why}"));
    }
    if found.is_empty() {
        return Ok(());
    }
    let failure = Failure::usage(format!("tables of source `{name}` cannot be merged"));
    let failure = found.into_iter().fold(failure, Failure::with_state);
    Err(failure.with_hint("take them out of the plan's `merges`, or leave them out of the dump"))
}
