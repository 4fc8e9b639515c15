//! Figures of made-up records.

use std::path::PathBuf;

use amdahl_explain::analysis::Analysis;
use amdahl_explain::figure;
use amdahl_explain::figure::medium::{MEDIA, Medium, SCREEN};
use amdahl_explain::figure::{Drawing, FIGURES, View, trace};
use amdahl_explain::report_model::Facts;
use amdahl_explain::summary::summarise;
use amdahl_record::Line;

use crate::explain::{amdahl, folder_with, golden, mixed};
use crate::metrics::with_made_up_pmu;
use crate::samples::{self, Made, collect};
use crate::situations::{
    all_failed, counted, extremes, hardware_threads, peers, simulated, sizes, weak,
};

pub use crate::situations::situations;

fn draw(lines: &[Line]) -> Vec<Drawing> {
    draw_for(lines, &SCREEN)
}

/// Every figure of these records, drawn for a medium.
pub fn draw_for(lines: &[Line], medium: &Medium) -> Vec<Drawing> {
    let summary = summarise(&collect(lines));
    let analysis = Analysis::of(&summary);
    let view = View::new(&analysis, "results/sample");
    figure::draw(&view, medium).expect("figures are drawn")
}

#[test]
fn every_situation_is_drawn_twice_with_the_same_bytes() {
    for (name, lines) in situations().into_iter().chain(extremes()) {
        let results = collect(&lines);
        let summary = summarise(&results);
        let again = summarise(&results);
        for medium in MEDIA {
            let draw = |summary| {
                let analysis = Analysis::of(summary);
                let view = View::new(&analysis, "results/sample");
                figure::draw(&view, medium).expect("figures are drawn")
            };
            let (once, again) = (draw(&summary), draw(&again));
            let has = |name: &str| once.iter().any(|drawing| drawing.name == name);
            let nothing_to_compare = ["no-base", "all-failed", "one-cell", "weak"].contains(&name);
            assert_eq!(has("speedup"), !nothing_to_compare, "{name}");
            assert_eq!(has("phases"), name != "all-failed", "{name}");
            assert!(once == again, "{name}: equal records give equal bytes");
            for drawing in &once {
                let what = format!("{name}, {} for {}", drawing.name, medium.name);
                let svg = &drawing.svg;
                assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"), "{what}");
                assert!(!svg.contains("NaN") && !svg.contains("inf,"), "{what}");
                assert!(
                    !svg.contains("<script") && !svg.contains("<img"),
                    "{what}: text is escaped"
                );
                assert!(svg.contains("<title id=") && svg.contains("<desc id="), "{what}");
                assert!(
                    !svg.contains("http") || svg.matches("http").count() == 1,
                    "{what}: only the name space"
                );
                assert!(
                    !drawing.title.contains("NaN") && !drawing.description.contains("NaN"),
                    "{what}"
                );
                assert!(!drawing.cells.is_empty(), "{what}: it says which cells it shows");
                assert!(svg.len() < 1 << 20, "{what}: {} bytes", svg.len());
                crate::drawn::check(&what, svg);
            }
        }
    }
}

/// The title of a figure of these records.
#[track_caller]
fn title(lines: &[Line], name: &str) -> String {
    draw(lines).into_iter().find(|drawing| drawing.name == name).expect("it is drawn").title
}

