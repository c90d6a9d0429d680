//! One of the invariants under libFuzzer: the one that `COALESCE_INVARIANT` names.

#![no_main]

use std::sync::OnceLock;

use invariants::Invariant;
use libfuzzer_sys::fuzz_target;

static CHOSEN: OnceLock<Invariant> = OnceLock::new();

fuzz_target!(
    init: {
        let name = std::env::var("COALESCE_INVARIANT").unwrap_or_default();
        let Some(invariant) = invariants::find(&name) else {
            panic!("COALESCE_INVARIANT is `{name}`, which is no invariant");
        };
        CHOSEN.get_or_init(|| invariant);
    },
    |bytes: &[u8]| {
        if let Some(invariant) = CHOSEN.get() {
            (invariant.check)(bytes);
        }
    }
);
