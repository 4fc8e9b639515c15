//! Laws of scaling: each gives back the parameters that made the times; too few numbers of lanes
//! are refused.

use crate::support::change_kmeans;
use amdahl_explain::analysis::Analysis;
use amdahl_explain::law;
use amdahl_explain::law::{Laws, Scaling};
use amdahl_explain::summary::{Summary, summarise};
use amdahl_explain::terminal::Style;
use amdahl_explain::{export, show};
use amdahl_kmeans_description::spec::Precision;
use amdahl_record::Line;
use proptest::prelude::*;

use crate::explain::{amdahl, folder_with};
use crate::samples::{self, Made, Noise};

/// Records of `serial` and of threads with these lanes, whose times are those of the function, a
/// little disturbed; 16 CPUs.
fn made(lanes: &[u32], points: &[u64], noise: f64, seconds: impl Fn(u64, f64) -> f64) -> Vec<Line> {
    let mut spreads = vec![("serial", 1, 1)];
    spreads.extend(lanes.iter().map(|&p| ("threads", 1, p)));
    let mut lines =
        Made { spreads, points: points.to_vec(), repeats: 9, ..Made::default() }.lines();
    let mut cells = std::collections::BTreeMap::new();
    for line in &lines {
        if let Line::Cell { id, cell } = line {
            let amdahl_record::cell::Dataset::Synthetic { points, .. } = cell.dataset else {
                panic!("made-up rows")
            };
            cells.insert(id.clone(), (points, cell.lanes()));
        }
    }
    let mut random = Noise::new(7);
    for line in &mut lines {
        match line {
            Line::Host(host) => (host.cpus, host.allowed_cpus) = (16, (0..16).collect()),
            Line::Record(record) => {
                let (points, lanes) = cells[&record.key.cell];
                let factor = 1.0 + noise * (random.unit() - 0.5);
                let measured = record.measured.as_mut().expect("all are good");
                measured.seconds = seconds(points, f64::from(lanes)) * factor;
            }
            _ => {}
        }
    }
    lines
}

fn summary(lines: &[Line]) -> Summary {
    summarise(&samples::collect(lines))
}

fn threads(summary: &Summary) -> Laws {
    law::of(&summary.groups[0], &summary.hosts).into_iter().next().expect("threads")
}

fn near(laws: &Laws, name: &str, parameter: &str, expected: f64, within: f64) {
    let estimate = laws.fit(name).and_then(|fit| fit.parameter(parameter)).expect("fitted");
    let interval = estimate.interval.expect("nine repeats");
    assert!(
        interval.low <= estimate.value && estimate.value <= interval.high,
        "{name} {parameter} {estimate:?}"
    );
    assert!(
        (estimate.value - expected).abs() <= within,
        "{name} {parameter}: {estimate:?}, not {expected}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn amdahl_s_law_gives_back_its_serial_share(serial in 0.0..0.5f64, one in 0.01..100.0f64) {
        let lines = made(&[1, 2, 4, 8], &[100_000], 0.002, |_, p| one * (serial + (1.0 - serial) / p));
        let summary = summary(&lines);
        let laws = threads(&summary);
        near(&laws, "Amdahl", "s", serial, 0.004);
        near(&laws, "Amdahl", "t1", one, 0.005 * one);
        near(&laws, "USL", "kappa", 0.0, 0.004);
        let (chosen, fit) = laws.best().expect("a law");
        // The projection is that of the law, over the base.
        let ahead = &fit.projection[0];
        prop_assert_eq!(ahead.lanes, 16);
        let speedup = 1.0 / (serial + (1.0 - serial) / 16.0);
        let found = ahead.speedup.expect("a base").value;
        prop_assert!((found / speedup - 1.0).abs() < 0.1, "{}: {} instead of {}", chosen.name, found, speedup);
    }

    #[test]
    fn the_universal_law_gives_back_contention_and_coherence(sigma in 0.01..0.2f64, kappa in 0.001..0.02f64) {
        let law = |p: f64| (1.0 + sigma * (p - 1.0) + kappa * p * (p - 1.0)) / p;
        let laws = threads(&summary(&made(&[1, 2, 3, 4, 6, 8, 12, 16], &[100_000], 0.001, |_, p| law(p))));
        near(&laws, "USL", "sigma", sigma, 0.01);
        near(&laws, "USL", "kappa", kappa, 0.001);
        near(&laws, "USL", "lanes at the peak", ((1.0 - sigma) / kappa).sqrt(), 0.1 * ((1.0 - sigma) / kappa).sqrt());
        let error = |name: &str| laws.fit(name).expect("fitted").prediction_error.expect("enough");
        prop_assert!(error("USL") < error("Amdahl"), "times that turn round are not Amdahl's");
    }

    #[test]
    fn gustafson_s_law_gives_back_its_serial_share(serial in 0.0..0.4f64) {
        let lanes = [1u32, 2, 4, 8];
        let points: Vec<u64> = lanes.iter().map(|p| 8_000 * u64::from(*p)).collect();
        let lines = made(&lanes, &points, 0.002, |points, p| {
            // The work that grows is spread, the serial part is done once.
            let work = points as f64 / 8_000.0;
            0.5 * work * (p / (serial + p * (1.0 - serial))) / p
        });
        let weak = law::weak::of(&summary(&lines));
        let found = weak.iter().find(|w| w.laws.rows_per_lane == Some(8_000)).expect("a series");
        prop_assert_eq!(found.laws.scaling, Scaling::Weak);
        prop_assert_eq!(&found.laws.lanes, &lanes);
        near(&found.laws, "Gustafson", "s", serial, 0.01);
        near(&found.laws, "Gustafson", "t1", 0.5, 0.005);
        // The scaled speedup of the law itself.
        let fit = found.laws.fit("Gustafson").expect("fitted");
        let speedup = fit.speedup(64.0).expect("of weak scaling").value;
        prop_assert!((speedup - (serial + 64.0 * (1.0 - serial))).abs() < 1.0, "{}", speedup);
    }
}

