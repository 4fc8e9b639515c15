//! The crates, each a version and a fit.

use linfa::DatasetBase;
use linfa::traits::Fit as _;
use linfa_clustering::{KMeans, KMeansInit};
use linfa_nn::distance::L2Dist;
use rand_xoshiro::Xoshiro256Plus;
use rand_xoshiro::rand_core::SeedableRng;

use crate::{Fit, Job};

/// What is said of a crate that was left out of this build.
const NIGHTLY: &str = "kmeans 2.0.2 was left out of this build: it uses features of the standard library (portable_simd) that need a nightly \
                       compiler; 'rustup default nightly && make peers' builds it in";

/// The line that a crate's version is.
pub fn version(name: &str) -> Result<String, String> {
    match name {
        "linfa" => Ok("linfa-clustering 0.8.1 (linfa 0.8.1, rayon)".into()),
        "kmeans" if cfg!(feature = "kmeans") => Ok("kmeans 2.0.2 (rayon, 8 lanes of f32)".into()),
        "kmeans" => Err(NIGHTLY.into()),
        other => Err(format!("no crate '{other}': there are linfa and kmeans")),
    }
}

/// So many iterations from the start.
pub fn fit(name: &str, job: &Job, iterations: u64) -> Result<Fit, String> {
    match name {
        "linfa" => linfa(job, iterations),
        #[cfg(feature = "kmeans")]
        "kmeans" => kmeans(job, iterations),
        other => version(other).and(Err(format!("no crate '{other}'"))),
    }
}

/// Both crates end by rules of their own.
fn needs_fixed(job: &Job) -> Result<(), String> {
    match job.fixed {
        true => Ok(()),
        false => Err("its rule of convergence is another than ours: give a number of iterations".into()),
    }
}

fn linfa(job: &Job, iterations: u64) -> Result<Fit, String> {
    let rows = ndarray::ArrayView2::from_shape((job.rows.rows(), job.rows.dims), &job.rows.values);
    let rows = rows.map_err(|e| e.to_string())?;
    let fit = |start: &[f32], iterations: u64| -> Result<_, String> {
        let start = ndarray::Array2::from_shape_vec((job.start.rows(), job.start.dims), start.to_vec());
        let params = KMeans::params_with(job.start.rows(), Xoshiro256Plus::seed_from_u64(1), L2Dist)
            .init_method(KMeansInit::Precomputed(start.map_err(|e| e.to_string())?))
            .n_runs(1)
            .max_n_iterations(iterations)
            // 0 is refused; below this, nothing moved.
            .tolerance(f32::MIN_POSITIVE);
        params.fit(&DatasetBase::from(rows)).map_err(|e| e.to_string())
    };
    needs_fixed(job)?;
    let fitted = fit(&job.start.values, iterations)?;
    let centroids: Vec<f32> = fitted.centroids().iter().copied().collect();
    Ok(Fit { iterations, centroids, inertia: Some(f64::from(fitted.inertia()) * job.rows.rows() as f64) })
}

/// Does a crate that does not tell how many iterations it ran go on to the last? Where another
/// iteration moves nothing, it may have ended.
pub fn goes_on(name: &str, job: &Job, found: &Fit) -> Result<(), String> {
    if name != "linfa" {
        return Ok(());
    }
    let moved = Job {
        id: job.id.clone(),
        rows: crate::npy::Matrix { values: job.rows.values.clone(), dims: job.rows.dims },
        start: crate::npy::Matrix { values: found.centroids.clone(), dims: job.start.dims },
        ..*job
    };
    match linfa(&moved, 1)?.centroids == found.centroids {
        false => Ok(()),
        true => Err("it converges, and does not tell in which iteration: give it fewer".into()),
    }
}

#[cfg(feature = "kmeans")]
fn kmeans(job: &Job, iterations: u64) -> Result<Fit, String> {
    use kmeans::{AbortStrategy, EuclideanDistance, KMeans, KMeansConfig};
    needs_fixed(job)?;
    let kmeans: KMeans<f32, 8, _> = KMeans::new(&job.rows.values, job.rows.rows(), job.rows.dims, EuclideanDistance);
    let never = AbortStrategy::NoImprovementForXIterations { x: usize::MAX, threshold: 0.0, abort_on_negative: false };
    let config = KMeansConfig::build().abort_strategy(never).build();
    let start = KMeans::init_precomputed(job.start.values.clone());
    let state = kmeans.kmeans_lloyd(job.start.rows(), iterations as usize, start, &config);
    Ok(Fit { iterations, centroids: state.centroids.to_vec(), inertia: Some(f64::from(state.distsum)) })
}
