//! From our tables to those of polars, and back.

use amdahl_explain::relations::{Column, Relation, Values};
use amdahl_record::error::{Error, Result};
use polars::prelude::{Column as PolarsColumn, DataFrame, DataType, PolarsResult};

/// A table of ours as polars has it.
pub fn frame(relation: Relation) -> PolarsResult<DataFrame> {
    let height = relation.height();
    let column = |column: Column| {
        let name = (&*column.name).into();
        match column.values {
            Values::Text(values) => PolarsColumn::new(name, values),
            Values::Whole(values) => PolarsColumn::new(name, values),
            Values::Number(values) => PolarsColumn::new(name, values),
            Values::Truth(values) => PolarsColumn::new(name, values),
        }
    };
    DataFrame::new(height, relation.columns.into_iter().map(column).collect())
}

/// A table of polars as ours. What is neither text, number nor truth is written as text.
///
/// # Errors
/// Usage, when a column holds what cannot be written.
pub fn relation(frame: &DataFrame) -> Result<Relation> {
    let columns = frame.columns().iter().map(|column| {
        let values = values(column).map_err(|_| {
            Error::usage(format!("the column '{}' holds {}", column.name(), column.dtype()))
                .hint("ask for numbers or words: count, sum or join what it holds")
        })?;
        Ok(Column { name: column.name().to_string().into(), about: "", values })
    });
    Ok(Relation { columns: columns.collect::<Result<_>>()? })
}

fn values(column: &PolarsColumn) -> PolarsResult<Values> {
    let kind = column.dtype();
    let number = || {
        let cast = column.cast(&DataType::Float64)?;
        PolarsResult::Ok(Values::Number(cast.f64()?.iter().collect()))
    };
    Ok(match kind {
        DataType::Boolean => Values::Truth(column.bool()?.iter().collect()),
        DataType::Null => Values::Text(vec![None; column.len()]),
        _ if kind.is_integer() => match column.strict_cast(&DataType::Int64) {
            Ok(cast) => Values::Whole(cast.i64()?.iter().collect()),
            // Beyond 63 bits.
            Err(_) => number()?,
        },
        _ if kind.is_numeric() => number()?,
        _ => {
            let cast = column.strict_cast(&DataType::String)?;
            Values::Text(cast.str()?.iter().map(|text| text.map(String::from)).collect())
        }
    })
}
