//! The program `assess`; everything stands in its library.

fn main() -> std::process::ExitCode {
    cli::run(assess::command(), assess::run)
}
