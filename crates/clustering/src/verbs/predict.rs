//! `amdahl predict`: a fitted model applied to other rows.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::verbs;
use crate::verbs::output;
use crate::verbs::{Common, Format, Place, Rows, Session, ranks};
use crate::{Model, Scale, model, program};
use amdahl_data::select::Column;
use amdahl_record::error::{Error, Result};

const EXAMPLES: &str = "\
Examples:
  amdahl predict points-k8.json more.csv --labels labels.npy
  amdahl predict points-k8.json more.csv --labels - | paste -d , more-names.txt -
  amdahl predict iris-k3.json iris.csv --labels-column last";

const EXIT_CODES: &str = "\
Exit codes: 0 ok, 1 something broke, 2 the command line, the model or the data cannot be used, 130 interrupted.";

/// Arguments of `amdahl predict`.
#[derive(clap::Args, Debug)]
#[command(after_help = EXIT_CODES, after_long_help = format!("{EXAMPLES}\n\n{EXIT_CODES}"))]
pub struct Args {
    /// The model: the .json file that 'amdahl fit' wrote, with its .npy beside it
    model: PathBuf,
    #[command(flatten)]
    common: Common,
}

/// Runs the verb.
pub fn run(args: &Args) -> Result<()> {
    ranks::join()?;
    run_on(args, Place::Threads)
}

/// Runs the verb on lanes in this place.
pub fn run_on(args: &Args, place: Place) -> Result<()> {
    let mut outputs = args.common.outputs();
    outputs.reads("the model", &args.model);
    if let Some(centroids) = model::centroids_of(&args.model) {
        outputs.reads("the model's centroids", &centroids);
    }
    outputs.check()?;
    let model = Model::load(&args.model)?;
    let session =
        Session::new(&args.common, place, rows(args.common.columns.as_deref(), &model)?, (1, 1))?;
    let Some(assigned) = session.run(&|comm, job| program::predict(comm, job, &model))? else {
        return Ok(());
    };
    if let Some(labels) = session.finish()? {
        labels.commit()?;
    }
    let text = match args.common.format {
        Format::Text => text(&args.common, &model, &assigned),
        Format::Json => json(&model, &assigned)?,
    };
    // Labels that are printed are not mixed with anything else.
    if args.common.labels.as_deref() == Some(Path::new("-")) {
        output::say(&text);
        return Ok(());
    }
    match args.common.format {
        Format::Text => output::print(&text),
        Format::Json => output::print_json(&text),
    }
}

/// The columns that are named; else those that the model was fitted to, by their names where the
/// data has names.
fn rows(columns: Option<&str>, model: &Model) -> Result<Rows> {
    let mut rows = Rows::new(columns, None)?;
    if let (None, Some(names)) = (columns, &model.columns) {
        rows.selection.columns = Some(names.iter().cloned().map(Column::Name).collect());
        rows.selection.unless_unnamed = true;
    }
    Ok(rows)
}

fn text(common: &Common, model: &Model, assigned: &program::Assigned) -> String {
    let (rows, clusters) = (assigned.shape.rows as usize, model.k());
    let (rows, clusters) = (verbs::plural(rows, "row"), verbs::plural(clusters, "cluster"));
    let mut text = format!("{}: {rows} in {clusters}\n", common.data.display());
    let scaled = if model.scaling.kind == Scale::None { "" } else { " (of scaled columns)" };
    text += &verbs::line("inertia", format!("{}{scaled}", verbs::inertia(assigned.inertia)));
    text += &verbs::line("sizes", verbs::listed(&assigned.sizes));
    if let Some(quality) = verbs::quality(&assigned.quality) {
        text += &verbs::line("true labels", quality);
    }
    if let Some(silhouette) = &assigned.silhouette {
        text += &verbs::line("silhouette", verbs::silhouette(silhouette));
    }
    if let Some(labels) = common.labels.as_ref().filter(|labels| labels.as_os_str() != "-") {
        text += &verbs::line("labels", labels.display());
    }
    text
}

fn json(model: &Model, assigned: &program::Assigned) -> Result<String> {
    #[derive(Serialize)]
    struct Json<'a> {
        schema: u32,
        k: usize,
        dims: usize,
        rows: u64,
        inertia: f64,
        sizes: &'a [u64],
        quality: &'a std::collections::BTreeMap<String, f64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        silhouette: Option<verbs::SilhouetteJson>,
    }
    let json = Json {
        schema: 1,
        k: model.k(),
        dims: model.dims,
        rows: assigned.shape.rows,
        inertia: assigned.inertia,
        sizes: &assigned.sizes,
        quality: &assigned.quality,
        silhouette: assigned.silhouette.map(Into::into),
    };
    let text = serde_json::to_string_pretty(&json)
        .map_err(|e| Error::internal(format!("a summary: {e}")))?;
    Ok(format!("{text}\n"))
}
