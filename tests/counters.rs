//! Counters that are refused: by the system's policy, by a container's filter, for want of
//! hardware. A sweep is complete all the same and says what to do, unless it was told to have
//! hardware counters.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, Output};

use amdahl_lanes::probe::recorder::{Recorder, merge};
use amdahl_lanes::probe::{Availability, PROBES, Seat};
use amdahl_record::{Failure, Phase, Reading};

use crate::support::{Ran, Sandbox, class, manifest, reason};
use amdahl_testing::skipped;

/// A sweep of two cells in a folder that everybody may write to.
fn sandbox(more: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("test.toml", manifest(r#""serial", "threads""#, 1, more));
    let open = std::fs::Permissions::from_mode(0o777);
    std::fs::set_permissions(sandbox.path(""), open).expect("a folder of ours");
    sandbox
}

/// The readings of the first record that counts.
fn readings(sandbox: &Sandbox) -> Vec<Reading> {
    let results = sandbox.results();
    let measured = results.records.into_iter().find_map(|record| record.measured);
    measured.expect("a measured repeat").take().readings
}

fn why(readings: &[Reading], metric: &str) -> Option<String> {
    readings
        .iter()
        .find(|reading| reading.metric == metric)
        .unwrap_or_else(|| panic!("no '{metric}'"))
        .reason()
        .map(String::from)
}

/// Every metric has values or a short reason.
fn values_or_reasons(readings: &[Reading]) {
    for reading in readings {
        assert!(reading.values.is_some() != reading.why.is_some(), "{reading:?}");
        assert!(
            reading.why.as_ref().is_none_or(|why| !why.is_empty() && why.len() < 100),
            "{reading:?}"
        );
    }
}

/// Forbids perf_event_open in this process and what it starts, as container runtimes do. Called
/// between fork and exec: it allocates nothing.
fn forbid_perf_event_open() -> std::io::Result<()> {
    const LOAD_NUMBER: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
    const JUMP_IF_EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
    const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;
    let step = |code, jt, jf, k| libc::sock_filter { code, jt, jf, k };
    let mut filter = [
        step(LOAD_NUMBER, 0, 0, 0),
        step(JUMP_IF_EQUAL, 0, 1, libc::SYS_perf_event_open as u32),
        step(RETURN, 0, 0, libc::SECCOMP_RET_ERRNO | libc::EPERM as u32),
        step(RETURN, 0, 0, libc::SECCOMP_RET_ALLOW),
    ];
    let program = libc::sock_fprog { len: filter.len() as u16, filter: filter.as_mut_ptr() };
    // SAFETY: both calls take numbers and a pointer to a program of four steps that outlives the
    // second call, which copies it.
    let done = unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
            && libc::prctl(
                libc::PR_SET_SECCOMP,
                libc::SECCOMP_MODE_FILTER,
                &program as *const libc::sock_fprog,
            ) == 0
    };
    if done { Ok(()) } else { Err(std::io::Error::last_os_error()) }
}

/// Runs a command under the filter; `None`, loudly, where there are no filters.
fn filtered(mut command: Command, test: &str) -> Option<Output> {
    // SAFETY: the closure only makes system calls.
    unsafe { command.pre_exec(forbid_perf_event_open) };
    match command.output() {
        Ok(output) => Some(output),
        Err(error) => {
            skipped(test, format!("no seccomp filter can be set here: {error}"));
            None
        }
    }
}

#[test]
fn under_a_filter_that_denies_perf_the_sweep_is_complete_and_says_what_to_do() {
    const TEST: &str = "under_a_filter_that_denies_perf_the_sweep_is_complete_and_says_what_to_do";
    let sandbox = sandbox("");
    let Some(output) = filtered(sandbox.amdahl(&["run", "test.toml"]), TEST) else { return };
    let ran = Ran(output).ends_with(0);
    assert!(ran.out().contains("2 of 2 cells measured"), "{}", ran.out());
    let readings = readings(&sandbox);
    values_or_reasons(&readings);
    for metric in ["cycles", "task-clock", "page-faults", "LLC-load-misses"] {
        let why = why(&readings, metric);
        assert!(
            why.as_ref().is_some_and(|why| why.contains("EPERM") && why.contains("filter")),
            "{metric}: {why:?}"
        );
    }
    assert_eq!(why(&readings, "cpu"), None, "what the system accounts is there");
    let mut doctor = sandbox.amdahl(&["doctor", "--quick"]);
    doctor.env_remove("AMDAHL_COUNTERS");
    let Some(output) = filtered(doctor, TEST) else { return };
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let said: String = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("seccomp profile that allows perf_event_open"), "{said}");
}

