//! Real data from every format, on threads and on ranks: the same bytes.

use amdahl_record::cell::{Dataset, Labels};

use super::{as_npy, on_ranks};
use crate::support::Sandbox;
use crate::worker;
use amdahl_testing as testing;

/// Iterations and inertia, where they are.
type Published = Option<(u64, f64)>;

/// Real data: its name in the catalogue, a file of it, clusters, and inertia and iterations from
/// the first k rows where they are published.
const SETS: &[(&str, &str, &str, Published)] = &[
    ("digits", "sklearn/digits.csv.gz", "10", Some((14, 1_167_859.384_006_599_2))),
    (
        "mnist-t10k",
        "mnist-t10k/t10k-images-idx3-ubyte.gz",
        "10",
        Some((105, 25_322_079_191.390_18)),
    ),
    ("covertype-ramp", "covertype-ramp/test.csv.gz", "7", None),
];

#[test]
fn the_same_bytes_from_every_format_on_threads_and_on_ranks() {
    const TEST: &str = "the_same_bytes_from_every_format_on_threads_and_on_ranks";
    let ranks = worker::mpi_or_skip(TEST);
    for (name, file, k, published) in SETS {
        let Some(folder) = testing::data_or_skip(TEST, file) else { continue };
        let sandbox = Sandbox::new();
        let npy = sandbox.path("points.npy");
        let labels = match *name {
            "digits" => Labels::LastColumn,
            "covertype-ramp" => Labels::Column("Cover_Type".into()),
            _ => Labels::None,
        };
        as_npy(
            &Dataset::File {
                path: folder.join(file),
                format: None,
                labels,
                dataset: None,
                sample: None,
            },
            &npy,
        );
        let data = ("AMDAHL_DATA", folder.to_str().expect("a plain path"));
        let fit = |out: &str, source: &str, more: &[&str]| {
            let (model, labels) = (format!("{out}.json"), format!("{out}-labels.npy"));
            let words = [
                "fit",
                source,
                "-k",
                k,
                "--init",
                "first-rows",
                "--tolerance",
                "0",
                "--max-iterations",
                "500",
            ];
            let words = [&words[..], &["--model", &model, "--labels", &labels], more].concat();
            let ran = sandbox.amdahl(&words).env(data.0, data.1).output().expect("amdahl starts");
            crate::support::Ran(ran).ends_with(0)
        };
        let read = |name: &str| std::fs::read(sandbox.path(name)).expect("a file");
        let said = fit("catalogue", name, &["--threads", "1", "--format", "json"]).out();
        let said: serde_json::Value = serde_json::from_str(&said).expect("JSON");
        if let Some((iterations, inertia)) = published {
            assert_eq!(said["iterations"], *iterations, "{name}");
            assert!(
                (said["inertia"].as_f64().expect("a number") / inertia - 1.0).abs() < 1e-9,
                "{name}: {said}"
            );
        }
        let mut outs = vec!["catalogue".to_string()];
        for threads in ["1", "2", "3", "4"] {
            let out = format!("npy{threads}");
            fit(&out, "points.npy", &["--threads", threads]);
            outs.push(out);
        }
        if ranks {
            for (out, source) in [("ranks-catalogue", *name), ("ranks-npy", "points.npy")] {
                let (model, labels) = (format!("{out}.json"), format!("{out}-labels.npy"));
                let words = [
                    "fit",
                    source,
                    "-k",
                    k,
                    "--init",
                    "first-rows",
                    "--tolerance",
                    "0",
                    "--max-iterations",
                ];
                let words = [&words[..], &["500", "--model", &model, "--labels", &labels]].concat();
                let ran = super::on_ranks_with(&sandbox, 3, &words, data).ends_with(0);
                assert_eq!(
                    ran.out().matches("iterations").count(),
                    1,
                    "rank 0 alone prints: {}",
                    ran.out()
                );
                outs.push(out.into());
            }
        }
        for out in &outs[1..] {
            assert_eq!(
                read(&format!("{out}.npy")),
                read("catalogue.npy"),
                "{name}: centroids of {out}"
            );
            assert_eq!(
                read(&format!("{out}-labels.npy")),
                read("catalogue-labels.npy"),
                "{name}: labels of {out}"
            );
        }
        sandbox.run(&["predict", "catalogue.json", "points.npy", "--labels", "p.npy"]).ends_with(0);
        assert_eq!(read("p.npy"), read("catalogue-labels.npy"), "{name}: predicted");
        if ranks {
            on_ranks(
                &sandbox,
                3,
                &["predict", "catalogue.json", "points.npy", "--labels", "r.npy"],
            )
            .ends_with(0);
            assert_eq!(read("r.npy"), read("catalogue-labels.npy"), "{name}: predicted on ranks");
        }
    }
}

#[test]
fn parquet_gives_the_same_bytes_whatever_its_row_groups_and_on_ranks() {
    let ranks =
        worker::mpi_or_skip("parquet_gives_the_same_bytes_whatever_its_row_groups_and_on_ranks");
    let sandbox = Sandbox::new();
    let read = |name: &str| std::fs::read(sandbox.path(name)).expect("a file");
    // One row group, groups of 7 rows in pages of 3, groups of 16, groups of 33.
    for file in ["usual", "plain", "zstd", "encodings"] {
        let from = crate::data::parquet::file(&format!("{file}.parquet"));
        let from = from.to_str().expect("a plain path");
        let words =
            ["fit", from, "-k", "3", "--labels-column", "name", "--init", "first-rows", "--model"];
        for (on, label) in
            [(0, "alone"), (1, "rank"), (2, "ranks-2"), (3, "ranks-3"), (5, "ranks-5")]
        {
            if on > 0 && !ranks {
                continue;
            }
            let (model, labels) =
                (format!("{file}-{label}.json"), format!("{file}-{label}-labels.npy"));
            let words = [&words[..], &[&model, "--labels", &labels]].concat();
            match on {
                0 => sandbox.run(&words).ends_with(0),
                _ => on_ranks(&sandbox, on, &words).ends_with(0),
            };
            assert_eq!(
                read(&format!("{file}-{label}.npy")),
                read("usual-alone.npy"),
                "centroids of {file}, {label}"
            );
            assert_eq!(read(&labels), read("usual-alone-labels.npy"), "labels of {file}, {label}");
        }
    }
}

/// Labels of digits after one iteration from the first ten rows, as scikit-learn gives them
/// (`benches/peers/parity.py --golden`).
const AFTER_ONE: &str = include_str!("digits-one-iteration.txt");

#[test]
fn labels_after_one_iteration_are_scikit_learn_s() {
    let Some(folder) =
        testing::data_or_skip("labels_after_one_iteration_are_scikit_learn_s", SETS[0].1)
    else {
        return;
    };
    let sandbox = Sandbox::new();
    let words = [
        "fit",
        "digits",
        "-k",
        "10",
        "--init",
        "first-rows",
        "--max-iterations",
        "1",
        "--labels",
        "l.txt",
    ];
    let ran = sandbox.amdahl(&words).env("AMDAHL_DATA", folder).output().expect("amdahl starts");
    crate::support::Ran(ran).ends_with(0);
    let labels = std::fs::read_to_string(sandbox.path("l.txt")).expect("labels");
    assert_eq!(labels.lines().count(), 1797);
    assert_eq!(labels, AFTER_ONE);
}
