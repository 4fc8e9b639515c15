//! k-means for outside programs: rows, true labels and initial centroids as NPY files, and the
//! centroids that they leave.

use std::path::Path;

use crate::judge::{self, PeerCentroids};
use amdahl_data as data;
use amdahl_data::write;
use amdahl_kmeans_description::peer::{Judged, Left, Rule};
use amdahl_kmeans_description::spec::{Init, KMeans};
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
            write::rows(&rows, opened)?;
            if let Some(labels) = opened.truth(0..opened.shape().rows)? {
                write::labels(&truth, &labels)?;
            }
            let (centroids, whole) = judge::start(&kmeans, context)?;
            write::matrix(&start, &centroids, whole.dims)?;
        }
        let labels = if truth.is_file() { Labels::File(truth) } else { Labels::None };
        let dataset =
            Dataset::File { path: rows, format: Some("npy".into()), labels, sample: None };
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
        let own = Judged { inertia, rule, one_step }.fields();
        Ok(Judgement { answer: Answer::from(answer), own })
    }
}

/// A file of k × dims finite numbers.
fn centroids(path: &Path, k: usize, dims: usize) -> Result<Vec<f32>> {
    let file = Dataset::File {
        path: path.to_path_buf(),
        format: Some("npy".into()),
        labels: Labels::None,
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
