//! Noise certificates in words: the smallest change that a machine can show.

use crate::labels;
use crate::summary::Summary;
use crate::table::{Align, Table};
use amdahl_record::noise::{CellNoise, Noise};
use amdahl_record::units;
use amdahl_stats::{median, quantile};

/// Pairs that sentences speak of.
const USUAL: u32 = 20;

/// A sentence without its point for each machine of a summary: the smallest change that it can
/// show, or that this was not measured.
pub fn sentences(summary: &Summary) -> Vec<String> {
    let of = |host: &amdahl_record::host::HostFacts| {
        let name = host.hostname.as_deref().unwrap_or(&host.id);
        match summary.noise.iter().find(|noise| noise.host == host.id) {
            Some(noise) => format!("Noise of {name}: {}", sentence(noise)),
            None => {
                format!(
                    "Noise of {name}: not measured; 'amdahl doctor --noise' tells the smallest change it can show"
                )
            }
        }
    };
    summary.hosts.iter().map(of).collect()
}

/// `smallest change this machine can show: 2.1 % with 20 pairs (serial), 3.0 % (threads 2),
/// measured 2026-11-21`.
pub fn sentence(noise: &Noise) -> String {
    let cells: Vec<String> = noise.cells.iter().filter_map(in_words).collect();
    let day = units::day(noise.measured_ms);
    match cells.is_empty() {
        true => format!("too few pairs to tell the smallest change, measured {day}"),
        false => {
            format!("smallest change this machine can show: {}, measured {day}", cells.join(", "))
        }
    }
}

/// With the usual number of pairs, else with the most that there are.
fn in_words(cell: &CellNoise) -> Option<String> {
    let usual =
        cell.smallest.iter().find(|smallest| smallest.pairs == USUAL).or(cell.smallest.last())?;
    Some(format!(
        "{} with {} pairs ({})",
        percent(usual.change),
        usual.pairs,
        labels::cell(&cell.cell)
    ))
}

fn percent(share: f64) -> String {
    format!("{} %", units::significant(100.0 * share))
}

/// The whole certificate for a terminal, each line ended.
pub fn text(noise: &Noise) -> String {
    let mut text =
        String::from("The same worker against itself, in pairs of ABBA and BAAB blocks\n");
    let columns = [
        ("cell", Align::Left),
        ("time", Align::Right),
        ("pairs", Align::Right),
        ("middle half of second/first", Align::Left),
        ("job of", Align::Right),
        ("strays by", Align::Right),
        ("smallest change", Align::Right),
        ("false alarms", Align::Right),
    ];
    let mut table = Table::new(&columns);
    for cell in &noise.cells {
        let quartile = |p| {
            quantile(&cell.log_ratios, p)
                .map_or(String::new(), |r| format!("{:+.1} %", 100.0 * r.exp_m1()))
        };
        let mut first = vec![
            labels::cell(&cell.cell),
            units::seconds(cell.seconds),
            cell.log_ratios.len().to_string(),
            format!("{} to {}", quartile(0.25), quartile(0.75)),
        ];
        for smallest in &cell.smallest {
            first.extend([
                format!("{} pairs", smallest.pairs),
                percent(smallest.bias),
                percent(smallest.change),
                percent(smallest.false_alarms),
            ]);
            table.row(std::mem::replace(&mut first, vec![String::new(); 4]));
        }
        if cell.smallest.is_empty() {
            first.extend(["too few pairs".into(), String::new(), String::new(), String::new()]);
            table.row(first);
        }
    }
    for line in table.text() {
        text.push_str(&format!("  {line}\n"));
    }
    let order = noise
        .cells
        .iter()
        .filter_map(|cell| median(&cell.log_ratios))
        .fold(0.0, |a: f64, m| a.max(m.abs()));
    text.push_str(&format!(
        "  A job strays when its median is not 0 although nothing changed. The smallest change is a slowdown that is found with 95 % \
         probability:\n  its 99.7 % interval lies beyond that. Over all pairs the median is off by {}.\n",
        percent(order.exp_m1())
    ));
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use amdahl_kmeans_description::spec::{KMeans, Stop};
    use amdahl_record::LoadFacts;
    use amdahl_record::cell::{Backend, Cell, Dataset, ReductionName, Synthetic};
    use amdahl_record::noise::{NOISE, Smallest};

    #[test]
    fn one_sentence_says_it() {
        let kmeans = KMeans::new(8, Stop::Iterations(5), 1);
        let cell = Cell {
            workload: kmeans.spec(),
            dataset: Dataset::Synthetic {
                shape: Synthetic::Mixture,
                points: 2000,
                dims: 8,
                clusters: 8,
                seed: 1,
            },
            backend: Backend::SERIAL,
            ranks: 1,
            threads: 1,
            oversubscribe: false,
            reduction: ReductionName::default(),
        };
        let smallest =
            Smallest { pairs: 20, level: 0.9974, bias: 0.004, change: 0.021, false_alarms: 0.0 };
        let of = |smallest| Noise {
            version: NOISE,
            host: "h0".into(),
            build: "b0".into(),
            measured_ms: 1_700_000_000_000,
            cells: vec![CellNoise {
                cell: cell.clone(),
                seconds: 0.04,
                log_ratios: vec![0.01, -0.01],
                smallest,
            }],
            load: LoadFacts::default(),
        };
        let measured = of(vec![smallest]);
        assert_eq!(
            sentence(&measured),
            "smallest change this machine can show: 2.10 % with 20 pairs (serial), measured 2023-11-14"
        );
        assert_eq!(measured.change(20), Some(0.021));
        assert_eq!(measured.change(40), None);
        assert!(text(&measured).contains("2.10 %"));
        assert!(
            sentence(&of(vec![])).contains("too few pairs")
                && text(&of(vec![])).contains("too few pairs")
        );
    }
}
