//! How much of the facts the page shows. It stays below [`LIMIT`] whatever the results: what makes
//! it larger is left out in a fixed order, and the page says so.

/// Size of the page at most, bytes.
pub const LIMIT: usize = 1_000_000;

/// How much of each kind is shown at most.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cut {
    /// Single times of a cell in the explorer.
    pub samples: usize,
    /// Do figures carry the ids of their cells, and all their values in words?
    pub traces: bool,
    /// Bytes of a section of the appendix.
    pub appendix: usize,
    /// Bytes of any other section, figures apart.
    pub section: usize,
    /// Does the explorer tell what phases a time consists of?
    pub phases: bool,
    /// Bytes of all figures.
    pub figures: usize,
    /// Cells in the explorer.
    pub cells: usize,
    /// Characters of the reason why a cell has no time, in the explorer.
    pub words: usize,
}

const MOST: usize = usize::MAX;
const ALL: Cut = Cut {
    samples: MOST,
    traces: true,
    appendix: MOST,
    section: MOST,
    phases: true,
    figures: MOST,
    cells: MOST,
    words: MOST,
};
const FEW_SAMPLES: Cut = Cut { samples: 50, ..ALL };
const LONG_TABLES: Cut = Cut { appendix: 300_000, section: 200_000, ..FEW_SAMPLES };
const FEWER_SAMPLES: Cut = Cut { samples: 10, traces: false, ..LONG_TABLES };
const NO_SAMPLES: Cut = Cut { samples: 0, ..FEWER_SAMPLES };
const TABLES: Cut = Cut { appendix: 100_000, section: 60_000, words: 80, ..NO_SAMPLES };
const NO_PHASES: Cut = Cut { phases: false, ..TABLES };
const SHORT_TABLES: Cut = Cut { appendix: 40_000, section: 25_000, ..NO_PHASES };
const SOME_FIGURES: Cut = Cut { figures: 400_000, ..SHORT_TABLES };
const FEW_FIGURES: Cut = Cut { figures: 250_000, ..SOME_FIGURES };
const SOME_CELLS: Cut = Cut { cells: 3_000, words: 30, ..FEW_FIGURES };
const LEAST: Cut =
    Cut { cells: 500, figures: 100_000, appendix: 15_000, section: 15_000, ..SOME_CELLS };

/// From everything to the least, each step with less than the one before.
pub const CUTS: [Cut; 12] = [
    ALL,
    FEW_SAMPLES,
    LONG_TABLES,
    FEWER_SAMPLES,
    NO_SAMPLES,
    TABLES,
    NO_PHASES,
    SHORT_TABLES,
    SOME_FIGURES,
    FEW_FIGURES,
    SOME_CELLS,
    LEAST,
];
