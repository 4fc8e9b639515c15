//! Inside a Slurm allocation: every cell is a job step, so that it runs on the allocated nodes
//! wherever `amdahl` itself runs.
//!
//! `-K1` ends the step when one rank ends badly; without it srun waits for the others for ever. The
//! process interface is the one that the worker's MPI library speaks: PMIx for Open MPI, PMI2 for
//! MPICH and Intel MPI.

use super::library::Library;
use super::{Command, Job, Launcher};
use amdahl_record::cell::Cell;
use amdahl_record::error::Result;

/// Starts the ranks with `srun`.
pub struct Slurm;

impl Launcher for Slurm {
    fn name(&self) -> &'static str {
        "slurm"
    }

    fn suits(&self, _cell: &Cell, lookup: &dyn Fn(&str) -> Option<String>) -> bool {
        // A job's id is in the environment of its batch script and of `salloc`'s shell; within a
        // step, mpiexec and srun would both start from its resources, and the worker was started
        // already.
        lookup("SLURM_JOB_ID").is_some_and(|id| !id.is_empty())
    }

    fn command(&self, job: &Job) -> Result<Command> {
        let interface = match (job.cell.backend.uses_mpi(), job.site.worker_mpi) {
            (false, _) => "none",
            (true, Some(Library::Mpich | Library::Intel)) => "pmi2",
            (true, Some(Library::OpenMpi) | None) => "pmix",
        };
        let mut argv: Vec<String> = vec!["srun".into(), "-K1".into(), format!("--mpi={interface}")];
        argv.push(format!("--ntasks={}", job.cell.ranks));
        argv.push(format!("--cpus-per-task={}", job.cell.threads));
        argv.extend(["--cpu-bind=none", "--distribution=block", "--export=ALL"].map(String::from));
        if job.cell.oversubscribe {
            argv.push("--overcommit".into());
        }
        argv.push(format!("--job-name=amdahl-{}", job.cell.id()));
        argv.extend(job.worker_argv());
        // A rank that waits must not keep the CPU that the others need; other libraries than Open
        // MPI pass the variable over.
        let env = job
            .cell
            .oversubscribe
            .then(|| ("OMPI_MCA_mpi_yield_when_idle".to_string(), "1".to_string()));
        Ok(Command { argv, env: env.into_iter().collect(), has_children: true })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::launch::tests::{job, words};
    use crate::launch::{Site, launcher_for};

    #[test]
    fn ranks_are_a_job_step() {
        let site = Site { worker_mpi: Some(Library::OpenMpi), ..Site::default() };
        let job = job("hybrid", 4, 8, site);
        assert_eq!(
            words(&Slurm.command(&job).expect("a command line")),
            format!(
                "srun -K1 --mpi=pmix --ntasks=4 --cpus-per-task=8 --cpu-bind=none --distribution=block --export=ALL \
                 --job-name=amdahl-{} /bin/worker --cell /w/c --record /w/r",
                job.cell.id()
            )
        );
    }

    #[test]
    fn the_interface_is_the_library_s() {
        let interface = |backend, library| {
            let job = job(backend, 1, 1, Site { worker_mpi: library, ..Site::default() });
            Slurm.command(&job).expect("a command line").argv[2].clone()
        };
        assert_eq!(interface("mpi", Some(Library::Mpich)), "--mpi=pmi2");
        assert_eq!(interface("mpi", Some(Library::Intel)), "--mpi=pmi2");
        assert_eq!(interface("mpi", None), "--mpi=pmix");
        assert_eq!(interface("serial", Some(Library::OpenMpi)), "--mpi=none");
    }

    #[test]
    fn more_lanes_than_cpus_only_when_asked_for() {
        let mut job = job("mpi", 8, 1, Site::default());
        assert!(!words(&Slurm.command(&job).expect("a command line")).contains("--overcommit"));
        job.cell.oversubscribe = true;
        assert!(words(&Slurm.command(&job).expect("a command line")).contains("--overcommit"));
    }

    #[test]
    fn an_allocation_is_used_for_every_cell() {
        let inside = |name: &str| (name == "SLURM_JOB_ID").then(|| "12".to_string());
        let outside = |_: &str| None;
        for (backend, ranks, name) in
            [("serial", 1, "local"), ("mpi", 2, "mpiexec"), ("hybrid", 2, "mpiexec")]
        {
            let cell = job(backend, ranks, 1, Site::default()).cell;
            assert_eq!(launcher_for(&cell, &inside).expect("a launcher").name(), "slurm");
            assert_eq!(launcher_for(&cell, &outside).expect("a launcher").name(), name);
        }
    }
}
