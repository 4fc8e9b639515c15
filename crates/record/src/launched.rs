//! Variables of the environment that launchers of ranks set or read.
//!
//! Before MPI is asked (or where there is no MPI at all) the environment alone says which rank a
//! process is. [`FAMILIES`] is the one table of it: a launcher, or a scheduler whose jobs leave
//! variables of their own, is a line there.

use crate::error::{Error, Result};

/// What launchers of one kind leave in the environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Family {
    /// Name for people; of a scheduler, the scheduler's.
    pub name: &'static str,
    /// Holds the number of this process's rank.
    pub rank: Option<&'static str>,
    /// Holds the number of ranks that were started together.
    pub size: Option<&'static str>,
    /// How names of variables begin that may change results: kept with the facts of a host.
    pub settings: &'static [&'static str],
    /// How names begin that are made for one process: they say nothing about the machine, some hold
    /// addresses, and they are not kept.
    pub per_process: &'static [&'static str],
}

/// Every family. Where a process has the variables of several, as under `mpiexec` within a job of
/// Slurm's, the first one counts: the libraries' own go before the schedulers'.
pub const FAMILIES: &[Family] = &[
    Family {
        name: "Open MPI",
        rank: Some("OMPI_COMM_WORLD_RANK"),
        size: Some("OMPI_COMM_WORLD_SIZE"),
        settings: &["OMPI_", "PMIX_MCA_", "PRTE_MCA_"],
        per_process: &[
            "OMPI_COMM_",
            "OMPI_UNIVERSE_",
            "OMPI_APP_",
            "OMPI_ARGV",
            "OMPI_COMMAND",
            "OMPI_FILE_",
            "OMPI_FIRST_",
            "OMPI_NUM_APP_",
            "OMPI_MCA_ess",
            "OMPI_MCA_initial_wdir",
            "OMPI_MCA_orte_",
            "OMPI_MCA_shmem_RUNTIME",
        ],
    },
    Family { name: "PMIx", rank: Some("PMIX_RANK"), ..NOTHING },
    Family {
        name: "MPICH (Hydra), Intel MPI",
        rank: Some("PMI_RANK"),
        size: Some("PMI_SIZE"),
        settings: &["MPICH_", "I_MPI_"],
        ..NOTHING
    },
    Family {
        name: "MVAPICH",
        rank: Some("MV2_COMM_WORLD_RANK"),
        size: Some("MV2_COMM_WORLD_SIZE"),
        ..NOTHING
    },
    // The size is that of a step: a *job* (SLURM_NTASKS) is not a launch, its script runs once.
    Family {
        name: "Slurm",
        rank: Some("SLURM_PROCID"),
        size: Some("SLURM_STEP_NUM_TASKS"),
        settings: &["SLURM_"],
        per_process: &[
            "SLURM_GTIDS",
            "SLURM_LOCALID",
            "SLURM_NODEID",
            "SLURM_PROCID",
            "SLURM_STEP_LAUNCHER",
            "SLURM_SRUN_COMM",
            "SLURM_TASK_PID",
        ],
    },
];

/// A family that leaves nothing.
const NOTHING: Family =
    Family { name: "", rank: None, size: None, settings: &[], per_process: &[] };

/// Number of ranks that a launcher started, as far as its environment says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ranks {
    /// So many.
    Known(u32),
    /// A launcher is there, but does not say.
    Unknown,
}

/// The rank that the launcher gives this process; `None` where there is no launcher. `lookup` reads
/// an environment variable.
pub fn rank(lookup: impl Fn(&str) -> Option<String>) -> Option<u32> {
    FAMILIES.iter().filter_map(|family| family.rank).find_map(|name| number(&lookup, name))
}

/// How many ranks were started together; `None` where there is no launcher.
pub fn ranks(lookup: impl Fn(&str) -> Option<String>) -> Option<Ranks> {
    let known = FAMILIES.iter().filter_map(|family| family.size);
    if let Some(ranks) = known.into_iter().find_map(|name| number(&lookup, name)) {
        return Some(Ranks::Known(ranks));
    }
    let mut sizeless = FAMILIES.iter().filter(|family| family.size.is_none());
    sizeless.find_map(|family| number(&lookup, family.rank?)).map(|_| Ranks::Unknown)
}

/// Refuses ranks that a launcher started and MPI does not join: each would take itself for the only
/// one. `joined`: as many as MPI knows of.
///
/// # Errors
/// Unavailable, where the launcher started another number, as far as its environment says.
pub fn all_joined(joined: usize, lookup: impl Fn(&str) -> Option<String>) -> Result<()> {
    let started = match ranks(&lookup) {
        Some(Ranks::Known(started)) if started as usize != joined => format!("{started} ranks"),
        Some(Ranks::Unknown) if joined == 1 && rank(&lookup).is_some_and(|rank| rank > 0) => {
            "several ranks".into()
        }
        _ => return Ok(()),
    };
    Err(Error::unavailable(format!("the launcher started {started}, MPI joins {joined} of them"))
        .hint(RIGHT_LAUNCHER))
}

