//! Models on disk: what is written is read back, and damage is noticed.

use super::*;

fn model(dims: usize, k: usize, scaled: bool) -> Model {
    let values: Vec<f64> = (0..dims).map(|t| 0.1 + t as f64 / 3.0).collect();
    let scaling = match scaled {
        true => Scaling { kind: Scale::Standard, offset: values.clone(), divisor: values },
        false => Scaling::default(),
    };
    Model {
        centroids: (0..k * dims).map(|i| i as f32 / 7.0).collect(),
        dims,
        scaling,
        columns: scaled.then(|| (0..dims).map(|t| format!("column \"{t}\" ä")).collect()),
        found: Found {
            program: "amdahl 0".into(),
            algorithm: "lloyd".into(),
            init: "random".into(),
            seed: u64::MAX,
            starts: 3,
            start: 1,
            iterations: 17,
            ended: Ended::NoLabelChanged,
            max_iterations: 300,
            tolerance: 1e-4,
            inertia: 0.1 + 0.2,
            rows: 12,
            sizes: vec![4; k],
            weight: scaled.then_some(1.0 / 3.0),
        },
    }
}

#[test]
fn what_is_written_is_read_back_bit_by_bit() {
    let folder = tempfile::tempdir().expect("a folder");
    for (dims, k, scaled) in [(1, 1, false), (3, 4, true), (64, 10, true)] {
        let path = folder.path().join(format!("m{dims}.json"));
        let model = model(dims, k, scaled);
        model.save(&path).expect("written");
        assert_eq!(Model::load(&path).expect("read"), model);
    }
}
