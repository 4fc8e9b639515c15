//! What decides whether a result is measured anew: the digest of a worker's sources on changed
//! copies of them, what the worker says of itself, and what sweeps and plans make of it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use amdahl_identity::{Identity, Settings, Sources};

use crate::support::{Ran, Sandbox, built_worker, manifest};
use crate::worker::capabilities;

const TOP: &str = env!("CARGO_MANIFEST_DIR");
const WORKER: &str = "crates/worker";
const KERNEL_MANIFEST: &str = "crates/workloads/kmeans/program/Cargo.toml";
const KERNEL: &str = "crates/workloads/kmeans/program/src/device/cpu/distance.rs";

fn settings() -> Settings {
    Settings {
        compiler: "rustc 1.0.0".into(),
        flags: String::new(),
        profile: "release opt-level 3 x86_64-unknown-linux-gnu".into(),
    }
}

/// A copy of the sources.
struct Copy(tempfile::TempDir);

impl Copy {
    fn new() -> Copy {
        let copy = Copy(tempfile::tempdir().expect("a folder"));
        for file in ["Cargo.toml", "Cargo.lock"] {
            std::fs::copy(Path::new(TOP).join(file), copy.path(file)).expect("copied");
        }
        copy.add(Path::new("crates"));
        copy
    }

    fn add(&self, folder: &Path) {
        std::fs::create_dir(self.0.path().join(folder)).expect("a folder");
        for entry in std::fs::read_dir(Path::new(TOP).join(folder)).expect("sources") {
            let path = folder.join(entry.expect("an entry").file_name());
            let from = Path::new(TOP).join(&path);
            if from.is_dir() {
                self.add(&path);
            } else if path.extension().is_some_and(|ending| ending == "rs" || ending == "toml") {
                std::fs::copy(from, self.0.path().join(path)).expect("copied");
            }
        }
    }

    fn path(&self, file: &str) -> PathBuf {
        self.0.path().join(file)
    }

    fn identity(&self) -> Identity {
        identity(self.0.path(), &settings())
    }

    /// Replaces `old`, the first there is, in a file.
    #[track_caller]
    fn edit(&self, file: &str, old: &str, new: &str) {
        let text = std::fs::read_to_string(self.path(file)).expect("a file");
        assert!(text.contains(old), "{file} has no {old}");
        std::fs::write(self.path(file), text.replacen(old, new, 1)).expect("written");
    }

    fn append(&self, file: &str, more: &str) {
        let text = std::fs::read_to_string(self.path(file)).expect("a file");
        std::fs::write(self.path(file), text + more).expect("written");
    }
}

fn here() -> Identity {
    identity(Path::new(TOP), &settings())
}

/// What cells of k-means know the worker by.
fn identity(top: &Path, settings: &Settings) -> Identity {
    let sources = Sources::read(top, WORKER).expect("sources");
    sources.identity(Some("kmeans"), settings).expect("an identity")
}

#[test]
fn the_same_sources_elsewhere_have_the_same_id() {
    let (copy, here) = (Copy::new().identity(), here());
    assert_eq!(copy.text, here.text);
    assert_eq!(copy, here);
    assert!(here.id.len() == 16 && here.id.bytes().all(|b| b.is_ascii_hexdigit()), "{}", here.id);
    assert!(!here.text.contains(TOP), "no folder of this machine is in it");
}

#[test]
fn what_decides_nothing_changes_nothing() {
    let copy = Copy::new();
    let kernel_test = "\n#[cfg(test)]\nmod more { #[test] fn new() { assert_eq!(1, 1); } }\n";
    for (file, more) in [
        ("crates/explain/src/figure/mod.rs", "\npub const CAPTION: &str = \"another\";\n"),
        ("crates/run/src/sweep.rs", "\npub fn more() {}\n"),
        ("crates/clustering/src/lib.rs", "\npub fn more() {}\n"),
        ("crates/record/src/read.rs", "\npub fn more() {}\n"),
        ("crates/record/src/accelerators.toml", "\n# Another price.\n"),
        ("crates/identity/src/lib.rs", "\npub fn more() {}\n"),
        (KERNEL, "\n// A comment.\n"),
        (KERNEL, kernel_test),
        ("crates/workloads/kmeans/program/src/device/cpu/tests.rs", "\nfn more() {}\n"),
    ] {
        copy.append(file, more);
    }
    for (file, old, new) in [
        (KERNEL, "//! ", "//! In other words: "),
        (KERNEL, "kernel.run(Several {", "kernel.run(\n // Here.\nSeveral {"),
        (KERNEL_MANIFEST, "description = \"", "description = \"Once more: "),
        ("Cargo.toml", "version = \"0.1.0\"", "version = \"0.2.0\""),
        ("Cargo.toml", "typst-eval = { opt-level = 1 }", "typst-eval = { opt-level = 2 }"),
        ("Cargo.lock", "name = \"typst\"\nversion = \"", "name = \"typst\"\nversion = \"9"),
    ] {
        copy.edit(file, old, new);
    }
    let (then, now) = (here(), copy.identity());
    assert_eq!(changed(&then, &now), Vec::<String>::new());
    assert_eq!((then.id, then.sources), (now.id, now.sources));
}

