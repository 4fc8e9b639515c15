//! Tells the worker what it was built from: see `build/facts.rs`.

include!("../../build/facts.rs");

fn main() {
    tell("../..", &["crates", "Cargo.toml"]);
}
