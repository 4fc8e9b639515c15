//! Parallel efficiencies after the Performance Optimisation and Productivity centre (POP): numbers
//! between 0 and 1 that multiply.
//!
//! With u the useful time of a lane (in phases that compute), T the time of the timed part, and p lanes:
//!
//! ```text
//! parallel efficiency   = Σu / (p·T)         = load balance × communication efficiency
//! load balance          = (Σu / p) / max u   = among ranks × within ranks
//! communication         = max u / T          = serialisation × transfer (an estimate)
//! computation scaling   = Σu of the base / Σu = instruction × IPC × frequency scaling
//! global efficiency     = parallel efficiency × computation scaling
//! ```
//!
//! The efficiency of the tables (speedup over lanes) is the global efficiency over the base's
//! parallel efficiency. Useful time is wall time. M. Wagner, S. Mohr, J. Giménez, J. Labarta: "A
//! structured approach to performance analysis", Tools for HPC 2017; the hybrid form after TALP of
//! the library DLB: ranks and the lanes within them, each with a load balance.
//!
//! Serialisation and transfer need the time on an ideal network, which nobody measured. Here the
//! lanes meet at a barrier before each collective, so what the longest lane spends in collectives
//! after it is taken for transfer, and the rest for serialisation: an estimate, and labelled so.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::labels;
use crate::summary::{CellSummary, Group};
use amdahl_record::Provenance;
use amdahl_record::cell::CellId;

pub mod lane_time;
pub mod render;
pub mod speedup_loss;

use lane_time::Spent;
use speedup_loss::Lost;

/// The efficiencies of a cell. 1 is ideal.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Pop {
    /// Share of all lanes' time in which they compute.
    pub parallel: f64,
    /// Mean over longest useful time of the lanes.
    pub load_balance: f64,
    /// Of several ranks with several threads each: mean over longest useful time of the ranks, a
    /// rank's being that of its longest lane.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub balance_among_ranks: Option<f64>,
    /// Of the same: mean useful time of the lanes over that of the longest lane of their rank.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub balance_within_ranks: Option<f64>,
    /// Longest useful time over the time.
    pub communication: f64,
    /// Estimate of the part of `communication` that is lost to waiting for each other; null on one
    /// lane, where there is none.
    pub serialisation_estimate: Option<f64>,
    /// Estimate of the part of `communication` that is lost to moving data; null on one lane.
    pub transfer_estimate: Option<f64>,
    /// Useful time of the base's lanes over that of these, all lanes added up; null without a base.
    pub computation: Option<f64>,
    /// The part of `computation` that is due to the number of instructions; null without counters.
    pub instructions: Option<f64>,
    /// The part that is due to instructions per cycle.
    pub ipc: Option<f64>,
    /// The part that is due to cycles per second of useful time.
    pub frequency: Option<f64>,
    /// Where instructions and cycles come from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counters_from: Option<Provenance>,
    /// Why there are no counter parts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counters_why: Option<String>,
    /// `parallel` × `computation`; null without a base.
    pub global: Option<f64>,
}

impl Pop {
    /// Of a cell against its base.
    fn of(spent: &Spent, base: Option<&Spent>) -> Pop {
        let (useful, lanes) = (spent.useful, spent.lanes);
        let several = spent.ranks > 1.0 && lanes > spent.ranks;
        let ideal_network = spent.seconds - spent.communication;
        let (parallel, computation) =
            (useful / spent.lane_seconds(), base.map(|base| base.useful / useful));
        let counted = match base {
            None => Err("there is no base to compare with".to_string()),
            Some(base) => spent.counts.clone().and_then(|mine| {
                let of_base = base.counts.clone().map_err(|why| format!("of the base: {why}"))?;
                match lane_time::same_source(mine.from, of_base.from) {
                    true => Ok((mine, of_base, base.useful)),
                    false => Err("counted in another way than in the base".into()),
                }
            }),
        };
        let part = |of: &dyn Fn(lane_time::Counts, lane_time::Counts, f64) -> f64| {
            counted
                .as_ref()
                .ok()
                .map(|(mine, of_base, base_useful)| of(*mine, *of_base, *base_useful))
        };
        Pop {
            parallel,
            load_balance: useful / lanes / spent.longest,
            balance_among_ranks: several
                .then(|| spent.longest_of_ranks / spent.ranks / spent.longest),
            balance_within_ranks: several
                .then(|| useful / (lanes / spent.ranks * spent.longest_of_ranks)),
            communication: spent.longest / spent.seconds,
            serialisation_estimate: (lanes > 1.0 && ideal_network > 0.0)
                .then(|| spent.longest / ideal_network),
            transfer_estimate: (lanes > 1.0 && ideal_network > 0.0)
                .then(|| ideal_network / spent.seconds),
            computation,
            instructions: part(&|mine, base, _| base.instructions / mine.instructions),
            ipc: part(&|mine, base, _| {
                (mine.instructions / mine.cycles) / (base.instructions / base.cycles)
            }),
            frequency: part(&|mine, base, base_useful| {
                (mine.cycles / useful) / (base.cycles / base_useful)
            }),
            counters_from: counted
                .as_ref()
                .ok()
                .map(|(mine, base, _)| lane_time::weaker(mine.from, base.from)),
            counters_why: counted.err(),
            global: computation.map(|computation| parallel * computation),
        }
    }
}

