//! Limits of control groups on CPU time: what a container may use, however many CPUs it sees.

use std::path::Path;

use super::gather::{number, text};

/// Seconds for which a control group with a quota kept this process's lanes from running so far, of
/// all its CPUs together; `None` where no quota is set or the kernel does not say.
pub fn throttled_s() -> Option<f64> {
    throttled_below(Path::new("/"))
}

/// The CPU time per time that control groups grant this process, such as 1.5; `None` where nothing
/// limits it.
pub fn cpu_quota() -> Option<f64> {
    quota_below(Path::new("/"))
}

/// The smallest `cpu.max` (version 2) or `cpu.cfs_quota_us` (version 1) of the process's group and
/// the groups above it.
pub(super) fn quota_below(root: &Path) -> Option<f64> {
    limited(root).into_iter().map(|group| group.quota).reduce(f64::min)
}

/// `throttled_usec` (version 2) or `throttled_time` (version 1) of the group that waited longest.
fn throttled_below(root: &Path) -> Option<f64> {
    let of = |group: Limited| {
        let stat = text(root, &group.stat)?;
        let of = |name: &str| -> Option<f64> {
            let mut lines = stat.lines().filter_map(|line| line.split_once(' '));
            lines.find(|(key, _)| *key == name)?.1.trim().parse().ok()
        };
        let version_2 = of("throttled_usec").map(|us| us * 1e-6);
        version_2.or_else(|| of("throttled_time").map(|ns| ns * 1e-9))
    };
    limited(root).into_iter().filter_map(of).reduce(f64::max)
}

/// A control group with a quota.
struct Limited {
    /// CPU time per time.
    quota: f64,
    /// Its `cpu.stat`, below the root.
    stat: String,
}

/// The process's group and those above it, as far as they have a quota.
fn limited(root: &Path) -> Vec<Limited> {
    let groups = text(root, "proc/self/cgroup").unwrap_or_default();
    let mut limited = Vec::new();
    for line in groups.lines() {
        let mut fields = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else { continue };
        let version_2 = controllers.is_empty();
        if !version_2 && !controllers.split(',').any(|controller| controller == "cpu") {
            continue;
        }
        let mount = if version_2 { "sys/fs/cgroup" } else { "sys/fs/cgroup/cpu" };
        for group in Path::new(path.trim_start_matches('/')).ancestors() {
            let at = |file: &str| format!("{mount}/{}", group.join(file).display());
            let quota = if version_2 {
                text(root, &at("cpu.max")).and_then(|limit| {
                    let (quota, period) = limit.split_once(' ')?;
                    Some((quota.parse::<f64>().ok()?, period.parse::<f64>().ok()?))
                })
            } else {
                number(root, &at("cpu.cfs_quota_us")).zip(number(root, &at("cpu.cfs_period_us")))
            };
            if let Some((quota, period)) =
                quota.filter(|&(quota, period)| quota > 0.0 && period > 0.0)
            {
                limited.push(Limited { quota: quota / period, stat: at("cpu.stat") });
            }
        }
    }
    limited
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tightest_quota_of_all_groups_counts() {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |path: &str, content: &str| {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
            std::fs::write(path, content).expect("a file");
        };
        assert_eq!(quota_below(folder.path()), None);
        write("proc/self/cgroup", "0::/jobs/17\n");
        write("sys/fs/cgroup/jobs/17/cpu.max", "max 100000\n");
        assert_eq!(quota_below(folder.path()), None);
        write("sys/fs/cgroup/jobs/cpu.max", "150000 100000\n");
        assert_eq!(quota_below(folder.path()), Some(1.5));
        assert_eq!(throttled_below(folder.path()), None, "the kernel does not say");
        write("sys/fs/cgroup/jobs/17/cpu.stat", "throttled_usec 9000000\n");
        write(
            "sys/fs/cgroup/jobs/cpu.stat",
            "usage_usec 5\nnr_throttled 3\nthrottled_usec 250000\n",
        );
        assert_eq!(throttled_below(folder.path()), Some(0.25), "of the group that has the quota");
        write("sys/fs/cgroup/cpu/x/cpu.stat", "nr_periods 9\nthrottled_time 500000000\n");
        write("proc/self/cgroup", "4:memory:/x\n3:cpu,cpuacct:/x\n");
        write("sys/fs/cgroup/cpu/x/cpu.cfs_quota_us", "50000\n");
        write("sys/fs/cgroup/cpu/x/cpu.cfs_period_us", "100000\n");
        write("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
        write("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
        assert_eq!(quota_below(folder.path()), Some(0.5));
        assert_eq!(throttled_below(folder.path()), Some(0.5));
    }
}
