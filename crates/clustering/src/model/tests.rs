//! Models on disk: what is written is read back, and damage is noticed.

use super::*;

fn model(dims: usize, k: usize, scaled: bool) -> Model {
    let values: Vec<f64> = (0..dims).map(|t| 0.1 + t as f64 / 3.0).collect();
    let scaling = match scaled {
        true => Scaling { kind: Scale::Standard, offset: values.clone(), divisor: values },
        false => Scaling::default(),
    };
    Model {
        centroids: (0..k * dims).map(|i| f64::from(i as f32 / 7.0)).collect(),
        precision: Precision::F32,
        dims,
        offsets: if scaled { vec![1e9; dims] } else { Vec::new() },
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
        let double = Model {
            centroids: model.centroids.iter().map(|x| x + 1.0 / 3.0).collect(),
            precision: Precision::F64,
            ..model
        };
        double.save(&path).expect("written");
        assert_eq!(Model::load(&path).expect("read"), double);
    }
}

/// A saved model: where it is, and the bytes of its two files.
struct Saved {
    folder: tempfile::TempDir,
    json: Vec<u8>,
    npy: Vec<u8>,
}

impl Saved {
    fn new(model: &Model) -> Saved {
        let folder = tempfile::tempdir().expect("a folder");
        model.save(&folder.path().join("m.json")).expect("written");
        let read = |name: &str| std::fs::read(folder.path().join(name)).expect("there");
        let (json, npy) = (read("m.json"), read("m.npy"));
        Saved { folder, json, npy }
    }

    /// Loads what these files hold.
    fn load(&self, json: &[u8], npy: &[u8]) -> Result<Model> {
        for (name, bytes) in [("m.json", json), ("m.npy", npy)] {
            std::fs::write(self.folder.path().join(name), bytes).expect("written");
        }
        Model::load(&self.folder.path().join("m.json"))
    }
}

#[test]
fn every_damaged_byte_is_noticed() {
    let model = model(2, 3, true);
    let saved = Saved::new(&model);
    for bit in [1u8, 0x20, 0x80] {
        for at in 0..saved.json.len() {
            let mut json = saved.json.clone();
            json[at] ^= bit;
            // A blank that became another blank says the same.
            if let Ok(other) = saved.load(&json, &saved.npy) {
                assert_eq!(other, model, "byte {at} of the JSON");
            }
        }
        for at in 0..saved.npy.len() {
            let mut npy = saved.npy.clone();
            npy[at] ^= bit;
            assert!(saved.load(&saved.json, &npy).is_err(), "byte {at} of the NPY");
        }
    }
    assert_eq!(saved.load(&saved.json, &saved.npy).expect("undamaged"), model);
}

#[test]
fn files_cut_short_or_of_another_model_are_refused() {
    let saved = Saved::new(&model(2, 3, true));
    let end = saved.json.trim_ascii_end().len();
    for at in 0..end {
        assert!(saved.load(&saved.json[..at], &saved.npy).is_err(), "{at} bytes of the JSON");
    }
    for at in 0..saved.npy.len() {
        assert!(saved.load(&saved.json, &saved.npy[..at]).is_err(), "{at} bytes of the NPY");
    }
    let other = Saved::new(&model(3, 2, true));
    assert!(saved.load(&saved.json, &other.npy).is_err(), "as long, but of another shape");
    assert!(
        saved.load(b"[1, 2]", &saved.npy).is_err() && saved.load(&saved.npy, &saved.npy).is_err()
    );
}

#[test]
fn ended_between_any_two_renames_the_old_model_or_the_new_one_is_whole() {
    let (old, new) = (model(2, 3, true), model(3, 4, false));
    for steps in 0..4 {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("m.json");
        old.save(&path).expect("written");
        let Files { centroids, waiting, json, beside } = new.files(&path).expect("written");
        let mut renames = vec![centroids, json];
        renames.truncate(steps);
        for file in renames {
            file.commit().expect("renamed");
        }
        if steps > 2 {
            std::fs::rename(waiting, &beside).expect("renamed");
        }
        let expected = if steps > 1 { &new } else { &old };
        assert_eq!(Model::load(&path).expect("whole"), *expected, "after {steps} renames");
        assert!(is_model(&path) && is_of_model(&path, &beside), "both are known as ours");
        // The next one goes on from there.
        new.save(&path).expect("written");
        assert_eq!(Model::load(&path).expect("read"), new);
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 2);
    }
}

#[test]
fn what_is_no_model_of_ours_is_not_taken_for_one() {
    let saved = Saved::new(&model(2, 3, true));
    let at = |name: &str| saved.folder.path().join(name);
    assert!(is_model(&at("m.json")) && is_of_model(&at("m.json"), &at("m.npy")));
    std::fs::write(at("other.npy"), &saved.npy).expect("written");
    assert!(!is_of_model(&at("m.json"), &at("other.npy")), "of another name");
    std::fs::write(at("m.npy"), b"somebody's work").expect("written");
    assert!(!is_of_model(&at("m.json"), &at("m.npy")), "changed since");
    std::fs::write(at("m.json"), b"{\"format\": \"amdahl-kmeans\"}").expect("written");
    assert!(!is_model(&at("m.json")), "made by hand");
}

#[test]
fn what_a_checksum_covers_is_still_checked() {
    let saved = Saved::new(&model(2, 3, true));
    // Whoever makes a model by hand gets the checksum right and the rest wrong.
    let forged = |change: &dyn Fn(&mut Wire)| {
        let mut wire: Wire = serde_json::from_slice(&saved.json).expect("a model");
        change(&mut wire);
        wire.checksum = wire.checksum();
        saved
            .load(&serde_json::to_vec(&wire).expect("JSON"), &saved.npy)
            .expect_err("forged")
            .to_string()
    };
    for (change, what) in [
        (
            &(|wire: &mut Wire| wire.k = u64::MAX) as &dyn Fn(&mut Wire),
            "are not 18446744073709551615 x 2 centroids",
        ),
        (&|wire| wire.dims = 0, "not those of 0 columns"),
        (&|wire| (wire.k, wire.dims) = (2, 3), "not those of 3 columns"),
        (&|wire| wire.centroids.file = "../m.npy".into(), "a name without a folder"),
        (&|wire| wire.centroids.file = String::new(), "a name without a folder"),
        (&|wire| wire.scaling.divisor[0] = 0.0, "values that no data has"),
        (&|wire| wire.scaling.offset.push(1.0), "not those of 2 columns"),
        (&|wire| wire.columns = Some(vec![]), "names of columns"),
        (&|wire| wire.centroids.sha256 = "0".into(), "SHA-256"),
    ] {
        let said = forged(change);
        assert!(said.contains(what), "'{what}' is not in: {said}");
    }
}

#[test]
fn the_json_is_for_people_too() {
    let saved = Saved::new(&model(2, 3, true));
    let text = String::from_utf8(saved.json).expect("text");
    assert!(text.starts_with("{\n  \"format\": \"amdahl-kmeans\",\n  \"version\": 1,\n"), "{text}");
    assert!(text.contains("\n    \"sizes\": [4, 4, 4],\n"), "a list is a line: {text}");
}
