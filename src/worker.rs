//! `amdahl-worker`: runs one cell.

fn main() -> std::process::ExitCode {
    eprintln!("amdahl-worker: not there yet");
    std::process::ExitCode::from(1)
}
