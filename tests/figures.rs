//! Figures of made-up records.

use std::path::PathBuf;

use amdahl::cell::{Dataset, Workload};
use amdahl::explain::figure::medium::{MEDIA, Medium, SCREEN};
use amdahl::explain::figure::{self, Drawing, FIGURES, View, trace};
use amdahl::explain::frame::{Frames, numbers, words};
use amdahl::explain::summary::summarise;
use amdahl::record::simulation::SimulationEnd;
use amdahl::record::{Failure, Line, Phase};

use crate::explain::{amdahl, folder_with, golden, mixed};
use crate::metrics::{with_made_up_pmu, with_made_up_simulations};
use crate::samples::{self, Made, collect};

fn draw(lines: &[Line]) -> Vec<Drawing> {
    draw_for(lines, &SCREEN)
}

/// Every figure of these records, drawn for a medium.
pub fn draw_for(lines: &[Line], medium: &Medium) -> Vec<Drawing> {
    let summary = summarise(&collect(lines));
    let view = View::new(&summary, "results/sample").expect("a view");
    figure::draw(&view, medium).expect("figures are drawn")
}

/// Made-up results of every kind that a figure has to cope with.
pub fn situations() -> Vec<(&'static str, Vec<Line>)> {
    let wide = |lanes: &[u32]| {
        let mut spreads = vec![("serial", 1, 1)];
        spreads.extend(lanes.iter().map(|&n| ("threads", 1, n)));
        spreads.extend(lanes.iter().map(|&n| ("mpi", n, 1)));
        spreads.extend([("hybrid", 2, 2), ("hybrid", 2, 4), ("hybrid", 4, 2), ("hybrid", 4, 4)]);
        spreads
    };
    let mut failed = mixed();
    samples::fail(&mut failed, "serial", 1, Failure::Timeout, "<script>alert(1)</script> took more than 60 s");
    let mut hostile = Made { experiment: "../<b>&\"x".into(), ..Made::default() }.lines();
    for line in &mut hostile {
        match line {
            Line::Host(host) => host.hostname = Some("<img src=x onerror=alert(1)>\u{1b}[31m".into()),
            Line::Run(run) => run.title = "</title><script>alert('title')</script>".into(),
            _ => {}
        }
    }
    samples::fail(&mut hostile, "mpi", 2, Failure::Error, "</td><script>alert(\"reason\")</script> ü 漢字");
    let mut crowded =
        Made { spreads: vec![("serial", 1, 1), ("threads", 1, 2), ("mpi", 2, 1), ("hybrid", 2, 4)], ..Made::default() }
            .lines();
    for line in &mut crowded {
        if let Line::Record(record) = line
            && let Some(measured) = record.measured.as_mut().filter(|m| m.lane_count() == 8)
        {
            measured.seconds *= 40.0;
            let seconds = measured.seconds;
            for lane in measured.readings[0].values.iter_mut().flatten() {
                lane[Phase::Reduce.index()] = seconds * 0.9;
            }
        }
    }
    vec![
        ("crowded", crowded),
        ("usual", Made::default().lines()),
        ("one-cell", Made { spreads: vec![("serial", 1, 1)], ..Made::default() }.lines()),
        (
            "three-cells",
            Made { spreads: vec![("serial", 1, 1), ("threads", 1, 1), ("threads", 1, 2)], ..Made::default() }.lines(),
        ),
        ("one-repeat", Made { repeats: 1, ..Made::default() }.lines()),
        ("mixed", mixed()),
        ("many-lanes", Made { spreads: wide(&[1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64]), ..Made::default() }.lines()),
        ("many-problems", Made { points: vec![1_000, 10_000, 100_000], k: vec![4, 16, 64], ..Made::default() }.lines()),
        ("noisy", Made { noise: 0.6, ..Made::default() }.lines()),
        ("slower", Made { points: vec![300], ..Made::default() }.lines()),
        ("no-base", failed),
        ("counted", counted()),
        ("simulated", simulated()),
        ("hostile", hostile),
    ]
}

