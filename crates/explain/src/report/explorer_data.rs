//! The page's data: cells in columns, as JSON that the explorer reads. Numbers are rounded to what
//! can be seen; `facts.json` has them in full.

use serde::Serialize;

use crate::figure::style::{hex, of_backend, of_phase};
use crate::figure::trace::quoted;
use crate::labels;
use crate::report::size::Cut;
use crate::report_model::Facts;
use crate::report_model::explorer::{Point, Problem};
use amdahl_record::cell::Backend;
use amdahl_record::visible::visible;
use amdahl_workload::SizeName;

#[derive(Serialize)]
struct Island<'a> {
    commands: Commands,
    datasets: Vec<&'a str>,
    problems: Problems<'a>,
    backends: Vec<Look<'a>>,
    kinds: Vec<(&'a str, usize, u32, u32)>,
    phases: Vec<PhaseLook>,
    cells: Columns<'a>,
}

/// How a cell is run again; `{ID}` and `{RANKS}` stand for its own.
#[derive(Serialize)]
struct Commands {
    solo: String,
    mpi: String,
    peer: String,
}

/// How a backend looks, and which of the commands starts it.
#[derive(Serialize)]
struct Look<'a> {
    name: &'a str,
    colour: String,
    /// The marker by its name in [`crate::figure::style::Marker`]; the chart draws it.
    marker: String,
    start: &'static str,
}

#[derive(Serialize)]
struct PhaseLook {
    name: &'static str,
    colour: String,
}

/// One entry a problem in each.
#[derive(Default, Serialize)]
struct Problems<'a> {
    heading: Vec<&'a str>,
    dataset: Vec<usize>,
    rows: Vec<Option<u64>>,
    dims: Vec<Option<u32>>,
    /// The workloads' own sizes.
    sizes: Vec<Size>,
}

/// A size of workloads beside rows and columns, with one value a problem; null where its workload
/// has no such size.
#[derive(Serialize)]
struct Size {
    key: &'static str,
    symbol: &'static str,
    many: &'static str,
    values: Vec<Option<u64>>,
}

/// One entry a cell in each; `base`, `oversubscribed` and `failure` name places instead, being
/// rare.
#[derive(Default, Serialize)]
struct Columns<'a> {
    id: Vec<&'a str>,
    /// Place of the problem, less that of the cell before.
    problem: Vec<i64>,
    /// Place of (name, backend, ranks, threads) among the kinds.
    kind: Vec<usize>,
    n: Vec<usize>,
    /// Microseconds.
    time: Vec<Option<Short>>,
    time_ends: [Vec<Option<Short>>; 2],
    speedup: Vec<Option<Short>>,
    speedup_ends: [Vec<Option<Short>>; 2],
    iterations: Vec<Option<u32>>,
    objective: Vec<Objective>,
    /// Microseconds in each phase.
    #[serde(skip_serializing_if = "Option::is_none")]
    phases: Option<Vec<Option<Vec<Short>>>>,
    /// Microseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    samples: Option<Vec<Vec<Short>>>,
    base: Vec<usize>,
    oversubscribed: Vec<usize>,
    failure: std::collections::BTreeMap<usize, String>,
}

/// The objective of a cell.
#[derive(Serialize)]
#[serde(untagged)]
enum Objective {
    /// That of the cell before: the usual case, for a right answer is the same on any number of
    /// lanes. Written as `true`.
    Same(bool),
    /// A number, or null where there is none.
    Own(Option<Short>),
}

/// A number in few letters: whole numbers have no point.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Short(f64);

impl Serialize for Short {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.0.fract() == 0.0 && self.0.abs() < 1e15 {
            true => to.serialize_i64(self.0 as i64),
            false => to.serialize_f64(self.0),
        }
    }
}

