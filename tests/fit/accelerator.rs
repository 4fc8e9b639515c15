//! `amdahl fit` and `amdahl predict` on an accelerator: the processor's model and labels, bit by
//! bit.

use crate::support::{Ran, Sandbox};

fn files(sandbox: &Sandbox, device: &str) -> (Vec<u8>, Vec<u8>) {
    let run = |words: &[&str]| {
        let mut command = sandbox.amdahl(words);
        command.env("AMDAHL_DEVICE", device);
        Ran(command.output().expect("amdahl starts")).ends_with(0);
    };
    run(&["fit", "points.csv", "-k", "4", "--threads", "1", "--model", "model.json"]);
    run(&["predict", "model.json", "points.csv", "--threads", "1", "--labels", "labels.csv"]);
    let read = |name: &str| std::fs::read(sandbox.path(name)).expect("written");
    let files = (read("model.npy"), read("labels.csv"));
    for name in ["model.json", "model.npy", "labels.csv"] {
        std::fs::remove_file(sandbox.path(name)).expect("it was there");
    }
    files
}

#[test]
fn an_accelerator_gives_the_processor_s_model_and_labels() {
    let sandbox = Sandbox::new();
    let rows: Vec<String> = (0..500)
        .map(|i| format!("{}.25,{},{}.5", (i * 37) % 101, (i * 53) % 89, (i * 71) % 97))
        .collect();
    sandbox.write("points.csv", rows.join("\n") + "\n");
    assert_eq!(files(&sandbox, "pjrt-reference"), files(&sandbox, ""));
    let refused = |device: &str, threads: &str| {
        let mut command = sandbox.amdahl(&["fit", "points.csv", "-k", "4", "--threads", threads]);
        command.env("AMDAHL_DEVICE", device);
        Ran(command.output().expect("amdahl starts")).ends_with(2).err()
    };
    assert!(refused("serial", "1").contains("which is no accelerator"));
    assert!(refused("pjrt-reference", "2").contains("an accelerator has one lane"));
    assert!(refused("trainium", "1").contains("NEURON_LIBRARY_PATH"));
}
