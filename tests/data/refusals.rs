//! What is refused, and that the error says what, where and both numbers.

use amdahl_data as data;
use amdahl_record::cell::{Dataset, Labels, Sample};

use super::{Scratch, dataset, fortran, gzip, idx, liao, little, npy, read};

/// Refused as the format, plain and compressed, with all of `said` in the message.
fn refused(format: &str, file: &[u8], labels: Labels, said: &[&str]) {
    let scratch = Scratch::new();
    for (name, bytes) in [("file", file.to_vec()), ("file.gz", gzip(file))] {
        let error = scratch.read(name, &bytes, Some(format), labels.clone()).expect_err(said[0]);
        let text = error.to_string();
        assert!(text.contains(name) && error.exit_code() == 2, "{text}");
        // Of a compressed file the size is not known before it is read: it says less of the header.
        let said = if name == "file" || said.len() == 1 { said } else { &said[..1] };
        for said in said {
            assert!(text.contains(said), "'{said}' is not in: {text}");
        }
    }
}

#[test]
fn values_that_are_not_finite() {
    let bad = |value: f32| little(&[0.0, 1.0, 2.0, 3.0, 4.0, value]);
    for (value, word) in
        [(f32::NAN, "NaN"), (f32::INFINITY, "infinite"), (f32::NEG_INFINITY, "infinite")]
    {
        let said = &[&format!("row 3, column 2: the value is {word}")[..]];
        refused("npy", &npy(1, "<f4", &[3, 2], &bad(value)), Labels::None, said);
        refused(
            "liao",
            &[&3i32.to_le_bytes()[..], &2i32.to_le_bytes(), &bad(value)].concat(),
            Labels::None,
            said,
        );
        let big: Vec<u8> =
            [0.0f32, 1.0, 2.0, 3.0, 4.0, value].iter().flat_map(|x| x.to_be_bytes()).collect();
        refused("idx", &idx(0x0d, &[3, 2], &big), Labels::None, said);
        refused(
            "csv",
            format!("0,1\n2,3\n4,{value}\n").as_bytes(),
            Labels::None,
            &[said[0], "file:3: "],
        );
        refused(
            "csv",
            format!("x,y\n0,1\n\n2,3\n4,{value}\n").as_bytes(),
            Labels::None,
            &["row 3, column 2 ('y')", "file:5: ", word],
        );
    }
    let wide: Vec<u8> = [1.0, -1e39].iter().flat_map(|x: &f64| x.to_le_bytes()).collect();
    refused(
        "npy",
        &npy(1, "<f8", &[1, 2], &wide),
        Labels::None,
        &["row 1, column 2: the value is -1e39, beyond the range of f32"],
    );
    refused(
        "csv",
        b"1,-1e39\n",
        Labels::None,
        &["row 1, column 2: the value is -1e39, beyond the range of f32"],
    );
}

#[test]
fn a_bad_value_is_found_wherever_a_lane_begins() {
    let mut values = vec![1.0; 40_000];
    values[30_001] = f32::NAN;
    let scratch = Scratch::new();
    let path = scratch.file("a.bin", &liao(10_000, 4, &values));
    let source = data::open(&dataset(path, None, Labels::None)).expect("the header is right");
    let mut out = vec![0.0; 40_000];
    assert_eq!(source.rows(0..7500).expect("in range").read(&mut out).expect("before it"), 7500);
    for first in [0, 7400, 7500] {
        let error = source.rows(first..8000).expect("in range").read(&mut out).expect_err("NaN");
        assert!(error.message.contains("row 7501, column 2"), "{error}");
    }
}