/// The data as JSON that may stand in a script element: no text in it ends the element or opens a
/// comment.
pub fn island(facts: &Facts, cut: &Cut) -> String {
    let points = &facts.cells[..facts.cells.len().min(cut.cells)];
    let known =
        points.iter().map(|point| point.problem + 1).max().unwrap_or(0).min(facts.problems.len());
    let mut datasets = Listed::default();
    let mut backends = Listed::default();
    let mut kinds = Listed::default();
    let mut problems = Problems::default();
    for problem in &facts.problems[..known] {
        problems.heading.push(&problem.heading);
        problems.dataset.push(datasets.place(problem.dataset.as_str()));
        problems.rows.push(problem.rows);
        problems.dims.push(problem.dims);
    }
    problems.sizes = sizes(&facts.problems[..known]);
    let mut cells = Columns::default();
    let mut before: Option<&Point> = None;
    for (i, point) in points.iter().enumerate() {
        let backend = backends.place(point.backend.as_str());
        cells.id.push(&point.id);
        cells.problem.push(point.problem as i64 - before.map_or(0, |before| before.problem as i64));
        cells.kind.push(kinds.place((point.name.as_str(), backend, point.ranks, point.threads)));
        cells.n.push(point.n);
        cells.time.push(point.seconds.map(|value| micros(value, 4)));
        cells.speedup.push(point.speedup.map(|value| rounded(value, 6)));
        for end in 0..2 {
            cells.time_ends[end].push(point.seconds_interval.map(|ends| micros(ends[end], 3)));
            cells.speedup_ends[end].push(point.speedup_interval.map(|ends| rounded(ends[end], 3)));
        }
        cells.iterations.push(point.iterations);
        let objective = point.objective.map(|value| rounded(value, 8));
        let same = objective.is_some()
            && objective == before.and_then(|p| p.objective).map(|value| rounded(value, 8));
        cells.objective.push(if same { Objective::Same(true) } else { Objective::Own(objective) });
        if facts
            .problems
            .get(point.problem)
            .is_some_and(|problem| problem.base.as_ref() == Some(&point.id))
        {
            cells.base.push(i);
        }
        if point.oversubscribed {
            cells.oversubscribed.push(i);
        }
        if let Some(failure) = &point.failure {
            cells.failure.insert(i, failure.chars().take(cut.words).collect());
        }
        before = Some(point);
    }
    if cut.phases {
        let phases = |point: &Point| {
            let parts = point.phases.as_ref()?;
            Some(parts.iter().map(|value| micros(*value, 3)).collect())
        };
        cells.phases = Some(points.iter().map(phases).collect());
    }
    if cut.samples > 0 {
        cells.samples =
            Some(points.iter().map(|point| some_of(&point.samples, cut.samples)).collect());
    }
    let island = Island {
        commands: commands(&facts.results),
        datasets: datasets.0,
        problems,
        backends: backends.0.iter().map(|name| look(name)).collect(),
        kinds: kinds.0,
        phases: facts
            .phases
            .iter()
            .map(|part| {
                let (colour, name) = of_phase(part.name);
                PhaseLook { name, colour: hex(colour) }
            })
            .collect(),
        cells,
    };
    // Numbers and text always have a form in JSON.
    let json = serde_json::to_string(&island).unwrap_or_default();
    // What the page shows of it shows marks of direction too.
    visible(&json).replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

/// The sizes that some of the problems have.
fn sizes(problems: &[Problem]) -> Vec<Size> {
    let size = |name: &'static SizeName| Size {
        key: name.key,
        symbol: name.symbol,
        many: name.many,
        values: problems.iter().map(|problem| problem.sizes.get(name.key).copied()).collect(),
    };
    let all = labels::all_own_sizes().into_iter().map(size);
    all.filter(|size| size.values.iter().any(Option::is_some)).collect()
}

fn commands(folder: &str) -> Commands {
    let cell = format!("amdahl show {} --cell {{ID}} > cell.json", quoted(folder));
    let run = "amdahl-worker --cell cell.json --record out.json";
    Commands {
        solo: format!("{cell} && {run}"),
        mpi: format!("{cell} && mpiexec -n {{RANKS}} --bind-to none {run}"),
        peer: format!(
            "{cell} && amdahl-worker --cell cell.json --export rows --record job.json\n# then the program, as the list of peers starts it, \
             with: --cell job.json --record out.json"
        ),
    }
}

/// What is written once and named by its place.
struct Listed<T>(Vec<T>);

impl<T> Default for Listed<T> {
    fn default() -> Self {
        Listed(Vec::new())
    }
}

impl<T: PartialEq> Listed<T> {
    fn place(&mut self, value: T) -> usize {
        self.0.iter().position(|known| *known == value).unwrap_or_else(|| {
            self.0.push(value);
            self.0.len() - 1
        })
    }
}

fn look(name: &str) -> Look<'_> {
    let (colour, marker) = of_backend(name);
    let start = match Backend::from_name(name) {
        None => "peer",
        Some(backend) if backend.uses_mpi() => "mpi",
        Some(_) => "solo",
    };
    Look { name, colour: hex(colour), marker: format!("{marker:?}"), start }
}

/// A number with `digits` that count; with more where it would end in a 5, which could be rounded
/// the other way when it is shown.
fn rounded(value: f64, digits: usize) -> Short {
    let short = format!("{value:.*e}", digits - 1);
    let mantissa = short.split('e').next().unwrap_or("").trim_end_matches('0');
    let digits = if mantissa.ends_with('5') { 9 } else { digits };
    Short(format!("{value:.*e}", digits - 1).parse().unwrap_or(value))
}

/// Seconds as microseconds.
fn micros(seconds: f64, digits: usize) -> Short {
    rounded(seconds * 1e6, digits)
}

/// At most `most` of the times, evenly spread over their order.
fn some_of(seconds: &[f64], most: usize) -> Vec<Short> {
    let kept = seconds.len().min(most);
    (0..kept).map(|i| micros(seconds[i * seconds.len() / kept], 4)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_samples_spread() {
        let text = |number: Short| serde_json::to_string(&number).expect("JSON");
        assert_eq!(
            text(micros(0.001_234_56, 4)),
            "1234.56",
            "a last 5 could be rounded either way"
        );
        assert_eq!(text(micros(0.001_234_36, 4)), "1234");
        assert_eq!(text(rounded(0.123_44, 4)), "0.1234");
        assert_eq!(text(rounded(1.0, 4)), "1");
        assert_eq!(some_of(&[1.0, 2.0, 3.0, 4.0], 2), [Short(1e6), Short(3e6)]);
        assert_eq!(some_of(&[1.0, 2.0], 5).len(), 2);
        assert_eq!(some_of(&[], 5), []);
    }

    #[test]
    fn what_is_shown_does_not_depend_on_the_rounding() {
        for i in 1..20_000 {
            let value = f64::from(i) * 0.000_123_457;
            let Short(short) = rounded(value, 4);
            assert_eq!(
                amdahl_record::units::significant(short),
                amdahl_record::units::significant(value),
                "{value}"
            );
        }
    }
}
