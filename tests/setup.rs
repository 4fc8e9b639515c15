//! The scripts behind `make`, on machines that lack something and with stand-ins for cargo: played
//! by a folder as the whole PATH.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

struct Machine {
    folder: tempfile::TempDir,
}

impl Machine {
    /// A machine with a shell's usual tools, Rust, and what `programs` names (name, script).
    fn with(programs: &[(&str, &str)]) -> Machine {
        let machine = Machine { folder: tempfile::tempdir().expect("a folder") };
        std::fs::create_dir_all(machine.bin()).expect("a folder");
        for tool in [
            "sh", "env", "dirname", "mkdir", "rm", "sed", "head", "printf", "chmod", "cat", "cp",
            "mv", "awk",
        ] {
            let real =
                ["/usr/bin", "/bin"].iter().map(|d| Path::new(d).join(tool)).find(|p| p.exists());
            symlink(real.expect("a usual tool"), machine.bin().join(tool)).expect("a link");
        }
        machine.add("cargo", "exit 0");
        for (name, script) in programs {
            machine.add(name, script);
        }
        std::fs::write(machine.folder.path().join("libclang.so.1"), "").expect("a file");
        machine
    }

    fn bin(&self) -> PathBuf {
        self.folder.path().join("bin")
    }

    fn add(&self, name: &str, script: &str) {
        let path = self.bin().join(name);
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("a script");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755))
            .expect("executable");
    }

    fn setup(&self, variables: &[(&str, &str)]) -> Output {
        self.script("setup.sh", &[], variables)
    }

    fn script(&self, name: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
        Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts").join(name))
            .args(arguments)
            .env_clear()
            .env("PATH", self.bin())
            .env("HOME", self.folder.path())
            .env("CARGO_TARGET_DIR", self.folder.path().join("target"))
            .env("LIBCLANG_PATH", self.folder.path())
            .env("CALLS", self.folder.path().join("calls"))
            .env("BIN", self.bin())
            .envs(variables.iter().copied())
            .output()
            .expect("the script starts")
    }

    /// The command lines that stand-ins wrote down so far.
    fn calls(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.folder.path().join("calls")).unwrap_or_default();
        text.lines().map(String::from).collect()
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

const ROOT: (&str, &str) = ("id", "echo 0");
const CC: (&str, &str) = ("cc", "exit 0");
const MPICC: (&str, &str) = ("mpicc", "echo 'mpicc: Open MPI 4.1.4 (Language: C)'");
const MPIEXEC: (&str, &str) = ("mpiexec", "exit 0");

#[test]
fn nothing_is_installed_where_nothing_is_missing() {
    let machine =
        Machine::with(&[ROOT, CC, MPICC, MPIEXEC, ("apt-get", "echo \"$*\" >>\"$CALLS\"")]);
    let output = machine.setup(&[]);
    assert!(output.status.success() && said(&output).is_empty(), "{}", said(&output));
    assert!(machine.calls().is_empty());
}

#[test]
fn what_is_missing_is_installed_once() {
    let installs = "echo \"$*\" >>\"$CALLS\"
case $* in *install*) for p in mpicc mpiexec; do printf '#!/bin/sh\\n' >\"$BIN/$p\"; chmod +x \"$BIN/$p\"; done ;; esac";
    let machine = Machine::with(&[ROOT, CC, ("apt-get", installs)]);
    let output = machine.setup(&[("AMDAHL_REQUIRE_MPI", "1")]);
    assert!(output.status.success(), "{}", said(&output));
    let calls = machine.calls();
    assert_eq!(calls.len(), 2, "{calls:?}");
    assert!(
        calls[1].contains("install -y")
            && calls[1].contains("libopenmpi-dev openmpi-bin libclang-dev"),
        "{calls:?}"
    );
    assert!(!calls[1].contains("gcc"), "the compiler was there");
    assert!(machine.setup(&[]).status.success());
    assert_eq!(machine.calls().len(), 2, "not again");
}

#[test]
fn a_failing_apt_is_not_the_end_and_not_repeated() {
    let machine = Machine::with(&[
        ROOT,
        CC,
        ("apt-get", "echo \"$*\" >>\"$CALLS\"; echo no network; exit 100"),
    ]);
    let output = machine.setup(&[]);
    assert!(output.status.success());
    assert!(
        said(&output).contains("apt-get failed") && said(&output).contains("going on without it"),
        "{}",
        said(&output)
    );
    let log = machine.folder.path().join("target/setup.log");
    assert!(std::fs::read_to_string(log).expect("a log").contains("no network"));
    let calls = machine.calls().len();
    let again = machine.setup(&[("AMDAHL_REQUIRE_MPI", "1")]);
    assert_eq!(again.status.code(), Some(1), "required, and not there");
    assert!(said(&again).contains("make setup"), "{}", said(&again));
    assert_eq!(machine.calls().len(), calls, "tried once");
}

