//! Every format, written by hand and read back.

use amdahl_data as data;
use amdahl_data::Shape;
use amdahl_data::format::FORMATS;
use amdahl_data::select::Selection;
use amdahl_data::shard::shard;
use amdahl_record::cell::Labels;

use super::{Scratch, Whole, by_columns, dataset, fortran, gzip, idx, liao, little, npy};

const VALUES: [f32; 6] = [1.5, -2.0, 0.0, 3.25e-20, 1e30, -0.0];

pub fn whole(rows: u64, dims: usize, values: &[f32]) -> Whole {
    Whole { shape: Shape { rows, dims }, values: values.to_vec(), labels: None }
}

/// Reads it plain and compressed, by its content, its name and the format's name.
pub fn reads(format: &str, name: &str, file: &[u8], expected: &Whole) {
    let scratch = Scratch::new();
    for (name, bytes) in [(name.to_string(), file.to_vec()), (format!("{name}.gz"), gzip(file))] {
        for format in [None, Some(format)] {
            let got = scratch
                .read(&name, &bytes, format, Labels::None)
                .unwrap_or_else(|e| panic!("{name} {format:?}: {e}"));
            assert_eq!(&got, expected, "{name} {format:?}");
        }
        let source = data::open(&dataset(scratch.file(&name, &bytes), None, Labels::None))
            .expect("readable");
        let by_lines = ["csv", "libsvm", "matrix-market"].contains(&format);
        assert_eq!(source.seekable(), !name.ends_with(".gz") && !by_lines, "{name}");
        let (first, last) = (expected.shape.rows / 2, expected.shape.rows);
        let dims = expected.shape.dims;
        let mut rows = source.rows(first..last).expect("in range");
        let mut out = vec![0.0; (last - first) as usize * dims];
        assert_eq!(rows.read(&mut out).expect("readable") as u64, last - first);
        assert_eq!(out, expected.values[first as usize * dims..], "the second half of {name}");
        assert_eq!(rows.read(&mut out).expect("the end"), 0);
    }
}

#[test]
fn every_format_has_a_test_here() {
    let names: Vec<_> = FORMATS.iter().map(|format| format.name).collect();
    assert_eq!(
        names,
        [
            "npy",
            "parquet",
            "arrow",
            "hdf5",
            "liao",
            "idx",
            "fvecs",
            "bvecs",
            "ivecs",
            "fbin",
            "u8bin",
            "i8bin",
            "matrix-market",
            "libsvm",
            "csv"
        ]
    );
}

#[test]
fn npy_of_every_version_and_type() {
    let expected = whole(3, 2, &VALUES);
    for version in [1, 2, 3] {
        reads("npy", "a.npy", &npy(version, "<f4", &[3, 2], &little(&VALUES)), &expected);
    }
    let big: Vec<u8> = VALUES.iter().flat_map(|x| x.to_be_bytes()).collect();
    reads("npy", "content.decides", &npy(1, ">f4", &[3, 2], &big), &expected);
    let double: Vec<u8> = VALUES.iter().flat_map(|x| f64::from(*x).to_le_bytes()).collect();
    reads("npy", "a.npy", &npy(1, "<f8", &[3, 2], &double), &expected);
    reads(
        "npy",
        "a.npy",
        &npy(1, "|u1", &[2, 1, 3], &[0, 1, 2, 253, 254, 255]),
        &whole(2, 3, &[0.0, 1.0, 2.0, 253.0, 254.0, 255.0]),
    );
    reads("npy", "a.npy", &npy(1, "|i1", &[2], &[127, 128]), &whole(2, 1, &[127.0, -128.0]));
    let long: Vec<u8> =
        [i64::MIN, 16_777_217, 16_777_219].iter().flat_map(|x| x.to_le_bytes()).collect();
    let rounded = [-9.223_372e18, 16_777_216.0, 16_777_220.0];
    reads("npy", "a.npy", &npy(1, "<i8", &[3, 1], &long), &whole(3, 1, &rounded));
}

