//! One cell's repeats to its estimates.

use std::collections::BTreeMap;

use crate::roofline_bound::{Floor, floor, of_chip};
use crate::summary::times::{LaneTimes, sum, useful};
use crate::summary::{CellSummary, FailedRepeats, Found, PhaseTime, Repeat, bad_end};
use crate::warning::{CROWDED, HIGH_STEAL, PROBING, THROTTLED};
use amdahl_record::accelerators;
use amdahl_record::cell::{Cell, CellId};
use amdahl_record::host::HostFacts;
use amdahl_record::read::Results;
use amdahl_record::shared::Shared;
use amdahl_record::{Key, LaneFacts, Measured, Phase, Record, Role};
use amdahl_stats::{Bootstrap, median};
use amdahl_workload::Facts;

/// Summarises the records of one cell, of which there is at least one, oldest first.
pub(super) fn summarise(
    id: &CellId,
    cell: &Cell,
    records: &[&Record],
    results: &Results,
    bootstrap: Bootstrap,
    found: &mut Found,
) -> CellSummary {
    // The key of the newest good repeat; of the newest repeat where none is good.
    let newest = records.iter().rfind(|r| r.counts()).unwrap_or(&records[records.len() - 1]);
    let key = newest.key.clone();
    let (mine, others): (Vec<&Record>, Vec<&Record>) =
        records.iter().copied().partition(|r| r.key == key);
    if !others.is_empty() {
        found.left_out.0 += others.len();
        found.left_out.1.push(id.clone());
    }

    let mut good: Vec<(&Record, &Shared<Measured>)> = Vec::new();
    for record in &mine {
        match &record.measured {
            Some(measured)
                if record.counts() && measured.seconds.is_finite() && measured.seconds > 0.0 =>
            {
                good.push((record, measured));
            }
            Some(_) if record.counts() => found.unusable_time += 1,
            _ => {}
        }
    }
    let newest = good.last().map(|(_, measured)| *measured);
    good.sort_by_key(|(record, _)| record.repeat);
    let host = results.hosts.get(&key.host);
    let oversubscribed = oversubscribed(cell, newest, host);
    let shares_cores = !oversubscribed && shares_cores(cell, newest, host);
    notice(id, cell, oversubscribed, &good, found);

    let from =
        good.iter().rev().find_map(|(_, m)| m.reading("wall").filter(|r| r.values.is_some())?.from);
    let repeats: Vec<Repeat> = good
        .iter()
        .map(|(record, measured)| Repeat {
            repeat: record.repeat,
            seconds: measured.seconds,
            process_s: record.process_s,
            lanes: LaneTimes::of(measured, from),
            measured: (*measured).clone(),
        })
        .collect();
    let workload = amdahl_workloads::of(&cell.workload);
    let answer = newest.map(|m| workload.facts(&cell.workload, &m.answer));
    let answer = answer.as_ref();
    let (phases, (unaccounted_s, unaccounted_mean_s), imbalance) = phases(cell, &repeats);
    let of = |value: fn(&Repeat) -> Option<f64>| {
        bootstrap.median(&repeats.iter().filter_map(value).collect::<Vec<_>>())
    };
    let middle = |value: fn(&Measured) -> Option<f64>| {
        median(&good.iter().filter_map(|(_, measured)| value(measured)).collect::<Vec<_>>())
    };
    let time = of(|r| Some(r.seconds));
    let floor = match (newest, answer) {
        (Some(measured), Some(answer)) => of_cell(cell, &key, measured, answer, results),
        _ => Err("no good repeat".into()),
    };
    let an_iteration = time
        .zip(answer)
        .filter(|(_, a)| a.iterations > 0)
        .map(|(t, a)| t.value / f64::from(a.iterations));
    CellSummary {
        id: id.clone(),
        cell: cell.clone(),
        oversubscribed,
        shares_cores,
        of_floor: floor
            .as_ref()
            .ok()
            .zip(an_iteration)
            .map(|(floor, seconds)| floor.seconds / seconds),
        floor_why: floor.as_ref().err().cloned(),
        floor: floor.ok(),
        time,
        process_time: of(|r| r.process_s),
        machines: newest.and_then(|measured| machines(cell, measured)),
        price: None,
        phases_from: from.filter(|_| !phases.is_empty()),
        phases,
        unaccounted_s,
        unaccounted_mean_s,
        imbalance,
        speedup: None,
        efficiency: None,
        karp_flatt: None,
        iterations: answer.map(|a| a.iterations),
        rows: answer.and_then(|a| a.rows),
        dims: answer.and_then(|a| a.columns),
        operations_share: answer.and_then(operations_share),
        objective: answer.and_then(|a| a.objective.clone()),
        quality: answer.map(|a| a.quality.clone()).unwrap_or_default(),
        cpu_s: middle(cpu),
        load_s: middle(load),
        peak_rss_bytes: middle(|m| m.peak_rss_bytes.map(|bytes| bytes as f64)),
        peer: newest.and_then(|m| m.peer.clone()).map(Shared::take),
        platform: newest.map(|m| m.platform.to_string()),
        kernel: newest.map(|m| m.kernel.to_string()),
        failures: failures(&mine),
        repeats,
        key: key.take(),
    }
}

