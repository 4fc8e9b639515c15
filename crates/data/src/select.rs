//! Some columns of a data set, in an order of one's own.

use std::ops::Range;

use crate::rows::{RowSource, Shape, Source};
use crate::suggest::suggest;
use crate::value::{Value, read_as_both};
use amdahl_record::error::{Error, Result};

/// A column of a data set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Column {
    /// By its name.
    Name(String),
    /// By its number in the file, from 1.
    Number(usize),
}

impl Column {
    /// A number where the text is one, else a name.
    pub fn parse(text: &str) -> Column {
        match text.parse() {
            Ok(number) => Column::Number(number),
            Err(_) => Column::Name(text.into()),
        }
    }
}

/// Which columns are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// These, in this order; all (but labels and `last`) where absent.
    pub columns: Option<Vec<Column>>,
    /// All columns will do where the data has no names.
    pub unless_unnamed: bool,
    /// And this one after them.
    pub last: Option<Column>,
}

impl Selection {
    /// Columns from a list such as `x,y,5-8`.
    pub fn parse(list: &str) -> Result<Vec<Column>> {
        let mut columns = Vec::new();
        for part in list.split(',').map(str::trim) {
            let range = part
                .split_once('-')
                .and_then(|(a, b)| Some((a.parse::<usize>().ok()?, b.parse::<usize>().ok()?)));
            match range {
                _ if part.is_empty() => {
                    return Err(Error::usage(format!(
                        "an empty name in the list of columns '{list}'"
                    )));
                }
                Some((first, last)) if first > last || last > 1 << 24 => {
                    return Err(Error::usage(format!("columns {first} to {last} are no range")));
                }
                Some((first, last)) => columns.extend((first..=last).map(Column::Number)),
                None => columns.push(Column::parse(part)),
            }
        }
        Ok(columns)
    }

    /// Everything as it is?
    pub fn is_all(&self) -> bool {
        self.columns.is_none() && self.last.is_none()
    }

    /// The numbers of the columns that are wanted, where they are known without names.
    pub fn numbers(&self) -> Option<Vec<usize>> {
        let numbers = self.columns.as_ref()?.iter().chain(&self.last).map(|column| match column {
            Column::Number(number) => Some(*number),
            Column::Name(_) => None,
        });
        numbers.collect()
    }

    /// The places from 0 of what is wanted among `dims` columns, of which `label` holds labels and
    /// `left_out` are wanted only if they are named. Refuses columns that are not there, that are
    /// named twice, and none at all.
    pub fn resolve(
        &self,
        names: Option<&[String]>,
        dims: usize,
        label: Option<usize>,
        left_out: &[usize],
    ) -> Result<Vec<usize>> {
        let last = self.last.as_ref().map(|last| place(last, names, dims)).transpose()?;
        let mut places = match &self.columns {
            Some(columns) if !(self.unless_unnamed && names.is_none()) => columns
                .iter()
                .map(|column| place(column, names, dims))
                .collect::<Result<Vec<_>>>()?,
            _ => {
                let free = |place: &usize| ![label, last].contains(&Some(*place));
                (0..dims).filter(|place| free(place) && !left_out.contains(place)).collect()
            }
        };
        if places.is_empty() {
            return Err(Error::data(
                "there are 0 columns beside labels and weights, at least 1 is needed",
            ));
        }
        places.extend(last);
        let mut seen = vec![false; dims];
        for &place in &places {
            let shown = names
                .map_or_else(|| (place + 1).to_string(), |names| format!("'{}'", names[place]));
            if Some(place) == label {
                return Err(Error::data(format!(
                    "column {shown} holds the labels: it is no part of the points"
                )));
            }
            if std::mem::replace(&mut seen[place], true) {
                return Err(Error::data(format!("column {shown} is wanted twice")));
            }
        }
        Ok(places)
    }
}

/// That there is no such column, and which there are, of many the first.
pub fn no_column(name: &str, names: &[String]) -> String {
    const MOST: usize = 8;
    let known: Vec<String> = names.iter().take(MOST).map(|name| format!("'{name}'")).collect();
    let more = names.len().saturating_sub(MOST);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("no column is called '{name}', there are {}{more}", known.join(", "))
}

/// Where a column is.
fn place(column: &Column, names: Option<&[String]>, dims: usize) -> Result<usize> {
    match column {
        Column::Number(number) if (1..=dims).contains(number) => Ok(number - 1),
        Column::Number(number) => Err(Error::data(format!(
            "there is no column {number}, the data has {dims}, counted from 1"
        ))),
        Column::Name(name) => {
            let Some(names) = names else {
                let error = Error::data(format!(
                    "no column can be called '{name}': the data has no names of columns"
                ));
                return Err(error.hint("name columns by their numbers, from 1"));
            };
            let mut found = (0..names.len()).filter(|&i| names[i] == *name);
            match (found.next(), found.next()) {
                (Some(place), None) => Ok(place),
                (Some(one), Some(two)) => Err(Error::data(format!(
                    "two columns are called '{name}': {} and {}",
                    one + 1,
                    two + 1
                ))),
                (None, _) => {
                    let error = Error::data(no_column(name, names));
                    Err(suggest(error, name, names.iter().map(String::as_str)))
                }
            }
        }
    }
}

/// Some columns of another source.
pub struct Selected {
    source: Box<dyn Source>,
    kept: Vec<usize>,
    names: Option<Vec<String>>,
}

impl Selected {
    /// The columns of `source` that are wanted.
    pub fn new(source: Box<dyn Source>, selection: &Selection) -> Result<Selected> {
        let kept = selection.resolve(source.names(), source.shape().dims, None, &[])?;
        let names =
            source.names().map(|names| kept.iter().map(|&place| names[place].clone()).collect());
        Ok(Selected { source, kept, names })
    }
}

