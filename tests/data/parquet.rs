//! Parquet: files that pyarrow wrote (`parquet/make.py`), a small writer, and what is refused.

use std::path::PathBuf;

use amdahl_data as data;
use amdahl_data::select::Selection;
use amdahl_data::shard::shard;
use amdahl_data::{Shape, Source};
use amdahl_record::cell::{Dataset, Labels};
use amdahl_record::error::{Error, Result};

use amdahl_parquet::{Kind, Piece, Writer};

use super::{Scratch, Whole, dataset, gzip, idx, read, values};

/// A file beside this one.
pub fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/parquet").join(name)
}

/// The bytes of such a file.
pub fn golden(name: &str) -> Vec<u8> {
    std::fs::read(file(name)).expect("it lies beside the tests")
}

/// Row i of the table that `make.py` writes, and its label.
fn row(i: usize) -> ([f32; 5], u32) {
    let x = i as f32;
    let label = if i < 20 { i % 4 } else { 3 - i % 4 };
    (
        [x / 2.0 - 3.0, x * x - 100.0, (i % 3) as f32, f32::from(i.is_multiple_of(2)), 200.0 + x],
        label as u32,
    )
}

/// A Parquet file of f32 columns `c0`, `c1` …, plain and without compression, with `group` rows in
/// a row group and `page` rows in a page.
pub fn write(dims: usize, values: &[f32], group: usize, page: usize) -> Vec<u8> {
    let names: Vec<String> = (0..dims).map(|i| format!("c{i}")).collect();
    let mut writer = Writer::new(names.iter().map(|name| (&name[..], Kind::Single)), false);
    for rows in values.chunks(group * dims) {
        let columns: Vec<Vec<f32>> = (0..dims)
            .map(|column| rows.iter().skip(column).step_by(dims).copied().collect())
            .collect();
        let pages = columns.iter().map(|column| column.chunks(page).map(Piece::Single).collect());
        writer.row_group(&pages.collect::<Vec<_>>()).expect("in memory");
    }
    writer.finish("a test")
}

/// Some columns of a file.
fn opened(path: &std::path::Path, columns: &str) -> Result<Box<dyn Source>> {
    let columns = Some(Selection::parse(columns).expect("a list"));
    let set = dataset(path.into(), None, Labels::None);
    data::open_selected(&set, &Selection { columns, ..Selection::default() })
}

#[test]
fn what_pyarrow_writes() {
    let texts = ["column 'name' holds texts".to_string()];
    let expected: Vec<f32> = (0..40).flat_map(|i| row(i).0).collect();
    let labels: Vec<u32> = (0..40).map(|i| row(i).1).collect();
    let names = ["usual", "gzip", "zstd", "lz4", "brotli", "plain", "encodings", "version-2"];
    for name in names.into_iter().chain(["required"]) {
        let path = file(&format!("{name}.parquet"));
        for by in [Labels::LastColumn, Labels::Column("name".into())] {
            let whole =
                read(&dataset(path.clone(), None, by)).unwrap_or_else(|e| panic!("{name}: {e}"));
            assert_eq!(whole.shape, Shape { rows: 40, dims: 5 }, "{name}");
            assert_eq!(whole.values, expected, "{name}");
            assert_eq!(whole.labels.as_ref(), Some(&labels), "{name}");
        }
        let third = dataset(path.clone(), None, Labels::Column("third".into()));
        let source = data::open(&third).expect("numbers are left");
        assert_eq!((source.shape().dims, source.left_out()), (4, &texts[..]), "{name}");
        let error = opened(&path, "half,name").err().expect("a column of texts").to_string();
        assert!(
            error.contains("column 6 ('name') holds texts, expected numbers")
                && error.contains("leave"),
            "{error}"
        );
    }
}

