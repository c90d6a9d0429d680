//! The program `verify`; everything stands in its library.

fn main() -> std::process::ExitCode {
    cli::run(verify::command(), verify::run)
}
