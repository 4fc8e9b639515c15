//! Made-up results of every kind that a figure has to cope with.

use crate::support::{change_kmeans, clustering, kmeans};
use std::collections::BTreeMap;

use amdahl_kmeans_description::peer::{Judged, Rule};
use amdahl_kmeans_description::spec::{Algorithm, Precision, Update};
use amdahl_record::accelerators::Price;
use amdahl_record::cell::{Backend, Cell, Dataset, Peer, PeerLanes};
use amdahl_record::device::DeviceFacts;
use amdahl_record::peer::PeerFacts;
use amdahl_record::simulation::SimulationEnd;
use amdahl_record::{Answer, Failure, Line, Outcome, Phase, Record};

use crate::explain::mixed;
use crate::metrics::{with_made_up_pmu, with_made_up_simulations};
use crate::samples::{self, Made, Noise};

/// Made-up results of every kind that a figure has to cope with.
pub fn situations() -> Vec<(&'static str, Vec<Line>)> {
    let wide = |lanes: &[u32]| {
        let mut spreads = vec![("serial", 1, 1)];
        spreads.extend(lanes.iter().map(|&n| ("threads", 1, n)));
        spreads.extend(lanes.iter().map(|&n| ("mpi", n, 1)));
        spreads.extend([("hybrid", 2, 2), ("hybrid", 2, 4), ("hybrid", 4, 2), ("hybrid", 4, 4)]);
        spreads
    };
    let mut failed = mixed();
    samples::fail(
        &mut failed,
        "serial",
        1,
        Failure::Timeout,
        "<script>alert(1)</script> took more than 60 s",
    );
    let mut hostile = Made { experiment: "../<b>&\"x".into(), ..Made::default() }.lines();
    for line in &mut hostile {
        match line {
            Line::Host(host) => {
                host.hostname = Some("<img src=x onerror=alert(1)>\u{1b}[31m".into())
            }
            Line::Run(run) => run.title = "</title><script>alert('title')</script>".into(),
            _ => {}
        }
    }
    samples::fail(
        &mut hostile,
        "mpi",
        2,
        Failure::Error,
        "</td><script>alert(\"reason\")</script> ü 漢字",
    );
    let mut crowded = Made {
        spreads: vec![("serial", 1, 1), ("threads", 1, 2), ("mpi", 2, 1), ("hybrid", 2, 4)],
        ..Made::default()
    }
    .lines();
    for line in &mut crowded {
        if let Line::Record(record) = line
            && let Some(measured) = record.measured.as_mut().filter(|m| m.lane_count() == 8)
        {
            measured.seconds *= 40.0;
            let seconds = measured.seconds;
            for lane in measured.readings[0].values.iter_mut().flatten() {
                lane[Phase::REDUCE.index()] = seconds * 0.9;
            }
        }
    }
    vec![
        ("crowded", crowded),
        ("usual", Made::default().lines()),
        ("one-cell", Made { spreads: vec![("serial", 1, 1)], ..Made::default() }.lines()),
        (
            "three-cells",
            Made {
                spreads: vec![("serial", 1, 1), ("threads", 1, 1), ("threads", 1, 2)],
                ..Made::default()
            }
            .lines(),
        ),
        ("one-repeat", Made { repeats: 1, ..Made::default() }.lines()),
        ("mixed", mixed()),
        (
            "many-lanes",
            Made { spreads: wide(&[1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64]), ..Made::default() }
                .lines(),
        ),
        (
            "many-problems",
            Made { points: vec![1_000, 10_000, 100_000], k: vec![4, 16, 64], ..Made::default() }
                .lines(),
        ),
        ("noisy", Made { noise: 0.6, ..Made::default() }.lines()),
        ("slower", Made { points: vec![300], ..Made::default() }.lines()),
        ("no-base", failed),
        ("counted", counted()),
        ("simulated", simulated()),
        ("peers", peers()),
        ("sizes", sizes()),
        ("weak", weak()),
        ("long-names", long_names()),
        ("variants", variants()),
        ("hardware-threads", hardware_threads()),
        ("devices", devices()),
        ("streams", crate::bandwidth::streams()),
        ("hostile", hostile),
    ]
}

/// A machine of two cores with two hardware threads each.
pub fn hardware_threads() -> Vec<Line> {
    let mut lines = Made::default().lines();
    for line in &mut lines {
        if let Line::Host(host) = line {
            host.threads_per_core = Some(2);
        }
    }
    lines
}