#[test]
fn npy_of_half_precision() {
    // 1, −2, 0, the least number above 0, the largest, and one below 2^-14.
    let bits = [0x3c00u16, 0xc000, 0x0000, 0x0001, 0x7bff, 0x03ff];
    let values = [1.0, -2.0, 0.0, 5.960_464_5e-8, 65504.0, 6.097_555e-5];
    let little: Vec<u8> = bits.iter().flat_map(|x| x.to_le_bytes()).collect();
    reads("npy", "a.npy", &npy(1, "<f2", &[3, 2], &little), &whole(3, 2, &values));
    let big: Vec<u8> = bits.iter().flat_map(|x| x.to_be_bytes()).collect();
    reads("npy", "a.npy", &npy(1, ">f2", &[2, 3], &big), &whole(2, 3, &values));
    let infinite = npy(1, "<f2", &[1, 1], &0x7c00u16.to_le_bytes());
    let error = Scratch::new().read("a.npy", &infinite, None, Labels::None).expect_err("infinite");
    assert!(error.message.contains("row 1, column 1: the value is infinite"), "{error}");
}

/// Rows that each begin with their number of columns.
fn vectors<const N: usize>(dims: i32, rows: &[[u8; N]]) -> Vec<u8> {
    rows.iter().flat_map(|row| [&dims.to_le_bytes()[..], row].concat()).collect()
}

#[test]
fn vectors_of_benchmarks() {
    let read = |name: &str, bytes: &[u8]| Scratch::new().read(name, bytes, None, Labels::None);
    let rows: Vec<[u8; 8]> =
        VALUES.chunks(2).map(|row| little(row).try_into().expect("two values")).collect();
    let fvecs = vectors(2, &rows);
    assert_eq!(read("a.fvecs", &fvecs), Ok(whole(3, 2, &VALUES)));
    let bytes = whole(2, 3, &[0.0, 1.0, 2.0, 253.0, 254.0, 255.0]);
    assert_eq!(read("a.bvecs", &vectors(3, &[[0, 1, 2], [253, 254, 255]])), Ok(bytes.clone()));
    let whole_numbers: Vec<[u8; 4]> = [7i32, -9].map(i32::to_le_bytes).to_vec();
    assert_eq!(read("a.ivecs", &vectors(1, &whole_numbers)), Ok(whole(2, 1, &[7.0, -9.0])));
    let headed = |values: &[u8], rows: u32, columns: u32| {
        [&rows.to_le_bytes()[..], &columns.to_le_bytes(), values].concat()
    };
    assert_eq!(read("a.fbin", &headed(&little(&VALUES), 3, 2)), Ok(whole(3, 2, &VALUES)));
    assert_eq!(read("a.u8bin", &headed(&[0, 1, 2, 253, 254, 255], 2, 3)), Ok(bytes));
    let signed = whole(3, 1, &[127.0, -128.0, -1.0]);
    assert_eq!(read("a.i8bin", &headed(&[127, 128, 255], 3, 1)), Ok(signed));
    // Parts of rows, and from the middle on.
    let scratch = Scratch::new();
    let file = dataset(scratch.file("b.fvecs", &fvecs), None, Labels::None);
    let source = data::open(&file).expect("readable");
    let mut out = [0f32; 2];
    let mut stream = source.rows(1..3).expect("two rows");
    stream.skip(1).expect("one");
    assert_eq!((stream.read(&mut out), out, stream.position()), (Ok(1), [1e30, -0.0], 3));
    for (name, bytes, what) in [
        ("a.fvecs", &fvecs[..fvecs.len() - 1], "11 bytes follow the last whole row"),
        ("a.fvecs", &[0, 0, 0, 0], "row 1 says 0 columns"),
        ("a.fvecs", &[1, 0], "the file has 2: it is truncated"),
        ("a.bvecs", &vectors(2, &[[1, 2]])[..], ""),
        ("a.bvecs", &[2, 0, 0, 0, 1, 2, 3, 0, 0, 0, 1, 2], "row 2 does not say 2 columns"),
        ("a.u8bin", &headed(&[1, 2, 3], 2, 2)[..], "it is truncated, 1 bytes are missing"),
        ("a.fbin", &[1, 0, 0], "the file has 3: it is truncated"),
    ] {
        match read(name, bytes) {
            Ok(_) => assert_eq!(what, "", "{name}"),
            Err(error) => assert!(!what.is_empty() && error.message.contains(what), "{error}"),
        }
    }
}

