//! The answer of a clustering, typed, and the rule for rounded ones.

use std::collections::BTreeMap;

use amdahl_record::Answer;

use crate::NAME;

/// Counts that tell how an answer was found, not what it is.
pub const EFFORT: &[&str] = &["distances", "init_distances"];

/// How far the final inertia may be from the oracle's, relatively, where sums or labels are
/// rounded, on a device or in an outside program: near ties that were decided otherwise may have
/// led to another of many nearly equal clusterings.
pub const FINAL_INERTIA: f64 = 0.01;

/// The answer of a clustering: all of it belongs to the final centroids.
#[derive(Clone, Debug, PartialEq)]
pub struct Clustering {
    /// Rows.
    pub rows: u64,
    /// Columns.
    pub dims: u32,
    /// Iterations that were run; with the rule "no label changes", the confirming one included.
    pub iterations: u32,
    /// Did it stop by its rule of convergence?
    pub converged: bool,
    /// Σ over the rows of the squared distance to their centroid.
    pub inertia: f64,
    /// Rows of each cluster.
    pub sizes: Vec<u64>,
    /// Digest of the centroids' bits.
    pub centroids: String,
    /// Digest of all labels, independent of how rows are spread over lanes.
    pub labels: String,
    /// Digest of all rows as they were read, independent of how they are spread.
    pub data: String,
    /// Distances of a row to a centroid (or scores in their place) that the timed iterations
    /// evaluated on all lanes; none where they are not counted.
    pub distances: Option<u64>,
    /// Those that the choice of the initial centroids evaluated.
    pub init_distances: Option<u64>,
    /// Comparison with true labels: NMI, ARI, purity. Empty where there are none.
    pub quality: BTreeMap<String, f64>,
    /// What a person should know about the answer.
    pub warnings: Vec<String>,
}

impl From<Clustering> for Answer {
    fn from(of: Clustering) -> Answer {
        let counts = [
            ("rows", Some(of.rows)),
            ("dims", Some(of.dims.into())),
            ("distances", of.distances),
            ("init_distances", of.init_distances),
        ];
        let counts = counts.into_iter().filter_map(|(name, count)| Some((name.into(), count?)));
        Answer {
            of: NAME.into(),
            data: of.data,
            iterations: of.iterations,
            converged: of.converged,
            counts: counts.collect(),
            values: [("inertia".into(), of.inertia)].into(),
            lists: [("sizes".into(), of.sizes)].into(),
            digests: [("centroids".into(), of.centroids), ("labels".into(), of.labels)].into(),
            quality: of.quality,
            warnings: of.warnings,
        }
    }
}

impl Clustering {
    /// The clustering of an answer; none where it is not one.
    pub fn of(answer: &Answer) -> Option<Clustering> {
        if answer.of != NAME {
            return None;
        }
        Some(Clustering {
            rows: answer.rows()?,
            dims: answer.columns()?,
            iterations: answer.iterations,
            converged: answer.converged,
            inertia: answer.value("inertia")?,
            sizes: answer.lists.get("sizes")?.clone(),
            centroids: answer.digests.get("centroids")?.clone(),
            labels: answer.digests.get("labels")?.clone(),
            data: answer.data.clone(),
            distances: answer.count("distances"),
            init_distances: answer.count("init_distances"),
            quality: answer.quality.clone(),
            warnings: answer.warnings.clone(),
        })
    }
}

/// Checks the answer of a device whose sums or labels are rounded against the oracle's. That each
/// label is the nearest, or a tie within the error of the device's arithmetic, was checked row by
/// row before there was an answer.
///
/// # Errors
/// What differs, with both values.
pub fn check_rounded(
    answer: &Answer,
    oracle: &Answer,
    fixed_iterations: bool,
) -> Result<(), String> {
    let (found, right) = both(answer, oracle)?;
    if found.data != right.data {
        return Err(format!("other data: got {}, the oracle has {}", found.data, right.data));
    }
    if fixed_iterations && found.iterations != right.iterations {
        return Err(format!(
            "iterations: got {}, the oracle has {}",
            found.iterations, right.iterations
        ));
    }
    if found.sizes.len() != right.sizes.len() || found.sizes.iter().sum::<u64>() != right.rows {
        return Err(format!(
            "cluster sizes: got {:?}, the oracle has {:?}",
            found.sizes, right.sizes
        ));
    }
    let off = (found.inertia - right.inertia).abs();
    // What is not a number is not within any bound.
    match off <= FINAL_INERTIA * right.inertia.abs() {
        true => Ok(()),
        false => Err(format!(
            "inertia: got {}, the oracle has {}: more than {FINAL_INERTIA} apart, relatively",
            found.inertia, right.inertia
        )),
    }
}

/// Two answers as clusterings.
pub(crate) fn both(answer: &Answer, oracle: &Answer) -> Result<(Clustering, Clustering), String> {
    let whole = |answer: &Answer, whose: &str| {
        Clustering::of(answer).ok_or_else(|| format!("{whose} answer is no clustering"))
    };
    Ok((whole(answer, "this")?, whole(oracle, "the oracle's")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clustering_survives_being_an_answer() {
        let clustering = Clustering {
            rows: 4,
            dims: 1,
            iterations: 2,
            converged: true,
            inertia: 1.5,
            sizes: vec![2, 2],
            centroids: "c".into(),
            labels: "l".into(),
            data: "d".into(),
            distances: Some(16),
            init_distances: None,
            quality: [("nmi".into(), 1.0)].into(),
            warnings: vec!["w".into()],
        };
        let answer = Answer::from(clustering.clone());
        assert_eq!(Clustering::of(&answer), Some(clustering.clone()));
        let fewer = Clustering { distances: Some(5), ..clustering.clone() };
        assert_eq!(Answer::from(fewer).check_exact(&answer, EFFORT), Ok(()));
        let near = Clustering { inertia: 1.505, ..clustering.clone() };
        assert_eq!(check_rounded(&near.clone().into(), &answer, true), Ok(()));
        assert!(Answer::from(near).check_exact(&answer, EFFORT).is_err());
        let far = Clustering { inertia: f64::NAN, ..clustering };
        assert!(check_rounded(&far.into(), &answer, true).is_err());
        assert_eq!(Clustering::of(&Answer { of: "other".into(), ..answer }), None);
    }
}
