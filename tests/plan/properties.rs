//! Planning held against naive models, and against any text.

use crate::support::kmeans;
use std::collections::BTreeSet;
use std::path::Path;

use amdahl_record::cell::{Cell, CellId, Dataset};
use amdahl_record::error::{Kind, Result};
use amdahl_run::plan;
use amdahl_run::plan::{Machine, Plan};
use proptest::prelude::*;

fn parse(text: &str, cpus: u32) -> Result<Plan> {
    plan::parse(text, Path::new("manifest.toml"), Machine::of(cpus))
}

/// Manifests that use everything, to be damaged.
const RICH: [&str; 2] = [
    r#"
[experiment]
name = "all-of-it"
title = "Größe"
question = "?"
seed = 3
repeats = 2
base = "serial"
time-limit = "5 min"
[workload]
kind = "kmeans"
init = "random-rows"
init-seed = 4
tolerance = 0.5
warmup = 0
[dataset]
synthetic = "skewed"
dims = 4
clusters = 3
[axes]
backend = ["serial", "threads", "mpi", "hybrid"]
ranks = "up-to-cores"
threads = [1, 2]
k = [2, 4]
max-iterations = [10, 20]
zip = [["k", "max-iterations"]]
let = { part = [100, 200] }
derive = { points = "part * lanes + (k - 1) * 2 / 2" }
exclude = [{ backend = "mpi", ranks = 1 }, { lanes = [3, 4] }]
oversubscribe = [{ backend = "hybrid" }]
"#,
    r#"
workload = { kind = "kmeans", k = 3, init = "first-rows", iterations = 5 }
dataset = {}
axes = { dataset = ["iris", "wine"], points = [50, 100], seed = [1, 2], backend = "threads", threads = 2 }
experiment.base = "threads"
"#,
];

/// Words that mean something in manifests, in any order.
fn any_manifest() -> impl Strategy<Value = String> {
    let words = [
        "[experiment]",
        "[workload]",
        "[dataset]",
        "[axes]",
        "\n",
        "=",
        "kind",
        "\"kmeans\"",
        "k",
        "points",
        "dims",
        "clusters",
        "synthetic",
        "\"mixture\"",
        "4",
        "-1",
        "0",
        "1.5",
        "[",
        "]",
        "{",
        "}",
        ",",
        "\"",
        "backend",
        "\"serial\"",
        "ranks",
        "\"up-to-cores\"",
        "zip",
        "derive",
        "\"lanes * (k\"",
        "exclude",
        "let",
        "#",
        "'",
        ".",
        "9223372036854775807",
        "99999999999999999999",
        "nan",
        "1979-05-27",
        "true",
        "ä",
        "init",
        "given",
        "name",
        "file",
    ];
    proptest::collection::vec(proptest::sample::select(words.to_vec()), 0..40)
        .prop_map(|words| words.join(" "))
}

fn check(text: &str) -> std::result::Result<(), TestCaseError> {
    match parse(text, 4) {
        Ok(plan) => {
            let ids: BTreeSet<&CellId> = plan.cells.iter().map(|c| &c.id).collect();
            prop_assert_eq!(ids.len(), plan.cells.len(), "ids are unique");
            for planned in &plan.cells {
                prop_assert_eq!(&planned.cell.id(), &planned.id);
                prop_assert!(ids.contains(&planned.oracle), "each oracle is planned");
                prop_assert!(planned.cell.validate().is_ok());
                let back = Cell::parse(&serde_json::to_string(&planned.cell).expect("JSON"))
                    .expect("a cell file");
                prop_assert_eq!(&back, &planned.cell);
            }
        }
        Err(error) => {
            let place = error.place.clone().expect("a place");
            let lines = text.lines().count();
            prop_assert!(
                place.line >= 1 && place.line <= lines + 1 && place.column >= 1,
                "{}",
                error
            );
            prop_assert_eq!(error.kind, Kind::Manifest);
        }
    }
    Ok(())
}

#[test]
fn the_rich_manifests_are_good() {
    for text in RICH {
        assert!(parse(text, 4).expect("a good manifest").cells.len() > 2);
        check(text).expect("its cells are sound");
    }
}