#[test]
fn halves_and_decimals() {
    let source = data::open(&dataset(file("others.parquet"), None, Labels::None)).expect("valid");
    let names = ["half", "split", "d9", "d18", "d38", "plain"].map(String::from);
    assert_eq!(source.names(), Some(&names[..]));
    let expected: Vec<f32> = (0..40)
        .flat_map(|i| {
            let (half, sum) = (i as f32 / 8.0 - 1.0, (i * i) as f32 - 100.25);
            [half, half, sum, sum, sum, sum]
        })
        .collect();
    for piece in [1, 7, 40] {
        assert_eq!(values(&*source, piece).expect("readable"), expected, "{piece} rows at a time");
    }
    let labels = |name: &str| {
        let set = dataset(file("others.parquet"), None, Labels::Column(name.into()));
        read(&set).expect("numbers are labels").labels.expect("a column of labels")
    };
    let places: Vec<u32> = (0..40).collect();
    for name in names {
        assert_eq!(labels(&name), places, "{name} grows with the rows");
    }
}

#[test]
fn columns_that_are_no_values_are_left_out() {
    let left_out = |name: &str, labels: Labels| {
        let source = data::open(&dataset(file(name), None, labels)).expect("valid");
        let all = (values(&*source, 2).expect("readable"), source.truth(0..3).expect("readable"));
        (source.names().expect("named").join(" "), source.left_out().join("; "), all)
    };
    // Lists of different lengths are no vectors.
    let source = data::open(&dataset(file("nested.parquet"), None, Labels::None)).expect("valid");
    assert_eq!(source.left_out(), ["column 'two' holds nested values"]);
    let error = values(&*source, 2).expect_err("a list is shorter").to_string();
    assert!(
        error.contains("row 2, column 'list': its list has 1 values, others have 2"),
        "{error}"
    );
    assert!(error.contains("--columns reads other columns"), "{error}");
    let source = opened(&file("nested.parquet"), "x,y").expect("numbers");
    assert_eq!(values(&*source, 2), Ok(vec![0.0, 1.0, 1.0, 2.0, 2.0, 3.0]));
    let error = opened(&file("nested.parquet"), "4").err().expect("a structure").to_string();
    assert!(error.contains("holds nested values, expected numbers"), "{error}");
    for (name, index) in [("indexed", "id"), ("unnamed", "__index_level_0__")] {
        let path = format!("{name}.parquet");
        let (names, said, (values_read, labels)) = left_out(&path, Labels::LastColumn);
        assert_eq!((&names[..], labels), ("x", Some(vec![1, 0, 1])), "{name}");
        assert_eq!(said, format!("column '{index}' holds an index of pandas"));
        assert_eq!(values_read, [0.0, 1.0, 2.0]);
        // By its name, the index is a column as any other.
        let columns = Some(Selection::parse(&format!("{index},x")).expect("a list"));
        let selection = Selection { columns, ..Selection::default() };
        let set = dataset(file(&path), None, Labels::None);
        let source = data::open_selected(&set, &selection).expect("two columns");
        assert_eq!(source.shape(), Shape { rows: 3, dims: 2 });
        assert!(source.left_out().is_empty(), "{:?}", source.left_out());
    }
}

#[test]
fn lists_of_one_length_are_vectors() {
    let row = |i: usize| {
        let x = i as f32;
        [x, x, x + 0.5, -x, x, x + 0.5, -x]
    };
    let expected: Vec<f32> = (0..40).flat_map(row).collect();
    for name in ["vectors", "vectors-pages", "vectors-version-2"] {
        let path = file(&format!("{name}.parquet"));
        let set = dataset(path.clone(), None, Labels::LastColumn);
        let source = data::open(&set).unwrap_or_else(|e| panic!("{name}: {e}"));
        let names = source.names().expect("named").join(" ");
        assert_eq!(names, "x list[1] list[2] list[3] fixed[1] fixed[2] fixed[3]");
        for piece in [1, 3, 40] {
            assert_eq!(values(&*source, piece).as_ref(), Ok(&expected), "{name}");
        }
        let labels: Vec<u32> = (0..40).map(|i| self::row(i).1).collect();
        assert_eq!(source.truth(0..40).expect("labels"), Some(labels), "{name}");
        for lanes in [2, 7] {
            let mut joined = Vec::new();
            for lane in 0..lanes {
                let mut rows = source.rows(shard(lane, lanes, 40)).expect("in range");
                let mut out = vec![0.0; 40 * 7];
                let got = rows.read(&mut out).expect("readable");
                joined.extend_from_slice(&out[..got * 7]);
            }
            assert_eq!(joined, expected, "{name} on {lanes} lanes");
        }
        let mut rows = source.rows(2..40).expect("in range");
        let mut out = [0.0; 7];
        for (skip, place) in [(0, 2), (3, 6), (10, 17), (1, 19), (20, 40)] {
            rows.skip(skip).expect("some are left");
            let got = rows.read(&mut out).expect("readable");
            assert!(place == 40 && got == 0 || out == row(place), "{name}, row {place}");
        }
        let two = opened(&path, "list,x").expect("a vector and a number");
        assert_eq!((two.shape().dims, two.left_out().len()), (4, 1), "{name}");
    }
}

