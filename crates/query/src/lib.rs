//! SQL over results: the tables of [`amdahl_explain::relations`] as polars has them. Everything
//! that knows polars is in this crate.
//!
//! ```
//! # fn answer(analysis: &amdahl_explain::analysis::Analysis<'_>) -> amdahl_record::error::Result<()> {
//! let fastest = "select name, seconds from cells order by seconds limit 3";
//! let answer = amdahl_query::ask(analysis, fastest)?;
//! println!("{}", amdahl_explain::relations::write::text(&answer));
//! # Ok(())
//! # }
//! ```

use std::panic::{AssertUnwindSafe, catch_unwind};

use amdahl_explain::analysis::Analysis;
use amdahl_explain::relations::{Relation, SOURCES, Source};
use amdahl_record::error::{Error, Kind, Result};
use polars::prelude::{DataFrame, IntoLazy, PolarsError};
use polars::sql::{SQLContext, extract_table_identifiers};

mod frame;

/// The answer to a query. The tables are those of [`SOURCES`].
///
/// # Errors
/// Usage, when this is no SQL that polars understands, or when it asks for what is not there.
pub fn ask(analysis: &Analysis<'_>, sql: &str) -> Result<Relation> {
    // The engine is large and of others: where it gives up, that is said like any other error.
    let answer = catch_unwind(AssertUnwindSafe(|| collected(analysis, sql)));
    let answer = answer.unwrap_or_else(|panic| {
        let words = panic.downcast_ref::<String>().map(String::as_str);
        let words = words.or(panic.downcast_ref::<&str>().copied());
        Err(refused(words.unwrap_or("the engine gave up")))
    })?;
    frame::relation(&answer)
}

fn collected(analysis: &Analysis<'_>, sql: &str) -> Result<DataFrame> {
    let mut context = SQLContext::new();
    for source in asked(sql) {
        let table = frame::frame((source.fill)(analysis)).map_err(|e| refused(words(&e)))?;
        context.register(source.name, table.lazy());
    }
    let answer = context.execute(sql).and_then(|lazy| lazy.collect());
    answer.map_err(|e| refused(words(&e)))
}

/// The tables that a query names; all, where it names none or cannot be read.
fn asked(sql: &str) -> Vec<&'static Source> {
    let named = extract_table_identifiers(sql, false, true).unwrap_or_default();
    let is_named = |source: &&Source| named.iter().any(|name| name == source.name);
    let some: Vec<&Source> = SOURCES.iter().filter(is_named).collect();
    if some.is_empty() { SOURCES.iter().collect() } else { some }
}

/// What is wrong in the engine's words, without the kind of error and without what it was doing.
fn words(error: &PolarsError) -> String {
    match error {
        PolarsError::Context { error, .. } | PolarsError::ExprContext { error, .. } => words(error),
        other => other.to_string(),
    }
}

fn refused(why: impl AsRef<str>) -> Error {
    let first = why.as_ref().trim().lines().next().unwrap_or_default();
    Error::new(Kind::Usage, format!("the query has no answer: {first}"))
        .hint("'amdahl query RESULTS --tables' lists the tables and their columns")
}
