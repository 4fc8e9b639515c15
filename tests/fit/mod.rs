//! `amdahl fit` and `amdahl predict` as programs: real data, every format, threads and ranks, what
//! is refused, what is left on the disk.

mod accelerator;
mod offsets;
mod precision;
mod real;
mod refusals;

use std::path::Path;
use std::process::Command;

use amdahl_data as data;
use amdahl_data::Source;
use amdahl_data::write;
use amdahl_record::cell::Dataset;

use crate::support::{Ran, Sandbox};

/// The rows of a source.
fn rows(source: &dyn Source) -> (Vec<f32>, usize) {
    let shape = source.shape();
    let mut values = vec![0f32; shape.rows as usize * shape.dims];
    source.rows(0..shape.rows).and_then(|mut rows| rows.read(&mut values)).expect("readable rows");
    (values, shape.dims)
}

/// Writes the points of a data set as NPY.
fn as_npy(dataset: &Dataset, path: &Path) {
    let source = data::open(dataset).expect("a data set");
    let (values, dims) = rows(source.as_ref());
    std::fs::write(path, write::matrix_bytes(&values, dims)).expect("written");
}

/// `amdahl` with these words on so many ranks.
fn on_ranks(sandbox: &Sandbox, ranks: usize, words: &[&str]) -> Ran {
    on_ranks_with(sandbox, ranks, words, ("AMDAHL_UNUSED", ""))
}

/// The same with a variable of the environment.
fn on_ranks_with(sandbox: &Sandbox, ranks: usize, words: &[&str], variable: (&str, &str)) -> Ran {
    let amdahl = sandbox.amdahl(words);
    let mut mpiexec = Command::new("mpiexec");
    mpiexec.args(["-n", &ranks.to_string(), "--bind-to", "none", "--oversubscribe"]);
    mpiexec.arg(amdahl.get_program()).args(amdahl.get_args()).current_dir(sandbox.path(""));
    mpiexec.stdin(std::process::Stdio::null());
    for (name, value) in amdahl.get_envs() {
        match value {
            Some(value) => mpiexec.env(name, value),
            None => mpiexec.env_remove(name),
        };
    }
    mpiexec.env(variable.0, variable.1);
    mpiexec.envs([("OMPI_ALLOW_RUN_AS_ROOT", "1"), ("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1")]);
    mpiexec.env("OMPI_MCA_btl_vader_single_copy_mechanism", "none");
    Ran(mpiexec.output().expect("mpiexec starts"))
}

/// Names of the files in the sandbox, in order.
fn names(sandbox: &Sandbox) -> Vec<String> {
    let entries = std::fs::read_dir(sandbox.path("")).expect("a folder");
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}
