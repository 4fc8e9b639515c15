//! The order in which lanes take CPUs.

use std::path::Path;

use super::gather::list;

/// The CPUs in the order in which lanes take them: one of each core first, then their siblings
/// (hardware threads of the same core), so that no core is shared while another one is free. As they
/// are where the system does not tell cores.
pub fn placement(cpus: &[u32]) -> Vec<u32> {
    placement_below(Path::new("/"), cpus)
}

/// The same by the files below `root`.
fn placement_below(root: &Path, cpus: &[u32]) -> Vec<u32> {
    let siblings = |cpu: u32| {
        let file = |name: &str| format!("sys/devices/system/cpu/cpu{cpu}/topology/{name}");
        let named = ["core_cpus_list", "thread_siblings_list"];
        named.iter().map(|name| list(root, &file(name))).find(|list| !list.is_empty())
    };
    // How many siblings that may be used come before it.
    let before = |cpu: u32| {
        let siblings = siblings(cpu).unwrap_or_default();
        siblings.into_iter().filter(|other| *other < cpu && cpus.contains(other)).count()
    };
    let mut order: Vec<(usize, u32)> = cpus.iter().map(|&cpu| (before(cpu), cpu)).collect();
    order.sort_by_key(|(before, _)| *before);
    order.into_iter().map(|(_, cpu)| cpu).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine whose CPUs have these siblings.
    fn machine(siblings: &[&str]) -> tempfile::TempDir {
        let root = tempfile::tempdir().expect("a folder");
        for (cpu, siblings) in siblings.iter().enumerate() {
            let folder = root.path().join(format!("sys/devices/system/cpu/cpu{cpu}/topology"));
            std::fs::create_dir_all(&folder).expect("a folder");
            std::fs::write(folder.join("core_cpus_list"), siblings).expect("written");
        }
        root
    }

    #[test]
    fn cores_are_filled_first() {
        let side_by_side = machine(&["0-1", "0-1", "2-3", "2-3"]);
        let order = |cpus: &[u32]| placement_below(side_by_side.path(), cpus);
        assert_eq!(order(&[0, 1, 2, 3]), [0, 2, 1, 3]);
        assert_eq!(order(&[1, 2, 3]), [1, 2, 3], "0 is not ours");
        let apart = machine(&["0,2", "1,3", "0,2", "1,3"]);
        assert_eq!(placement_below(apart.path(), &[0, 1, 2, 3]), [0, 1, 2, 3]);
        assert_eq!(placement_below(machine(&[]).path(), &[3, 5]), [3, 5], "cores are not told");
    }
}
