//! The first pass over both sides: every table read once, the largest first, in pieces of work that leave no core idle
//! at the end. Each gives a fingerprint, and one for each of its bins.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use catalog::{Catalog, QualifiedName, Table, TableKind};
use cli::{Exit, Failure, Progress, Result, Work};
use conversion::TableConversion;
use database::postgres::{Extent, can_be_queried, read_blocks};
use fingerprint::{Bins, Fingerprint, Form, KeyBins};
use rewrite::NameMap;

use crate::rows::scan::Scan;
use crate::rows::trees::Unit;
use crate::sides::{Live, Source};

/// Tables that have fewer bytes are read in one piece.
const PART_BYTES_MIN: u64 = 32 << 20;

/// A table to be read on both sides.
pub(crate) struct Task<'a> {
    pub(crate) unit: Unit<'a>,
    /// The target's table with the source's columns in the source's order.
    pub(crate) view: Table,
    pub(crate) form: Form,
    pub(crate) rule: Arc<KeyBins>,
}

/// What one side has of a table.
#[derive(Clone, Debug, Default)]
pub(crate) struct Side {
    pub(crate) total: Option<Fingerprint>,
    /// `None` where the side does not count them, or they would say nothing.
    pub(crate) bins: Option<Bins>,
}

/// Both sides of a table; a side that was not read has nothing.
#[derive(Default)]
pub(crate) struct Both {
    pub(crate) source: Side,
    pub(crate) target: Side,
}

/// Reads both sides.
pub(crate) struct FirstPass<'a> {
    pub(crate) source: &'a Source,
    pub(crate) target: &'a Live,
    pub(crate) names: Option<&'a NameMap>,
    pub(crate) conversions: &'a [TableConversion],
    pub(crate) progress: &'a Progress,
    pub(crate) jobs: usize,
}

/// Some rows of one table on one side.
struct Item {
    task: usize,
    is_source: bool,
    extent: Extent,
    bytes: u64,
}

/// A table on its way.
struct Standing {
    both: Both,
    items_left: usize,
}

impl FirstPass<'_> {
    /// Reads all tables, an archive's on the target alone; gives each to `end` when it is done. Stops where `failed`
    /// says that somebody else has failed.
    pub(crate) fn run<'t, 'u, T: Send>(
        &self,
        tasks: &'t [Task<'u>],
        failed: &AtomicBool,
        end: impl Fn(&'t Task<'u>, Both) -> Result<T> + Sync,
    ) -> Result<Vec<T>> {
        let items = self.items(tasks)?;
        let standing: Vec<Mutex<Standing>> = (0..tasks.len())
            .map(|task| {
                let items_left = items.iter().filter(|it| it.task == task).count();
                Mutex::new(Standing {
                    both: Both::default(),
                    items_left,
                })
            })
            .collect();
        let results: Vec<Mutex<Option<T>>> = tasks.iter().map(|_| Mutex::new(None)).collect();
        let next = AtomicUsize::new(0);
        let failure = Mutex::new(None);
        let work = || -> Result<()> {
            while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
                if failed.load(Ordering::Relaxed) {
                    break;
                }
                let (Some(task), Some(state)) = (tasks.get(item.task), standing.get(item.task)) else {
                    continue;
                };
                let (total, bins) = self.read(task, item)?;
                if let Some(both) = add(state, item, total, bins)? {
                    let ended = end(task, both)?;
                    if let Some(room) = results.get(item.task) {
                        *room.lock().unwrap_or_else(PoisonError::into_inner) = Some(ended);
                    }
                }
            }
            Ok(())
        };
        rayon::scope(|scope| {
            for _ in 0..self.jobs {
                scope.spawn(|_| {
                    if let Err(error) = work() {
                        failed.store(true, Ordering::Relaxed);
                        let mut first = failure.lock().unwrap_or_else(PoisonError::into_inner);
                        first.get_or_insert(error);
                    }
                });
            }
        });
        if let Some(failure) = failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
            return Err(failure);
        }
        let results = results.into_iter();
        Ok(results
            .filter_map(|it| it.into_inner().unwrap_or_else(PoisonError::into_inner))
            .collect())
    }

    fn read(&self, task: &Task<'_>, item: &Item) -> Result<(Fingerprint, Option<Bins>)> {
        let rule = (task.rule.count() > 1).then_some(&task.rule);
        if item.is_source {
            let changes = (self.names, self.conversions);
            let read = self.source.scan(&task.unit, &item.extent, changes, rule)?;
            self.progress.advance(Work {
                rows: read.0.rows,
                bytes: item.bytes,
            });
            return Ok(read);
        }
        let view = &task.view;
        let scan = Scan::new(view, task.form, None).binning(rule);
        let scanned = self.target.scan(scan, view, &item.extent, Failure::target)?;
        Ok((scanned.total, scanned.bins))
    }

    /// The largest first; of one table both sides next to each other, so that few are on their way.
    fn items(&self, tasks: &[Task<'_>]) -> Result<Vec<Item>> {
        let bytes = |task: &Task<'_>| task.unit.bytes().max(task.view.bytes);
        let total: u64 = tasks.iter().map(bytes).sum();
        let part_bytes = (total / (4 * self.jobs.max(1) as u64)).max(PART_BYTES_MIN);
        let cut_source = match self.source {
            Source::Postgres(live) => Some(Cut::new(live, &live.catalog, part_bytes, Failure::source)?),
            Source::Sqlite(_) | Source::Archive(_) => None,
        };
        // An archive passes by itself.
        let reads_source = !matches!(self.source, Source::Archive(_));
        let cut_target = Cut::new(self.target, &self.target.catalog, part_bytes, Failure::target)?;
        let mut items = Vec::new();
        for (place, task) in tasks.iter().enumerate() {
            let mut add = |is_source, extents: Vec<Extent>| {
                let bytes = if is_source { task.unit.bytes() } else { bytes(task) };
                let bytes = bytes / extents.len().max(1) as u64;
                items.extend(extents.into_iter().map(|extent| Item {
                    task: place,
                    is_source,
                    extent,
                    bytes,
                }));
            };
            let table = &task.unit.table;
            let of_source = |cut: &Cut<'_>| cut.extents(table, &task.unit.extent);
            let extents = cut_source.as_ref().map(of_source).transpose()?;
            if reads_source {
                add(true, extents.unwrap_or_else(|| vec![task.unit.extent.clone()]));
            }
            // What limits the source's rows says nothing of the target's.
            add(false, cut_target.extents(&task.view, &Extent::default())?);
        }
        items.sort_by_key(|it| std::cmp::Reverse(it.bytes));
        Ok(items)
    }
}