#[test]
fn without_privileges_the_sweep_is_complete_and_says_what_to_do() {
    const TEST: &str = "without_privileges_the_sweep_is_complete_and_says_what_to_do";
    let sandbox = sandbox("");
    // SAFETY: geteuid takes no arguments and cannot fail.
    let root = unsafe { libc::geteuid() } == 0;
    let mut command = sandbox.amdahl(&["run", "test.toml"]);
    if root {
        // SAFETY: the closure only makes system calls.
        unsafe {
            command.pre_exec(|| {
                let nobody = 65_534;
                let given_up = libc::setgroups(0, std::ptr::null()) == 0
                    && libc::setgid(nobody) == 0
                    && libc::setuid(nobody) == 0;
                if given_up { Ok(()) } else { Err(std::io::Error::last_os_error()) }
            })
        };
    }
    let output = match command.output() {
        Ok(output) => output,
        Err(error) => {
            return skipped(TEST, format!("cannot become another user, or start as one: {error}"));
        }
    };
    let ran = Ran(output).ends_with(0);
    assert!(ran.out().contains("2 of 2 cells measured"), "{}", ran.out());
    let readings = readings(&sandbox);
    values_or_reasons(&readings);
    let policy =
        std::fs::read_to_string("/proc/sys/kernel/perf_event_paranoid").unwrap_or_default();
    let Ok(policy) = policy.trim().parse::<i32>() else {
        return skipped(TEST, "the second part: this kernel has no perf_event_paranoid");
    };
    match policy {
        // User space of one's own programs may be counted, the kernel may not.
        2 => {
            let switches = why(&readings, "context-switches").expect("not counted");
            assert!(switches.contains("perf_event_paranoid = 2"), "{switches}");
            assert_eq!(why(&readings, "task-clock"), None);
        }
        // Some distributions' kernels refuse everything at 3 and 4, others take them for 2.
        3.. => {
            let switches = why(&readings, "context-switches").expect("not counted");
            assert!(switches.contains(&format!("perf_event_paranoid = {policy}")), "{switches}");
        }
        _ => assert_eq!(why(&readings, "task-clock"), None),
    }
}

/// Why this machine has no hardware counters, if it has none.
fn hardware_here() -> Option<(String, String)> {
    let core = PROBES.iter().find(|source| source.name == "perf").expect("a probe");
    let all = (core.open)(Seat::ALONE).available();
    match all.into_iter().find(|(metric, _)| metric.name == "cycles").expect("known").1 {
        Availability::No { why, help } => Some((why, help)),
        _ => None,
    }
}

#[test]
fn hardware_counters_that_were_asked_for_are_there_or_every_cell_fails() {
    let sandbox = sandbox("counters = \"hardware\"");
    let ran = sandbox.run(&["run", "test.toml"]);
    let Some((missing, help)) = hardware_here() else {
        ran.ends_with(0);
        let readings = readings(&sandbox);
        assert_eq!((why(&readings, "cycles"), why(&readings, "instructions")), (None, None));
        return;
    };
    assert!(ran.code() != 0 && ran.out().contains("0 of 2 cells measured"), "{}", ran.out());
    let outcomes = sandbox.outcomes("serial");
    assert_eq!(class(&outcomes[0]), Failure::Unavailable);
    let said = reason(&outcomes[0]);
    assert!(
        said.contains("no hardware counters") && said.contains(&missing) && said.contains(&help),
        "{said}"
    );
    sandbox.write("test.toml", manifest(r#""serial""#, 1, "counters = \"auto\""));
    sandbox.run(&["run", "test.toml"]).ends_with(0);
    assert_eq!(sandbox.counted(), 1, "auto never fails, and tries again what lacked hardware");
}

#[test]
fn counters_can_be_left_out() {
    let sandbox = sandbox("counters = \"off\"");
    sandbox.run(&["run", "test.toml"]).ends_with(0);
    let metrics: Vec<String> =
        readings(&sandbox).into_iter().map(|reading| reading.metric.take()).collect();
    assert_eq!(metrics, ["wall", "probing", "entries"]);
    sandbox.write("test.toml", manifest(r#""serial""#, 1, "counters = \"al\""));
    let ran = sandbox.run(&["run", "test.toml"]).ends_with(2);
    assert!(ran.err().contains("simulated"), "the words are named: {}", ran.err());
}

#[test]
fn groups_and_scopes_are_recorded() {
    let recorder = Recorder::new(PROBES, Seat::ALONE);
    recorder.enter(Phase::ASSIGN);
    let all = merge(&[recorder.finish()]);
    for reading in &all {
        let named = reading.group.is_some();
        let own = ["probing", "entries"].contains(&reading.metric.as_str());
        assert_eq!(named, reading.values.is_some() && !own, "{reading:?}");
    }
    let find = |metric: &str| all.iter().find(|reading| reading.metric == metric).expect("known");
    if find("task-clock").values.is_some() {
        assert_eq!(find("task-clock").counted_by(), Some("perf-1"));
        assert!(find("task-clock").beside(&all, "page-faults").is_some());
        assert!(find("task-clock").beside(&all, "cpu").is_none(), "another source");
    }
}