#[test]
fn titles_state_the_finding() {
    let usual = Made::default().lines();
    let speedup = title(&usual, "speedup");
    assert!(
        speedup.starts_with("4 threads: 3.") && speedup.contains("times as fast as serial"),
        "{speedup}"
    );
    let phases = title(&usual, "phases");
    assert!(phases.contains("more lane time than serial, most of the extra in"), "{phases}");
    let efficiency = title(&usual, "efficiency");
    assert!(
        efficiency.starts_with("4 threads keep 83 % of the ideal, as if 6.")
            && efficiency.contains("of the work could not be spread"),
        "{efficiency}"
    );
    let spreads = vec![("serial", 1, 1), ("mpi", 2, 1), ("mpi", 4, 1)];
    let slow = title(&Made { points: vec![300], spreads, ..Made::default() }.lines(), "speedup");
    assert!(slow.starts_with("Nothing is faster than serial"), "{slow}");
    let alone = Made { spreads: vec![("serial", 1, 1)], ..Made::default() }.lines();
    let summary = summarise(&collect(&alone));
    let analysis = Analysis::of(&summary);
    let view = View::new(&analysis, "results/sample");
    let facts = Facts::of(&view, &draw(&alone));
    assert!(
        facts.answer[0].starts_with("Nothing was measured on more lanes than the base, serial"),
        "{:?}",
        facts.answer
    );

    let raced = title(&peers(), "peers");
    assert!(
        raced.starts_with("scikit-learn-minibatch is faster than ours (threads), which takes 2.4"),
        "{raced}"
    );
    let inertia = title(&peers(), "objective");
    assert!(
        inertia.contains("as threads 2, which has the least inertia, and ends 4 % above it"),
        "{inertia}"
    );
    assert!(inertia.starts_with("mpi 2, batches of 1,024 is"), "{inertia}");
    let growth = title(&sizes(), "growth");
    assert!(
        growth.contains("serial: 16 times the rows take 1")
            && growth.contains("16 times the clusters 1"),
        "{growth}"
    );
    let cost = title(&sizes(), "cost");
    assert!(
        cost.starts_with("serial: a point, cluster and column costs 12")
            && cost.ends_with("ps at every size"),
        "{cost}"
    );
    let heat = title(&sizes(), "heat");
    assert!(
        heat.starts_with("The best speedup goes from 2.") && heat.ends_with("(n = 800k, k = 128)"),
        "{heat}"
    );
    let many = title(&counted(), "multiples");
    assert!(
        many.starts_with(
            "More lanes are shown to be faster than the base for 3 of 3 problems; most for k"
        ),
        "{many}"
    );
    let scaled = title(&weak(), "weak");
    assert!(
        scaled.starts_with("Weak scaling: 4 threads do 4 times the work of serial in 1.0"),
        "{scaled}"
    );
}

#[test]
fn what_the_data_do_not_have_is_not_drawn_and_sources_never_mix() {
    let names = |lines: &[Line]| draw(lines).into_iter().map(|d| d.name).collect::<Vec<_>>();
    let one_lane = Made { spreads: vec![("serial", 1, 1)], ..Made::default() };
    assert_eq!(names(&one_lane.lines()), ["phases"], "a base alone has no speedup");
    assert_eq!(names(&Made::default().lines()), ["speedup", "efficiency", "phases", "pop"]);
    assert_eq!(names(&all_failed()), [""; 0]);
    let over_k = ["speedup", "efficiency", "phases", "pop", "multiples", "growth", "cost"];
    let found = names(&counted());
    assert_eq!(found, [&over_k[..], &["roofline", "cache-measured", "mpki-measured"]].concat());
    let over_both = ["speedup", "efficiency", "phases", "pop", "growth", "cost", "heat"];
    assert_eq!(
        names(&simulated()),
        [&over_both[..], &["cache-simulated", "mpki-simulated"]].concat()
    );
    assert_eq!(names(&peers()), ["speedup", "efficiency", "peers", "objective", "phases", "pop"]);
    assert_eq!(names(&weak()), ["weak", "phases"]);
    let mut both = simulated();
    let events = [("instructions", 8e7), ("L1D-load-misses", 6e5)];
    with_made_up_pmu(&mut both, &events.map(|(event, value)| (event, value, "perf-1")));
    let drawn = draw(&both);
    assert_eq!(drawn.len(), over_both.len() + 4, "a figure for each source");
    for drawing in drawn.iter().chain(&draw(&mixed())) {
        let simulated = drawing.name.ends_with("-simulated");
        assert_eq!(drawing.title.starts_with("Simulated"), simulated, "{}", drawing.title);
        assert_eq!(drawing.svg.contains("not measured"), simulated, "{}", drawing.name);
        assert!(!simulated || !drawing.svg.contains("Measured"), "{}", drawing.name);
    }
    let roofline = title(&mixed(), "roofline");
    assert!(roofline.contains("bytes modelled"), "{roofline}");
    let roofline = title(&counted(), "roofline");
    assert!(roofline.contains("bytes counted"), "{roofline}");
    let names: Vec<_> = FIGURES.iter().map(|figure| figure.name).collect();
    assert!(names.iter().enumerate().all(|(i, name)| !names[..i].contains(name)));
}

#[test]
fn a_figure_is_what_it_was() {
    let drawn = draw(
        &Made {
            spreads: vec![("serial", 1, 1), ("threads", 1, 1), ("threads", 1, 2)],
            ..Made::default()
        }
        .lines(),
    );
    for name in ["speedup", "efficiency", "phases"] {
        let drawing = drawn.iter().find(|drawing| drawing.name == name).expect("it is drawn");
        golden(&format!("{name}.svg"), &drawing.svg);
    }
}

