//! Slurm. Inside an allocation every cell is a job step, so that it runs on the allocated nodes
//! wherever `amdahl` itself runs.
//!
//! A job's id is in the environment of its batch script and of `salloc`'s shell. The CPUs of its
//! nodes are in `SLURM_JOB_CPUS_PER_NODE`, a list such as `32(x2),16`. When it ends,
//! `SLURM_JOB_END_TIME` says where Slurm sets it (22.05 does not), else `squeue`.

use std::time::Duration;

use super::{Allocation, Finding, Nodes, Scheduler};
use crate::launcher::library::Library;
use crate::launcher::{Command, Job, Launcher};
use crate::system::System;
use amdahl_record::cell::Cell;
use amdahl_record::error::Result;
use amdahl_record::units;

/// The scheduler.
pub struct Slurm;

impl Scheduler for Slurm {
    fn name(&self) -> &'static str {
        "Slurm"
    }

    fn job(&self, system: &dyn System) -> Option<String> {
        system.variable("SLURM_JOB_ID")
    }

    fn allocation(&self, system: &dyn System) -> Option<Allocation> {
        Allocation::of(nodes(&system.variable("SLURM_JOB_CPUS_PER_NODE")?)?)
    }

    /// Always a step: within a job, mpiexec and srun would both start from its resources, and one
    /// process without srun would run beside the steps.
    fn launcher(&self, _cell: &Cell) -> &'static dyn Launcher {
        &Srun
    }

    fn time_left(&self, system: &dyn System) -> Option<Duration> {
        let job = self.job(system)?;
        let end = system.variable("SLURM_JOB_END_TIME").and_then(|end| end.trim().parse().ok());
        match end {
            Some(end) => Some(Duration::from_secs(u64::saturating_sub(end, system.now_s()))),
            None => duration(&system.output("squeue", &["-h", "-j", &job, "-o", "%L"])?),
        }
    }

    fn findings(&self, system: &dyn System) -> Vec<Finding> {
        let no = |why: String, help: &str| Finding::No { why, help: help.into() };
        let Some(job) = self.job(system) else {
            return vec![match system.find("sbatch") {
                Some(_) => no(
                    "Slurm is here, but this is no allocation: cells run on this machine".into(),
                    "salloc (or sbatch a script), and run amdahl inside",
                ),
                None => no(
                    "no srun and no sbatch on the search path".into(),
                    "log in to a cluster that has Slurm",
                ),
            }];
        };
        if system.find("srun").is_none() {
            return vec![no(
                format!("inside the allocation {job}, but srun is not on the search path"),
                "load the cluster's Slurm module, or unset SLURM_JOB_ID",
            )];
        }
        let nodes = match system.variable("SLURM_JOB_NUM_NODES").as_deref() {
            None => String::new(),
            Some("1") => ", 1 node".into(),
            Some(number) => format!(", {number} nodes"),
        };
        let left = self
            .time_left(system)
            .map_or(String::new(), |left| format!(", {} left", units::seconds(left.as_secs_f64())));
        vec![Finding::Yes(format!(
            "inside the allocation {job}{nodes}{left}: cells start with srun"
        ))]
    }
}

/// Reads a list of CPUs by node: `32(x2),16`.
fn nodes(list: &str) -> Option<Vec<Nodes>> {
    list.split(',')
        .map(|part| {
            let (cpus, count) = match part.split_once("(x") {
                Some((cpus, count)) => (cpus, count.strip_suffix(')')?),
                None => (part, "1"),
            };
            Some(Nodes { count: count.parse().ok()?, cpus: cpus.trim().parse().ok()? })
        })
        .collect()
}

/// Reads a time as `squeue` writes it: `2-03:04:05`, `3:04:05`, `4:05`; none for words such as
/// `UNLIMITED` and `INVALID`.
fn duration(text: &str) -> Option<Duration> {
    let (days, rest) = match text.trim().split_once('-') {
        Some((days, rest)) => (days.parse::<u64>().ok()?, rest),
        None => (0, text.trim()),
    };
    let mut seconds = 0u64;
    for part in rest.split(':') {
        seconds = seconds.checked_mul(60)?.checked_add(part.parse().ok()?)?;
    }
    let known = (2..=3).contains(&rest.split(':').count());
    let seconds = days.checked_mul(86_400)?.checked_add(seconds)?;
    known.then(|| Duration::from_secs(seconds))
}

/// Starts the ranks with `srun`.
///
/// `-K1` ends the step when one rank ends badly; without it srun waits for the others for ever. The
/// process interface is the one that the worker's MPI library speaks: PMIx for Open MPI, PMI2 for
/// MPICH and Intel MPI.
struct Srun;

impl Launcher for Srun {
    fn name(&self) -> &'static str {
        "slurm"
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
    use crate::launcher::Site;
    use crate::launcher::tests::{job, words};
    use crate::scheduler;
    use crate::system::tests::Made;

