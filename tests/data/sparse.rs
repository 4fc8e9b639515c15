//! Text that holds what is not 0 alone: LIBSVM and MatrixMarket, and the dense arrays of the latter.

use amdahl_data as data;
use amdahl_data::Shape;
use amdahl_record::cell::Labels;

use super::formats::{reads, whole};
use super::{Scratch, Whole, dataset};

fn refused(format: &str, text: &str, said: &str) {
    let error = Scratch::new().read("file", text.as_bytes(), Some(format), Labels::None);
    let error = error.expect_err(said).to_string();
    assert!(error.contains(said) && error.contains("file"), "'{said}' is not in: {error}");
}

#[test]
fn libsvm_with_columns_from_1_or_0() {
    let expected = whole(3, 3, &[0.5, 0.0, -2.0, 0.0, 0.0, 0.0, 0.0, 1e3, 0.0]);
    for text in [
        "1 1:0.5 3:-2\n-1\n+1 2:1e3\n",
        "1 0:0.5 2:-2\n-1\n+1 1:1e3",
        "# made by hand\n1 qid:7 1:.5 3:-2.0 # the first\r\n\r\n0 # none\n2.5 \t2:1000 \n",
        "1,2 1:0.5 3:-2\n3 \n4 2:1e3\n",
    ] {
        reads("libsvm", "a.svm", text.as_bytes(), &expected);
    }
    // A first line longer than what formats are recognised by.
    let long: String = (1..2000).map(|i| format!(" {i}:{i}.25")).collect();
    let values: Vec<f32> = (1..2000).map(|i| i as f32 + 0.25).collect();
    reads("libsvm", "no-name", format!("0{long}\n").as_bytes(), &whole(1, 1999, &values));
}

#[test]
fn labels_of_libsvm_stand_first() {
    let scratch = Scratch::new();
    let read = |text: &str, labels| scratch.read("a9a", text.as_bytes(), None, labels);
    let by_name = Labels::Column("label".into());
    let expected = Whole { labels: Some(vec![1, 0, 1]), ..whole(3, 1, &[1.0, 2.0, 3.0]) };
    assert_eq!(read("+1 1:1\n-1 1:2\n1 1:3\n", by_name.clone()), Ok(expected.clone()));
    assert_eq!(read("b 1:1\na 1:2\nb 1:3\n", by_name), Ok(expected));
    let last = read("1 1:1\n", Labels::LastColumn).expect_err("they stand first").to_string();
    assert!(last.contains("--labels-column label"), "{last}");
    let other = read("1 1:1\n", Labels::Column("class".into())).expect_err("no such column");
    assert!(other.message.contains("labels are called 'label'"), "{other}");
}

#[test]
fn lines_of_libsvm_that_are_wrong() {
    for (text, said) in [
        ("1 1:1\n1 3:1 2:1\n", "file:2: row 2, '2:1': columns must rise"),
        ("1 1:1 1:1\n", "columns must rise"),
        ("1 1:x\n", "row 1, '1:x': the value is no number"),
        ("1 1:nan\n", "row 1, '1:nan': NaN"),
        ("1 1:1e39\n", "beyond the range of f32"),
        ("1 -1:1\n", "expected a number, ':' and a value"),
        ("1 1:1 7\n", "row 1, '7': expected"),
        ("1:1 2:3\n", "'1:1' stands where a label is expected"),
        ("a 1:1\n", "row 1: the label 'a' is not a number"),
        ("1\n2\n", "0 columns"),
        ("1 4294967295:1\n1 1:1\n", "2 rows of 4294967295 columns take 32.0 GiB"),
    ] {
        refused("libsvm", text, said);
    }
}