#[test]
fn titles_speak_of_the_larger_problem() {
    let summary = summarise(&collect(&mixed()));
    assert_eq!(View::new(&Analysis::of(&summary), "").main_group(), Some(1));
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
    names.retain(|name| name != ".amdahl-wrote");
    assert_eq!(
        names,
        ["efficiency", "phases", "pop", "speedup"].map(|name| format!("----b---x-{name}.svg")),
        "a name from outside stays in the folder"
    );
}

#[test]
fn figures_say_what_they_show_and_how_to_draw_them_again() {
    for medium in MEDIA {
        for drawing in draw_for(&situations().pop().expect("the hostile one").1, medium) {
            let [trace] = &trace::read(&drawing.svg).expect("a trace")[..] else {
                panic!("one trace")
            };
            assert_eq!((trace.figure.as_str(), trace.medium.as_str()), (drawing.name, medium.name));
            assert_eq!(trace.experiment, "../<b>&\"x", "words come back as they were");
            assert_eq!(
                trace.cells,
                drawing.cells.iter().map(|id| id.0.clone()).collect::<Vec<_>>()
            );
            assert!(!trace.cells.is_empty(), "{}", drawing.name);
            assert_eq!(
                trace.command,
                format!(
                    "amdahl figures results/sample --only {} --medium {}",
                    drawing.name, medium.name
                )
            );
        }
    }
}

#[test]
fn trace_reads_figures_and_pages() {
    let (temp, folder) = folder_with(&mixed());
    let (folder, out) =
        (folder.to_string_lossy().into_owned(), temp.path().to_string_lossy().into_owned());
    let drawn = amdahl(&["figures", &folder, "--out", &out, "--only", "speedup", "--medium", "a0"]);
    assert!(drawn.status.success(), "{}", String::from_utf8_lossy(&drawn.stderr));
    let figure = temp.path().join("sample-speedup.svg");
    let traced = amdahl(&["trace", &figure.to_string_lossy()]);
    let text = String::from_utf8_lossy(&traced.stdout).into_owned();
    assert!(traced.status.success() && text.contains("numbers     measured"), "{text}");
    let ids: Vec<&str> = text
        .lines()
        .filter_map(|l| l.split_whitespace().last())
        .filter(|w| w.len() == 16)
        .collect();
    let cell = amdahl(&["show", &folder, "--cell", ids.last().expect("an id")]);
    assert!(cell.status.success() && String::from_utf8_lossy(&cell.stdout).contains("\"kmeans\""));
    // The command that it names draws the same bytes.
    let before = std::fs::read(&figure).expect("the figure");
    std::fs::remove_file(&figure).expect("removed");
    let again = text
        .lines()
        .find_map(|l| l.trim().strip_prefix("again"))
        .expect("a command")
        .trim()
        .to_string();
    let mut words: Vec<&str> = again.split(' ').skip(1).collect();
    words.extend(["--out", &out]);
    assert!(amdahl(&words).status.success(), "{again}");
    assert!(std::fs::read(&figure).expect("the figure") == before);

    for (args, said) in [
        (vec!["trace", "/dev/null"], "it is a device, a regular file is expected"),
        (vec!["trace", "Cargo.toml"], "no figure that amdahl drew"),
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

#[test]
fn where_hardware_threads_begin_to_share_cores_there_is_a_line() {
    let with = |lines: &[Line], name: &str| {
        let drawn = draw(lines);
        let drawing = drawn.iter().find(|drawing| drawing.name == name).expect("drawn");
        (
            drawing.svg.matches("cores are shared →").count(),
            drawing.svg.contains("More lanes than cores"),
        )
    };
    for name in ["speedup", "efficiency"] {
        assert_eq!(with(&hardware_threads(), name), (1, true), "{name}");
        assert_eq!(with(&Made::default().lines(), name), (0, false), "{name}");
    }
}

/// Not a test: writes every situation's figures to the folder in `AMDAHL_LOOK`, for people to look
/// at.
#[test]
#[ignore = "for people: make look"]
fn figures_to_look_at() {
    let folder =
        PathBuf::from(std::env::var_os("AMDAHL_LOOK").expect("AMDAHL_LOOK names a folder"));
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