#[test]
fn npy_in_the_order_of_fortran() {
    let expected = whole(3, 2, &VALUES);
    let columns = by_columns(2, &VALUES);
    for version in [1, 2, 3] {
        reads("npy", "a.npy", &fortran(version, "<f4", &[3, 2], &little(&columns)), &expected);
    }
    let big: Vec<u8> = columns.iter().flat_map(|x| f64::from(*x).to_be_bytes()).collect();
    reads("npy", "a.npy", &fortran(1, ">f8", &[3, 2], &big), &expected);
    // The value at (i, j, k) is 100 i + 10 j + k; stored, i runs fastest and k slowest.
    let of = |i: u8, j: u8, k: u8| 100 * i + 10 * j + k;
    let mut stored = Vec::new();
    let mut values = Vec::new();
    for k in 0..3 {
        (0..2).for_each(|j| stored.extend((0..2).map(|i| of(i, j, k))));
    }
    for i in 0..2 {
        (0..2).for_each(|j| values.extend((0..3).map(|k| f32::from(of(i, j, k)))));
    }
    reads("npy", "a.npy", &fortran(1, "|u1", &[2, 2, 3], &stored), &whole(2, 6, &values));
    reads("npy", "a.npy", &fortran(1, "|u1", &[3], &[1, 2, 3]), &whole(3, 1, &[1.0, 2.0, 3.0]));
}

/// More values than a block of rows has, on one, two and three lanes, in pieces of every size and
/// with rows passed over.
#[test]
fn lanes_read_their_own_rows_of_an_array_in_the_order_of_fortran() {
    let (rows, dims) = (50_000, 9);
    let expected: Vec<f32> = (0..rows * dims).map(|i| i as f32).collect();
    let file = fortran(1, "<f4", &[rows, dims], &little(&by_columns(dims, &expected)));
    let scratch = Scratch::new();
    for (name, bytes) in [("a.npy", file.clone()), ("a.npy.gz", gzip(&file))] {
        let set = dataset(scratch.file(name, &bytes), None, Labels::None);
        let source = data::open(&set).expect("readable");
        for lanes in [1, 2, 3] {
            for piece in [1000, 4096, rows] {
                let mut joined = Vec::new();
                for lane in 0..lanes {
                    let mut stream =
                        source.rows(shard(lane, lanes, rows as u64)).expect("in range");
                    let mut out = vec![0.0; piece * dims];
                    loop {
                        let got = stream.read(&mut out).expect("readable");
                        if got == 0 {
                            break;
                        }
                        joined.extend_from_slice(&out[..got * dims]);
                    }
                }
                assert!(joined == expected, "{name}: {lanes} lanes, {piece} rows at a time");
            }
        }
        let mut stream = source.rows(10..rows as u64).expect("in range");
        let mut row = vec![0.0; dims];
        let mut at = 10;
        for skip in [0, 0, 1, 5000, 3, 20_000, 0, 0, 0] {
            stream.skip(skip).expect("some are left");
            at += skip as usize;
            assert_eq!(stream.read(&mut row).expect("readable"), 1);
            assert_eq!(row, expected[at * dims..(at + 1) * dims], "{name}: row {at}");
            at += 1;
        }
    }
}

