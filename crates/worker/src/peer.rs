//! The worker's work for outside programs: it writes what they read, and judges what they leave.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{class_of, read_cell, write_report, write_whole};
use amdahl_data as data;
use amdahl_data::write;
use amdahl_kmeans::judge;
use amdahl_kmeans_description::peer::{Judged, Left, Rule};
use amdahl_kmeans_description::spec::{Init, KMeans};
use amdahl_lanes::comm::solo::Solo;
use amdahl_lanes::probe;
use amdahl_lanes::probe::Seat;
use amdahl_lanes::probe::recorder::Recorder;
use amdahl_program::LaneContext;
use amdahl_program::fault::Fault;
use amdahl_program::load::{Opens, SharedSource};
use amdahl_program::shared::ProcessShared;
use amdahl_record::cell::{Cell, Dataset, Labels};
use amdahl_record::error::{Error, Kind, Result};
use amdahl_record::host;
use amdahl_record::peer::{PeerDone, PeerEnd, PeerFacts, PeerReport};
use amdahl_record::units::Unit;
use amdahl_record::{
    Answer, End, LoadFacts, Measured, PROTOCOL, Phase, Provenance, Reading, Report, Scope,
};

/// Writes rows, true labels and initial centroids into `folder`, unless they are there, and a cell
/// that names them to `into`. Where that fails, `into` gets a report.
pub fn export(cell_file: &Path, folder: &Path, into: &Path) -> Result<()> {
    let cell = Cell::parse(&read_cell(cell_file)?).map_err(|e| e.at(cell_file, 0, 0))?;
    let exported = material(&cell, folder).and_then(|resolved| cell_for_peers(&cell, &resolved));
    match exported {
        Ok(text) => write_whole(into, &text),
        Err(error) => {
            let end = End::Failed { class: class_of(error.kind), reason: error.to_string() };
            write_report(
                into,
                &Report { protocol: PROTOCOL, cell: cell.id(), host: host::gather(), end },
            )?;
            Err(error)
        }
    }
}

/// The files in `folder`, and the cell that stands on them.
fn material(cell: &Cell, folder: &Path) -> Result<Cell> {
    std::fs::create_dir_all(folder).map_err(|e| Error::io("create the folder", folder, e))?;
    let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_path_buf());
    let file = |name: &str| folder.join(name);
    let (rows, truth, start) = (file("rows.npy"), file("labels.npy"), file("start.npy"));
    let kmeans = &KMeans::of(&cell.workload)?;
    // The start is written last: where it is, all is.
    if !start.is_file() {
        let source = SharedSource::new(cell.dataset.clone());
        let opened = source.get()?;
        write::rows(&rows, opened)?;
        if let Some(labels) = opened.truth(0..opened.shape().rows)? {
            write::labels(&truth, &labels)?;
        }
        let (centroids, whole) = on_one_lane(&source, |context| judge::start(kmeans, context))?;
        write::matrix(&start, &centroids, whole.dims)?;
    }
    let labels = if truth.is_file() { Labels::File(truth) } else { Labels::None };
    let dataset = Dataset::File { path: rows, format: Some("npy".into()), labels, sample: None };
    let workload = KMeans { init: Init::Given { path: start }, ..kmeans.clone() }.spec();
    Ok(Cell { workload, dataset, ..cell.clone() })
}

/// A cell file with the protocol's version and the id of the cell that it stands for.
fn cell_for_peers(cell: &Cell, resolved: &Cell) -> Result<String> {
    let broken = |e: serde_json::Error| Error::internal(format!("a cell as JSON: {e}"));
    let mut value = serde_json::to_value(resolved).map_err(broken)?;
    value["protocol"] = json!(PROTOCOL);
    value["id"] = json!(cell.id());
    serde_json::to_string_pretty(&value).map(|text| text + "\n").map_err(broken)
}

