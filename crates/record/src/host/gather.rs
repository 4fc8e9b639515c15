//! Finding the facts out: from `/proc`, `/sys` and the environment. On systems without these files
//! most facts are null.

use std::path::Path;

use super::quota::quota_below;
use super::{CacheFacts, HostFacts};
use crate::cell::short_hash;
use crate::launched;

/// Vector extensions worth knowing, by the names of `/proc/cpuinfo` (x86 flags, then Arm features).
const VECTOR: &[&str] = &[
    "sse2",
    "sse4_2",
    "avx",
    "f16c",
    "fma",
    "avx2",
    "avx_vnni",
    "avx512f",
    "avx512bw",
    "avx512dq",
    "avx512vl",
    "avx512_vnni",
    "avx512_bf16",
    "avx512_fp16",
    "amx_tile",
    "amx_int8",
    "amx_bf16",
    "asimd",
    "asimddp",
    "asimdhp",
    "sve",
    "sve2",
];

/// Variables that may change results, beside those of launchers ([`launched::FAMILIES`]).
const RELEVANT: &[&str] = &[
    "OMP_",
    "UCX_",
    "AMDAHL_",
    "RAYON_",
    "MKL_",
    "GOMP_",
    "KMP_",
    "NEURON_",
    "LD_PRELOAD",
    "RUSTFLAGS",
];

/// Words in the name of a variable whose value nobody should store.
const SECRET: &[&str] = &["TOKEN", "SECRET", "PASSW", "CREDENTIAL", "JWT", "_KEY", "AUTH"];

/// Characters of a variable's value that are kept.
const LONGEST_VALUE: usize = 200;

/// The facts of this machine. Call it before a thread is pinned: `allowed_cpus` are those of the
/// process's first thread.
pub fn gather() -> HostFacts {
    gather_below(
        Path::new("/"),
        std::env::vars_os()
            .filter_map(|(n, v)| Some((n.into_string().ok()?, v.into_string().ok()?))),
    )
}

/// The facts that the files below `root` (with `proc` and `sys` in it) and the variables of
/// `environment` tell.
pub fn gather_below(root: &Path, environment: impl Iterator<Item = (String, String)>) -> HostFacts {
    let cpuinfo = text(root, "proc/cpuinfo").unwrap_or_default();
    let hostname = text(root, "proc/sys/kernel/hostname");
    let online = list(root, "sys/devices/system/cpu/online");
    let allowed = allowed_below(root).unwrap_or_default();
    let cpu = cpu_model(root, &cpuinfo);
    let cpus = match online.len() {
        0 => allowed.len().max(std::thread::available_parallelism().map_or(1, |n| n.get())),
        n => n,
    } as u32;
    let memory_bytes = text(root, "proc/meminfo").and_then(|info| kibibytes(&info, "MemTotal:"));
    let gib = memory_bytes.map(|bytes| (bytes + (1 << 29)) >> 30);
    let mut identity = format!("{hostname:?} {cpu:?} {cpus} {gib:?}");
    // Machines without a quota keep the ids that they had before it was looked for.
    let cpu_quota = quota_below(root);
    if let Some(quota) = cpu_quota {
        identity.push_str(&format!(" {quota}"));
    }
    let siblings = ["core_cpus_list", "thread_siblings_list"]
        .iter()
        .map(|file| {
            list(root, &format!("sys/devices/system/cpu/cpu0/topology/{file}")).len() as u32
        })
        .find(|&n| n > 0);
    let features = features(&cpuinfo);
    HostFacts {
        id: short_hash(identity.as_bytes()),
        hostname,
        cpu,
        cpus,
        allowed_cpus: if allowed.is_empty() { (0..cpus).collect() } else { allowed },
        cpu_quota,
        sockets: sockets(root, &online),
        threads_per_core: siblings,
        numa_nodes: Some(list(root, "sys/devices/system/node/online").len() as u32)
            .filter(|&n| n > 0),
        caches: caches(root),
        memory_bytes,
        governor: text(root, "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        kernel: text(root, "proc/sys/kernel/osrelease"),
        vector: VECTOR.iter().filter(|v| features.contains(v)).map(|v| v.to_string()).collect(),
        hypervisor: hypervisor(root, &features),
        huge_pages: text(root, "sys/kernel/mm/transparent_hugepage/enabled")
            .and_then(|modes| bracketed(&modes)),
        environment: relevant(environment),
    }
}

/// The CPUs that this process (its first thread) may use, in ascending order; empty where the
/// system does not say.
pub fn allowed_cpus() -> Vec<u32> {
    allowed_below(Path::new("/")).unwrap_or_default()
}

/// The largest resident set of this process so far, bytes. Unlike `ru_maxrss` it does not start
/// from the parent's.
pub fn peak_rss_bytes() -> Option<u64> {
    kibibytes(&text(Path::new("/"), "proc/self/status")?, "VmHWM:")
}

/// Memory of this machine, bytes.
pub fn memory_bytes() -> Option<u64> {
    kibibytes(&text(Path::new("/"), "proc/meminfo")?, "MemTotal:")
}

fn allowed_below(root: &Path) -> Option<Vec<u32>> {
    let status = text(root, "proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?;
    Some(cpu_list(line)).filter(|cpus| !cpus.is_empty())
}

/// The numbers of a kernel list such as `0-3,8`, in ascending order. What is not a number is left
/// out.
pub fn cpu_list(text: &str) -> Vec<u32> {
    /// More CPUs than any Linux kernel knows.
    const MOST: u32 = 1 << 16;
    let mut numbers = Vec::new();
    for part in text.trim().split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        if let (Ok(first), Ok(last)) = (first.trim().parse::<u32>(), last.trim().parse::<u32>()) {
            numbers.extend(first..=last.min(first.saturating_add(MOST)));
        }
    }
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

/// A file's text without surrounding white space; `None` where it is missing or empty.
pub(super) fn text(root: &Path, path: &str) -> Option<String> {
    let bytes = std::fs::read(root.join(path)).ok()?;
    let text = String::from_utf8_lossy(&bytes).trim().to_string();
    (!text.is_empty()).then_some(text)
}

pub(super) fn number<T: std::str::FromStr>(root: &Path, path: &str) -> Option<T> {
    text(root, path)?.parse().ok()
}

pub(super) fn list(root: &Path, path: &str) -> Vec<u32> {
    text(root, path).map_or(Vec::new(), |text| cpu_list(&text))
}

/// The value of a line such as `MemTotal:  1024 kB`, in bytes.
fn kibibytes(text: &str, key: &str) -> Option<u64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(key))?;
    rest.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// The value of the first line `key : value` of `/proc/cpuinfo`.
fn field<'a>(cpuinfo: &'a str, key: &str) -> Option<&'a str> {
    cpuinfo
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(k, _)| k.trim() == key)
        .map(|(_, v)| v.trim())
}