#[test]
fn dates_and_times_are_numbers_where_they_are_named() {
    let set = dataset(file("moments.parquet"), None, Labels::None);
    let source = data::open(&set).expect("a number is left");
    assert_eq!((source.shape().dims, source.left_out().len()), (1, 3));
    assert_eq!(source.left_out()[..2], ["column 'day' holds dates", "column 'at' holds times"]);
    let first = |name: &str, columns: &str| {
        let source = opened(&file(name), columns).expect("they are named");
        let mut wide = vec![0f64; source.shape().dims];
        assert_eq!(source.rows(0..1).expect("one").read_wide(&mut wide), Ok(1));
        wide
    };
    // 54 years and 13 leap days of before, 59 days of 2024, and microseconds.
    let day = f64::from(54 * 365 + 13 + 59);
    let micro = day * 86_400e6 + 45_296_789_012.0;
    assert_eq!(first("moments.parquet", "at,x,day"), [micro, 0.0, day]);
    assert_eq!(first("int96.parquet", "at"), [micro * 1e3]);
    // As labels they are numbers too.
    let labels = read(&dataset(file("moments.parquet"), None, Labels::Column("day".into())));
    assert_eq!(labels.expect("days").labels, Some((0..40).collect()));
}

#[test]
fn a_folder_of_files_is_one_table() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let values_of: Vec<f32> = (0..30).map(|i| i as f32).collect();
    let part = |name: &str, bytes: &[u8]| {
        std::fs::write(folder.path().join(name), bytes).expect("written");
    };
    part("part-00000.parquet", &write(3, &values_of[..12], 2, 1));
    part("part-00001.parquet", &write(3, &values_of[12..15], 2, 1));
    part("part-00002.parquet", &write(3, &values_of[15..], 100, 100));
    part("_SUCCESS", b"");
    part(".part-00000.parquet.crc", b"crc");
    let set = dataset(folder.path().into(), None, Labels::None);
    let source = data::open(&set).expect("one table");
    assert_eq!((source.shape(), source.seekable()), (Shape { rows: 10, dims: 3 }, true));
    for piece in [1, 4, 10] {
        assert_eq!(values(&*source, piece).as_ref(), Ok(&values_of));
    }
    let mut rows = source.rows(1..9).expect("in range");
    let mut out = [0.0; 3];
    for (skip, place) in [(0, 1), (1, 3), (0, 4), (2, 7), (0, 8)] {
        rows.skip(skip).expect("some are left");
        assert_eq!((rows.read(&mut out), out[0] as usize), (Ok(1), 3 * place));
    }
    assert_eq!(rows.read(&mut out), Ok(0));
    let digest = data::identify(&set).expect("readable").digest;
    part("part-00003.parquet", &write(3, &values_of[..3], 1, 1));
    assert_ne!(data::identify(&set).expect("readable").digest, digest, "a part came");
    // A sample, and labels of all rows.
    let labels = folder.path().with_extension("labels.txt");
    std::fs::write(&labels, "a\nb\n".repeat(5) + "b\n").expect("written");
    let whole = read(&dataset(folder.path().into(), None, Labels::File(labels.clone())));
    assert_eq!(whole.expect("labelled").labels.map(|labels| labels.len()), Some(11));
    std::fs::remove_file(labels).expect("ours");
    let inside =
        read(&dataset(folder.path().into(), None, Labels::LastColumn)).expect_err("several");
    assert!(inside.message.contains("several files"), "{inside}");
    // What does not fit.
    let refused = |said: &str| {
        let error = read(&set).expect_err(said).to_string();
        assert!(error.contains(said), "{error}");
    };
    part("part-00004.parquet", &write(2, &values_of[..4], 1, 1));
    refused("part-00004.parquet: 2 columns, 'part-00000.parquet' has 3");
    part("part-00004.parquet", b"PAR1");
    refused("part-00004.parquet: ");
    std::fs::create_dir(folder.path().join("day=1")).expect("made");
    refused("the folder has the folder 'day=1' in it");
    let empty = tempfile::tempdir().expect("a temporary folder");
    let none = read(&dataset(empty.path().into(), None, Labels::None)).expect_err("no files");
    assert!(none.message.contains("the folder has no files"), "{none}");
}

