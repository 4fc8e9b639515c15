//! Several files as one table: the parts that Spark, DuckDB and others write into a folder.

use std::ops::Range;
use std::path::{Path, PathBuf};

use amdahl_record::error::{Error, Result};

use crate::rows::{RowSource, Shape, Source, check_range};
use crate::value::{Value, read_as_both};

/// The files of a table in a folder, by their names. What begins with `.` or `_` are notes that writers
/// leave there (`_SUCCESS`, `_metadata`, `.part-0.crc`).
///
/// # Errors
/// Where there is no file, or a folder in it: those of a table that is partitioned by a column hold its
/// values in their names, and not in the files.
pub fn parts(folder: &Path) -> Result<Vec<PathBuf>> {
    let cannot = |e| Error::io("read", folder, e);
    let mut parts = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(cannot)? {
        let entry = entry.map_err(cannot)?;
        let name = entry.file_name();
        let shown = name.to_string_lossy();
        if shown.starts_with(['.', '_']) {
            continue;
        }
        if entry.path().is_dir() {
            let what = format!("the folder has the folder '{shown}' in it, files are expected");
            return Err(Error::data(what).at(folder, 0, 0).hint(
                "a table that is partitioned by a column is not read: name one of its folders",
            ));
        }
        parts.push(entry.path());
    }
    if parts.is_empty() {
        return Err(Error::data("the folder has no files").at(folder, 0, 0).hint("name a file"));
    }
    parts.sort();
    Ok(parts)
}

/// Rows of several sources, one after the other.
pub struct Joined {
    parts: Vec<Box<dyn Source>>,
    /// The first row of each, and the number of all.
    starts: Vec<u64>,
    shape: Shape,
}

impl Joined {
    /// Joins sources, each with the path of its file.
    ///
    /// # Errors
    /// Where their columns are not the same.
    pub fn new(parts: Vec<(PathBuf, Box<dyn Source>)>) -> Result<Joined> {
        let (mut starts, mut dims) = (vec![0u64], 0);
        for (path, part) in &parts {
            let (first_path, first) = &parts[0];
            let shown = first_path.file_name().unwrap_or_default().to_string_lossy();
            let Shape { rows, dims: own } = part.shape();
            dims = first.shape().dims;
            let what = if own != dims {
                Some(format!("{own} columns, '{shown}' has {dims}"))
            } else {
                let names =
                    part.names().into_iter().flatten().zip(first.names().into_iter().flatten());
                let other = names.enumerate().find(|(_, (own, first))| own != first);
                other.map(|(place, (own, first))| {
                    format!("column {} is called '{own}', in '{shown}' '{first}'", place + 1)
                })
            };
            if let Some(what) = what {
                let error = Error::data(what).at(path, 0, 0);
                return Err(
                    error.hint("the files of a folder are one table, with the same columns")
                );
            }
            let end = starts.last().and_then(|start| start.checked_add(rows));
            starts.push(end.ok_or_else(|| Error::data("more rows than 64 bits can count"))?);
        }
        let shape = Shape { rows: starts.last().copied().unwrap_or(0), dims };
        Ok(Joined { parts: parts.into_iter().map(|(_, part)| part).collect(), starts, shape })
    }
}

impl Source for Joined {
    fn shape(&self) -> Shape {
        self.shape
    }
    fn seekable(&self) -> bool {
        self.parts.iter().all(|part| part.seekable())
    }
    fn rows(&self, range: Range<u64>) -> Result<Box<dyn RowSource + '_>> {
        check_range(self.shape, &range)?;
        Ok(Box::new(JoinedRows { joined: self, part: None, next: range.start, end: range.end }))
    }
    fn truth(&self, _: Range<u64>) -> Result<Option<Vec<u32>>> {
        Ok(None)
    }
    fn names(&self) -> Option<&[String]> {
        self.parts.first()?.names()
    }
    fn left_out(&self) -> &[String] {
        self.parts.first().map_or(&[], |part| part.left_out())
    }
}

struct JoinedRows<'a> {
    joined: &'a Joined,
    /// The rows of the part that the next row is in, once one was read.
    part: Option<Box<dyn RowSource + 'a>>,
    next: u64,
    end: u64,
}

impl JoinedRows<'_> {
    fn take<T: Value>(&mut self, out: &mut [T]) -> Result<usize> {
        let dims = self.joined.shape.dims;
        let rows = ((out.len() / dims) as u64).min(self.end - self.next) as usize;
        let mut done = 0;
        while done < rows {
            let part = match &mut self.part {
                Some(part) if part.shape().rows > 0 => part,
                none => {
                    let starts = &self.joined.starts;
                    let place = starts.partition_point(|&start| start <= self.next) - 1;
                    let (start, end) = (starts[place], starts[place + 1].min(self.end));
                    let rows = self.joined.parts[place].rows(self.next - start..end - start)?;
                    none.insert(rows)
                }
            };
            let got = T::read(part.as_mut(), &mut out[done * dims..rows * dims])?;
            if got == 0 {
                return Err(Error::internal("a file of a folder ended before its last row"));
            }
            done += got;
            self.next += got as u64;
        }
        Ok(rows)
    }
}

impl RowSource for JoinedRows<'_> {
    fn shape(&self) -> Shape {
        Shape { rows: self.end - self.next, dims: self.joined.shape.dims }
    }
    fn position(&self) -> u64 {
        self.next
    }
    read_as_both!();
    fn skip(&mut self, rows: u64) -> Result<()> {
        let rows = rows.min(self.end - self.next);
        match &mut self.part {
            Some(part) if part.shape().rows >= rows => part.skip(rows)?,
            // The row is in another part, which is opened when it is read.
            part => *part = None,
        }
        self.next += rows;
        Ok(())
    }
}
