//! The parameters of k-means as manifests write them. A new one is a field in
//! [`spec`](crate::spec), an entry here and a line in [`resolve`].

use amdahl_workload::parameter::{COUNT, Kind, Parameter, Refusal, SEED, Values};

use crate::read;
use crate::spec::{
    Algorithm, Arithmetic, F64_ONLY, Init, KMeans, Layout, Numbers, Offload, Precision, Schedule,
    Stop, Update,
};

/// Rows of a batch where the manifest does not say.
const BATCH: u32 = 1024;
/// Upper limit of the iterations to convergence where the manifest does not say.
const MAX_ITERATIONS: u32 = 300;

/// Every parameter, in the order of documents.
pub const ALL: &[Parameter] = &[
    Parameter {
        name: "k",
        kind: COUNT,
        about: "Number of clusters.",
        shown: |spec, _| Some(read(spec).k.to_string()),
    },
    Parameter {
        name: "init",
        kind: Kind::WordOrFile(&[
            ("first-rows", "The first k rows."),
            ("random-rows", "k distinct rows, drawn with init-seed."),
            ("kmeans++", "Greedy k-means++, drawn with init-seed."),
            ("kmeans||", "k-means||, drawn with init-seed."),
        ]),
        about: "Where the first centroids come from: a word, or the rows of a file of k rows. \
                'first-rows' where absent.",
        shown: |spec, _| match read(spec).init {
            Init::Given { path } => Some(path.display().to_string()),
            other => other.name().map(String::from),
        },
    },
    Parameter {
        name: "init-seed",
        kind: SEED,
        about: "Seed of the draws: of the first centroids, and of batches. The experiment's where \
                absent.",
        shown: |spec, _| match read(spec) {
            KMeans { algorithm: Algorithm::Minibatch { seed, .. }, .. } => Some(seed.to_string()),
            KMeans { init, .. } => init.seed().map(|seed| seed.to_string()),
        },
    },
    Parameter {
        name: "iterations",
        kind: COUNT,
        about: "Exactly this many iterations, converged or not: for benchmarking. Instead of \
                tolerance and max-iterations.",
        shown: |spec, _| match read(spec).stop {
            Stop::Iterations(iterations) => Some(iterations.to_string()),
            Stop::Converged { .. } => None,
        },
    },
    Parameter {
        name: "tolerance",
        kind: Kind::Real,
        about: "Ends when no label changes, or when the centroids' squared shift is at most \
                tolerance x mean variance of the columns. 0 (the labels alone decide) where absent.",
        shown: |spec, _| match read(spec).stop {
            Stop::Iterations(_) => None,
            Stop::Converged { tolerance, .. } => Some(tolerance.to_string()),
        },
    },
    Parameter {
        name: "max-iterations",
        kind: COUNT,
        about: "Upper limit of the iterations to convergence. 300 where absent.",
        shown: |spec, _| match read(spec).stop {
            Stop::Iterations(_) => None,
            Stop::Converged { max_iterations, .. } => Some(max_iterations.to_string()),
        },
    },
    Parameter {
        name: "warmup",
        kind: Kind::Whole { least: 0, most: u32::MAX as u64 },
        about: "Iterations that are run first and thrown away. 1 where absent.",
        shown: |spec, _| Some(read(spec).warmup.to_string()),
    },
    Parameter {
        name: "algorithm",
        kind: Kind::Word(&[
            ("lloyd", "Every row is compared with every centroid in every iteration."),
            (
                "hamerly",
                "Lloyd's answer, bit by bit, with one bound a row that spares comparisons once few \
                 labels change.",
            ),
            (
                "yinyang",
                "Lloyd's answer, bit by bit, with a bound a row for each group of centroids: for \
                 large k.",
            ),
            (
                "minibatch",
                "Sculley's: one random batch of rows an iteration. Another, cheaper answer.",
            ),
        ]),
        about: "How the iterations find their centroids. 'lloyd' where absent.",
        shown: |spec, _| Some(read(spec).algorithm.name().into()),
    },
    Parameter {
        name: "batch",
        kind: COUNT,
        about: "Rows of a batch of 'minibatch'. 1024 where absent.",
        shown: |spec, _| match read(spec).algorithm {
            Algorithm::Minibatch { batch, .. } => Some(batch.to_string()),
            _ => None,
        },
    },
    Parameter {
        name: "layout",
        kind: Kind::Word(&[
            (
                "tiles",
                "Packed while they are read: the columns of 48 rows lie together, as kernels want \
                 them.",
            ),
            ("rows", "One after the other, as in the file."),
        ]),
        about: "How a lane's rows lie in memory. 'tiles' where absent.",
        shown: |spec, _| Some(read(spec).layout.name().into()),
    },
    Parameter {
        name: "arithmetic",
        kind: Kind::Word(&[
            (
                "certified",
                "f32 where its error bound says that it decides, else f64: the same labels on every \
                 processor.",
            ),
            (
                "f32",
                "f32: labels may differ where the two distances are closer than its error, and so \
                 from processor to processor.",
            ),
        ]),
        about: "What decides between two centroids that are almost equally near. 'certified' where \
                absent.",
        shown: |spec, _| Some(read(spec).arithmetic.name().into()),
    },
    Parameter {
        name: "schedule",
        kind: Kind::Word(&[
            ("static", "Each lane on its own rows."),
            (
                "dynamic",
                "A lane that is done with its own rows helps the other threads of its process: for \
                 CPUs of unequal speed. The same answer.",
            ),
        ]),
        about: "Who works on which rows. 'static' where absent.",
        shown: |spec, _| Some(read(spec).schedule.name().into()),
    },
    Parameter {
        name: "update",
        kind: Kind::Word(&[
            (
                "host",
                "On the host, exactly: only labels come back, and the host moves the rows whose \
                 label changed. The same centroids on any number of ranks.",
            ),
            (
                "device",
                "On the device, in its floating point: a matrix product with the rows' labels as \
                 zeros and ones. Only sums come back.",
            ),
        ]),
        about: "Of backends with an accelerator: where the sums of clusters are made. 'host' where \
                absent.",
        shown: |spec, backend| backend.platform().map(|_| read(spec).offload.update.name().into()),
    },
    Parameter {
        name: "precision",
        kind: Kind::Word(&[
            ("f32", "f32."),
            ("bf16", "Of accelerators: rows and centroids rounded to bfloat16."),
            (
                "f64",
                "Of processors: rows and centroids in f64, for values that f32 cannot tell apart.",
            ),
        ]),
        about: "Of backends with an accelerator: arithmetic of its products; of processors: what rows \
                are rounded to. 'f32' where absent.",
        shown: |spec, backend| match (backend.platform(), read(spec)) {
            (Some(_), kmeans) => Some(kmeans.offload.precision.name().into()),
            (None, kmeans) => (kmeans.numbers == Numbers::F64).then(|| "f64".into()),
        },
    },
    Parameter {
        name: "plugin",
        kind: Kind::File,
        about: "Of backends with an accelerator: file of the PJRT plugin that drives it. Found where \
                it usually is where absent; of the backend 'pjrt', that of AMDAHL_PJRT_PLUGIN.",
        shown: |spec, backend| {
            backend.platform()?;
            read(spec).offload.plugin.map(|path| path.display().to_string())
        },
    },
];

