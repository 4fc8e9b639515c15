//! `amdahl-worker`: runs one cell; under an MPI launcher also the verbs that cluster a person's
//! data.

fn main() -> std::process::ExitCode {
    amdahl_mpi::register();
    amdahl_clustering::verbs::ranks::main_of_worker().unwrap_or_else(amdahl_worker::main)
}
