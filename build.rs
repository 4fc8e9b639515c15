//! Tells the program what it was built from.

/// What the program is made of.
const MADE_OF: &[&str] =
    &["src", "crates", "build.rs", "Cargo.toml", "Cargo.lock", "rust-toolchain.toml"];

fn main() {
    amdahl_identity::script::program(".", MADE_OF);
}