fn cpu_model(root: &Path, cpuinfo: &str) -> Option<String> {
    if let Some(model) = field(cpuinfo, "model name").filter(|model| !model.is_empty()) {
        return Some(model.to_string());
    }
    // Arm kernels give numbers, and some boards a name in the device tree.
    let board = text(root, "sys/firmware/devicetree/base/model")
        .map(|name| name.trim_end_matches('\0').to_string());
    let arm = field(cpuinfo, "CPU implementer").zip(field(cpuinfo, "CPU part"));
    board.or(arm.map(|(implementer, part)| format!("Arm implementer {implementer} part {part}")))
}

fn features(cpuinfo: &str) -> Vec<&str> {
    field(cpuinfo, "flags")
        .or_else(|| field(cpuinfo, "Features"))
        .map_or(Vec::new(), |f| f.split_whitespace().collect())
}

fn sockets(root: &Path, online: &[u32]) -> Option<u32> {
    let mut packages: Vec<i64> = online
        .iter()
        .filter_map(|cpu| {
            number(root, &format!("sys/devices/system/cpu/cpu{cpu}/topology/physical_package_id"))
        })
        .filter(|&package: &i64| package >= 0)
        .collect();
    packages.sort_unstable();
    packages.dedup();
    Some(packages.len() as u32).filter(|&n| n > 0)
}

fn caches(root: &Path) -> Vec<CacheFacts> {
    let mut caches: Vec<CacheFacts> = (0..16)
        .filter_map(|index| {
            let at = |file: &str| format!("sys/devices/system/cpu/cpu0/cache/index{index}/{file}");
            Some(CacheFacts {
                level: number(root, &at("level"))?,
                kind: text(root, &at("type"))?.to_lowercase(),
                bytes: size(&text(root, &at("size"))?)?,
                line_bytes: number(root, &at("coherency_line_size")),
                ways: number(root, &at("ways_of_associativity")).filter(|&ways| ways > 0),
                shared_by: Some(list(root, &at("shared_cpu_list")).len() as u32).filter(|&n| n > 0),
            })
        })
        .collect();
    caches.sort_by(|a, b| (a.level, &a.kind).cmp(&(b.level, &b.kind)));
    caches
}

