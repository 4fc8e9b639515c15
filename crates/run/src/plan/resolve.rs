//! From axes to cells: every combination, resolved, checked and either planned or left out with a
//! reason.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::plan::axes::{Match, Oversubscribed, Sweep, Value, range};
use crate::plan::expression::Wrong;
use crate::plan::manifest::{Labels as WireLabels, Manifest};
use crate::plan::parameters::{self, kind_of};
use crate::plan::place::{At, Text};
use crate::plan::written::Scalar;
use crate::plan::{LeftOut, Machine, PlannedCell};
use amdahl_data::catalogue;
use amdahl_record::cell::{
    Backend, Cell, CellId, CommKind, Dataset, Labels, ReductionName, Sample, WorkloadSpec,
};
use amdahl_record::error::{Error, Result};
use amdahl_workload::parameter::{self, Kind, Refusal};
use amdahl_workload::{Values, Workload};

/// A plan may have this many combinations of axis values. More is a slip of the pen.
pub const MAX_COMBINATIONS: usize = 100_000;

/// Resolves the combinations of `sweep`.
pub struct Resolver<'a> {
    /// For errors.
    pub text: &'a Text<'a>,
    /// What is not varied.
    pub manifest: &'a Manifest,
    /// What is computed.
    pub kind: &'static dyn Workload,
    /// What is varied.
    pub sweep: &'a Sweep,
    /// Where it will run.
    pub machine: Machine,
    /// Seed of draws that have none of their own.
    pub seed: u64,
}

/// One combination.
struct Point<'a> {
    backend: Backend,
    /// The value of each axis, in their order.
    values: Vec<&'a At<Value>>,
    /// Derived values that are known by now, by name: each is computed once, however often others
    /// name it.
    derived: RefCell<HashMap<String, u64>>,
}

/// What becomes of a combination.
enum Fate {
    Cell(Box<Cell>),
    LeftOut(LeftOut),
}

/// A combination that is excluded.
pub(super) fn excluded(text: &Text<'_>, by: &Match) -> LeftOut {
    LeftOut {
        what: by.to_string(),
        why: format!("excluded in line {}", text.line(&by.span)),
        combinations: 1,
    }
}

