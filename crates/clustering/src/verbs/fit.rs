//! `amdahl fit`: k-means on a person's data.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::silhouette::Silhouette;
use crate::verbs;
use crate::verbs::output;
use crate::verbs::{Common, Format, Place, Rows, Session, Weights, ranks};
use crate::{KMeans, Model, Precision, Scale, Start, model, program};
use amdahl_kmeans_description::spec::Algorithm;
use amdahl_record::error::{Error, Result};
use amdahl_record::io::atomic::Pending;
use amdahl_record::io::outputs::Outputs;

const EXAMPLES: &str = "\
Examples:
  amdahl fit points.csv -k 8
  amdahl fit points.csv -k 8 --columns height,weight --scale standard --labels labels.csv
  amdahl fit iris.csv -k 3 --labels-column last --silhouette   # true classes in the last column: how well are they found?
  amdahl fit points.npy -k 100 --starts 5 --seed 1
  amdahl fit points.parquet -k 8 --labels - | sort | uniq -c
Options beside scikit-learn's, and more: docs/fit.md";

const EXIT_CODES: &str = "\
Exit codes: 0 a model was written, 1 something broke, 2 the command line or the data cannot be used, 130 interrupted.";

/// Arguments of `amdahl fit`.
#[derive(clap::Args, Debug)]
#[command(after_help = EXIT_CODES, after_long_help = format!("{EXAMPLES}\n\n{EXIT_CODES}"))]
pub struct Args {
    #[command(flatten)]
    common: Common,
    /// Number of clusters
    #[arg(short, value_name = "K", allow_negative_numbers = true, value_parser = clap::value_parser!(u32).range(1..))]
    k: u32,
    /// Where initial centroids come from: kmeans++, kmeans||, random, first-rows, or a file of k
    /// rows
    #[arg(long, value_name = "HOW|FILE", default_value = "kmeans++", help_heading = "Algorithm")]
    init: String,
    /// The algorithm: auto has the answer of Lloyd's, with bounds that spare comparisons where that
    /// pays
    #[arg(long, value_enum, default_value_t, help_heading = "Algorithm")]
    algorithm: AlgorithmWord,
    /// Rows of a batch of mini-batch
    #[arg(long, value_name = "ROWS", default_value_t = 1024, value_parser = clap::value_parser!(u32).range(1..), help_heading = "Algorithm")]
    batch: u32,
    /// So many starts, of which the one of least inertia is kept
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..), help_heading = "Algorithm")]
    starts: u32,
    /// Seed of all that is random
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = "Algorithm")]
    seed: u64,
    /// Ends when the centroids' squared shift is at most this times the mean variance of the
    /// columns; with 0 when no label changes
    #[arg(long, value_name = "X", default_value_t = 1e-4, value_parser = tolerance, help_heading = "Algorithm")]
    tolerance: f64,
    /// Ends after so many iterations at the latest
    #[arg(long, value_name = "N", default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..), help_heading = "Algorithm")]
    max_iterations: u32,
    /// Weights of the rows: a file of one weight a row, or a column by its name or number. A row of
    /// weight 3 counts like three rows
    #[arg(long, value_name = "FILE|COLUMN", help_heading = "Data")]
    weights: Option<String>,
    /// Scale columns before distances are measured; the model keeps how
    #[arg(long, value_enum, default_value_t, help_heading = "Data")]
    scale: ScaleWord,
    /// What rows are rounded to: f64 tells values apart that f32 does not, for twice the memory and
    /// several times the time
    #[arg(long, value_enum, default_value_t, help_heading = "Algorithm")]
    precision: PrecisionWord,
    /// Where the model goes, with its centroids beside it in a file that ends in .npy [default:
    /// NAME-kK.json in this folder]
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    model: Option<PathBuf>,
}

/// The algorithm.
#[derive(clap::ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
enum AlgorithmWord {
    /// Hamerly's for few clusters, Yinyang for many
    #[default]
    Auto,
    /// Compares every row with every centroid
    Lloyd,
    /// The same answer, one bound a row
    Hamerly,
    /// The same answer, a bound for each group of centroids
    Yinyang,
    /// A rough answer soon: one random batch of rows an iteration
    Minibatch,
}

/// What rows are rounded to.
#[derive(clap::ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
enum PrecisionWord {
    /// 24 significant bits
    #[default]
    F32,
    /// 53 significant bits
    F64,
}

/// How columns are scaled.
#[derive(clap::ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
enum ScaleWord {
    /// Not at all
    #[default]
    None,
    /// To mean 0 and variance 1
    Standard,
    /// To the range from 0 to 1
    Minmax,
}

