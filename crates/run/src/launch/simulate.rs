//! Simulating a cell: a smaller run like it under callgrind, with the machine's own caches.
//!
//! The program that runs is the same worker, started by the same launcher; only Valgrind stands
//! before it on the command line. It runs with the AVX2 kernel where the machine has one, because
//! Valgrind knows no wider vectors.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use super::attempt::{Attempt, Launching, Under};
use super::classify::Ending;
use amdahl_lanes::probe::callgrind::{OPTIONS, VARIABLE, parts};
use amdahl_record::cell::{Backend, Cell, CommKind, Dataset, DeviceKind, ReductionName, Sample};
use amdahl_record::error::{Error, Result};
use amdahl_record::host;
use amdahl_record::simulation::Caches;
use amdahl_record::{Failure, Measured};

/// The variable that chooses a kernel.
const KERNEL: &str = "AMDAHL_KERNEL";

/// What became of a simulated run.
#[derive(Clone, Debug, PartialEq)]
pub struct Simulated {
    /// Unix time of its start, milliseconds.
    pub started_ms: u64,
    /// How long the simulator ran, seconds; none where it was not started.
    pub process_s: Option<f64>,
    /// The worker's own report, whose times mean nothing, and the counts; or the failure and its
    /// reason.
    pub end: std::result::Result<(Box<Measured>, parts::Simulated), (Failure, String)>,
}

/// The cell that is simulated for `cell`, which has so many rows: at most `points` rows and one
/// thread in each rank, few iterations, after one that fills the caches. The error says why there
/// is none.
///
/// Threads of one rank would share one simulated first level, so a rank is its first thread with
/// that thread's share of the rows.
pub fn smaller(cell: &Cell, rows: u64, points: u64) -> std::result::Result<Cell, String> {
    let backend = match &cell.backend {
        Backend::Native { comm: CommKind::Solo | CommKind::Threads, device: DeviceKind::Cpu } => {
            Some(Backend::SERIAL)
        }
        Backend::Native { comm: CommKind::Mpi | CommKind::Hybrid, device: DeviceKind::Cpu } => {
            Backend::from_name("mpi")
        }
        Backend::Native { device: DeviceKind::Pjrt(_), .. } | Backend::Peer(_) => None,
    };
    let backend = backend.ok_or("only programs of ours on processors are simulated")?;
    let workload = amdahl_workloads::of(&cell.workload);
    let least = workload.least_rows(&cell.workload).map_or(1, |least| least.rows);
    let of_a_lane = rows.div_ceil(u64::from(cell.lanes().max(1))).min(points.max(1));
    let taken = (of_a_lane * u64::from(cell.ranks)).max(least).min(rows);
    let mut dataset = cell.dataset.clone();
    match &mut dataset {
        Dataset::Synthetic { points, .. } => *points = taken,
        Dataset::Catalogue { sample, .. } | Dataset::File { sample, .. } if taken < rows => {
            let seed = sample.map_or(1, |sample| sample.seed);
            *sample = Some(Sample { points: taken, seed });
        }
        Dataset::Catalogue { .. } | Dataset::File { .. } => {}
    }
    let workload = workload.smaller(&cell.workload);
    let alone = Cell {
        workload,
        dataset,
        backend,
        ranks: cell.ranks,
        threads: 1,
        oversubscribe: true,
        reduction: ReductionName::default(),
    };
    Ok(match alone.reduces() {
        true => Cell { reduction: cell.reduction.clone(), ..alone },
        false => alone,
    })
}

/// Is there a simulator? The error says what to do about it.
pub fn valgrind() -> Result<String> {
    let answer = Command::new("valgrind").arg("--version").stdin(Stdio::null()).output();
    match answer {
        Ok(output) if output.status.success() => {
            Ok(String::from_utf8_lossy(&output.stdout).trim().to_string())
        }
        Ok(output) => Err(Error::unavailable(format!("valgrind does not run: {}", output.status))),
        Err(_) => Err(Error::unavailable(
            "there is no valgrind on the search path, so no caches can be simulated",
        )
        .hint("install it (Debian, Ubuntu: apt-get install valgrind)")),
    }
}

impl Launching<'_> {
    /// Runs `cell` under the simulator with these caches.
    pub(super) fn simulate_cell(
        &mut self,
        cell: &Cell,
        caches: &Caches,
        limit_s: f64,
    ) -> Result<Simulated> {
        self.number += 1;
        let folder = self.scratch.join(format!("{}-parts", self.number));
        fs::create_dir(&folder).map_err(|e| Error::lost("create the folder", &folder, e))?;
        let mut env =
            vec![(VARIABLE.to_string(), "1".to_string()), ("AMDAHL_PROBES".into(), "clock".into())];
        if std::env::var_os(KERNEL).is_none()
            && host::gather().vector.iter().any(|name| name == "avx2")
        {
            env.push((KERNEL.into(), "avx2".into()));
        }
        let attempt = match valgrind() {
            Ok(_) => self.attempt_under(
                &cell.id(),
                cell,
                limit_s,
                &Under { argv: argv(caches, &folder), env },
            )?,
            Err(error) => Attempt {
                started_ms: super::attempt::now_ms(),
                process_s: None,
                ending: Ending::failed(Failure::Unavailable, super::attempt::one_line(&error)),
            },
        };
        let end = match attempt.ending {
            Ending::Failed { class, reason } => Err((class, explained(reason))),
            Ending::Answered(_, measured) => {
                let read =
                    read(&folder).and_then(|parts| parts::add_up(&parts, cell.ranks as usize));
                match read {
                    Ok(counts) => Ok((measured, counts)),
                    Err(why) => Err((
                        Failure::NoReport,
                        format!("what callgrind left cannot be read: {why}"),
                    )),
                }
            }
        };
        let _ = fs::remove_dir_all(&folder); // the whole scratch folder goes at the end
        Ok(Simulated { started_ms: attempt.started_ms, process_s: attempt.process_s, end })
    }
}