#[test]
fn ragged_and_wrong_text() {
    let refused =
        |text: &str, labels: Labels, said: &[&str]| refused("csv", text.as_bytes(), labels, said);
    refused("1,2\n3\n", Labels::None, &["row 2 has 1 fields, expected 2 in row 1", "file:2: "]);
    refused(
        "x,y\n1,2,3\n",
        Labels::None,
        &["row 1 has 3 fields, expected 2 in the header", "file:2: "],
    );
    refused("1,2\n3,x\n", Labels::None, &["row 2, column 2: 'x' is not a number"]);
    refused("1,2\n3,\n", Labels::None, &["row 2, column 2: the field is empty"]);
    refused("1,?\n3,4\n", Labels::None, &["row 1, column 2: '?' is not a number"]);
    refused("1,\"2\n3,4\n", Labels::None, &["a quote is not closed", "file:1: "]);
    refused(
        "1,2\n3,\"4\"5\n",
        Labels::None,
        &["text follows the closing quote of field 2", "file:2: "],
    );
    refused("x,y\n", Labels::None, &["0 rows"]);
    refused("\n\n", Labels::None, &["0 rows"]);
    refused("1\n2\n", Labels::LastColumn, &["0 columns beside labels"]);
    refused(
        "1,2\n3,4\n",
        Labels::Column("y".into()),
        &["no column can be called 'y': the file has no header"],
    );
    refused(
        "x,label\n3,4\n",
        Labels::Column("labels".into()),
        &["no column is called 'labels'", "did you mean 'label'?"],
    );
    refused("x,y,y\n1,3,4\n", Labels::Column("y".into()), &["two columns are called 'y': 2 and 3"]);
    refused("1,a\n2,\n", Labels::LastColumn, &["row 2, column 2: the label is empty"]);
    refused(
        "3,1,a,b\n1,0\n2,1\n",
        Labels::LastColumn,
        &["the first line says 3 rows, the file has 2"],
    );
}

#[test]
fn sizes_that_are_not_what_the_header_says() {
    let (f, n) = (&[1.0; 6], Labels::None);
    let says =
        ["the header says 3 x 2 f32 values = 32 bytes", "the file has 28", "4 bytes are missing"];
    let short = |file: Vec<u8>| file[..file.len() - 4].to_vec();
    let long = |file: Vec<u8>| [&file[..], &[0; 5]].concat();
    let scratch = Scratch::new();
    let plain = |format: &str, file: &[u8]| {
        scratch.read("file", file, Some(format), Labels::None).expect_err("wrong size").to_string()
    };
    for said in says {
        assert!(plain("liao", &short(liao(3, 2, f))).contains(said));
    }
    assert!(
        plain("liao", &long(liao(3, 2, f)))
            .contains("the file has 37: 5 bytes follow the last row")
    );
    refused(
        "liao",
        &short(liao(3, 2, f)),
        n.clone(),
        &["32 bytes with the header, the file has 28"],
    );
    refused(
        "liao",
        &long(liao(3, 2, f)),
        n.clone(),
        &["32 bytes with the header, the file has 37"],
    );
    refused(
        "npy",
        &short(npy(1, "<f4", &[3, 2], &little(f))),
        n.clone(),
        &["152 bytes with the header, the file has 148"],
    );
    refused(
        "npy",
        &long(npy(1, "<f4", &[3, 2], &little(f))),
        n.clone(),
        &["5 bytes follow the last row"],
    );
    refused(
        "idx",
        &short(idx(8, &[2, 3], &[0; 6])),
        n.clone(),
        &["18 bytes with the header, the file has 14"],
    );
    refused("idx", &long(idx(8, &[2, 3], &[0; 6])), n.clone(), &["5 bytes follow the last row"]);
    for length in [3, 7, 11] {
        assert!(plain("idx", &idx(8, &[2, 3], &[0; 6])[..length]).contains(if length < 4 {
            "magic"
        } else {
            "truncated"
        }));
        assert!(plain("npy", &npy(2, "<f4", &[3, 2], &[])[..length]).contains(if length < 6 {
            "magic"
        } else {
            "truncated"
        }));
    }
    assert!(plain("liao", &[1, 0, 0, 0]).contains("needs 8 bytes, the file has 4"));
}