/// Made-up hardware counters in a sweep over k, with limits.
fn counted() -> Vec<Line> {
    let mut lines = Made { k: vec![4, 16, 64], ..Made::default() }.lines();
    lines.push(Line::Limits(Box::new(samples::limits())));
    let events = [("instructions", 8e7), ("cycles", 4e7), ("L1D-load-misses", 6e5), ("LLC-load-misses", 5e4)];
    with_made_up_pmu(&mut lines, &events.map(|(event, value)| (event, value, "perf-1")));
    lines
}

/// Made-up simulations of a sweep over k and over rows.
fn simulated() -> Vec<Line> {
    let spreads = vec![("serial", 1, 1), ("mpi", 2, 1)];
    let mut lines = Made { points: vec![1_000, 10_000], k: vec![4, 16, 64], spreads, ..Made::default() }.lines();
    with_made_up_simulations(&mut lines);
    // More clusters, more misses; and more rows.
    let mut k = std::collections::BTreeMap::new();
    for line in &lines {
        if let Line::Cell { id, cell } = line {
            let Workload::KMeans(kmeans) = &cell.workload;
            k.insert(id.clone(), f64::from(kmeans.k));
        }
    }
    for line in &mut lines {
        let Line::Simulation(simulation) = line else { continue };
        let factor = k[&simulation.key.cell] / 4.0;
        let SimulationEnd::Done(counts) = &mut simulation.end else { continue };
        if let Dataset::Synthetic { points, .. } = simulation.cell.dataset {
            counts.rows = points;
        }
        for reading in counts.readings.iter_mut().filter(|r| r.metric.ends_with("misses")) {
            reading.values.iter_mut().flatten().flatten().for_each(|value| *value *= factor);
        }
    }
    lines
}

#[test]
fn every_situation_is_drawn_twice_with_the_same_bytes() {
    for (name, lines) in situations() {
        let (once, again) = (draw(&lines), draw(&lines));
        assert!(once.len() >= 2 && once[0].name == "speedup" && once[1].name == "phases", "{name}");
        assert!(once == again, "{name}: equal records give equal bytes");
        for drawing in once {
            assert!(drawing.svg.starts_with("<svg ") && drawing.svg.ends_with("</svg>\n"), "{name}");
            assert!(!drawing.svg.contains("NaN") && !drawing.svg.contains("inf,"), "{name}");
            assert!(!drawing.svg.contains("<script") && !drawing.svg.contains("<img"), "{name}: text is escaped");
            assert!(drawing.svg.contains("<title id=") && drawing.svg.contains("<desc id="), "{name}");
            assert!(!drawing.svg.contains("http") || drawing.svg.matches("http").count() == 1, "only the name space");
        }
    }
}

#[test]
fn titles_state_the_finding() {
    let titles = |lines: &[Line]| draw(lines).into_iter().map(|d| d.title).collect::<Vec<_>>();
    let usual = titles(&Made::default().lines());
    assert!(usual[0].starts_with("4 threads: 3.") && usual[0].contains("times as fast as serial"), "{usual:?}");
    assert!(usual[1].contains("more lane time than serial, most of the extra in"), "{usual:?}");
    let spreads = vec![("serial", 1, 1), ("mpi", 2, 1), ("mpi", 4, 1)];
    let slow = titles(&Made { points: vec![300], spreads, ..Made::default() }.lines());
    assert!(slow[0].starts_with("Nothing is faster than serial"), "{slow:?}");
    let alone = titles(&Made { spreads: vec![("serial", 1, 1)], ..Made::default() }.lines());
    assert!(alone[0].starts_with("Only the base was measured"), "{alone:?}");
}

