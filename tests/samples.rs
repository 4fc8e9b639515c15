//! Made-up records for tests: plausible, seeded, and never results.

use std::collections::BTreeMap;
use std::path::Path;

use amdahl_kmeans_description::answer::Clustering;
use amdahl_kmeans_description::spec::{KMeans, Stop};
use amdahl_record::cell::{Backend, Cell, Dataset, ReductionName, Synthetic};
use amdahl_record::host::{CacheFacts, HostFacts};
use amdahl_record::limits::{Bandwidth, Figure, LIMITS, Level, Limits, Peak};
use amdahl_record::read::Results;
use amdahl_record::units::Unit;
use amdahl_record::{
    Answer, BuildFacts, Failure, Key, LaneFacts, Line, LoadFacts, Measured, Outcome, Phase,
    PhaseNames, Provenance, Reading, Record, RunFacts, SCHEMA, Scope,
};

/// Numbers that look random and are the same every time.
pub struct Noise(u64);

impl Noise {
    pub fn new(seed: u64) -> Self {
        Noise(seed)
    }
    /// Over 0, under 1.
    pub fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (((z ^ (z >> 31)) >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }
    /// 1 or a little more with a tail upwards, as times have it; arithmetic alone, so that every
    /// machine makes the same records.
    fn jitter(&mut self, size: f64) -> f64 {
        let unit = self.unit();
        1.0 + size * unit * unit * unit
    }
}

/// What is made up.
pub struct Made {
    pub experiment: String,
    pub points: Vec<u64>,
    pub k: Vec<u32>,
    /// (backend, ranks, threads)
    pub spreads: Vec<(&'static str, u32, u32)>,
    pub repeats: u32,
    /// Spread of times: 0.01 is calm.
    pub noise: f64,
    /// All times but the base's are multiplied by this.
    pub slower: f64,
    pub build: String,
    /// The MPI library of cells under MPI.
    pub mpi: Option<String>,
    pub host: String,
    pub started_ms: u64,
    pub fresh: bool,
    pub seed: u64,
}

impl Default for Made {
    fn default() -> Self {
        let mut spreads = vec![("serial", 1, 1)];
        spreads.extend((1..=4).map(|t| ("threads", 1, t)));
        spreads.extend((1..=4).map(|r| ("mpi", r, 1)));
        Made {
            experiment: "sample".into(),
            points: vec![100_000],
            k: vec![16],
            spreads,
            repeats: 8,
            noise: 0.02,
            slower: 1.0,
            build: "b0".into(),
            mpi: None,
            host: "h0".into(),
            started_ms: 1_700_000_000_000,
            fresh: false,
            seed: 1,
        }
    }
}

pub fn cell(points: u64, k: u32, backend: &str, ranks: u32, threads: u32) -> Cell {
    Cell {
        workload: KMeans::new(k, Stop::Iterations(20), 2).spec(),
        dataset: Dataset::Synthetic {
            shape: Synthetic::Mixture,
            points,
            dims: 16,
            clusters: 16,
            seed: 1,
        },
        backend: Backend::from_name(backend).expect("a known backend"),
        ranks,
        threads,
        oversubscribe: false,
        reduction: ReductionName::default(),
    }
}

pub fn host(id: &str) -> HostFacts {
    HostFacts {
        id: id.into(),
        hostname: Some(format!("node-{id}")),
        cpu: Some("Sample CPU 3000".into()),
        cpus: 4,
        allowed_cpus: vec![0, 1, 2, 3],
        cpu_quota: None,
        sockets: Some(1),
        threads_per_core: Some(1),
        numa_nodes: Some(1),
        caches: vec![CacheFacts {
            level: 1,
            kind: "data".into(),
            bytes: 32 << 10,
            line_bytes: Some(64),
            ways: Some(8),
            shared_by: Some(1),
        }],
        memory_bytes: Some(16 << 30),
        governor: Some("performance".into()),
        kernel: Some("6.1.0".into()),
        vector: vec!["avx2".into()],
        hypervisor: None,
        huge_pages: Some("madvise".into()),
        environment: vec![],
    }
}

pub fn build(id: &str) -> BuildFacts {
    BuildFacts {
        id: id.into(),
        version: "0.1.0".into(),
        revision: Some("0123456789abcdef".into()),
        dirty: Some(false),
        compiler: "rustc 1.95.0".into(),
        flags: String::new(),
        profile: "release".into(),
        mpi: Some("Open MPI 4.1.4".into()),
    }
}

pub fn answer(points: u64) -> Answer {
    Answer::from(Clustering {
        rows: points,
        dims: 16,
        iterations: 20,
        converged: false,
        inertia: 1.5e6,
        sizes: vec![points / 16; 16],
        centroids: "c".into(),
        labels: "l".into(),
        data: "d".into(),
        distances: None,
        init_distances: None,
        quality: BTreeMap::new(),
        warnings: vec![],
    })
}

/// What one repeat of a cell measured: a serial share, a parallel share with uneven lanes, and a
/// cost for talking.
pub fn measured(
    cell: &Cell,
    points: u64,
    k: u32,
    noise: &mut Noise,
    size: f64,
    scale: f64,
) -> Measured {
    let lanes = cell.lanes() as usize;
    let work = points as f64 * f64::from(k) * 16.0 * 20.0 * 1.2e-10;
    let update = 0.002 + f64::from(k) * 2e-5;
    let (slower, hop) = match cell.backend.name() {
        "serial" => (1.0, 0.0),
        "threads" => (1.01 * scale, 0.0004),
        _ => (1.02 * scale, 0.0015),
    };
    let reduce = hop * (lanes as f64 - 1.0) / 1.5;
    let assign: Vec<f64> = (0..lanes)
        .map(|lane| slower * work / lanes as f64 * noise.jitter(size) * (1.0 + 0.01 * lane as f64))
        .collect();
    let slowest = assign.iter().copied().fold(0.0, f64::max);
    let values = (assign.iter())
        .map(|a| {
            let mut phases = vec![0.05, 0.01, *a, reduce, update, slowest - a, 0.02];
            assert_eq!(phases.len(), Phase::COMPILE.index());
            // There is no accelerator.
            phases.resize(Phase::SHARED, 0.0);
            phases
        })
        .collect::<Vec<Vec<f64>>>();
    Measured {
        platform: "cpu".into(),
        kernel: "portable".into(),
        host: "h0".into(),
        seconds: slowest + reduce + update + 1e-4,
        answer: answer(points).into(),
        lanes: (0..lanes)
            .map(|lane| LaneFacts {
                rank: lane as u32 / cell.threads,
                thread: lane as u32 % cell.threads,
                pinned: Some(lane as u32),
                cpu: Some(lane as u32),
                node_index: Some(lane as u32),
                rows: points / lanes as u64,
                device: None,
                numa: None,
            })
            .collect::<Vec<_>>()
            .into(),
        readings: vec![Reading {
            metric: "wall".into(),
            unit: Unit::Seconds,
            from: Some(Provenance::Measured),
            values: Some(values),
            why: None,
            group: None,
            scope: Scope::Lane,
        }],
        peak_rss_bytes: Some(64 << 20),
        load: LoadFacts {
            load1: Some(0.1),
            steal: Some(0.0),
            mhz: Some(3000.0),
            pressure: None,
            throttled: None,
        },
        peer: None,
        device: None,
    }
}

impl Made {
    pub fn lines(&self) -> Vec<Line> {
        let mut noise = Noise::new(self.seed);
        let mut lines = vec![
            Line::Run(RunFacts {
                schema: SCHEMA,
                number: 0,
                run: format!("run-{}", self.seed),
                started_ms: self.started_ms,
                experiment: self.experiment.clone(),
                title: "Made-up strong scaling".into(),
                url: None,
                price: None,
                question: "How much faster do more lanes make it?".into(),
                base: "serial".into(),
                build: build(&self.build),
                command: vec!["amdahl".into(), "run".into(), "sample.toml".into()],
                fresh: self.fresh,
                phases: PhaseNames::shared(),
            }),
            Line::Host(host(&self.host)),
        ];
        let mut at = self.started_ms;
        for &points in &self.points {
            for &k in &self.k {
                for &(backend, ranks, threads) in &self.spreads {
                    let cell = cell(points, k, backend, ranks, threads);
                    lines.push(Line::Cell { id: cell.id(), cell: cell.clone() });
                    for repeat in 0..self.repeats {
                        at += 1000;
                        let mut measured =
                            measured(&cell, points, k, &mut noise, self.noise, self.slower);
                        measured.host = self.host.clone().into();
                        lines.push(Line::Record(Box::new(Record {
                            key: self.key(&cell).into(),
                            run: format!("run-{}", self.seed).into(),
                            repeat,
                            started_ms: at,
                            process_s: Some(measured.seconds + 0.08),
                            outcome: Outcome::Ok,
                            measured: Some(measured.into()),
                        })));
                    }
                }
            }
        }
        lines
    }