/// Machines that a cell ran on, where its lanes say.
fn machines(cell: &Cell, measured: &Measured) -> Option<u32> {
    if cell.ranks == 1 {
        return Some(1);
    }
    let first: Option<Vec<bool>> =
        measured.lanes.iter().map(|lane| Some(lane.node_index? == 0)).collect();
    let machines = first?.into_iter().filter(|first| *first).count() as u32;
    (machines > 0).then_some(machines)
}

/// Operations that were made over those of the plain method.
fn operations_share(answer: &Facts) -> Option<f64> {
    let plain = answer.plain_operations.filter(|plain| *plain > 0.0)?;
    Some(answer.operations? / plain)
}

/// A phase with a smaller share of the timed part than this decides nothing, whatever the probes
/// take of it; its metrics are refused where the probes disturb them.
const MATTERS: f64 = 0.01;

/// Counters of the processor, whose numbers hold a part of what reading them takes.
const COUNTERS: [&str; 4] = ["instructions", "cycles", "cache-references", "L1D-loads"];

/// Of each timed phase that matters, the time of reading the probes at its beginnings as a share of
/// its own, all lanes together.
fn probing(measured: &Measured) -> impl Iterator<Item = (Phase, f64)> {
    let seconds = |metric: &str, phase: Phase| -> f64 {
        let reading = measured.reading(metric);
        reading.map_or(0.0, |r| r.lanes().filter_map(|lane| r.value(lane, phase)).sum())
    };
    let timed: f64 = Phase::timed().into_iter().map(|phase| seconds("wall", phase)).sum();
    // Where none was read, the reading is in no number that is told: phases leave it out.
    let counted =
        COUNTERS.iter().any(|metric| measured.reading(metric).is_some_and(|r| r.values.is_some()));
    let matters = move |phase: &Phase| counted && seconds("wall", *phase) > MATTERS * timed;
    Phase::timed()
        .into_iter()
        .filter(matters)
        .map(move |phase| (phase, seconds("probing", phase) / seconds("wall", phase)))
}

/// CPU seconds of the timed part, all lanes together.
fn cpu(measured: &Measured) -> Option<f64> {
    if let Some(peer) = &measured.peer {
        return peer.cpu_seconds;
    }
    let reading = measured.reading("cpu")?;
    let lanes = reading.values.as_ref()?.len();
    let timed = Phase::timed();
    let of_lane = |lane: usize| timed.iter().map(|p| reading.at(lane, *p)).sum::<Option<f64>>();
    (0..lanes).map(of_lane).sum()
}

/// Seconds that reading the rows took on the slowest lane.
fn load(measured: &Measured) -> Option<f64> {
    match &measured.peer {
        Some(peer) => peer.load_seconds,
        None => measured.wall(Phase::LOAD).into_iter().reduce(f64::max),
    }
}

/// The floor of an iteration, where the cell ran on CPUs of the machine whose limits are known, or
/// on an accelerator whose limits are published.
fn of_cell(
    cell: &Cell,
    key: &Key,
    measured: &Measured,
    answer: &Facts,
    results: &Results,
) -> Result<Floor, String> {
    let workload = amdahl_workloads::of(&cell.workload);
    let size = workload
        .size(&cell.workload, answer.rows, answer.columns)
        .ok_or("the cell has no rows, or the limits are no numbers")?;
    let work = workload.work(&cell.workload, &size);
    if measured.platform != "cpu" {
        let Some(device) = &measured.device else {
            return Err(format!("limits are those of CPUs, this ran on {}", measured.platform));
        };
        // In the cloud a machine's name is the instance type.
        let machine = results.hosts.get(&key.host).and_then(|host| host.hypervisor.as_deref());
        let said = [device.device.as_str(), device.platform_version.as_str()];
        let said =
            said.into_iter().chain(device.attributes.values().map(String::as_str)).chain(machine);
        let chip =
            accelerators::recognise(&measured.platform, said).map_err(|error| error.message)?;
        let chip = chip.ok_or_else(|| {
            format!(
                "the list of accelerators has no figures of {} ({})",
                measured.platform, device.device
            )
        })?;
        return of_chip(chip, work, cell.lanes());
    }
    if measured.host != key.host {
        return Err("it ran on another machine than the one whose limits are measured".into());
    }
    // An outside program has a build of its own: the machine's newest limits are its limits too.
    let of_host = || results.limits.iter().rev().find(|limits| limits.host == key.host);
    let limits = match measured.peer {
        Some(_) => of_host(),
        None => results.limits_of(&key.host, &key.build),
    };
    let limits = limits.ok_or("this folder has no limits of the machine")?;
    floor(limits, work, cell.lanes())
}

