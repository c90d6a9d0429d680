//! Rows of both sides: read, counted, hashed and compared.

pub(crate) mod beside;
pub(crate) mod calculated;
pub(crate) mod chosen;
pub(crate) mod converted;
pub(crate) mod difference;
pub(crate) mod explained;
pub(crate) mod generated;
pub(crate) mod quick;
pub(crate) mod sample;
pub(crate) mod scan;
pub(crate) mod shared;
pub(crate) mod trees;
