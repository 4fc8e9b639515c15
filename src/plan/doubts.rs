//! What a plan asks for that will hardly go well on this machine.

use super::Row;
use amdahl_record::units;
use amdahl_run::plan::Experiment;

/// Notes on cells that are expected to meet the time limit, or whose rows are more than the
/// machine's memory.
pub(super) fn notes(
    rows: &[Row<'_>],
    experiment: &Experiment,
    memory_bytes: Option<u64>,
) -> Vec<String> {
    let mut notes = Vec::new();
    let cells = |n: usize| if n == 1 { "1 cell is".to_string() } else { format!("{n} cells are") };
    let limit = experiment.time_limit_s;
    let missing = |row: &&Row<'_>| row.done.unwrap_or(0) < row.planned.repeats;
    let long: Vec<f64> = rows
        .iter()
        .filter(missing)
        .filter_map(|row| row.cost.seconds)
        .filter(|s| *s > limit)
        .collect();
    if let Some(longest) = long.iter().copied().reduce(f64::max) {
        notes.push(format!(
            "{} expected to take longer than the time limit of {}, up to {}: raise time-limit, or ask for less",
            cells(long.len()),
            units::seconds(limit),
            units::seconds(longest)
        ));
    }
    let Some(memory) = memory_bytes else { return notes };
    // f32 values; the packed copy takes their place.
    let bytes = |row: &Row<'_>| Some(row.shape.0?.saturating_mul(row.shape.1?).saturating_mul(4));
    let large: Vec<u64> =
        rows.iter().filter(missing).filter_map(bytes).filter(|bytes| *bytes > memory).collect();
    if let Some(most) = large.iter().copied().max() {
        notes.push(format!(
            "the rows of {} too many for the memory of this machine ({}): up to {}",
            cells(large.len()),
            units::bytes(memory as f64),
            units::bytes(most as f64)
        ));
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;
    use amdahl_run::plan::cost::Estimator;
    use amdahl_run::plan::{Machine, parse};

    #[test]
    fn what_takes_too_long_or_too_much_is_said_before_it_runs() {
        let text = |points: u64| {
            format!(
                "workload = {{ kind = \"kmeans\", iterations = 10, k = 8 }}\n\
                 dataset = {{ synthetic = \"mixture\", points = {points}, dims = 16, clusters = 8 }}\n\
                 axes = {{ backend = [\"serial\", \"threads\"], threads = [2] }}"
            )
        };
        let said = |points, memory| {
            let machine = Machine::of(2);
            let plan = parse(&text(points), "a.toml".as_ref(), machine).expect("a good manifest");
            let estimator = Estimator::default();
            let rows = plan.cells.iter().map(|planned| Row {
                planned,
                done: Some(0),
                cost: estimator.cost(planned, machine),
                shape: estimator.shape(planned),
            });
            notes(&rows.collect::<Vec<_>>(), &plan.experiment, memory)
        };
        assert_eq!(said(1000, Some(1 << 30)), Vec::<String>::new());
        let notes = said(10_000_000_000, Some(1 << 30));
        assert!(
            notes[0]
                .starts_with("2 cells are expected to take longer than the time limit of 10.0 min"),
            "{notes:?}"
        );
        assert_eq!(
            notes[1],
            "the rows of 2 cells are too many for the memory of this machine (1.00 GiB): up to 596 GiB"
        );
        assert_eq!(said(10_000_000_000, None).len(), 1, "where the memory is not known");
    }
}
