//! Rows whose labels are in a file of their own.

use std::ops::Range;
use std::path::Path;
use std::sync::OnceLock;

use amdahl_record::error::Result;

use crate::format::{self, Format};
use crate::input::Input;
use crate::rows::{RowSource, Shape, Source, check_range};

/// Rows whose labels are in a file of their own.
pub struct WithLabels {
    rows: Box<dyn Source>,
    input: Input,
    format: &'static Format,
    labels: OnceLock<Result<Vec<u32>>>,
}

impl WithLabels {
    /// Joins `rows` to the labels in the file `path`. A file whose header says another number of
    /// labels than there are rows is refused here; one without a header when its labels are first
    /// asked for.
    pub fn new(rows: Box<dyn Source>, path: &Path) -> Result<WithLabels> {
        let input = Input::open(path)?;
        let format = format::choose(&input, None)?;
        if let Some(shape) = (format.shape)(&input)? {
            fits(&input, shape.rows, rows.shape())?;
        }
        Ok(WithLabels { rows, input, format, labels: OnceLock::new() })
    }
}

fn fits(input: &Input, labels: u64, data: Shape) -> Result<()> {
    if labels == data.rows {
        return Ok(());
    }
    Err(input.refuse(format!("the file has {labels} labels, the data has {} rows", data.rows)))
}

impl Source for WithLabels {
    fn shape(&self) -> Shape {
        self.rows.shape()
    }
    fn seekable(&self) -> bool {
        self.rows.seekable()
    }
    fn rows(&self, range: Range<u64>) -> Result<Box<dyn RowSource + '_>> {
        self.rows.rows(range)
    }
    fn truth(&self, range: Range<u64>) -> Result<Option<Vec<u32>>> {
        check_range(self.shape(), &range)?;
        let labels = self.labels.get_or_init(|| {
            let labels = (self.format.labels)(&self.input)?;
            fits(&self.input, labels.len() as u64, self.shape())?;
            Ok(labels)
        });
        let labels = labels.as_ref().map_err(Clone::clone)?;
        Ok(Some(labels[range.start as usize..range.end as usize].to_vec()))
    }
    fn names(&self) -> Option<&[String]> {
        self.rows.names()
    }
    fn is_near(&self) -> bool {
        self.rows.is_near()
    }
    fn left_out(&self) -> &[String] {
        self.rows.left_out()
    }
}
