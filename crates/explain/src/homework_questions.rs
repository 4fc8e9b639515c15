//! Three questions about several processes, answered from the records: do they help on one machine,
//! do they help with MPI, and do they change the accuracy? They are answered where real data have
//! true labels and some cells have several lanes: how well the clusters of synthetic rows are found
//! again says nothing of a person's data.

use crate::labels;
use crate::summary::{CellSummary, Group};
use amdahl_record::cell::{Backend, CommKind, Dataset, Peer, PeerLanes, ReductionName};
use amdahl_record::units;
use amdahl_stats::{Bootstrap, Estimate};

/// The measures of accuracy, as records and people call them.
const MEASURES: [(&str, &str); 3] = [("nmi", "NMI"), ("ari", "ARI"), ("purity", "purity")];

/// A question with its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The question.
    pub question: &'static str,
    /// Sentences, each a fact.
    pub facts: Vec<String>,
}

/// The three answers for a group; empty where it has no true labels or no cell of several lanes.
pub fn answers(group: &Group) -> Vec<Answer> {
    let timed = || group.cells.iter().filter(|cell| cell.time.is_some() && !cell.oversubscribed);
    if matches!(group.dataset, Dataset::Synthetic { .. })
        || timed().all(|cell| cell.quality.is_empty())
        || timed().all(|cell| cell.cell.lanes() < 2)
    {
        return Vec::new();
    }
    vec![
        Answer {
            question: "Do more processes help on one machine?",
            facts: helps(group, is_on_one_machine),
        },
        Answer {
            question: "Do more processes help with MPI?",
            facts: helps(group, |b| b.uses_mpi()),
        },
        Answer { question: "Do they change the accuracy?", facts: accuracy(group) },
    ]
}

fn is_on_one_machine(backend: &Backend) -> bool {
    match backend {
        Backend::Native { comm, .. } => *comm == CommKind::Threads,
        Backend::Peer(Peer { lanes, .. }) => {
            matches!(lanes, PeerLanes::Threads | PeerLanes::Processes)
        }
    }
}

/// A sentence for each program that was run on several numbers of lanes, and those of our one lane
/// beside them.
fn helps(group: &Group, wanted: impl Fn(&Backend) -> bool) -> Vec<String> {
    let mut programs: Vec<(&Backend, &ReductionName)> = Vec::new();
    for cell in group.cells.iter().filter(|cell| cell.time.is_some() && !cell.oversubscribed) {
        let program = (&cell.cell.backend, &cell.cell.reduction);
        // One lane reduces nothing: it belongs to every reduction.
        if wanted(program.0) && cell.cell.lanes() > 1 && !programs.contains(&program) {
            programs.push(program);
        }
    }
    let facts: Vec<String> = programs
        .into_iter()
        .filter_map(|(backend, reduction)| of_program(group, backend, reduction))
        .collect();
    if facts.is_empty() {
        vec!["Not answered: no such program was measured with fewer and with more lanes.".into()]
    } else {
        facts
    }
}

fn of_program(group: &Group, backend: &Backend, reduction: &ReductionName) -> Option<String> {
    let cells = || {
        group
            .cells
            .iter()
            .filter(|c| c.cell.backend == *backend && c.time.is_some() && !c.oversubscribed)
            .filter(|c| c.cell.reduction == *reduction || c.cell.lanes() == 1)
    };
    let most = cells().max_by_key(|c| c.cell.lanes()).filter(|c| c.cell.lanes() > 1)?;
    // The same program with one lane; of ours, that is the serial one where there is no such cell.
    let one = cells().find(|c| c.cell.lanes() == 1).or_else(|| {
        let serial =
            || group.cells.iter().find(|c| c.cell.backend == Backend::SERIAL && c.time.is_some());
        if backend.peer().is_none() { serial() } else { None }
    });
    let serial = group.cells.iter().find(|c| c.cell.backend == Backend::SERIAL && c.time.is_some());
    let beside = match (serial, backend.peer()) {
        (Some(serial), Some(_)) if most.cell != serial.cell => times(most, serial).map(|ratio| {
            format!(
                " It takes {} times as long as one lane of ours.",
                units::significant(ratio.value)
            )
        }),
        _ => None,
    };
    let what = labels::cell(&most.cell);
    let sentence = match one {
        None => format!("{what}: not known, it was not measured with one lane."),
        Some(one) => {
            let ratio = times(one, most)?;
            let interval = ratio.interval.map_or("too few repeats for an interval".into(), |i| {
                format!("95 % interval {:.2} to {:.2}", i.low, i.high)
            });
            let (low, high) = ratio.interval.map_or((0.0, f64::INFINITY), |i| (i.low, i.high));
            let beside_one = format!(
                "{:.2} times as fast as {} ({interval})",
                ratio.value,
                labels::cell(&one.cell)
            );
            if low > 1.0 {
                format!("Yes: {what} is {beside_one}.")
            } else if high < 1.0 {
                format!("No: {what} is {beside_one}: slower.")
            } else {
                format!("It cannot be told: {what} is {beside_one}.")
            }
        }
    };
    Some(sentence + &beside.unwrap_or_default())
}

