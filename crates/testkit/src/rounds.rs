//! How often a test repeats what it does: a little in the suite, in full under `cargo xtask torture`.

/// Holds the number of rounds; `cargo xtask torture` sets it.
pub const ROUNDS: &str = "COALESCE_ROUNDS";

/// How many rounds a test runs: `default` in the suite, what `cargo xtask torture --rounds` says there.
///
/// Panics when the variable holds no number: a torture that silently does little would prove nothing.
pub fn rounds(default: usize) -> usize {
    asked(std::env::var(ROUNDS).ok().as_deref()).unwrap_or(default)
}

/// Whether a test is to run with full sizes, which take minutes and gigabytes.
pub fn is_torture() -> bool {
    std::env::var_os(ROUNDS).is_some()
}

fn asked(value: Option<&str>) -> Option<usize> {
    value.map(|it| match it.parse() {
        Ok(rounds) if rounds > 0 => rounds,
        _ => panic!("{ROUNDS} is `{it}`, and must be a number of rounds"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_are_a_number_or_nothing() {
        assert_eq!(asked(None), None);
        assert_eq!(asked(Some("1000")), Some(1000));
        for word in ["", "0", "many", "-1"] {
            assert!(std::panic::catch_unwind(|| asked(Some(word))).is_err(), "{word}");
        }
    }
}
