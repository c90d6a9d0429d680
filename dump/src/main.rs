//! The program `dump`; everything stands in its library.

fn main() -> std::process::ExitCode {
    cli::run(dump::command(), dump::run)
}