#[test]
fn the_normal_form_finds_its_exponents() {
    let lanes = [1, 2, 3, 4, 6, 8, 12, 16];
    for (i, j, law) in [
        (0.0, 1.0, (|p: f64| 1.0 + 0.5 * p.log2()) as fn(f64) -> f64),
        (-1.0, 0.0, |p| 0.1 + 2.0 / p),
        (0.5, 0.0, |p| 1.0 + 0.5 * p.sqrt()),
        (1.0, 1.0, |p| 2.0 + 0.2 * p * p.log2()),
    ] {
        let laws = threads(&summary(&made(&lanes, &[100_000], 0.0005, |_, p| law(p))));
        let fit = laws.fit("normal form").expect("eight numbers of lanes");
        let exponent = |name: &str| fit.parameter(name).expect("fitted").value;
        assert_eq!((exponent("i"), exponent("j")), (i, j));
        assert!((fit.seconds(32.0).value / law(32.0) - 1.0).abs() < 0.02);
    }
}

#[test]
fn too_few_numbers_of_lanes_are_refused_with_the_reason() {
    let law = |_: u64, p: f64| 0.1 + 0.9 / p;
    let refused = |laws: &Laws, name: &str| {
        laws.laws
            .iter()
            .find(|law| law.name == name)
            .and_then(|law| law.refused.clone())
            .unwrap_or_default()
    };
    let two = threads(&summary(&made(&[1, 4], &[100_000], 0.01, law)));
    assert_eq!(two.chosen, None);
    assert_eq!(
        refused(&two, "Amdahl"),
        "it needs 3 numbers of lanes, 2 numbers of lanes can be used"
    );
    let next = two.next.as_ref().expect("one number of lanes is missing");
    // Farthest from 1 and 4 by ratio, as far as 16 CPUs go.
    assert_eq!((next.lanes, next.new, next.fits), (16, true, Some(true)));
    assert!(next.words.contains("threads with 16 lanes"), "{}", next.words);

    let three = threads(&summary(&made(&[1, 2, 4], &[100_000], 0.01, law)));
    assert_eq!((three.chosen, refused(&three, "Amdahl").as_str()), (Some("Amdahl"), ""));
    assert!(refused(&three, "USL").contains("4") && refused(&three, "normal form").contains("5"));

    // Lanes that share CPUs do not count: of five numbers of lanes only two are within two CPUs.
    let mut lines = made(&[1, 2, 4, 8, 16], &[100_000], 0.01, law);
    for line in &mut lines {
        if let Line::Host(host) = line {
            host.allowed_cpus = vec![0, 1];
        }
    }
    let crowded = threads(&summary(&lines));
    assert_eq!((crowded.lanes.as_slice(), crowded.chosen), (&[1, 2][..], None));
    let next = crowded.next.expect("another machine");
    assert_eq!((next.fits, next.lanes), (Some(false), 4));
    assert!(next.words.contains("on a machine with as many CPUs"), "{}", next.words);
}

#[test]
fn where_threads_lack_one_lane_serial_stands_for_it() {
    let laws = threads(&summary(&made(&[2, 4], &[100_000], 0.01, |_, p| 0.1 + 0.9 / p)));
    assert_eq!(laws.lanes, [1, 2, 4]);
    near(&laws, "Amdahl", "s", 0.1, 0.02);
}