/// Lines that are in the text of one alone.
fn changed(then: &Identity, now: &Identity) -> Vec<String> {
    let lines = |of: &Identity| of.text.lines().map(String::from).collect::<BTreeSet<_>>();
    lines(now).symmetric_difference(&lines(then)).cloned().collect()
}

#[test]
fn what_decides_changes_the_id() {
    let copy = Copy::new();
    let by_one_unit = "package.amdahl-kmeans]\ncodegen-units = 1";
    let edits = [
        (KERNEL, "to.chunks_mut(4)", "to.chunks_mut(5)", "src/device/cpu/distance.rs"),
        ("crates/mpi/src/linked.rs", "1 << 28", "1 << 27", "src/linked.rs"),
        ("crates/data/src/catalogue.toml", "[", "# More.\n[", "src/catalogue.toml"),
        (KERNEL_MANIFEST, "edition.workspace = true", "edition = \"2021\"", "kmeans edition 2021"),
        (
            KERNEL_MANIFEST,
            "libm.workspace = true",
            "libm.version = \"1\"\nlibm.features = [\"f\"]",
            "libm f",
        ),
        ("Cargo.toml", by_one_unit, "package.amdahl-kmeans]", "amdahl-kmeans: codegen-units"),
        (
            "Cargo.toml",
            "sha2 = { opt-level = 3 }",
            "sha2 = { opt-level = 2 }",
            "sha2: opt-level = 2",
        ),
        (
            "Cargo.toml",
            "[profile.release]",
            "[profile.release]\nlto = \"fat\"",
            "*all*: lto = \"fat\"",
        ),
        (
            "Cargo.lock",
            "name = \"libm\"\nversion = \"",
            "name = \"libm\"\nversion = \"9",
            "package libm 9",
        ),
    ];
    for (file, old, new, _) in edits {
        copy.edit(file, old, new);
    }
    let (then, now) = (here(), copy.identity());
    assert_ne!((&then.id, &then.sources), (&now.id, &now.sources));
    let lines = changed(&then, &now);
    for (file, _, _, word) in edits {
        assert!(lines.iter().any(|line| line.contains(word)), "{file}: {lines:#?}");
    }
    let mut known = BTreeSet::from([then.id, now.id]);
    for change in [
        Settings { compiler: "rustc 1.0.1".into(), ..settings() },
        Settings { flags: "-C target-cpu=native".into(), ..settings() },
        Settings { profile: settings().profile.replace('3', "2"), ..settings() },
    ] {
        let found = identity(Path::new(TOP), &change);
        assert_eq!(found.sources, then.sources, "the sources are the same");
        assert!(known.insert(found.id), "{change:?}");
    }
}

#[test]
fn a_workload_decides_for_its_own_cells() {
    let copy = Copy::new();
    std::fs::create_dir_all(copy.path("crates/workloads/other/src")).expect("a folder");
    let manifest = "[package]\nname = \"other\"\nedition.workspace = true\n\
        [package.metadata.amdahl]\nworkload = \"other\"\n[dependencies]\nlibm.workspace = true\n";
    std::fs::write(copy.path("crates/workloads/other/Cargo.toml"), manifest).expect("written");
    std::fs::write(copy.path("crates/workloads/other/src/lib.rs"), "mod a;").expect("written");
    std::fs::write(copy.path("crates/workloads/other/src/a.rs"), "").expect("written");
    let before = Sources::read(Path::new(TOP), WORKER).expect("sources");
    // The registry's two lines of it.
    copy.append(
        "Cargo.lock",
        "\n[[package]]\nname = \"other\"\nversion = \"0.1.0\"\ndependencies = [\"libm\"]\n",
    );
    let registry = "crates/workloads/registry/programs";
    copy.append(&format!("{registry}/Cargo.toml"), "other = { path = \"../../other\" }\n");
    copy.append(&format!("{registry}/src/lib.rs"), "\npub fn other() {}\n");
    let sources = || Sources::read(copy.0.path(), WORKER).expect("sources");
    let id =
        |sources: &Sources, workload| sources.identity(workload, &settings()).expect("an id").id;
    let with = sources();
    let workloads = with.workloads();
    assert!(workloads.contains("other") && workloads.contains("kmeans"), "{workloads:?}");
    assert_eq!(id(&with, Some("kmeans")), id(&before, Some("kmeans")), "it is added");
    assert_ne!(id(&with, None), id(&before, None));
    std::fs::write(copy.path("crates/workloads/other/src/a.rs"), "fn a() {}").expect("written");
    let changed = sources();
    assert_eq!(id(&with, Some("kmeans")), id(&changed, Some("kmeans")), "it is changed");
    assert_ne!(id(&with, Some("other")), id(&changed, Some("other")));
    let files = changed.identity(Some("other"), &settings()).expect("an id").files;
    let others_kernel = files.contains(Path::new(KERNEL));
    assert!(!others_kernel && files.contains(Path::new("crates/lanes/src/exact.rs")), "{files:?}");
}

