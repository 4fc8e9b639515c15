//! The processor, its settings, and what this program was built from.

use super::check::Check;
use amdahl_record::host;
use amdahl_record::host::HostFacts;
use amdahl_record::units;

const PROCESSOR: &str = "Processor";
const SETTINGS: &str = "Settings";
const BUILD: &str = "This program";

/// What files and the environment say of this machine.
pub fn checks() -> Vec<Check> {
    let host = host::gather();
    let mut checks = processor(&host);
    checks.extend(settings(&host));
    checks.extend(build());
    checks
}

fn processor(host: &HostFacts) -> Vec<Check> {
    let unknown = || "not known".to_string();
    let mut checks = vec![
        Check::fact(PROCESSOR, "model", host.cpu.clone().unwrap_or_else(unknown)),
        Check::fact(PROCESSOR, "CPUs", cpus(host)),
        Check::fact(PROCESSOR, "layout", layout(host)),
    ];
    if let Some(quota) = host::cpu_quota() {
        checks.push(quota_check(quota, host.allowed_cpus.len()));
    }
    let caches: Vec<String> = host
        .caches
        .iter()
        .map(|cache| {
            let shared = cache
                .shared_by
                .filter(|&n| n > 1)
                .map_or(String::new(), |n| format!(" for {n} CPUs"));
            format!("L{} {} {}{shared}", cache.level, cache.kind, units::bytes(cache.bytes as f64))
        })
        .collect();
    checks.push(match caches.is_empty() {
        true => Check::no(
            PROCESSOR,
            "caches",
            "the kernel does not describe them",
            "look the processor up by its model",
        ),
        false => Check::fact(PROCESSOR, "caches", caches.join(", ")),
    });
    let memory = host.memory_bytes.map_or_else(unknown, |bytes| units::bytes(bytes as f64));
    checks.push(Check::fact(PROCESSOR, "memory", memory));
    checks.push(match host.vector.is_empty() {
        true => Check::no(
            PROCESSOR,
            "vector extensions",
            "the kernel names none",
            "the portable kernel runs; on Linux they stand in /proc/cpuinfo",
        ),
        false => Check::yes(PROCESSOR, "vector extensions", host.vector.join(" ")),
    });
    checks
}

fn cpus(host: &HostFacts) -> String {
    format!(
        "{} of {} may be used: {}",
        host.allowed_cpus.len(),
        host.cpus,
        ranges(&host.allowed_cpus)
    )
}

fn layout(host: &HostFacts) -> String {
    let part = |count: Option<u32>, one: &str, many: &str| match count {
        Some(1) => format!("1 {one}"),
        Some(n) => format!("{n} {many}"),
        None => format!("{many} not known"),
    };
    [
        part(host.sockets, "socket", "sockets"),
        part(host.numa_nodes, "NUMA node", "NUMA nodes"),
        part(host.threads_per_core, "thread a core", "threads a core"),
    ]
    .join(", ")
}

/// `0-3,8` for 0 1 2 3 8.
fn ranges(numbers: &[u32]) -> String {
    let mut parts: Vec<(u32, u32)> = Vec::new();
    for &number in numbers {
        match parts.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => parts.push((number, number)),
        }
    }
    let words = parts.iter().map(|&(first, last)| {
        if first == last { format!("{first}") } else { format!("{first}-{last}") }
    });
    words.collect::<Vec<_>>().join(",")
}

fn quota_check(quota: f64, allowed: usize) -> Check {
    if quota + 1e-9 >= allowed as f64 {
        return Check::fact(PROCESSOR, "time quota", format!("the time of {quota:.2} CPUs"));
    }
    Check::no(
        PROCESSOR,
        "time quota",
        format!(
            "this container may use {allowed} CPUs, but only the time of {quota:.2}: lanes beyond that are stopped in turns"
        ),
        "raise the container's limit ('--cpus'), or plan for no more lanes than that",
    )
}