#[test]
fn what_was_not_counted_is_not_drawn_and_sources_never_mix() {
    let names = |lines: &[Line]| draw(lines).into_iter().map(|d| d.name).collect::<Vec<_>>();
    assert_eq!(names(&Made::default().lines()), ["speedup", "phases", "pop"]);
    assert_eq!(names(&counted()), ["speedup", "phases", "pop", "roofline", "cache-measured", "mpki-measured"]);
    assert_eq!(names(&simulated()), ["speedup", "phases", "pop", "cache-simulated", "mpki-simulated"]);
    let mut both = simulated();
    let events = [("instructions", 8e7), ("L1D-load-misses", 6e5)];
    with_made_up_pmu(&mut both, &events.map(|(event, value)| (event, value, "perf-1")));
    let drawn = draw(&both);
    assert_eq!(drawn.len(), 7, "a figure for each source");
    for drawing in drawn.iter().chain(&draw(&mixed())) {
        let simulated = drawing.name.ends_with("-simulated");
        assert_eq!(drawing.title.starts_with("Simulated"), simulated, "{}", drawing.title);
        assert_eq!(drawing.svg.contains("not measured"), simulated, "{}", drawing.name);
        assert!(!simulated || !drawing.svg.contains("Measured"), "{}", drawing.name);
    }
    let roofline = draw(&mixed()).into_iter().find(|d| d.name == "roofline").expect("limits are there");
    assert!(roofline.title.contains("bytes modelled"), "{}", roofline.title);
    let roofline = draw(&counted()).into_iter().find(|d| d.name == "roofline").expect("limits are there");
    assert!(roofline.title.contains("bytes counted"), "{}", roofline.title);
    let names: Vec<_> = FIGURES.iter().map(|figure| figure.name).collect();
    assert!(names.iter().enumerate().all(|(i, name)| !names[..i].contains(name)));
}

#[test]
fn a_figure_is_what_it_was() {
    let drawn = draw(
        &Made { spreads: vec![("serial", 1, 1), ("threads", 1, 1), ("threads", 1, 2)], ..Made::default() }.lines(),
    );
    golden("speedup.svg", &drawn[0].svg);
    golden("phases.svg", &drawn[1].svg);
}

#[test]
fn the_tables_agree_with_the_summary() {
    let summary = summarise(&collect(&mixed()));
    let frames = Frames::new(&summary).expect("tables");
    let cells: usize = summary.groups.iter().map(|g| g.cells.len()).sum();
    let repeats: usize = summary.groups.iter().flat_map(|g| &g.cells).map(|c| c.repeats.len()).sum();
    assert_eq!((frames.cells.height(), frames.repeats.height()), (cells, repeats));
    for (i, group) in summary.groups.iter().enumerate() {
        let costs = frames.phase_costs(i as u32).expect("a query");
        let (ids, phases) = (words(&costs, "cell").expect("words"), words(&costs, "phase").expect("words"));
        let seconds = numbers(&costs, "seconds").expect("numbers");
        let mut checked = 0;
        for cell in &group.cells {
            for phase in Phase::TIMED {
                let Some(expected) = cell.phase(phase) else { continue };
                let row = (0..ids.len()).find(|&r| ids[r] == cell.id.0 && phases[r] == phase.word()).expect("a row");
                let got = seconds[row].expect("a value") * f64::from(cell.iterations.expect("iterations"));
                assert!((got - expected.mean_s).abs() <= 1e-12 + 1e-9 * expected.mean_s, "{got} {}", expected.mean_s);
                checked += 1;
            }
        }
        assert_eq!(checked, 8 * Phase::TIMED.len(), "the cell that failed has no phases");
    }
    assert_eq!(View::new(&summary, "").expect("a view").main_group(), Some(1), "the larger problem");
}

#[test]
fn figures_are_written_where_they_are_wanted() {
    let (temp, folder) = folder_with(&situations().pop().expect("the hostile one").1);
    let out = temp.path().join("new/plots");
    let drawn = amdahl(&["figures", &folder.to_string_lossy(), "--out", &out.to_string_lossy()]);
    assert!(drawn.status.success(), "{}", String::from_utf8_lossy(&drawn.stderr));
    let mut names: Vec<String> = std::fs::read_dir(&out)
        .expect("the folder")
        .map(|e| e.expect("an entry").file_name().to_string_lossy().into())
        .collect();
    names.sort();
    assert_eq!(
        names,
        ["----b---x-phases.svg", "----b---x-pop.svg", "----b---x-speedup.svg"],
        "a name from outside stays in the folder"
    );
}