/// The words before the worker's. `%p` is the process: each rank writes files of its own.
fn argv(caches: &Caches, folder: &Path) -> Vec<String> {
    let mut argv = vec!["valgrind".to_string(), "-q".into()];
    argv.extend(OPTIONS.map(String::from));
    for (name, cache) in [("I1", caches.i1), ("D1", caches.d1), ("LL", caches.ll)] {
        argv.push(format!("--{name}={}", cache.argument()));
    }
    // A '%' in the folder's name would be one of callgrind's own words.
    let folder = folder.to_string_lossy().replace('%', "%%");
    argv.push(format!("--callgrind-out-file={folder}/part.%p"));
    argv
}

/// All parts in a folder.
fn read(folder: &Path) -> std::result::Result<Vec<parts::Part>, String> {
    let mut parts = Vec::new();
    for entry in fs::read_dir(folder).map_err(|e| e.to_string())? {
        let path = entry.map_err(|e| e.to_string())?.path();
        let text = fs::read(&path).map_err(|e| e.to_string())?;
        parts.push(
            parts::part(&String::from_utf8_lossy(&text))
                .map_err(|e| format!("{}: {e}", path.display()))?,
        );
    }
    Ok(parts)
}

/// Adds what is known to a reason.
fn explained(mut reason: String) -> String {
    if reason.contains("SIGILL") || reason.contains("nrecognised instruction") {
        reason.push_str(
            "; the simulator knows no AVX-512: build the worker without '-C target-cpu=native'",
        );
    }
    reason
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::launcher::Site;
    use crate::launcher::tests::job;
    use amdahl_kmeans_description::spec::{KMeans, Stop};
    use amdahl_record::cell::Labels;
    use amdahl_record::simulation::{Cache, LastLevel};

    fn points(cell: &Cell) -> u64 {
        match &cell.dataset {
            Dataset::Synthetic { points, .. } => *points,
            Dataset::File { sample, .. } | Dataset::Catalogue { sample, .. } => {
                sample.map_or(0, |s| s.points)
            }
        }
    }

    #[test]
    fn a_lane_keeps_its_share_of_the_rows_and_ranks_stay() {
        let of = |backend, ranks, threads, limit| {
            let cell = job(backend, ranks, threads, Site::default()).cell;
            smaller(&cell, 1000, limit).expect("one of ours")
        };
        let serial = of("serial", 1, 1, 20_000);
        assert_eq!((serial.backend.name(), points(&serial)), ("serial", 1000));
        let kmeans = KMeans::of(&serial.workload).expect("k-means");
        assert_eq!((kmeans.stop, kmeans.warmup), (Stop::Iterations(3), 1));
        let threads = of("threads", 1, 4, 20_000);
        assert_eq!((threads.backend.name(), threads.threads, points(&threads)), ("serial", 1, 250));
        let hybrid = of("hybrid", 2, 2, 100);
        assert_eq!(
            (hybrid.backend.name(), hybrid.ranks, hybrid.threads, points(&hybrid)),
            ("mpi", 2, 1, 200)
        );
        assert_eq!(points(&of("serial", 1, 1, 3)), 8, "as many rows as clusters at least");
        assert!(serial.validate().is_ok() && hybrid.validate().is_ok());
    }

    #[test]
    fn of_real_rows_a_sample_is_taken() {
        let mut cell = job("serial", 1, 1, Site::default()).cell;
        cell.dataset = Dataset::File {
            path: "/x.csv".into(),
            format: None,
            labels: Labels::None,
            dataset: None,
            sample: None,
        };
        assert_eq!(smaller(&cell, 5000, 6000).expect("ours").dataset, cell.dataset, "all of them");
        assert_eq!(points(&smaller(&cell, 5000, 100).expect("ours")), 100);
    }

    #[test]
    fn an_outside_program_is_not_simulated() {
        let mut cell = job("serial", 1, 1, Site::default()).cell;
        let lanes = amdahl_record::cell::PeerLanes::Serial;
        cell.backend = Backend::Peer(amdahl_record::cell::Peer { name: "other".into(), lanes });
        assert!(smaller(&cell, 10, 10).is_err());
    }

    #[test]
    fn the_command_line_names_every_cache() {
        let cache = |bytes, ways| Cache { bytes, ways, line_bytes: 64 };
        let caches = Caches {
            i1: cache(32768, 8),
            d1: cache(49152, 12),
            ll: cache(1 << 20, 16),
            last: LastLevel::L2,
        };
        let words = argv(&caches, Path::new("/tmp/50%/x")).join(" ");
        assert!(words.starts_with("valgrind -q --tool=callgrind --cache-sim=yes"), "{words}");
        assert!(words.contains("--I1=32768,8,64 --D1=49152,12,64 --LL=1048576,16,64"), "{words}");
        assert!(words.ends_with("--callgrind-out-file=/tmp/50%%/x/part.%p"), "{words}");
    }
}