/// The k-means of a cell from what a manifest gives.
pub fn resolve(values: &dyn Values) -> Result<KMeans, Refusal> {
    for other in ["tolerance", "max-iterations"] {
        if values.get("iterations").is_some() && values.get(other).is_some() {
            return Err(Refusal::Together {
                first: "iterations",
                second: other,
                why: "iterations run to a fixed number, or until they converge".into(),
            });
        }
    }
    let Some(k) = values.small("k") else {
        return Err(Refusal::Wrong {
            parameter: None,
            message: "k is missing in [workload]".into(),
            hint: "add for example k = 16".into(),
        });
    };
    let seed = values.whole("init-seed").unwrap_or(values.seed());
    let init = match (values.word("init").as_deref(), values.file("init")) {
        (_, Some(path)) => Init::Given { path },
        (Some("random-rows"), _) => Init::RandomRows { seed },
        (Some("kmeans++"), _) => Init::KMeansPlusPlus { seed },
        (Some("kmeans||"), _) => Init::KMeansParallel { seed },
        _ => Init::FirstRows,
    };
    let stop = match values.small("iterations") {
        Some(iterations) => Stop::Iterations(iterations),
        None => Stop::Converged {
            tolerance: values.real("tolerance").unwrap_or(0.0),
            max_iterations: values.small("max-iterations").unwrap_or(MAX_ITERATIONS),
        },
    };
    let backend = values.backend();
    if let Some(peer) = backend.peer()
        && values.word("algorithm").as_deref() == Some("minibatch")
    {
        return Err(Refusal::LeftOut {
            what: format!("backend={peer}, algorithm=minibatch"),
            why: "outside programs are given Lloyd's problem, not our batches".into(),
        });
    }
    // How our own program works is nothing to an outside program.
    let ours = |name: &str| values.word(name).filter(|_| backend.peer().is_none());
    let algorithm = match ours("algorithm").as_deref() {
        Some("hamerly") => Algorithm::Hamerly,
        Some("yinyang") => Algorithm::Yinyang,
        Some("minibatch") => {
            Algorithm::Minibatch { batch: values.small("batch").unwrap_or(BATCH), seed }
        }
        _ => Algorithm::Lloyd,
    };
    let arithmetic = match ours("arithmetic").as_deref() {
        Some("f32") => Arithmetic::F32,
        _ => Arithmetic::Certified,
    };
    let mut layout = match ours("layout").as_deref() {
        Some("rows") => Layout::Rows,
        _ => Layout::Tiles,
    };
    let mut schedule = match ours("schedule").as_deref() {
        Some("dynamic") => Schedule::Dynamic,
        _ => Schedule::Static,
    };
    let mut offload = Offload::default();
    let mut numbers = Numbers::default();
    let is_double = ours("precision").as_deref() == Some("f64");
    if is_double && backend.platform().is_some() {
        return Err(Refusal::LeftOut {
            what: format!("backend={backend}, precision=f64"),
            why: "accelerators multiply in f32 or bfloat16".into(),
        });
    }
    if is_double {
        (numbers, layout, schedule) = (Numbers::F64, Layout::default(), Schedule::default());
    }
    if backend.platform().is_some() {
        if ours("update").as_deref() == Some("device") {
            offload.update = Update::Device;
        }
        if ours("precision").as_deref() == Some("bf16") {
            offload.precision = Precision::Bf16;
        }
        offload.plugin = values.file("plugin");
        // How the processor would work is nothing to an accelerator.
        (layout, schedule) = (Layout::default(), Schedule::default());
    }
    let warmup = values.small("warmup").unwrap_or(1);
    let kmeans =
        KMeans { k, init, stop, warmup, algorithm, layout, arithmetic, schedule, numbers, offload };
    let left_out = |what: String, why: &str| Err(Refusal::LeftOut { what, why: why.into() });
    if is_double && (kmeans.algorithm.is_bounded() || kmeans.arithmetic == Arithmetic::F32) {
        let what = format!(
            "precision=f64, algorithm={}, arithmetic={}",
            kmeans.algorithm.name(),
            kmeans.arithmetic.name()
        );
        return left_out(what, &format!("rows of f64 are {F64_ONLY}"));
    }
    if kmeans.algorithm.is_bounded() && kmeans.arithmetic == Arithmetic::F32 {
        let what = format!("algorithm={}, arithmetic=f32", kmeans.algorithm.name());
        return left_out(what, "its bounds are exact, which needs arithmetic = 'certified'");
    }
    if backend.platform().is_some() && kmeans.algorithm.is_bounded() {
        let what = format!("backend={backend}, algorithm={}", kmeans.algorithm.name());
        let why = "an accelerator compares every row with every centroid: it has no bounds";
        return left_out(what, why);
    }
    if kmeans.offload.update == Update::Device
        && matches!(kmeans.algorithm, Algorithm::Minibatch { .. })
    {
        let what = format!("backend={backend}, update=device, algorithm=minibatch");
        return left_out(what, "sums of batches are made on the host; take update = 'host'");
    }
    Ok(kmeans)
}

