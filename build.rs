//! Tells the program what it was built from: see `build/facts.rs`.

include!("build/facts.rs");

/// What the program is made of.
const MADE_OF: &[&str] =
    &["src", "crates", "build.rs", "build", "Cargo.toml", "Cargo.lock", "rust-toolchain.toml"];

fn main() {
    tell(".", MADE_OF);
}
