//! Tables of results, and questions to them in SQL.

use amdahl_explain::analysis::Analysis;
use amdahl_explain::relations::{Relation, SOURCES, Values, listing, source};
use amdahl_explain::summary::{Summary, summarise};

use crate::explain::{amdahl, folder_with, mixed};
use crate::samples::collect;

fn summary() -> Summary {
    summarise(&collect(&mixed()))
}

fn numbers(table: &Relation, name: &str) -> Vec<Option<f64>> {
    match &table.column(name).unwrap_or_else(|| panic!("no column {name}")).values {
        Values::Number(values) => values.clone(),
        Values::Whole(values) => values.iter().map(|value| value.map(|v| v as f64)).collect(),
        other => panic!("{name} holds {}", other.type_name()),
    }
}

fn words(table: &Relation, name: &str) -> Vec<Option<String>> {
    match &table.column(name).unwrap_or_else(|| panic!("no column {name}")).values {
        Values::Text(values) => values.clone(),
        other => panic!("{name} holds {}", other.type_name()),
    }
}

fn filled(summary: &Summary, name: &str) -> Relation {
    (source(name).expect("a known table").fill)(&Analysis::of(summary))
}

#[test]
fn tables_agree_with_the_summary() {
    let summary = summary();
    let cells: Vec<_> = summary.groups.iter().flat_map(|group| &group.cells).collect();
    let table = filled(&summary, "cells");
    assert_eq!(table.height(), cells.len());
    for (i, cell) in cells.iter().enumerate() {
        assert_eq!(words(&table, "cell")[i].as_deref(), Some(cell.id.0.as_str()));
        assert_eq!(numbers(&table, "seconds")[i], cell.time.map(|time| time.value));
        assert_eq!(numbers(&table, "speedup")[i], cell.speedup.map(|speedup| speedup.value));
    }
    let repeats: Vec<_> = cells.iter().flat_map(|cell| &cell.repeats).collect();
    let table = filled(&summary, "repeats");
    let seconds: Vec<_> = repeats.iter().map(|repeat| Some(repeat.seconds)).collect();
    assert_eq!(numbers(&table, "seconds"), seconds);

    let lanes: usize = repeats.iter().map(|repeat| repeat.measured.lanes.len()).sum();
    let table = filled(&summary, "lanes");
    assert_eq!(table.height(), lanes);
    let Values::Truth(critical) = &table.column("critical").expect("a column").values else {
        panic!("no truths")
    };
    let known = repeats.iter().filter(|repeat| !repeat.lanes.is_empty()).count();
    assert_eq!(critical.iter().filter(|critical| **critical == Some(true)).count(), known);

    let table = filled(&summary, "phases");
    let means: f64 = numbers(&table, "mean_seconds").iter().flatten().sum();
    let expected: f64 = cells
        .iter()
        .map(|c| c.phases.iter().map(|p| p.mean_s).chain(c.unaccounted_mean_s).sum::<f64>())
        .sum();
    assert!((means - expected).abs() < 1e-9 * expected, "{means} {expected}");
    let failed: f64 = numbers(&filled(&summary, "failures"), "count").iter().flatten().sum();
    assert_eq!(failed as usize, cells.iter().map(|cell| cell.failed()).sum::<usize>());
}

#[test]
fn columns_are_equally_long_named_once_and_documented() {
    let document = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/query.md"));
    let document = document.expect("docs/query.md");
    let summary = summary();
    for source in SOURCES {
        let table = filled(&summary, source.name);
        assert!(table.height() > 0, "{} has rows of a mixed folder", source.name);
        let section = document.split(&format!("### `{}`", source.name)).nth(1);
        let section = section.unwrap_or_else(|| panic!("docs/query.md on {}", source.name));
        let section = section.split("\n#").next().unwrap_or_default();
        let mut names: Vec<&str> = Vec::new();
        for column in &table.columns {
            let row = format!("| `{}` | {} |", column.name, column.values.type_name());
            assert!(section.contains(&row), "docs/query.md on {}: {row}", source.name);
            assert_eq!(column.values.len(), table.height(), "{}.{}", source.name, column.name);
            assert!(!column.about.is_empty(), "{}.{}", source.name, column.name);
            assert!(!names.contains(&&*column.name), "{}.{}", source.name, column.name);
            names.push(&column.name);
        }
        assert_eq!(section.matches("\n| `").count(), names.len(), "no other column is documented");
    }
    let all: usize = SOURCES.iter().map(|s| filled(&summary, s.name).columns.len() + 1).sum();
    assert_eq!(listing(&Analysis::of(&summary)).height(), all);
}

