//! TAU profiles: `CELL/repeat-N/MULTI__METRIC/profile.LANE.0.0`, one folder a metric.
//!
//! S. Shende, A. Malony: "The TAU parallel performance system", 2006. Read by `pprof`, ParaProf and
//! Hatchet (`GraphFrame.from_tau`). Lanes are TAU's nodes by their number, so that any shape of
//! ranks × threads is read alike: Hatchet makes an index of three levels of ranks with threads, and
//! its `filter` fails on that. Rank and thread are in the metadata. Times are whole microseconds. The root comes first, every
//! region has a flat row and a row with its path, and all metrics of a lane have the same rows in
//! the same order: readers count on each of these.

use serde_json::{Value, json};

use crate::analysis::Analysis;
use crate::exchange::profile;
use crate::exchange::profile::{Lane, Place, Profile, Values};
use crate::exchange::{Export, Format, Repeats};
use amdahl_record::error::Result;

/// TAU.
pub const FORMAT: Format =
    Format { name: "tau", about: "TAU profiles (profile.N.C.T): pprof, ParaProf, Hatchet", write };

/// TAU's own name of the root.
const ROOT: &str = ".TAU application";

fn write(analysis: &Analysis<'_>, repeats: Repeats) -> Result<Export> {
    let summary = analysis.summary;
    let mut export = Export::default();
    for profile in profile::of(summary, repeats, &mut export) {
        let attributes = |facts: &[(&str, Value)]| -> String {
            let plain = |value: &Value| match value {
                Value::String(text) => text.clone(),
                number => number.to_string(),
            };
            let facts = facts.iter();
            facts.map(|(name, value)| attribute(&format!("amdahl {name}"), &plain(value))).collect()
        };
        let of_all = attributes(&profile.facts(summary));
        for (number, lane) in profile.lanes.iter().enumerate() {
            let file = format!("profile.{number}.0.0");
            let place = [("rank", json!(lane.rank)), ("thread", json!(lane.thread))];
            let facts = of_all.clone() + &attributes(&place);
            let mut add = |metric: &str, values: &Values| {
                let path = format!("{}/MULTI__{metric}/{file}", profile.folder());
                export.add(path, text(metric, &profile.tree, lane, values, &facts));
            };
            add("TIME", &microseconds(&profile.tree, &lane.time));
            for ((name, _), values) in profile.metrics.iter().zip(&lane.counts) {
                add(&metric_name(name), values);
            }
        }
        note_sources(&profile, &mut export);
    }
    Ok(export)
}

/// Says which counts were scaled up: the format has no place for it.
fn note_sources(profile: &Profile<'_>, export: &mut Export) {
    use amdahl_record::Provenance::Measured;
    for (name, from) in profile.metrics.iter().filter(|(_, from)| *from != Measured) {
        let from = crate::metric::render::source(*from);
        export.notes.push(format!("{}: {name} is {from}", profile.folder()));
    }
}

/// From nanoseconds; rounded so that they still add up.
fn microseconds(tree: &[Place], nanoseconds: &Values) -> Values {
    let mut values = nanoseconds.clone();
    for value in &mut values {
        value.1 = (value.1 + 500) / 1000;
    }
    for i in 0..tree.len() {
        let below: u64 =
            (0..tree.len()).filter(|j| tree[*j].1 == Some(i)).map(|j| values[j].1).sum();
        values[i].0 = values[i].1.saturating_sub(below);
    }
    values
}

/// `L1D-load-misses` as TAU names things: `L1D_LOAD_MISSES`.
fn metric_name(name: &str) -> String {
    name.chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' })
        .collect()
}

/// One attribute of the metadata. A number sign would end the column titles for some readers.
fn attribute(name: &str, value: &str) -> String {
    let plain = |text: &str| {
        text.replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
            .replace('#', "no.")
            .replace('"', "'")
    };
    format!("<attribute><name>{}</name><value>{}</value></attribute>", plain(name), plain(value))
}

fn text(metric: &str, tree: &[Place], lane: &Lane, values: &Values, facts: &str) -> String {
    let path = |i: usize| -> String {
        let mut names = vec![i];
        while let Some(parent) = tree[names[names.len() - 1]].1 {
            names.push(parent);
        }
        let names: Vec<&str> = names.into_iter().rev().map(|i| name(tree, i)).collect();
        names.join("  => ")
    };
    let row = |label: &str, i: usize, group: &str| {
        let below = tree.iter().zip(&lane.calls).filter(|((_, parent, _), _)| *parent == Some(i));
        let subroutines: u64 = below.map(|(_, calls)| *calls).sum();
        let (excl, incl) = values[i];
        format!("\"{label}\" {} {subroutines} {excl} {incl} 0 GROUP=\"{group}\"\n", lane.calls[i])
    };
    let mut rows = row(ROOT, 0, "TAU_DEFAULT");
    let mut count = 1;
    for i in 1..tree.len() {
        rows.push_str(&row(name(tree, i), i, "TAU_USER"));
        rows.push_str(&row(&path(i), i, "TAU_USER|TAU_CALLPATH"));
        count += 2;
    }
    format!(
        "{count} templated_functions_MULTI_{metric}\n# Name Calls Subrs Excl Incl ProfileCalls # <metadata>{}{facts}</metadata>\n{rows}0 \
         aggregates\n",
        attribute("Metric Name", metric)
    )
}

fn name(tree: &[Place], i: usize) -> &'static str {
    if i == 0 { ROOT } else { tree[i].0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn microseconds_add_up() {
        let part = |name: &'static str, parent| (name, Some(parent), None);
        let mut tree: Vec<Place> = vec![("all", None, None), part("a", 0), part("b", 0)];
        tree.push(part(profile::ITERATIONS, 0));
        tree.extend(["c", "d", "e", "f"].map(|name| part(name, 3)));
        let mut nanoseconds: Values = vec![(0, 0); tree.len()];
        for (i, value) in nanoseconds.iter_mut().enumerate().skip(4).take(4) {
            *value = (1400 + i as u64, 1400 + i as u64);
        }
        nanoseconds[3] = (600, 600 + 4 * 1400 + 4 + 5 + 6 + 7);
        let rounded = microseconds(&tree, &nanoseconds);
        assert_eq!((rounded[3].1, rounded[4].1), (6, 1));
        assert_eq!(rounded[3].0, 6 - 4);
    }

    #[test]
    fn metadata_cannot_break_the_header() {
        let text = attribute("a#b", "<x> & # \"q\"");
        assert_eq!(text.matches(['#', '"']).count(), 0);
        assert_eq!(text.matches("<value>").count(), 1);
        assert_eq!(metric_name("L1D-load-misses"), "L1D_LOAD_MISSES");
    }
}
