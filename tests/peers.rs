//! The comparison with other libraries: its statistics, and its script on machines that lack
//! something. The libraries are not needed.

use std::path::Path;
use std::process::Command;

use amdahl_testing::python_or_skip;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn what_the_comparison_computes_is_right() {
    if !python_or_skip("what_the_comparison_computes_is_right") {
        return;
    }
    let tests = ["-B", "-m", "unittest", "discover", "benches/peers"];
    let output =
        Command::new("python3").args(tests).current_dir(root()).output().expect("python3 starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && !said.contains("Ran 0 tests"), "{said}");
}

/// Runs the script with a stand-in for Python.
fn script(python: &str) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let program = folder.path().join("python");
    std::fs::write(&program, format!("#!/bin/sh\n{python}\n")).expect("a script");
    std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .expect("executable");
    let output = Command::new(root().join("scripts/bench-peers.sh"))
        .env("PYTHON", &program)
        .env("CARGO_TARGET_DIR", folder.path())
        .env("AMDAHL_WORKER", "/bin/true")
        .output()
        .expect("the script starts");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn without_what_the_peers_need_it_says_what_to_do() {
    let (code, said) = script("case $1 in --version) echo Python 3.8.1 ;; -c) exit 1 ;; esac");
    assert_eq!(code, Some(6), "{said}");
    assert!(said.contains("Python 3.8.1 is too old"), "{said}");
    let (code, said) = script("[ \"$1\" = -c ]");
    assert_eq!(code, Some(6), "{said}");
    assert!(said.contains("apt-get install python3-venv"), "{said}");
    let venv = "case $2 in
venv) mkdir -p \"$3/bin\"; cp \"$0\" \"$3/bin/python\" ;;
pip) echo ERROR: no network; exit 1 ;;
esac";
    let (code, said) = script(venv);
    assert_eq!(code, Some(6), "{said}");
    assert!(said.contains("cannot install the peers: ERROR: no network"), "{said}");
}
