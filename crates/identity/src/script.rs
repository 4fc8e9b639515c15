//! What build scripts tell the programs that they are built for, in variables of the compiler's
//! environment (`amdahl_record::build_facts!` reads them), and when cargo runs them again.
//!
//! The revision is the last one that changed what the program is made of. A commit that changes
//! nothing of it builds nothing anew: git is looked at again only where the sources were not
//! committed when the program was built.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::settings::variable;
use crate::{Result, Settings, Sources};

/// The worker's folder.
const WORKER: &str = "crates/worker";

/// Variables that change a profile. Cargo watches the profiles of `Cargo.toml` itself.
const OVERRIDES: [&str; 6] = [
    "CARGO_PROFILE_RELEASE_OPT_LEVEL",
    "CARGO_PROFILE_RELEASE_LTO",
    "CARGO_PROFILE_RELEASE_CODEGEN_UNITS",
    "CARGO_PROFILE_DEV_OPT_LEVEL",
    "CARGO_PROFILE_DEV_LTO",
    "CARGO_PROFILE_DEV_CODEGEN_UNITS",
];

/// For the build script of the worker; `root` is the top of the workspace.
pub fn worker(root: &str) {
    let settings = Settings::from_environment();
    let made_of = match known_by(root, &settings) {
        Ok(sources) => sources.watched(),
        Err(why) => {
            println!(
                "cargo::warning=the sources of the worker have no digest ({why}): it is known by its executable"
            );
            ["crates", "Cargo.toml", "Cargo.lock"].iter().map(PathBuf::from).collect()
        }
    };
    tell(root, &made_of.into_iter().collect::<Vec<_>>(), &settings);
}

/// Tells the worker its ids: of all that it is made of, and of what decides for each workload.
fn known_by(root: &str, settings: &Settings) -> Result<Sources> {
    let sources = Sources::read(Path::new(root), WORKER)?;
    let all = sources.identity(None, settings)?;
    let mut ids = Vec::new();
    for workload in sources.workloads() {
        let own = sources.identity(Some(workload), settings)?;
        ids.push(format!("{workload}={}", own.id));
        // For people: two such files tell why a result is measured anew.
        let file = Path::new(&variable("OUT_DIR")).join(format!("{workload}.identity"));
        std::fs::write(&file, &own.text).map_err(|e| format!("{}: {e}", file.display()))?;
    }
    set("ID", &all.id);
    set("IDS", &ids.join(","));
    set("SOURCES", &all.sources);
    Ok(sources)
}

/// For the build script of a program that is made of these files and folders, and that compares
/// workers with their sources.
pub fn program(root: &str, made_of: &[&str]) {
    let settings = Settings::from_environment();
    let worker = Sources::read(Path::new(root), WORKER);
    if let Ok(worker) = worker.and_then(|worker| worker.identity(None, &settings)) {
        set("SOURCES", &worker.sources);
    }
    tell(root, &made_of.iter().map(PathBuf::from).collect::<Vec<_>>(), &settings);
}

fn tell(root: &str, made_of: &[PathBuf], settings: &Settings) {
    let paths: Vec<String> = made_of
        .iter()
        .map(|path| Path::new(root).join(path).to_string_lossy().into_owned())
        .collect();
    for path in &paths {
        println!("cargo::rerun-if-changed={path}");
    }
    for name in OVERRIDES.iter().chain(&["RUSTFLAGS"]) {
        println!("cargo::rerun-if-env-changed={name}");
    }
    let of_sources = |arguments: &[&str]| {
        let paths = paths.iter().map(String::as_str);
        git(&arguments.iter().copied().chain(["--"]).chain(paths).collect::<Vec<_>>())
    };
    let revision =
        of_sources(&["log", "-1", "--format=%H"]).filter(|revision| !revision.is_empty());
    if let Some(revision) = &revision {
        set("REVISION", revision);
    }
    let changes = of_sources(&["status", "--porcelain"]);
    if let Some(changes) = changes.as_ref().filter(|_| revision.is_some()) {
        set("DIRTY", if changes.is_empty() { "false" } else { "true" });
    }
    if changes.is_some_and(|changes| !changes.is_empty()) {
        watch_commits();
    }
    set("COMPILER", &settings.compiler);
    set("FLAGS", &settings.flags);
    set("PROFILE", &settings.profile);
}

/// Has cargo run the script again after a commit or a checkout: both write to these.
fn watch_commits() {
    for file in ["HEAD", "logs/HEAD"] {
        if let Some(path) = git(&["rev-parse", "--git-path", file])
            && Path::new(&path).exists()
        {
            println!("cargo::rerun-if-changed={path}");
        }
    }
}

fn set(name: &str, value: &str) {
    println!("cargo::rustc-env=AMDAHL_BUILD_{name}={value}");
}

/// What git says, `None` where it is missing or this is no checkout.
fn git(arguments: &[&str]) -> Option<String> {
    // A checkout of another user's, as continuous integration has it, may be read too; nothing in
    // it is changed.
    let output = Command::new("git")
        .args(["--no-optional-locks", "-c", "safe.directory=*"])
        .args(arguments)
        .output()
        .ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_string())
}