/// Made-up hardware counters in a sweep over k, with limits.
pub fn counted() -> Vec<Line> {
    let mut lines = Made { k: vec![4, 16, 64], ..Made::default() }.lines();
    lines.push(Line::Limits(Box::new(samples::limits())));
    let events = [
        ("instructions", 8e7),
        ("cycles", 4e7),
        ("L1D-load-misses", 6e5),
        ("LLC-load-misses", 5e4),
    ];
    with_made_up_pmu(&mut lines, &events.map(|(event, value)| (event, value, "perf-1")));
    lines
}

/// Made-up simulations of a sweep over k and over rows.
pub fn simulated() -> Vec<Line> {
    let spreads = vec![("serial", 1, 1), ("mpi", 2, 1)];
    let mut lines =
        Made { points: vec![1_000, 10_000], k: vec![4, 16, 64], spreads, ..Made::default() }
            .lines();
    with_made_up_simulations(&mut lines);
    // More clusters, more misses; and more rows.
    let mut k = BTreeMap::new();
    for line in &lines {
        if let Line::Cell { id, cell } = line {
            let kmeans = kmeans(cell);
            k.insert(id.clone(), f64::from(kmeans.k));
        }
    }
    for line in &mut lines {
        let Line::Simulation(simulation) = line else { continue };
        let factor = k[&simulation.key.cell] / 4.0;
        let SimulationEnd::Done(counts) = &mut simulation.end else { continue };
        if let Dataset::Synthetic { points, .. } = simulation.cell.dataset {
            counts.rows = points;
        }
        for reading in counts.readings.iter_mut().filter(|r| r.metric.ends_with("misses")) {
            reading.values.iter_mut().flatten().flatten().for_each(|value| *value *= factor);
        }
    }
    lines
}

/// The rest, too large or too bare for all that uses [`situations`].
pub fn extremes() -> Vec<(&'static str, Vec<Line>)> {
    vec![("all-failed", all_failed()), ("many-cells", many_cells())]
}

/// A made-up cell: how many times the usual time it takes, and its inertia over the usual one.
struct Trial {
    cell: Cell,
    slower: f64,
    inertia: f64,
}

fn trial(points: u64, k: u32, dims: u32, backend: &str, (ranks, threads): (u32, u32)) -> Trial {
    let mut cell = samples::cell(points, k, backend, ranks, threads);
    if let Dataset::Synthetic { dims: of_cell, .. } = &mut cell.dataset {
        *of_cell = dims;
    }
    Trial { cell, slower: f64::from(dims) / 16.0, inertia: 1.0 }
}

/// The cell of an outside program with so many lanes.
fn peer(name: &str, lanes: u32, slower: f64, inertia: f64) -> Trial {
    let mut trial = trial(100_000, 16, 16, "threads", (1, lanes));
    trial.cell.backend = Backend::Peer(Peer { name: name.into(), lanes: PeerLanes::Threads });
    Trial { slower, inertia, ..trial }
}

/// Records of these cells, each with so many repeats.
fn records(trials: Vec<Trial>, repeats: u32) -> Vec<Line> {
    let made = Made { points: vec![], ..Made::default() };
    let (mut lines, mut noise) = (made.lines(), Noise::new(7));
    for Trial { cell, slower, inertia } in trials {
        let kmeans = kmeans(&cell);
        let Dataset::Synthetic { points, dims, .. } = cell.dataset else {
            panic!("synthetic rows")
        };
        lines.push(Line::Cell { id: cell.id(), cell: cell.clone() });
        for repeat in 0..repeats {
            let mut measured = samples::measured(&cell, points, kmeans.k, &mut noise, 0.05, 1.0);
            measured.seconds *= slower;
            measured.readings[0]
                .values
                .iter_mut()
                .flatten()
                .flatten()
                .for_each(|value| *value *= slower);
            let mut clustering = clustering(&samples::answer(points));
            clustering.dims = dims;
            clustering.inertia *= inertia;
            measured.answer = Answer::from(clustering).into();
            if let Some(peer) = cell.backend.peer() {
                measured.readings.clear();
                measured.peer = Some(
                    (PeerFacts {
                        name: peer.name.clone(),
                        version: format!("{} 1", peer.name),
                        timed: "by its own clock".into(),
                        cpu_seconds: None,
                        load_seconds: None,
                        own: Judged {
                            inertia: None,
                            rule: Rule::Lloyd,
                            one_step: None,
                            empty: None,
                        }
                        .fields(),
                    })
                    .into(),
                );
            }
            lines.push(Line::Record(Box::new(Record {
                key: made.key(&cell).into(),
                run: "run-1".into(),
                repeat,
                started_ms: made.started_ms + u64::from(repeat),
                process_s: Some(measured.seconds + 0.1),
                outcome: Outcome::Ok,
                measured: Some(measured.into()),
            })));
        }
    }
    lines
}

