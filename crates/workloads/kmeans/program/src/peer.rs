//! k-means for outside programs: rows, true labels and initial centroids as NPY files, and the
//! centroids that they leave.

use std::path::Path;

use crate::judge::{self, PeerCentroids};
use amdahl_data as data;
use amdahl_data::write;
use amdahl_kmeans_description::peer::{Judged, Left, Rule};
use amdahl_kmeans_description::spec::{Init, KMeans};
use amdahl_program::load;
use amdahl_program::load::Opens;
use amdahl_program::{Judgement, LaneContext, PeerProgram};
use amdahl_record::Answer;
use amdahl_record::cell::{Cell, Dataset, Labels};
use amdahl_record::error::{Error, Result};
use amdahl_record::peer::PeerDone;

/// k-means beside the k-means of others.
pub struct KMeansPeers;

impl PeerProgram for KMeansPeers {
    fn export(&self, cell: &Cell, folder: &Path, context: &LaneContext<'_>) -> Result<Cell> {
        let file = |name: &str| folder.join(name);
        let (rows, truth, start) = (file("rows.npy"), file("labels.npy"), file("start.npy"));
        let kmeans = KMeans::of(&cell.workload)?;
        // The start is written last: where it is, all is.
        if !start.is_file() {
            let opened = context.source.get()?;
            // As our own lanes see them: less the offsets of columns that lie far from 0.
            let part = load::part_less::<f32>(context.comm, context.source, load::NEEDED)?;
            part.pass(|stream| write::rows(&rows, stream))?;
            if let Some(labels) = opened.truth(0..opened.shape().rows)? {
                write::labels(&truth, &labels)?;
            }
            let (centroids, whole) = judge::start(&kmeans, context)?;
            write::matrix(&start, &centroids, whole.dims)?;
        }
        let labels = if truth.is_file() { Labels::File(truth) } else { Labels::None };
        let dataset = Dataset::File {
            path: rows,
            format: Some("npy".into()),
            labels,
            dataset: None,
            sample: None,
        };
        let workload = KMeans { init: Init::Given { path: start }, ..kmeans }.spec();
        Ok(Cell { workload, dataset, ..cell.clone() })
    }

    fn rules(&self) -> &'static [&'static str] {
        const WORDS: [&str; Rule::ALL.len()] = [Rule::ALL[0].word(), Rule::ALL[1].word()];
        &WORDS
    }

    fn judge(
        &self,
        cell: &Cell,
        done: &PeerDone,
        folder: &Path,
        rule: &str,
        context: &LaneContext<'_>,
    ) -> Result<Judgement> {
        let rule = Rule::ALL
            .into_iter()
            .find(|known| known.word() == rule)
            .ok_or_else(|| Error::internal(format!("k-means has no rule '{rule}'")))?;
        let (kmeans, left) = (KMeans::of(&cell.workload)?, Left::of(done)?);
        let dims = context.source.get()?.shape().dims;
        let centroids = |path: &Path| centroids(&folder.join(path), kmeans.k as usize, dims);
        let first = match rule {
            Rule::Lloyd => left.first.as_deref().map(centroids).transpose()?,
            Rule::Objective => None,
        };
        let found = PeerCentroids {
            last: centroids(&left.centroids)?,
            first,
            iterations: done.iterations,
            converged: done.converged,
        };
        let (answer, one_step) = judge::judge(&kmeans, &found, context)?;
        let inertia = left.inertia.filter(|inertia| inertia.is_finite());
        let own = Judged { inertia, rule, one_step, empty: left.empty }.fields();
        Ok(Judgement { answer: Answer::from(answer), own })
    }
}

