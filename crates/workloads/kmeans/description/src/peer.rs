//! How the answer of an outside program is judged.
//!
//! A peer computes in its own arithmetic, so its answer cannot have our bits. What can be asked
//! for: its centroids, seen by one judge. The judge is our worker. It gives every row the nearest
//! of the peer's final centroids and adds up the squared distances exactly, so that everybody's
//! inertia is computed by the same function; and it compares the peer's centroids after one
//! iteration with ours, before near ties that were decided otherwise can lead elsewhere.

use std::path::PathBuf;

use amdahl_record::Answer;
use amdahl_record::error::{Error, Kind, Result as Outcome};
use amdahl_record::peer::{PeerDone, PeerFacts};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::answer::{FINAL_INERTIA, both};

/// After one iteration, the inertia may differ by this much, relative to ours, and by the share of
/// the rows that are near ties at the start. Sums in f32 stay two orders below it.
pub const ONE_STEP_INERTIA: f64 = 1e-5;
/// After one iteration, this share of the rows may have another label, and twice the share of the
/// near ties at the start.
pub const ONE_STEP_LABELS: f64 = 1e-3;
/// A row is a near tie when the squared distances to its two nearest centroids are closer than
/// this, relative to the larger one: then f32 may decide otherwise than we do.
pub const NEAR_TIE: f64 = 1e-5;
/// At the end, the inertia of another algorithm for the same problem may be larger by this much,
/// relative to the oracle's.
pub const OTHER_INERTIA: f64 = 0.25;

/// How a peer's answer is checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// It does what Lloyd's algorithm does: the same iterations, one of them compared closely
    /// ([`ONE_STEP_INERTIA`], [`ONE_STEP_LABELS`]), the final inertia within [`FINAL_INERTIA`].
    #[default]
    Lloyd,
    /// It seeks the same optimum in another way: the final inertia is at most [`OTHER_INERTIA`]
    /// above the oracle's.
    Objective,
}

impl Rule {
    /// Every rule.
    pub const ALL: [Rule; 2] = [Rule::Lloyd, Rule::Objective];

    /// The word in lists of peers.
    pub const fn word(self) -> &'static str {
        match self {
            Rule::Lloyd => "lloyd",
            Rule::Objective => "objective",
        }
    }
}

/// What a program does with the centroid of a cluster that has no rows. Ours is
/// [`Emptied::Farthest`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Emptied {
    /// It takes the row that is farthest from its centroid.
    Farthest,
    /// It takes the row of the largest cluster that is farthest from its centroid.
    FarthestOfLargest,
    /// The same of the cluster with the largest variance.
    FarthestOfLoosest,
    /// It becomes half of a large cluster.
    Split,
    /// It stays where it was.
    Stays,
    /// It is no number.
    Nan,
    /// It is left out.
    Dropped,
    /// It becomes the origin.
    Zero,
}

impl Emptied {
    /// What becomes of the centroid, as the end of a sentence.
    const fn in_words(self) -> &'static str {
        match self {
            Emptied::Farthest => "takes the farthest row",
            Emptied::FarthestOfLargest => "takes the farthest row of the largest cluster",
            Emptied::FarthestOfLoosest => {
                "takes the farthest row of the cluster with the largest variance"
            }
            Emptied::Split => "takes half of a large cluster",
            Emptied::Stays => "stays where it was",
            Emptied::Nan => "is no number",
            Emptied::Dropped => "is left out",
            Emptied::Zero => "becomes the origin",
        }
    }
}

/// A first iteration beside ours, from the same start.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OneStep {
    /// Inertia of its centroids after one iteration.
    pub inertia: f64,
    /// Inertia of ours.
    pub ours: f64,
    /// Rows that its centroids give another label than ours.
    pub other_labels: u64,
    /// Rows that are near ties at the start ([`NEAR_TIE`]); counted where the two differ by more
    /// than is allowed without any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub near_ties: Option<u64>,
    /// Clusters without rows at the start; counted with `near_ties`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub empty: Option<u64>,
}

impl OneStep {
    /// Do the inertias agree, where this share of the rows are near ties?
    fn agrees(&self, ties: f64) -> bool {
        within(relative(self.inertia, self.ours), ONE_STEP_INERTIA + ties)
    }

    /// Do the labels of `rows` agree, where this share of the rows are near ties?
    fn labels_agree(&self, rows: u64, ties: f64) -> bool {
        self.other_labels as f64 <= (ONE_STEP_LABELS + 2.0 * ties) * rows as f64
    }

    /// Does it take near ties, or clusters without rows, to explain the difference?
    pub fn needs_reasons(&self, rows: u64) -> bool {
        !self.agrees(0.0) || !self.labels_agree(rows, 0.0)
    }
}

