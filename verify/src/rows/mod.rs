//! Rows of both sides: read, counted, hashed and compared.

pub(crate) mod archive_again;
pub(crate) mod beside;
pub(crate) mod calculated;
pub(crate) mod changed;
pub(crate) mod chosen;
pub(crate) mod converted;
pub(crate) mod difference;
pub(crate) mod explained;
pub(crate) mod first_pass;
pub(crate) mod gather;
pub(crate) mod generated;
pub(crate) mod layout;
pub(crate) mod pairs;
pub(crate) mod quick;
pub(crate) mod sample;
pub(crate) mod scan;
pub(crate) mod search;
pub(crate) mod shared;
pub(crate) mod texts;
pub(crate) mod trees;
