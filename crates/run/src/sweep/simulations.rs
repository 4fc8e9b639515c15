//! The simulated runs of a sweep: after all times are measured, each cell twice, with two last
//! levels.

use std::collections::BTreeMap;

use super::{Standing, Sweep};
use crate::launch::classify::Ending;
use crate::launch::simulate::{Simulated, smaller};
use crate::plan::resolve::oracle_of;
use crate::store::claim;
use amdahl_lanes::probe::callgrind::geometry;
use amdahl_record::cell::{Cell, CellId, canonical};
use amdahl_record::error::Result;
use amdahl_record::simulation::{Caches, Counts, LastLevel, SIMULATION, Simulation, SimulationEnd};
use amdahl_record::{Answer, Failure, Key};

/// What is known already of simulated cells: two cells of a plan often come to the same smaller
/// one.
#[derive(Default)]
struct Known {
    answers: BTreeMap<CellId, std::result::Result<Answer, (Failure, String)>>,
    runs: BTreeMap<String, (u64, Option<f64>, SimulationEnd)>,
}

impl Sweep<'_> {
    /// Simulates every cell of `turns` that is done, with at most `points` rows a rank. What the
    /// folder has is not simulated again.
    pub(super) fn simulations(&mut self, turns: &[usize], points: u64) -> Result<()> {
        let mut cells: Vec<usize> = Vec::new();
        for &at in turns {
            if !cells.contains(&at)
                && self.standing[at] == Standing::Done
                && self.cells[at].cell.backend.peer().is_none()
            {
                cells.push(at);
            }
        }
        let mut known = Known::default();
        for at in cells {
            for last in LastLevel::ALL {
                self.interrupts.check()?;
                self.simulation(at, last, points, &mut known)?;
            }
        }
        Ok(())
    }

    fn simulation(
        &mut self,
        at: usize,
        last: LastLevel,
        points: u64,
        known: &mut Known,
    ) -> Result<()> {
        let planned = &self.cells[at];
        let (key, None) = self.key(planned)? else { return Ok(()) };
        let Some(answer) = self.answer(at)? else { return Ok(()) };
        let caches = geometry::caches(self.host, last);
        let cell = smaller(&planned.cell, answer.rows().unwrap_or(0), points);
        let (caches, cell) = match (caches, cell) {
            (Ok(caches), Ok(cell)) => (caches, cell),
            (Err(error), _) => {
                self.unsimulated.push((at, Failure::Unavailable, super::one_line(&error)));
                return Ok(());
            }
            (_, Err(why)) => {
                self.unsimulated.push((at, Failure::Unavailable, why));
                return Ok(());
            }
        };
        if self.is_simulated(&key, &caches, &cell) {
            return Ok(());
        }
        // Another sweep that is at it leaves its own line.
        let Some(_claim) = claim::claim_simulation(self.store.folder(), &key, &caches)? else {
            return Ok(());
        };
        self.store.refresh()?;
        if self.is_simulated(&key, &caches, &cell) {
            return Ok(());
        }
        if let Some(why) = self.other_data(at) {
            self.unsimulated.push((at, Failure::Changed, why));
            return Ok(());
        }
        let stamps = self.stamps(at);
        self.watch.simulates(&self.cells[at], last);
        let name = canonical(&(&cell, &caches));
        let (started_ms, process_s, end) = match known.runs.get(&name) {
            Some(run) => run.clone(),
            None => {
                let run = self.simulated(&cell, &caches, known)?;
                known.runs.insert(name, run.clone());
                run
            }
        };
        if let Some(why) = self.changed_since(at, &key, &stamps)? {
            *known = Known::default();
            self.unsimulated.push((at, Failure::Changed, why));
            return Ok(());
        }
        if let SimulationEnd::Failed { class, reason } = &end {
            self.unsimulated.push((at, *class, reason.clone()));
        }
        let run = self.store.run().run.clone();
        let simulation =
            Simulation { version: SIMULATION, key, run, started_ms, process_s, cell, caches, end };
        if self.is_news(&simulation) {
            self.store.append_simulation(self.host, &self.cells[at].cell, simulation.clone())?;
        }
        self.watch.simulated(&self.cells[at], &simulation);
        Ok(())
    }

    /// Runs the cell under the simulator and, for its answer, without.
    fn simulated(
        &mut self,
        cell: &Cell,
        caches: &Caches,
        known: &mut Known,
    ) -> Result<(u64, Option<f64>, SimulationEnd)> {
        let failed = |class, reason| SimulationEnd::Failed { class, reason };
        let right = match self.answer_outside(cell, known)? {
            Ok(right) => right,
            Err((class, why)) => {
                let reason = format!("the same cell outside the simulator: {why}");
                return Ok((crate::launch::attempt::now_ms(), None, failed(class, reason)));
            }
        };
        let Simulated { started_ms, process_s, end } =
            self.executor.simulate(cell, caches, self.options.limit_s)?;
        let end = match end {
            Err((class, reason)) => failed(class, reason),
            Ok((measured, counts)) => {
                match amdahl_workloads::of(&cell.workload).check(&cell.workload, &measured, &right)
                {
                    Err(differs) => failed(
                        Failure::Error,
                        format!("another answer under the simulator: {differs}"),
                    ),
                    Ok(()) => {
                        let answer = &*measured.answer;
                        SimulationEnd::Done(Counts {
                            tool: counts.tool,
                            kernel: measured.kernel.to_string(),
                            rows: answer.rows().unwrap_or(0),
                            dims: answer.columns().unwrap_or(0),
                            iterations: answer.iterations,
                            lanes: measured.lanes.iter().map(|lane| lane.rows).collect(),
                            readings: counts.readings,
                        })
                    }
                }
            }
        };
        Ok((started_ms, process_s, end))
    }

    /// The answer of the simulated cell's oracle, from a run on the processor itself.
    fn answer_outside(
        &mut self,
        cell: &Cell,
        known: &mut Known,
    ) -> Result<std::result::Result<Answer, (Failure, String)>> {
        let oracle = oracle_of(cell);
        let id = oracle.id();
        if let Some(answer) = known.answers.get(&id) {
            return Ok(answer.clone());
        }
        let attempt = self.executor.attempt(&id, &oracle, self.options.limit_s)?;
        let answer = match attempt.ending {
            Ending::Answered(_, measured) => Ok(measured.answer.take()),
            Ending::Failed { class, reason } => Err((class, reason)),
        };
        known.answers.insert(id, answer.clone());
        Ok(answer)
    }

    /// Does the folder have the counts of this cell for this key, with these caches?
    fn is_simulated(&self, key: &Key, caches: &Caches, cell: &Cell) -> bool {
        let (fresh, run) = (self.store.run().fresh, &self.store.run().run);
        self.store.results().simulations.iter().any(|simulation| {
            simulation.key == *key
                && simulation.caches == *caches
                && simulation.cell == *cell
                && simulation.counts().is_some()
                && (!fresh || simulation.run == *run)
        })
    }

    /// A failure that stands in the records already, word for word, would be noise.
    fn is_news(&self, simulation: &Simulation) -> bool {
        let same = |old: &&Simulation| old.key == simulation.key && old.caches == simulation.caches;
        let last = self.store.results().simulations.iter().rev().find(same);
        simulation.counts().is_some() || last.is_none_or(|last| last.end != simulation.end)
    }
}
