//! TALP's JSON: `PROBLEM/SERIES/CELL-repeat-N.json`, for TALP-Pages (`talp ci-report`).
//!
//! TALP is the profiler of the library DLB of the Barcelona Supercomputing Center, and its output
//! the application's POP metrics by region, in nanoseconds of all CPUs together. TALP-Pages reads a
//! folder's files as one series over resources, so there is a folder for each problem and kind of
//! backend. The region `Global` is the timed part: its elapsed time is the repeat's.
//!
//! What is not useful is told apart as POP's hybrid model does. With u the useful time of a lane, U
//! that of the longest lane of its rank, t threads a rank, p lanes and T the elapsed time:
//!
//! ```text
//! of threads    imbalance  = Σ over ranks (t·U - Σu)
//! of ranks      MPI        = p·T - t·ΣU       where there are ranks, else it is scheduling
//! ```

use serde_json::{Value, json};

use crate::analysis::Analysis;
use crate::exchange::profile::{ITERATIONS, Lane, Place, Profile};
use crate::exchange::{Export, Format, Repeats, profile, words};
use crate::export::pretty;
use crate::labels;
use crate::summary::Summary;
use amdahl_record::error::Result;

/// TALP.
pub const FORMAT: Format = Format {
    name: "talp",
    about: "TALP's JSON, a folder a problem and backend: TALP-Pages",
    write,
};

/// The form is that of this version of DLB; TALP-Pages looks it up.
const DLB_VERSION: &str = "3.8";

/// The region that TALP-Pages shows first and takes speedups of.
const GLOBAL: &str = "Global";

fn write(analysis: &Analysis<'_>, repeats: Repeats) -> Result<Export> {
    let summary = analysis.summary;
    let mut export = Export::default();
    let problems = words::problems(summary);
    let profiles = profile::of(summary, repeats, &mut export);
    for profile in &profiles {
        let at = summary.groups.iter().position(|group| std::ptr::eq(group, profile.group));
        let problem = at.map_or("problem", |at| &problems[at]).replace(['/', ':'], "-");
        let series = words::word(&labels::series(&profile.cell.cell));
        let file = profile.folder().replace('/', "-");
        let document = document(profile, summary);
        export.add(format!("{problem}/{series}/{file}.json"), pretty(&document)?);
    }
    let uncounted = |profile: &&Profile<'_>| profile.metric("instructions").is_none();
    let without = profiles.iter().filter(uncounted).count();
    if without > 0 {
        export.notes.push(format!(
            "{without} of {} profiles have no instructions and cycles: TALP writes 0 for that, and TALP-Pages then takes the scaling for weak \
             and shows no global efficiency",
            profiles.len()
        ));
    }
    Ok(export)
}

fn document(profile: &Profile<'_>, summary: &Summary) -> Value {
    let cell = &profile.cell.cell;
    let machines = profile.cell.machines.unwrap_or(1);
    let place = Placement {
        lanes: cell.lanes(),
        threads: cell.threads,
        ranks: if cell.backend.uses_mpi() || cell.ranks > 1 { cell.ranks } else { 0 },
        machines,
    };
    let mut regions = serde_json::Map::new();
    for (i, (name, parent, _)) in profile.tree.iter().enumerate() {
        if parent.is_some() {
            let name = if *name == ITERATIONS { GLOBAL } else { name };
            regions.insert(name.to_string(), region(profile, i, &place));
        }
    }
    let facts = profile.facts(summary).into_iter();
    let facts: serde_json::Map<String, Value> =
        facts.map(|(name, value)| (name.to_string(), value)).collect();
    json!({
        "dlbVersion": DLB_VERSION,
        "timestamp": summary.run.as_ref().map(|run| words::rfc3339(run.started_ms)),
        "resources": {
            "numCpus": place.lanes, "numNodes": machines, "numMpiRanks": place.ranks, "numGpus": 0,
        },
        "Application": regions,
        "amdahl": facts,
    })
}

/// How a cell is spread. `ranks` is 0 where there are none.
struct Placement {
    lanes: u32,
    threads: u32,
    ranks: u32,
    machines: u32,
}

/// Does the lane bring its region nearer to the end there? Outside of the timed part it always does.
fn is_useful(place: &Place) -> bool {
    let role = place.2.map(amdahl_record::Phase::role);
    role.is_some_and(|role| role.computes() || !role.is_timed())
}

/// Nanoseconds of the useful regions at and below a region of the tree.
fn useful(tree: &[Place], lane: &Lane, region: usize) -> u64 {
    let inside = |i: usize| i == region || tree[i].1 == Some(region);
    let regions = (0..tree.len()).filter(|i| inside(*i) && is_useful(&tree[*i]));
    regions.map(|i| lane.time[i].0).sum()
}

