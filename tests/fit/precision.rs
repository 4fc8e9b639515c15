//! Rows in f64, whole programs: the same bits from every format, on threads and on ranks, in a sweep
//! on every backend.

use super::on_ranks;
use crate::support::Sandbox;
use crate::worker;
use amdahl_data::random::{Purpose, Stream};
use amdahl_data::write;

/// 300 rows: three groups 1e-9 apart around 1, where f32 has steps of 1e-7, and a column of noise
/// that is smaller still. One row far away, so that no offset helps.
fn rows() -> Vec<[f64; 2]> {
    let noise = Stream::new(11, Purpose::Noise);
    let row = |i: u64| [1.0 + (i % 3) as f64 * 1e-9, 1e-11 * noise.unit(i)];
    (0..300).map(row).chain([[-1.0, 0.0]]).collect()
}

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    let text: String = rows().iter().map(|[t, x]| format!("{t},{x}\n")).collect();
    std::fs::write(sandbox.path("t.csv"), text).expect("written");
    let values: Vec<f64> = rows().into_iter().flatten().collect();
    std::fs::write(sandbox.path("t.npy"), write::matrix_bytes(&values, 2)).expect("written");
    sandbox
}

#[test]
fn what_f32_makes_equal_is_told_apart_on_threads_and_ranks_alike() {
    let name = "what_f32_makes_equal_is_told_apart_on_threads_and_ranks_alike";
    let ranks = worker::mpi_or_skip(name);
    let sandbox = sandbox();
    let read = |name: &str| std::fs::read(sandbox.path(name)).expect("a file");
    let text = sandbox.run(&["fit", "t.csv", "-k", "4"]).ends_with(0).out();
    assert!(text.contains("--precision f64") && !text.contains("100"), "{text}");
    let mut outs: Vec<String> = Vec::new();
    for file in ["t.csv", "t.npy"] {
        for on in [0, 2, 3] {
            let out = format!("{}-{on}", &file[2..]);
            let (model, labels) = (format!("{out}.json"), format!("{out}-labels.csv"));
            let words = ["fit", file, "-k", "4", "--precision", "f64"];
            let words = [&words[..], &["--model", &model, "--labels", &labels]].concat();
            let ran = match on {
                0 => sandbox.run(&words),
                _ if ranks => on_ranks(&sandbox, on, &words),
                _ => continue,
            };
            let text = ran.ends_with(0).out();
            assert!(text.matches("100").count() == 3 && !text.contains("f32"), "{out}: {text}");
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
    let json = String::from_utf8(read("csv-0.json")).expect("UTF-8");
    assert!(json.contains("\"precision\": \"f64\""), "{json}");
}

#[test]
fn a_sweep_in_f64_is_right_on_every_backend() {
    let ranks = worker::mpi_or_skip("a_sweep_in_f64_is_right_on_every_backend");
    let sandbox = sandbox();
    let backends = if ranks { r#""threads", "mpi", "hybrid""# } else { r#""threads""# };
    let manifest = format!(
        "[experiment]\nrepeats = 1\n[workload]\nkind = \"kmeans\"\ninit = \"kmeans++\"\niterations = 3\nk = 4\n\
         [dataset]\nfile = \"t.npy\"\n[axes]\nbackend = [\"serial\", {backends}]\nprecision = [\"f32\", \"f64\"]\n\
         ranks = [1, 2]\nthreads = [1, 2]\noversubscribe = [{{ backend = \"hybrid\" }}]\n"
    );
    std::fs::write(sandbox.path("m.toml"), manifest).expect("written");
    sandbox.run(&["run", "m.toml", "--results", "r"]).ends_with(0);
    let shown = sandbox.run(&["show", "r", "--format", "json"]).ends_with(0).out();
    let shown: serde_json::Value = serde_json::from_str(&shown).expect("JSON");
    let cells = shown["groups"].as_array().expect("groups").iter();
    let cells: Vec<_> = cells.flat_map(|group| group["cells"].as_array().expect("cells")).collect();
    assert!(cells.len() >= 6, "{}", cells.len());
    let mut doubles = 0;
    for cell in cells {
        let failures = cell["failures"].as_array().expect("failures");
        assert!(failures.is_empty() && cell["time"]["value"].is_f64(), "{cell}");
        let kernel = cell["kernel"].as_str().expect("a kernel");
        doubles += usize::from(kernel.contains("rows of f64"));
    }
    assert!(doubles >= 3, "{doubles} cells in f64");
    // An accelerator does not compute in f64: said, and left out.
    let manifest = "[experiment]\nrepeats = 1\n[workload]\nkind = \"kmeans\"\nk = 2\niterations = 1\nprecision = \"f64\"\n\
                    [dataset]\nfile = \"t.npy\"\n[axes]\nbackend = [\"serial\", \"pjrt-reference\"]\n";
    std::fs::write(sandbox.path("d.toml"), manifest).expect("written");
    let plan = sandbox.run(&["plan", "d.toml"]).ends_with(0).out();
    assert!(plan.contains("accelerators multiply in f32 or bfloat16"), "{plan}");
}
