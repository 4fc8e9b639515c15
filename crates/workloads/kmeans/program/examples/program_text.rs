//! Prints the StableHLO text of a step for accelerators, as benchmarks of other compilers want it:
//! `program_text KIND ROWS DIMS K FORMAT` with the kinds `assign`, `certified`, `update` and the
//! formats `f32`, `bf16`.

use std::process::ExitCode;

use amdahl_kmeans::device::pjrt::text::{Format, Kind, Text};

fn text(words: &[String]) -> Option<Text> {
    let [kind, rows, dims, k, format] = words else { return None };
    let kind = match kind.as_str() {
        "assign" => Kind::Assign,
        "certified" => Kind::Certified,
        "update" => Kind::Update,
        _ => return None,
    };
    let format = match format.as_str() {
        "f32" => Format::F32,
        "bf16" => Format::Bf16,
        _ => return None,
    };
    let (rows, dims, k) = (rows.parse().ok()?, dims.parse().ok()?, k.parse().ok()?);
    Some(Text { kind, rows, dims, k, format })
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match text(&words) {
        Some(text) => {
            print!("{}", text.module());
            ExitCode::SUCCESS
        }
        None => {
            eprintln!("usage: program_text assign|certified|update ROWS DIMS K f32|bf16");
            ExitCode::from(2)
        }
    }
}
