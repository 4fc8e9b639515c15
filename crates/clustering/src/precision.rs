//! What rows are made of while a model is fitted or applied: f32, or f64.

use serde::{Deserialize, Serialize};

use crate::program::{DEVICE, accelerator};
use amdahl_kmeans::device::cpu::double::{Double, distances as double_distances};
use amdahl_kmeans::device::cpu::kernel::Kernel;
use amdahl_kmeans::device::cpu::{Cpu, distances};
use amdahl_kmeans::device::{KMeansDevice, Number};
use amdahl_kmeans_description::spec::Algorithm;
use amdahl_lanes::comm::Comm;
use amdahl_record::error::{Error, Result};

/// What rows are rounded to, less the offsets of their columns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 24 bits: half the memory, and the fastest kernels.
    #[default]
    F32,
    /// 53 bits, for columns whose values f32 cannot tell apart.
    F64,
}

impl Precision {
    /// The word on the command line and in models.
    pub fn name(self) -> &'static str {
        match self {
            Precision::F32 => "f32",
            Precision::F64 => "f64",
        }
    }

    /// As models keep it.
    pub(crate) fn is_usual(&self) -> bool {
        *self == Precision::default()
    }
}

/// A number that rows can be made of.
pub(crate) trait Computed: Number {
    /// The device that labels rows of it.
    fn device(comm: &dyn Comm, algorithm: Algorithm) -> Result<Box<dyn KMeansDevice<Self>>>;

    /// The squared distances of rows to another.
    fn distances(kernel: Kernel, rows: &[Self], other: &[Self], to: &mut [f64]);

    /// A model's centroids as it.
    fn of(centroids: &[f64]) -> Vec<Self> {
        centroids.iter().map(|&x| Self::nearest(x)).collect()
    }
}

impl Computed for f32 {
    fn device(comm: &dyn Comm, algorithm: Algorithm) -> Result<Box<dyn KMeansDevice<f32>>> {
        match accelerator(comm)? {
            Some(device) => Ok(device),
            None => Ok(Box::new(Cpu::new()?.algorithm(algorithm))),
        }
    }
    fn distances(kernel: Kernel, rows: &[f32], other: &[f32], to: &mut [f64]) {
        distances(kernel, rows, other, to);
    }
}

impl Computed for f64 {
    /// Every row is compared with every centroid, whatever exact algorithm is asked for: the answer
    /// is the same.
    fn device(_comm: &dyn Comm, _algorithm: Algorithm) -> Result<Box<dyn KMeansDevice<f64>>> {
        if let Some(name) = std::env::var(DEVICE).ok().filter(|name| !name.is_empty()) {
            return Err(Error::usage(format!(
                "{DEVICE} names '{name}', and accelerators compute in f32"
            ))
            .hint(format!("leave --precision f64 out, or {DEVICE}")));
        }
        Ok(Box::new(Double::new()?))
    }
    fn distances(kernel: Kernel, rows: &[f64], other: &[f64], to: &mut [f64]) {
        double_distances(kernel, rows, other, to);
    }
}

/// Values of f32 as f64, which holds them all; those of f64 as they are.
pub(crate) fn wide<T: Number>(values: &[T]) -> Vec<f64> {
    values.iter().map(|&x| x.into()).collect()
}