#[test]
fn arrays_of_matrix_market_stand_by_columns() {
    let of = |kind: &str, rest: &str| format!("%%MatrixMarket matrix {kind}\n% by hand\n{rest}");
    let general = of("array real general", "3 2\n1.5\n-2\n0\n3.25e-20\n1e30\n-0.0\n");
    let expected = whole(3, 2, &[1.5, 3.25e-20, -2.0, 1e30, 0.0, -0.0]);
    reads("matrix-market", "a.mtx", general.as_bytes(), &expected);
    reads("matrix-market", "no-name", general.to_uppercase().as_bytes(), &expected);
    let symmetric = of("array integer symmetric", "3 3\n1\n2\n3\n4\n5\n6\n");
    let values = [1.0, 2.0, 3.0, 2.0, 4.0, 5.0, 3.0, 5.0, 6.0];
    reads("matrix-market", "a.mtx", symmetric.as_bytes(), &whole(3, 3, &values));
    let skew = of("array real skew-symmetric", "3 3\n1\n2\n3\n");
    let values = [0.0, -1.0, -2.0, 1.0, 0.0, -3.0, 2.0, 3.0, 0.0];
    reads("matrix-market", "a.mtx", skew.as_bytes(), &whole(3, 3, &values));
}

#[test]
fn coordinates_of_matrix_market_become_rows() {
    let of = |kind: &str, rest: &str| format!("%%MatrixMarket matrix coordinate {kind}\n{rest}");
    let general = of("real general", "2 3 3\n%\n2 3 -1.5\n\n1 1 2\n2 1 0\n");
    let expected = whole(2, 3, &[2.0, 0.0, 0.0, 0.0, 0.0, -1.5]);
    reads("matrix-market", "a.mtx", general.as_bytes(), &expected);
    let pattern = of("pattern symmetric", "2 2 2\n1 1\n2 1\n");
    reads("matrix-market", "a.mtx", pattern.as_bytes(), &whole(2, 2, &[1.0, 1.0, 1.0, 0.0]));
    let skew = of("integer skew-symmetric", "2 2 1\n2 1 5\n");
    reads("matrix-market", "a.mtx", skew.as_bytes(), &whole(2, 2, &[0.0, -5.0, 5.0, 0.0]));
}

#[test]
fn matrix_market_that_is_wrong() {
    let of = |kind: &str, rest: &str| format!("%%MatrixMarket matrix {kind}\n{rest}");
    for (text, said) in [
        ("1 2\n".to_string(), "does not begin with %%MatrixMarket"),
        (of("array complex general", "1 1\n1 0\n"), "'complex', which is not read"),
        (of("coordinate real hermitian", "1 1 0\n"), "'hermitian', which is not read"),
        (of("array pattern general", "1 1\n1\n"), "'pattern', which is not read"),
        (of("array real general", ""), "the extents is missing"),
        (of("array real general", "0 2\n"), "0 rows of 2 columns"),
        (of("array real general", "2\n"), "'' is no number of columns"),
        (of("array real symmetric", "2 3\n1\n"), "not symmetric"),
        (of("array real general", "2 1\n1\n"), "1 values, expected 2: it is truncated"),
        (of("array real general", "1 1\n1\n2\n"), "file:4: a line follows the last of 1 values"),
        (of("array real general", "1 1\n1 2\n"), "'2' follows on the line"),
        (of("array real general", "1 1\nnan\n"), "file:3: the value is NaN"),
        (of("array real general", "60000 60000\n1\n"), "cannot be in"),
        (of("coordinate real general", "2 2 1\n3 1 1\n"), "row 3, column 1 of 2 rows"),
        (of("coordinate real general", "2 2 1\n0 1 1\n"), "row 0, column 1 of 2 rows"),
        (of("coordinate real general", "2 2 2\n1 1 1\n1 1 2\n"), "row 1, column 1 has two values"),
        (
            of("coordinate real general", "4000000000 4000000000 1\n1 1 1\n"),
            "take 59604644775.4 GiB",
        ),
    ] {
        refused("matrix-market", &text, said);
    }
}

#[test]
fn values_that_f32_would_round_are_had_as_they_are() {
    let scratch = Scratch::new();
    for (name, text) in [
        ("a.mtx", "%%MatrixMarket matrix array real general\n2 1\n1000000001\n1000000002\n"),
        ("a.svm", "0 1:1000000001\n0 1:1000000002\n"),
    ] {
        let set = dataset(scratch.file(name, text.as_bytes()), None, Labels::None);
        let source = data::open(&set).expect("readable");
        assert_eq!(source.shape(), Shape { rows: 2, dims: 1 });
        let mut wide = [0f64; 2];
        assert_eq!(source.rows(0..2).expect("both").read_wide(&mut wide), Ok(2));
        assert_eq!(wide, [1_000_000_001.0, 1_000_000_002.0], "{name}");
    }
}
