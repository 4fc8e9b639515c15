//! Extra-P's JSON Lines: `BACKEND.jsonl`, one value a line with its parameters, call path and
//! metric.
//!
//! A. Calotoiu et al.: "Using automated performance modeling to find scalability bugs in complex
//! codes", SC'13. Read by `extrap --json`. Extra-P wants at least 5 values of each parameter and 5
//! repeats of each point; fewer are noted. Parameters are the lanes `p`, and rows `n`, columns `d`
//! and the workload's own sizes by their symbols where they vary. The value of a phase is the mean
//! over the lanes, that of the timed part the time.
//!
//! Extra-P's defaults look for growth alone: times that fall with more lanes become a constant, or a
//! power of which too many lanes make a negative time. Where the same problem has several numbers of
//! lanes, that is noted with the option that helps.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use crate::analysis::Analysis;
use crate::exchange::profile;
use crate::exchange::{Export, Format, Repeats};
use crate::labels;
use amdahl_record::cell::Cell;
use amdahl_record::error::Result;

/// Extra-P.
pub const FORMAT: Format = Format {
    name: "extra-p",
    about: "Extra-P JSON Lines, a file a backend: scaling models",
    write,
};

/// What Extra-P wants of each parameter and of each point.
const ENOUGH: usize = 5;

fn write(analysis: &Analysis<'_>, _: Repeats) -> Result<Export> {
    let summary = analysis.summary;
    let mut export = Export::default();
    let profiles = profile::of(summary, Repeats::All, &mut export);
    let mut by_backend: BTreeMap<String, Vec<&profile::Profile<'_>>> = BTreeMap::new();
    for profile in &profiles {
        let Cell { backend, reduction, .. } = &profile.cell.cell;
        let own = if reduction.is_direct() { String::new() } else { format!("-{reduction}") };
        by_backend.entry(backend.name().to_string() + &own).or_default().push(profile);
    }
    for (backend, profiles) in by_backend {
        let own = labels::all_own_sizes();
        let values = |profile: &profile::Profile<'_>| {
            let group = profile.group;
            let own = own.iter().map(|name| {
                (name.symbol, labels::own_size_of(&group.workload, name.key).unwrap_or(0))
            });
            let shared = [
                ("p", u64::from(profile.cell.cell.lanes())),
                ("n", group.rows.unwrap_or(0)),
                ("d", u64::from(group.dims.unwrap_or(0))),
            ];
            shared.into_iter().chain(own).collect::<Vec<_>>()
        };
        let names = ["p", "n", "d"].into_iter().chain(own.iter().map(|name| name.symbol));
        let names: Vec<&str> = names.collect();
        let mut seen: Vec<BTreeSet<u64>> = vec![BTreeSet::new(); names.len()];
        for profile in &profiles {
            for (seen, (_, value)) in seen.iter_mut().zip(values(profile)) {
                seen.insert(value);
            }
        }
        // A parameter with one value is none, but a point needs at least one.
        let varies =
            |i: usize| seen[i].len() > 1 || (i == 0 && seen.iter().all(|values| values.len() < 2));
        let mut text = String::new();
        for profile in &profiles {
            let varied = values(profile).into_iter().enumerate().filter(|(i, _)| varies(*i));
            let parameters: serde_json::Map<_, _> =
                varied.map(|(_, (name, value))| (name.to_string(), json!(value))).collect();
            for (path, metric, value) in samples(profile) {
                let line = json!({ "params": parameters, "callpath": path, "metric": metric, "value": value });
                text.push_str(&format!("{line}\n"));
            }
        }
        for (i, name) in names.iter().enumerate() {
            let count = seen[i].len();
            if varies(i) && count < ENOUGH {
                let plural = if count == 1 { "" } else { "s" };
                export.notes.push(format!(
                    "{backend}: {count} value{plural} of '{name}', Extra-P wants {ENOUGH}"
                ));
            }
        }
        let fewest = profiles.iter().map(|p| p.cell.repeats.len()).min().unwrap_or(0);
        if fewest < ENOUGH {
            export
                .notes
                .push(format!("{backend}: a point with {fewest} repeats, Extra-P wants {ENOUGH}"));
        }
        if scales_strongly(&profiles) {
            export.notes.push(format!("{backend}: {NEGATIVE_EXPONENTS}"));
        }
        export.add(format!("{backend}.jsonl"), text);
    }
    Ok(export)
}

/// Seen with Extra-P 4.2.5. `--scaling strong` does nothing to JSON.
const NEGATIVE_EXPONENTS: &str = "the same problem on several numbers of lanes: Extra-P's defaults cannot model times that fall; ask with \
     '--modeler basic --options allow_negative_exponents=True', which in turn finds no logarithms";

/// Is there a problem with more than one number of lanes?
fn scales_strongly(profiles: &[&profile::Profile<'_>]) -> bool {
    profiles.iter().any(|one| {
        let lanes = one.cell.cell.lanes();
        profiles
            .iter()
            .any(|other| std::ptr::eq(one.group, other.group) && other.cell.cell.lanes() != lanes)
    })
}

/// Call path, metric and value of everything that a repeat measured: means over the lanes,
/// inclusive.
fn samples(profile: &profile::Profile<'_>) -> Vec<(String, String, f64)> {
    let lanes = profile.lanes.len() as f64;
    let mut samples = Vec::new();
    for (i, (name, ..)) in profile.tree.iter().enumerate() {
        let mut names = vec![*name];
        let mut at = profile.tree[i].1;
        while let Some(parent) = at {
            names.push(profile.tree[parent].0);
            at = profile.tree[parent].1;
        }
        names.reverse();
        let path = names.join("->");
        let time: f64 = profile.lanes.iter().map(|lane| lane.time[i].1 as f64 / 1e9).sum();
        samples.push((path.clone(), "time".to_string(), time / lanes));
        for (m, (metric, _)) in profile.metrics.iter().enumerate() {
            let sum: f64 = profile.lanes.iter().map(|lane| lane.counts[m][i].1 as f64).sum();
            samples.push((path.clone(), metric.clone(), sum / lanes));
        }
    }
    samples
}
