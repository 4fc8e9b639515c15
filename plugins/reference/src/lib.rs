//! A PJRT plugin that interprets the programs of amdahl on the processor, and nothing else.
//!
//! It exists to test what drives such plugins: its platform is `amdahl-reference`, it has one
//! device, and `AMDAHL_REFERENCE` makes it fail on purpose (see [`Fault`]). It is slow and says
//! nothing about the speed of any accelerator.

#[allow(dead_code)]
#[macro_use]
#[path = "../../../crates/accelerator/src/abi.rs"]
pub mod abi;
#[allow(missing_docs)]
mod arguments;
mod calls;
#[allow(missing_docs)]
pub mod program;
#[allow(missing_docs)]
pub mod run;
mod slots;

use std::sync::OnceLock;

/// Its platform's name.
pub const PLATFORM: &str = "amdahl-reference";

/// What it is told to do wrong, by a word in `AMDAHL_REFERENCE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing: no word.
    None,
    /// `create`: no client.
    Create,
    /// `no-device`: a client without devices.
    NoDevice,
    /// `compile`: no program.
    Compile,
    /// `execute`: no program runs.
    Execute,
    /// `event`: a program starts, and its end is an error.
    Event,
    /// `slow`: a program's end is told a moment after the call has returned.
    Slow,
    /// `hang`: a program's end is never told.
    Hang,
    /// `memory`: no room for values.
    Memory,
    /// `download`: values do not come back.
    Download,
    /// `old`: a version of the interface from long ago.
    Old,
    /// `short`: a table that ends early.
    Short,
    /// `strict`: structures of exactly the size that it knows.
    Strict,
    /// `longer`: structures that are longer than ours, as those of a later version.
    Longer,
    /// `label`: labels beyond the last cluster.
    Label,
    /// `wrong`: the wrong label for every row.
    Wrong,
    /// `count`: counts that miss a row.
    Count,
}

const WORDS: &[(&str, Fault)] = &[
    ("create", Fault::Create),
    ("no-device", Fault::NoDevice),
    ("compile", Fault::Compile),
    ("execute", Fault::Execute),
    ("event", Fault::Event),
    ("slow", Fault::Slow),
    ("hang", Fault::Hang),
    ("memory", Fault::Memory),
    ("download", Fault::Download),
    ("old", Fault::Old),
    ("short", Fault::Short),
    ("strict", Fault::Strict),
    ("longer", Fault::Longer),
    ("label", Fault::Label),
    ("wrong", Fault::Wrong),
    ("count", Fault::Count),
];

/// What this process's environment asks for; an unknown word asks for [`Fault::Create`], so that a
/// slip of the pen is seen.
pub(crate) fn fault() -> Fault {
    static FAULT: OnceLock<Fault> = OnceLock::new();
    *FAULT.get_or_init(|| match std::env::var("AMDAHL_REFERENCE") {
        Ok(word) if !word.is_empty() => WORDS
            .iter()
            .find(|(known, _)| *known == word)
            .map_or(Fault::Create, |(_, fault)| *fault),
        _ => Fault::None,
    })
}

/// The table of functions: what a host looks for.
#[unsafe(no_mangle)]
pub extern "C" fn GetPjrtApi() -> *const abi::Api {
    calls::table()
}

/// Clients, programs, buffers, events and errors that were made and not yet freed: 0 at the end of
/// a host that leaks nothing.
#[unsafe(no_mangle)]
pub extern "C" fn amdahl_reference_live() -> i64 {
    calls::live()
}
