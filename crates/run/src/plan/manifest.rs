//! A manifest as it is written: the types that TOML is read into, each value with its place. They
//! say what may stand where and nothing of what makes sense together; that is for the rest of this
//! room. The JSON Schema for editors is made from them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator};

use crate::plan::place::At;
use crate::plan::sections::{Axes, Workload};
use crate::plan::written::{Duration, Many, Scalar, Whole};
use amdahl_record::cell::Synthetic;
use amdahl_record::counters::Counters;

/// An experiment of amdahl: what is asked, what is computed, on which rows, and what is varied.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "amdahl manifest")]
pub struct Manifest {
    /// What is asked, and how it is measured.
    pub experiment: Option<At<Experiment>>,
    /// What is computed.
    #[schemars(required)]
    pub workload: Option<At<Workload>>,
    /// On which rows.
    #[schemars(required)]
    pub dataset: Option<At<Dataset>>,
    /// What is varied. Axes cross, in the order in which they are written; the first varies
    /// slowest.
    pub axes: Option<At<Axes>>,
}

/// What is asked, and how it is measured.
#[derive(Debug, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Experiment {
    /// Name of the results folder: letters, digits, '-' and '_'. The manifest's file name without
    /// its ending where absent.
    pub name: Option<At<String>>,
    /// One line for people.
    pub title: Option<At<String>>,
    /// The question.
    pub question: Option<At<String>>,
    /// Where people find more, such as a repository: the poster shows it as a QR code. No code
    /// where absent.
    pub url: Option<At<String>>,
    /// Price of an hour of one machine, with the day it was looked up, such as "1.34 USD/h
    /// 2026-11-01": results then say what a run costs. No price is built in.
    pub price: Option<At<String>>,
    /// Seed of the order of the runs, and of all other draws that have no seed of their own. 1
    /// where absent.
    pub seed: Option<At<Whole>>,
    /// Repeats of each cell. 5 where absent.
    pub repeats: Option<At<Whole>>,
    /// Backend whose cell is the base of speedups. 'serial' where absent.
    #[schemars(with = "Option<BackendName>")]
    pub base: Option<At<String>>,
    /// Which counters are read. 'auto' where absent.
    pub counters: Option<At<Counters>>,
    /// With counters = 'simulated': rows of each rank's simulated run, at most. 20000 where absent.
    pub simulated_points: Option<At<Whole>>,
    /// How long a repeat may take: seconds, or a text such as "90 s" or "5 min". 600 s where
    /// absent.
    pub time_limit: Option<At<Duration>>,
    /// File that declares outside programs, relative to the manifest's folder. That of
    /// AMDAHL_PEERS, else the list that is built in, where absent.
    pub peers: Option<At<String>>,
}

/// On which rows: one of synthetic, name and file.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Dataset {
    /// Rows that are made: how their clusters lie. Needs points, dims and clusters.
    pub synthetic: Option<At<Synthetic>>,
    /// A real data set by its name in the catalogue.
    pub name: Option<At<String>>,
    /// A file; relative to the manifest's folder.
    pub file: Option<At<String>>,
    /// Format of the file, where name and content do not say it.
    pub format: Option<At<String>>,
    /// Which data set of the file, of a format whose files hold several (HDF5).
    pub dataset: Option<At<String>>,
    /// Where the true labels of the file are.
    pub labels: Option<At<Labels>>,
    /// Number of rows. Of a real data set: a seeded subsample of this many rows; all rows where
    /// absent.
    pub points: Option<At<Whole>>,
    /// Number of columns of synthetic rows.
    pub dims: Option<At<Whole>>,
    /// Number of clusters in synthetic rows.
    pub clusters: Option<At<Whole>>,
    /// Seed of synthetic rows, or of the subsample. The experiment's where absent.
    pub seed: Option<At<Whole>>,
}

/// Where the true labels of a file are.
#[derive(Clone, Debug, PartialEq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Labels {
    /// There are none.
    None,
    /// The last column.
    LastColumn,
    /// The column with this name in the file's header.
    Column(String),
    /// A file of their own; relative to the manifest's folder.
    File(String),
}

/// Values of axes, such as { backend = "mpi", ranks = 1 }; a list means any of its values.
pub type Pattern = BTreeMap<At<String>, At<Many<Scalar>>>;

/// The name of a backend. Read as any text: what is known is checked later, with its place.
#[derive(Clone, Debug, PartialEq, serde::Deserialize)]
#[serde(transparent)]
pub struct BackendName(pub String);

impl JsonSchema for BackendName {
    fn schema_name() -> Cow<'static, str> {
        "Backend".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names: Vec<_> = amdahl_record::cell::BACKENDS.iter().map(|(name, ..)| *name).collect();
        let peer = "^[a-z][a-z0-9-]*$";
        schemars::json_schema!({ "anyOf": [
            { "type": "string", "enum": names },
            { "type": "string", "description": "an outside program of the list of peers", "pattern": peer }
        ] })
    }
}
