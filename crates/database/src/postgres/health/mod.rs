//! What can be wrong with a database by itself: what its catalogs and its rows say, read without changing anything.

mod analyzed;
mod links;
mod privileges;
mod reference_checks;
mod references;
mod routines;
mod stale_keys;
mod unproved;

pub use analyzed::read_never_analyzed;
pub use links::{SequenceLink, read_sequence_links};
pub use privileges::{Hindrance, Unreadable, read_unreadable};
pub use reference_checks::{ReferenceCheck, read_reference_checks, reference_checks_for};
pub use references::{
    Reference, StringBody, Surroundings, read_references, read_string_bodies, read_surroundings,
};
pub use routines::{
    Checker, Complaint, RoutineCheck, find_checker, read_application_paths, read_routine_checks,
};
pub use stale_keys::{StaleIndex, read_stale_indexes};
pub use unproved::{Unproved, read_unproved};
