//! What both sides define: catalog against catalog under the target's names.

pub(crate) mod objects;
