//! What is said of accelerators whose published figures are known, and of prices. All records are
//! made up.

use crate::support::change_kmeans;
use amdahl_explain::analysis::Analysis;
use amdahl_explain::roofline_bound::Bound;
use amdahl_explain::show;
use amdahl_explain::summary::{CellSummary, Summary, summarise};
use amdahl_explain::terminal::Style;
use amdahl_explain::{export, metric};
use amdahl_kmeans_description::spec::Precision;
use amdahl_record::accelerators::Price;
use amdahl_record::{Line, Phase};

use crate::explain::{amdahl, folder_with, mixed};
use crate::samples::collect;
use crate::situations::devices;

fn cells<'s>(summary: &'s Summary, backend: &str) -> Vec<&'s CellSummary> {
    let all = summary.groups.iter().flat_map(|group| &group.cells);
    all.filter(|cell| cell.cell.backend.name() == backend).collect()
}

#[test]
fn a_known_accelerator_has_a_published_floor() {
    let summary = summarise(&collect(&devices()));
    let floors = |backend| -> Vec<_> {
        cells(&summary, backend).iter().map(|cell| cell.floor.clone().expect("a floor")).collect()
    };
    let (one, two, gpu) = (floors("trainium"), floors("mpi+trainium"), floors("cuda"));
    assert!(one.iter().chain(&two).all(|floor| floor.chip.as_deref() == Some("Trainium1")));
    assert!(gpu.iter().all(|floor| floor.chip.as_deref() == Some("NVIDIA H200 SXM")));
    // 100,000 rows of 16 columns: 6.4 MB from 410 GB/s; with 256 clusters 819.2 Mflop at 23.75
    // Tflop/s. Two cores take half.
    assert!((one[0].seconds - 6.4e6 / 410e9).abs() < 1e-12 && one[0].bound == Bound::Bytes);
    assert!((one[1].seconds - 819.2e6 / 23.75e12).abs() < 1e-12 && one[1].bound == Bound::Flops);
    assert!(one.iter().zip(&two).all(|(one, two)| (one.seconds / two.seconds - 2.0).abs() < 1e-9));
    assert!(
        floors("mpi").iter().all(|floor| floor.chip.is_none()),
        "processors have the machine's measured limits"
    );
    let text = show::text(&Analysis::of(&summary), Style { colour: false });
    assert!(
        text.contains(
            "Floor on Trainium1 modelled from published figures, of a core 23.8 TFLOP/s in f32"
        ),
        "{text}"
    );
}

#[test]
fn shares_of_a_peak_are_shares_of_the_right_one() {
    let summary = summarise(&collect(&devices()));
    let entries = metric::of(&summary);
    let mut seen = 0;
    for cell in cells(&summary, "cuda").into_iter().chain(cells(&summary, "trainium")) {
        let of = &entries.iter().find(|of| of.cell == cell.id).expect("its metrics").entries;
        let value = |name: &str, phase: Phase| {
            let entry =
                of.iter().find(|e| e.metric == name && e.phase == phase.word() && e.lane.is_none());
            entry.and_then(|entry| entry.value)
        };
        assert_eq!(value("FLOP/s", Phase::ASSIGN), None, "the host evaluates no distances");
        let rate = value("FLOP/s", Phase::EXECUTE).expect("the device does") * 1e9;
        let peak = cell.floor.as_ref().expect("a floor").flops;
        let share = value("of peak", Phase::EXECUTE).expect("a share");
        assert!((share - rate / peak).abs() < 1e-12 && share < 1.0, "{share}");
        let why = of
            .iter()
            .find(|e| e.metric == "of read bandwidth")
            .and_then(|e| e.why.clone())
            .expect("no value");
        assert!(!why.is_empty());
        seen += 1;
    }
    assert_eq!(seen, 4);
}

#[test]
fn an_unknown_device_has_no_floor_and_says_why() {
    let mut lines = devices();
    for line in &mut lines {
        if let Line::Record(record) = line
            && let Some(measured) = record.measured.as_mut()
            && let Some(device) = &measured.device
        {
            let mut other = (**device).clone();
            other.device = "something new".into();
            measured.device = Some(other.into());
        }
    }
    let summary = summarise(&collect(&lines));
    let cell = cells(&summary, "cuda")[0];
    assert_eq!(cell.floor, None);
    assert_eq!(
        cell.floor_why.as_deref(),
        Some("the list of accelerators has no figures of cuda (something new)")
    );
}