/// Every outside program, some of them far slower, some with another answer, one without a result.
pub fn peers() -> Vec<Line> {
    let ours = [("serial", (1, 1)), ("threads", (1, 1)), ("threads", (1, 2)), ("mpi", (2, 1))];
    let mut trials: Vec<Trial> =
        ours.map(|(name, spread)| trial(100_000, 16, 16, name, spread)).into();
    let others = [
        ("scikit-learn", 2.0, 1.0),
        ("scikit-learn-elkan", 6.0, 1.0),
        ("scikit-learn-minibatch", 0.4, 1.07),
        ("scikit-learn-intelex", 1.5, 1.0 + 1e-12),
        ("daal4py", 1.6, 1.0),
        ("faiss", 5.0, 1.0 + 2e-6),
        ("mpi4py", 7.0, 1.0),
        ("multiprocessing", 8.0, 1.0),
        ("spark", 900.0, 1.0),
        ("linfa", 25.0, 1.0),
        ("kmeans-crate", 30.0, 1.0),
        ("a-program-that-nobody-knows", 3.0, 1.01),
    ];
    trials.extend(
        others
            .iter()
            .flat_map(|(name, slower, inertia)| [1, 2].map(|n| peer(name, n, *slower, *inertia))),
    );
    let mut batches = trial(100_000, 16, 16, "mpi", (2, 1));
    change_kmeans(&mut batches.cell, |kmeans| {
        kmeans.algorithm = Algorithm::Minibatch { batch: 1024, seed: 1 }
    });
    (batches.slower, batches.inertia) = (0.2, 1.04);
    trials.push(batches);
    let mut lines = records(trials, 6);
    samples::fail(
        &mut lines,
        "kmeans-crate",
        1,
        Failure::Unavailable,
        "no version, no measurement: it is not there",
    );
    samples::fail(
        &mut lines,
        "kmeans-crate",
        2,
        Failure::Unavailable,
        "no version, no measurement: it is not there",
    );
    lines
}

/// Rows, clusters and columns, one at a time, and rows × clusters.
pub fn sizes() -> Vec<Line> {
    let spreads = [("serial", (1, 1)), ("threads", (1, 2)), ("threads", (1, 4)), ("mpi", (4, 1))];
    let mut problems: Vec<(u64, u32, u32)> = vec![];
    for n in [50_000, 100_000, 200_000, 400_000, 800_000] {
        problems.extend([8, 16, 32, 64, 128].map(|k| (n, k, 32)));
    }
    problems.extend([8, 16, 64, 128, 784].map(|d| (200_000, 32, d)));
    let of =
        |(n, k, d): &(u64, u32, u32)| spreads.map(|(name, spread)| trial(*n, *k, *d, name, spread));
    records(problems.iter().flat_map(of).collect(), 5)
}

/// As many rows on each lane.
pub fn weak() -> Vec<Line> {
    let spreads = [1, 2, 3, 4, 6, 8, 12, 16]
        .map(|n| [("threads", (1, n)), ("mpi", (n, 1)), ("hybrid", (2, n))]);
    let spreads = spreads.into_iter().flatten().chain([("serial", (1, 1))]);
    records(
        spreads
            .map(|(name, spread)| {
                trial(50_000 * u64::from(spread.0 * spread.1), 16, 16, name, spread)
            })
            .collect(),
        4,
    )
}

/// Backends with the longest names.
fn long_names() -> Vec<Line> {
    let names = [
        "serial",
        "mpi",
        "hybrid",
        "pjrt",
        "mpi+pjrt",
        "pjrt-reference",
        "mpi+pjrt-reference",
        "cuda",
    ];
    let names = names.into_iter().chain(["mpi+cuda", "trainium", "mpi+trainium"]);
    let spreads = names.flat_map(|name| match name {
        "serial" | "pjrt" | "pjrt-reference" | "cuda" | "trainium" => vec![(name, (1, 1))],
        "hybrid" => vec![(name, (2, 2)), (name, (4, 8))],
        _ => vec![(name, (1, 1)), (name, (2, 1)), (name, (16, 1))],
    });
    let spreads: Vec<_> = spreads.collect();
    let mut trials: Vec<Trial> = Vec::new();
    for k in [4, 16] {
        trials.extend(spreads.iter().map(|(name, spread)| trial(100_000, k, 784, name, *spread)));
    }
    for lanes in [1, 2, 16] {
        for name in ["scikit-learn-minibatch", "mpi4py-small-batches", "multiprocessing"] {
            trials.push(peer(name, lanes, 3.0, 1.0));
        }
    }
    records(trials, 4)
}

