//! Values by phase as they are written: in the order of a list of names, which stands once for all
//! of them. A reader looks the names up.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Phase, Reading, Role};

/// Names of phases with their roles, in the order of values.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct PhaseNames(Vec<(String, Role)>);

/// More names than these are no list of phases.
const MOST: usize = 500;

impl PhaseNames {
    /// All that this process knows, in the order of its values.
    pub fn known() -> PhaseNames {
        let named = |phase: Phase| (phase.word().to_string(), phase.role());
        PhaseNames(Phase::all().into_iter().map(named).collect())
    }

    /// Those that all programs share.
    pub fn shared() -> PhaseNames {
        let mut known = PhaseNames::known();
        known.0.truncate(Phase::SHARED);
        known
    }

    /// Those with these names and roles.
    pub fn of(names: &[(&str, Role)]) -> PhaseNames {
        PhaseNames(names.iter().map(|(name, role)| (name.to_string(), *role)).collect())
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// None?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Where this process keeps the values of each. Names that it did not know become phases, with
    /// the roles that stand beside them.
    ///
    /// # Errors
    /// Where one is no name, or stands twice.
    pub fn layout(&self) -> Result<Layout, String> {
        if self.0.len() > MOST {
            return Err(format!("{} names of phases, of {MOST} at most", self.0.len()));
        }
        if let Some((name, _)) = self.0.iter().find(|(name, _)| !Phase::is_name(name)) {
            return Err(format!("{name:?} is no name of a phase"));
        }
        let mut places: Vec<usize> = Vec::with_capacity(self.0.len());
        for (name, role) in &self.0 {
            let place = Phase::named(name, *role).index();
            if places.contains(&place) {
                return Err(format!("the phase '{name}' stands twice"));
            }
            places.push(place);
        }
        let same = places.iter().enumerate().all(|(i, place)| i == *place);
        Ok(Layout { places, same })
    }
}

/// Where the values of a list of phases belong.
#[derive(Clone, Debug)]
pub struct Layout {
    places: Vec<usize>,
    /// Each at its own place already?
    same: bool,
}

impl Layout {
    /// Puts the values of readings where this process looks for them.
    ///
    /// # Errors
    /// Where a lane has values of phases that have no name; then nothing is changed.
    pub fn sort(&self, readings: &mut [Reading]) -> Result<(), String> {
        let unnamed = |lane: &Vec<f64>| {
            // Zeros may be those of reading, which makes lanes as long as the shared phases.
            lane.get(self.places.len()..).is_some_and(|rest| rest.iter().any(|value| *value != 0.0))
        };
        if readings.iter().flat_map(|r| r.values.iter().flatten()).any(unnamed) {
            return Err(format!(
                "a lane has values of more phases than the {} that its run names",
                self.places.len()
            ));
        }
        if self.same {
            return Ok(());
        }
        for lane in readings.iter_mut().flat_map(|reading| reading.values.iter_mut().flatten()) {
            *lane = self.place(std::mem::take(lane));
        }
        Ok(())
    }

    /// Puts the values of a lane where this process looks for them.
    pub fn place(&self, lane: Vec<f64>) -> Vec<f64> {
        if self.same || lane.is_empty() {
            return lane;
        }
        let width = self.places.iter().max().map_or(0, |last| last + 1);
        let mut sorted = vec![0.0; width.max(Phase::SHARED)];
        for (value, place) in lane.iter().zip(&self.places) {
            sorted[*place] = *value;
        }
        sorted
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Unit;
    use crate::{Provenance, Scope};

    fn reading(lanes: &[&[f64]]) -> Reading {
        Reading {
            metric: "wall".into(),
            unit: Unit::Seconds,
            from: Some(Provenance::Measured),
            values: Some(lanes.iter().map(|lane| lane.to_vec()).collect()),
            why: None,
            group: None,
            scope: Scope::Lane,
        }
    }

    #[test]
    fn values_go_where_their_names_belong() {
        let names = PhaseNames::of(&[
            ("layout-test-halo", Role::Communicate),
            ("load", Role::Setup),
            ("layout-test-sweep", Role::Compute),
        ]);
        let layout = names.layout().expect("names");
        let mut all = [reading(&[&[1.0, 2.0], &[], &[1.0, 2.0, 3.0, 0.0]])];
        layout.sort(&mut all).expect("named");
        let of = |name: &str| Phase::find(name).expect("known by now");
        let (halo, sweep) = (of("layout-test-halo"), of("layout-test-sweep"));
        assert_eq!((halo.role(), sweep.role()), (Role::Communicate, Role::Compute));
        let value = |lane, phase| all[0].value(lane, phase);
        assert_eq!((value(0, halo), value(0, Phase::LOAD)), (Some(1.0), Some(2.0)));
        assert_eq!((value(0, sweep), value(2, sweep)), (Some(0.0), Some(3.0)), "left out: never");
        assert_eq!(value(1, halo), None, "another lane reads it");
        assert!(layout.sort(&mut [reading(&[&[1.0, 2.0, 3.0, 4.0]])]).is_err());
    }

    #[test]
    fn lists_that_name_nothing_are_refused() {
        let twice = PhaseNames::of(&[("load", Role::Setup), ("load", Role::Setup)]);
        assert!(twice.layout().expect_err("twice").contains("twice"));
        let bad = PhaseNames::of(&[("a phase", Role::Setup)]);
        assert!(bad.layout().expect_err("no name").contains("a phase"));
        assert!(PhaseNames(vec![("a".into(), Role::Wait); MOST + 1]).layout().is_err());
        assert!(PhaseNames::shared().layout().expect("shared").same);
    }
}
