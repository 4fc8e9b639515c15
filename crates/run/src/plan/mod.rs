//! Planning: from a manifest, as a person wrote it, to the cells that answer its question.
//!
//! [`manifest`] is what may be written; [`axes`] what is varied; [`resolve`] crosses the axes into
//! cells; [`order()`] says in which order they are run, [`only`] takes a part of them, [`cost`]
//! says what they are expected to cost.

use std::path::Path;

use serde::Serialize;

use crate::plan::parameters::Entry;
use crate::plan::peers::Peers;
use crate::plan::place::{At, Text};
use crate::plan::written::Written;
use amdahl_record::accelerators::Price;
use amdahl_record::cell::{Cell, CellId};
use amdahl_record::error::{Error, Kind, Result};
use amdahl_record::io::regular;
use amdahl_workload::Workload;
use std::ops::Range;

pub mod axes;
pub mod cost;
pub mod expression;
pub mod machine;
pub mod manifest;
pub mod only;
pub mod order;
pub mod parameters;
pub mod peers;
pub mod place;
pub mod resolve;
pub mod schema;
pub mod sections;
pub mod ties;
pub mod written;

pub use amdahl_record::counters::Counters;
pub use machine::Machine;
pub use order::order;

/// A manifest, resolved.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// What is asked.
    pub experiment: Experiment,
    /// The cells in the order of the manifest.
    pub cells: Vec<PlannedCell>,
    /// Combinations of axes that are not run, with the reason.
    pub left_out: Vec<LeftOut>,
    /// What the manifest says to no effect.
    pub notes: Vec<String>,
    /// The outside programs that its cells may name.
    pub peers: Peers,
}

impl Plan {
    /// The workload of its cells: a manifest has one.
    pub fn workload(&self) -> &str {
        self.cells.first().map_or("", |planned| &planned.cell.workload.kind)
    }
}

/// What an experiment asks, and how it is measured.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Experiment {
    /// Name of the results folder: letters, digits, `-` and `_`.
    pub name: String,
    /// One line for people.
    pub title: String,
    /// The question.
    pub question: String,
    /// Where people find more, such as a repository.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Price of an hour of one machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<Price>,
    /// Backend whose cell is the base of speedups.
    pub base: String,
    /// Seed of the order in which cells are run.
    pub seed: u64,
    /// Repeats of each cell.
    pub repeats: u32,
    /// Seconds after which a repeat is ended.
    pub time_limit_s: f64,
    /// Which counters are read.
    #[serde(skip_serializing_if = "Counters::is_auto")]
    pub counters: Counters,
    /// Rows of each rank's simulated run, at most; null where nothing is simulated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub simulated_points: Option<u64>,
}

/// A cell and what it is for.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedCell {
    /// Its id.
    pub id: CellId,
    /// The cell.
    pub cell: Cell,
    /// The cell whose answer it must match; its own id for an oracle.
    pub oracle: CellId,
    /// Repeats that are wanted: those of the experiment, 1 for an oracle that the axes do not ask
    /// for.
    pub repeats: u32,
    /// Do the axes ask for it? An oracle that they do not ask for is there for its answer alone.
    pub asked: bool,
}

/// Combinations that are not run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// Which, as `axis=value` pairs.
    pub what: String,
    /// Why, and what to do about it.
    pub why: String,
    /// How many combinations of axes.
    pub combinations: usize,
}

/// The largest number of repeats that can be asked for.
pub const MAX_REPEATS: u64 = 10_000;

/// Reads and resolves the manifest at `path`.
///
/// Errors name file, line and column, what was expected and the nearest spelling of what was
/// written.
pub fn load(path: &Path, machine: Machine) -> Result<Plan> {
    let bytes = regular::read(path).map_err(|e| {
        Error::io("read the manifest", path, e)
            .hint("name a manifest such as experiments/strong-scaling.toml")
    })?;
    match String::from_utf8(bytes) {
        Ok(text) => parse(&text, path, machine),
        Err(error) => {
            let valid = error.utf8_error().valid_up_to();
            let text = String::from_utf8_lossy(&error.as_bytes()[..valid]).into_owned();
            Err(Text { file: path, text: &text }.error(&(valid..valid), "not UTF-8 from here on"))
        }
    }
}

