//! Ranks by `mpiexec`, for every cell of several processes where no scheduler starts them itself.
//!
//! It binds nothing: lanes pin themselves (two ranks bound to core 0 by a launcher were seen). It
//! may put more ranks on a machine than it counts slots: the plan has checked the lanes against the
//! CPUs already, and launchers count cores where we count CPUs.

use super::library::Library;
use super::{Command, Job, Launcher, Site};
use amdahl_record::error::{Error, Result};

/// Starts the ranks with `mpiexec`.
pub struct Mpiexec;

impl Launcher for Mpiexec {
    fn name(&self) -> &'static str {
        "mpiexec"
    }

    fn command(&self, job: &Job) -> Result<Command> {
        let site = &job.site;
        let Some(mpiexec) = &site.mpiexec else {
            return Err(Error::unavailable("there is no mpiexec on the search path")
                .hint("install one (Debian, Ubuntu: apt-get install openmpi-bin) or name one in AMDAHL_MPIEXEC"));
        };
        if let Some(worker) = site.worker_mpi
            && !worker.launched_by(mpiexec.library)
        {
            return Err(Error::unavailable(format!(
                "the worker is linked to {worker}, but {} belongs to {}: each rank would believe that it is alone",
                mpiexec.program, mpiexec.library
            ))
            .hint(format!("name the launcher of {worker} in AMDAHL_MPIEXEC")));
        }
        let mut argv = vec![mpiexec.program.clone(), "-n".into(), job.cell.ranks.to_string()];
        let mut env = Vec::new();
        match mpiexec.library {
            Library::OpenMpi => {
                open_mpi(site, &mut argv, &mut env);
                if job.cell.oversubscribe {
                    // It counts ranks against slots and knows nothing of their threads: without
                    // this a rank that waits keeps the CPU that the one it waits for needs, until
                    // the kernel takes it away.
                    env.push(("OMPI_MCA_mpi_yield_when_idle".into(), "1".into()));
                }
            }
            Library::Mpich => argv.extend(["-bind-to", "none"].map(String::from)),
            Library::Intel => env.push(("I_MPI_PIN".into(), "0".into())),
        }
        argv.extend(job.worker_argv());
        Ok(Command { argv, env, has_children: true })
    }
}

fn open_mpi(site: &Site, argv: &mut Vec<String>, env: &mut Vec<(String, String)>) {
    argv.extend(["--bind-to", "none", "--oversubscribe"].map(String::from));
    // The others pass the whole environment on; Open MPI only to ranks on this machine.
    for name in &site.forward {
        argv.extend(["-x".into(), name.clone()]);
    }
    if site.root {
        env.push(("OMPI_ALLOW_RUN_AS_ROOT".into(), "1".into()));
        env.push(("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM".into(), "1".into()));
    }
    if !site.single_copy {
        // Version 4 and 5 name the shared-memory transport differently; an unknown variable is
        // ignored.
        env.push(("OMPI_MCA_btl_vader_single_copy_mechanism".into(), "none".into()));
        env.push(("OMPI_MCA_smsc".into(), "^cma".into()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::launcher::tests::{job, words};

    fn site(library: Library) -> Site {
        let mpiexec = Some(crate::launcher::Mpiexec { program: "mpiexec".into(), library });
        Site { cpus: 2, single_copy: true, mpiexec, ..Site::default() }
    }

    #[test]
    fn open_mpi_binds_nothing_and_may_share_cpus() {
        let command =
            Mpiexec.command(&job("mpi", 4, 1, site(Library::OpenMpi))).expect("a command line");
        assert_eq!(
            words(&command),
            "mpiexec -n 4 --bind-to none --oversubscribe /bin/worker --cell /w/c --record /w/r"
        );
        assert_eq!(command.env, []);
        assert!(command.has_children);
        let mut job = job("hybrid", 2, 2, site(Library::OpenMpi));
        job.cell.oversubscribe = true;
        let env = Mpiexec.command(&job).expect("a command line").env;
        assert_eq!(
            env,
            [("OMPI_MCA_mpi_yield_when_idle".to_string(), "1".to_string())],
            "lanes that share CPUs"
        );
    }

    #[test]
    fn open_mpi_as_root_in_a_container_with_variables_to_pass_on() {
        let forward = vec!["AMDAHL_DATA".into()];
        let site = Site { root: true, single_copy: false, forward, ..site(Library::OpenMpi) };
        let command = Mpiexec.command(&job("hybrid", 2, 3, site)).expect("a command line");
        assert_eq!(
            words(&command),
            "mpiexec -n 2 --bind-to none --oversubscribe -x AMDAHL_DATA /bin/worker --cell /w/c --record /w/r"
        );
        let env: Vec<_> =
            command.env.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(
            env,
            [
                "OMPI_ALLOW_RUN_AS_ROOT=1",
                "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1",
                "OMPI_MCA_btl_vader_single_copy_mechanism=none",
                "OMPI_MCA_smsc=^cma"
            ]
        );
    }

    #[test]
    fn mpich_and_intel_have_their_own_words() {
        let mpich =
            Mpiexec.command(&job("mpi", 2, 1, site(Library::Mpich))).expect("a command line");
        assert_eq!(
            words(&mpich),
            "mpiexec -n 2 -bind-to none /bin/worker --cell /w/c --record /w/r"
        );
        let intel =
            Mpiexec.command(&job("mpi", 2, 1, site(Library::Intel))).expect("a command line");
        assert_eq!(words(&intel), "mpiexec -n 2 /bin/worker --cell /w/c --record /w/r");
        assert_eq!(intel.env, [("I_MPI_PIN".into(), "0".into())]);
    }

    #[test]
    fn what_is_missing_is_said_with_what_to_do() {
        let none = Mpiexec.command(&job("mpi", 2, 1, Site::default())).expect_err("no mpiexec");
        assert_eq!(none.kind, amdahl_record::error::Kind::Unavailable);
        assert!(none.to_string().contains("openmpi-bin"), "{none}");
        let other = Site { worker_mpi: Some(Library::Mpich), ..site(Library::OpenMpi) };
        let other = Mpiexec.command(&job("mpi", 2, 1, other)).expect_err("another library");
        assert!(
            other.message.contains("linked to MPICH, but mpiexec belongs to Open MPI"),
            "{other}"
        );
        let kin = Site { worker_mpi: Some(Library::Mpich), ..site(Library::Intel) };
        assert!(
            Mpiexec.command(&job("mpi", 2, 1, kin)).is_ok(),
            "Intel's launcher starts MPICH's programs"
        );
    }
}