#[test]
fn a_run_has_its_price() {
    let lines = devices();
    let mut summary = summarise(&collect(&lines));
    let price = Price::parse("24.50 USD/h 2026-11-01").expect("a price");
    for cell in summary.groups.iter().flat_map(|group| &group.cells) {
        let life = cell.process_time.expect("a life").value;
        assert_eq!((cell.machines, cell.price), (Some(1), Some(price.of(life))), "{}", cell.id);
    }
    let text = show::text(&Analysis::of(&summary), Style { colour: false });
    assert!(
        text.contains("USD/1000 runs")
            && text.contains("24.5 USD an hour, the price of 2026-11-01"),
        "{text}"
    );
    assert!(export::csv(&summary).expect("CSV").contains(",USD"));
    summary.at_price(&Price::parse("49 EUR/h 2026-11-02").expect("a price"));
    let other = cells(&summary, "serial")[0];
    assert_eq!(other.price, Some(2.0 * price.of(other.process_time.expect("a life").value)));
    // Without a price there is no column, and no cost of 0.
    let summary = summarise(&collect(&mixed()));
    assert!(!show::text(&Analysis::of(&summary), Style { colour: false }).contains("1000 runs"));
    assert!(summary.groups.iter().flat_map(|group| &group.cells).all(|cell| cell.price.is_none()));
}

#[test]
fn two_nodes_cost_twice_and_unknown_ones_nothing() {
    let two_nodes = |index: &dyn Fn(usize) -> Option<u32>| {
        let mut lines = devices();
        for line in &mut lines {
            if let Line::Record(record) = line
                && let Some(measured) = record.measured.as_mut()
            {
                let mut lanes = measured.lanes.to_vec();
                lanes.iter_mut().enumerate().for_each(|(i, lane)| lane.node_index = index(i));
                measured.lanes = lanes.into();
            }
        }
        let summary = summarise(&collect(&lines));
        let cell = cells(&summary, "mpi")[0];
        (cell.machines, cell.price.is_some())
    };
    assert_eq!(two_nodes(&|lane| Some(lane as u32 % 2)), (Some(2), true));
    assert_eq!(two_nodes(&|_| None), (None, false), "older records do not say");
}

#[test]
fn a_price_can_be_given_with_old_results() {
    let (_temp, folder) = folder_with(&mixed());
    let folder = folder.to_str().expect("a plain path");
    let out = amdahl(&["show", folder, "--price", "3 EUR/h 2026-11-01"]);
    let text = String::from_utf8_lossy(&out.stdout);
    assert!(out.status.success() && text.contains("EUR/1000 runs"), "{text}");
    let wrong = amdahl(&["show", folder, "--price", "3 EUR"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("is no price"));
}

/// The roof of an accelerator is drawn beside that of the processors, and says that it was not
/// measured.
#[test]
fn a_roofline_of_accelerators_says_that_it_is_published() {
    use amdahl_explain::figure::medium::{A0, SCREEN};
    let roofline = |medium| {
        let drawings = crate::figures::draw_for(&devices(), medium);
        drawings.into_iter().find(|drawing| drawing.name == "roofline").expect("it is drawn")
    };
    let roofs = |svg: &str| svg.lines().filter(|line| line.starts_with("FMA peak ")).count();
    let drawing = roofline(&SCREEN);
    for words in [
        "one core of Trainium1, f32, published",
        "2 cores of Trainium1",
        "one NVIDIA H200 SXM, f32, published",
        "4 lanes",
    ] {
        assert!(drawing.svg.contains(words), "{words}");
    }
    assert_eq!(roofs(&drawing.svg), 5, "a roof stands once");
    assert!(drawing.caption.iter().any(|line| line.contains("nothing of that roof was measured")));
    assert_eq!(roofs(&roofline(&A0).svg), 1, "a poster has room for one");
}

#[test]
fn lanes_of_an_accelerator_have_no_efficiency_over_processors() {
    let summary = summarise(&collect(&devices()));
    let analysis = Analysis::of(&summary);
    for cell in cells(&summary, "mpi+trainium") {
        assert!(cell.speedup.expect("a speedup").value > 10.0);
        assert_eq!((cell.efficiency, cell.karp_flatt), (None, None));
        let mut all = summary.groups.iter().map(|group| &analysis.group(group).explained);
        let explained = all.find_map(|group| group.cell(cell)).expect("it is in a group");
        let pop = explained.pop.as_ref().expect("its lanes share the work");
        assert!(pop.parallel > 0.0 && pop.computation.is_none() && explained.lost.is_none());
    }
    let title = crate::figures::draw_for(&devices(), &amdahl_explain::figure::medium::SCREEN)[0]
        .title
        .clone();
    assert!(title.starts_with("mpi+trainium 2: ") && !title.contains("of ideal"), "{title}");
}

#[test]
fn values_of_bfloat16_are_half_as_long() {
    let mut summary = summarise(&collect(&devices()));
    let intensity = |summary: &Summary| {
        let group = &summary.groups[0];
        let cell =
            group.cells.iter().find(|cell| cell.cell.backend.name() == "cuda").expect("a GPU");
        let entries = metric::of_cell(summary, group, cell);
        let entry =
            entries.iter().find(|e| e.metric == "compulsory intensity" && e.phase == "execute");
        entry.and_then(|entry| entry.value).expect("a value")
    };
    let whole = intensity(&summary);
    for cell in summary.groups.iter_mut().flat_map(|group| &mut group.cells) {
        change_kmeans(&mut cell.cell, |kmeans| kmeans.offload.precision = Precision::Bf16);
    }
    assert_eq!(intensity(&summary), 2.0 * whole);
}