#[test]
fn headers_that_promise_the_moon() {
    // 20 bytes that claim 2^31 - 1 rows are refused by their size, before any memory is asked for.
    let mut file = liao(i32::MAX, i32::MAX, &[]);
    file.resize(20, 0);
    refused("liao", &file, Labels::None, &["2147483647 x 2147483647 f32 values"]);
    refused(
        "idx",
        &idx(8, &[u32::MAX; 3], &[0; 4]),
        Labels::None,
        &["more bytes than 64 bits can count"],
    );
    refused(
        "npy",
        &npy(1, "<f8", &[usize::MAX, 2], &[0; 16]),
        Labels::None,
        &["more bytes than 64 bits can count"],
    );
    refused(
        "npy",
        &npy(1, "<f8", &[1 << 40, 2], &[0; 16]),
        Labels::None,
        &["1099511627776 x 2 f64 values"],
    );
    let mut header = npy(2, "<f4", &[1], &[]);
    header[8..12].copy_from_slice(&u32::MAX.to_le_bytes());
    refused("npy", &header, Labels::None, &["a header of 4294967295 bytes"]);
}

#[test]
fn shapes_without_rows_or_columns() {
    refused("liao", &liao(0, 3, &[]), Labels::None, &["0 rows of 3 columns"]);
    refused("liao", &liao(3, -1, &[]), Labels::None, &["3 rows of -1 columns"]);
    refused(
        "npy",
        &npy(1, "<f4", &[3, 0], &[]),
        Labels::None,
        &["3 x 0 f32 values: there are no rows or no columns"],
    );
    refused("npy", &npy(1, "<f4", &[], &[0; 4]), Labels::None, &["0 dimensions"]);
    refused("idx", &idx(8, &[0], &[]), Labels::None, &["no rows or no columns"]);
    refused("idx", &idx(8, &[], &[]), Labels::None, &["0 dimensions"]);
    refused("csv", b"", Labels::None, &["0 bytes"]);
}

#[test]
fn wrong_magic_numbers_and_types() {
    refused(
        "npy",
        b"\x93NUMPX\x01\x00aaaaaa",
        Labels::None,
        &["expected 93 4e 55 4d 50 59, got 93 4e 55 4d 50 58"],
    );
    refused("npy", b"\x93NUMPY\x04\x00aaaaaa", Labels::None, &["NPY version 4.0 is unknown"]);
    refused("npy", &npy(1, "|V2", &[1], &[0; 2]), Labels::None, &["type '|V2'", "astype"]);
    refused("npy", &npy(1, "|S4", &[1], &[0; 4]), Labels::None, &["type '|S4'"]);
    refused(
        "idx",
        b"\x00\x01\x08\x01aaaa",
        Labels::None,
        &["expected 00 00, a type and the dimensions, got 00 01 08 01"],
    );
    refused("idx", b"\x00\x00\x0a\x01aaaa", Labels::None, &["elements of the type 0a"]);
    // Column by column 0 1 2, 3 NaN 5: the first row is whole, of the second the second value is bad.
    let holed = little(&[0.0, 1.0, f32::INFINITY, 3.0, f32::NAN, 5.0]);
    let holed = fortran(1, "<f4", &[3, 2], &holed);
    refused("npy", &holed, Labels::None, &["row 2, column 2: the value is NaN"]);
    refused(
        "npy",
        &fortran(1, "<f4", &[3, 2], &[0; 20]),
        Labels::None,
        &["it is truncated, 4 bytes are missing"],
    );
    let scratch = Scratch::new();
    let error =
        scratch.read("a.npy", b"1,2\n", None, Labels::None).expect_err("text in NPY's clothes");
    assert!(
        error.message.contains("wrong magic number"),
        "the name counts where the content does not decide: {error}"
    );
    let error =
        scratch.read("a", b"\x7fELF\x02\x01\x01\0\0", None, Labels::None).expect_err("a program");
    assert!(error.to_string().contains("begins with the bytes 7f 45 4c 46"), "{error}");
    let error = scratch.read("a", b"1,2\n", Some("cvs"), Labels::None).expect_err("a typo");
    assert!(
        error.to_string().contains("unknown data format 'cvs'")
            && error.to_string().contains("'csv'?"),
        "{error}"
    );
}