#[cfg(not(feature = "query"))]
#[test]
fn a_build_without_queries_says_what_to_build() {
    let (_temp, folder) = folder_with(&mixed());
    let refused = amdahl(&["query", &folder.to_string_lossy(), "select 1"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(said.contains("the feature 'query'") && said.contains("make build"), "{said}");
}

#[cfg(feature = "query")]
mod asked {
    use super::*;
    use crate::samples::Made;
    use amdahl_query::ask;

    #[test]
    fn answers_are_those_of_the_summary() {
        let summary = summary();
        let fastest = "select name, seconds from cells where seconds is not null \
                       order by seconds limit 1";
        let answer = ask(&Analysis::of(&summary), fastest).expect("an answer");
        let cells = summary.groups.iter().flat_map(|group| &group.cells);
        let least = cells.filter_map(|c| c.time).map(|t| t.value).reduce(f64::min);
        assert_eq!(numbers(&answer, "seconds"), [least]);

        // Tables join, and missing values count for nothing.
        let joined = "select c.cell, count(r.seconds) as good, max(c.n) as known \
                      from cells c join repeats r on c.cell = r.cell group by c.cell";
        let answer = ask(&Analysis::of(&summary), joined).expect("an answer");
        assert!(answer.height() > 0);
        assert_eq!(numbers(&answer, "good"), numbers(&answer, "known"));
        let counts = "select count(*) as all_cells, count(seconds) as timed from cells";
        let answer = ask(&Analysis::of(&summary), counts).expect("an answer");
        let cells = summary.groups.iter().map(|group| group.cells.len()).sum::<usize>() as f64;
        assert_eq!(numbers(&answer, "all_cells"), [Some(cells)]);
        assert!(numbers(&answer, "timed")[0] < Some(cells));
        let every = "select * from readings";
        let answer = ask(&Analysis::of(&summary), every).expect("an answer");
        let table = filled(&summary, "readings");
        assert_eq!(answer.height(), table.height());
        for (one, other) in answer.columns.iter().zip(&table.columns) {
            assert_eq!((&one.name, &one.values), (&other.name, &other.values));
        }
    }

    #[test]
    fn all_of_sql_that_is_asked_of_results_works() {
        let summary = summary();
        for sql in [
            "select name, round(seconds * 1000, 2) as ms from cells where backend like 'thr%'",
            "with slow as (select cell from cells where efficiency < 0.9) \
             select r.cell, avg(r.seconds) from repeats r join slow s on r.cell = s.cell group by 1",
            "select phase, sum(mean_seconds) as s from phases where timed group by phase having sum(mean_seconds) > 0",
            "select distinct backend from cells union all select name as backend from cells limit 5",
            "select cell, lane, computing_seconds, row_number() over \
             (partition by cell order by computing_seconds desc) as place from lanes limit 9",
            "select case when n > 3 then 'many' else 'few' end as word, count(*) from cells group by 1",
            "select max(seconds) - min(seconds) as range, stddev(seconds) as spread from repeats",
            "select upper(name), cast(n as double) / 2, coalesce(speedup, -1) from cells",
            "select cell from cells where cell in (select cell from failures)",
            "select * from cells where 1 = 0",
            "show tables",
        ] {
            let answer = ask(&Analysis::of(&summary), sql);
            assert!(answer.is_ok(), "{sql}: {}", answer.err().map_or(String::new(), |e| e.message));
        }
    }

    #[test]
    fn a_query_that_cannot_be_answered_says_why_and_ends_with_2() {
        let (_temp, folder) = folder_with(&mixed());
        let folder = folder.to_string_lossy();
        for (sql, said) in [
            ("", "the query has no answer"),
            ("select", "the query has no answer"),
            ("selec name from cells", "selec"),
            ("select name from cell", "'cell'"),
            ("select nam from cells", "nam"),
            ("select name from cells; select 1", "one"),
            ("select nosuch(name) from cells", "nosuch"),
            ("select name + 1 from cells where name > 3", "the query has no answer"),
            ("select * from read_csv('/etc/passwd')", "read_csv"),
            ("insert into cells values (1)", "the query has no answer"),
            ("update cells set n = 1", "the query has no answer"),
        ] {
            let refused = amdahl(&["query", &folder, sql]);
            let stderr = String::from_utf8_lossy(&refused.stderr).into_owned();
            assert_eq!(refused.status.code(), Some(2), "{sql}: {stderr}");
            assert!(stderr.contains(said), "{sql}: {stderr}");
            assert!(refused.stdout.is_empty() && !stderr.contains("panicked"), "{sql}: {stderr}");
        }
        assert_eq!(amdahl(&["query", &folder]).status.code(), Some(2), "no query");
        let nowhere = amdahl(&["query", "nowhere", "select 1"]);
        assert_eq!(nowhere.status.code(), Some(2));
    }

    #[test]
    fn every_format_and_the_list_of_tables() {
        let (_temp, folder) = folder_with(
            &Made { spreads: vec![("serial", 1, 1), ("threads", 1, 2)], ..Made::default() }.lines(),
        );
        let folder = folder.to_string_lossy();
        let ask = |args: &[&str]| {
            let asked = amdahl(&[&["query", &folder], args].concat());
            assert!(asked.status.success(), "{}", String::from_utf8_lossy(&asked.stderr));
            String::from_utf8(asked.stdout).expect("UTF-8")
        };
        let sql = "select name, lanes, n > 2 as many from cells order by lanes";
        assert_eq!(
            ask(&[sql]),
            "name       lanes  many\nserial         1  true\nthreads 2      2  true\n"
        );
        assert_eq!(
            ask(&[sql, "--format", "csv"]),
            "name,lanes,many\nserial,1,true\nthreads 2,2,true\n"
        );
        let json: serde_json::Value =
            serde_json::from_str(&ask(&[sql, "--format", "json"])).expect("JSON");
        assert_eq!(json[1], serde_json::json!({"name": "threads 2", "lanes": 2, "many": true}));
        assert!(ask(&[sql, "--format", "markdown"]).starts_with("| name | lanes | many |\n"));
        let listed = ask(&["--tables"]);
        for source in SOURCES {
            assert!(listed.contains(source.about), "{listed}");
        }
    }
}
