//! Damaged models: the JSON, and the centroids beside it.
//!
//! Checksums would catch all damage at the door, so in half of the inputs they are put right again,
//! and what the file says is judged.

use amdahl_clustering::{KMeans, Model, Scale};
use amdahl_record::cell::{canonical, hex};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::edits::{Draws, damage};
use super::memory::peak;
use super::{folder, fuzz};

/// The JSON and the centroids of a model.
fn seeds(folder: &std::path::Path) -> Vec<[Vec<u8>; 2]> {
    let values: Vec<f32> = (0..60).map(|i| (i * 7 % 13) as f32).collect();
    [(2, 3, Scale::None), (5, 4, Scale::Standard), (1, 1, Scale::None)]
        .map(|(dims, k, scale)| {
            let fit = KMeans::new(k)
                .scale(scale)
                .threads(1)
                .fit(&values, dims)
                .expect("sixty values are enough");
            let path = folder.join("model.json");
            fit.model.save(&path).expect("written");
            [path.clone(), path.with_extension("npy")]
                .map(|path| std::fs::read(path).expect("written"))
        })
        .to_vec()
}

/// Puts the checksums right, where the text is JSON still.
fn mend(text: &mut Vec<u8>, centroids: &[u8]) {
    let Ok(mut value) = serde_json::from_slice::<Value>(text) else { return };
    if let Some(sum) = value.pointer_mut("/centroids/sha256") {
        *sum = hex(&Sha256::digest(centroids)).into();
    }
    if let Some(sum) = value.pointer_mut("/checksum") {
        *sum = "".into();
    }
    let sum = hex(&Sha256::digest(canonical(&value).as_bytes()));
    if let Some(said) = value.pointer_mut("/checksum") {
        *said = sum.into();
    }
    *text = value.to_string().into_bytes();
}

#[test]
fn models() {
    let folder = folder();
    let seeds = seeds(folder.path());
    let texts: Vec<Vec<u8>> = seeds.iter().map(|[text, _]| text.clone()).collect();
    let arrays: Vec<Vec<u8>> = seeds.iter().map(|[_, array]| array.clone()).collect();
    let path = folder.path().join("model.json");
    let mut mended = 0;
    fuzz("models", |input, tally| {
        let draws = &mut Draws::new("models", input);
        let [mut text, mut centroids] = draws.of(&seeds).clone();
        match draws.below(4) {
            0 => damage(&mut centroids, &arrays, draws),
            _ => damage(&mut text, &texts, draws),
        }
        let mend_it = draws.one_in(2);
        if mend_it {
            mend(&mut text, &centroids);
        }
        std::fs::write(&path, &text).expect("written");
        std::fs::write(path.with_extension("npy"), &centroids).expect("written");
        let content = (text.len() + centroids.len()) as u64;
        let (result, held) = peak(|| Model::load(&path));
        // A model may name another file for its centroids.
        tally.note(&result, "");
        if let Ok(model) = result {
            mended += u64::from(mend_it);
            assert!(
                model.k() > 0 && model.dims > 0 && model.centroids.len() == model.k() * model.dims
            );
            assert!(model.centroids.iter().all(|x| x.is_finite()));
            // Whatever was read can be asked for.
            assert!((0..model.k()).all(|j| model.centroid(j).len() == model.dims));
        }
        (text, content, held)
    });
    assert!(
        mended > 0 || std::env::var_os("AMDAHL_FUZZ_FROM").is_some(),
        "some pass with their checksums put right"
    );
}
