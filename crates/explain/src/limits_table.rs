//! The limits of a machine as a table that teaches how to read them.

use std::collections::BTreeSet;

use crate::labels::host_line;
use crate::summary::Summary;
use crate::table::{Align, Table};
use crate::terminal::Style;
use amdahl_record::accelerators;
use amdahl_record::accelerators::Chip;
use amdahl_record::host::HostFacts;
use amdahl_record::limits::{Bandwidth, Figure, Limits};
use amdahl_record::units::{bytes, significant};

/// The whole text, each line ended.
pub fn text(limits: &Limits, host: &HostFacts, style: Style) -> String {
    let mut lines = vec![
        style.strong("What this machine can do at most, measured just now"),
        host_line(host),
        String::new(),
    ];
    let counts: Vec<u32> = limits.peaks.iter().map(|peak| peak.lanes).collect();
    let mut reasons = Vec::new();
    lines.push(style.strong("Arithmetic: f32 multiply-adds in registers"));
    indent(&mut lines, &arithmetic(limits, &mut reasons).text(), style);
    for lanes in counts {
        lines.push(String::new());
        lines.push(style.strong(&format!("Bandwidth of {}", of_lanes(lanes))));
        indent(&mut lines, &bandwidth(limits, lanes, &mut reasons).text(), style);
    }
    for (i, why) in reasons.iter().enumerate() {
        lines.push(style.caution(&format!("  ({}) {why}", i + 1)));
    }
    lines.push(String::new());
    lines.extend(LESSON.lines().map(String::from));
    lines.extend(ridges_of_workloads(limits));
    lines.join("\n") + "\n"
}

const LESSON: &str = "\
Each figure is the best of several passes of a few milliseconds; 'behind' is how far the median pass stays behind it: much of it means
that other programs, or neighbours of a virtual machine, took a share. GB are 10^9 bytes. Triad is a[i] = b[i] + s*c[i], 12 bytes each.
Ridge = FMA peak / read bandwidth: code that does fewer flop for each byte it reads is limited by bandwidth, code that does more by
arithmetic.";

fn of_lanes(lanes: u32) -> String {
    if lanes == 1 { "one core".into() } else { format!("all {lanes} CPUs together") }
}

fn indent(lines: &mut Vec<String>, table: &[String], style: Style) {
    lines.extend(table.iter().enumerate().map(|(i, line)| {
        let line = format!("  {line}");
        if i == 0 { style.faint(&line) } else { line }
    }));
}

/// The best in giga, or a mark of the reason.
fn value(figure: &Figure, reasons: &mut Vec<String>) -> String {
    match figure.best {
        Some(best) => significant(best / 1e9),
        None => {
            let why = figure.why.as_deref().unwrap_or("no reason given");
            let at = reasons.iter().position(|known| known == why).unwrap_or_else(|| {
                reasons.push(why.to_string());
                reasons.len() - 1
            });
            format!("({})", at + 1)
        }
    }
}

fn behind(figure: &Figure) -> String {
    figure.spread.map_or(String::new(), |spread| format!("{:.0} %", 100.0 * spread))
}

fn arithmetic(limits: &Limits, reasons: &mut Vec<String>) -> Table {
    use Align::{Left, Right};
    let mut table = Table::new(&[
        ("on", Left),
        ("vectors", Left),
        ("FMA peak GFLOP/s", Right),
        ("behind", Right),
        ("flop/cycle of a core", Right),
    ]);
    for peak in &limits.peaks {
        let per_cycle = peak
            .fma
            .best
            .zip(limits.clock.best)
            .map(|(rate, clock)| rate / clock / f64::from(peak.lanes));
        let clock = |per_cycle| {
            format!("{per_cycle:.1} at {} GHz", significant(limits.clock.best.unwrap_or(0.0) / 1e9))
        };
        table.row(vec![
            of_lanes(peak.lanes),
            limits.vector.clone(),
            value(&peak.fma, reasons),
            behind(&peak.fma),
            per_cycle.map_or(String::new(), clock),
        ]);
    }
    table.without_empty_columns()
}

fn bandwidth(limits: &Limits, lanes: u32, reasons: &mut Vec<String>) -> Table {
    use Align::{Left, Right};
    let mut table = Table::new(&[
        ("level", Left),
        ("size", Right),
        ("buffer", Right),
        ("huge pages", Left),
        ("read GB/s", Right),
        ("behind", Right),
        ("triad GB/s", Right),
        ("behind", Right),
        ("ridge flop/byte", Right),
    ]);
    for row in limits.bandwidths.iter().filter(|row| row.lanes == lanes) {
        let size = |bytes_of: Option<u64>| bytes_of.map_or(String::new(), |b| bytes(b as f64));
        table.row(vec![
            row.level.word().into(),
            size(row.capacity_bytes),
            size(row.buffer_bytes),
            if row.huge_pages { "yes" } else { "no" }.into(),
            value(&row.read, reasons),
            behind(&row.read),
            value(&row.triad, reasons),
            behind(&row.triad),
            ridge(limits, row).map_or(String::new(), significant),
        ]);
    }
    table.without_empty_columns()
}