#[test]
fn without_the_right_to_install_it_says_what_to_ask_for() {
    let machine =
        Machine::with(&[("id", "echo 1000"), CC, ("apt-get", "echo \"$*\" >>\"$CALLS\"")]);
    let output = machine.setup(&[]);
    assert!(output.status.success());
    assert!(
        said(&output).contains("ask an administrator for 'apt-get install"),
        "{}",
        said(&output)
    );
    assert!(machine.calls().is_empty());
}

#[test]
fn without_rust_or_a_linker_it_ends_with_what_to_do() {
    let machine = Machine::with(&[ROOT, CC, MPICC, MPIEXEC]);
    std::fs::remove_file(machine.bin().join("cargo")).expect("the stand-in");
    let output = machine.setup(&[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("https://rustup.rs"), "{}", said(&output));

    let machine = Machine::with(&[ROOT, MPICC, MPIEXEC]);
    let output = machine.setup(&[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("no C compiler"), "{}", said(&output));
}

/// How what is built with MPI begins.
const WITH_MPI: &str = "cargo build --release --no-default-features --features amdahl-worker/mpi";

/// A cargo that builds programs which write down how they are called; `amdahl run` ends with $RUN.
const CARGO: &str = "echo \"cargo $*\" >>\"$CALLS\"
folder=$CARGO_TARGET_DIR
mkdir -p \"$folder/release\"
for program in amdahl amdahl-worker; do
    printf '#!/bin/sh\\necho \"%s $*\" >>\"$CALLS\"\\n[ \"$1\" != run ] || exit $RUN\\n' $program >\"$folder/release/$program\"
    chmod +x \"$folder/release/$program\"
done";

fn sweep(run: &str) -> (Output, Vec<String>) {
    let machine = Machine::with(&[ROOT, CC, MPICC, MPIEXEC]);
    machine.add("cargo", CARGO);
    let output =
        machine.script("sweep.sh", &["experiments/some.toml", "results/some"], &[("RUN", run)]);
    let bin = machine.folder.path().join("target/bin");
    assert!(bin.join("amdahl-worker").exists(), "{}", said(&output));
    (output, machine.calls())
}

#[test]
fn a_sweep_builds_what_measures_first_and_what_explains_last() {
    let (output, calls) = sweep("0");
    assert!(output.status.success(), "{}", said(&output));
    let calls: Vec<&str> = calls.iter().map(|call| call.as_str()).collect();
    assert_eq!(
        calls,
        [
            &format!("{WITH_MPI} -p amdahl -p amdahl-worker -p amdahl-reference"),
            "amdahl run experiments/some.toml --results results/some",
            "amdahl figures results/some",
            "amdahl report results/some --format html,facts",
            "cargo build --release -p amdahl --bin amdahl",
            "amdahl report results/some --format pdf",
        ],
        "nothing compiles before all is measured and shown"
    );
}

#[test]
fn a_sweep_with_wrong_answers_is_explained_and_one_that_was_stopped_is_not() {
    let (output, calls) = sweep("5");
    assert_eq!(output.status.code(), Some(5));
    assert_eq!(calls.last().map(String::as_str), Some("amdahl report results/some --format pdf"));
    for stopped in ["130", "6", "2"] {
        let (output, calls) = sweep(stopped);
        assert_eq!(output.status.code().map(|code| code.to_string()).as_deref(), Some(stopped));
        assert_eq!(
            calls.last().map(String::as_str),
            Some("amdahl run experiments/some.toml --results results/some")
        );
    }
}

#[test]
fn without_mpi_the_worker_is_built_without_it_unless_it_is_required() {
    let machine = Machine::with(&[ROOT, CC]);
    machine.add("cargo", CARGO);
    let output = machine.script("build.sh", &["worker"], &[]);
    assert!(output.status.success(), "{}", said(&output));
    assert!(
        said(&output).contains("no MPI: there is no compiler wrapper 'mpicc'"),
        "{}",
        said(&output)
    );
    assert_eq!(
        machine.calls(),
        ["cargo build --release --no-default-features -p amdahl-worker -p amdahl-reference"]
    );
    let output = machine.script("build.sh", &["worker"], &[("AMDAHL_REQUIRE_MPI", "1")]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
}

#[test]
fn another_mpi_library_than_last_time_is_bound_anew() {
    let machine = Machine::with(&[ROOT, CC, MPICC, MPIEXEC]);
    machine.add("cargo", CARGO);
    let built = &format!("{WITH_MPI} -p amdahl-worker -p amdahl-reference");
    for _ in 0..2 {
        let output = machine.script("build.sh", &["worker"], &[]);
        assert!(output.status.success(), "{}", said(&output));
    }
    assert_eq!(machine.calls(), [built.as_str(), built]);
    std::fs::write(machine.folder.path().join("target/mpi-name"), "mpich-4.0\n").expect("a file");
    let output = machine.script("build.sh", &["worker"], &[]);
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(machine.calls()[2..], ["cargo clean --release -p mpi-sys -p mpi", built]);
}

/// A cargo whose tests end with $TESTS and whose lints end with $LINTS.
const CHECKS: &str = "echo \"cargo $*\" >>\"$CALLS\"
folder=$CARGO_TARGET_DIR
mkdir -p \"$folder/release\"
: >\"$folder/release/amdahl-worker\"
case $1 in
clippy) exit $LINTS ;;
test)
    echo '     Running unittests src/lib.rs (target/release/deps/a-1)' >&2
    echo 'test a::passes ... ok'
    echo 'test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s'
    echo '     Running tests/all.rs (target/release/deps/all-1)' >&2
    echo 'test b::breaks ... FAILED'
    for i in 1 2; do echo 'c: there is no d' >>\"$AMDAHL_SKIPPED\"; done
    echo 'test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s'
    echo '   Doc-tests a' >&2
    echo 'test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s'
    exit $TESTS
    ;;
esac";

#[test]
fn continuous_integration_fails_with_any_part_and_ends_with_the_closing_lines_of_the_tests() {
    for (lints, tests, code) in [("0", "0", 0), ("0", "101", 1), ("101", "0", 1)] {
        let machine = Machine::with(&[ROOT, CC, MPICC, MPIEXEC]);
        machine.add("cargo", CHECKS);
        let output = machine.script("../.ci/run", &[], &[("LINTS", lints), ("TESTS", tests)]);
        let out = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(code), "{out}{}", said(&output));
        let lines: Vec<&str> = out.lines().collect();
        let lint = match lints {
            "0" => "lint: passed",
            _ => "lint: FAILED (above, before the tests; 'make lint' runs it alone)",
        };
        let expected = [
            "FAILED b::breaks",
            "could not run here: 1 tests, or parts of them",
            "SKIPPED c: there is no d",
            lint,
            "     Running unittests src/lib.rs (target/release/deps/a-1)",
            "test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
            "     Running tests/all.rs (target/release/deps/all-1)",
            "test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
        ];
        assert_eq!(lines[lines.len() - expected.len()..], expected, "{out}");
        assert_eq!(out.matches("test result: ").count(), 2, "each is there once: {out}");
        let calls = machine.calls();
        let checks: Vec<&str> = calls.iter().map(|call| call.as_str()).collect();
        assert_eq!(checks[0], "cargo fmt --all --check");
        let clippy = "cargo clippy --release --workspace --all-targets";
        assert_eq!(checks[1], format!("{clippy} --no-default-features -- -D warnings"));
        assert_eq!(checks[2], format!("{clippy} --all-features -- -D warnings"));
        assert_eq!(checks.last(), Some(&"cargo test --release --workspace --no-fail-fast"));
    }
}

