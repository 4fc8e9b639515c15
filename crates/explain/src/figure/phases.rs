//! Where the lanes' time goes: lane-seconds of one iteration by phase, cell by cell.
//!
//! Lane-seconds are seconds × lanes. With a perfect speedup they stay what they are at the base, so
//! whatever reaches beyond the base's line is the speedup that was lost, and its colour says to
//! what.

use crate::figure::axis::{Axis, number, round_ticks};
use crate::figure::canvas::Canvas;
use crate::figure::layout::{MARGIN, Panel};
use crate::figure::medium::Medium;
use crate::figure::plot::{key, key_height};
use crate::figure::style;
use crate::figure::style::{At, CAPTION, HEADING, INK, LABEL, RULE};
use crate::figure::{Chart, Figure, View, ids};
use crate::labels;
use crate::labels::OTHER;
use crate::show::Scale;
use crate::summary::{CellSummary, Group};
use amdahl_record::error::Result;
use amdahl_record::units;
use amdahl_record::{Phase, Provenance, Role};

/// Lane-seconds by phase, one panel a problem.
pub const FIGURE: Figure =
    Figure { name: "phases", about: "Lane time of one iteration by phase", applies, compose };

fn applies(view: &View<'_>) -> bool {
    view.summary
        .groups
        .iter()
        .flat_map(|g| &g.cells)
        .any(|c| !c.phases.is_empty() && c.peer.is_none())
}

/// A cell's lane-seconds of one iteration, by phase in [`order`].
struct Bar {
    cell: String,
    name: String,
    in_words: String,
    lanes: f64,
    costs: Vec<f64>,
    /// Largest over mean useful time of the lanes.
    imbalance: Option<f64>,
}

const IMBALANCE: &str = "imbalance";

/// Longer bars than this many times the base's are cut, so that they do not make the others
/// unreadable.
const LONGEST: f64 = 4.0;

impl Bar {
    fn total(&self) -> f64 {
        self.costs.iter().sum()
    }
}

/// Phases from left to right: what computes first, what is lost last.
fn order(view: &View<'_>) -> Vec<&'static str> {
    view.summary.timed_phases().into_iter().map(Phase::word).chain([OTHER]).collect()
}

/// Is it named only where some of it was spent? Those of accelerators, and those that a workload's
/// list does not have.
fn is_rare(word: &str) -> bool {
    let usual = |role| matches!(role, Role::Compute | Role::Replicate);
    Phase::find(word).is_some_and(|phase| {
        phase.role().is_of_accelerators() || !(phase.is_shared() || usual(phase.role()))
    })
}

/// A bar for each of our cells whose phases are known, in their order.
fn bars(group: &Group, order: &[&'static str]) -> Vec<Bar> {
    let ours = group.cells.iter().filter(|cell| cell.cell.backend.peer().is_none());
    let bar = |cell: &CellSummary| {
        let iterations = f64::from(cell.iterations.filter(|count| *count > 0)?);
        let lanes = f64::from(cell.cell.lanes());
        let seconds = |word: &&str| match *word {
            OTHER => cell.unaccounted_mean_s,
            word => cell.phase(Phase::find(word)?).map(|time| time.mean_s),
        };
        let seconds: Vec<Option<f64>> = order.iter().map(seconds).collect();
        let cost = |seconds: Option<f64>| seconds.map_or(0.0, |s| s / iterations * lanes);
        seconds.iter().any(Option::is_some).then(|| Bar {
            cell: cell.id.0.clone(),
            name: labels::cell(&cell.cell),
            in_words: labels::in_words(&cell.cell),
            lanes,
            costs: seconds.into_iter().map(cost).collect(),
            imbalance: cell.imbalance,
        })
    };
    ours.filter_map(bar).collect()
}

fn base<'a>(group: &Group, bars: &'a [Bar]) -> Option<&'a Bar> {
    let base = group.base.as_ref()?;
    bars.iter().find(|bar| bar.cell == base.cell.0)
}