/// Accelerators that are used in several ways.
fn variants() -> Vec<Line> {
    let spreads = [("serial", (1, 1)), ("mpi", (1, 1)), ("mpi", (2, 1))].into_iter();
    let mut trials: Vec<Trial> =
        spreads.map(|(name, spread)| trial(100_000, 16, 16, name, spread)).collect();
    for (precision, update) in [
        (Precision::F32, Update::Host),
        (Precision::F32, Update::Device),
        (Precision::Bf16, Update::Host),
        (Precision::Bf16, Update::Device),
    ] {
        for (name, ranks) in
            [("pjrt-reference", 1), ("mpi+pjrt-reference", 1), ("mpi+pjrt-reference", 2)]
        {
            let mut one = trial(100_000, 16, 16, name, (ranks, 1));
            change_kmeans(&mut one.cell, |kmeans| {
                (kmeans.offload.precision, kmeans.offload.update) = (precision, update);
            });
            one.slower = 6.0;
            one.inertia = if precision == Precision::Bf16 { 1.002 } else { 1.0 };
            trials.push(one);
        }
    }
    records(trials, 4)
}

/// Accelerators of the list, beside processors with limits, at a price. Nothing of this was
/// measured anywhere.
pub fn devices() -> Vec<Line> {
    let mut trials: Vec<Trial> = Vec::new();
    for k in [16, 256] {
        for (name, ranks) in
            [("serial", 1), ("mpi", 4), ("trainium", 1), ("mpi+trainium", 2), ("cuda", 1)]
        {
            let mut one = trial(100_000, k, 16, name, (ranks, 1));
            one.slower = if one.cell.backend.platform().is_some() { 0.01 } else { 1.0 };
            trials.push(one);
        }
    }
    let mut lines = records(trials, 6);
    lines.push(Line::Limits(Box::new(samples::limits())));
    let cells: BTreeMap<_, _> = (lines.iter())
        .filter_map(|line| match line {
            Line::Cell { id, cell } => Some((id.clone(), cell.clone())),
            _ => None,
        })
        .collect();
    for line in &mut lines {
        let record = match line {
            Line::Record(record) => record,
            Line::Run(run) => {
                run.price = Some(Price::parse("24.50 USD/h 2026-11-01").expect("a price"));
                continue;
            }
            _ => continue,
        };
        let name = cells[&record.key.cell].backend.name().to_string();
        let (platform, device) = match name.as_str() {
            "cuda" => ("cuda", "NVIDIA H200"),
            "trainium" | "mpi+trainium" => ("neuron", "trn1.32xlarge"),
            _ => continue,
        };
        let Some(measured) = record.measured.as_mut() else { continue };
        measured.platform = platform.to_string().into();
        measured.device = Some(
            (DeviceFacts {
                plugin: "/opt/plugin.so".into(),
                sha256: "0".repeat(64),
                api: "0.90, structures padded".into(),
                platform_version: "made up".into(),
                device: device.into(),
                attributes: BTreeMap::new(),
                environment: BTreeMap::new(),
                update: "host".into(),
                precision: "f32".into(),
                exact: true,
            })
            .into(),
        );
        for lane in measured.readings[0].values.iter_mut().flatten() {
            // Nearly all of the assignment is the device's.
            let assign = lane[Phase::ASSIGN.index()];
            let parts = [
                (Phase::ASSIGN, 0.1),
                (Phase::UPLOAD, 0.05),
                (Phase::EXECUTE, 0.75),
                (Phase::DOWNLOAD, 0.1),
            ];
            parts.iter().for_each(|(phase, share)| lane[phase.index()] = share * assign);
        }
    }
    lines
}

/// No cell has a result.
pub fn all_failed() -> Vec<Line> {
    let mut lines = Made { k: vec![4, 16], ..Made::default() }.lines();
    for backend in ["serial", "threads", "mpi"] {
        for lanes in 1..=4 {
            samples::fail(
                &mut lines,
                backend,
                lanes,
                Failure::Error,
                "no memory on the node, and a long reason why that is so",
            );
        }
    }
    lines
}

/// 500 problems with ten cells each.
fn many_cells() -> Vec<Line> {
    let points = (1..=25).map(|i| 1000 * i).collect();
    let k = (1..=20).map(|i| 2 * i).collect();
    let mut spreads = vec![("serial", 1, 1), ("hybrid", 2, 2)];
    spreads.extend((1..=4).flat_map(|n| [("threads", 1, n), ("mpi", n, 1)]));
    Made { points, k, spreads, repeats: 3, ..Made::default() }.lines()
}