/// Seconds that belong to no phase: on the critical lane, and as the mean over the lanes.
type Rest = (Option<f64>, Option<f64>);

/// Median times by phase, the rest that belongs to none (on the critical lane and as the mean over
/// the lanes), and the imbalance.
fn phases(cell: &Cell, repeats: &[Repeat]) -> (Vec<PhaseTime>, Rest, Option<f64>) {
    let mut own = amdahl_workloads::phases(&cell.workload);
    for lane in repeats.iter().flat_map(|repeat| repeat.lanes.iter()) {
        for (i, _) in lane.iter().enumerate().filter(|(_, seconds)| **seconds > 0.0) {
            if !own.iter().any(|phase| phase.index() == i) {
                own.extend(Phase::at(i));
            }
        }
    }
    own.sort();
    let mut critical: Vec<Vec<f64>> = vec![Vec::new(); own.len()];
    let mut mean: Vec<Vec<f64>> = vec![Vec::new(); own.len()];
    let (mut rest, mut rests, mut most, mut middle) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for repeat in repeats {
        let Some(lane) = repeat.critical_lane() else { continue };
        let count = repeat.lanes.len() as f64;
        let longest = repeat.lanes.lane(lane);
        for (i, phase) in own.iter().enumerate() {
            let of = |lane: &[f64]| lane.get(phase.index()).copied().unwrap_or(0.0);
            critical[i].push(of(longest));
            mean[i].push(repeat.lanes.iter().map(of).sum::<f64>() / count);
        }
        let outside = |lane: &[f64]| (repeat.seconds - sum(lane, Role::is_timed)).max(0.0);
        rest.push(outside(longest));
        rests.push(repeat.lanes.iter().map(outside).sum::<f64>() / count);
        most.push(useful(longest));
        middle.push(repeat.lanes.iter().map(useful).sum::<f64>() / count);
    }
    let times =
        own.iter().zip(critical.iter().zip(&mean)).filter_map(|(phase, (critical, mean))| {
            let (critical_s, mean_s) = (median(critical)?, median(mean)?);
            Some(PhaseTime { phase: *phase, critical_s, mean_s })
        });
    let times = times.collect();
    let imbalance = median(&most)
        .zip(median(&middle))
        .filter(|(_, mean)| *mean > 0.0)
        .map(|(most, mean)| most / mean);
    (times, (median(&rest), median(&rests)), imbalance)
}

/// Bad ends by kind, the most frequent first, each with the newest reason.
fn failures(records: &[&Record]) -> Vec<FailedRepeats> {
    let mut by_kind: BTreeMap<&str, (usize, &str)> = BTreeMap::new();
    for record in records {
        let Some((what, reason)) = bad_end(&record.outcome) else { continue };
        let entry = by_kind.entry(what).or_insert((0, reason));
        *entry = (entry.0 + 1, reason);
    }
    let mut failures: Vec<FailedRepeats> = by_kind
        .into_iter()
        .map(|(what, (count, reason))| FailedRepeats {
            what: what.into(),
            count,
            reason: reason.into(),
        })
        .collect();
    failures.sort_by_key(|f| std::cmp::Reverse(f.count));
    failures
}

/// More lanes than CPUs on a machine? Before anything was measured, all lanes are taken to be on
/// the machine that launched them; it has as many CPUs as the others.
fn oversubscribed(
    cell: &Cell,
    measured: Option<&Shared<Measured>>,
    host: Option<&HostFacts>,
) -> bool {
    match host.map(|host| host.allowed_cpus.len()).filter(|&cpus| cpus > 0) {
        Some(cpus) => on_a_machine(cell, measured) > cpus as u64,
        None => cell.oversubscribe,
    }
}

/// Lanes on the machine that has most of them: at least those of one process, whatever a record says
/// of their numbers there.
fn on_a_machine(cell: &Cell, measured: Option<&Shared<Measured>>) -> u64 {
    let number = |lane: &LaneFacts| Some(lane.node_index?.max(lane.thread));
    let most = measured.and_then(|m| m.lanes.iter().map(number).max()?);
    most.map_or(u64::from(cell.lanes()), |most| u64::from(most) + 1)
}

