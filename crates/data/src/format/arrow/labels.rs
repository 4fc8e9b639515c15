//! Labels in a column of an Arrow file: numbers, texts, or places in a dictionary of texts.

use std::collections::HashMap;

use amdahl_record::error::Result;

use super::Arrow;
use super::batch::{Batch, Place};
use super::flat::Table;
use super::schema::{Field, Kind, Stored};
use crate::labels::{self, Numbering};

impl Arrow {
    /// The labels of all rows, which are in this column.
    pub(super) fn read_labels(&self, label: usize) -> Result<Vec<u32>> {
        let field = &self.schema.fields[label];
        match field.kind {
            Kind::Texts(_) | Kind::Views => self.texts(label, field),
            Kind::Dictionary { id, places } => self.categories(label, field, id, places),
            _ => self.numbers(label, field),
        }
    }

    fn batches(&self) -> impl Iterator<Item = Result<(Place, Batch<'_>)>> {
        let fields = &self.schema.fields;
        self.batches.iter().map(|&place| Ok((place, Batch::open(self.origin(), place, fields)?)))
    }

    fn numbers(&self, label: usize, field: &Field) -> Result<Vec<u32>> {
        let (mut numbering, mut seen) = (Numbering::default(), HashMap::new());
        for batch in self.batches() {
            let (place, batch) = batch?;
            self.each_number(&batch, label, field, place, |row, value| {
                if !value.is_finite() || value.abs() > (1u64 << 53) as f64 {
                    let what = "is no label, they are finite numbers up to 2^53, or texts";
                    return Err(self.input.refuse(format!("row {}: {value} {what}", row + 1)));
                }
                // + 0.0 makes -0 and 0 the same label.
                numbering.push((value + 0.0).to_bits(), &mut seen)
            })?;
        }
        let order = |a: &u64, b: &u64| f64::from_bits(*a).total_cmp(&f64::from_bits(*b));
        Ok(numbering.sorted(seen, order))
    }

    /// Hands the numbers of a batch to `each`, with their rows of the file.
    fn each_number(
        &self,
        batch: &Batch<'_>,
        label: usize,
        field: &Field,
        place: Place,
        mut each: impl FnMut(u64, f64) -> Result<()>,
    ) -> Result<()> {
        let numbers = batch.numbers(label, field, 1)?;
        let (mut values, mut scratch, mut row) = ([0f64; 256], Vec::new(), 0);
        while row < place.rows {
            let now = (place.rows - row).min(values.len() as u64) as usize;
            numbers.read(row, &mut scratch, &mut values[..now])?;
            for (row, &value) in (place.start + row..).zip(&values[..now]) {
                each(row, value)?;
            }
            row += now as u64;
        }
        Ok(())
    }

    fn texts(&self, label: usize, field: &Field) -> Result<Vec<u32>> {
        let (mut numbering, mut seen) = (Numbering::default(), HashMap::new());
        for batch in self.batches() {
            batch?.1.texts(label, field, |text| numbering.push_bytes(text, &mut seen))?;
        }
        Ok(labels::sorted_texts(numbering, seen))
    }

    /// Labels by their places in a dictionary. A dictionary may grow or be replaced between batches: each
    /// batch is read with what came before it.
    fn categories(&self, label: usize, field: &Field, id: i64, places: Stored) -> Result<Vec<u32>> {
        let Some(values @ Field { kind: Kind::Texts(_) | Kind::Views, .. }) =
            field.children.first()
        else {
            let name = field.typed().name;
            return Err(self.input.refuse(format!("the labels in column '{name}' are no texts")));
        };
        let indices = field.of_places(places);
        let (mut numbering, mut seen) = (Numbering::default(), HashMap::new());
        let mut texts: Vec<Vec<u8>> = Vec::new();
        let mut dictionaries = self.dictionaries.iter().peekable();
        for batch in self.batches() {
            let (place, batch) = batch?;
            while let Some(&dictionary) =
                dictionaries.next_if(|next| next.metadata < place.metadata)
            {
                let metadata = self.origin().bytes(dictionary.metadata, dictionary.size)?;
                let look = || {
                    let table =
                        Table::root(&metadata)?.table(2)?.ok_or("a message has no header")?;
                    Ok((table.number(0, 0i64)?, table.number(2, 0u8)? != 0))
                };
                let (own, is_more) = look().map_err(|what| self.origin().damaged(what))?;
                if own != id {
                    continue;
                }
                if !is_more {
                    texts.clear();
                }
                let batch = Batch::open(self.origin(), dictionary, std::slice::from_ref(values))?;
                batch.texts(0, values, |text| {
                    texts.push(text.to_vec());
                    Ok(())
                })?;
            }
            self.each_number(&batch, label, &indices, place, |row, at| {
                let text = texts.get(at as usize).filter(|_| at >= 0.0).ok_or_else(|| {
                    self.input.refuse(format!("row {}: a place beyond its dictionary", row + 1))
                })?;
                numbering.push_bytes(text, &mut seen)
            })?;
        }
        Ok(labels::sorted_texts(numbering, seen))
    }
}
