//! `amdahl-worker`: runs one cell.

fn main() -> std::process::ExitCode {
    amdahl::measure::worker::main()
}
