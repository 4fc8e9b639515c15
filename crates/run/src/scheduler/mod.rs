//! Schedulers: who gives nodes to a job, and how its processes are started there.
//!
//! A [`Scheduler`] is one file: how a process knows that it is in a job, what was allocated, how
//! cells are launched, how much time is left, what `amdahl doctor` says. A new one is a file, a
//! line in [`SCHEDULERS`], and a line in the table of variables in
//! [`amdahl_record::launched::FAMILIES`], from which every program of ours reads who it is. Nothing
//! here starts a process but through [`System`]: answers of a cluster are tested without one.

use std::time::Duration;

use crate::launcher::{self, Launcher};
use crate::system::System;
use amdahl_record::cell::Cell;

mod none;
mod slurm;

/// Nodes of an allocation that have the same number of CPUs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nodes {
    /// How many nodes.
    pub count: u32,
    /// CPUs of each that the job may use.
    pub cpus: u32,
}

/// What a job was given: at least one node, with at least one CPU each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allocation(Vec<Nodes>);

impl Allocation {
    /// An allocation of these nodes; none where there is no node, or one without a CPU.
    pub fn of(nodes: Vec<Nodes>) -> Option<Allocation> {
        let some = !nodes.is_empty() && nodes.iter().all(|nodes| nodes.count > 0 && nodes.cpus > 0);
        some.then_some(Allocation(nodes))
    }

    /// The CPUs of this machine that this process may use.
    fn this_machine(system: &dyn System) -> Allocation {
        Allocation(vec![Nodes { count: 1, cpus: system.cpus().max(1) }])
    }

    /// Nodes by their number of CPUs, in the scheduler's order.
    pub fn nodes(&self) -> &[Nodes] {
        &self.0
    }
}

/// Who gives nodes to jobs.
pub trait Scheduler: Sync {
    /// Its name; in the table of variables too.
    fn name(&self) -> &'static str;

    /// The id of the job that this process belongs to.
    fn job(&self, system: &dyn System) -> Option<String>;

    /// What the job was given; none where nothing says so.
    fn allocation(&self, system: &dyn System) -> Option<Allocation>;

    /// What starts this cell's processes within a job.
    fn launcher(&self, cell: &Cell) -> &'static dyn Launcher {
        launcher::on_this_machine(cell)
    }

    /// Time until the job ends; none where it has no end, or nothing says when.
    fn time_left(&self, system: &dyn System) -> Option<Duration>;

    /// What a person should know of it.
    fn findings(&self, system: &dyn System) -> Vec<Finding>;
}

/// What `amdahl doctor` says of a scheduler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// It can be used.
    Yes(String),
    /// It cannot.
    No {
        /// Why not.
        why: String,
        /// What to do about it.
        help: String,
    },
}

/// Every scheduler; the first one that knows a job is taken. A new one is a file and a line here.
pub const SCHEDULERS: &[&dyn Scheduler] = &[&slurm::Slurm];

/// The scheduler whose job this process belongs to; where it belongs to none, the machine itself.
pub fn of(system: &dyn System) -> &'static dyn Scheduler {
    let known = SCHEDULERS.iter().copied().find(|scheduler| scheduler.job(system).is_some());
    known.unwrap_or(&none::NoScheduler)
}

/// Nodes and CPUs that may be used: the job's, or where its scheduler does not say, the machine's.
pub fn allocation(system: &dyn System) -> Allocation {
    of(system).allocation(system).unwrap_or_else(|| Allocation::this_machine(system))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::tests::Made;
    use amdahl_record::launched::FAMILIES;

    #[test]
    fn without_a_job_it_is_this_machine() {
        let machine = Made::default();
        assert_eq!(of(&machine).name(), "none");
        assert_eq!(allocation(&machine).nodes(), [Nodes { count: 1, cpus: 6 }]);
        assert_eq!(of(&machine).time_left(&machine), None);
    }

    #[test]
    fn a_job_that_does_not_say_what_it_was_given_has_this_machine() {
        let job = Made::with(&[("SLURM_JOB_ID", "12")]);
        assert_eq!(of(&job).name(), "Slurm");
        assert_eq!(allocation(&job).nodes(), [Nodes { count: 1, cpus: 6 }]);
    }

    #[test]
    fn every_scheduler_has_a_line_in_the_table_of_variables() {
        for scheduler in SCHEDULERS {
            let name = scheduler.name();
            assert!(FAMILIES.iter().any(|family| family.name == name), "{name}");
        }
    }

    #[test]
    fn an_allocation_is_not_empty() {
        assert_eq!(Allocation::of(vec![]), None);
        assert_eq!(Allocation::of(vec![Nodes { count: 1, cpus: 0 }]), None);
        assert_eq!(Allocation::of(vec![Nodes { count: 0, cpus: 1 }]), None);
    }
}