/// Bytes of a size such as `48K`.
fn size(text: &str) -> Option<u64> {
    let (digits, factor) = match text.char_indices().last()? {
        (at, 'K') => (&text[..at], 1 << 10),
        (at, 'M') => (&text[..at], 1 << 20),
        (at, 'G') => (&text[..at], 1 << 30),
        _ => (text, 1),
    };
    digits.parse::<u64>().ok()?.checked_mul(factor)
}

/// The chosen one of `always [madvise] never`.
fn bracketed(modes: &str) -> Option<String> {
    let (_, rest) = modes.split_once('[')?;
    Some(rest.split_once(']')?.0.to_string())
}

fn hypervisor(root: &Path, features: &[&str]) -> Option<String> {
    if let Some(kind) = text(root, "sys/hypervisor/type") {
        return Some(kind);
    }
    if !features.contains(&"hypervisor") {
        return None;
    }
    let dmi = |file: &str| text(root, &format!("sys/class/dmi/id/{file}"));
    let names: Vec<String> =
        [dmi("sys_vendor"), dmi("product_name")].into_iter().flatten().collect();
    Some(if names.is_empty() { "unnamed hypervisor".into() } else { names.join(" ") })
}

fn relevant(environment: impl Iterator<Item = (String, String)>) -> Vec<(String, String)> {
    let relevant = |name: &str| {
        RELEVANT.iter().any(|prefix| name.starts_with(prefix)) || launched::is_setting(name)
    };
    let mut kept: Vec<(String, String)> = environment
        .filter(|(name, _)| relevant(name))
        .filter(|(name, _)| !SECRET.iter().any(|word| name.to_uppercase().contains(word)))
        .map(|(name, value)| match value.char_indices().nth(LONGEST_VALUE) {
            Some((at, _)) => (name, format!("{}…", &value[..at])),
            None => (name, value),
        })
        .collect();
    kept.sort();
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A two-socket machine in files.
    fn fixture() -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        let files = [
            (
                "proc/cpuinfo",
                "processor : 0\nmodel name\t: Model X\nflags\t\t: sse2 avx2 fma hypervisor\n",
            ),
            ("proc/meminfo", "MemTotal:       2097152 kB\nMemFree: 1 kB\n"),
            (
                "proc/self/status",
                "Name:\tx\nVmHWM:\t  12 kB\nCpus_allowed:\tf\nCpus_allowed_list:\t1-2,7\n",
            ),
            ("proc/sys/kernel/hostname", "node17\n"),
            ("proc/sys/kernel/osrelease", "6.1.0\n"),
            ("sys/devices/system/cpu/online", "0-3\n"),
            ("sys/devices/system/cpu/cpu0/topology/physical_package_id", "0\n"),
            ("sys/devices/system/cpu/cpu1/topology/physical_package_id", "0\n"),
            ("sys/devices/system/cpu/cpu2/topology/physical_package_id", "1\n"),
            ("sys/devices/system/cpu/cpu3/topology/physical_package_id", "1\n"),
            ("sys/devices/system/cpu/cpu0/topology/core_cpus_list", "0,2\n"),
            ("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave\n"),
            ("sys/devices/system/cpu/cpu0/cache/index0/level", "2\n"),
            ("sys/devices/system/cpu/cpu0/cache/index0/type", "Unified\n"),
            ("sys/devices/system/cpu/cpu0/cache/index0/size", "2M\n"),
            ("sys/devices/system/cpu/cpu0/cache/index1/level", "1\n"),
            ("sys/devices/system/cpu/cpu0/cache/index1/type", "Data\n"),
            ("sys/devices/system/cpu/cpu0/cache/index1/size", "48K\n"),
            ("sys/devices/system/cpu/cpu0/cache/index1/coherency_line_size", "64\n"),
            ("sys/devices/system/cpu/cpu0/cache/index1/ways_of_associativity", "12\n"),
            ("sys/devices/system/cpu/cpu0/cache/index1/shared_cpu_list", "0,2\n"),
            ("sys/devices/system/node/online", "0-1\n"),
            ("sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n"),
            ("sys/class/dmi/id/sys_vendor", "Vendor\n"),
        ];
        for (path, content) in files {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
            std::fs::write(path, content).expect("a file");
        }
        folder
    }

    #[test]
    fn a_machine_is_read_from_its_files() {
        let folder = fixture();
        let host = gather_below(folder.path(), std::iter::empty());
        assert_eq!(host.hostname.as_deref(), Some("node17"));
        assert_eq!(host.cpu.as_deref(), Some("Model X"));
        assert_eq!((host.cpus, host.allowed_cpus.as_slice()), (4, [1, 2, 7].as_slice()));
        assert_eq!(
            (host.sockets, host.threads_per_core, host.numa_nodes),
            (Some(2), Some(2), Some(2))
        );
        assert_eq!(host.memory_bytes, Some(2 << 30));
        assert_eq!(host.governor.as_deref(), Some("powersave"));
        assert_eq!(host.kernel.as_deref(), Some("6.1.0"));
        assert_eq!(host.vector, ["sse2", "fma", "avx2"]);
        assert_eq!(host.hypervisor.as_deref(), Some("Vendor"));
        assert_eq!(host.huge_pages.as_deref(), Some("madvise"));
        let l1 = CacheFacts {
            level: 1,
            kind: "data".into(),
            bytes: 48 << 10,
            line_bytes: Some(64),
            ways: Some(12),
            shared_by: Some(2),
        };
        assert_eq!(host.caches[0], l1, "the smallest level first");
        assert_eq!(
            (host.caches[1].level, host.caches[1].bytes, host.caches[1].ways),
            (2, 2 << 20, None)
        );
    }

    #[test]
    fn the_id_names_the_machine_not_its_mood() {
        let folder = fixture();
        let id = || gather_below(folder.path(), std::iter::empty()).id;
        let before = id();
        let write = |path: &str, content: &str| {
            std::fs::write(folder.path().join(path), content).expect("a file")
        };
        write("proc/self/status", "Cpus_allowed_list:\t0\n");
        write("proc/meminfo", "MemTotal:       2097000 kB\n");
        assert_eq!(id(), before, "neither an affinity nor a few kilobytes make another machine");
        std::fs::create_dir_all(folder.path().join("sys/fs/cgroup")).expect("a folder");
        write("proc/self/cgroup", "0::/\n");
        write("sys/fs/cgroup/cpu.max", "max 100000\n");
        assert_eq!(id(), before, "a group without a quota");
        write("sys/fs/cgroup/cpu.max", "150000 100000\n");
        let limited = gather_below(folder.path(), std::iter::empty());
        assert!(limited.id != before && limited.cpu_quota == Some(1.5));
        write("proc/sys/kernel/hostname", "node18\n");
        assert_ne!(id(), before);
    }

    #[test]
    fn what_is_not_there_is_null() {
        let folder = tempfile::tempdir().expect("a folder");
        let host = gather_below(folder.path(), std::iter::empty());
        assert!(host.cpus >= 1);
        assert_eq!(host.allowed_cpus.len() as u32, host.cpus);
        assert_eq!((host.sockets, host.threads_per_core, host.numa_nodes), (None, None, None));
        assert_eq!(
            (host.memory_bytes, host.governor, host.hypervisor, host.huge_pages),
            (None, None, None, None)
        );
        assert!(host.caches.is_empty() && host.vector.is_empty());
    }

    #[test]
    fn the_environment_is_what_matters_and_never_a_secret() {
        let given = [
            ("OMP_NUM_THREADS", "4"),
            ("AMDAHL_TOKEN", "hush"),
            ("SLURM_JWT", "hush"),
            ("NEURON_API_KEY", "hush"),
            ("OMPI_COMM_WORLD_RANK", "3"),
            ("OMPI_MCA_btl", "self,vader"),
            ("HOME", "/home/someone"),
            ("AMDAHL_PROBES", "clock"),
        ];
        let host = gather_below(
            tempfile::tempdir().expect("a folder").path(),
            given.iter().map(|(n, v)| (n.to_string(), v.to_string())),
        );
        let names: Vec<&str> = host.environment.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["AMDAHL_PROBES", "OMPI_MCA_btl", "OMP_NUM_THREADS"]);
        let long = relevant([("OMP_PLACES".to_string(), "{0},".repeat(200))].into_iter());
        assert_eq!(long[0].1.chars().count(), LONGEST_VALUE + 1);
    }

    #[test]
    fn kernel_lists() {
        assert_eq!(cpu_list("0-3,8\n"), [0, 1, 2, 3, 8]);
        assert_eq!(cpu_list(""), [0u32; 0]);
        assert_eq!(cpu_list("5-3,x"), [0u32; 0]);
    }

    #[test]
    fn this_machine_says_something() {
        let host = gather();
        assert!(host.cpus >= 1 && !host.allowed_cpus.is_empty() && host.id.len() == 16);
        #[cfg(target_os = "linux")]
        assert!(
            host.kernel.is_some()
                && host.memory_bytes.is_some()
                && peak_rss_bytes().is_some_and(|b| b > 1 << 16)
        );
    }
}