/// Efficiencies and the lost speedup of a cell, or why they cannot be told.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Explained {
    /// Efficiencies; null where they cannot be told.
    pub pop: Option<Pop>,
    /// Where the speedup went; null for the base and where there is no speedup.
    pub lost: Option<Lost>,
    /// Why `pop` is null.
    #[serde(rename = "pop_why", skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// What is to be said of each cell of a group.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Explanations(BTreeMap<CellId, Explained>);

impl Explanations {
    /// Of a group's cells.
    pub fn of(group: &Group) -> Explanations {
        let spent: Vec<Result<Spent, String>> = group.cells.iter().map(Spent::of).collect();
        let base =
            group.base.as_ref().and_then(|base| group.cells.iter().position(|c| c.id == base.cell));
        let of_base = base.and_then(|i| spent[i].as_ref().ok());
        let mut explained: Vec<Explained> = (group.cells.iter().zip(&spent).enumerate())
            .map(|(i, (cell, spent))| match spent {
                Err(why) => Explained { why: Some(why.clone()), ..Explained::default() },
                Ok(mine) => {
                    // A cell of another machine, of other data or of another kind of device has no
                    // base to be explained against.
                    let of_base = of_base.filter(|_| cell.efficiency.is_some());
                    let lost =
                        of_base.filter(|_| base != Some(i)).map(|of_base| Lost::of(mine, of_base));
                    Explained { pop: Some(Pop::of(mine, of_base)), lost, why: None }
                }
            })
            .collect();
        steps(&group.cells, &mut explained);
        Explanations(group.cells.iter().map(|cell| cell.id.clone()).zip(explained).collect())
    }

    /// What is to be said of a cell of the group.
    pub fn cell(&self, cell: &CellSummary) -> Option<&Explained> {
        self.0.get(&cell.id)
    }

    /// Its efficiencies.
    pub fn pop(&self, cell: &CellSummary) -> Option<&Pop> {
        self.cell(cell)?.pop.as_ref()
    }

    /// Where its speedup went.
    pub fn lost(&self, cell: &CellSummary) -> Option<&Lost> {
        self.cell(cell)?.lost.as_ref()
    }

    /// Does any cell have efficiencies?
    pub fn has_pop(&self) -> bool {
        self.0.values().any(|explained| explained.pop.is_some())
    }

    /// Did any cell's speedup go somewhere?
    pub fn has_lost(&self) -> bool {
        self.0.values().any(|explained| explained.lost.is_some())
    }
}

/// Says for each cell what was lost since the cell of the same backend with the next fewer lanes
/// (of several, the one that loses least).
fn steps(cells: &[CellSummary], explained: &mut [Explained]) {
    let before = |cell: &CellSummary| {
        let same = cells.iter().zip(&*explained).filter(|(c, _)| {
            labels::series(&c.cell) == labels::series(&cell.cell)
                && c.cell.lanes() < cell.cell.lanes()
        });
        let of = |(c, explained): (&CellSummary, &Explained)| {
            Some((c.cell.lanes(), explained.lost.clone()?))
        };
        let found = same.filter_map(of);
        found.max_by(|a, b| {
            (a.0, -a.1.lost).partial_cmp(&(b.0, -b.1.lost)).unwrap_or(std::cmp::Ordering::Equal)
        })
    };
    let steps: Vec<_> = cells.iter().map(before).collect();
    for (explained, before) in explained.iter_mut().zip(steps) {
        if let (Some(lost), Some((lanes, before))) = (&mut explained.lost, before) {
            lost.step = Some(lost.since(lanes, &before));
        }
    }
}

#[cfg(test)]
mod tests;