#[cfg(test)]
mod tests {
    use super::*;
    use amdahl_record::cell::Backend;
    use amdahl_workload::parameter::Value;
    use std::collections::BTreeMap;

    struct Given(Backend, BTreeMap<&'static str, Value>);

    impl Values for Given {
        fn get(&self, name: &str) -> Option<Value> {
            self.1.get(name).cloned()
        }
        fn backend(&self) -> &Backend {
            &self.0
        }
        fn seed(&self) -> u64 {
            7
        }
    }

    fn of(backend: &str, values: &[(&'static str, Value)]) -> Result<KMeans, Refusal> {
        let backend = Backend::from_name(backend).expect("known");
        resolve(&Given(backend, values.iter().cloned().collect()))
    }

    #[test]
    fn defaults_and_words() {
        let (k, word) = (Value::Whole(4), |word: &str| Value::Word(word.into()));
        let plain = of("serial", &[("k", k.clone())]).expect("k is all it needs");
        let stop = Stop::Converged { tolerance: 0.0, max_iterations: 300 };
        assert_eq!(plain, KMeans::new(4, stop, 1));
        let drawn = [("k", k.clone()), ("init", word("kmeans++")), ("layout", word("rows"))];
        let drawn = of("threads", &drawn).expect("good");
        assert_eq!(drawn.init, Init::KMeansPlusPlus { seed: 7 });
        assert_eq!(drawn.layout, Layout::Rows);
        assert!(matches!(of("serial", &[]), Err(Refusal::Wrong { .. })));
        let bounded = [("k", k), ("algorithm", word("hamerly")), ("arithmetic", word("f32"))];
        assert!(matches!(of("serial", &bounded), Err(Refusal::LeftOut { .. })));
    }

    #[test]
    fn every_word_of_the_table_is_understood_and_shown() {
        for parameter in ALL {
            let (Kind::Word(words) | Kind::WordOrFile(words)) = parameter.kind else { continue };
            for (word, _) in words {
                let values =
                    [("k", Value::Whole(2)), (parameter.name, Value::Word((*word).into()))];
                let backend = Backend::from_name("pjrt-reference").expect("known");
                let processor = !matches!(parameter.name, "update" | "precision");
                let backend = if processor || *word == "f64" { Backend::SERIAL } else { backend };
                let given = Given(backend.clone(), values.into_iter().collect());
                let spec = resolve(&given).expect("a value of the table").spec();
                assert_eq!((parameter.shown)(&spec, &backend).as_deref(), Some(*word));
            }
        }
    }
}