fn tolerance(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() && value >= 0.0 => Ok(value),
        Ok(_) => Err("a finite number of at least 0".into()),
        Err(error) => Err(error.to_string()),
    }
}

/// Runs the verb.
pub fn run(args: &Args) -> Result<()> {
    ranks::join()?;
    run_on(args, Place::Threads)
}

/// Runs the verb on lanes in this place.
pub fn run_on(args: &Args, place: Place) -> Result<()> {
    let kmeans = args.kmeans()?;
    kmeans.check()?;
    let path = args.model.clone().unwrap_or_else(|| default_model(&args.common.data, args.k));
    let rows = Rows::new(args.common.columns.as_deref(), args.weights.as_deref())?;
    args.outputs(&path, &rows)?.check()?;
    let session = Session::new(&args.common, place, rows, (args.starts, args.max_iterations))?;
    // A folder that cannot be written to is known before anything is computed.
    drop(Pending::create(&path)?);
    let Some(fitted) = session.run(&|comm, job| program::fit(comm, job, &kmeans))? else {
        return Ok(());
    };
    let (inertias, mut warnings) = (fitted.inertias.clone(), fitted.warnings.clone());
    warnings.extend(session.left_out()?);
    warnings.extend(
        session.advice(fitted.assigned.shape.dims).filter(|_| args.scale == ScaleWord::None),
    );
    let dims = fitted.assigned.shape.dims;
    warnings.extend(session.row_numbers(dims));
    if args.precision == PrecisionWord::F32 {
        warnings.extend(session.lost(dims, &fitted.offsets));
    }
    let (quality, silhouette) = (fitted.assigned.quality.clone(), fitted.assigned.silhouette);
    let columns = session.columns(fitted.assigned.shape.dims)?;
    let model = kmeans.model(fitted, columns);
    let labels = session.finish()?;
    model.files(&path)?.commit()?;
    if let Some(labels) = labels {
        labels.commit()?;
    }
    let summary = Summary { model: &model, path: &path, inertias, quality, silhouette, warnings };
    // Labels that are printed are not mixed with anything else.
    let printed = args.common.labels.as_deref() == Some(Path::new("-"));
    let text = match args.common.format {
        Format::Text => summary.text(&args.common.data),
        Format::Json => summary.json()?,
    };
    if printed {
        output::say(&text);
        return Ok(());
    }
    match args.common.format {
        Format::Text => output::print(&text),
        Format::Json => output::print_json(&text),
    }
}

impl Args {
    /// What is read and what is written.
    fn outputs<'a>(&self, path: &'a Path, rows: &Rows) -> Result<Outputs<'a>> {
        let beside = model::beside(path)?;
        let mut outputs = self.common.outputs();
        if let Some(Weights::File(file)) = &rows.weights {
            outputs.reads("--weights", file);
        }
        if Path::new(&self.init).exists() {
            outputs.reads("--init", Path::new(&self.init));
        }
        outputs.writes_if("the model", path, model::is_model);
        outputs
            .writes_if("the model's centroids", &beside, |beside| model::is_of_model(path, beside));
        Ok(outputs)
    }

    fn kmeans(&self) -> Result<KMeans> {
        let start = match self.init.as_str() {
            "kmeans++" => Start::PlusPlus,
            "kmeans||" => Start::Parallel,
            "random" | "random-rows" => Start::RandomRows,
            "first-rows" => Start::FirstRows,
            file if Path::new(file).exists() => Start::File(file.into()),
            other => {
                return Err(Error::usage(format!(
                    "--init '{other}' is neither a way to begin nor a file"
                ))
                .hint("kmeans++, kmeans||, random, first-rows, or a file of k rows"));
            }
        };
        let scale = match self.scale {
            ScaleWord::None => Scale::None,
            ScaleWord::Standard => Scale::Standard,
            ScaleWord::Minmax => Scale::MinMax,
        };
        let kmeans = KMeans::new(self.k);
        let kmeans = match self.algorithm {
            AlgorithmWord::Auto => kmeans,
            AlgorithmWord::Lloyd => kmeans.algorithm(Algorithm::Lloyd),
            AlgorithmWord::Hamerly => kmeans.algorithm(Algorithm::Hamerly),
            AlgorithmWord::Yinyang => kmeans.algorithm(Algorithm::Yinyang),
            AlgorithmWord::Minibatch => {
                kmeans.algorithm(Algorithm::Minibatch { batch: self.batch, seed: self.seed })
            }
        };
        Ok(kmeans
            .start(start)
            .starts(self.starts)
            .seed(self.seed)
            .tolerance(self.tolerance)
            .max_iterations(self.max_iterations)
            .scale(scale)
            .precision(match self.precision {
                PrecisionWord::F32 => Precision::F32,
                PrecisionWord::F64 => Precision::F64,
            }))
    }
}

