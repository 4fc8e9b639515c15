//! How well a clustering agrees with true labels: NMI, ARI and purity from their contingency table.

use std::collections::BTreeMap;

/// NMI, ARI and purity of a table of counts, clusters × classes, row-major.
///
/// * NMI: mutual information over the arithmetic mean of the two entropies (Strehl & Ghosh 2002,
///   with the mean as most libraries have it).
/// * ARI: the Rand index corrected for chance (Hubert & Arabie 1985).
/// * Purity: share of rows whose class is the most frequent one of their cluster.
///
/// Where a measure is not defined (one cluster and one class) it is 1: the two divisions are the
/// same.
pub fn measures(table: &[i64], classes: usize) -> BTreeMap<String, f64> {
    let rows: Vec<&[i64]> = table.chunks(classes.max(1)).collect();
    let by_cluster: Vec<f64> = rows.iter().map(|row| row.iter().sum::<i64>() as f64).collect();
    let by_class: Vec<f64> =
        (0..classes).map(|c| rows.iter().map(|row| row[c]).sum::<i64>() as f64).collect();
    let n: f64 = by_cluster.iter().sum();
    if n == 0.0 {
        return BTreeMap::new();
    }
    let entropy = |counts: &[f64]| -> f64 {
        counts.iter().filter(|&&c| c > 0.0).map(|&c| -(c / n) * libm::log(c / n)).sum()
    };
    let mut information = 0.0;
    for (row, &cluster) in rows.iter().zip(&by_cluster) {
        for (&both, &class) in row.iter().zip(&by_class) {
            if both > 0 {
                let both = both as f64;
                information += both / n * libm::log(both * n / (cluster * class));
            }
        }
    }
    let mean_entropy = (entropy(&by_cluster) + entropy(&by_class)) / 2.0;
    let nmi = if mean_entropy > 0.0 { (information / mean_entropy).clamp(0.0, 1.0) } else { 1.0 };

    let pairs = |c: f64| c * (c - 1.0) / 2.0;
    let together: f64 = table.iter().map(|&c| pairs(c as f64)).sum();
    let in_clusters: f64 = by_cluster.iter().map(|&c| pairs(c)).sum();
    let in_classes: f64 = by_class.iter().map(|&c| pairs(c)).sum();
    let expected = if n > 1.0 { in_clusters * in_classes / pairs(n) } else { 0.0 };
    let largest = (in_clusters + in_classes) / 2.0;
    let ari = if largest == expected { 1.0 } else { (together - expected) / (largest - expected) };

    let purity =
        rows.iter().map(|row| row.iter().copied().max().unwrap_or(0)).sum::<i64>() as f64 / n;
    BTreeMap::from([("nmi".into(), nmi), ("ari".into(), ari), ("purity".into(), purity)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_division_is_perfect_and_an_unrelated_one_is_not() {
        let same = measures(&[5, 0, 0, 7], 2);
        assert!((same["nmi"] - 1.0).abs() < 1e-12 && same["ari"] == 1.0 && same["purity"] == 1.0);
        let unrelated = measures(&[5, 5, 5, 5], 2);
        assert!(
            unrelated["nmi"].abs() < 1e-12 && unrelated["ari"] < 0.0 && unrelated["purity"] == 0.5
        );
    }

    #[test]
    fn a_table_worked_out_by_hand() {
        // Clusters {a a b}, {b b b}: pairs together 1 + 3 = 4; in clusters 3 + 3 = 6, in classes 1
        // + 6 = 7 of 15.
        let m = measures(&[2, 1, 0, 3], 2);
        let ari = (4.0 - 6.0 * 7.0 / 15.0) / (6.5 - 6.0 * 7.0 / 15.0);
        assert!((m["ari"] - ari).abs() < 1e-12);
        assert!((m["purity"] - 5.0 / 6.0).abs() < 1e-12);
    }

    #[test]
    fn degenerate_tables_are_numbers() {
        assert!(measures(&[0, 0], 2).is_empty());
        assert!(measures(&[4], 1).values().all(|&v| v == 1.0));
        assert!(measures(&[1], 1).values().all(|v| v.is_finite()));
    }
}
