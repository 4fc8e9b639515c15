//! The crates, each a version and a fit.

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