#[test]
fn an_installation_has_programs_manual_pages_and_completions() {
    let folder = tempfile::tempdir().expect("a folder");
    let (bin, to) = (folder.path().join("bin"), folder.path().join("to"));
    std::fs::create_dir(&bin).expect("a folder");
    symlink(env!("CARGO_BIN_EXE_amdahl"), bin.join("amdahl")).expect("a link");
    symlink(crate::worker::worker(), bin.join("amdahl-worker")).expect("a link");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = Command::new(root.join("scripts/install.sh"))
        .args([&bin, &to])
        .output()
        .expect("the script starts");
    assert!(output.status.success(), "{}", said(&output));
    for (file, words) in [
        ("man/man1/amdahl.1", "amdahl\\-run(1)"),
        ("man/man1/amdahl-run.1", ".SH \"EXAMPLES\"\n.nf\n  amdahl run experiments/"),
        ("man/man1/amdahl-worker.1", "\\-\\-record"),
        ("bash-completion/completions/amdahl", "complete -F _amdahl"),
        ("zsh/site-functions/_amdahl", "#compdef amdahl"),
        ("fish/vendor_completions.d/amdahl.fish", "complete -c amdahl"),
    ] {
        let text = std::fs::read_to_string(to.join("share").join(file)).expect(file);
        assert!(text.contains(words), "{file}: {text}");
    }
    for program in ["amdahl", "amdahl-worker"] {
        let output = Command::new(to.join("bin").join(program)).arg("--version").output();
        assert!(output.expect("it starts").status.success(), "{program}");
    }
}
