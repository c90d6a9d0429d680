//! Rows of both sides: read, counted, hashed and compared.

pub(crate) mod beside;
pub(crate) mod converted;
pub(crate) mod difference;
pub(crate) mod generated;
pub(crate) mod scan;
pub(crate) mod trees;
