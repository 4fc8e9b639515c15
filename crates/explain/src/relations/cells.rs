//! The table `cells`.

use crate::analysis::Analysis;
use crate::labels;
use crate::pop::Pop;
use crate::relations::{Relation, Rows, Source, cells};
use crate::show::heading;
use crate::summary::{CellSummary, Group};

/// One row a cell.
pub const SOURCE: Source =
    Source { name: "cells", about: "one row a cell: what 'amdahl show' says", fill };

fn fill(analysis: &Analysis<'_>) -> Relation {
    let pop = |group: &Group, cell: &CellSummary, of: fn(&Pop) -> Option<f64>| {
        analysis.group(group).explained.pop(cell).and_then(of)
    };
    let base = |group: &Group, cell: &CellSummary| {
        group.base.as_ref().map(|base| base.cell == cell.id).unwrap_or(false)
    };
    let mut rows = Rows::new(cells(analysis.summary))
        .text("cell", "id", |(_, c)| Some(c.id.0.clone()))
        .text("name", "backend and lanes: 'threads 4'", |(_, c)| Some(labels::cell(&c.cell)))
        .text("problem", "workload and data; cells of one problem share a base", |(g, _)| {
            Some(heading(g))
        })
        .whole("rows", "rows of the data", |(g, _)| g.rows.map(|rows| rows as i64))
        .whole("dims", "columns of the data", |(g, _)| g.dims.map(i64::from));
    for size in labels::all_own_sizes() {
        let of = |group: &Group| labels::own_size_of(&group.workload, size.key);
        rows = rows.whole(size.key, size.many, |(g, _)| of(g).map(|value| value as i64));
    }
    rows.text("backend", "backend", |(_, c)| Some(c.cell.backend.name().into()))
        .truth("peer", "an outside program?", |(_, c)| Some(c.cell.backend.peer().is_some()))
        .whole("ranks", "processes", |(_, c)| Some(i64::from(c.cell.ranks)))
        .whole("threads", "threads of a process", |(_, c)| Some(i64::from(c.cell.threads)))
        .text("reduction", "how the lanes' sums are added, where not by default", |(_, c)| {
            labels::reduction(&c.cell).map(String::from)
        })
        .whole("lanes", "ranks × threads", |(_, c)| Some(i64::from(c.cell.lanes())))
        .truth("oversubscribed", "more lanes than CPUs?", |(_, c)| Some(c.oversubscribed))
        .whole("n", "good repeats", |(_, c)| Some(c.repeats.len() as i64))
        .whole("failed", "repeats that ended badly", |(_, c)| Some(c.failed() as i64))
        .text("failure", "the most frequent bad end", |(_, c)| {
            c.failures.first().map(|f| f.what.clone())
        })
        .number("seconds", "timed part: median of the good repeats", |(_, c)| Some(c.time?.value))
        .number("seconds_low", "lower end of its 95 % interval", |(_, c)| {
            Some(c.time?.interval?.low)
        })
        .number("seconds_high", "upper end", |(_, c)| Some(c.time?.interval?.high))
        .number("process_seconds", "life of the worker: median", |(_, c)| {
            Some(c.process_time?.value)
        })
        .number("cpu_seconds", "CPU time of the timed part, all lanes: median", |(_, c)| c.cpu_s)
        .number("load_seconds", "reading the rows, slowest lane: median", |(_, c)| c.load_s)
        .number("peak_rss_bytes", "largest resident set of a process: median", |(_, c)| {
            c.peak_rss_bytes
        })
        .truth("is_base", "what the speedups of its problem refer to?", |(g, c)| Some(base(g, c)))
        .number("speedup", "time of the base over its own", |(_, c)| Some(c.speedup?.value))
        .number("speedup_low", "lower end of its 95 % interval", |(_, c)| {
            Some(c.speedup?.interval?.low)
        })
        .number("speedup_high", "upper end", |(_, c)| Some(c.speedup?.interval?.high))
        .number("efficiency", "speedup over lanes", |(_, c)| Some(c.efficiency?.value))
        .number("karp_flatt", "serial share that would explain the speedup", |(_, c)| {
            Some(c.karp_flatt?.value)
        })
        .number("imbalance", "largest over mean computing time of the lanes", |(_, c)| c.imbalance)
        .number("parallel_efficiency", "POP", |(g, c)| pop(g, c, |p| Some(p.parallel)))
        .number("load_balance", "POP", |(g, c)| pop(g, c, |p| Some(p.load_balance)))
        .number("communication_efficiency", "POP", |(g, c)| pop(g, c, |p| Some(p.communication)))
        .number("computation_scaling", "POP", |(g, c)| pop(g, c, |p| p.computation))
        .whole("iterations", "iterations that were run", |(_, c)| c.iterations.map(i64::from))
        .number("of_floor", "least possible time over its own", |(_, c)| c.of_floor)
        .whole("machines", "machines that it ran on", |(_, c)| c.machines.map(i64::from))
        .number("price", "of a run, where a price is given", |(_, c)| c.price)
        .text("platform", "what computed, in its own words", |(_, c)| c.platform.clone())
        .text("kernel", "the kernel that ran", |(_, c)| c.kernel.clone())
        .text("host", "id of the machine", |(_, c)| Some(c.key.host.clone()))
        .text("build", "id of the worker", |(_, c)| Some(c.key.build.clone()))
        .text("data", "digest of the data", |(_, c)| Some(c.key.data.clone()))
        .relation()
}
