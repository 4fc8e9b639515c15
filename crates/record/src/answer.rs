//! The answer of a cell, and whether it is the right one.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The answer of a cell: what must be right before a time counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "of", rename_all = "kebab-case")]
pub enum Answer {
    /// Of k-means.
    #[serde(rename = "kmeans")]
    KMeans(Clustering),
}

/// The answer of a clustering: all of it belongs to the final centroids.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
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
    /// evaluated on all lanes; null where they are not counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distances: Option<u64>,
    /// Those that the choice of the initial centroids evaluated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub init_distances: Option<u64>,
    /// Comparison with true labels: NMI, ARI, purity. Empty where there are none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub quality: BTreeMap<String, f64>,
    /// What a person should know about the answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

impl Answer {
    /// Checks this answer against the oracle's, by the rule for programs of ours on CPUs: the same
    /// bits. The error says what differs.
    pub fn check_exact(&self, oracle: &Answer) -> Result<(), String> {
        let (Answer::KMeans(mine), Answer::KMeans(right)) = (self, oracle);
        let differ = |what: &str, mine: &dyn std::fmt::Display, right: &dyn std::fmt::Display| {
            Err(format!("{what}: got {mine}, the oracle has {right}"))
        };
        if mine.data != right.data {
            return differ("other data", &mine.data, &right.data);
        }
        if mine.iterations != right.iterations {
            return differ("iterations", &mine.iterations, &right.iterations);
        }
        if mine.inertia.to_bits() != right.inertia.to_bits() {
            return differ("inertia", &mine.inertia, &right.inertia);
        }
        if mine.sizes != right.sizes {
            return differ(
                "cluster sizes",
                &format!("{:?}", mine.sizes),
                &format!("{:?}", right.sizes),
            );
        }
        if mine.centroids != right.centroids {
            return differ("digest of the centroids", &mine.centroids, &right.centroids);
        }
        if mine.labels != right.labels {
            return differ("digest of the labels", &mine.labels, &right.labels);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer() -> Clustering {
        Clustering {
            rows: 4,
            dims: 1,
            iterations: 2,
            converged: true,
            inertia: 1.5,
            sizes: vec![2, 2],
            centroids: "c".into(),
            labels: "l".into(),
            data: "d".into(),
            distances: None,
            init_distances: None,
            quality: BTreeMap::new(),
            warnings: vec![],
        }
    }

    #[test]
    fn the_check_names_what_differs() {
        let right = Answer::KMeans(answer());
        assert_eq!(right.check_exact(&right), Ok(()));
        let wrong = Answer::KMeans(Clustering { inertia: 1.5000000000000002, ..answer() });
        assert!(
            wrong
                .check_exact(&right)
                .expect_err("one bit off")
                .starts_with("inertia: got 1.5000000000000002")
        );
        let other = Answer::KMeans(Clustering { centroids: "x".into(), ..answer() });
        assert!(other.check_exact(&right).expect_err("other centroids").contains("centroids"));
    }
}
