//! What follows from a summary, put together once: POP efficiencies and lost speedup, COST, places
//! beside outside programs, bandwidth by phase, laws of scaling.
//!
//! A summary holds facts of records alone, an analysis is a function of it. What draws or writes
//! takes an [`Analysis`], which has the summary in it.

use std::collections::HashMap;
use std::sync::OnceLock;

use crate::bandwidth::Bandwidths;
use crate::cost_metric;
use crate::cost_metric::Cost;
use crate::law;
use crate::law::Laws;
use crate::law::weak::Weak;
use crate::peer_comparison;
use crate::peer_comparison::Rank;
use crate::pop::Explanations;
use crate::summary::{Group, Summary};
use crate::threads::in_stretches;
use amdahl_record::cell::CellId;
use amdahl_stats::Bootstrap;

/// A summary with what follows from it.
pub struct Analysis<'a> {
    /// The facts.
    pub summary: &'a Summary,
    groups: Vec<OfGroup>,
    /// Place of the group that a cell is in.
    places: HashMap<&'a CellId, usize>,
    /// What follows from a group that the summary does not have.
    none: OfGroup,
    weak: OnceLock<Vec<Weak>>,
}

/// What follows from a group.
#[derive(Debug, Default)]
pub struct OfGroup {
    /// Efficiencies of its cells, and where their speedup went.
    pub explained: Explanations,
    /// The lanes that each backend needs to beat one thread.
    pub cost: Vec<Cost>,
    /// Ours beside outside programs; empty where none was asked for.
    pub ranks: Vec<Rank>,
    /// Bytes a second of phases that are there to move bytes.
    pub bandwidth: Bandwidths,
    /// Fitting takes longer than all else, and not everybody asks for it.
    laws: OnceLock<Vec<Laws>>,
}

impl<'a> Analysis<'a> {
    /// Of a summary, with the usual intervals.
    pub fn of(summary: &'a Summary) -> Analysis<'a> {
        Analysis::with(summary, Bootstrap::default())
    }

    /// With other intervals than the usual ones.
    pub fn with(summary: &'a Summary, bootstrap: Bootstrap) -> Analysis<'a> {
        let of = |group: &Group| OfGroup {
            explained: Explanations::of(group),
            cost: cost_metric::of(group, bootstrap),
            ranks: peer_comparison::ranks(group, bootstrap),
            bandwidth: Bandwidths::of(group, bootstrap),
            laws: OnceLock::new(),
        };
        let groups = in_stretches(summary.groups.iter().collect(), |groups: Vec<&Group>| {
            groups.into_iter().map(of).collect::<Vec<_>>()
        });
        let of_group =
            |(place, group): (usize, &'a Group)| group.cells.iter().map(move |c| (&c.id, place));
        Analysis {
            summary,
            groups: groups.into_iter().flatten().collect(),
            places: summary.groups.iter().enumerate().flat_map(of_group).collect(),
            none: OfGroup::default(),
            weak: OnceLock::new(),
        }
    }

    /// What follows from one of the summary's groups.
    pub fn group(&self, group: &Group) -> &OfGroup {
        let place = group.cells.first().and_then(|cell| self.places.get(&cell.id));
        place.and_then(|place| self.groups.get(*place)).unwrap_or(&self.none)
    }

    /// The laws of scaling of one of the summary's groups.
    pub fn laws(&self, group: &Group) -> &[Laws] {
        self.group(group).laws.get_or_init(|| law::of(group, &self.summary.hosts))
    }

    /// The laws of weak scaling, of cells of several groups.
    pub fn weak(&self) -> &[Weak] {
        self.weak.get_or_init(|| law::weak::of(self.summary))
    }
}
