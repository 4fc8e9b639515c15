//! Values far from 0, whole programs: the same bytes from every format, on threads and on ranks, and
//! in a sweep the same answer on every backend.

use super::on_ranks;
use crate::support::Sandbox;
use crate::worker;
use amdahl_data::random::{Purpose, Stream};
use amdahl_data::write;

/// 300 rows in three groups: seconds since 1970 in f64, 20 s apart and 4 s wide, and a plain column.
fn rows() -> Vec<[f64; 2]> {
    let noise = Stream::new(5, Purpose::Noise);
    (0..300)
        .map(|i| {
            let group = (i % 3) as f64;
            [1_764_500_000.0 + 20.0 * group + 4.0 * noise.unit(2 * i), noise.unit(2 * i + 1)]
        })
        .collect()
}

fn csv(rows: &[[f64; 2]]) -> String {
    rows.iter().map(|[t, x]| format!("{t},{x}\n")).collect()
}

fn npy(rows: &[[f64; 2]]) -> Vec<u8> {
    let mut bytes = write::header("<f8", &[rows.len() as u64, 2]);
    bytes.extend(rows.iter().flatten().flat_map(|x| x.to_le_bytes()));
    bytes
}

#[test]
fn groups_far_from_zero_are_found_on_threads_and_ranks_alike() {
    let ranks = worker::mpi_or_skip("groups_far_from_zero_are_found_on_threads_and_ranks_alike");
    let sandbox = Sandbox::new();
    std::fs::write(sandbox.path("t.csv"), csv(&rows())).expect("written");
    std::fs::write(sandbox.path("t.npy"), npy(&rows())).expect("written");
    let read = |name: &str| std::fs::read(sandbox.path(name)).expect("a file");
    let mut outs = Vec::new();
    for file in ["t.csv", "t.npy"] {
        for on in [0, 2, 3] {
            let out = format!("{}-{on}", &file[2..]);
            let (model, labels) = (format!("{out}.json"), format!("{out}-labels.csv"));
            let words = ["fit", file, "-k", "3", "--model", &model, "--labels", &labels];
            let ran = match on {
                0 => sandbox.run(&words),
                _ if ranks => on_ranks(&sandbox, on, &words),
                _ => continue,
            };
            let text = ran.ends_with(0).out();
            assert!(text.contains("sizes       100 100 100"), "{out}: {text}");
            assert!(text.contains("column 1 less 1764500"), "{out}: {text}");
            outs.push(out);
        }
    }
    for out in &outs[1..] {
        assert_eq!(read(&format!("{out}.npy")), read(&format!("{}.npy", outs[0])), "{out}");
        let (mine, first) = (format!("{out}-labels.csv"), format!("{}-labels.csv", outs[0]));
        assert_eq!(read(&mine), read(&first), "{out}");
    }
    let words = ["predict", "csv-0.json", "t.npy", "--labels", "p.csv"];
    sandbox.run(&words).ends_with(0);
    assert_eq!(read("p.csv"), read("csv-0-labels.csv"), "predicted");
}

#[test]
fn a_sweep_over_values_far_from_zero_is_right_on_every_backend() {
    let ranks = worker::mpi_or_skip("a_sweep_over_values_far_from_zero_is_right_on_every_backend");
    let sandbox = Sandbox::new();
    std::fs::write(sandbox.path("t.csv"), csv(&rows())).expect("written");
    let backends = if ranks { r#""threads", "mpi", "hybrid""# } else { r#""threads""# };
    let manifest = format!(
        "[experiment]\nrepeats = 1\n[workload]\nkind = \"kmeans\"\ninit = \"first-rows\"\niterations = 5\nk = 3\n\
         [dataset]\nfile = \"t.csv\"\n[axes]\nbackend = [\"serial\", {backends}]\nranks = [1, 2]\nthreads = [1, 2]\noversubscribe = [{{ backend = \"hybrid\" }}]\n"
    );
    std::fs::write(sandbox.path("m.toml"), manifest).expect("written");
    sandbox.run(&["run", "m.toml", "--results", "r"]).ends_with(0);
    let shown = sandbox.run(&["show", "r", "--format", "json"]).ends_with(0).out();
    let shown: serde_json::Value = serde_json::from_str(&shown).expect("JSON");
    let cells = shown["groups"][0]["cells"].as_array().expect("cells");
    assert!(cells.len() >= 3, "{}", cells.len());
    for cell in cells {
        // Within a group values are 4 s wide: Σ (x − mean)² is near 300 · 16 / 12.
        let inertia = cell["objective"]["value"].as_f64().expect("inertia");
        assert!((350.0..480.0).contains(&inertia), "{inertia}");
    }
}