/// Adds what an item gave; returns the table when that was the last of it.
fn add(state: &Mutex<Standing>, item: &Item, total: Fingerprint, bins: Option<Bins>) -> Result<Option<Both>> {
    let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
    let both = &mut state.both;
    let side = if item.is_source {
        &mut both.source
    } else {
        &mut both.target
    };
    let unlike = |error| {
        Failure::new(
            Exit::Internal,
            "parts of one table were not read in the same form",
        )
        .with_source(error)
    };
    if let Some(sum) = &mut side.total {
        sum.merge(&total).map_err(unlike)?;
        // A part that was not counted apart would be missing in the others' bins.
        side.bins = match (side.bins.take(), bins) {
            (Some(mut sums), Some(more)) => {
                sums.merge(&more).map_err(unlike)?;
                Some(sums)
            }
            _ => None,
        };
    } else {
        (side.total, side.bins) = (Some(total), bins);
    }
    state.items_left = state.items_left.saturating_sub(1);
    Ok((state.items_left == 0).then(|| std::mem::take(&mut state.both)))
}

/// How the tables of a server are cut.
struct Cut<'a> {
    live: &'a Live,
    blocks: HashMap<QualifiedName, u32>,
    part_bytes: u64,
    failure: fn(database::Error) -> Failure,
}

impl<'a> Cut<'a> {
    fn new(
        live: &'a Live,
        catalog: &Catalog,
        part_bytes: u64,
        failure: fn(database::Error) -> Failure,
    ) -> Result<Self> {
        let is_large = |it: &Table| it.bytes >= 2 * part_bytes;
        let blocks = if live.identity.has_block_ranges() && catalog.tables.iter().any(is_large) {
            let blocks = live.with_snapshot(|snapshot| {
                let (client, chosen) = snapshot.parts();
                read_blocks(client, chosen)
            });
            blocks.map_err(failure)?
        } else {
            HashMap::new()
        };
        Ok(Cut {
            live,
            blocks,
            part_bytes,
            failure,
        })
    }

    fn extents(&self, table: &Table, whole: &Extent) -> Result<Vec<Extent>> {
        let blocks = self
            .blocks
            .get(&table.qualified_name())
            .copied()
            .unwrap_or_default();
        let is_cut = table.bytes >= 2 * self.part_bytes
            && blocks > 1
            && table.kind == TableKind::Ordinary
            && table.through_root.is_none()
            && *whole == Extent::default();
        let can_be_cut = || {
            let asked = self.live.with_snapshot(|it| can_be_queried(it.client(), table));
            asked.map_err(self.failure)
        };
        if !is_cut || !can_be_cut()? {
            return Ok(vec![whole.clone()]);
        }
        let count = table.bytes.div_ceil(self.part_bytes).clamp(1, u64::from(blocks));
        let parts = Extent::block_parts(blocks, count).map(|blocks| Extent {
            blocks: Some(blocks),
            ..whole.clone()
        });
        Ok(parts.collect())
    }
}
