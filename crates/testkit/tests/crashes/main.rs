//! Tools and servers that die at random moments, many times: whatever was cut off, nothing is live, nothing is torn,
//! and the way on leads to every row once.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]
#![allow(clippy::print_stdout, reason = "a test says what it counted")]

mod commits;
mod full_disk;
mod kills;
mod lab;
mod neighbours;
#[path = "../remains/mod.rs"]
mod remains;
mod sessions;