/// flop for each byte at which arithmetic and reading take the same time.
fn ridge(limits: &Limits, row: &Bandwidth) -> Option<f64> {
    let peak = limits.peaks.iter().find(|peak| peak.lanes == row.lanes)?;
    Some(peak.fma.best? / row.read.best?)
}

/// What the ridge of memory means for each workload that has something to say.
fn ridges_of_workloads(limits: &Limits) -> impl Iterator<Item = String> {
    let memory = amdahl_record::limits::Level::Memory;
    let ridges: Vec<(String, f64)> = (limits.peaks.iter())
        .filter_map(|peak| {
            let ridge = limits.flops(peak.lanes)? / limits.read(memory, peak.lanes)?;
            Some((of_lanes(peak.lanes), ridge))
        })
        .collect();
    amdahl_workloads::ALL.iter().filter_map(move |workload| workload.ridge(&ridges))
}

/// The accelerators whose published figures floors are made from.
pub fn chips(summary: &Summary) -> Vec<&'static Chip> {
    let cells = summary.groups.iter().flat_map(|group| &group.cells);
    let named: BTreeSet<&str> =
        cells.filter_map(|cell| cell.floor.as_ref()?.chip.as_deref()).collect();
    // A floor with a chip was made from this list.
    let known = accelerators::chips().unwrap_or_default();
    known.iter().filter(|chip| named.contains(chip.name.as_str())).collect()
}

/// What floors on an accelerator are made from, in a line.
pub fn chip_line(chip: &Chip) -> String {
    format!(
        "Floor on {} modelled from published figures, of a core {} TFLOP/s in f32 and {} in bfloat16, {} GB/s ({})",
        chip.name,
        significant(chip.flops_of_a_core(false) / 1e12),
        significant(chip.flops_of_a_core(true) / 1e12),
        significant(chip.bandwidth_of_a_core() / 1e9),
        chip.source
    )
}

/// The limits that floors are made from, in a line; `formula` says how ([`roofline_bound::formula`]).
///
/// [`roofline_bound::formula`]: crate::roofline_bound::formula
pub fn line(limits: &Limits, formula: &str) -> String {
    let memory = amdahl_record::limits::Level::Memory;
    let most = limits.all_lanes().unwrap_or(1);
    let rates = |of: &dyn Fn(u32) -> Option<f64>| {
        let one = of(1).map_or("unknown".into(), |rate| significant(rate / 1e9));
        let all = of(most)
            .filter(|_| most > 1)
            .map(|rate| format!(", on {most} {}", significant(rate / 1e9)));
        format!("{one}{}", all.unwrap_or_default())
    };
    format!(
        "Floor modelled, {}, from limits measured with {}: on a core {} GFLOP/s; memory {} GB/s",
        formula.replace('·', ""),
        limits.vector,
        rates(&|lanes| limits.flops(lanes)),
        rates(&|lanes| limits.read(memory, lanes)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use amdahl_record::LoadFacts;
    use amdahl_record::limits::{LIMITS, Level, Peak};

    #[test]
    fn a_missing_figure_has_its_reason_once_below() {
        let good = |best| Figure { best: Some(best), spread: Some(0.05), passes: 9, why: None };
        let row = |huge_pages| Bandwidth {
            level: Level::Memory,
            lanes: 1,
            huge_pages,
            capacity_bytes: None,
            buffer_bytes: Some(1 << 27),
            read: if huge_pages { Figure::missing("none here") } else { good(20e9) },
            triad: if huge_pages { Figure::missing("none here") } else { good(18e9) },
        };
        let limits = Limits {
            version: LIMITS,
            host: "h".into(),
            build: "b".into(),
            measured_ms: 1,
            quick: false,
            vector: "AVX2 + FMA".into(),
            clock: good(3e9),
            peaks: vec![Peak { lanes: 1, fma: good(96e9) }],
            bandwidths: vec![row(true), row(false)],
            load: LoadFacts::default(),
        };
        let text = text(&limits, &amdahl_record::host::gather(), Style { colour: false });
        let has =
            |row: &str| text.lines().any(|line| line.split_whitespace().eq(row.split_whitespace()));
        assert!(has("one core AVX2 + FMA 96.0 5 % 32.0 at 3.00 GHz"), "{text}");
        assert!(has("memory 128 MiB yes (1) (1)"), "{text}");
        assert!(has("memory 128 MiB no 20.0 5 % 18.0 5 % 4.80"), "{text}");
        assert_eq!(text.matches("none here").count(), 1, "{text}");
        assert!(text.contains("at least\n10 on one core."), "{text}");
        assert!(
            line(&limits, "").contains("on a core 96.0 GFLOP/s; memory 20.0 GB/s"),
            "{}",
            line(&limits, "")
        );
    }
}