#[test]
fn npy_of_bfloat16_as_ml_dtypes_writes_it() {
    // 1.5, -2, the least normal number, the largest finite one; NaN.
    let bits = [0x3fc0u16, 0xc000, 0x0080, 0x7f7f];
    let bytes: Vec<u8> = bits.iter().flat_map(|x| x.to_le_bytes()).collect();
    let values = [1.5, -2.0, f32::MIN_POSITIVE, f32::from_bits(0x7f7f_0000)];
    reads("npy", "a.npy", &npy(1, "<V2", &[2, 2], &bytes), &whole(2, 2, &values));
    let error =
        Scratch::new().read("a.npy", &npy(1, "<V2", &[1], &[0xc0, 0x7f]), None, Labels::None);
    assert!(error.expect_err("NaN").message.contains("row 1, column 1: the value is NaN"));
}

#[test]
fn doubles_are_rounded_to_the_nearest_float() {
    let (one, half_up) = (1.0f64, 1.0 + f64::from(f32::EPSILON) / 2.0);
    let values = [one, half_up, half_up * (1.0 + f64::EPSILON), f64::from(f32::MAX), 1e-60];
    let bytes: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
    let expected = [1.0, 1.0, 1.0 + f32::EPSILON, f32::MAX, 0.0];
    reads("npy", "a.npy", &npy(1, "<f8", &[1, 5], &bytes), &whole(1, 5, &expected));
}

#[test]
fn idx_of_every_type() {
    let expected = whole(2, 3, &[1.0, 2.0, 3.0, 4.0, 5.0, 100.0]);
    let of = |kind, bytes: Vec<u8>| idx(kind, &[2, 3], &bytes);
    let values = [1i8, 2, 3, 4, 5, 100];
    let name = "t-idx2-ubyte";
    reads("idx", name, &of(8, values.map(|x| x as u8).to_vec()), &expected);
    reads("idx", name, &of(9, values.map(|x| x as u8).to_vec()), &expected);
    reads(
        "idx",
        name,
        &of(0x0b, values.iter().flat_map(|&x| i16::from(x).to_be_bytes()).collect()),
        &expected,
    );
    reads(
        "idx",
        name,
        &of(0x0c, values.iter().flat_map(|&x| i32::from(x).to_be_bytes()).collect()),
        &expected,
    );
    reads(
        "idx",
        name,
        &of(0x0d, values.iter().flat_map(|&x| f32::from(x).to_be_bytes()).collect()),
        &expected,
    );
    reads(
        "idx",
        "content.decides",
        &of(0x0e, values.iter().flat_map(|&x| f64::from(x).to_be_bytes()).collect()),
        &expected,
    );
    reads("idx", name, &idx(8, &[2, 3, 1, 1], &[1, 2, 3, 4, 5, 100]), &expected);
    reads("idx", name, &idx(9, &[3], &[1, 0, 0xff]), &whole(3, 1, &[1.0, 0.0, -1.0]));
}

#[test]
fn liao_by_its_size_or_its_name() {
    reads("liao", "a.bin", &liao(3, 2, &VALUES), &whole(3, 2, &VALUES));
    let scratch = Scratch::new();
    let got =
        scratch.read("no-name", &liao(2, 3, &VALUES), None, Labels::None).expect("the size fits");
    assert_eq!(got, whole(2, 3, &VALUES));
    // 0x0108_0000 rows begin like an IDX file of one dimension; the size decides.
    let rows = 0x0108_0000;
    let file = liao(rows, 1, &vec![1.0; rows as usize]);
    let source = data::open(&dataset(scratch.file("many", &file), None, Labels::None))
        .expect("the size fits");
    assert_eq!(source.shape(), Shape { rows: rows as u64, dims: 1 });
}

