//! The program `load`; everything stands in its library.

fn main() -> std::process::ExitCode {
    cli::run(load::command(), load::run)
}
