//! Limits of control groups on CPU time: what a container may use, however many CPUs it sees.

use std::path::Path;

use super::gather::{number, text};

/// The CPU time per time that control groups grant this process, such as 1.5; `None` where nothing
/// limits it.
pub fn cpu_quota() -> Option<f64> {
    quota_below(Path::new("/"))
}

/// The smallest `cpu.max` (version 2) or `cpu.cfs_quota_us` (version 1) of the process's group and
/// the groups above it.
fn quota_below(root: &Path) -> Option<f64> {
    let groups = text(root, "proc/self/cgroup").unwrap_or_default();
    let mut smallest: Option<f64> = None;
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
                smallest = Some(smallest.map_or(quota / period, |other| other.min(quota / period)));
            }
        }
    }
    smallest
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
        write("proc/self/cgroup", "4:memory:/x\n3:cpu,cpuacct:/x\n");
        write("sys/fs/cgroup/cpu/x/cpu.cfs_quota_us", "50000\n");
        write("sys/fs/cgroup/cpu/x/cpu.cfs_period_us", "100000\n");
        write("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
        write("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
        assert_eq!(quota_below(folder.path()), Some(0.5));
    }
}