#[test]
fn text_with_every_separator() {
    let expected = whole(3, 2, &VALUES);
    for separator in [",", ";", "\t", " ", "   ", " , "] {
        for end in ["\n", "\r\n", "\n\n"] {
            let lines = VALUES.chunks(2).map(|row| format!("{:?}{separator}{:?}", row[0], row[1]));
            let text = lines.collect::<Vec<_>>().join(end);
            reads("csv", "a.csv", text.as_bytes(), &expected);
            reads("csv", "content.decides", format!("{text}{end}").as_bytes(), &expected);
            let header = format!("x{separator}\"y z\"{end}{text}");
            reads("csv", "a.csv", header.as_bytes(), &expected);
            reads("csv", "a.txt", format!("\u{feff}{header}").as_bytes(), &expected);
        }
    }
    reads("csv", "a.csv", b"+1,.5,1e3\n", &whole(1, 3, &[1.0, 0.5, 1000.0]));
    // The nearest f32; by way of f64 it would be rounded twice, to 1 + 2^-23.
    reads("csv", "a.csv", b"1.00000005960464477540\n", &whole(1, 1, &[1.0 + f32::EPSILON]));
    reads("csv", "a.csv", b"1.00000005960464477539\n", &whole(1, 1, &[1.0]));
}

#[test]
fn text_as_numpy_pandas_r_and_excel_write_it() {
    let values = whole(2, 2, &[1.0, 2.0, 3.0, 4.0]);
    let opened = |text: &str| {
        let scratch = Scratch::new();
        let file = scratch.file("a.csv", text.as_bytes());
        data::open(&dataset(file, None, Labels::None)).unwrap_or_else(|e| panic!("{text}: {e}"))
    };
    let names = |text: &str| opened(text).names().map(<[String]>::to_vec).unwrap_or_default();
    for (text, expected) in [
        // numpy.savetxt with a header, and with two lines of comments.
        ("# a,b\n1.0e+00,2.0e+00\n3.0e+00,4.0e+00\n", &["a", "b"][..]),
        ("# made by hand\n# a b\n1 2\n3 4\n", &["a", "b"]),
        ("# 2 columns, by hand\n1,2\n# between\n3,4\n#\n", &["2 columns", "by hand"]),
        ("# by hand\n1,2\n3,4\n", &[]),
        // Excel where the comma is the decimal mark.
        ("sep=;\na;b\n1;2\n3;4\n", &["a", "b"]),
        ("sep=|\r\n1|2\r\n3|4\r\n", &[]),
        // pandas: with its index, without names of its own, both.
        (",a,b\n0,1,2\n1,3,4\n", &["a", "b"]),
        (",0,1\nx,1,2\ny,3,4\n", &["0", "1"]),
        // R: write.csv, and write.table, whose header is a name short.
        ("\"\",\"a\",\"b\"\n\"1\",1,2\n\"2\",3,4\n", &["a", "b"]),
        ("\"a\" \"b\"\n\"1\" 1 2\n\"2\" 3 4\n", &["a", "b"]),
    ] {
        reads("csv", "a.csv", text.as_bytes(), &values);
        assert_eq!(names(text), expected, "{text}");
    }
    // pandas without names: 0, 1, 2 … count the columns; two numbers may as well be a row.
    reads("csv", "a.csv", b"0,1,2\n5,6,7\n", &whole(1, 3, &[5.0, 6.0, 7.0]));
    reads("csv", "a.csv", b"0,1,2\n3,4,5\n", &whole(2, 3, &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]));
    reads("csv", "a.csv", b"0,1\n5,6\n", &whole(2, 2, &[0.0, 1.0, 5.0, 6.0]));
    reads("csv", "a.csv", b"0,1,2\n", &whole(1, 3, &[0.0, 1.0, 2.0]));
    let said = opened("0,1,2\n5,6,7\n").left_out().to_vec();
    assert!(said.len() == 1 && said[0].starts_with("line 1, which counts"), "{said:?}");
    // What was left out is said, and had for the asking.
    let index = ",a,b\n7,1,2\n8,3,4\n";
    assert_eq!(
        opened(index).left_out(),
        ["column 1 has no name, as an index that pandas or R wrote"]
    );
    let scratch = Scratch::new();
    let file = dataset(scratch.file("a.csv", index.as_bytes()), None, Labels::None);
    let columns = Selection {
        columns: Some(Selection::parse("1,3").expect("a list")),
        ..Selection::default()
    };
    let asked = data::open_selected(&file, &columns).expect("readable");
    let mut out = [0f32; 4];
    asked.rows(0..2).expect("both").read(&mut out).expect("values");
    assert_eq!((out, asked.left_out().len()), ([7.0, 2.0, 8.0, 4.0], 0));
}