#[test]
fn lanes_read_their_own_rows() {
    for (name, dims) in
        [("plain", 5), ("encodings", 5), ("version-2", 5), ("zstd", 5), ("usual", 5)]
    {
        let set = dataset(file(&format!("{name}.parquet")), None, Labels::LastColumn);
        let source = data::open(&set).expect("valid");
        assert!(source.seekable(), "{name}");
        let whole = values(&*source, 40).expect("readable");
        for lanes in [1, 2, 3, 7, 40, 50] {
            let mut joined = Vec::new();
            for lane in 0..lanes {
                let range = shard(lane, lanes, 40);
                let mut out = vec![0.0; (range.end - range.start) as usize * dims];
                let mut rows = source.rows(range.clone()).expect("in range");
                assert_eq!(rows.read(&mut out).expect("readable") as u64, range.end - range.start);
                joined.extend(out);
                let labels = source.truth(range.clone()).expect("readable").expect("there");
                assert_eq!(labels, range.map(|i| row(i as usize).1).collect::<Vec<_>>());
            }
            assert_eq!(joined, whole, "{name} on {lanes} lanes");
        }
        // Reading and skipping in turns.
        let mut rows = source.rows(3..39).expect("in range");
        let mut out = [0.0; 5];
        for (skip, expected) in [(0, 3), (4, 8), (1, 10), (17, 28), (9, 38)] {
            rows.skip(skip).expect("some are left");
            assert_eq!(rows.read(&mut out).expect("readable"), 1);
            assert_eq!(out, row(expected).0, "{name}");
        }
        rows.skip(9).expect("none is left");
        assert_eq!(rows.read(&mut out).expect("at the end"), 0);
    }
}

#[test]
fn row_groups_and_pages_of_any_size() {
    let written: Vec<f32> = (0..300).map(|i| (i as f32).sqrt()).collect();
    let scratch = Scratch::new();
    for (dims, group, page) in
        [(1, 1000, 1000), (3, 100, 7), (3, 7, 100), (5, 1, 1), (300, 1, 1), (2, 64, 64)]
    {
        let path = scratch.file("made.parquet", &write(dims, &written, group, page));
        let source = data::open(&dataset(path, None, Labels::None)).expect("valid");
        assert_eq!(source.shape(), Shape { rows: 300 / dims as u64, dims });
        for piece in [1, 4, 300] {
            assert_eq!(
                values(&*source, piece).expect("readable"),
                written,
                "{dims} columns, {group} and {page} rows"
            );
        }
    }
}

#[test]
fn labels_of_their_own_file_and_numbers_as_labels() {
    let scratch = Scratch::new();
    let labels = scratch.file("labels.parquet", &write(1, &[7.0, -1.0, 3.0, 7.0], 2, 2));
    let data = scratch.file("data.idx", &idx(8, &[4, 1], &[1, 2, 3, 4]));
    let whole = read(&dataset(data.clone(), None, Labels::File(labels))).expect("valid");
    assert_eq!(whole.labels, Some(vec![2, 0, 1, 2]));
    let two = scratch.file("two.parquet", &write(2, &[0.0; 8], 2, 2));
    let error = read(&dataset(data, None, Labels::File(two.clone()))).expect_err("two columns");
    assert!(error.message.contains("labels are one column, the file has 2"), "{error}");
    let Whole { shape, labels, .. } =
        read(&dataset(two, None, Labels::Column("c0".into()))).expect("valid");
    assert_eq!((shape.dims, labels), (1, Some(vec![0; 4])));
}