/// Runs `work` on one lane, unmeasured.
fn on_one_lane<T>(
    source: &SharedSource,
    work: impl FnOnce(&LaneContext<'_>) -> Result<T>,
) -> Result<T> {
    let recorder = Recorder::new(&probe::selected()?.1, Seat::ALONE);
    let shared = ProcessShared::default();
    let context = LaneContext {
        comm: &Solo,
        recorder: &recorder,
        source,
        shared: &shared,
        fault: &Fault::NONE,
    };
    work(&context)
}

/// Judges what an outside program left for the cell in `cell_file`, and leaves a report about it.
pub fn judge(cell_file: &Path, left: &Path, peer: &str, rule: &str, record: &Path) -> Result<()> {
    let rule = Rule::ALL
        .into_iter()
        .find(|known| known.word() == rule)
        .ok_or_else(|| Error::usage(format!("unknown rule '{rule}'")).hint("lloyd or objective"))?;
    let text = read_cell(cell_file)?;
    let refuse = |what: &str| {
        Error::new(Kind::Manifest, format!("no cell for an outside program: {what}"))
            .at(cell_file, 0, 0)
            .hint("have it written by 'amdahl-worker --export'")
    };
    let mut value: Value = serde_json::from_str(&text).map_err(|e| refuse(&e.to_string()))?;
    let fields = value.as_object_mut().ok_or_else(|| refuse("it is no object"))?;
    fields.remove("protocol");
    let id = fields
        .remove("id")
        .and_then(|id| serde_json::from_value(id).ok())
        .ok_or_else(|| refuse("it has no id"))?;
    let cell = Cell::parse(&value.to_string()).map_err(|e| e.at(cell_file, 0, 0))?;
    let host = host::gather();
    let end = match measured(&cell, left, peer, rule, &host.id) {
        Ok(measured) => End::Done(Box::new(measured)),
        Err(error) => End::Failed { class: class_of(error.kind), reason: error.to_string() },
    };
    write_report(record, &Report { protocol: PROTOCOL, cell: id, host, end })
}

fn measured(cell: &Cell, left: &Path, peer: &str, rule: Rule, host: &str) -> Result<Measured> {
    let text = std::fs::read_to_string(left).map_err(|e| Error::io("read the record", left, e))?;
    let report: PeerReport = serde_json::from_str(&text).map_err(|e| {
        Error::new(Kind::Internal, format!("not a record of an outside program: {e}"))
            .at(left, 0, 0)
    })?;
    let PeerEnd::Done(done) = report.end else {
        return Err(
            Error::internal("the outside program failed: there is nothing to judge").at(left, 0, 0)
        );
    };
    if !(done.seconds.is_finite() && done.seconds > 0.0) {
        return Err(Error::internal(format!("its time is no positive number: {}", done.seconds)));
    }
    let kmeans = &KMeans::of(&cell.workload)?;
    let left_files = Left::of(&done)?;
    let source = SharedSource::new(cell.dataset.clone());
    let dims = source.get()?.shape().dims;
    let folder = left.parent().unwrap_or(Path::new(""));
    let centroids = |path: &PathBuf| centroids(&folder.join(path), kmeans.k as usize, dims);
    let first = if rule == Rule::Lloyd {
        left_files.first.as_ref().map(centroids).transpose()?
    } else {
        None
    };
    let found = judge::Found {
        centroids: centroids(&left_files.centroids)?,
        first,
        iterations: done.iterations,
        converged: done.converged,
    };
    let (answer, one_step) = on_one_lane(&source, |context| judge::judge(kmeans, &found, context))?;
    let inertia = left_files.inertia.filter(|inertia| inertia.is_finite());
    let judged = Judged { inertia, rule, one_step };
    Ok(Measured {
        platform: "cpu".into(),
        kernel: done.version.clone().into(),
        host: host.into(),
        seconds: done.seconds,
        answer: Answer::from(answer).into(),
        lanes: Vec::new().into(),
        readings: vec![wall(done.phases.as_deref())],
        peak_rss_bytes: done.peak_rss_bytes,
        load: LoadFacts::default(),
        peer: Some(facts(*done, peer, judged).into()),
        device: None,
    })
}

fn facts(done: PeerDone, name: &str, judged: Judged) -> PeerFacts {
    PeerFacts {
        name: name.into(),
        version: done.version,
        timed: done.timed,
        cpu_seconds: done.cpu_seconds,
        load_seconds: done.load_seconds,
        own: judged.fields(),
    }
}

/// Its wall time by lane and phase, where it tells.
fn wall(phases: Option<&[Vec<f64>]>) -> Reading {
    let good = |lane: &Vec<f64>| {
        lane.len() == Phase::OF_ALL_CELLS && lane.iter().all(|s| s.is_finite() && *s >= 0.0)
    };
    let whole = |lane: &Vec<f64>| {
        lane.iter().copied().chain([0.0; Phase::ALL.len() - Phase::OF_ALL_CELLS]).collect()
    };
    let values = phases.filter(|lanes| !lanes.is_empty() && lanes.iter().all(good));
    let values = values.map(|lanes| lanes.iter().map(whole).collect());
    let why = match (&values, phases) {
        (Some(_), _) => None,
        (None, None) => Some("this program does not tell how its time divides into phases".into()),
        (None, Some(_)) => {
            Some("what this program says of its phases is not seven times for each lane".into())
        }
    };
    let from = values.is_some().then_some(Provenance::Measured);
    Reading {
        metric: "wall".into(),
        unit: Unit::Seconds,
        from,
        values,
        why,
        group: None,
        scope: Scope::Lane,
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