#[test]
fn a_value_that_many_others_name_is_computed_once() {
    // Each names the one before it ninety times; without a memory that would be 90⁶ look-ups.
    let chain = ["clusters", "dims", "points", "seed", "init-seed", "warmup"];
    let mut text = String::from(
        "workload = { kind = 'kmeans', k = 2 }\ndataset = { synthetic = 'mixture' }\n[axes]\nderive = {",
    );
    let mut before = "k".to_string();
    for name in chain {
        let terms = format!(" - {before} + {before}").repeat(45);
        text.push_str(&format!(" {name} = \"{before}{terms}\","));
        before = name.replace('-', "_");
    }
    text.push_str(" iterations = \"warmup\" }\n");
    let plan = parse(&text, 1).expect("a good manifest");
    let kmeans = kmeans(&plan.cells[0].cell);
    assert_eq!(kmeans.warmup, 2);
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused_with_its_place(text in "\\PC{0,80}") {
        check(&text)?;
    }

    #[test]
    fn any_words_are_read_or_refused_with_their_place(text in any_manifest()) {
        check(&text)?;
    }

    #[test]
    fn a_damaged_manifest_is_read_or_refused_with_its_place(
        which in 0usize..2, at: prop::sample::Index, length in 0usize..12, put in "[a-z0-9\"\\[\\]{}=,. \\n-]{0,6}",
    ) {
        let text = RICH[which];
        let starts: Vec<usize> = text.char_indices().map(|(i, _)| i).collect();
        let start = at.index(starts.len());
        let end = (start + length).min(starts.len() - 1);
        check(&format!("{}{put}{}", &text[..starts[start]], &text[starts[end]..]))?;
    }

    /// Axes cross, zip ties, exclude drops, what a backend ignores collapses, identical cells
    /// merge: as a few loops say it.
    #[test]
    fn cells_are_those_of_a_naive_model(
        ranks in proptest::collection::vec(1u32..6, 1..4),
        threads in proptest::collection::vec(1u32..6, 1..4),
        ks in proptest::collection::vec(1u32..5, 1..4),
        points in proptest::collection::vec(10u64..14, 1..4),
        zipped: bool,
        excluded in proptest::option::of(("serial|threads|mpi|hybrid", 1u32..6)),
        cpus in 1u32..10,
        over: bool,
        derived: bool,
    ) {
        let length = ranks.len().min(points.len());
        let (ranks, points) = if zipped { (&ranks[..length], &points[..length]) } else { (&ranks[..], &points[..]) };
        let backends = ["serial", "threads", "mpi", "hybrid"];
        let mut text = format!(
            "workload = {{ kind = 'kmeans', {} iterations = 2 }}\n\
             dataset = {{ synthetic = 'mixture', dims = 2, clusters = 2 }}\n\
             [axes]\nbackend = {backends:?}\nranks = {ranks:?}\nthreads = {threads:?}\npoints = {points:?}\n\
             oversubscribe = {over}\n",
            if derived { "" } else { "k = 3," },
        );
        let lanes_to_k = if derived {
            text.push_str(&format!("let = {{ base = {ks:?} }}\nderive = {{ k = \"base + lanes - 1\" }}\n"));
            true
        } else {
            false
        };
        if zipped {
            text.push_str("zip = [['ranks', 'points']]\n");
        }
        if let Some((backend, lanes)) = &excluded {
            text.push_str(&format!("exclude = [{{ backend = '{backend}', lanes = {lanes} }}]\n"));
        }

        let pairs: Vec<(u32, u64)> = if zipped {
            ranks.iter().copied().zip(points.iter().copied()).collect()
        } else {
            ranks.iter().flat_map(|&r| points.iter().map(move |&p| (r, p))).collect()
        };
        let one = vec![3];
        let mut expected: BTreeSet<(String, u32, u32, u32, u64)> = BTreeSet::new();
        let mut refused = false;
        for backend in backends {
            for &(rank, point) in &pairs {
                for &thread in &threads {
                    for &k in if lanes_to_k { &ks } else { &one } {
                        let r = if backend == "mpi" || backend == "hybrid" { rank } else { 1 };
                        let t = if backend == "threads" || backend == "hybrid" { thread } else { 1 };
                        let k = if lanes_to_k { k + r * t - 1 } else { k };
                        if excluded.as_ref().is_some_and(|(b, l)| b == backend && *l == r * t) || (r * t > cpus && !over) {
                            continue;
                        }
                        refused |= u64::from(k) > point;
                        expected.insert((backend.into(), r, t, k, point));
                    }
                }
            }
        }
        refused |= expected.is_empty();
        match parse(&text, cpus) {
            Err(error) => prop_assert!(refused, "{error}\n{text}"),
            Ok(plan) => {
                prop_assert!(!refused, "{}", text);
                let asked = plan.cells.iter().filter(|planned| planned.repeats == plan.experiment.repeats);
                let got: Vec<_> = asked.map(|planned| {
                    let kmeans = kmeans(&planned.cell);
                    let Dataset::Synthetic { points, .. } = &planned.cell.dataset else { unreachable!("synthetic") };
                    let backend = planned.cell.backend.name().to_string();
                    (backend, planned.cell.ranks, planned.cell.threads, kmeans.k, *points)
                }).collect();
                prop_assert_eq!(got.len(), expected.len());
                prop_assert_eq!(got.into_iter().collect::<BTreeSet<_>>(), expected);
                let over = plan.cells.iter().all(|c| c.cell.oversubscribe == (c.cell.lanes() > cpus));
                prop_assert!(over, "labelled exactly where there are more lanes than CPUs");
                check(&text)?;
            }
        }
    }
}