#[test]
fn labels_that_do_not_fit() {
    let scratch = Scratch::new();
    let data = liao(3, 1, &[1.0; 3]);
    let refused = |name: &str, labels: &[u8], said: &str| {
        let labels = Labels::File(scratch.file(name, labels));
        let text = scratch.read("a.bin", &data, None, labels).expect_err(said).to_string();
        assert!(text.contains(name) && text.contains(said), "{text}");
    };
    refused("l", &idx(8, &[2], &[1, 2]), "2 labels, the data has 3 rows");
    refused("l.gz", &gzip(&idx(8, &[4], &[1; 4])), "4 labels, the data has 3 rows");
    refused("l.csv", b"1\n2\n", "2 labels, the data has 3 rows");
    refused("l.csv", b"1\n2\n3,4\n", "got 2 fields");
    refused(
        "l.npy",
        &npy(1, "<f4", &[3, 2], &[0; 24]),
        "labels are one column, the header says 3 rows of 2",
    );
    refused(
        "l.npy",
        &npy(1, "<f4", &[3], &little(&[0.0, f32::NAN, 1.0])),
        "row 2: NaN is no label",
    );
    refused("l.gz", &gzip(&idx(8, &[3], &[1; 3]))[..20], "ends early");
    let inside =
        scratch.read("a.bin", &data, None, Labels::LastColumn).expect_err("no columns with names");
    assert!(
        inside.message.contains("labels in a column are read from CSV and Parquet only"),
        "{inside}"
    );
    let missing = Labels::File("nowhere.csv".into());
    assert!(
        scratch
            .read("a.bin", &data, None, missing)
            .expect_err("missing")
            .message
            .contains("nowhere.csv")
    );
}

#[test]
fn damaged_compression() {
    let scratch = Scratch::new();
    let values: Vec<f32> = (0..30_000).map(|i| (i as f32).sqrt()).collect();
    let text: String =
        values.chunks(3).map(|row| format!("{},{},{}\n", row[0], row[1], row[2])).collect();
    for (format, file) in
        [("liao", gzip(&liao(10_000, 3, &values))), ("csv", gzip(text.as_bytes()))]
    {
        let said = |bytes: &[u8]| {
            scratch
                .read("a.gz", bytes, Some(format), Labels::None)
                .expect_err("damaged")
                .to_string()
        };
        let mut checksum = file.clone();
        let at = checksum.len() - 8;
        checksum[at] ^= 1;
        assert!(said(&checksum).contains("checksum"), "{}", said(&checksum));
        for length in [file.len() / 2, file.len() - 8, file.len() - 1] {
            assert!(said(&file[..length]).contains("ends early"), "{}", said(&file[..length]));
        }
        assert!(said(&[&file[..], &[0; 64]].concat()).contains("damaged"));
    }
}

#[test]
fn samples_that_are_too_large() {
    let scratch = Scratch::new();
    let path = scratch.file("a.bin", &liao(3, 1, &[1.0; 3]));
    let sample = |points| Dataset::File {
        path: path.clone(),
        format: None,
        labels: Labels::None,
        dataset: None,
        sample: Some(Sample { points, seed: 1 }),
    };
    for error in
        [read(&sample(4)).expect_err("of 3"), data::identify(&sample(4)).expect_err("of 3")]
    {
        assert!(error.message.contains("a sample of 4 points, the data set has 3 rows"), "{error}");
    }
    assert_eq!(read(&sample(3)).expect("all").shape.rows, 3);
}
