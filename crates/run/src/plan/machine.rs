//! Where cells will run: CPUs of a node, and the nodes of a cluster's allocation.

use crate::scheduler::{self, Allocation};
use crate::system::Here;

/// CPUs and nodes that a plan may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Machine {
    /// CPUs that may be used on a node; of unequal nodes the fewest.
    pub cpus: u32,
    /// Nodes: 1, or those of the job that this runs in.
    pub nodes: u32,
}

impl Machine {
    /// One node with so many CPUs.
    pub fn of(cpus: u32) -> Machine {
        Machine { cpus, nodes: 1 }
    }

    /// The allocation of the job that this process belongs to; else this machine: the CPUs that
    /// this process may use (its mask and its control group's share).
    pub fn here() -> Machine {
        Machine::of_allocation(&scheduler::allocation(&Here))
    }

    /// Of unequal nodes, each counts as much as the smallest.
    pub fn of_allocation(allocation: &Allocation) -> Machine {
        let nodes = allocation.nodes();
        Machine {
            cpus: nodes.iter().map(|nodes| nodes.cpus).min().unwrap_or(1),
            nodes: nodes.iter().fold(0, |sum, nodes| nodes.count.saturating_add(sum)),
        }
    }

    /// The CPUs of all nodes.
    pub fn all(self) -> u32 {
        self.cpus.saturating_mul(self.nodes)
    }

    /// Is there a CPU for each lane of so many ranks, whose threads share a node?
    pub fn has_room(self, ranks: u64, threads: u64) -> bool {
        let of_a_node = u64::from(self.cpus).checked_div(threads).unwrap_or(0);
        ranks <= of_a_node.saturating_mul(self.nodes.into())
    }

    /// What may be used, beside a number of CPUs: `2`, `4 nodes of 32`.
    pub fn room(self) -> String {
        if self.nodes == 1 {
            self.cpus.to_string()
        } else {
            format!("{} nodes of {}", self.nodes, self.cpus)
        }
    }

    /// In words: `2 CPUs`, `4 nodes of 32 CPUs`.
    pub fn words(self) -> String {
        let cpus = if self.cpus == 1 { "1 CPU".to_string() } else { format!("{} CPUs", self.cpus) };
        if self.nodes == 1 { cpus } else { format!("{} nodes of {cpus}", self.nodes) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scheduler::Nodes;

    #[test]
    fn of_unequal_nodes_the_fewest_cpus_count() {
        let of = |nodes: &[(u32, u32)]| {
            let nodes = nodes.iter().map(|&(count, cpus)| Nodes { count, cpus });
            Machine::of_allocation(&Allocation::of(nodes.collect()).expect("some nodes"))
        };
        assert_eq!(of(&[(1, 32)]), Machine::of(32));
        assert_eq!(of(&[(2, 32)]), Machine { cpus: 32, nodes: 2 });
        assert_eq!(of(&[(2, 32), (1, 16)]), Machine { cpus: 16, nodes: 3 });
    }

    #[test]
    fn threads_share_a_node() {
        let two = Machine { cpus: 32, nodes: 2 };
        assert!(two.has_room(64, 1) && two.has_room(2, 32) && two.has_room(2, 24));
        assert!(!two.has_room(65, 1) && !two.has_room(1, 33) && !two.has_room(3, 24));
        assert!(Machine::of(4).has_room(2, 2) && !Machine::of(4).has_room(2, 3));
        assert_eq!((two.all(), two.words().as_str()), (64, "2 nodes of 32 CPUs"));
    }
}
