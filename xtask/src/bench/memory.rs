//! The most memory that each of our tools had, as the system tells it while they run.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

const PAUSE: Duration = Duration::from_millis(20);

/// Looks at processes until it is ended.
pub(super) struct Peak {
    stop: Arc<AtomicBool>,
    watching: JoinHandle<BTreeMap<String, u64>>,
}

impl Peak {
    /// Watches the programs of `folder`; sees nothing on a system without /proc.
    pub(super) fn watch(folder: &Path) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (folder, told) = (folder.to_owned(), Arc::clone(&stop));
        let watching = std::thread::spawn(move || {
            let mut peaks = BTreeMap::new();
            while !told.load(Ordering::Relaxed) {
                look(&folder, &mut peaks);
                std::thread::sleep(PAUSE);
            }
            peaks
        });
        Peak { stop, watching }
    }

    /// MiB by tool.
    pub(super) fn end(self) -> BTreeMap<String, u64> {
        self.stop.store(true, Ordering::Relaxed);
        self.watching.join().unwrap_or_default()
    }
}

fn look(folder: &Path, peaks: &mut BTreeMap<String, u64>) {
    for process in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        // Processes end while they are looked at.
        let Some((program, mib)) = memory_of(&process.path()) else {
            continue;
        };
        let of_ours = program.parent() == Some(folder);
        if let Some(name) = program.file_name().filter(|_| of_ours) {
            let peak = peaks.entry(name.to_string_lossy().into_owned()).or_insert(0);
            *peak = mib.max(*peak);
        }
    }
}

/// The program that a process runs, and the most memory that it has had, in MiB.
fn memory_of(process: &Path) -> Option<(PathBuf, u64)> {
    let program = std::fs::read_link(process.join("exe")).ok()?;
    let status = std::fs::read_to_string(process.join("status")).ok()?;
    let line = status.lines().find_map(|it| it.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some((program, kib.div_ceil(1024)))
}
