//! What several formats call things: names without ids, for readers that pair what is called alike,
//! and points in time.

use std::collections::BTreeMap;

use crate::labels;
use crate::summary::{CellSummary, Group, Summary};
use amdahl_record::cell::Cell;
use amdahl_record::units;

/// The names of the cells, in their order: `kmeans/synthetic-mixture/n:1000/d:2/k:3/threads/lanes:2`.
pub fn cells(summary: &Summary) -> Vec<String> {
    let of_group = |(group, problem): (&Group, String)| {
        let names = group.cells.iter().map(|cell| format!("{problem}/{}", spread(cell)));
        names.collect::<Vec<String>>()
    };
    numbered(summary.groups.iter().zip(problems(summary)).flat_map(of_group).collect())
}

/// The names of the groups, in their order. Problems that differ in something else than what is
/// named are numbered, as they follow each other in the summary.
pub fn problems(summary: &Summary) -> Vec<String> {
    numbered(summary.groups.iter().map(problem).collect())
}

/// As a part of a name: without blanks, slashes and brackets.
pub fn word(text: &str) -> String {
    let plain = |c: char| if c.is_alphanumeric() || "._+".contains(c) { c } else { '-' };
    let plain: String = text.chars().map(plain).collect();
    // A name of dots would be a folder's.
    plain.split(['-', '.']).filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-")
}

/// A Unix time in milliseconds as `2026-01-31T23:59:00+00:00`.
pub fn rfc3339(unix_ms: u64) -> String {
    let of_day = unix_ms / 1000 % 86_400;
    let (hours, minutes, seconds) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    format!("{}T{hours:02}:{minutes:02}:{seconds:02}+00:00", units::day(unix_ms))
}

/// Equal names with numbers from the second one on.
fn numbered(names: Vec<String>) -> Vec<String> {
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    let number = |name: String| {
        let count = seen.entry(name.clone()).and_modify(|count| *count += 1).or_insert(1);
        if *count == 1 { name } else { format!("{name}/no:{count}") }
    };
    names.into_iter().map(number).collect()
}

fn problem(group: &Group) -> String {
    let own = labels::own_sizes(&group.workload).into_iter();
    let own: String = own.map(|(name, size)| format!("/{}:{size}", name.symbol)).collect();
    let size = |value: Option<u64>| value.map_or("unknown".into(), |value| value.to_string());
    format!(
        "{}/{}/n:{}/d:{}{own}",
        group.workload.kind,
        word(&labels::dataset_name(&group.dataset)),
        size(group.rows),
        size(group.dims.map(u64::from)),
    )
}

/// `serial/lanes:1`, `hybrid/lanes:2x3` (ranks × threads).
fn spread(cell: &CellSummary) -> String {
    let Cell { backend, ranks, threads, .. } = &cell.cell;
    let lanes = match backend.uses_mpi() && backend.uses_threads() {
        true => format!("{ranks}x{threads}"),
        false => cell.cell.lanes().to_string(),
    };
    format!("{}/lanes:{lanes}", word(&labels::series(&cell.cell)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_in_time() {
        assert_eq!(rfc3339(1_700_000_000_000), "2023-11-14T22:13:20+00:00");
        assert_eq!(rfc3339(951_782_400_000), "2000-02-29T00:00:00+00:00");
    }

    #[test]
    fn equal_names_are_numbered_and_words_are_plain() {
        let names = numbered(["a", "b", "a", "a"].map(String::from).to_vec());
        assert_eq!(names, ["a", "b", "a/no:2", "a/no:3"]);
        assert_eq!(word("synthetic mixture (16 clusters)"), "synthetic-mixture-16-clusters");
        assert_eq!(word("../x.npy"), "x-npy");
        assert_eq!(word("mpi+trainium bf16"), "mpi+trainium-bf16");
    }
}
