//! For outside programs: the start that they are given, and the judgement of the centroids that
//! they found.
//!
//! Both on one lane. The judge gives every row the nearest of the found centroids and adds the
//! squared distances up exactly, as at the end of a clustering of ours; and it runs one iteration
//! of ours from the same start beside the first iteration of the outside program.

use crate::device::LabelSink;
use crate::device::cpu::Cpu;
use crate::engine;
use crate::engine::{End, Engine, Limit, Reason, Unwatched};
use crate::tally;
use crate::tally::Tally;
use amdahl_data::Shape;
use amdahl_kmeans_description::answer::Clustering;
use amdahl_kmeans_description::peer::{NEAR_TIE, OneStep};
use amdahl_kmeans_description::spec::KMeans;
use amdahl_lanes::exact::squared_distance;
use amdahl_program::{LaneContext, load};
use amdahl_record::error::Result;

/// What an outside program found.
pub struct PeerCentroids {
    /// Final centroids, k × columns row-major.
    pub last: Vec<f32>,
    /// The same after one iteration.
    pub first: Option<Vec<f32>>,
    /// Iterations that it ran.
    pub iterations: u32,
    /// Did it stop by its rule?
    pub converged: bool,
}

/// The initial centroids of the cell, k × columns row-major, and the shape of its rows.
pub fn start(spec: &KMeans, context: &LaneContext<'_>) -> Result<(Vec<f32>, Shape)> {
    let mut part = load::part_less::<f32>(context.comm, context.source, load::NEEDED)?;
    let k = spec.k as usize;
    engine::enough(part.whole.rows, k)?;
    let cpu = Cpu::new()?;
    let (mut engine, _) = Engine::load(context.comm, &cpu, &mut part)?;
    Ok((engine.initial(&spec.init, k)?, engine.whole()))
}

/// The judged answer, and the first iteration beside ours where it is known.
pub fn judge(
    spec: &KMeans,
    found: &PeerCentroids,
    context: &LaneContext<'_>,
) -> Result<(Clustering, Option<OneStep>)> {
    let mut part = load::part_less::<f32>(context.comm, context.source, load::NEEDED)?;
    let k = spec.k as usize;
    engine::enough(part.whole.rows, k)?;
    let classes = tally::classes(context.comm, k, part.truth.as_deref())?;
    let cpu = Cpu::new()?;
    let (mut engine, inspected) = Engine::load(context.comm, &cpu, &mut part)?;
    let one_step = match &found.first {
        None => None,
        Some(first) => {
            let start = engine.initial(&spec.init, k)?;
            let mut ours = start.clone();
            engine.restart(k)?;
            engine.iterate(&mut ours, Limit { iterations: 1, rule: None }, &Unwatched)?;
            let (ours, right) = seen(&mut engine, &ours)?;
            let (inertia, labels) = seen(&mut engine, first)?;
            let other_labels = right.iter().zip(&labels).filter(|(a, b)| a != b).count() as u64;
            let mut one = OneStep { inertia, ours, other_labels, near_ties: None, empty: None };
            if one.needs_reasons(part.whole.rows) {
                let (near_ties, empty) = reasons(context, &start, k)?;
                (one.near_ties, one.empty) = (Some(near_ties), Some(empty));
            }
            Some(one)
        }
    };
    engine.restart(k)?;
    engine.step(&found.last)?;
    let reason = if found.converged { Reason::Unchanged } else { Reason::Iterations };
    let end = End { iterations: found.iterations, reason, labels_are_final: true };
    let mut tally = Tally::new(k, classes, part.truth.as_deref(), part.first);
    let clustering =
        super::answer(context, &mut engine, &mut tally, &found.last, end, inspected.digest)?;
    Ok((clustering, one_step))
}

/// What can make first iterations from these centroids differ: rows whose two nearest are almost
/// equally near, and centroids that are nearest to no row.
fn reasons(context: &LaneContext<'_>, centroids: &[f32], k: usize) -> Result<(u64, u64)> {
    let mut part = load::part_less::<f32>(context.comm, context.source, load::NEEDED)?;
    let dims = part.whole.dims;
    let (mut ties, mut filled) = (0, vec![false; k]);
    part.stream(|rows| {
        let mut piece = vec![0f32; dims * 1024];
        loop {
            let got = rows.read(&mut piece)?;
            if got == 0 {
                return Ok(());
            }
            for row in piece[..got * dims].chunks_exact(dims) {
                let (mut best, mut second) = (f64::INFINITY, f64::INFINITY);
                let mut nearest = 0;
                for (cluster, centroid) in centroids.chunks_exact(dims).take(k).enumerate() {
                    let distance = squared_distance(row, centroid);
                    if distance < best {
                        (nearest, best, second) = (cluster, distance, best);
                    } else if distance < second {
                        second = distance;
                    }
                }
                ties += u64::from(second.is_finite() && second - best <= NEAR_TIE * second);
                filled[nearest] = true;
            }
        }
    })?;
    Ok((ties, filled.iter().filter(|filled| !**filled).count() as u64))
}

/// Inertia and labels of the rows, each by its nearest centroid.
fn seen(engine: &mut Engine<'_>, centroids: &[f32]) -> Result<(f64, Vec<u32>)> {
    engine.step(centroids)?;
    let mut labels = Kept(Vec::new());
    engine.labels(&mut labels)?;
    Ok((engine.inertia(centroids)?, labels.0))
}

/// All labels.
struct Kept(Vec<u32>);

impl LabelSink for Kept {
    fn put(&mut self, _first: u64, labels: &[u32]) -> Result<()> {
        self.0.extend_from_slice(labels);
        Ok(())
    }
}
