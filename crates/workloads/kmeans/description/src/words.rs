//! k-means in words.

use amdahl_record::units;

use crate::spec::{
    Algorithm, Arithmetic, Init, KMeans, Layout, Numbers, Precision, Schedule, Stop, Update,
};

/// In a few words: `k-means, k = 8, from the first rows, 20 iterations`.
pub fn in_words(kmeans: &KMeans) -> String {
    let init = match &kmeans.init {
        Init::FirstRows => "from the first rows".to_string(),
        Init::RandomRows { seed } => format!("from random rows (seed {seed})"),
        Init::KMeansPlusPlus { seed } => format!("from k-means++ (seed {seed})"),
        Init::KMeansParallel { seed } => format!("from k-means|| (seed {seed})"),
        Init::Given { path } => format!("from the centroids in {}", file_name(path)),
    };
    let stop = match kmeans.stop {
        Stop::Iterations(1) => "1 iteration".to_string(),
        Stop::Iterations(n) => format!("{n} iterations"),
        Stop::Converged { tolerance, max_iterations } => {
            format!(
                "until it converges (tolerance {tolerance}, at most {max_iterations} iterations)"
            )
        }
    };
    // Defaults are not said.
    let algorithm = match kmeans.algorithm {
        Algorithm::Lloyd => String::new(),
        Algorithm::Hamerly => ", Hamerly's bounds".into(),
        Algorithm::Yinyang => ", Yinyang bounds".into(),
        Algorithm::Minibatch { batch, .. } => {
            format!(", batches of {} rows", units::count(f64::from(batch)))
        }
    };
    let layout = match kmeans.layout {
        Layout::Tiles => "",
        Layout::Rows => ", rows as they come",
    };
    let arithmetic = match kmeans.arithmetic {
        Arithmetic::Certified => "",
        Arithmetic::F32 => ", f32 without certificate",
    };
    let schedule = match kmeans.schedule {
        Schedule::Static => "",
        Schedule::Dynamic => ", dynamic chunks",
    };
    let numbers = match kmeans.numbers {
        Numbers::F32 => "",
        Numbers::F64 => ", rows of f64",
    };
    let precision = match kmeans.offload.precision {
        Precision::F32 => "",
        Precision::Bf16 => ", bfloat16 products",
    };
    let update = match kmeans.offload.update {
        Update::Host => "",
        Update::Device => ", sums on the device",
    };
    let plugin = kmeans
        .offload
        .plugin
        .as_deref()
        .map_or(String::new(), |path| format!(", plugin {}", file_name(path)));
    format!(
        "k-means, k = {}, {init}, {stop}{algorithm}{layout}{arithmetic}{schedule}{numbers}{precision}{update}{plugin}",
        kmeans.k
    )
}

/// How an accelerator is used other than by default, after a space each; empty where it is not.
pub fn variant(kmeans: &KMeans) -> String {
    let mut words = String::new();
    if kmeans.offload.precision == Precision::Bf16 {
        words.push_str(" bf16");
    }
    if kmeans.offload.update == Update::Device {
        words.push_str(" device-sums");
    }
    words
}

/// What sets a workload apart from plain Lloyd, in a few words.
pub fn method(kmeans: &KMeans) -> String {
    let mut words: Vec<String> = Vec::new();
    match kmeans.algorithm {
        Algorithm::Lloyd => {}
        Algorithm::Minibatch { batch, .. } => {
            words.push(format!("batches of {}", units::count(f64::from(batch))))
        }
        other => words.push(other.name().into()),
    }
    if kmeans.arithmetic == Arithmetic::F32 {
        words.push("f32".into());
    }
    if kmeans.numbers == Numbers::F64 {
        words.push("f64".into());
    }
    words.join(", ")
}

fn file_name(path: &std::path::Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_a_person_recognises() {
        let kmeans = KMeans::new(8, Stop::Iterations(20), 1);
        assert_eq!(in_words(&kmeans), "k-means, k = 8, from the first rows, 20 iterations");
        assert_eq!((variant(&kmeans), method(&kmeans)), (String::new(), String::new()));
        let batches = Algorithm::Minibatch { batch: 1024, seed: 1 };
        assert_eq!(method(&KMeans { algorithm: batches, ..kmeans }), "batches of 1,024");
    }
}