#[test]
fn a_declaration_that_names_nothing_is_refused() {
    let copy = Copy::new();
    copy.edit("crates/record/Cargo.toml", "\"src/read.rs\"", "\"src/reed.rs\"");
    let error = Sources::read(copy.0.path(), WORKER).err().expect("refused");
    assert!(error.contains("record/Cargo.toml: 'src/reed.rs' is no file"), "{error}");
    copy.edit("crates/record/Cargo.toml", "explains =", "explain =");
    let error = Sources::read(copy.0.path(), WORKER).err().expect("refused");
    assert!(error.contains("unknown field `explain`"), "{error}");
}

/// What cargo says that the worker beside the tests was made of, from the top of the workspace.
fn made_of() -> BTreeSet<PathBuf> {
    let text =
        std::fs::read_to_string(built_worker().with_extension("d")).expect("written by cargo");
    let (_, files) = text.split_once(": ").expect("a rule");
    let top = std::fs::canonicalize(TOP).expect("a folder");
    // A space in a name is written with a backslash.
    let files = files.replace("\\ ", "\0");
    files
        .split_whitespace()
        .filter_map(|file| std::fs::canonicalize(Path::new(TOP).join(file.replace('\0', " "))).ok())
        .filter(|file| file.is_file())
        .filter_map(|file| Some(file.strip_prefix(&top).ok()?.to_path_buf()))
        .collect()
}

#[test]
fn every_file_of_the_worker_counts_or_is_declared_not_to() {
    let sources = Sources::read(Path::new(TOP), WORKER).expect("sources");
    let counted = sources.identity(None, &settings()).expect("an identity").files;
    let (left_out, others) = (sources.left_out(), sources.others());
    let listed = made_of();
    assert!(listed.contains(Path::new(KERNEL)), "{listed:?}");
    for file in &listed {
        let is_looked_at = counted.contains(file) || left_out.contains(file.as_path());
        // Build scripts have manifests watched, and are made of this crate.
        let is_for_building = file.ends_with("Cargo.toml")
            || file.ends_with("Cargo.lock")
            || file.starts_with("crates/identity");
        let of_another = others.values().any(|folder| file.starts_with(folder));
        assert!(
            is_looked_at || is_for_building || of_another,
            "{} is not looked at",
            file.display()
        );
    }
}

#[test]
fn the_worker_holds_no_code_of_files_that_are_declared_not_to_decide() {
    if cfg!(debug_assertions) {
        eprintln!("SKIPPED: symbols of a worker with debug information name what it does not hold");
        return;
    }
    let sources = Sources::read(Path::new(TOP), WORKER).expect("sources");
    let worker = std::fs::read(built_worker()).expect("a worker");
    let holds = |symbol: &str| worker.windows(symbol.len()).any(|bytes| bytes == symbol.as_bytes());
    assert!(holds("13amdahl_kmeans"), "the worker has symbols");
    let named = |name: &str| format!("{}{}", name.len(), name.replace('-', "_"));
    for (name, folder) in sources.deciding() {
        for file in sources.left_out().iter().filter(|file| file.starts_with(folder.join("src"))) {
            let module =
                file.strip_prefix(folder.join("src")).expect("below it").with_extension("");
            let parts = module.iter().map(|part| part.to_string_lossy());
            let parts: Vec<_> = parts.filter(|part| part != "mod" && part != "lib").collect();
            // What stands at the root of a crate cannot be told from what stands below.
            if !parts.is_empty() && file.extension().is_some_and(|ending| ending == "rs") {
                let symbol: String = parts.iter().map(|part| named(part)).collect();
                let symbol = named(name) + &symbol;
                assert!(!holds(&symbol), "{} is in the worker: {symbol}", file.display());
            }
        }
    }
}