fn region(profile: &Profile<'_>, i: usize, place: &Placement) -> Value {
    let times = Times::of(&profile.lanes, i, |lane| useful(&profile.tree, lane, i));
    let all = times.elapsed * u64::from(place.lanes);
    let of_ranks = all.saturating_sub(u64::from(place.threads) * times.longest_of_ranks);
    let imbalance =
        (u64::from(place.threads) * times.longest_of_ranks).saturating_sub(times.useful);
    let (mpi, scheduling) = if place.ranks > 0 { (of_ranks, 0) } else { (0, of_ranks) };
    let share = |part: u64, whole: u64| if whole == 0 { 0.0 } else { part as f64 / whole as f64 };
    let ranks = u64::from(place.ranks.max(1));
    let among = share(times.longest_of_ranks, ranks * times.longest);
    let communication = share(times.longest, times.elapsed);
    // Which lanes share a node is known where there is one.
    let (within_node, among_nodes) = match place.machines {
        1 => (json!(among), json!(1.0)),
        _ => (Value::Null, Value::Null),
    };
    let count = |metric: &str| {
        let of = |m: usize| profile.lanes.iter().map(|lane| lane.counts[m][i].1).sum();
        profile.metric(metric).map_or(0u64, of)
    };
    let calls: u64 = profile.lanes.iter().map(|lane| lane.calls[i]).sum();
    json!({
        "numCpus": place.lanes, "numOmpThreads": place.threads, "numMpiRanks": place.ranks,
        "numNodes": place.machines, "avgCpus": place.lanes, "numGpus": 0,
        "cycles": count("cycles"), "instructions": count("instructions"), "numMeasurements": calls,
        "numMpiCalls": 0, "numOmpParallels": 0, "numOmpTasks": 0, "numGpuRuntimeCalls": 0,
        "elapsedTime": times.elapsed, "usefulTime": times.useful, "mpiTime": mpi,
        "mpiWorkerIdleTime": 0, "ompLoadImbalanceTime": imbalance, "ompSchedulingTime": scheduling,
        "ompOutsideParallelTime": 0, "gpuRuntimeTime": 0,
        "minMpiNormdProc": if place.ranks > 0 { times.elapsed - times.longest } else { 0 },
        "parallelEfficiency": share(times.useful, all),
        "mpiParallelEfficiency": 1.0 - share(mpi, all),
        "mpiCommunicationEfficiency": if place.ranks > 0 { communication } else { 1.0 },
        "mpiLoadBalance": if place.ranks > 0 { among } else { 1.0 },
        "mpiLoadBalanceIn": within_node, "mpiLoadBalanceOut": among_nodes,
        "ompParallelEfficiency": share(all - imbalance - scheduling, all),
        "ompLoadBalance": share(times.useful + mpi, times.useful + mpi + imbalance),
        "ompSchedulingEfficiency": share(all - scheduling, all),
        "ompCoverageEfficiency": 1.0,
    })
}

/// Nanoseconds of a region.
struct Times {
    /// On the lane that was in it longest.
    elapsed: u64,
    /// Useful ones of all lanes.
    useful: u64,
    /// Useful ones of the longest lane.
    longest: u64,
    /// Those of the longest lane of each rank, added up.
    longest_of_ranks: u64,
}

impl Times {
    fn of(lanes: &[Lane], region: usize, useful: impl Fn(&Lane) -> u64) -> Times {
        let mut ranks: Vec<(u32, u64)> = Vec::new();
        for lane in lanes {
            match ranks.iter_mut().find(|(rank, _)| *rank == lane.rank) {
                Some((_, longest)) => *longest = (*longest).max(useful(lane)),
                None => ranks.push((lane.rank, useful(lane))),
            }
        }
        let longest = ranks.iter().map(|(_, longest)| *longest).max().unwrap_or(0);
        let elapsed = lanes.iter().map(|lane| lane.time[region].1).max().unwrap_or(0);
        Times {
            // The clocks' grain: no lane is useful for longer than the region lasts.
            elapsed: elapsed.max(longest),
            useful: lanes.iter().map(useful).sum(),
            longest,
            longest_of_ranks: ranks.iter().map(|(_, longest)| longest).sum(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane(rank: u32, useful: u64) -> Lane {
        Lane {
            rank,
            thread: 0,
            calls: vec![1],
            time: vec![(0, 100)],
            counts: vec![useful_of(useful)],
        }
    }

    fn useful_of(useful: u64) -> Vec<(u64, u64)> {
        vec![(useful, useful)]
    }

    #[test]
    fn ranks_count_by_their_longest_lane() {
        let lanes = [lane(0, 80), lane(0, 60), lane(1, 90), lane(1, 70)];
        let times = Times::of(&lanes, 0, |lane| lane.counts[0][0].0);
        assert_eq!((times.elapsed, times.useful), (100, 300));
        assert_eq!((times.longest, times.longest_of_ranks), (90, 170));
    }
}
