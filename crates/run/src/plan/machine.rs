//! Where cells will run: CPUs of a node, and the nodes of a cluster's allocation.

/// CPUs and nodes that a plan may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Machine {
    /// CPUs that may be used on a node; of unequal nodes the fewest.
    pub cpus: u32,
    /// Nodes: 1, or those of the Slurm job that this runs in.
    pub nodes: u32,
}

impl Machine {
    /// One node with so many CPUs.
    pub fn of(cpus: u32) -> Machine {
        Machine { cpus, nodes: 1 }
    }

    /// The allocation of the Slurm job that this process belongs to; else this machine: the CPUs
    /// that this process may use (its mask and its control group's share).
    pub fn here() -> Machine {
        Machine::of_slurm(&|name| std::env::var(name).ok()).unwrap_or_else(|| {
            let cpus = std::thread::available_parallelism().map_or(1, usize::from);
            Machine::of(u32::try_from(cpus).unwrap_or(u32::MAX))
        })
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

    /// From the variables of a job: `SLURM_JOB_CPUS_PER_NODE` is a list such as `32(x2),16`.
    fn of_slurm(lookup: &dyn Fn(&str) -> Option<String>) -> Option<Machine> {
        lookup("SLURM_JOB_ID").filter(|id| !id.is_empty())?;
        let list = lookup("SLURM_JOB_CPUS_PER_NODE")?;
        let mut machine: Option<Machine> = None;
        for part in list.split(',') {
            let (cpus, times) = match part.split_once("(x") {
                Some((cpus, times)) => (cpus, times.strip_suffix(')')?),
                None => (part, "1"),
            };
            let (cpus, times): (u32, u32) = (cpus.trim().parse().ok()?, times.parse().ok()?);
            let (fewest, nodes) = machine.map_or((cpus, 0), |m| (m.cpus, m.nodes));
            machine = Some(Machine { cpus: fewest.min(cpus), nodes: nodes.saturating_add(times) });
        }
        machine.filter(|machine| machine.cpus > 0 && machine.nodes > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_allocation_is_read_from_its_variables() {
        let of = |list: Option<&str>| {
            let list = list.map(String::from);
            Machine::of_slurm(&move |name| match name {
                "SLURM_JOB_ID" => Some("17".into()),
                "SLURM_JOB_CPUS_PER_NODE" => list.clone(),
                _ => None,
            })
        };
        assert_eq!(of(Some("32")), Some(Machine::of(32)));
        assert_eq!(of(Some("32(x2)")), Some(Machine { cpus: 32, nodes: 2 }));
        assert_eq!(
            of(Some("32(x2),16")),
            Some(Machine { cpus: 16, nodes: 3 }),
            "of unequal nodes the fewest"
        );
        for wrong in [Some(""), Some("many"), Some("0"), Some("8(x"), None] {
            assert_eq!(of(wrong), None, "{wrong:?}");
        }
        assert_eq!(Machine::of_slurm(&|_| None), None, "outside of a job");
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
