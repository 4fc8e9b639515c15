//! Fits a model to points in memory, saves it, loads it and applies it.
//!
//! `cargo run --release --no-default-features --example fit`

use amdahl_clustering::{KMeans, Model, Scale};
use amdahl_record::error::Result;

fn main() -> Result<()> {
    // Two columns in very different units: three groups of people by height (m) and income.
    let people = [
        1.60, 21_000.0, 1.62, 20_500.0, 1.58, 21_500.0, // short, little
        1.90, 20_000.0, 1.92, 21_000.0, 1.88, 20_800.0, // tall, little
        1.75, 90_000.0, 1.70, 91_000.0, 1.80, 88_000.0, // rich
    ];
    // Without scaling the income would decide alone.
    let kmeans = KMeans::new(3).scale(Scale::Standard).starts(5).seed(1);
    let fit = kmeans.fit(&people, 2)?;
    println!(
        "inertia {:.4} after {} iterations, sizes {:?}",
        fit.inertia(),
        fit.model.found.iterations,
        fit.sizes
    );
    for j in 0..fit.model.k() {
        println!("cluster {j}: {:?}", fit.model.centroid(j));
    }
    for warning in &fit.warnings {
        println!("warning: {warning}");
    }

    let path = std::env::temp_dir().join("amdahl-example-people.json");
    fit.model.save(&path)?;
    let model = Model::load(&path)?;
    println!("new points are in clusters {:?}", model.predict(&[1.61, 20_000.0, 1.70, 95_000.0])?);

    // The same with weights: the last person stands for a hundred.
    let weights = [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 100.0];
    let weighted = kmeans.fit_weighted(&people, 2, &weights)?;
    println!(
        "weighted centroid of that cluster: {:?}",
        weighted.model.centroid(weighted.labels[8] as usize)
    );
    Ok(())
}