    #[test]
    fn ranks_are_a_job_step() {
        let site = Site { worker_mpi: Some(Library::OpenMpi), ..Site::default() };
        let job = job("hybrid", 4, 8, site);
        assert_eq!(
            words(&Srun.command(&job).expect("a command line")),
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
            Srun.command(&job).expect("a command line").argv[2].clone()
        };
        assert_eq!(interface("mpi", Some(Library::Mpich)), "--mpi=pmi2");
        assert_eq!(interface("mpi", Some(Library::Intel)), "--mpi=pmi2");
        assert_eq!(interface("mpi", None), "--mpi=pmix");
        assert_eq!(interface("serial", Some(Library::OpenMpi)), "--mpi=none");
    }

    #[test]
    fn more_lanes_than_cpus_only_when_asked_for() {
        let mut job = job("mpi", 8, 1, Site::default());
        assert!(!words(&Srun.command(&job).expect("a command line")).contains("--overcommit"));
        job.cell.oversubscribe = true;
        assert!(words(&Srun.command(&job).expect("a command line")).contains("--overcommit"));
    }

    #[test]
    fn an_allocation_is_used_for_every_cell() {
        let (inside, outside) = (Made::with(&[("SLURM_JOB_ID", "12")]), Made::default());
        for (backend, ranks, name) in
            [("serial", 1, "local"), ("mpi", 2, "mpiexec"), ("hybrid", 2, "mpiexec")]
        {
            let cell = job(backend, ranks, 1, Site::default()).cell;
            assert_eq!(scheduler::of(&inside).launcher(&cell).name(), "slurm");
            assert_eq!(scheduler::of(&outside).launcher(&cell).name(), name);
        }
    }

    #[test]
    fn an_allocation_is_read_from_its_variables() {
        let of = |list| Slurm.allocation(&Made::with(&[("SLURM_JOB_CPUS_PER_NODE", list)]));
        let nodes = |nodes: &[(u32, u32)]| {
            Allocation::of(nodes.iter().map(|&(count, cpus)| Nodes { count, cpus }).collect())
        };
        assert_eq!(of("32"), nodes(&[(1, 32)]));
        assert_eq!(of("32(x2)"), nodes(&[(2, 32)]));
        assert_eq!(of("32(x2),16"), nodes(&[(2, 32), (1, 16)]));
        for wrong in ["", "many", "0", "8(x", "8,", "8(x0)"] {
            assert_eq!(of(wrong), None, "{wrong:?}");
        }
        assert_eq!(Slurm.allocation(&Made::default()), None);
    }

    #[test]
    fn the_time_left_is_asked_of_the_job_then_of_the_queue() {
        let mut job = Made::with(&[("SLURM_JOB_ID", "12")]);
        assert_eq!(Slurm.time_left(&job), None, "nobody says");
        for (said, seconds) in [
            ("1:05\n", Some(65)),
            ("59:59", Some(3599)),
            ("2:00:01", Some(7201)),
            ("1-00:00:10", Some(86_410)),
            ("0:00", Some(0)),
            ("UNLIMITED", None),
            ("INVALID", None),
            ("NOT_SET", None),
            ("", None),
            ("12", None),
            ("99999999999999999999:00", None),
        ] {
            job.outputs = vec![("squeue -h -j 12 -o %L", said)];
            assert_eq!(Slurm.time_left(&job), seconds.map(Duration::from_secs), "{said:?}");
        }
        job.variables.push(("SLURM_JOB_END_TIME", "1000".into()));
        job.now_s = 940;
        assert_eq!(Slurm.time_left(&job), Some(Duration::from_secs(60)), "without a question");
        job.now_s = 1001;
        assert_eq!(Slurm.time_left(&job), Some(Duration::ZERO));
        assert_eq!(Slurm.time_left(&Made::default()), None, "outside of a job");
    }

    #[test]
    fn the_doctor_says_whether_cells_become_steps() {
        let said = |system: &Made| match Slurm.findings(system).remove(0) {
            Finding::Yes(what) => format!("yes: {what}"),
            Finding::No { why, .. } => format!("no: {why}"),
        };
        let mut system = Made::default();
        assert!(said(&system).starts_with("no: no srun and no sbatch"));
        system.programs = vec!["sbatch", "srun"];
        assert!(said(&system).contains("this is no allocation"));
        system.variables = vec![("SLURM_JOB_ID", "12".into())];
        assert_eq!(said(&system), "yes: inside the allocation 12: cells start with srun");
        system.variables.push(("SLURM_JOB_NUM_NODES", "1".into()));
        system.outputs = vec![("squeue -h -j 12 -o %L", "30")];
        assert_eq!(said(&system), "yes: inside the allocation 12, 1 node: cells start with srun");
        system.variables[1].1 = "2".into();
        system.outputs = vec![("squeue -h -j 12 -o %L", "1:30")];
        assert_eq!(
            said(&system),
            "yes: inside the allocation 12, 2 nodes, 90.0 s left: cells start with srun"
        );
        system.programs = vec!["sbatch"];
        assert!(said(&system).contains("srun is not on the search path"));
    }
}