/// What a peer leaves beside the fields that all workloads' peers leave.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Left {
    /// The inertia as it says itself.
    #[serde(default)]
    pub inertia: Option<f64>,
    /// NPY file of its final centroids, k × columns; a relative path is seen from the record file's
    /// folder.
    pub centroids: PathBuf,
    /// The same after exactly one iteration from the given start. Needed by the rule
    /// [`Rule::Lloyd`].
    #[serde(default)]
    pub first: Option<PathBuf>,
    /// Its rule for a cluster without rows, where it is known.
    #[serde(default)]
    pub empty: Option<Emptied>,
}

impl Left {
    /// Of a peer's record.
    ///
    /// # Errors
    /// Where the fields are missing or of other types.
    pub fn of(done: &PeerDone) -> Outcome<Left> {
        serde_json::from_value(Value::Object(done.own.clone()))
            .map_err(|e| Error::new(Kind::Data, format!("not what a program leaves: {e}")))
    }
}

/// What a record keeps of a peer's judgement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Judged {
    /// The inertia as it says itself. The answer's is the judge's.
    pub inertia: Option<f64>,
    /// How its answer is checked.
    pub rule: Rule,
    /// Its first iteration beside ours; null where it is not compared.
    pub one_step: Option<OneStep>,
    /// Its rule for a cluster without rows, as it says itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub empty: Option<Emptied>,
}

impl Judged {
    /// Of a record's facts.
    ///
    /// # Errors
    /// Where the fields are missing or of other types.
    pub fn of(facts: &PeerFacts) -> Outcome<Judged> {
        serde_json::from_value(Value::Object(facts.own.clone()))
            .map_err(|e| Error::new(Kind::Data, format!("not the facts of a judged program: {e}")))
    }

    /// As a record keeps them.
    pub fn fields(&self) -> Map<String, Value> {
        // Plain data: an object.
        match serde_json::to_value(self) {
            Ok(Value::Object(fields)) => fields,
            _ => Map::new(),
        }
    }
}

/// Checks a peer's judged answer against the oracle's. The error says what differs, with both
/// values and the bound.
pub fn check(
    answer: &Answer,
    oracle: &Answer,
    facts: &PeerFacts,
    fixed_iterations: bool,
) -> Result<(), String> {
    let (found, right) = both(answer, oracle)?;
    let facts = Judged::of(facts).map_err(|error| error.message)?;
    if found.data != right.data {
        return Err(format!("other data: got {}, the oracle has {}", found.data, right.data));
    }
    if found.sizes.len() != right.sizes.len() {
        return Err(format!(
            "{} clusters, the oracle has {}",
            found.sizes.len(),
            right.sizes.len()
        ));
    }
    let off = relative(found.inertia, right.inertia);
    if facts.rule == Rule::Objective {
        return match off <= OTHER_INERTIA {
            true => Ok(()),
            false => Err(format!(
                "inertia: got {}, the oracle has {}: more than {OTHER_INERTIA} above it",
                found.inertia, right.inertia
            )),
        };
    }
    if fixed_iterations && found.iterations != right.iterations {
        return Err(format!(
            "iterations: got {}, the oracle has {}",
            found.iterations, right.iterations
        ));
    }
    let Some(one) = facts.one_step else {
        return Err("its first iteration was not left to be compared".into());
    };
    let near = one.near_ties.unwrap_or(0);
    let ties = near as f64 / found.rows.max(1) as f64;
    let agrees = one.agrees(ties) && one.labels_agree(found.rows, ties);
    if let (false, Some(why)) = (agrees, another_rule(&one, facts.empty)) {
        return Err(why);
    }
    if !one.agrees(ties) {
        return Err(format!(
            "inertia after one iteration: got {}, ours is {}: more than {ONE_STEP_INERTIA} apart, relatively, and {near} near ties of {} \
             rows do not explain it",
            one.inertia, one.ours, found.rows
        ));
    }
    if !one.labels_agree(found.rows, ties) {
        return Err(format!(
            "after one iteration {} of {} rows have other labels than ours: more than a share of {ONE_STEP_LABELS}, and {near} near ties do \
             not explain it",
            one.other_labels, found.rows
        ));
    }
    if !within(off, FINAL_INERTIA) {
        return Err(format!(
            "inertia: got {}, the oracle has {}: more than {FINAL_INERTIA} apart, relatively",
            found.inertia, right.inertia
        ));
    }
    Ok(())
}

/// Where clusters without rows and another rule for them than ours are the reason why a first
/// iteration differs: that.
fn another_rule(one: &OneStep, rule: Option<Emptied>) -> Option<String> {
    let empty = one.empty.filter(|empty| *empty > 0)?;
    let clusters = if empty == 1 { "1 cluster has" } else { &format!("{empty} clusters have") };
    let theirs = match rule {
        Some(Emptied::Farthest) => return None,
        Some(rule) => rule.in_words(),
        None => "may go elsewhere (it does not say)",
    };
    Some(format!(
        "{clusters} no rows at the start, and its rule for that is another: the centroid {theirs}, ours takes the farthest row; inertia after \
         one iteration: got {}, ours is {}",
        one.inertia, one.ours
    ))
}

