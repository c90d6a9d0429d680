//! Pipes between the tools.

use std::os::fd::AsFd;

/// What a pipe holds at most: the most that Linux gives to everybody (`/proc/sys/fs/pipe-max-size`), instead of 64 KiB.
#[cfg(any(target_os = "linux", target_os = "android"))]
const HELD_BYTES: usize = 1 << 20;

/// Lets a pipe hold more, so that the programs at its ends wait for each other less often. What is no pipe stays as it
/// is, and so does a pipe where the system gives no more.
pub(crate) fn widen(end: &impl AsFd) {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let _ = rustix::pipe::fcntl_setpipe_size(end, HELD_BYTES);
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let _ = end;
}