#[test]
fn a_sample_of_a_file() {
    let set = |points| Dataset::File {
        path: file("plain.parquet"),
        format: Some("parquet".into()),
        labels: Labels::LastColumn,
        dataset: None,
        sample: Some(amdahl_record::cell::Sample { points, seed: 4 }),
    };
    let sampled = read(&set(11)).expect("11 of 40");
    for (row_of, label) in sampled.values.chunks(5).zip(sampled.labels.expect("there")) {
        let i = (row_of[4] - 200.0) as usize;
        assert_eq!((row_of, label), (&row(i).0[..], row(i).1));
    }
}

#[test]
fn some_columns_only() {
    let select = |columns: &str| {
        let columns = Some(Selection::parse(columns).expect("a list"));
        let set = dataset(file("usual.parquet"), None, Labels::None);
        data::open_selected(&set, &Selection { columns, ..Selection::default() })
    };
    let source = select("small,1").expect("columns of numbers");
    assert_eq!(source.names(), Some(&["small".to_string(), "half".into()][..]));
    let expected: Vec<f32> = (0..40).flat_map(|i| [row(i).0[4], row(i).0[0]]).collect();
    assert_eq!(values(&*source, 9).expect("readable"), expected);
    let error = select("small,name").err().expect("a column of texts");
    assert!(error.message.contains("column 6 ('name') holds texts"), "{error}");
    assert!(select("7").err().expect("there are six").to_string().contains("usual.parquet"));
}

fn refused(bytes: &[u8], labels: Labels) -> Error {
    let scratch = Scratch::new();
    let whole: Result<Whole> = scratch.read("file.parquet", bytes, Some("parquet"), labels);
    let error = whole.expect_err("refused");
    assert!(error.to_string().contains("file.parquet") && error.exit_code() == 2, "{error}");
    error
}

#[test]
fn what_is_refused() {
    let says = |bytes: &[u8], said: &[&str]| {
        let text = refused(bytes, Labels::None).to_string();
        for said in said {
            assert!(text.contains(said), "'{said}' is not in: {text}");
        }
    };
    says(
        &golden("null.parquet"),
        &["row 3, column 'x': the value is missing (null)", "fill them in"],
    );
    // One bit makes LZO of no compression.
    let mut lzo = write(1, &[1.0], 1, 1);
    let codec = lzo.windows(5).rposition(|w| w == [0x15, 0, 0x16, 2, 0x16]).expect("its chunk");
    lzo[codec + 1] = 6;
    says(&lzo, &["column 'c0' is compressed by lzo, which is not read", "snappy, zstd"]);
    let usual = golden("usual.parquet");
    let last = usual.len() - 1;
    says(&usual[..last], &["does not end with PAR1", "not written or copied to its end"]);
    says(&usual[..9], &["12 bytes at least, this one 9: it is truncated"]);
    says(
        b"PAR2 and more bytes than twelve",
        &["expected 50 41 52 31, got 50 41 52 32", "not a Parquet file"],
    );
    says(b"PARE and more bytes than twelve", &["encrypted"]);
    says(&gzip(&usual), &["inside a gzip file", "gunzip"]);
    let mut long = usual.clone();
    long[last - 7..last - 3].copy_from_slice(&u32::MAX.to_le_bytes());
    says(&long, &["the footer says it is 4294967295 bytes long"]);
    let missing = refused(&usual, Labels::Column("nam".into()));
    assert!(missing.message.contains("no column is called 'nam', there are '"), "{missing}");
    assert_eq!(missing.hint.as_deref(), Some("did you mean 'name'?"));
    let only = refused(&write(1, &[1.0], 1, 1), Labels::LastColumn);
    assert!(only.message.contains("0 columns beside labels"), "{only}");
    let bad = |value: f32| write(2, &[1.0, 2.0, 3.0, value], 1, 1);
    says(&bad(f32::NAN), &["row 2, column 2 ('c1'): the value is NaN"]);
    says(&bad(f32::NEG_INFINITY), &["row 2, column 2 ('c1'): the value is infinite"]);
    // Inside the first page, whose header has a checksum.
    let mut wrong = golden("encodings.parquet");
    wrong[100] ^= 1;
    let scratch = Scratch::new();
    let text = scratch
        .read("a.parquet", &wrong, None, Labels::LastColumn)
        .expect_err("damaged")
        .to_string();
    assert!(text.contains("checksum is wrong") && text.contains("write it again"), "{text}");
    let empty = write(2, &[], 1, 1);
    says(&empty, &["the file has 0 rows"]);
}
