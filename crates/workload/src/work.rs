//! A workload's model of work: flop and bytes for floors and rooflines, operations for metrics,
//! costs for plans.

/// What one iteration needs at least, on all lanes together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Work {
    /// Floating-point operations; a multiply-add is two.
    pub flop: f64,
    /// Bytes that have to be read, each once.
    pub bytes: f64,
    /// Bytes that are read again in each iteration, on one lane of `lanes`: decides the level of
    /// memory that they can come from.
    pub resident: Resident,
    /// Arithmetic of the products.
    pub precision: Precision,
}

/// Rows that are spread over lanes, and the bytes of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resident {
    /// Rows of all lanes together.
    pub rows: u64,
    /// Bytes of a row.
    pub row_bytes: u64,
}

impl Resident {
    /// Bytes on the lane that has most.
    pub fn of_a_lane(&self, lanes: u32) -> u64 {
        self.rows.div_ceil(u64::from(lanes.max(1))).saturating_mul(self.row_bytes)
    }
}

/// Arithmetic of products; their sums are f32 or better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// Single precision.
    F32,
    /// bfloat16, two bytes a value.
    Bf16,
    /// Double precision.
    F64,
}

impl Precision {
    /// Bytes of a value.
    pub fn bytes(self) -> f64 {
        match self {
            Precision::F32 => 4.0,
            Precision::Bf16 => 2.0,
            Precision::F64 => 8.0,
        }
    }
}

/// A variable of a problem's size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SizeName {
    /// Its parameter in manifests or its column in tables: `points`.
    pub key: &'static str,
    /// Its symbol in formulas: `n`.
    pub symbol: &'static str,
    /// As axes of figures have it: `rows (n)`.
    pub label: &'static str,
    /// One of them: `point`.
    pub one: &'static str,
    /// Several: `rows`.
    pub many: &'static str,
}

/// An elementary operation that is counted, and its cost.
#[derive(Clone, Copy, Debug)]
pub struct Operation {
    /// One: `distance`.
    pub one: &'static str,
    /// Several: `distances`.
    pub many: &'static str,
    /// What it is, in a sentence: `Distances of a point to a centroid`.
    pub about: &'static str,
    /// Flop of one, as a formula over the sizes: `2·d`.
    pub flop: &'static str,
    /// The same as a number, of sizes in the order of [`crate::Workload::size`].
    pub flop_of: fn(&[f64]) -> f64,
    /// The phase in which they are made on processors.
    pub phase: &'static str,
}

/// The formulas of a model of work, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Formulas {
    /// [`Work::flop`] over the sizes: `2·n·k·d`.
    pub flop: &'static str,
    /// [`Work::bytes`] over the sizes: `4·n·d`.
    pub bytes: &'static str,
    /// Which bytes these are: `every value being read once an iteration`.
    pub counted: &'static str,
}

/// What one iteration needs in one of the workload's phases, on all lanes together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PhaseWork {
    /// The phase, by its name.
    pub phase: &'static str,
    /// Floating-point operations.
    pub flop: f64,
    /// Bytes that are moved.
    pub bytes: f64,
    /// Is moving them what the phase is there for? Its bandwidth is told then.
    pub bandwidth_bound: bool,
}

/// What a run is expected to take.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost {
    /// Multiply-adds of all iterations, those before the timed part and after it included.
    pub terms: f64,
    /// Values that are made, read or digested.
    pub values: f64,
    /// The number of iterations is a limit: it will be this or less.
    pub at_most: bool,
}
