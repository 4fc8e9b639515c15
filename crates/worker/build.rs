//! Tells the worker what it was built from, and the id that results know it by.

fn main() {
    amdahl_identity::script::worker("../..");
}