#[test]
fn text_with_labels() {
    let scratch = Scratch::new();
    let read =
        |text: &str, labels| scratch.read("a.csv", text.as_bytes(), None, labels).expect(text);
    let expected = |values: &[f32], labels: &[u32]| Whole {
        labels: Some(labels.to_vec()),
        ..whole(2, 2, values)
    };
    let last = expected(&[1.0, 2.0, 3.0, 4.0], &[1, 0]);
    assert_eq!(read("1,2,b\n3,4,a\n", Labels::LastColumn), last, "no header");
    assert_eq!(read("x,y,name\n1,2,b\n3,4,a\n", Labels::LastColumn), last);
    assert_eq!(
        read("0,1,name\n1,2,7\n3,4,3\n", Labels::LastColumn),
        last,
        "only the label's name is one"
    );
    assert_eq!(read("1,2,7\n3,4,3\n", Labels::LastColumn), last);
    assert_eq!(read("x,name,y\n1,b,2\n3,a,4\n", Labels::Column("name".into())), last);
    assert_eq!(
        read("2,2,ham,spam\n1,2,1\n3,4,0\n", Labels::LastColumn),
        last,
        "scikit-learn's first line"
    );
    let file = Labels::File(scratch.file("labels.csv", b"class\n12\n7\n"));
    assert_eq!(read("1,2\n3,4\n", file), last);
}

#[test]
fn label_files_of_every_format() {
    let scratch = Scratch::new();
    let data = liao(3, 2, &VALUES);
    let long: Vec<u8> = [5i64, -1, 5].iter().flat_map(|x| x.to_le_bytes()).collect();
    for (name, labels) in [
        ("l-idx1-ubyte", idx(8, &[3], &[5, 2, 5])),
        ("l.gz", gzip(&idx(8, &[3], &[5, 2, 5]))),
        ("l.npy", npy(1, "<i8", &[3], &long)),
        ("l.npy", npy(1, "<f4", &[3, 1], &little(&[2.0, -0.5, 2.0]))),
        ("l.bin", liao(3, 1, &[2.0, 1.0, 2.0])),
        ("l.csv", b"5\n2\n5\n".to_vec()),
        ("l.csv", b"label\n5\n2\n5".to_vec()),
        ("l.txt", b"ship\nbird\nship\n".to_vec()),
        ("l.txt.gz", gzip(b"\"ship\"\n\"bird\"\n\"ship\"\n")),
    ] {
        let labels = Labels::File(scratch.file(name, &labels));
        let got = scratch.read("a.bin", &data, None, labels).expect(name);
        assert_eq!(got.labels, Some(vec![1, 0, 1]), "{name}");
    }
}

#[test]
fn skipping_is_reading_without_looking() {
    let values: Vec<f32> = (0..60_000).map(|i| i as f32).collect();
    let scratch = Scratch::new();
    let text: String =
        values.chunks(3).map(|row| format!("{},{},{}\n", row[0], row[1], row[2])).collect();
    for (name, file) in [
        ("a.bin", liao(20_000, 3, &values)),
        ("b.bin.gz", gzip(&liao(20_000, 3, &values))),
        ("a.csv", text.into_bytes()),
    ] {
        let source =
            data::open(&dataset(scratch.file(name, &file), None, Labels::None)).expect("readable");
        let mut rows = source.rows(10..19_990).expect("in range");
        let mut out = [0.0; 6];
        let mut next = 10;
        for skip in [0, 1, 5, 1000, 6000, 0, 12_000] {
            rows.skip(skip).expect("in range");
            next += skip;
            assert_eq!((rows.position(), rows.read(&mut out).expect("readable")), (next, 2));
            assert_eq!(out[0] as u64, next * 3, "{name}");
            next += 2;
        }
        rows.skip(u64::MAX).expect("to the end");
        assert_eq!((rows.position(), rows.read(&mut out).expect("the end")), (19_990, 0));
    }
}