    pub fn key(&self, cell: &Cell) -> Key {
        Key {
            cell: cell.id(),
            build: self.build.clone(),
            data: "data".into(),
            host: self.host.clone(),
            mpi: self.mpi.clone().filter(|_| cell.backend.uses_mpi()),
        }
    }

    pub fn results(&self) -> Results {
        collect(&self.lines())
    }
}

/// Limits of the machine `h0` as build `b0` measured them: 40 GFLOP/s a core, memory 10 GB/s, 24 on
/// all four.
pub fn limits() -> Limits {
    let figure = |best: f64| Figure { best: Some(best), spread: Some(0.01), passes: 20, why: None };
    let missing = || Figure::missing("the short version leaves it out");
    let row = |level, lanes, capacity_bytes, read| Bandwidth {
        level,
        lanes,
        huge_pages: true,
        capacity_bytes,
        buffer_bytes: Some(1 << 14),
        read: figure(read),
        triad: missing(),
    };
    Limits {
        version: LIMITS,
        host: "h0".into(),
        build: "b0".into(),
        measured_ms: 1_700_000_000_000,
        quick: true,
        vector: "AVX2 + FMA".into(),
        clock: figure(2.5e9),
        peaks: vec![Peak { lanes: 1, fma: figure(40e9) }, Peak { lanes: 4, fma: figure(160e9) }],
        bandwidths: vec![
            row(Level::L1, 1, Some(32 << 10), 90e9),
            row(Level::Memory, 1, None, 10e9),
            row(Level::L1, 4, Some(32 << 10), 360e9),
            row(Level::Memory, 4, None, 24e9),
        ],
        load: LoadFacts {
            load1: Some(0.1),
            steal: Some(0.0),
            mhz: Some(2500.0),
            pressure: None,
            throttled: None,
        },
    }
}

/// Every good repeat of a cell becomes a bad one.
pub fn fail(lines: &mut [Line], backend: &str, lanes: u32, class: Failure, reason: &str) {
    let ids: Vec<_> = lines
        .iter()
        .filter_map(|line| match line {
            Line::Cell { id, cell } if cell.backend.name() == backend && cell.lanes() == lanes => {
                Some(id.clone())
            }
            _ => None,
        })
        .collect();
    for line in lines {
        if let Line::Record(record) = line
            && ids.contains(&record.key.cell)
        {
            record.outcome = Outcome::Failed { class, reason: reason.into() };
            record.measured = None;
        }
    }
}

/// What reading these lines from a folder would give.
pub fn collect(lines: &[Line]) -> Results {
    let mut results = Results::default();
    for line in lines.iter().cloned() {
        match line {
            Line::Run(run) => results.runs.push(run),
            Line::Host(host) => {
                results.hosts.insert(host.id.clone(), host);
            }
            Line::Cell { id, cell } => {
                results.cells.insert(id, cell);
            }
            Line::Limits(limits) => results.limits.push(*limits),
            Line::Noise(noise) => results.noise.push(*noise),
            Line::Simulation(simulation) => results.simulations.push(*simulation),
            Line::Record(record) => results.records.push(*record),
        }
    }
    results
}

/// A results folder with these lines.
pub fn write(folder: &Path, lines: &[Line]) {
    std::fs::create_dir_all(folder).expect("a folder");
    let mut text = Vec::new();
    lines.iter().for_each(|line| amdahl_record::sum::write(line, &mut text).expect("a line"));
    std::fs::write(folder.join("sample.jsonl"), text).expect("a file");
}