/// Median time of `top` over that of `bottom`.
fn times(top: &CellSummary, bottom: &CellSummary) -> Option<Estimate> {
    Bootstrap::default().ratio_of_medians(&top.samples(), &bottom.samples())
}

/// Whether ours agree, and how far others are away, by the measures that the records have.
fn accuracy(group: &Group) -> Vec<String> {
    let measured = || group.cells.iter().filter(|c| c.time.is_some() && !c.quality.is_empty());
    let ours: Vec<&CellSummary> = measured().filter(|c| c.cell.backend.peer().is_none()).collect();
    let mut facts = Vec::new();
    // Accelerators may be asked for other arithmetic: what is compared is the number of lanes.
    let mut series: Vec<String> = ours.iter().map(|c| labels::series(&c.cell)).collect();
    series.sort();
    series.dedup();
    let of = |name: &String| -> Vec<&CellSummary> {
        ours.iter().copied().filter(|c| labels::series(&c.cell) == *name).collect()
    };
    let agrees =
        |a: &CellSummary, b: &CellSummary| a.quality == b.quality && a.objective == b.objective;
    if let Some(first) = ours.first() {
        let most = ours.iter().map(|c| c.cell.lanes()).max().unwrap_or(1);
        let by_lanes =
            series.iter().all(|name| of(name).windows(2).all(|pair| agrees(pair[0], pair[1])));
        let same = ours.iter().filter(|c| agrees(c, first)).count();
        let others: Vec<String> = (series.iter().filter_map(|name| of(name).first().copied()))
            .filter(|c| !agrees(c, first))
            .map(|c| format!("{} has {}", labels::series(&c.cell), words(c)))
            .collect();
        let values = words(first);
        facts.push(match (by_lanes, others.is_empty()) {
            (true, true) => {
                format!("No: all {same} cells of ours, on up to {most} lanes, have {values}, to the last bit.")
            }
            (true, false) => format!(
                "No: {same} cells of ours, on up to {most} lanes, have {values}, to the last bit. Other arithmetic does: {}, with any number of \
                 lanes.",
                others.join("; ")
            ),
            (false, _) => format!("Yes: cells of ours differ; {} has {values}.", labels::cell(&first.cell)),
        });
    }
    let mut peers: Vec<&Backend> = Vec::new();
    for cell in measured().filter(|c| c.cell.backend.peer().is_some()) {
        if !peers.contains(&&cell.cell.backend) {
            peers.push(&cell.cell.backend);
        }
    }
    for backend in peers {
        let cells: Vec<&CellSummary> = measured().filter(|c| c.cell.backend == *backend).collect();
        let values = words(cells[0]);
        let spread = MEASURES.iter().map(|(key, _)| spread(&cells, key)).fold(0.0, f64::max);
        facts.push(match cells.len() {
            1 => format!("{} has {values}.", labels::cell(&cells[0].cell)),
            n if spread == 0.0 => format!("{backend} has {values} in all {n} cells."),
            n => format!(
                "{backend} has {values} with {} lanes; its {n} cells differ by up to {spread:.1e}.",
                cells[0].cell.lanes()
            ),
        });
    }
    facts
}

fn spread(cells: &[&CellSummary], key: &str) -> f64 {
    let values = || cells.iter().filter_map(|c| c.quality.get(key).copied());
    values().fold(f64::NEG_INFINITY, f64::max) - values().fold(f64::INFINITY, f64::min)
}

/// `NMI 0.508, ARI 0.398, purity 0.599`.
fn words(cell: &CellSummary) -> String {
    let value =
        |(key, name): &(&str, &str)| cell.quality.get(*key).map(|v| format!("{name} {v:.4}"));
    MEASURES.iter().filter_map(value).collect::<Vec<_>>().join(", ")
}