/// A file of k × dims finite numbers.
fn centroids(path: &Path, k: usize, dims: usize) -> Result<Vec<f32>> {
    let file = Dataset::File {
        path: path.to_path_buf(),
        format: Some("npy".into()),
        labels: Labels::None,
        dataset: None,
        sample: None,
    };
    let source = data::open(&file)?;
    let shape = source.shape();
    if shape.rows != k as u64 || shape.dims != dims {
        let message =
            format!("its centroids are {} x {}, wanted are {k} x {dims}", shape.rows, shape.dims);
        return Err(Error::internal(message).at(path, 0, 0));
    }
    let mut values = vec![0f32; k * dims];
    source.rows(0..shape.rows)?.read(&mut values)?;
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::cpu::Cpu;
    use crate::engine::{Engine, Limit, Unwatched};
    use amdahl_kmeans_description::answer::Clustering;
    use amdahl_kmeans_description::spec::Stop;
    use amdahl_lanes::comm::solo::Solo;
    use amdahl_lanes::probe::Seat;
    use amdahl_lanes::probe::recorder::Recorder;
    use amdahl_program::fault::Fault;
    use amdahl_program::load::SharedSource;
    use amdahl_program::shared::ProcessShared;
    use amdahl_record::cell::{Backend, Synthetic};
    use serde_json::json;

    fn on_one_lane<R>(cell: &Cell, work: impl FnOnce(&LaneContext<'_>) -> R) -> R {
        let context = LaneContext {
            comm: &Solo,
            recorder: &Recorder::new(&[], Seat::ALONE),
            source: &SharedSource::new(cell.dataset.clone()),
            shared: &ProcessShared::default(),
            fault: &Fault::NONE,
        };
        work(&context)
    }

    #[test]
    fn our_own_centroids_pass_the_judge_and_others_are_seen_to_differ() {
        let shape = Synthetic::Mixture;
        let cell = Cell {
            workload: KMeans::new(3, Stop::Iterations(1), 0).spec(),
            dataset: Dataset::Synthetic { shape, points: 500, dims: 4, clusters: 3, seed: 7 },
            backend: Backend::from_name("serial").expect("a backend"),
            ranks: 1,
            threads: 1,
            reduction: Default::default(),
            oversubscribe: false,
        };
        let folder = tempfile::tempdir().expect("a folder");
        let export = |context: &LaneContext<'_>| KMeansPeers.export(&cell, folder.path(), context);
        let exported = on_one_lane(&cell, export).expect("files");
        let written = std::fs::metadata(folder.path().join("rows.npy")).expect("rows").modified();
        assert_eq!(on_one_lane(&cell, export), Ok(exported.clone()));
        let again = std::fs::metadata(folder.path().join("rows.npy")).expect("rows").modified();
        assert_eq!(again.ok(), written.ok(), "what is there is not written again");

        // An iteration of ours, as an outside program would leave it.
        let (start, ours, inertia) = on_one_lane(&exported, |context| {
            let mut part =
                load::part_less::<f32>(context.comm, context.source, load::NEEDED).expect("rows");
            let cpu = Cpu::new().expect("a kernel");
            let (mut engine, _) = Engine::load(context.comm, &cpu, &mut part).expect("a shard");
            let spec = KMeans::of(&exported.workload).expect("k-means");
            let start = engine.initial(&spec.init, 3).expect("a start");
            let mut centroids = start.clone();
            engine.restart(3).expect("room");
            let limit = Limit { iterations: 1, rule: None };
            engine.iterate(&mut centroids, limit, &Unwatched).expect("an iteration");
            engine.step(&centroids).expect("a step");
            let inertia = engine.inertia(&centroids).expect("a sum");
            (start, centroids, inertia)
        });
        let left = |first: &[f32]| -> PeerDone {
            write::matrix(&folder.path().join("last.npy"), &ours, 4).expect("written");
            write::matrix(&folder.path().join("first.npy"), first, 4).expect("written");
            let fields = json!({
                "version": "x 1", "seconds": 1.0, "timed": "all", "iterations": 1,
                "inertia": inertia, "centroids": "last.npy", "first": "first.npy",
            });
            serde_json::from_value(fields).expect("what a program leaves")
        };
        let judged = |done: &PeerDone, rule: &str| {
            let judge = |context: &LaneContext<'_>| {
                KMeansPeers.judge(&exported, done, folder.path(), rule, context)
            };
            let judgement = on_one_lane(&exported, judge).expect("a judgement");
            let own = serde_json::from_value(judgement.own.into()).expect("its fields");
            (Clustering::of(&judgement.answer).expect("a clustering"), own)
        };
        let (answer, own): (_, Judged) = judged(&left(&ours), "lloyd");
        assert_eq!((answer.inertia, answer.rows, answer.iterations), (inertia, 500, 1));
        let one = own.one_step.expect("one step");
        assert_eq!((one.inertia, one.ours, one.other_labels), (inertia, inertia, 0));
        // The start is not an iteration further.
        let one = judged(&left(&start), "lloyd").1.one_step.expect("one step");
        assert!(one.inertia > one.ours && one.other_labels > 0, "{one:?}");
        let (answer, own) = judged(&left(&start), "objective");
        assert_eq!((answer.inertia, own.one_step, own.rule), (inertia, None, Rule::Objective));
        assert_eq!(KMeansPeers.rules(), ["lloyd", "objective"]);

        // Of two equal centroids the second is nearest to no row.
        assert_eq!(one.empty, Some(0));
        let mut twins = start.clone();
        twins.copy_within(0..4, 4);
        write::matrix(&folder.path().join("start.npy"), &twins, 4).expect("written");
        let one = judged(&left(&start), "lloyd").1.one_step.expect("one step");
        assert_eq!(one.empty, Some(1));
    }
}
