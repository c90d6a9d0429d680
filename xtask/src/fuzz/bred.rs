//! Inputs that libFuzzer breeds for the invariants of `crates/invariants`. `fuzz/` is the program; it is no member of
//! the workspace, so that nothing else needs its C++ compiler.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::error::{Error, Result};
use crate::metadata::Metadata;
use crate::step::{capture, cargo, run as run_step, workspace};

/// What libFuzzer needs to see of a program, as its own documentation and `cargo fuzz` have it: all of it is stable,
/// unlike the sanitizers, which code without `unsafe` needs least.
const INSTRUMENTS: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=16";

/// One input that takes longer is a finding, as is one that needs more memory.
const LIMITS: [&str; 2] = ["-timeout=20", "-rss_limit_mb=1024"];

/// The invariants whose inputs are SQL.
const SQL: [&str; 2] = ["dialect", "rewriter"];

/// No invariant gets less.
const TIME_MIN: Duration = Duration::from_mins(1);

/// The folders of `crates/invariants/corpus`, each called after its invariant, tell what there is.
fn invariants() -> Result<Vec<String>> {
    let corpus = workspace().join("crates/invariants/corpus");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&corpus).map_err(Error::file(&corpus))? {
        let entry = entry.map_err(Error::file(&corpus))?;
        names.extend(entry.file_name().into_string());
    }
    names.sort();
    Ok(names)
}

/// Breeds inputs for each invariant, `time` for all of them; or says why nothing can be built here.
pub(super) fn run(time: Duration) -> Result<Option<&'static str>> {
    if !succeeds(Command::new(std::env::var_os("CXX").unwrap_or_else(|| "c++".into())).arg("--version")) {
        return Ok(Some("there is no C++ compiler, which libFuzzer needs"));
    }
    if !succeeds(cargo_of_fuzz().args(["fetch", "--locked"])) {
        return Ok(Some("libFuzzer's crate is not here and cannot be fetched"));
    }
    let target = Metadata::read()?.target.join("fuzz");
    let host = host()?;
    let mut build = cargo_of_fuzz();
    build
        .args(["build", "--release", "--locked", "--target", &host])
        .env("CARGO_TARGET_DIR", &target)
        .env("RUSTFLAGS", INSTRUMENTS);
    run_step(&mut build)?;
    let program = target.join(host).join("release/coalesce-fuzz");
    let names = invariants()?;
    let each = (time / u32::try_from(names.len()).unwrap_or(1).max(1)).max(TIME_MIN);
    for name in names {
        let (bred, found) = (target.join("bred").join(&name), target.join("found").join(&name));
        for folder in [&bred, &found] {
            std::fs::create_dir_all(folder).map_err(Error::file(folder))?;
        }
        if SQL.contains(&name.as_str()) {
            sow(&bred)?;
        }
        println!(
            "{name}: {} s; an input that fails is kept in {} and belongs into crates/invariants/corpus/{name}",
            each.as_secs(),
            found.display()
        );
        let mut fuzzer = Command::new(&program);
        fuzzer
            .env("COALESCE_INVARIANT", &name)
            .arg(&bred)
            .arg(workspace().join("crates/invariants/corpus").join(&name))
            .arg(format!("-max_total_time={}", each.as_secs()))
            .arg(format!("-artifact_prefix={}/", found.display()))
            .args(["-print_final_stats=1", "-verbosity=0"])
            .args(LIMITS);
        run_step(&mut fuzzer)?;
    }
    Ok(None)
}

/// Gives the fuzzer the definitions of the tests' fixtures to begin with, a paragraph each.
fn sow(folder: &Path) -> Result<()> {
    let fixtures = workspace().join("crates/testkit/fixtures");
    for entry in std::fs::read_dir(&fixtures).map_err(Error::file(&fixtures))? {
        let path = entry.map_err(Error::file(&fixtures))?.path();
        if path.extension().is_none_or(|it| it != "sql") {
            continue;
        }
        let text = std::fs::read_to_string(&path).map_err(Error::file(&path))?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        for (number, paragraph) in text.split("\n\n").enumerate() {
            let seed = folder.join(format!("{name}-{number}"));
            std::fs::write(&seed, paragraph).map_err(Error::file(&seed))?;
        }
    }
    Ok(())
}

/// The cargo that runs us, in the folder of the program.
fn cargo_of_fuzz() -> Command {
    let mut command = cargo();
    command.current_dir(workspace().join("fuzz"));
    command
}

fn succeeds(command: &mut Command) -> bool {
    let ended = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    ended.is_ok_and(|it| it.success())
}

/// The platform that is built for: named, so that programs which only build others get no instruments.
fn host() -> Result<String> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let said = capture(Command::new(rustc).arg("-vV"))?;
    let said = String::from_utf8_lossy(&said);
    let host = said.lines().find_map(|it| it.strip_prefix("host: "));
    Ok(host.unwrap_or_default().to_owned())
}