impl Source for Selected {
    fn shape(&self) -> Shape {
        Shape { dims: self.kept.len(), ..self.source.shape() }
    }
    fn seekable(&self) -> bool {
        self.source.seekable()
    }
    fn rows(&self, range: Range<u64>) -> Result<Box<dyn RowSource + '_>> {
        Ok(Box::new(SelectedRows { rows: self.source.rows(range)?, kept: &self.kept }))
    }
    fn truth(&self, range: Range<u64>) -> Result<Option<Vec<u32>>> {
        self.source.truth(range)
    }
    fn names(&self) -> Option<&[String]> {
        self.names.as_deref()
    }
    fn left_out(&self) -> &[String] {
        self.source.left_out()
    }
}

struct SelectedRows<'a> {
    rows: Box<dyn RowSource + 'a>,
    kept: &'a [usize],
}

impl SelectedRows<'_> {
    fn take<T: Value>(&mut self, out: &mut [T]) -> Result<usize> {
        let wide = self.rows.shape().dims;
        // Blocks of whole rows that fit a cache.
        let most = 1 + (1 << 15) / wide;
        let (mut done, mut buffer) = (0, Vec::new());
        for out in out.chunks_mut(most * self.kept.len()) {
            let wanted = out.len() / self.kept.len();
            buffer.resize(wanted * wide, T::default());
            let got = T::read(self.rows.as_mut(), &mut buffer)?;
            for (out, row) in
                out.chunks_exact_mut(self.kept.len()).zip(buffer.chunks_exact(wide)).take(got)
            {
                out.iter_mut().zip(self.kept).for_each(|(x, &place)| *x = row[place]);
            }
            done += got;
            if got < wanted {
                break;
            }
        }
        Ok(done)
    }
}

impl RowSource for SelectedRows<'_> {
    fn shape(&self) -> Shape {
        Shape { dims: self.kept.len(), ..self.rows.shape() }
    }
    fn position(&self) -> u64 {
        self.rows.position()
    }
    read_as_both!();
    fn skip(&mut self, rows: u64) -> Result<()> {
        self.rows.skip(rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::InMemory;
    use crate::rows::Matrix;

    fn names() -> Vec<String> {
        ["x", "y", "w", "class"].map(String::from).to_vec()
    }

    fn wants(columns: Option<&str>, last: Option<&str>) -> Selection {
        Selection {
            columns: columns.map(|list| Selection::parse(list).expect("a list")),
            last: last.map(Column::parse),
            unless_unnamed: false,
        }
    }

    #[test]
    fn columns_by_name_and_by_number() {
        let resolve = |columns, last| {
            wants(columns, last).resolve(Some(&names()), 4, Some(3), &[]).map_err(|e| e.to_string())
        };
        assert_eq!(resolve(Some("y, x"), None), Ok(vec![1, 0]));
        assert_eq!(resolve(None, Some("w")), Ok(vec![0, 1, 2]));
        assert_eq!(resolve(Some("2"), Some("1")), Ok(vec![1, 0]));
        assert_eq!(resolve(Some("1-3"), None), Ok(vec![0, 1, 2]));
        let all_but = |columns: Option<&str>, left_out: &[usize]| {
            wants(columns, None).resolve(Some(&names()), 4, None, left_out)
        };
        assert_eq!(all_but(None, &[1, 3]).expect("two are left"), [0, 2]);
        assert_eq!(all_but(Some("y"), &[1, 3]).expect("it is named"), [1]);
        assert!(all_but(None, &[0, 1, 2, 3]).is_err());
        for (columns, last, what) in [
            (Some("z"), None, "no column is called 'z', there are 'x', 'y', 'w', 'class'"),
            (Some("5"), None, "no column 5, the data has 4"),
            (Some("0"), None, "no column 0"),
            (Some("x,x"), None, "'x' is wanted twice"),
            (Some("x"), Some("x"), "'x' is wanted twice"),
            (Some("x"), Some("class"), "'class' holds the labels"),
        ] {
            let error = resolve(columns, last).expect_err(what);
            assert!(error.contains(what), "{error}");
        }
        assert!(Selection::parse("x,,y").is_err() && Selection::parse("3-1").is_err());
        let unnamed =
            wants(Some("x"), None).resolve(None, 4, None, &[]).expect_err("no names").to_string();
        assert!(unnamed.contains("has no names"), "{unnamed}");
        let soft = Selection { unless_unnamed: true, ..wants(Some("x"), None) };
        assert_eq!(soft.resolve(None, 2, None, &[]).expect("all will do"), [0, 1]);
    }

    #[test]
    fn rows_have_the_columns_that_are_wanted() {
        let matrix = Matrix { values: (0..40_000).map(|i| i as f32).collect(), dims: 4 };
        let source = InMemory::new(matrix, None).expect("fits").named(names());
        let selected = Selected::new(Box::new(source), &wants(Some("w,x"), None)).expect("there");
        assert_eq!(selected.shape(), Shape { rows: 10_000, dims: 2 });
        assert_eq!(selected.names().expect("named"), ["w", "x"]);
        let mut rows = selected.rows(1..10_000).expect("in range");
        rows.skip(1).expect("one more is there");
        let mut out = vec![0.0; 2 * 10_000];
        assert_eq!(rows.read(&mut out).expect("in memory"), 9_998);
        for (i, row) in out.chunks_exact(2).take(9_998).enumerate() {
            assert_eq!(row, [(4 * (i + 2) + 2) as f32, (4 * (i + 2)) as f32]);
        }
    }
}