/// Resolves the manifest `text`; `path` names it in errors, names the experiment by default, and is
/// what relative paths start from.
pub fn parse(text: &str, path: &Path, machine: Machine) -> Result<Plan> {
    let source = Text { file: path, text };
    let manifest: manifest::Manifest =
        toml::from_str(text).map_err(|error| source.toml_error(error))?;
    let kind = known_keys(&source, &manifest)?;
    let peers = peers(&source, &manifest)?;
    let experiment = experiment(&source, &manifest, &peers)?;
    let Some(workload) = &manifest.workload else {
        return Err(source.error(&(0..0), "the section [workload] is missing"));
    };
    let kind = kind.ok_or_else(|| {
        let known = amdahl_workloads::names().join(", ");
        source
            .error(&workload.span, "kind is missing in [workload]")
            .hint(format!("the kind of workload: {known}"))
    })?;
    if manifest.dataset.is_none() {
        return Err(source.error(&(0..0), "the section [dataset] is missing"));
    }
    let sweep = axes::Sweep::new(&source, &manifest, machine, &peers, kind)?;
    let resolver = resolve::Resolver {
        text: &source,
        manifest: &manifest,
        kind,
        sweep: &sweep,
        machine,
        seed: experiment.seed,
    };
    let (cells, left_out) = resolver.cells(experiment.repeats)?;
    if cells.is_empty() {
        let span = manifest.axes.as_ref().map_or(0..0, |axes| axes.span.clone());
        let why =
            left_out.first().map_or(String::new(), |one| format!(": {}: {}", one.what, one.why));
        return Err(source.error(&span, format!("no cell is left{why}")));
    }
    if !cells.iter().any(|planned| planned.cell.backend.name() == experiment.base) {
        let span = manifest
            .experiment
            .as_ref()
            .and_then(|e| e.value.base.as_ref())
            .map_or(0..0, |b| b.span.clone());
        let error =
            source.error(&span, format!("base: no cell has the backend '{}'", experiment.base));
        return Err(error.hint("add it to the axis backend, or take a base that is there"));
    }
    let idle = |excluded: &&axes::Match| {
        !left_out.iter().any(|one| *one == resolve::excluded(&source, excluded))
    };
    let notes = sweep.exclude.iter().filter(idle).map(|excluded| {
        format!(
            "exclude in line {}: nothing has {excluded} that is not left out anyway",
            source.line(&excluded.span)
        )
    });
    let notes = notes.collect();
    Ok(Plan { experiment, cells, left_out, notes, peers })
}

/// Checks that the keys of [workload] and [axes] are parameters, and their values of the right type.
/// The workload, where the manifest says which.
fn known_keys(
    text: &Text<'_>,
    manifest: &manifest::Manifest,
) -> Result<Option<&'static dyn Workload>> {
    let mut kind = None;
    if let Some(At { value, span }) = manifest.workload.as_ref().and_then(|w| w.value.kind.as_ref())
    {
        let Written::Word(name) = value else {
            let got = value.in_words();
            return Err(text.error(span, format!("workload.kind: expected a text, got {got}")));
        };
        let found = amdahl_workloads::find(name).ok_or_else(|| {
            text.error(span, format!("unknown word '{name}' in 'workload.kind'"))
                .hint(place::nearest(name, &amdahl_workloads::names()))
        })?;
        kind = Some(found);
    }
    let entries = parameters::entries(kind);
    let find = |name: &str| entries.iter().find(|entry| entry.name == name);
    let unknown = |key: &At<String>, section: &str, more: &[&str]| {
        let own = entries.iter().map(|entry| entry.name);
        let known: Vec<&str> = own.chain(more.iter().copied()).collect();
        let message = format!("unknown key '{}' in '{section}'", key.value);
        text.error(&key.span, message).hint(place::nearest(&key.value, &known))
    };
    let check = |parameter: &Entry, written: &Written, span: &Range<usize>, section: &str| {
        parameters::checked(parameter, written, section).map(drop).map_err(|misfit| {
            let error = text.error(misfit.span.as_ref().unwrap_or(span), misfit.message);
            match misfit.hint {
                Some(hint) => error.hint(hint),
                None => error,
            }
        })
    };
    for (key, value) in manifest.workload.iter().flat_map(|w| &w.value.parameters) {
        match find(&key.value) {
            Some(parameter) => check(parameter, &value.value, &value.span, "workload")?,
            None => return Err(unknown(key, "workload", &["kind"])),
        }
    }
    for (key, values) in manifest.axes.iter().flat_map(|axes| &axes.value.parameters) {
        let Some(parameter) = find(&key.value) else {
            return Err(unknown(key, "axes", &sections::Axes::KEYS.map(|(name, _)| name)));
        };
        for (value, span) in axes::places(values) {
            check(parameter, value, span, "axes")?;
        }
    }
    Ok(kind)
}

/// The outside programs that the manifest can name.
fn peers(text: &Text<'_>, manifest: &manifest::Manifest) -> Result<Peers> {
    let Some(At { value, span }) =
        manifest.experiment.as_ref().and_then(|e| e.value.peers.as_ref())
    else {
        return Peers::find(None);
    };
    let file = text.file.parent().unwrap_or(Path::new("")).join(value);
    if !file.is_file() {
        let message = format!("peers: there is no file {}", file.display());
        return Err(text.error(span, message).hint("paths are relative to the manifest's folder"));
    }
    Peers::find(Some(&file))
}

