//! Environments that make no sense: variables of ours with odd values, no home, no room for temporary
//! files, few descriptors.

use super::{DOCUMENTED, attacks, has_escapes, tell};
use crate::fuzz::edits::Draws;
use crate::support::{Sandbox, manifest};

/// Variables that the program or its worker reads (docs/environment.md), and some of the system.
const NAMES: &[&str] = &[
    "AMDAHL_DATA",
    "AMDAHL_DEVICE",
    "AMDAHL_KERNEL",
    "AMDAHL_LIMITS",
    "AMDAHL_LOG",
    "AMDAHL_MPIEXEC",
    "AMDAHL_PROBES",
    "AMDAHL_WORKER",
    "COLUMNS",
    "HOME",
    "NO_COLOR",
    "OMP_NUM_THREADS",
    "PATH",
    "SLURM_JOB_ID",
    "SLURM_NTASKS",
    "TERM",
    "TMPDIR",
    "XDG_CACHE_HOME",
];

const VALUES: &[&str] = &[
    "",
    " ",
    "-1",
    "0",
    "1e99",
    "99999999999999999999",
    "/",
    "/dev/null",
    "/proc/self/mem",
    "/nowhere/at/all",
    "off",
    "all",
    "\u{1b}[31mred",
    "\u{202e}left",
    "a,b,,c",
    "=",
    "\n",
];

#[test]
fn odd_environments_end_with_documented_codes() {
    let sandbox = Sandbox::new();
    sandbox.write("m.toml", manifest(r#""serial""#, 1, ""));
    sandbox.write("p.csv", "1,2\n3,4\n5,6\n7,9\n");
    sandbox.run(&["run", "m.toml", "--results", "r"]).ends_with(0);
    let verbs: &[&[&str]] = &[
        &["plan", "m.toml"],
        &["run", "m.toml", "--results", "r"],
        &["show", "r"],
        &["compare", "r", "r"],
        &["figures", "r", "--out", "f"],
        &["report", "r", "--format", "html", "--out", "o"],
        &["export", "r", "--to", "csv", "--out", "e"],
        &["fit", "p.csv", "-k", "2", "--model", "m.json"],
        &["predict", "m.json", "p.csv"],
        &["completions", "bash"],
    ];
    let tries = attacks(100);
    let mut codes = std::collections::BTreeMap::<i32, u64>::new();
    for input in 0..tries {
        let draws = &mut Draws::new("environment", input);
        let verb = *draws.of(verbs);
        let mut command = sandbox.amdahl(verb);
        let set: Vec<_> =
            (0..1 + draws.below(4)).map(|_| (*draws.of(NAMES), *draws.of(VALUES))).collect();
        for (name, value) in &set {
            command.env(name, value);
        }
        let output = command.output().expect("amdahl starts");
        let said = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
        let shown = format!("environment {input}: {set:?} {verb:?}: {} {said:?}", output.status);
        let code = output.status.code().unwrap_or(-1);
        assert!(DOCUMENTED.contains(&code), "{shown}");
        assert!(!said.iter().any(|text| text.contains("panicked") || has_escapes(text)), "{shown}");
        *codes.entry(code).or_default() += 1;
    }
    let codes: Vec<_> =
        codes.iter().map(|(code, times)| format!("{times} ended with {code}")).collect();
    tell("odd environments", tries, &codes.join(", "));
}
