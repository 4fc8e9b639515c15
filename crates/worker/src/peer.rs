//! The worker's work for outside programs: it writes what they read, and judges what they leave.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::{class_of, outputs, read_cell, write_report, write_whole};
use amdahl_lanes::comm::solo::Solo;
use amdahl_lanes::probe;
use amdahl_lanes::probe::Seat;
use amdahl_lanes::probe::recorder::Recorder;
use amdahl_program::fault::Fault;
use amdahl_program::load::SharedSource;
use amdahl_program::shared::ProcessShared;
use amdahl_program::{Judgement, LaneContext, PeerProgram};
use amdahl_programs as programs;
use amdahl_record::cell::Cell;
use amdahl_record::error::{Error, Kind, Result};
use amdahl_record::host;
use amdahl_record::io::regular;
use amdahl_record::peer::{PeerDone, PeerEnd, PeerFacts, PeerReport};
use amdahl_record::units::Unit;
use amdahl_record::{
    End, LoadFacts, Measured, PROTOCOL, Phase, Provenance, Reading, Report, Scope,
};

/// Writes what outside programs need for a cell into `folder`, unless it is there, and a cell that
/// names those files to `into`. Where that fails, `into` gets a report.
pub fn export(cell_file: &Path, folder: &Path, into: &Path) -> Result<()> {
    let cell = Cell::parse(&read_cell(cell_file)?).map_err(|e| e.at(cell_file, 0, 0))?;
    outputs(&cell, cell_file, into).check()?;
    let exported = material(&cell, folder).and_then(|resolved| cell_for_peers(&cell, &resolved));
    match exported {
        Ok(text) => write_whole(into, &text),
        Err(error) => {
            let end = End::Failed { class: class_of(error.kind), reason: error.to_string() };
            write_report(into, &Report::new(cell.id(), host::gather(), end))?;
            Err(error)
        }
    }
}

/// The files in `folder`, and the cell that stands on them.
fn material(cell: &Cell, folder: &Path) -> Result<Cell> {
    let program = peers_of(cell)?;
    std::fs::create_dir_all(folder).map_err(|e| Error::io("create the folder", folder, e))?;
    let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_path_buf());
    on_one_lane(cell, |context| program.export(cell, &folder, context))
}

/// What the cell's workload does for outside programs.
fn peers_of(cell: &Cell) -> Result<&'static dyn PeerProgram> {
    let name = &cell.workload.kind;
    programs::of(&cell.workload)?.peer().ok_or_else(|| {
        Error::new(Kind::Manifest, format!("'{name}' has no outside programs"))
            .hint("choose a backend of amdahl itself")
    })
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
fn on_one_lane<T>(cell: &Cell, work: impl FnOnce(&LaneContext<'_>) -> Result<T>) -> Result<T> {
    let source = &SharedSource::new(cell.dataset.clone());
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
pub fn judge(
    cell_file: &Path,
    left: &Path,
    peer: &str,
    rule: Option<&str>,
    record: &Path,
) -> Result<()> {
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
    outputs(&cell, cell_file, record).reads("--judge", left).check()?;
    let program = peers_of(&cell)?;
    let rules = program.rules();
    let known = |rule: &str| rules.iter().copied().find(|known| *known == rule);
    let rule = match rule {
        None => rules.first().copied().unwrap_or_default(),
        Some(rule) => known(rule).ok_or_else(|| {
            Error::usage(format!("unknown rule '{rule}'")).hint(rules.join(" or "))
        })?,
    };
    let host = host::gather();
    let judge = |done: &PeerDone, folder: &Path| {
        on_one_lane(&cell, |context| program.judge(&cell, done, folder, rule, context))
    };
    let end = match measured(left, peer, &host.id, &judge) {
        Ok(measured) => End::Done(Box::new(measured)),
        Err(error) => End::Failed { class: class_of(error.kind), reason: error.to_string() },
    };
    write_report(record, &Report::new(id, host, end))
}

/// What a workload makes of what was left, whose paths are seen from this folder.
type Judge<'a> = dyn Fn(&PeerDone, &Path) -> Result<Judgement> + 'a;

fn measured(left: &Path, peer: &str, host: &str, judge: &Judge<'_>) -> Result<Measured> {
    let text = regular::read_to_string(left).map_err(|e| Error::io("read the record", left, e))?;
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
    let Judgement { answer, own } = judge(&done, left.parent().unwrap_or(Path::new("")))?;
    Ok(Measured {
        platform: "cpu".into(),
        kernel: done.version.clone().into(),
        host: host.into(),
        seconds: done.seconds,
        answer: answer.into(),
        lanes: Vec::new().into(),
        readings: vec![wall(done.phases.as_deref())],
        peak_rss_bytes: done.peak_rss_bytes,
        load: LoadFacts::default(),
        peer: Some(facts(*done, peer, own).into()),
        device: None,
    })
}

fn facts(done: PeerDone, name: &str, own: Map<String, Value>) -> PeerFacts {
    PeerFacts {
        name: name.into(),
        version: done.version,
        timed: done.timed,
        cpu_seconds: done.cpu_seconds,
        load_seconds: done.load_seconds,
        own,
    }
}

/// The protocol of peers has the first so many of the shared phases, load to finish.
const OF_THE_PROTOCOL: usize = Phase::FINISH.index() + 1;

/// Its wall time by lane and phase, where it tells.
fn wall(phases: Option<&[Vec<f64>]>) -> Reading {
    let good = |lane: &Vec<f64>| {
        lane.len() == OF_THE_PROTOCOL && lane.iter().all(|s| s.is_finite() && *s >= 0.0)
    };
    let whole = |lane: &Vec<f64>| {
        let mut whole = lane.clone();
        whole.resize(Phase::SHARED, 0.0);
        whole
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