fn experiment(text: &Text<'_>, manifest: &manifest::Manifest, peers: &Peers) -> Result<Experiment> {
    let none = manifest::Experiment::default();
    let wire = manifest.experiment.as_ref().map_or(&none, |e| &e.value);
    let said = |value: &Option<At<String>>| value.as_ref().map(|v| v.value.clone());
    let name = match &wire.name {
        Some(name) => name.clone(),
        None => At::new(
            text.file.file_stem().map_or(String::new(), |s| s.to_string_lossy().into_owned()),
            0..0,
        ),
    };
    if name.value.is_empty()
        || !name.value.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
    {
        let message = format!(
            "'{}' cannot name a results folder, expected letters, digits, '-' and '_'",
            name.value
        );
        return Err(text.error(&name.span, message).hint("set name in [experiment]"));
    }
    let base = wire.base.clone().unwrap_or(At::new("serial".into(), 0..0));
    if let Err((message, hint)) = axes::backend(&base.value, peers) {
        return Err(text.error(&base.span, message).hint(hint.unwrap_or_default()));
    }
    let number =
        |name: &str, value: &Option<At<written::Whole>>, least: u64, most: u64, default: u64| {
            match value {
                None => Ok(default),
                Some(At { value: written::Whole(value), span }) => match u64::try_from(*value) {
                    Ok(value) if (least..=most).contains(&value) => Ok(value),
                    _ => Err(text.error(
                        span,
                        format!("{name}: expected {}, got {value}", axes::range(least, most)),
                    )),
                },
            }
        };
    let repeats = number("repeats", &wire.repeats, 1, MAX_REPEATS, 5)?;
    let time_limit_s = wire.time_limit.as_ref().map_or(600.0, |limit| limit.value.0);
    if !(time_limit_s.is_finite() && time_limit_s > 0.0) {
        let span = wire.time_limit.as_ref().map_or(0..0, |limit| limit.span.clone());
        return Err(text.error(
            &span,
            format!("time-limit: expected more than 0 seconds, got {time_limit_s}"),
        ));
    }
    let counters = wire.counters.as_ref().map_or(Counters::Auto, |counters| counters.value);
    let simulated_points = number("simulated-points", &wire.simulated_points, 1, 1 << 40, 20_000)?;
    if let (Some(points), false) = (&wire.simulated_points, counters == Counters::Simulated) {
        let message = "simulated-points: nothing is simulated";
        return Err(text
            .error(&points.span, message)
            .hint("add counters = \"simulated\", or take it out"));
    }
    let simulated_points = (counters == Counters::Simulated).then_some(simulated_points);
    if let Some(url) = &wire.url {
        let is_url = ["https://", "http://"]
            .iter()
            .any(|scheme| url.value.len() > scheme.len() && url.value.starts_with(scheme));
        if !is_url
            || url.value.len() > 500
            || url.value.chars().any(|c| c.is_whitespace() || c.is_control())
        {
            return Err(text.error(
                &url.span,
                format!(
                    "url: expected an address such as \"https://example.org/…\", got {:?}",
                    url.value
                ),
            ));
        }
    }
    let price = match &wire.price {
        None => None,
        Some(price) => Some(Price::parse(&price.value).map_err(|error| {
            let hint = error.hint.clone().unwrap_or_default();
            text.error(&price.span, format!("price: {}", error.message)).hint(hint)
        })?),
    };
    Ok(Experiment {
        url: said(&wire.url),
        price,
        counters,
        simulated_points,
        title: said(&wire.title).unwrap_or_else(|| name.value.clone()),
        question: said(&wire.question).unwrap_or_default(),
        name: name.value,
        base: base.value,
        seed: number("seed", &wire.seed, 0, i64::MAX as u64, 1)?,
        repeats: u32::try_from(repeats)
            .map_err(|_| Error::new(Kind::Internal, "repeats are at most 10,000"))?,
        time_limit_s,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_simple_manifest() {
        let text = r#"
            workload = { kind = "kmeans", k = 4, iterations = 3 }
            dataset = { synthetic = "mixture", points = 1000, dims = 2, clusters = 4 }
            [axes]
            backend = ["serial", "threads", "mpi"]
            ranks = "up-to-cores"
            threads = [1, 2, 4]
        "#;
        let plan = parse(text, Path::new("simple.toml"), Machine::of(2)).expect("a good manifest");
        let lanes: Vec<_> = plan
            .cells
            .iter()
            .map(|c| (c.cell.backend.name(), c.cell.ranks, c.cell.threads))
            .collect();
        let expected =
            [("serial", 1, 1), ("threads", 1, 1), ("threads", 1, 2), ("mpi", 1, 1), ("mpi", 2, 1)];
        assert_eq!(lanes, expected);
        assert_eq!(plan.experiment.name, "simple");
        assert!(plan.cells.iter().all(|c| c.oracle == plan.cells[0].id && c.repeats == 5));
        assert_eq!(plan.left_out.len(), 1, "threads = 4 on 2 CPUs: {:?}", plan.left_out);
    }
}
