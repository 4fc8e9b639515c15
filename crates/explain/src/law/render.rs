//! Laws in words: a line or two for each backend, and rows of tables.

use crate::law::weak::Weak;
use crate::law::{Fit, Law, Laws, Scaling};
use amdahl_record::units;
use amdahl_stats::Estimate;

/// Heading of the lines.
pub const HEADING: &str =
    "Laws of scaling, fitted to the times; what they say of more lanes is modelled";

/// Heading of the lines of weak scaling.
pub const WEAK: &str =
    "Weak scaling: as many rows for each lane; what is said of more lanes is modelled";

/// The lines of a backend: the law that predicts best, with what it says of more lanes, or why
/// there is none; and what to measure next.
pub fn lines(laws: &Laws) -> Vec<String> {
    let mut lines = vec![match laws.best() {
        Some((law, fit)) => format!("{}: {}", laws.backend, fitted(law, fit)),
        None => format!("{}: no law. {}", laws.backend, refused(laws)),
    }];
    if let Some(next) = &laws.next {
        lines.push(format!("  worth measuring next: {}", next.words));
    }
    lines
}

/// The lines of all backends of a problem: those with a law, then those without, a line for each
/// reason, with what is worth measuring next for the first of them.
pub fn all(laws: &[Laws]) -> Vec<String> {
    let (found, without): (Vec<&Laws>, Vec<&Laws>) =
        laws.iter().partition(|laws| laws.best().is_some());
    let mut lines: Vec<String> = found.into_iter().flat_map(self::lines).collect();
    let mut reasons: Vec<(String, Vec<&Laws>)> = Vec::new();
    for laws in without {
        let why = refused(laws);
        match reasons.iter_mut().find(|(known, _)| *known == why) {
            Some((_, same)) => same.push(laws),
            None => reasons.push((why, vec![laws])),
        }
    }
    for (why, same) in reasons {
        let names: Vec<&str> = same.iter().map(|laws| laws.backend.as_str()).collect();
        lines.push(format!("{}: no law. {why}", names.join(", ")));
        let next = same.iter().find_map(|laws| laws.next.as_ref());
        lines.extend(next.map(|next| format!("  worth measuring next: {}", next.words)));
    }
    lines
}

/// The lines of a series of weak scaling.
pub fn weak_lines(weak: &Weak) -> Vec<String> {
    let rows = weak.laws.rows_per_lane.map_or(String::new(), |rows| {
        format!(", {} rows for each lane", units::count(rows as f64))
    });
    let mut lines = vec![format!("{}{rows}", weak.problem)];
    lines.extend(self::lines(&weak.laws).into_iter().map(|line| format!("  {line}")));
    lines
}

/// A fitted law in a sentence without its point.
pub fn fitted(law: &Law, fit: &Fit) -> String {
    let found = match law.name {
        "Amdahl" => {
            let most =
                fit.parameter("largest speedup").map_or("nothing limits it".into(), |most| {
                    let over_base = fit.base_over_one_lane().filter(|r| (r - 1.0).abs() > 0.02);
                    let over_base = over_base.map_or(String::new(), |ratio| {
                        let limit = units::significant(most.value * ratio);
                        format!(", which is {limit} times as fast as the base of the speedups")
                    });
                    format!(
                        "at most {} times as fast as one lane{over_base}",
                        range(most, &|v| units::significant(v))
                    )
                });
            format!("Amdahl's law, serial share {}, {most}", share(fit, "s"))
        }
        "Gustafson" => format!("Gustafson's law, serial share {}", share(fit, "s")),
        "USL" => {
            let peak =
                fit.parameter("lanes at the peak").map_or("no peak".into(), |peak| {
                    match peak.interval.map_or(peak.value, |interval| interval.high) {
                        high if high <= 1.0 => "every further lane makes it slower".into(),
                        _ => format!(
                            "fastest with {} lanes",
                            range(peak, &|v| units::significant(v))
                        ),
                    }
                });
            format!(
                "universal scalability law, contention {}, coherence {}, {peak}",
                share(fit, "sigma"),
                share(fit, "kappa")
            )
        }
        _ => format!("{} {}", law.name, form(fit)),
    };
    let ahead: Vec<String> = (fit.projection.iter().take(2))
        .map(|ahead| match ahead.speedup {
            Some(speedup) => {
                format!("{} lanes {}", ahead.lanes, range(speedup, &|v| format!("{v:.2}×")))
            }
            None => format!("{} lanes {}", ahead.lanes, range(ahead.seconds, &units::seconds)),
        })
        .collect();
    let ahead =
        if ahead.is_empty() { String::new() } else { format!("; modelled: {}", ahead.join(", ")) };
    format!("{found}; misses no cell by more than {}{ahead}", percent(fit.worst))
}

