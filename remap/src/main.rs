//! The program `remap-schema`; everything stands in its library.

fn main() -> std::process::ExitCode {
    cli::run(remap::command(), remap::run)
}