impl Resolver<'_> {
    /// The cells in the order of the manifest, identical ones merged, and what is left out.
    pub fn cells(&self, repeats: u32) -> Result<(Vec<PlannedCell>, Vec<LeftOut>)> {
        let lengths: Vec<usize> =
            self.sweep.groups.iter().map(|g| self.sweep.axes[g[0]].values.len()).collect();
        let total = lengths.iter().try_fold(1usize, |n, &length| n.checked_mul(length));
        if total.is_none_or(|total| total > MAX_COMBINATIONS) {
            let span = self.manifest.axes.as_ref().map_or(0..0, |axes| axes.span.clone());
            let lists: Vec<String> =
                lengths.iter().filter(|&&n| n > 1).map(usize::to_string).collect();
            let message = format!(
                "{} combinations of axes, at most {MAX_COMBINATIONS} can be planned",
                lists.join(" x ")
            );
            return Err(self
                .text
                .error(&span, message)
                .hint("shorten lists, tie axes with zip, or split the experiment"));
        }
        let mut cells: Vec<PlannedCell> = Vec::new();
        let mut known: HashMap<CellId, usize> = HashMap::new();
        let mut left_out: Vec<LeftOut> = Vec::new();
        let mut left_at: HashMap<(String, String), usize> = HashMap::new();
        for number in 0..total.unwrap_or(0) {
            match self.fate(&self.point(number, &lengths))? {
                Fate::Cell(cell) => {
                    let id = cell.id();
                    if !known.contains_key(&id) {
                        known.insert(id.clone(), cells.len());
                        let oracle = oracle_of(&cell).id();
                        cells.push(PlannedCell { id, cell: *cell, oracle, repeats, asked: true });
                    }
                }
                Fate::LeftOut(one) => {
                    let key = (one.what.clone(), one.why.clone());
                    match left_at.get(&key) {
                        Some(&at) => left_out[at].combinations += 1,
                        None => {
                            left_at.insert(key, left_out.len());
                            left_out.push(one);
                        }
                    }
                }
            }
        }
        let missing: Vec<Cell> = cells
            .iter()
            .filter(|c| !known.contains_key(&c.oracle))
            .map(|c| oracle_of(&c.cell))
            .collect();
        for oracle in missing {
            let id = oracle.id();
            if !known.contains_key(&id) {
                known.insert(id.clone(), cells.len());
                cells.push(PlannedCell {
                    id: id.clone(),
                    cell: oracle,
                    oracle: id,
                    repeats: 1,
                    asked: false,
                });
            }
        }
        Ok((cells, left_out))
    }

    /// The combination with this number; the first group varies slowest.
    fn point(&self, mut number: usize, lengths: &[usize]) -> Point<'_> {
        let mut at = vec![0; self.sweep.axes.len()];
        for (group, length) in self.sweep.groups.iter().zip(lengths).rev() {
            for &axis in group {
                at[axis] = number % length;
            }
            number /= length;
        }
        let values: Vec<&At<Value>> =
            self.sweep.axes.iter().zip(at).map(|(axis, at)| &axis.values[at]).collect();
        let backend =
            self.sweep.axes.iter().zip(&values).find_map(|(_, value)| match &value.value {
                Value::Backend(backend) => Some(backend.clone()),
                _ => None,
            });
        Point { backend: backend.unwrap_or(Backend::SERIAL), values, derived: RefCell::default() }
    }

    fn fate(&self, point: &Point<'_>) -> Result<Fate> {
        let (ranks, threads) = (self.lanes(point, "ranks")?, self.lanes(point, "threads")?);
        let where_ = format!("backend={}, ranks={ranks}, threads={threads}", point.backend);
        for excluded in &self.sweep.exclude {
            if self.matches(point, excluded)? {
                return Ok(Fate::LeftOut(self::excluded(self.text, excluded)));
            }
        }
        if let Backend::Native { comm: CommKind::Hybrid, .. } = point.backend {
            for (name, count) in [("ranks", ranks), ("threads", threads)] {
                if count == 1 && self.sweep.axis(name).is_some_and(|axis| axis.automatic) {
                    let what = format!("backend=hybrid, {name}=1");
                    let why = format!(
                        "a hybrid has several {name}; to have this too, list its {name} as numbers"
                    );
                    return Ok(Fate::LeftOut(LeftOut { what, why, combinations: 1 }));
                }
            }
        }
        let oversubscribe = !self.machine.has_room(ranks, threads);
        if oversubscribe && !self.may_oversubscribe(point)? {
            let (lanes, room) = (ranks.saturating_mul(threads), self.machine.room());
            let why = format!(
                "needs {lanes} CPUs, {room} may be used; set oversubscribe = true to run it all the same"
            );
            return Ok(Fate::LeftOut(LeftOut { what: where_, why, combinations: 1 }));
        }
        let workload = match self.workload(point)? {
            Ok(workload) => workload,
            Err(left_out) => return Ok(Fate::LeftOut(left_out)),
        };
        let dataset = self.dataset(point, &workload)?;
        // Both fit: an axis has at most `u32::MAX`.
        let (ranks, threads) =
            (u32::try_from(ranks).unwrap_or(u32::MAX), u32::try_from(threads).unwrap_or(u32::MAX));
        let cell = Cell {
            workload,
            dataset,
            backend: point.backend.clone(),
            ranks,
            threads,
            oversubscribe,
            reduction: ReductionName::default(),
        };
        let cell = match self.value(point, parameters::REDUCTION) {
            Some(At { value: Value::Word(wanted), .. }) => {
                reducing(cell, &ReductionName(wanted.clone()))
            }
            _ => cell,
        };
        cell.validate().map_err(|error| {
            let span = self
                .sweep
                .axis("ranks")
                .or(self.sweep.axis("threads"))
                .map_or(0..0, |a| a.values[0].span.clone());
            self.text.error(&span, error.message)
        })?;
        Ok(Fate::Cell(Box::new(cell)))
    }

    fn may_oversubscribe(&self, point: &Point<'_>) -> Result<bool> {
        match &self.sweep.oversubscribe {
            Oversubscribed::All(all) => Ok(*all),
            Oversubscribed::Matching(matches) => {
                for one in matches {
                    if self.matches(point, one)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
        }
    }

    fn matches(&self, point: &Point<'_>, pattern: &Match) -> Result<bool> {
        for (name, scalars) in &pattern.wanted {
            let value = match kind_of(name) {
                Some(_) if name == "backend" => Some(Value::Backend(point.backend.clone())),
                Some(Kind::Whole { .. }) | None => {
                    self.number(point, name)?.map(|n| Value::Whole(n.value))
                }
                Some(_) => self.value(point, name).map(|v| v.value.clone()),
            };
            let equal = |scalar: &Scalar| match (&value, scalar) {
                (Some(Value::Whole(a)), Scalar::Whole(b)) => u64::try_from(*b) == Ok(*a),
                (Some(Value::Real(a)), Scalar::Real(b)) => a == b,
                (Some(Value::Real(a)), Scalar::Whole(b)) => *a == *b as f64,
                (Some(value), Scalar::Word(word)) => value.to_string() == *word,
                _ => false,
            };
            if !scalars.iter().any(equal) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn value<'p>(&self, point: &Point<'p>, name: &str) -> Option<&'p At<Value>> {
        self.sweep
            .axes
            .iter()
            .zip(&point.values)
            .find(|(axis, _)| axis.name == name)
            .map(|(_, value)| *value)
    }

    /// Ranks or threads: 1 where the backend has no use for them.
    fn lanes(&self, point: &Point<'_>, name: &str) -> Result<u64> {
        let used =
            if name == "ranks" { point.backend.uses_ranks() } else { point.backend.uses_threads() };
        if !used {
            return Ok(1);
        }
        match self.given_or_derived(point, name)? {
            Some(count) => Ok(count.value),
            None => {
                let span =
                    self.value(point, "backend").map_or(0..0, |backend| backend.span.clone());
                let message = format!("backend '{}' needs the axis {name}", point.backend);
                Err(self
                    .text
                    .error(&span, message)
                    .hint(format!("add {name} = \"up-to-cores\" or a list to [axes]")))
            }
        }
    }

    /// A whole number of this combination with the place that it comes from.
    fn number(&self, point: &Point<'_>, name: &str) -> Result<Option<At<u64>>> {
        let known = |value| Ok(Some(At::new(value, 0..0)));
        match name {
            "cpus" => known(self.machine.all().into()),
            "lanes" => {
                known(self.lanes(point, "ranks")?.saturating_mul(self.lanes(point, "threads")?))
            }
            "ranks" | "threads" => known(self.lanes(point, name)?),
            _ => self.given_or_derived(point, name),
        }
    }

    fn given_or_derived(&self, point: &Point<'_>, name: &str) -> Result<Option<At<u64>>> {
        if let Some(At { value: Value::Whole(value), span }) = self.value(point, name) {
            return Ok(Some(At::new(*value, span.clone())));
        }
        let Some(derived) = self.sweep.derived.iter().find(|d| d.name == name) else {
            return Ok(None);
        };
        if let Some(&value) = point.derived.borrow().get(name) {
            return Ok(Some(At::new(value, derived.span.clone())));
        }
        let mut parts: Vec<String> = Vec::new();
        let mut value_of = |part: &str, offset: usize| -> std::result::Result<u64, Failed> {
            let own = self.sweep.axis(part).is_some();
            let part_name = if own { part.to_string() } else { part.replace('_', "-") };
            let value = self.number(point, &part_name).map_err(Failed::Error)?.map(|v| v.value);
            let value =
                value.ok_or(Wrong { offset, message: format!("'{part}' has no value here") })?;
            parts.push(format!("{part} = {value}"));
            Ok(value)
        };
        let result = derived.expression.evaluate(&mut value_of);
        let with =
            if parts.is_empty() { String::new() } else { format!(" with {}", parts.join(", ")) };
        match result {
            Ok(fraction) => {
                let most = if let Some(Kind::Whole { most, .. }) = kind_of(name) {
                    most
                } else {
                    i64::MAX as u64
                };
                match fraction.positive_whole() {
                    Some(value) if value <= most => {
                        point.derived.borrow_mut().insert(derived.name.clone(), value);
                        Ok(Some(At::new(value, derived.span.clone())))
                    }
                    _ => Err(self.text.error(
                        &derived.place(0),
                        format!("{name}: expected {}, got {fraction}{with}", range(1, most)),
                    )),
                }
            }
            Err(Failed::Wrong(wrong)) => Err(self
                .text
                .error(&derived.place(wrong.offset), format!("{name}: {}{with}", wrong.message))),
            Err(Failed::Error(error)) => Err(error),
        }
    }

    /// What the workload makes of the combination, or why it is left out.
    fn workload(&self, point: &Point<'_>) -> Result<std::result::Result<WorkloadSpec, LeftOut>> {
        let section = self.manifest.workload.as_ref().map_or(0..0, |w| w.span.clone());
        let given = Given { resolver: self, point, failed: RefCell::new(None) };
        let resolved = self.kind.resolve(&given);
        if let Some(error) = given.failed.into_inner() {
            return Err(error);
        }
        match resolved {
            Ok(spec) => Ok(Ok(spec)),
            Err(Refusal::LeftOut { what, why }) => Ok(Err(LeftOut { what, why, combinations: 1 })),
            Err(Refusal::Wrong { parameter, message, hint }) => {
                let span = parameter.and_then(|name| self.sweep.place(name)).unwrap_or(section);
                Err(self.text.error(&span, message).hint(hint))
            }
            Err(Refusal::Together { first, second, why }) => {
                Err(self.sweep.not_together(self.text, first, second, &why).unwrap_or_else(|| {
                    self.text.error(&section, format!("{second} does not go with {first}"))
                }))
            }
        }
    }

    fn dataset(&self, point: &Point<'_>, workload: &WorkloadSpec) -> Result<Dataset> {
        let least = self.kind.least_rows(workload);
        let section = self.manifest.dataset.as_ref().map_or(0..0, |d| d.span.clone());
        let points = self.number(point, "points")?;
        let seed = self.number(point, "seed")?.map_or(self.seed, |seed| seed.value);
        if let Some(points) = &points
            && let Some(least) = least.as_ref().filter(|least| points.value < least.rows)
        {
            let message = format!("{} points are fewer than {}", points.value, least.what);
            return Err(self
                .text
                .error(&points.span, message)
                .hint(format!("take more points or {}", least.mend)));
        }
        let sample = points.as_ref().map(|points| Sample { points: points.value, seed });
        if let Some(At { value: Value::Word(name), span }) = self.value(point, "dataset") {
            let rows = catalogue::set(name)
                .map(|set| set.rows)
                .map_err(|error| self.text.error(span, error.message))?;
            if let Some(least) = least.filter(|least| rows < least.rows) {
                let message = format!("the {rows} rows of '{name}' are fewer than {}", least.what);
                return Err(self.text.error(span, message).hint(format!("take {}", least.mend)));
            }
            if let Some(points) = points.filter(|points| points.value > rows) {
                let message = format!(
                    "a sample of {} rows cannot be taken from the {rows} rows of '{name}'",
                    points.value
                );
                return Err(self
                    .text
                    .error(&points.span, message)
                    .hint(format!("take at most {rows} points")));
            }
            return Ok(Dataset::Catalogue { name: name.clone(), sample });
        }
        if let Some(At { value: Value::File(file), span }) = self.value(point, "file") {
            let wire = self.manifest.dataset.as_ref().map(|d| &d.value);
            let labels = match wire.and_then(|d| d.labels.as_ref()).map(|l| (&l.value, &l.span)) {
                None | Some((WireLabels::None, _)) => Labels::None,
                Some((WireLabels::LastColumn, _)) => Labels::LastColumn,
                Some((WireLabels::Column(name), _)) => Labels::Column(name.clone()),
                Some((WireLabels::File(path), span)) => {
                    Labels::File(self.existing(path, span, false)?)
                }
            };
            let format = wire.and_then(|d| d.format.as_ref()).map(|f| f.value.clone());
            let path = self.existing(file, span, true)?;
            let dataset = wire.and_then(|d| d.dataset.as_ref()).map(|d| d.value.clone());
            return Ok(Dataset::File { path, format, dataset, labels, sample });
        }
        let Some(Value::Shape(shape)) = self.value(point, "synthetic").map(|v| &v.value) else {
            return Err(self
                .text
                .error(&section, "no rows: expected one of synthetic, name and file in [dataset]")
                .hint(
                    "for example synthetic = \"mixture\", points = 100000, dims = 16, clusters = 8",
                ));
        };
        let needed = |name: &str, value: Option<At<u64>>| {
            value.map(|v| v.value).ok_or_else(|| {
                let message = format!(
                    "{name} is missing in [dataset]: synthetic rows need points, dims and clusters"
                );
                self.text.error(&section, message)
            })
        };
        Ok(Dataset::Synthetic {
            shape: *shape,
            points: needed("points", points)?,
            dims: small(needed("dims", self.number(point, "dims")?)?),
            clusters: small(needed("clusters", self.number(point, "clusters")?)?),
            seed,
        })
    }

    /// The path of a file that the manifest names, or of a folder of them where one `may_be`, seen from
    /// anywhere on this machine.
    fn existing(
        &self,
        written: &str,
        span: &std::ops::Range<usize>,
        may_be_folder: bool,
    ) -> Result<PathBuf> {
        let folder = self.text.file.parent().unwrap_or(Path::new(""));
        let path = folder.join(written);
        let path = std::path::absolute(&path).unwrap_or(path);
        let is_fit = |facts: &std::fs::Metadata| facts.is_file() || may_be_folder && facts.is_dir();
        match std::fs::metadata(&path) {
            // A cell is JSON, and named after what it holds.
            Ok(facts) if is_fit(&facts) && path.to_str().is_none() => Err(self
                .text
                .error(span, format!("the path {} is not UTF-8", path.display()))
                .hint("rename the folder or the file")),
            Ok(facts) if is_fit(&facts) => Ok(path),
            Ok(_) => Err(self.text.error(span, format!("{} is not a file", path.display()))),
            Err(error) => Err(self
                .text
                .error(span, format!("cannot read {}: {error}", path.display()))
                .hint("paths are relative to the manifest's folder")),
        }
    }
}

/// An axis has at most `u32::MAX` where the cell has a `u32`.
fn small(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// How an expression fails: by itself, or in a value that it needs.
enum Failed {
    Wrong(Wrong),
    Error(amdahl_record::error::Error),
}

impl From<Wrong> for Failed {
    fn from(wrong: Wrong) -> Self {
        Failed::Wrong(wrong)
    }
}

/// What a manifest gives for one combination.
struct Given<'a> {
    resolver: &'a Resolver<'a>,
    point: &'a Point<'a>,
    /// The first value that could not be had.
    failed: RefCell<Option<Error>>,
}

impl Given<'_> {
    fn found(&self, name: &str) -> Result<Option<parameter::Value>> {
        let (resolver, point) = (self.resolver, self.point);
        let Some(known) = resolver.kind.parameters().iter().find(|p| p.name == name) else {
            return Ok(None);
        };
        if let parameter::Kind::Whole { .. } = known.kind {
            let number = resolver.number(point, name)?;
            return Ok(number.map(|number| parameter::Value::Whole(number.value)));
        }
        let Some(At { value, span }) = resolver.value(point, name) else { return Ok(None) };
        Ok(Some(match value {
            Value::File(path) => parameter::Value::File(resolver.existing(path, span, false)?),
            Value::Real(value) => parameter::Value::Real(*value),
            other => parameter::Value::Word(other.to_string()),
        }))
    }
}

impl Values for Given<'_> {
    fn get(&self, name: &str) -> Option<parameter::Value> {
        self.found(name).unwrap_or_else(|error| {
            self.failed.borrow_mut().get_or_insert(error);
            None
        })
    }
    fn backend(&self) -> &Backend {
        &self.point.backend
    }
    fn seed(&self) -> u64 {
        self.resolver.seed
    }
}

/// The cell whose answer `cell` must match.
pub fn oracle_of(cell: &Cell) -> Cell {
    reducing(amdahl_workloads::of(&cell.workload).oracle_of(cell), &cell.reduction)
}

/// The cell with this reduction, where it has anything to reduce.
fn reducing(cell: Cell, wanted: &ReductionName) -> Cell {
    let reduction = if cell.reduces() { wanted.clone() } else { ReductionName::default() };
    Cell { reduction, ..cell }
}
