//! Never wrong: whatever is changed on a target is found by `verify`, in the row where it was changed, and what was not
//! changed is identical. Changes are the smallest that a type knows, in rows of every type; no code of the tools judges
//! whether something is a change.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]
#![allow(clippy::print_stdout, reason = "a test says with which seed it began")]

mod clean;
mod framed;
mod plans;
mod planted;
mod shapes;
mod targets;
mod values;