/// c₀ + c₁·pⁱ·log₂(p)ʲ with its numbers.
fn form(fit: &Fit) -> String {
    let value = |name: &str| fit.parameter(name).map_or(0.0, |estimate| estimate.value);
    let (i, j) = (value("i"), value("j"));
    let power = if i == 0.0 { String::new() } else { format!("·p^{}", trimmed(i)) };
    let logarithm = match j as i32 {
        0 => String::new(),
        1 => "·log2(p)".to_string(),
        j => format!("·log2(p)^{j}"),
    };
    format!(
        "t(p) = {} + {}{power}{logarithm}",
        units::seconds(value("c0")),
        units::seconds(value("c1"))
    )
}

fn trimmed(value: f64) -> String {
    format!("{value:.2}").trim_end_matches('0').trim_end_matches('.').to_string()
}

fn share(fit: &Fit, name: &str) -> String {
    fit.parameter(name).map_or("unknown".into(), |estimate| range(estimate, &small))
}

/// Three significant digits of a number that may be small.
fn small(value: f64) -> String {
    if value == 0.0 {
        return "0".into();
    }
    let decimals = (2 - value.abs().log10().floor() as i32).clamp(0, 6) as usize;
    format!("{value:.decimals$}")
}

/// A value with its interval in brackets.
fn range(estimate: Estimate, show: &dyn Fn(f64) -> String) -> String {
    match estimate.interval {
        None => show(estimate.value),
        Some(i) if i.high.is_infinite() => {
            format!("{} ({} or more)", show(estimate.value), show(i.low))
        }
        Some(i) => format!("{} ({} to {})", show(estimate.value), show(i.low), show(i.high)),
    }
}

fn percent(share: f64) -> String {
    let percent = 100.0 * share;
    if percent < 0.1 {
        format!("{percent:.2} %")
    } else {
        format!("{} %", units::significant(percent))
    }
}

fn refused(laws: &Laws) -> String {
    let reasons: Vec<String> = (laws.laws.iter())
        .filter_map(|law| Some(format!("{}: {}", law.name, law.refused.as_ref()?)))
        .take(1)
        .collect();
    reasons.join("; ")
}

/// Columns of a table of laws: backend, law, parameters, deviation, projection.
pub const COLUMNS: [&str; 6] = [
    "backend",
    "law",
    "what was found",
    "largest deviation",
    "error of prediction",
    "modelled speedup",
];

/// Rows of a table of laws, every law that was fitted or refused; the chosen one's name is followed
/// by an asterisk.
pub fn rows(laws: &Laws) -> Vec<Vec<String>> {
    let row = |law: &Law| {
        let name = match laws.chosen == Some(law.name) {
            true => format!("{} *", law.name),
            false => law.name.to_string(),
        };
        let Some(fit) = &law.fit else {
            let why = law.refused.as_deref().unwrap_or("no reason given");
            return vec![
                laws.backend.clone(),
                name,
                format!("refused: {why}"),
                String::new(),
                String::new(),
                String::new(),
            ];
        };
        let found: Vec<String> = (fit.parameters.iter())
            .filter_map(|parameter| {
                let estimate = parameter.estimate?;
                let of_time = matches!(parameter.name, "t1" | "c0" | "c1");
                let shown = if of_time {
                    range(estimate, &units::seconds)
                } else {
                    range(estimate, &small)
                };
                Some(format!("{} = {shown}", parameter.name))
            })
            .collect();
        let ahead: Vec<String> = (fit.projection.iter())
            .filter_map(|ahead| {
                Some(format!("{}: {}", ahead.lanes, range(ahead.speedup?, &|v| format!("{v:.2}"))))
            })
            .collect();
        let error = fit.prediction_error.map_or(String::new(), percent);
        vec![
            laws.backend.clone(),
            name,
            found.join(", "),
            percent(fit.worst),
            error,
            ahead.join("; "),
        ]
    };
    laws.laws.iter().map(row).collect()
}

/// Is there anything to say?
pub fn speaks_of(laws: &[Laws]) -> bool {
    laws.iter().any(|laws| laws.scaling == Scaling::Strong || laws.chosen.is_some())
}