fn settings(host: &HostFacts) -> Vec<Check> {
    let mut checks = vec![match host.governor.as_deref() {
        Some("performance") => Check::yes(SETTINGS, "steady frequency", "governor performance"),
        Some(other) => Check::no(
            SETTINGS,
            "steady frequency",
            format!("governor {other}: the frequency follows the load"),
            "as root: cpupower frequency-set -g performance",
        ),
        None => Check::no(
            SETTINGS,
            "steady frequency",
            "the kernel shows no governor, as in most virtual machines",
            "nothing to set here: trust medians of repeats, not single runs",
        ),
    }];
    checks.push(match &host.hypervisor {
        None => Check::yes(SETTINGS, "bare metal", ""),
        Some(name) => Check::no(
            SETTINGS,
            "bare metal",
            format!("a virtual machine ({name}): neighbours disturb, counters may be missing"),
            "repeat more often, or measure on a machine without a hypervisor",
        ),
    });
    checks.push(match host.huge_pages.as_deref() {
        Some("always") => Check::yes(SETTINGS, "huge pages", "always"),
        Some("madvise") => Check::yes(
            SETTINGS,
            "huge pages",
            "where a program asks, as the worker does for its rows",
        ),
        Some(mode) => Check::no(
            SETTINGS,
            "huge pages",
            format!("transparent huge pages: {mode}"),
            "as root: echo always > /sys/kernel/mm/transparent_hugepage/enabled",
        ),
        None => Check::no(
            SETTINGS,
            "huge pages",
            "this kernel has no transparent huge pages",
            "expect more time in address translation on large data",
        ),
    });
    let load = amdahl_lanes::probe::load::Watch::start().stop().load1;
    let cpus = host.cpus;
    checks.extend(load.map(|load| quiet(load, cpus)));
    let environment: Vec<String> =
        host.environment.iter().map(|(name, value)| format!("{name}={value}")).collect();
    if !environment.is_empty() {
        checks.push(Check::fact(SETTINGS, "environment", environment.join(" ")));
    }
    checks
}

fn quiet(load: f64, cpus: u32) -> Check {
    if load < 0.25 * f64::from(cpus) {
        return Check::yes(SETTINGS, "quiet", format!("load {load:.2} on {cpus} CPUs"));
    }
    Check::no(
        SETTINGS,
        "quiet",
        format!("load {load:.2} on {cpus} CPUs: other programs run"),
        "end them before measuring; every record keeps the load, and repeats are interleaved",
    )
}

/// Adds to the settings the time that the hypervisor took while the doctor worked.
pub fn add_stolen(checks: &mut Vec<Check>, share: Option<f64>) {
    let end = checks
        .iter()
        .rposition(|check| check.topic == SETTINGS)
        .map_or(checks.len(), |last| last + 1);
    checks.splice(end..end, stolen(share));
}

fn stolen(share: Option<f64>) -> Option<Check> {
    const MUCH: f64 = 0.02;
    let share = share?;
    let percent = format!("{:.1} % of the CPU time", 100.0 * share);
    Some(if share < MUCH {
        Check::fact(SETTINGS, "stolen just now", percent)
    } else {
        Check::no(
            SETTINGS,
            "little stolen just now",
            format!("the hypervisor took {percent}"),
            "repeat more often or at another hour; every record keeps the share",
        )
    })
}

fn build() -> Vec<Check> {
    let build = amdahl_record::build_facts!();
    let revision = match (&build.revision, build.dirty) {
        (Some(revision), Some(true)) => format!("{revision}, with uncommitted changes"),
        (Some(revision), _) => revision.clone(),
        (None, _) => "not built in a git checkout".into(),
    };
    let flags =
        if build.flags.is_empty() { String::new() } else { format!(", flags {}", build.flags) };
    let mut checks = vec![
        Check::fact(BUILD, "version", build.version),
        Check::fact(BUILD, "revision of its sources", revision),
        Check::fact(BUILD, "compiler", format!("{}{flags}", build.compiler)),
        Check::fact(BUILD, "profile", build.profile),
    ];
    let made = |is_built: bool, what: &str, feature: &str| match is_built {
        true => Check::yes(BUILD, what, ""),
        false => Check::no(
            BUILD,
            what,
            format!("built without the feature '{feature}'"),
            "make build, or cargo build --release; results measured here can be explained elsewhere",
        ),
    };
    checks.push(made(crate::output::PAPER, "PDF and PNG, posters", "pdf"));
    checks.push(made(cfg!(feature = "query"), "queries in SQL", "query"));
    checks
}

#[cfg(test)]
mod tests {
    use super::super::check::Is;
    use super::*;

    #[test]
    fn cpus_are_written_as_ranges() {
        assert_eq!(ranges(&[0, 1, 2, 3, 8]), "0-3,8");
        assert_eq!(ranges(&[5]), "5");
        assert_eq!(ranges(&[]), "");
    }

    #[test]
    fn a_quota_below_the_allowed_cpus_is_a_no() {
        assert_eq!(quota_check(1.5, 4).is, Is::No);
        assert_eq!(quota_check(4.0, 4).is, Is::Fact);
    }

    #[test]
    fn a_busy_machine_is_a_no() {
        assert_eq!(quiet(3.0, 4).is, Is::No);
        assert_eq!(quiet(0.2, 4).is, Is::Yes);
        assert_eq!(stolen(None), None);
        assert_eq!(stolen(Some(0.3)).map(|check| check.is), Some(Is::No));
        assert_eq!(stolen(Some(0.0)).map(|check| check.is), Some(Is::Fact));
    }
}
