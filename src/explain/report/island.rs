//! The page's data: cells in columns, as JSON that the explorer reads. Numbers are rounded to what can be seen; `facts.json` has them in full.

use serde::Serialize;

use crate::cell::Backend;
use crate::explain::facts::Facts;
use crate::explain::facts::explorer::{Point, Problem};
use crate::explain::figure::style::{hex, of_backend, of_phase};
use crate::explain::figure::trace::quoted;
use crate::explain::report::size::Cut;

#[derive(Serialize)]
struct Island<'a> {
    commands: Commands,
    problems: &'a [Problem],
    backends: Vec<Look<'a>>,
    names: Vec<&'a str>,
    phases: [PhaseLook; 4],
    columns: Columns<'a>,
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
    /// The marker by its name in [`crate::explain::figure::style::Marker`]; the chart draws it.
    marker: String,
    start: &'static str,
}

#[derive(Serialize)]
struct PhaseLook {
    name: &'static str,
    colour: String,
}

/// One entry a cell in each; `oversubscribed` and `failure` name places instead, being rare.
#[derive(Default, Serialize)]
struct Columns<'a> {
    id: Vec<&'a str>,
    problem: Vec<usize>,
    name: Vec<usize>,
    backend: Vec<usize>,
    ranks: Vec<u32>,
    threads: Vec<u32>,
    n: Vec<usize>,
    seconds: Vec<Option<f64>>,
    seconds_ends: [Vec<Option<f64>>; 2],
    speedup: Vec<Option<f64>>,
    speedup_ends: [Vec<Option<f64>>; 2],
    iterations: Vec<Option<u32>>,
    inertia: Vec<Option<f64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phases: Option<Vec<Option<[f64; 4]>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    samples: Option<Vec<Vec<f64>>>,
    oversubscribed: Vec<usize>,
    failure: std::collections::BTreeMap<usize, String>,
}

/// The data as JSON that may stand in a script element: no text in it ends the element or opens a comment.
pub fn island(facts: &Facts, cut: &Cut) -> String {
    let points = &facts.cells[..facts.cells.len().min(cut.cells)];
    let problems = points.iter().map(|point| point.problem + 1).max().unwrap_or(0);
    let folder = quoted(&facts.results);
    let cell = format!("amdahl show {folder} --cell {{ID}} > cell.json");
    let mut names = Names::default();
    let mut backends = Names::default();
    let mut columns = Columns::default();
    for (i, point) in points.iter().enumerate() {
        columns.id.push(&point.id);
        columns.problem.push(point.problem);
        columns.name.push(names.place(&point.name));
        columns.backend.push(backends.place(&point.backend));
        columns.ranks.push(point.ranks);
        columns.threads.push(point.threads);
        columns.n.push(point.n);
        columns.seconds.push(point.seconds.map(|value| rounded(value, 4)));
        columns.speedup.push(point.speedup.map(|value| rounded(value, 4)));
        for end in 0..2 {
            columns.seconds_ends[end].push(point.seconds_interval.map(|ends| rounded(ends[end], 4)));
            columns.speedup_ends[end].push(point.speedup_interval.map(|ends| rounded(ends[end], 4)));
        }
        columns.iterations.push(point.iterations);
        columns.inertia.push(point.inertia.map(|value| rounded(value, 8)));
        if point.oversubscribed {
            columns.oversubscribed.push(i);
        }
        if let Some(failure) = &point.failure {
            columns.failure.insert(i, failure.chars().take(cut.words).collect());
        }
    }
    if cut.phases {
        let phases = |point: &Point| point.phases.map(|parts| parts.map(|value| rounded(value, 3)));
        columns.phases = Some(points.iter().map(phases).collect());
    }
    if cut.samples > 0 {
        columns.samples = Some(points.iter().map(|point| some_of(&point.samples, cut.samples)).collect());
    }
    let island = Island {
        commands: Commands {
            solo: format!("{cell} && amdahl-worker --cell cell.json --record out.json"),
            mpi: format!(
                "{cell} && mpiexec -n {{RANKS}} --bind-to none amdahl-worker --cell cell.json --record out.json"
            ),
            peer: format!(
                "{cell} && amdahl-worker --cell cell.json --export rows --record job.json\n# then the program, as the list of peers starts \
                 it, with: --cell job.json --record out.json"
            ),
        },
        problems: &facts.problems[..problems.min(facts.problems.len())],
        backends: backends.0.iter().map(|name| look(name)).collect(),
        names: names.0,
        phases: ["assign", "update", "reduce", "wait"].map(|word| {
            let (colour, name) = of_phase(word);
            PhaseLook { name, colour: hex(colour) }
        }),
        columns,
    };
    // Numbers and text always have a form in JSON.
    let json = serde_json::to_string(&island).unwrap_or_default();
    json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

/// Texts that are written once and named by their place.
#[derive(Default)]
struct Names<'a>(Vec<&'a str>);

impl<'a> Names<'a> {
    fn place(&mut self, name: &'a str) -> usize {
        self.0.iter().position(|known| *known == name).unwrap_or_else(|| {
            self.0.push(name);
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

/// A number with at most `digits` that count.
fn rounded(value: f64, digits: usize) -> f64 {
    format!("{value:.*e}", digits - 1).parse().unwrap_or(value)
}

/// At most `most` of the values, evenly spread over their order.
fn some_of(values: &[f64], most: usize) -> Vec<f64> {
    let kept = values.len().min(most);
    (0..kept).map(|i| rounded(values[i * values.len() / kept], 4)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_rounded_and_samples_spread() {
        assert_eq!(rounded(0.001_234_56, 4), 0.001_235);
        assert_eq!(rounded(123_456.0, 4), 123_500.0);
        assert_eq!(some_of(&[1.0, 2.0, 3.0, 4.0], 2), [1.0, 3.0]);
        assert_eq!(some_of(&[1.0, 2.0], 5), [1.0, 2.0]);
        assert_eq!(some_of(&[], 5), [0.0; 0]);
    }
}