/// Is the difference, either way, within the bound? What is not a number never is.
fn within(difference: f64, bound: f64) -> bool {
    difference.abs() <= bound
}

/// How much larger `value` is than `reference`, relative to it. Two zeros are equal.
fn relative(value: f64, reference: f64) -> f64 {
    if value == reference { 0.0 } else { (value - reference) / reference.abs() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::Clustering;

    fn answer(inertia: f64, iterations: u32) -> Answer {
        Answer::from(Clustering {
            rows: 1000,
            dims: 1,
            iterations,
            converged: false,
            inertia,
            sizes: vec![500, 500],
            centroids: String::new(),
            labels: String::new(),
            data: "d".into(),
            distances: None,
            init_distances: None,
            quality: Default::default(),
            warnings: vec![],
        })
    }

    fn facts(rule: Rule, one_step: Option<OneStep>) -> PeerFacts {
        PeerFacts {
            name: "x".into(),
            version: "x 1".into(),
            timed: String::new(),
            cpu_seconds: None,
            load_seconds: None,
            own: Judged { inertia: None, rule, one_step, empty: Some(Emptied::Stays) }.fields(),
        }
    }

    fn one(inertia: f64, other_labels: u64) -> Option<OneStep> {
        Some(OneStep { inertia, ours: 200.0, other_labels, near_ties: None, empty: None })
    }

    #[test]
    fn what_lloyd_would_do_is_asked_closely() {
        let right = answer(100.0, 10);
        let of = |found: &Answer, step| check(found, &right, &facts(Rule::Lloyd, step), true);
        assert_eq!(of(&answer(100.5, 10), one(200.001, 1)), Ok(()));
        let refused = |found: Answer, step| of(&found, step).expect_err("refused");
        assert!(refused(answer(100.0, 9), one(200.0, 0)).starts_with("iterations: got 9"));
        assert!(refused(answer(100.0, 10), None).contains("first iteration"));
        assert!(
            refused(answer(100.0, 10), one(200.1, 0))
                .contains("inertia after one iteration: got 200.1")
        );
        assert!(refused(answer(100.0, 10), one(200.0, 2)).contains("2 of 1000 rows"));
        let ties = |inertia, other_labels, near| {
            Some(OneStep {
                inertia,
                ours: 200.0,
                other_labels,
                near_ties: Some(near),
                empty: Some(0),
            })
        };
        assert_eq!(
            of(&answer(100.0, 10), ties(200.1, 3, 1)),
            Ok(()),
            "a near tie explains some of it"
        );
        assert!(
            refused(answer(100.0, 10), ties(201.0, 0, 1))
                .contains("1 near ties of 1000 rows do not explain it")
        );
        assert!(refused(answer(98.0, 10), one(200.0, 0)).starts_with("inertia: got 98"));
        assert!(refused(answer(f64::NAN, 10), one(200.0, 0)).starts_with("inertia: got NaN"));
        assert!(
            check(&answer(100.0, 9), &right, &facts(Rule::Lloyd, one(200.0, 0)), false).is_ok(),
            "it may converge sooner"
        );
    }

    #[test]
    fn another_rule_for_empty_clusters_is_the_reason_that_is_given() {
        let right = answer(100.0, 10);
        let step = |other_labels, empty| {
            let (inertia, near_ties) = (210.0, Some(0));
            OneStep { inertia, ours: 200.0, other_labels, near_ties, empty: Some(empty) }
        };
        let said = |one, empty| {
            let own = Judged { inertia: None, rule: Rule::Lloyd, one_step: Some(one), empty };
            let facts = PeerFacts { own: own.fields(), ..facts(Rule::Lloyd, None) };
            check(&answer(100.0, 10), &right, &facts, true).expect_err("refused")
        };
        let stays = said(step(0, 1), Some(Emptied::Stays));
        assert!(stays.starts_with("1 cluster has no rows at the start"), "{stays}");
        assert!(stays.contains("the centroid stays where it was, ours takes the farthest row"));
        let unknown = said(step(40, 2), None);
        assert!(unknown.contains("2 clusters have no rows") && unknown.contains("does not say"));
        // The same rule as ours, or no cluster without rows, explains nothing.
        for (empty, rule) in [(1, Emptied::Farthest), (0, Emptied::Split)] {
            let said = said(step(0, empty), Some(rule));
            assert!(said.starts_with("inertia after one iteration"), "{said}");
        }
    }

    #[test]
    fn another_algorithm_is_asked_for_the_objective_alone() {
        let right = answer(100.0, 10);
        let of = |inertia| check(&answer(inertia, 3), &right, &facts(Rule::Objective, None), true);
        assert_eq!((of(124.0), of(80.0)), (Ok(()), Ok(())));
        assert!(of(126.0).is_err() && of(f64::NAN).is_err());
        let other = Answer { data: "e".into(), ..right.clone() };
        assert!(
            check(&other, &right, &facts(Rule::Objective, None), true)
                .expect_err("refused")
                .starts_with("other data")
        );
    }
}
