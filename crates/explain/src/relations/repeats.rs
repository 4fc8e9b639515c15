//! The table `repeats`.

use crate::analysis::Analysis;
use crate::labels;
use crate::relations::{Relation, Rows, Source, repeats};

/// One row a good repeat.
pub const SOURCE: Source = Source {
    name: "repeats",
    about: "one row a repeat that counts: right answer, newest key of its cell",
    fill,
};

fn fill(analysis: &Analysis<'_>) -> Relation {
    Rows::new(repeats(analysis.summary))
        .text("cell", "id of the cell", |(c, _)| Some(c.id.0.clone()))
        .text("name", "backend and lanes", |(c, _)| Some(labels::cell(&c.cell)))
        .whole("repeat", "its number", |(_, r)| Some(i64::from(r.repeat)))
        .number("seconds", "timed part", |(_, r)| Some(r.seconds))
        .number("process_seconds", "life of the worker", |(_, r)| r.process_s)
        .whole("peak_rss_bytes", "largest resident set of a process", |(_, r)| {
            r.measured.peak_rss_bytes.map(|bytes| bytes as i64)
        })
        .number("load1", "one-minute load average at its start", |(_, r)| r.measured.load.load1)
        .number("steal", "share of CPU time that the hypervisor took", |(_, r)| {
            r.measured.load.steal
        })
        .number("mhz", "CPU frequency at its end", |(_, r)| r.measured.load.mhz)
        .text("kernel", "the kernel that ran", |(_, r)| Some(r.measured.kernel.to_string()))
        .text("platform", "what computed, in its own words", |(_, r)| {
            Some(r.measured.platform.to_string())
        })
        .relation()
}