fn title(view: &View<'_>) -> String {
    let fallback = "Where the lanes' time goes".to_string();
    let Some(main) = view.main_group() else { return fallback };
    let order = order(view);
    let bars = bars(&view.summary.groups[main], &order);
    let Some(base) = base(&view.summary.groups[main], &bars) else { return fallback };
    // Of the cells with most lanes that each have a CPU, the one that wastes least: the best that
    // the machine was brought to.
    let crowded = |bar: &Bar| {
        view.summary.groups[main].cells.iter().any(|c| c.id.0 == bar.cell && c.oversubscribed)
    };
    let others = || bars.iter().filter(|b| b.cell != base.cell && !crowded(b));
    let most = others().map(|b| b.lanes).fold(0.0, f64::max);
    let widest =
        others().filter(|b| b.lanes == most).min_by(|a, b| a.total().total_cmp(&b.total()));
    let scope = view.scope(main);
    let Some(widest) = widest else {
        let most = base
            .costs
            .iter()
            .zip(&order)
            .max_by(|a, b| a.0.total_cmp(b.0))
            .map_or(OTHER, |(_, phase)| *phase);
        let share = base.costs.iter().fold(0.0, |most: f64, cost| most.max(*cost)) / base.total();
        return format!(
            "{} spends {:.0} % of its time in '{most}'{scope}",
            base.name,
            100.0 * share
        );
    };
    let efficiency = view.summary.groups[main]
        .cells
        .iter()
        .find(|c| c.id.0 == widest.cell)
        .and_then(|c| c.efficiency);
    if efficiency.and_then(|e| e.interval).is_some_and(|i| i.holds(1.0)) {
        return format!(
            "{}: the measurements do not tell its lane time from that of {}{scope}",
            widest.in_words, base.name
        );
    }
    let ratio = widest.total() / base.total();
    if ratio < 1.005 {
        return format!("{}: no more lane time than {}{scope}", widest.in_words, base.name);
    }
    let extra = widest.costs.iter().zip(&base.costs).map(|(cost, base)| cost - base);
    let greatest =
        extra.zip(&order).max_by(|a, b| a.0.total_cmp(&b.0)).map_or(OTHER, |(_, phase)| *phase);
    let how_much = match ratio {
        r if r < 2.0 => format!("{:.0} % more lane time than", (r - 1.0) * 100.0),
        r => format!("{} times as much lane time as", units::significant(r)),
    };
    format!(
        "{}: {how_much} {}, most of the extra in '{greatest}'{scope}",
        widest.in_words, base.name
    )
}

const ROW: f64 = 25.0;

fn compose<'v>(view: &'v View<'v>, medium: &Medium) -> Result<Chart<'v>> {
    let all = view.headings();
    let order = order(view);
    let drawn = |i: usize| {
        view.summary.groups[i]
            .cells
            .iter()
            .filter(|c| !c.phases.is_empty() && c.cell.backend.peer().is_none())
            .count()
    };
    let most = ((medium.height - 120.0) / ROW) as usize;
    let tall = |i: usize| {
        let lines = style::wrap(&all[i], HEADING, medium.width - 2.0 * MARGIN).len() as f64;
        lines * 16.0 + drawn(i).min(most) as f64 * ROW + 64.0
    };
    let fitting = view.fitting(medium, |i| (drawn(i) > 0).then(|| tall(i)));
    let shown = &fitting.shown;
    let mut panels = Vec::new();
    let (mut cells, mut of) = (0, 0);
    let mut description = String::from("Lane time of one iteration by phase.");
    for i in shown.iter().copied() {
        let bars = bars(&view.summary.groups[i], &order);
        of += bars.len();
        let bars = chosen(&view.summary.groups[i], bars, most);
        cells += bars.len();
        description.push_str(&describe(&all[i], &bars, &order));
        panels.push((all[i].clone(), &view.summary.groups[i], bars));
    }
    let left_out =
        if cells < of { format!("{cells} of {of} cells are shown.") } else { String::new() };
    let heights = shown.iter().map(|i| tall(*i)).collect();
    let caption = vec![
        format!(
            "Lane time: seconds of one iteration × lanes; medians of {} repeats, means over the lanes. With an ideal speedup every bar would end \
             at the line of the base; what reaches beyond is lost. Longer bars than {LONGEST} times the base's are cut, their parts shares of the whole. 'other' is the rest of \
             the timed part. Imbalance: largest over mean useful time of the lanes.",
            view.repeats().replace("n = ", "")
        ),
        fitting.left_out(),
        left_out,
        view.oversubscribed("all their waiting for a CPU counts too"),
        view.without_result(),
        view.source(),
    ];
    let has = |at: usize| panels.iter().flat_map(|(.., bars)| bars).any(|bar| bar.costs[at] > 0.0);
    let keys = order.iter().enumerate().filter(|(at, word)| !is_rare(word) || has(*at));
    let keys: Vec<_> = keys.map(|(_, word)| style::of_phase(word)).collect();
    let drawn: Vec<&str> =
        panels.iter().flat_map(|(.., bars)| bars).map(|bar| bar.cell.as_str()).collect();
    let cells = ids(shown
        .iter()
        .flat_map(|i| &view.summary.groups[*i].cells)
        .filter(|c| drawn.contains(&c.id.0.as_str())));
    Ok(Chart {
        title: title(view),
        caption,
        description,
        from: Provenance::Measured,
        cells,
        head: key_height(medium, keys.iter().map(|(_, word)| *word)),
        heights,
        columns: 1,
        draw: Box::new(move |canvas, sheet| {
            let keys: Vec<_> =
                keys.iter().map(|(colour, word)| (word.to_string(), *colour, None)).collect();
            key(canvas, sheet, &keys)?;
            for ((heading, group, bars), place) in panels.iter().zip(&sheet.panels) {
                panel(canvas, *place, heading, (group, &order), bars)?;
            }
            Ok(())
        }),
    })
}

