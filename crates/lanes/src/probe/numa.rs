//! Where a lane and its memory are, on machines of several NUMA nodes: memory of another node is
//! farther away.

use std::path::Path;

use amdahl_record::NumaFacts;
use amdahl_record::host;

/// Where this CPU and the memory of this process are; `None` on a machine of one node, where there
/// is nothing to say.
///
/// The kernel counts pages when it is asked, which takes milliseconds for gigabytes: ask after the
/// timed part.
pub fn facts(cpu: Option<u32>) -> Option<NumaFacts> {
    below(Path::new("/"), cpu)
}

fn below(root: &Path, cpu: Option<u32>) -> Option<NumaFacts> {
    let text = |path: &str| std::fs::read_to_string(root.join(path)).ok();
    let nodes = host::cpu_list(&text("sys/devices/system/node/online")?);
    if nodes.len() < 2 {
        return None;
    }
    let has = |node: &u32| {
        let cpus = text(&format!("sys/devices/system/node/node{node}/cpulist")).unwrap_or_default();
        cpu.is_some_and(|cpu| host::cpu_list(&cpus).contains(&cpu))
    };
    let node = nodes.iter().copied().find(has);
    let memory_bytes = text("proc/self/numa_maps").map(|maps| bytes_by_node(&maps, &nodes));
    Some(NumaFacts { node, memory_bytes: memory_bytes.unwrap_or_default() })
}

/// Bytes on each node, by the words `N0=12` (pages) and `kernelpagesize_kB=4` of each line of
/// numa_maps (numa(7)).
fn bytes_by_node(maps: &str, nodes: &[u32]) -> Vec<(u32, u64)> {
    let mut bytes: Vec<(u32, u64)> = nodes.iter().map(|&node| (node, 0)).collect();
    for line in maps.lines() {
        let words = || line.split_whitespace().filter_map(|word| word.split_once('='));
        let kib: u64 = words()
            .find(|(key, _)| *key == "kernelpagesize_kB")
            .and_then(|(_, n)| n.parse().ok())
            .unwrap_or(4);
        for (key, pages) in words() {
            let node = key.strip_prefix('N').and_then(|digits| digits.parse::<u32>().ok());
            let sum = bytes.iter_mut().find(|(known, _)| Some(*known) == node);
            if let (Some((_, sum)), Ok(pages)) = (sum, pages.parse::<u64>()) {
                *sum += pages * (kib << 10);
            }
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::uncore::tests::write;

    #[test]
    fn two_nodes() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path();
        write(root, "sys/devices/system/node/online", "0-1\n");
        write(root, "sys/devices/system/node/node0/cpulist", "0-3\n");
        write(root, "sys/devices/system/node/node1/cpulist", "4-7\n");
        let maps = "7f00 default anon=3 dirty=3 N0=1 N1=2 kernelpagesize_kB=4\n\
                    7f10 default anon=1 N1=1 kernelpagesize_kB=2048\n7f20 default file=/lib/x mapped=2 N0=2 kernelpagesize_kB=4\n";
        write(root, "proc/self/numa_maps", maps);
        let facts = below(root, Some(5)).expect("two nodes");
        assert_eq!(facts.node, Some(1));
        assert_eq!(facts.memory_bytes, [(0, 3 << 12), (1, (2 << 12) + (2 << 20))]);
        assert_eq!(below(root, None).expect("two nodes").node, None);
    }

    #[test]
    fn one_node_has_nothing_to_say() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(below(folder.path(), Some(0)), None);
        write(folder.path(), "sys/devices/system/node/online", "0\n");
        assert_eq!(below(folder.path(), Some(0)), None);
    }
}