/// What to do where a launcher and a worker are of different MPI libraries.
pub const RIGHT_LAUNCHER: &str =
    "use the launcher of the MPI that this worker is linked to: see 'amdahl doctor'";

fn number(lookup: &impl Fn(&str) -> Option<String>, name: &str) -> Option<u32> {
    lookup(name)?.trim().parse().ok()
}

/// Is it a variable of some launcher's that may change results, and not made for one process?
pub fn is_setting(name: &str) -> bool {
    let any = |prefixes: fn(&Family) -> &'static [&'static str]| {
        FAMILIES.iter().flat_map(prefixes).any(|prefix| name.starts_with(prefix))
    };
    any(|family| family.settings) && !any(|family| family.per_process)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_environment<T>(
        environment: &[(&str, &str)],
        asked: impl Fn(&dyn Fn(&str) -> Option<String>) -> T,
    ) -> T {
        asked(&|name| {
            environment.iter().find(|(key, _)| *key == name).map(|(_, value)| value.to_string())
        })
    }

    fn of(environment: &[(&str, &str)]) -> (Option<u32>, Option<Ranks>) {
        in_environment(environment, |lookup| (rank(lookup), ranks(lookup)))
    }

    #[test]
    fn launchers_are_known_by_what_they_set() {
        assert_eq!(of(&[]), (None, None));
        assert_eq!(
            of(&[("OMPI_COMM_WORLD_RANK", "2"), ("OMPI_COMM_WORLD_SIZE", "3"), ("PMIX_RANK", "2")]),
            (Some(2), Some(Ranks::Known(3)))
        );
        assert_eq!(
            of(&[("PMI_SIZE", "2"), ("PMI_RANK", "1")]),
            (Some(1), Some(Ranks::Known(2))),
            "Hydra, Intel MPI"
        );
        assert_eq!(
            of(&[("MV2_COMM_WORLD_SIZE", "4"), ("MV2_COMM_WORLD_RANK", "3")]),
            (Some(3), Some(Ranks::Known(4)))
        );
        assert_eq!(
            of(&[("SLURM_STEP_NUM_TASKS", "8"), ("SLURM_PROCID", "3")]),
            (Some(3), Some(Ranks::Known(8))),
            "srun"
        );
        assert_eq!(
            of(&[("PMIX_RANK", "1")]),
            (Some(1), Some(Ranks::Unknown)),
            "a launcher that only speaks PMIx"
        );
    }

    #[test]
    fn ranks_that_do_not_find_each_other_are_refused() {
        let joined = |environment: &[(&str, &str)], joined| {
            in_environment(environment, |lookup| all_joined(joined, lookup))
        };
        let three = [("PMI_SIZE", "3"), ("PMI_RANK", "1")];
        let error = joined(&three, 1).expect_err("three runs of one rank").to_string();
        assert!(error.contains("started 3 ranks, MPI joins 1"), "{error}");
        assert!(joined(&three, 3).is_ok() && joined(&[], 1).is_ok());
        assert!(joined(&[("PMIX_RANK", "1")], 1).is_err(), "not the first of one");
        assert!(
            joined(&[("PMIX_RANK", "0")], 1).is_ok() && joined(&[("PMIX_RANK", "1")], 2).is_ok()
        );
    }

    #[test]
    fn a_job_is_not_a_launch() {
        let (_, ranks) = of(&[("SLURM_NTASKS", "8"), ("SLURM_PROCID", "0"), ("SLURM_JOB_ID", "5")]);
        assert_eq!(ranks, None);
        assert_eq!(
            of(&[("SLURM_STEP_NUM_TASKS", "1")]).1,
            Some(Ranks::Known(1)),
            "a shell that srun started"
        );
        assert_eq!(of(&[("PMI_SIZE", "many"), ("PMI_RANK", "")]), (None, None), "no numbers");
    }

    #[test]
    fn of_several_launchers_the_library_s_own_counts() {
        let both = [("SLURM_PROCID", "0"), ("SLURM_STEP_NUM_TASKS", "1"), ("PMI_RANK", "1")];
        assert_eq!(in_environment(&both, |lookup| rank(lookup)), Some(1));
        let both = [("SLURM_STEP_NUM_TASKS", "1"), ("OMPI_COMM_WORLD_SIZE", "4")];
        assert_eq!(in_environment(&both, |lookup| ranks(lookup)), Some(Ranks::Known(4)));
    }

    #[test]
    fn numbers_and_addresses_of_a_process_are_no_settings() {
        for name in ["OMPI_MCA_btl", "MPICH_ASYNC_PROGRESS", "I_MPI_PIN", "SLURM_JOB_ID"] {
            assert!(is_setting(name), "{name}");
        }
        for name in ["OMPI_COMM_WORLD_RANK", "SLURM_PROCID", "PMI_RANK", "PMIX_RANK", "HOME"] {
            assert!(!is_setting(name), "{name}");
        }
    }
}