#[test]
fn an_accelerator_that_is_used_in_two_ways_has_two_laws() {
    let spreads = vec![
        ("serial", 1, 1),
        ("mpi+trainium", 1, 1),
        ("mpi+trainium", 2, 1),
        ("mpi+trainium", 4, 1),
    ];
    let mut lines = Made { spreads, ..Made::default() }.lines();
    let mut other = Vec::new();
    let mut ids = std::collections::BTreeMap::new();
    for line in &mut lines {
        match line {
            Line::Cell { id, cell } if cell.backend.platform().is_some() => {
                ids.insert(id.clone(), cell.lanes());
                let mut cell = cell.clone();
                change_kmeans(&mut cell, |kmeans| kmeans.offload.precision = Precision::Bf16);
                other.push((id.clone(), cell));
            }
            Line::Record(record) => {
                let Some(lanes) = ids.get(&record.key.cell) else { continue };
                record.measured.as_mut().expect("good").seconds = 0.1 + 0.9 / f64::from(*lanes);
            }
            _ => {}
        }
    }
    // Faster on one lane, slower on more: of a mixture the fastest of each would be taken.
    for (id, cell) in other {
        lines.push(Line::Cell { id: cell.id(), cell: cell.clone() });
        let mine = |line: &&Line| matches!(line, Line::Record(record) if record.key.cell == id);
        for mut line in lines.iter().filter(mine).cloned().collect::<Vec<_>>() {
            if let Line::Record(record) = &mut line {
                record.key.cell = cell.id();
                record.measured.as_mut().expect("good").seconds = 0.9;
            }
            lines.push(line);
        }
    }
    let summary = summary(&lines);
    let found = law::of(&summary.groups[0], &summary.hosts);
    let names: Vec<&str> = found.iter().map(|laws| laws.backend.as_str()).collect();
    assert_eq!(names, ["mpi+trainium", "mpi+trainium bf16"]);
    let share =
        |laws: &Laws| laws.fit("Amdahl").and_then(|fit| fit.parameter("s")).expect("fitted").value;
    assert!((share(&found[0]) - 0.1).abs() < 1e-6 && (share(&found[1]) - 1.0).abs() < 1e-6);
}

#[test]
fn a_law_that_does_not_hold_has_wide_intervals() {
    let width = |seconds: fn(u64, f64) -> f64| {
        let laws = threads(&summary(&made(&[1, 2, 4, 8], &[100_000], 0.002, seconds)));
        let fit = laws.fit("Amdahl").expect("fitted").clone();
        (
            fit.misfit,
            fit.parameter("s").expect("fitted").interval.map(|i| i.high - i.low).expect("enough"),
        )
    };
    let (holds, narrow) = width(|_, p| 0.1 + 0.9 / p);
    let (fails, wide) = width(|_, p| 0.1 + 0.9 / p + if p == 4.0 { 0.05 } else { 0.0 });
    assert!(holds < 2.0 && fails > 10.0 && wide > 5.0 * narrow, "{holds} {narrow}, {fails} {wide}");
}

#[test]
fn few_repeats_have_no_interval_and_the_next_cell_is_named() {
    let mut lines = made(&[1, 2, 4], &[100_000], 0.01, |_, p| 0.1 + 0.9 / p);
    let next = threads(&summary(&lines)).next.expect("cells to measure");
    assert!(
        next.narrower.is_some_and(|share| (0.1..1.0).contains(&share)) && next.fits == Some(true),
        "{next:?}"
    );
    lines.retain(|line| !matches!(line, Line::Record(record) if record.repeat >= 2));
    let laws = threads(&summary(&lines));
    let fit = laws.fit("Amdahl").expect("fitted");
    assert!(!fit.has_intervals() && fit.parameter("s").is_some_and(|s| s.interval.is_none()));
}

#[test]
fn laws_are_printed_and_in_json() {
    let lines = made(&[1, 2, 4, 8], &[100_000], 0.01, |_, p| 0.1 + 0.9 / p);
    let summary = summary(&lines);
    let text = show::text(&Analysis::of(&summary), Style { colour: false });
    assert!(text.contains("threads: Amdahl's law, serial share 0.0985 ("), "{text}");
    assert!(text.contains("modelled: 16 lanes"), "{text}");
    let json: serde_json::Value =
        serde_json::from_str(&export::json(&Analysis::of(&summary)).expect("JSON")).expect("JSON");
    let laws = &json["groups"][0]["laws"][0];
    assert_eq!(
        (laws["backend"].as_str(), laws["scaling"].as_str()),
        (Some("threads"), Some("strong"))
    );
    assert_eq!(laws["laws"][0]["fit"]["from"], "modelled");
    assert!(
        laws["laws"][2]["refused"].as_str().is_some_and(|why| why.contains("5 numbers of lanes"))
    );
    let cell = &json["groups"][0]["cells"][2];
    let (speedup, e) = (cell["speedup"]["value"].as_f64(), cell["karp_flatt"]["value"].as_f64());
    let expected = speedup.map(|s| (1.0 / s - 0.5) / 0.5).expect("a speedup");
    assert!(e.is_some_and(|e| (e - expected).abs() < 1e-12), "{cell}");

    let (_temp, folder) = folder_with(&lines);
    let shown = amdahl(&["show", &folder.to_string_lossy()]);
    assert_eq!(String::from_utf8(shown.stdout).expect("UTF-8"), text);
}

#[test]
fn backends_that_are_refused_alike_share_a_line() {
    let spreads =
        vec![("serial", 1, 1), ("threads", 1, 1), ("threads", 1, 2), ("mpi", 1, 1), ("mpi", 2, 1)];
    let summary = summarise(&samples::collect(&Made { spreads, ..Made::default() }.lines()));
    let text = show::text(&Analysis::of(&summary), Style { colour: false });
    assert!(text.contains("threads, mpi: no law. Amdahl: it needs 3 numbers of lanes"), "{text}");
    assert_eq!(text.matches("worth measuring next").count(), 1, "{text}");
}