/// The data's name without its endings, in this folder.
fn default_model(data: &Path, k: u32) -> PathBuf {
    let name = data.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let stem = name.split('.').find(|part| !part.is_empty()).unwrap_or("model");
    PathBuf::from(format!("{stem}-k{k}.json"))
}

/// What is printed at the end.
struct Summary<'a> {
    model: &'a Model,
    path: &'a Path,
    inertias: Vec<f64>,
    quality: std::collections::BTreeMap<String, f64>,
    silhouette: Option<Silhouette>,
    warnings: Vec<String>,
}

impl Summary<'_> {
    fn text(&self, data: &Path) -> String {
        let (model, found) = (self.model, &self.model.found);
        let mut text = format!(
            "{}: {} x {} in {}\n",
            data.display(),
            verbs::plural(found.rows as usize, "row"),
            verbs::plural(model.dims, "column"),
            verbs::plural(model.k(), "cluster"),
        );
        let scaled = if model.scaling.kind == Scale::None { "" } else { " (of scaled columns)" };
        text += &verbs::line("inertia", format!("{}{scaled}", verbs::inertia(found.inertia)));
        text +=
            &verbs::line("iterations", format!("{}, {}", found.iterations, found.ended.words()));
        if found.starts > 1 {
            let worst = self.inertias.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            text += &verbs::line(
                "starts",
                format!(
                    "{}, the best was number {} (the worst had {})",
                    found.starts,
                    found.start + 1,
                    verbs::inertia(worst)
                ),
            );
        }
        text += &verbs::line("sizes", verbs::listed(&found.sizes));
        if let Some(weight) = found.weight {
            text += &verbs::line("weight", weight);
        }
        if let Some(quality) = verbs::quality(&self.quality) {
            text += &verbs::line("true labels", quality);
        }
        if let Some(silhouette) = &self.silhouette {
            text += &verbs::line("silhouette", verbs::silhouette(silhouette));
        }
        if let Some(offsets) = self.offsets() {
            text += &verbs::line("offsets", offsets);
        }
        text += &verbs::line("model", self.path.display());
        for warning in &self.warnings {
            text += &verbs::line("warning", warning);
        }
        text
    }

    /// What was taken off columns that lie far from 0: `t less 1764500000`.
    fn offsets(&self) -> Option<String> {
        let name = |column: usize| match self.model.columns.as_ref().and_then(|c| c.get(column)) {
            Some(name) => format!("'{name}'"),
            None => format!("column {}", column + 1),
        };
        let offsets = self.model.offsets.iter().enumerate().filter(|(_, offset)| **offset != 0.0);
        let words: Vec<String> =
            offsets.map(|(column, offset)| format!("{} less {offset}", name(column))).collect();
        (!words.is_empty()).then(|| {
            format!(
                "{} (taken off before values become {}; the model keeps them)",
                words.join(", "),
                self.model.precision.name()
            )
        })
    }

    fn json(&self) -> Result<String> {
        #[derive(Serialize)]
        struct Json<'a> {
            schema: u32,
            model: String,
            k: usize,
            dims: usize,
            precision: &'static str,
            #[serde(flatten)]
            found: &'a model::Found,
            inertias: &'a [f64],
            #[serde(skip_serializing_if = "<[f64]>::is_empty")]
            offsets: &'a [f64],
            quality: &'a std::collections::BTreeMap<String, f64>,
            #[serde(skip_serializing_if = "Option::is_none")]
            silhouette: Option<verbs::SilhouetteJson>,
            warnings: &'a [String],
        }
        let json = Json {
            schema: 1,
            model: self.path.display().to_string(),
            k: self.model.k(),
            dims: self.model.dims,
            precision: self.model.precision.name(),
            found: &self.model.found,
            inertias: &self.inertias,
            offsets: &self.model.offsets,
            quality: &self.quality,
            silhouette: self.silhouette.map(Into::into),
            warnings: &self.warnings,
        };
        let text = serde_json::to_string_pretty(&json)
            .map_err(|e| Error::internal(format!("a summary: {e}")))?;
        Ok(format!("{text}\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_named_after_its_data() {
        assert_eq!(default_model(Path::new("/data/points.csv.gz"), 3), Path::new("points-k3.json"));
        assert_eq!(default_model(Path::new("digits"), 10), Path::new("digits-k10.json"));
        assert_eq!(default_model(Path::new(".hidden"), 1), Path::new("hidden-k1.json"));
    }
}
