//! What is printed at the end of a sweep, and the exit code.

use std::path::Path;

use super::{Names, Standing};
use amdahl_explain::labels::one_line;
use amdahl_record::Failure;
use amdahl_record::error::{Error, Kind, Result};
use amdahl_run::plan::Plan;

/// How many cells ended how.
pub struct Tally {
    /// Cells that the user asked for.
    asked: usize,
    /// Of these, with all their repeats.
    done: usize,
    /// Cells that were not measured, by kind and reason: `(kind, reason, cells, wrong or failed in
    /// a way that is the sweep's fault)`.
    groups: Vec<Group>,
}

struct Group {
    kind: &'static str,
    reason: String,
    cells: Vec<String>,
    weight: Weight,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Weight {
    /// This machine lacks something: no fault of the sweep.
    Lacking,
    Failed,
    Wrong,
}

impl Tally {
    /// Counts where the cells of `plan` stand.
    pub fn new(plan: &Plan, names: &Names, standing: &[Standing]) -> Tally {
        let asked = plan.cells.iter().filter(|planned| planned.asked).count();
        let mut tally = Tally { asked, done: 0, groups: Vec::new() };
        for (planned, standing) in plan.cells.iter().zip(standing) {
            let (kind, reason, weight) = match standing {
                Standing::Done => {
                    tally.done += usize::from(planned.asked);
                    continue;
                }
                Standing::Open => continue,
                Standing::Wrong(reason) => ("wrong", reason, Weight::Wrong),
                Standing::Failed(Failure::Unavailable, reason) => {
                    (Failure::Unavailable.word(), reason, Weight::Lacking)
                }
                Standing::Failed(class, reason) => (class.word(), reason, Weight::Failed),
            };
            let name = names.of(planned).to_string();
            match tally
                .groups
                .iter_mut()
                .find(|group| group.kind == kind && group.reason == *reason)
            {
                Some(group) => group.cells.push(name),
                None => tally.groups.push(Group {
                    kind,
                    reason: reason.clone(),
                    cells: vec![name],
                    weight,
                }),
            }
        }
        tally
    }

    /// Adds the cells that could not be simulated, with the reasons.
    pub fn with_simulations(
        mut self,
        plan: &Plan,
        names: &Names,
        unsimulated: &[(usize, Failure, String)],
    ) -> Tally {
        for (at, class, reason) in unsimulated {
            let weight =
                if *class == Failure::Unavailable { Weight::Lacking } else { Weight::Failed };
            let name = names.of(&plan.cells[*at]).to_string();
            let reason = format!("no simulated counters ({}): {reason}", class.word());
            match self.groups.iter_mut().find(|group| group.reason == reason) {
                Some(group) if group.cells.contains(&name) => {}
                Some(group) => group.cells.push(name),
                None => self.groups.push(Group {
                    kind: "simulation",
                    reason,
                    cells: vec![name],
                    weight,
                }),
            }
        }
        self
    }

    /// A short table for people.
    pub fn text(&self, plan: &Plan, folder: &Path, new_records: u32) -> String {
        let cells = |n: usize| if n == 1 { "1 cell".to_string() } else { format!("{n} cells") };
        let mut text = format!(
            "{}: {} of {} measured ({new_records} new records) in {}\n",
            plan.experiment.name,
            self.done,
            cells(self.asked),
            folder.display()
        );
        for group in &self.groups {
            let names = match group.cells.len() {
                0..=3 => group.cells.join(", "),
                n => format!("{} and {} more", group.cells[..2].join(", "), n - 2),
            };
            text.push_str(&format!(
                "  {:<11}  {names}: {}\n",
                group.kind,
                one_line(&group.reason, 300)
            ));
        }
        if !plan.left_out.is_empty() {
            text.push_str(&format!(
                "  {:<11}  {} of the manifest; 'amdahl plan' says why\n",
                "left out",
                cells(plan.left_out.iter().map(|out| out.combinations).sum())
            ));
        }
        if self.done > 0 {
            text.push_str(&format!("next: amdahl show {}\n", folder.display()));
        }
        text
    }

    /// Ok, or the error whose exit code a script sees: a wrong answer goes before nothing measured,
    /// and that before a failure. A machine that lacks a backend is no failure as long as something
    /// was measured.
    pub fn verdict(&self) -> Result<()> {
        let count = |weight| {
            self.groups.iter().filter(|g| g.weight == weight).map(|g| g.cells.len()).sum::<usize>()
        };
        let of = format!("of {} cells", self.asked);
        match (count(Weight::Wrong), self.done, count(Weight::Failed)) {
            (wrong @ 1.., ..) => Err(Error::new(
                Kind::WrongAnswer,
                format!("{wrong} {of} gave a wrong answer"),
            )
            .hint(
                "their times count for nothing; run one by hand with amdahl-worker to look into it",
            )),
            (_, 0, _) => Err(Error::new(Kind::NothingMeasured, "nothing was measured")
                .hint("the reasons are above")),
            (.., failed @ 1..) => Err(Error::new(Kind::Internal, format!("{failed} {of} failed"))
                .hint("the reasons are above; --retry tries them again")),
            _ => Ok(()),
        }
    }
}