#[test]
fn figures_say_what_they_show_and_how_to_draw_them_again() {
    for medium in MEDIA {
        for drawing in draw_for(&situations().pop().expect("the hostile one").1, medium) {
            let [trace] = &trace::read(&drawing.svg).expect("a trace")[..] else { panic!("one trace") };
            assert_eq!((trace.figure.as_str(), trace.medium.as_str()), (drawing.name, medium.name));
            assert_eq!(trace.experiment, "../<b>&\"x", "words come back as they were");
            assert_eq!(trace.cells, drawing.cells.iter().map(|id| id.0.clone()).collect::<Vec<_>>());
            assert!(!trace.cells.is_empty(), "{}", drawing.name);
            assert_eq!(
                trace.command,
                format!("amdahl figures results/sample --only {} --medium {}", drawing.name, medium.name)
            );
        }
    }
}

#[test]
fn trace_reads_figures_and_pages() {
    let (temp, folder) = folder_with(&mixed());
    let (folder, out) = (folder.to_string_lossy().into_owned(), temp.path().to_string_lossy().into_owned());
    let drawn = amdahl(&["figures", &folder, "--out", &out, "--only", "speedup", "--medium", "a0"]);
    assert!(drawn.status.success(), "{}", String::from_utf8_lossy(&drawn.stderr));
    let figure = temp.path().join("sample-speedup.svg");
    let traced = amdahl(&["trace", &figure.to_string_lossy()]);
    let text = String::from_utf8_lossy(&traced.stdout).into_owned();
    assert!(traced.status.success() && text.contains("numbers     measured"), "{text}");
    let ids: Vec<&str> = text.lines().filter_map(|l| l.split_whitespace().last()).filter(|w| w.len() == 16).collect();
    let cell = amdahl(&["show", &folder, "--cell", ids.last().expect("an id")]);
    assert!(cell.status.success() && String::from_utf8_lossy(&cell.stdout).contains("\"kmeans\""));
    // The command that it names draws the same bytes.
    let before = std::fs::read(&figure).expect("the figure");
    std::fs::remove_file(&figure).expect("removed");
    let again = text.lines().find_map(|l| l.trim().strip_prefix("again")).expect("a command").trim().to_string();
    let mut words: Vec<&str> = again.split(' ').skip(1).collect();
    words.extend(["--out", &out]);
    assert!(amdahl(&words).status.success(), "{again}");
    assert!(std::fs::read(&figure).expect("the figure") == before);

    for (args, said) in [
        (vec!["trace", "/dev/null"], "no figure that amdahl drew"),
        (vec!["figures", &folder, "--only", "sped-up"], "no figure 'sped-up'"),
        (vec!["figures", &folder, "--medium", "a5"], "no medium 'a5'"),
        (vec!["figures", &folder, "--only", "cache-simulated"], "nothing that these figures show"),
        (vec!["show", &folder, "--cell", "0123"], "no cell 0123"),
    ] {
        let refused = amdahl(&args);
        let stderr = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success() && stderr.contains(said), "{args:?}: {stderr}");
    }
}

/// Not a test: writes every situation's figures to the folder in `AMDAHL_LOOK`, for people to look at.
#[test]
#[ignore = "for people: AMDAHL_LOOK=folder cargo test --release -- --ignored to_look_at"]
fn figures_to_look_at() {
    let folder = PathBuf::from(std::env::var_os("AMDAHL_LOOK").expect("AMDAHL_LOOK names a folder"));
    std::fs::create_dir_all(&folder).expect("a folder");
    for (name, lines) in situations() {
        samples::write(&folder.join(name), &lines);
        for drawing in draw(&lines) {
            let path = folder.join(format!("{name}-{}.svg", drawing.name));
            std::fs::write(&path, &drawing.svg).expect("a file");
            assert!(path.is_file());
        }
    }
}
