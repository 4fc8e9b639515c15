// Tells the program what it is built from: see `crates/record/src/build.rs`.
//
// The revision is the last one that changed what the program is made of, so that a commit to the
// documentation alone leaves the executable, and with it the key of every result, as it was.

use std::process::Command;

/// `root` is the top of the project, seen from the package; `made_of` are paths below it.
fn tell(root: &str, made_of: &[&str]) {
    for path in made_of {
        println!("cargo:rerun-if-changed={root}/{path}");
    }
    println!("cargo:rerun-if-env-changed=RUSTFLAGS");
    // A commit and a checkout write to these.
    for file in ["HEAD", "logs/HEAD"] {
        if let Some(path) = git(&["rev-parse", "--git-path", file])
            && std::path::Path::new(&path).exists()
        {
            println!("cargo:rerun-if-changed={path}");
        }
    }
    let paths: Vec<String> = made_of.iter().map(|path| format!("{root}/{path}")).collect();
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    let of_sources = |arguments: &[&str]| git(&[arguments, &["--"], &paths].concat());
    if let Some(revision) = of_sources(&["log", "-1", "--format=%H"]).filter(|revision| !revision.is_empty()) {
        set("REVISION", &revision);
        if let Some(changes) = of_sources(&["status", "--porcelain"]) {
            set("DIRTY", if changes.is_empty() { "false" } else { "true" });
        }
    }
    let compiler = Command::new(variable("RUSTC")).arg("--version").output();
    let compiler = compiler.ok().map(|output| String::from_utf8_lossy(&output.stdout).trim().to_string());
    set("COMPILER", &compiler.unwrap_or_default());
    // Flags arrive separated by an unprintable character, so that they may hold spaces.
    set("FLAGS", &variable("CARGO_ENCODED_RUSTFLAGS").replace('\u{1f}', " "));
    set("PROFILE", &format!("{} opt-level {} {}", variable("PROFILE"), variable("OPT_LEVEL"), variable("TARGET")));
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}

fn set(name: &str, value: &str) {
    println!("cargo:rustc-env=AMDAHL_BUILD_{name}={value}");
}

/// What git says, `None` where it is missing or this is no checkout.
fn git(arguments: &[&str]) -> Option<String> {
    // A checkout of another user's, as continuous integration has it, may be read too; nothing in
    // it is changed.
    let output =
        Command::new("git").args(["--no-optional-locks", "-c", "safe.directory=*"]).args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_string())
}