/// More lanes than cores on a machine, so that some compute on hardware threads of the same core?
/// Accelerators and outside programs place what they compute with themselves.
fn shares_cores(
    cell: &Cell,
    measured: Option<&Shared<Measured>>,
    host: Option<&HostFacts>,
) -> bool {
    let own = cell.backend.peer().is_none() && cell.backend.platform().is_none();
    let threads = host.and_then(|host| host.threads_per_core).filter(|threads| *threads > 1);
    host.zip(threads).is_some_and(|(host, threads)| {
        let cores = (host.allowed_cpus.len() as u64).div_ceil(u64::from(threads));
        own && on_a_machine(cell, measured) > cores
    })
}

/// Notes what a reader should know of the good repeats.
fn notice(
    id: &CellId,
    cell: &Cell,
    oversubscribed: bool,
    good: &[(&Record, &Shared<Measured>)],
    found: &mut Found,
) {
    // What concerns fewer than half of the repeats leaves the median where it is; the interval
    // tells of it.
    let usual = |share: &dyn Fn(&Measured) -> Option<f64>| {
        median(&good.iter().filter_map(|(_, measured)| share(measured)).collect::<Vec<_>>())
    };
    if let Some(steal) = usual(&|m| m.load.steal).filter(|share| *share > HIGH_STEAL) {
        found.steal.0 = found.steal.0.max(steal);
        found.steal.1.push(id.clone());
    }
    if let Some(share) = usual(&|m| m.load.throttled).filter(|share| *share > THROTTLED) {
        found.throttled.0 = found.throttled.0.max(share);
        found.throttled.1.push(id.clone());
    }
    // The median over the repeats: a process that came between two readings once tells nothing of
    // the probes.
    let mut shares: BTreeMap<Phase, Vec<f64>> = BTreeMap::new();
    for (phase, share) in good.iter().flat_map(|(_, measured)| probing(measured)) {
        shares.entry(phase).or_default().push(share);
    }
    let most_usual =
        shares.into_iter().filter_map(|(phase, shares)| Some((phase, median(&shares)?)));
    let much: Vec<(Phase, f64)> =
        most_usual.filter(|(_, share)| *share > PROBING && !oversubscribed).collect();
    for (phase, share) in &much {
        let (worst, phases, _) = &mut found.probing;
        *worst = worst.max(*share);
        if !phases.iter().any(|known| known == phase.word()) {
            phases.push(phase.word().to_string());
        }
    }
    if !much.is_empty() {
        found.probing.2.push(id.clone());
    }
    let crowded = usual(&without_cpu).filter(|share| *share > CROWDED && !oversubscribed);
    if let Some(crowded) = crowded {
        found.crowded.0 = found.crowded.0.max(crowded);
        found.crowded.1.push(id.clone());
    }
    let shared = |measured: &Measured| {
        let mut cpus: Vec<u32> =
            measured.lanes.iter().filter_map(|lane| lane.cpu.or(lane.pinned)).collect();
        cpus.sort_unstable();
        // Each machine has a CPU of that number.
        let machines = machines(cell, measured).map_or(1, |machines| machines as usize);
        cpus.windows(machines + 1).any(|cpus| cpus[0] == cpus[machines])
    };
    if !oversubscribed && good.iter().any(|(_, m)| shared(m)) {
        found.shared_cpu.push(id.clone());
    }
    for (_, measured) in good {
        for warning in &measured.answer.warnings {
            let cells = found.answers.entry(warning.clone()).or_default();
            if cells.last() != Some(id) {
                cells.push(id.clone());
            }
        }
    }
}

/// Share of the time of computing (of what the lanes share and where they wait for nothing) in
/// which the lanes had no CPU: 1 − CPU time / wall time over all lanes. `None` where either was not recorded. Steal
/// of a hypervisor is in it too, where the kernel does not count it as CPU time.
fn without_cpu(measured: &Measured) -> Option<f64> {
    let computing = Phase::with_role(Role::Compute);
    let total = |metric: &str| -> Option<f64> {
        let reading = measured.reading(metric)?;
        let lanes = reading.values.as_ref()?.len();
        let of = |lane: usize, phase: &Phase| reading.value(lane, *phase).filter(|s| *s >= 0.0);
        let of_lane = |lane: usize| computing.iter().map(|p| of(lane, p)).sum::<Option<f64>>();
        (0..lanes).map(of_lane).sum()
    };
    let (cpu, wall) = (total("cpu")?, total("wall")?);
    // Below a millisecond the clocks' grain decides.
    (wall >= 1e-3).then(|| 1.0 - cpu / wall)
}
