//! `pg_dump` at work beside us, and looked after: it must not wait for somebody who waits for us.

use std::cell::RefCell;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use cli::Failure;
use database::postgres::{SchemaRequest, SchemaText, Standing, Watch, read_schema_text};

/// How soon it is looked after first, and how often later.
const LOOK_AFTER: Duration = Duration::from_millis(20);
const LOOK_AFTER_MAX: Duration = Duration::from_millis(320);

/// Why there is no text.
pub(crate) enum NoText {
    /// It would have waited for somebody who waits for us.
    Blocked,
    Failed(Failure),
}

/// Runs `pg_dump` for `request`, if there is one, and `work` beside it. A lock of others is waited for as long as
/// `timeout` says.
pub(crate) fn beside<T>(
    request: Option<&SchemaRequest>,
    watch: Option<Watch<'_>>,
    timeout: Duration,
    work: impl FnOnce() -> T,
) -> (Result<SchemaText, NoText>, T) {
    let child = &Child::default();
    let (schema, worked) = thread::scope(|scope| {
        let (working, done) = channel::<()>();
        let schema = scope.spawn(move || {
            let schema = request.map(|it| child.read_schema(it));
            drop(working);
            schema.unwrap_or_else(|| Ok(SchemaText::default()))
        });
        scope.spawn(move || {
            if let (Some(watch), Some(request)) = (watch, request) {
                child.watch(watch, request, &done, timeout);
            }
        });
        let worked = work();
        let schema = schema
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        (schema, worked)
    });
    let schema = match child.end() {
        Some(Standing::InOwnWay) => Err(NoText::Blocked),
        Some(Standing::Waits) => Err(NoText::Failed(waited_too_long(timeout))),
        Some(Standing::Free) | None => schema.map_err(NoText::Failed),
    };
    (schema, worked)
}

fn waited_too_long(timeout: Duration) -> Failure {
    let message = format!(
        "pg_dump waited {} s for a lock that another session holds, on a view or a materialized view",
        timeout.as_secs_f64()
    );
    Failure::new(cli::Exit::Source, message).with_hint(
        "pg_stat_activity and pg_blocking_pids() say which; end that session or wait for it; --lock-wait-timeout \
         allows more time",
    )
}

/// `pg_dump` at work.
#[derive(Default)]
struct Child {
    /// Ends it.
    kill: Mutex<Option<Box<dyn FnMut() + Send>>>,
    /// Why it was ended by us.
    ended: Mutex<Option<Standing>>,
}

impl Child {
    /// It ends with us.
    fn read_schema(&self, request: &SchemaRequest) -> cli::Result<SchemaText> {
        let guards = RefCell::new(Vec::new());
        let on_start = |end_program: Box<dyn FnMut() + Send>| {
            let end = Arc::new(Mutex::new(end_program));
            let call = |end: Arc<Mutex<Box<dyn FnMut() + Send>>>| {
                move || end.lock().unwrap_or_else(PoisonError::into_inner)()
            };
            guards
                .borrow_mut()
                .push(cli::on_interrupt(call(Arc::clone(&end))));
            *self.kill.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(call(end)));
        };
        read_schema_text(request, &on_start).map_err(Failure::source)
    }

    /// Ends it when it would wait for ever, or for longer than `timeout`; returns when it has ended, which `done` tells
    /// by being closed.
    fn watch(&self, mut watch: Watch<'_>, request: &SchemaRequest, done: &Receiver<()>, timeout: Duration) {
        let mut pause = LOOK_AFTER;
        let mut waits_since = None;
        while done.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
            pause = (pause * 2).min(LOOK_AFTER_MAX);
            // A question that fails is no reason to end anything.
            let standing = watch.standing(request).unwrap_or(Standing::Free);
            let has_time = match standing {
                Standing::Free => {
                    waits_since = None;
                    true
                }
                Standing::Waits => waits_since.get_or_insert_with(Instant::now).elapsed() < timeout,
                Standing::InOwnWay => false,
            };
            if has_time {
                continue;
            }
            *self.ended.lock().unwrap_or_else(PoisonError::into_inner) = Some(standing);
            // Where it may not be cancelled it ends with its client, as soon as it has its lock.
            let _ = watch.cancel(request);
            if let Some(kill) = &mut *self.kill.lock().unwrap_or_else(PoisonError::into_inner) {
                kill();
            }
            return;
        }
    }

    /// Why it was ended by us, if it was.
    fn end(&self) -> Option<Standing> {
        *self.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