#[test]
fn a_worker_is_known_by_the_sources_it_was_built_from() {
    let said = capabilities();
    let build = said.build.clone();
    let settings =
        Settings { compiler: build.compiler, flags: build.flags, profile: build.profile };
    let sources = Sources::read(Path::new(TOP), WORKER).expect("sources");
    let all = sources.identity(None, &settings).expect("an identity");
    assert_eq!((said.build.id.as_str(), said.sources.as_str()), (&*all.id, &*all.sources));
    assert_eq!(said.ids["kmeans"], identity(Path::new(TOP), &settings).id);
}

/// A sandbox of which everything is measured once, by a worker that says who it is.
fn measured(backends: &str) -> Sandbox {
    let sandbox = Sandbox::with_script("answer 1.5");
    sandbox.write("id", "00000000000000aa\n");
    sandbox.write("mpi", "Open MPI v4.1.4\n");
    sandbox.write("mpiexec", MPIEXEC);
    sandbox.write("test.toml", manifest(backends, 1, ""));
    run(&sandbox, "run");
    sandbox
}

/// A launcher that starts one rank.
const MPIEXEC: &str = r#"
[ "$1" = --version ] && echo "mpiexec (Open MPI) 4.1.4" && exit
while [ "${1##*/}" != worker ]; do shift; done
exec "$@"
"#;

fn run(sandbox: &Sandbox, verb: &str) -> String {
    let mut command = sandbox.amdahl(&[verb, "test.toml"]);
    let launcher = sandbox.path("start-ranks");
    if !launcher.exists() {
        // Made executable by another process: see `Sandbox::script`.
        let made = Command::new("sh")
            .args(["-c", "(echo '#!/bin/sh'; cat mpiexec) >start-ranks && chmod 755 start-ranks"])
            .current_dir(sandbox.path(""))
            .status();
        assert!(made.expect("a shell").success());
    }
    Ran(command.env("AMDAHL_MPIEXEC", launcher).output().expect("amdahl starts")).ends_with(0).out()
}

#[test]
fn a_worker_is_known_by_what_it_says() {
    let sandbox = measured(r#""serial", "threads""#);
    assert!(sandbox.results().records.iter().all(|r| r.key.build == "00000000000000aa"));
    assert!(sandbox.results().records.iter().all(|r| r.key.mpi.is_none()));
    sandbox.script("answer 1.5 # another executable");
    assert_eq!(run(&sandbox, "plan").matches("1/1").count(), 2);
    run(&sandbox, "run");
    assert_eq!(sandbox.tried().len(), 2, "the same sources");
    sandbox.write("id", "00000000000000bb\n");
    assert_eq!(run(&sandbox, "plan").matches("0/1").count(), 2);
    run(&sandbox, "run");
    assert_eq!(sandbox.tried().len(), 4, "others");
    // One that does not say it is known by its executable.
    sandbox.write("id", "");
    run(&sandbox, "run");
    assert_eq!(run(&sandbox, "plan").matches("1/1").count(), 2);
    sandbox.script("answer 1.5 # once more");
    assert_eq!(run(&sandbox, "plan").matches("0/1").count(), 2);
    assert_eq!(sandbox.tried().len(), 6);
}

#[test]
fn another_mpi_library_is_measured_anew_and_nothing_else_is() {
    let sandbox = measured(r#""serial", "threads", "mpi""#);
    assert_eq!(sandbox.tried().len(), 3);
    sandbox.write("mpi", "Open MPI v5.0.3\n");
    let plan = run(&sandbox, "plan");
    assert_eq!((plan.matches("1/1").count(), plan.matches("0/1").count()), (2, 1), "{plan}");
    run(&sandbox, "run");
    let tried = sandbox.tried();
    assert_eq!((tried.len(), &tried[3]), (4, &tried[2]), "the cell under MPI alone");
    assert_eq!(run(&sandbox, "plan").matches("1/1").count(), 3);
    sandbox.write("mpi", "Open MPI v4.1.4\n");
    assert_eq!(
        run(&sandbox, "plan").matches("1/1").count(),
        3,
        "the first one's results are there"
    );
    let libraries: BTreeSet<_> =
        sandbox.results().records.iter().filter_map(|r| r.key.mpi.clone()).collect();
    assert_eq!(libraries.len(), 2);
}