fn describe(heading: &str, bars: &[Bar], order: &[&'static str]) -> String {
    let mut text = format!(" {heading}:");
    for bar in bars {
        text.push_str(&format!(" {} {}", bar.name, units::seconds(bar.total())));
        let named = order
            .iter()
            .zip(bar.costs.iter().copied())
            .filter(|(word, cost)| *cost > 0.0 || !is_rare(word));
        for (phase, cost) in named {
            text.push_str(&format!(
                ", {phase} {:.1} %",
                100.0 * cost / bar.total().max(f64::MIN_POSITIVE)
            ));
        }
        text.push(';');
    }
    text
}

/// Room for bars, CSS pixels: less of it shows nothing.
const SHORTEST: f64 = 60.0;

fn panel(
    canvas: &Canvas<'_>,
    panel: Panel,
    heading: &str,
    (group, order): (&Group, &[&'static str]),
    bars: &[Bar],
) -> Result<()> {
    let mut top = panel.y + 8.0;
    for line in style::wrap(heading, HEADING, panel.width) {
        canvas.text(&line, (panel.x, top), At::Start, HEADING)?;
        top += 16.0;
    }
    let room = bars.iter().map(|b| style::width(&b.name, LABEL)).fold(0.0, f64::max);
    let left = panel.x + room + 14.0;
    let base = base(group, bars);
    let reference =
        base.map_or_else(|| bars.iter().map(Bar::total).fold(f64::INFINITY, f64::min), Bar::total);
    let longest =
        bars.iter().map(Bar::total).filter(|t| *t <= LONGEST * reference).fold(reference, f64::max);
    let scale = Scale::of(std::iter::once(longest));
    let ticks = round_ticks(scale.value(longest), 5);
    let end = ticks.last().copied().unwrap_or(1.0).max(f64::MIN_POSITIVE);
    let is_cut = |bar: &Bar| scale.value(bar.total()) > end;
    let reached = |bar: &Bar| scale.value(bar.total()).min(end);
    let say = |bar: &Bar, briefly: bool| match base {
        Some(base) if base.cell == bar.cell => format!("{} (base)", units::seconds(bar.total())),
        Some(base) if !briefly => {
            let (total, times) =
                (units::seconds(bar.total()), units::significant(bar.total() / base.total()));
            format!("{total} = {times} × {}", labels::one_line(&base.name, 12))
        }
        _ => units::seconds(bar.total()),
    };
    // Imbalance in a column of its own, where any lanes can be out of balance.
    let imbalance = bars.iter().any(|bar| bar.lanes > 1.0 && bar.imbalance.is_some());
    let limit = panel.x + panel.width
        - if imbalance { style::width(IMBALANCE, CAPTION) + 10.0 } else { 0.0 };
    // As far to the right as the words beside every bar allow; briefer words where long names leave
    // little room for bars.
    let beside = |bar: &Bar, briefly: bool| {
        left + (limit - 10.0 - style::width(&say(bar, briefly), LABEL) - left) * end / reached(bar)
    };
    let reach = |briefly: bool| bars.iter().map(|bar| beside(bar, briefly)).fold(limit, f64::min);
    let briefly = reach(false) < left + SHORTEST;
    let words = |bar: &Bar| say(bar, briefly);
    let right = reach(briefly).max(left + SHORTEST);
    if imbalance {
        canvas.text(IMBALANCE, (panel.x + panel.width, top - 2.0), At::End, CAPTION)?;
        top += 10.0;
    }
    let bottom = top + bars.len() as f64 * ROW + 2.0;
    let x = Axis::linear((0.0, end), (left, right));
    for &tick in &x.with_room(&ticks, 34.0) {
        canvas.line(&[(x.at(tick), top - 2.0), (x.at(tick), bottom + 4.0)], RULE, 1.0, 1.0)?;
        canvas.text(&number(tick), (x.at(tick), bottom + 13.0), At::Middle, LABEL)?;
    }
    let unit = format!("lane time of one iteration, {} × lanes", scale.unit);
    let middle = ((left + right) / 2.0).max(panel.x + style::width(&unit, LABEL) / 2.0);
    canvas.text(&unit, (middle, bottom + 30.0), At::Middle, LABEL)?;

    for (i, bar) in bars.iter().enumerate() {
        let y = top + i as f64 * ROW;
        canvas.text(&bar.name, (left - 8.0, y + ROW / 2.0), At::End, LABEL)?;
        // Of a cut bar the parts keep their shares: what takes its time is seen, and the gaps say
        // that it is longer.
        let shrunk = if is_cut(bar) { end / scale.value(bar.total()) } else { 1.0 };
        let mut from = 0.0;
        let parts = order
            .iter()
            .zip(bar.costs.iter().copied())
            .filter(|(word, cost)| *cost > 0.0 || !is_rare(word));
        for (phase, cost) in parts {
            let to = (from + shrunk * scale.value(cost)).min(end);
            canvas.bar(
                (x.at(from), y + 4.0),
                (x.at(to) - x.at(from), ROW - 8.0),
                style::of_phase(phase).0,
            )?;
            from = to;
        }
        if is_cut(bar) {
            // Two slanted gaps say that the bar goes on.
            for gap in [12.0, 18.0] {
                let at = x.at(end) - gap;
                canvas.line(
                    &[(at - 3.0, y + ROW - 3.0), (at + 3.0, y + 3.0)],
                    style::PAPER,
                    1.0,
                    2.5,
                )?;
            }
        }
        if let Some(value) = bar.imbalance.filter(|_| imbalance && bar.lanes > 1.0) {
            let place = (panel.x + panel.width, y + ROW / 2.0);
            canvas.text(&format!("{value:.2}"), place, At::End, LABEL)?;
        }
    }
    if let Some(base) = base {
        let at = x.at(scale.value(base.total()));
        canvas.line(&[(at, top - 2.0), (at, bottom)], INK, 0.9, 1.25)?;
    }
    // Words last, on paper, so that no line runs through them.
    for (i, bar) in bars.iter().enumerate() {
        let (beside, middle) = (x.at(reached(bar)) + 8.0, top + (i as f64 + 0.5) * ROW);
        let words = words(bar);
        canvas.bar(
            (beside - 3.0, middle - 8.0),
            (style::width(&words, LABEL), 16.0),
            style::PAPER,
        )?;
        canvas.text(&words, (beside, middle), At::Start, LABEL)?;
    }
    Ok(())
}

/// Of more bars than there is room for: the base, then those with fewest and most lanes of each
/// backend, then powers of two, then the rest.
fn chosen(group: &Group, mut bars: Vec<Bar>, most: usize) -> Vec<Bar> {
    if bars.len() <= most {
        return bars;
    }
    let of = |bar: &Bar| group.cells.iter().find(|cell| cell.id.0 == bar.cell);
    let backend = |bar: &Bar| of(bar).map(|cell| labels::series(&cell.cell));
    let ends = |bar: &Bar| {
        let same =
            || bars.iter().filter(|other| backend(other) == backend(bar)).map(|other| other.lanes);
        bar.lanes == same().fold(f64::INFINITY, f64::min) || bar.lanes == same().fold(0.0, f64::max)
    };
    let is_base = |bar: &Bar| group.base.as_ref().is_some_and(|base| base.cell.0 == bar.cell);
    let rank = |bar: &Bar| match () {
        () if is_base(bar) => 0,
        () if ends(bar) => 1,
        () if bar.lanes.log2().fract() == 0.0 => 2,
        () => 3,
    };
    let mut order: Vec<usize> = (0..bars.len()).collect();
    order.sort_by_key(|i| rank(&bars[*i]));
    order.truncate(most);
    let mut place = 0;
    bars.retain(|_| {
        place += 1;
        order.contains(&(place - 1))
    });
    bars
}
