//! Valid files, from which damaged ones are made.

pub use crate::data::idx;

use crate::data::{arrow, fortran, hdf5, liao, little, npy, parquet};

/// Files of a format.
pub fn of(format: &str) -> Vec<Vec<u8>> {
    let values = [1.0, -2.5, 3.0, 0.0, 5.5, 6.0];
    let mut files = match format {
        "npy" => vec![
            npy(1, "<f4", &[3, 2], &little(&values)),
            npy(2, ">f8", &[2], &[0; 16]),
            npy(3, "|u1", &[2, 2, 3], &[7; 12]),
            npy(1, "<i8", &[4, 1], &[1; 32]),
            fortran(1, "<f4", &[3, 2], &little(&values)),
            fortran(2, "|u1", &[2, 2, 3], &[7; 12]),
        ],
        "idx" => vec![
            idx(8, &[2, 2, 2], &[1; 8]),
            idx(0x0d, &[3, 2], &[0x40; 24]),
            idx(0x0b, &[2], &[1; 4]),
            idx(0x0e, &[2, 1], &[0x3f; 16]),
        ],
        "fvecs" => vec![
            [2i32.to_le_bytes(), 1f32.to_le_bytes(), 2f32.to_le_bytes()].concat().repeat(3),
            [1i32.to_le_bytes(), 1f32.to_le_bytes()].concat(),
        ],
        "bvecs" => vec![[3, 0, 0, 0, 1, 2, 3].repeat(4), vec![1, 0, 0, 0, 9]],
        "u8bin" => vec![vec![2, 0, 0, 0, 3, 0, 0, 0, 1, 2, 3, 4, 5, 6]],
        "liao" => vec![liao(3, 2, &values), liao(1, 6, &values), liao(6, 1, &values)],
        "matrix-market" => vec![
            b"%%MatrixMarket matrix array real general\n% x\n3 2\n1.5\n-2\n0\n3\n1e3\n6\n".to_vec(),
            b"%%MatrixMarket matrix array integer symmetric\n2 2\n1\n2\n3\n".to_vec(),
            b"%%MatrixMarket matrix coordinate real general\n3 4 3\n1 1 2\n3 4 -1\n2 2 5\n"
                .to_vec(),
            b"%%MatrixMarket matrix coordinate pattern skew-symmetric\n3 3 2\n2 1\n3 1\n".to_vec(),
        ],
        "libsvm" => vec![
            b"1 1:0.5 3:-2\n-1\n+1 2:1e3 9:4\n".to_vec(),
            b"# x\n0 qid:3 0:1 1:2 # y\n1 qid:3 0:5\n".to_vec(),
            "7 1:1 2:2 3:3 4:4\n".repeat(40).into_bytes(),
        ],
        "arrow" => [
            "lz4.feather",
            "plain.feather",
            "zstd.arrows",
            "polars.arrow",
            "categories.feather",
            "replaced.arrows",
            "deltas.arrows",
            "null.arrows",
        ]
        .map(arrow::golden)
        .into(),
        "hdf5" => hdf5::NAMES.map(hdf5::golden).into(),
        "parquet" => vec![
            parquet::write(2, &values, 2, 1),
            parquet::write(1, &values, 100, 100),
            parquet::write(6, &values, 1, 1),
        ],
        _ => vec![
            b"1,2.5,-3\n4,5e2,6\n".to_vec(),
            b"x;\"y z\";class\r\n1;2;\"a\"\r\n3;4;b\r\n".to_vec(),
            b"2,2,ham,spam\n1,2,0\n3,4,1\n".to_vec(),
            b"  1   2\t3\n4 5 6".to_vec(),
            b"\xef\xbb\xbfc0\tc1\n1\t2\n\n3\t4\n".to_vec(),
            "0,1,2,3,4,5,6,7\n".repeat(40).into_bytes(),
        ],
    };
    if format == "parquet" {
        let names = [
            "usual",
            "gzip",
            "zstd",
            "lz4",
            "plain",
            "encodings",
            "version-2",
            "required",
            "null",
            "nested",
            "others",
            "indexed",
            "brotli",
            "vectors",
            "vectors-pages",
            "vectors-version-2",
            "moments",
            "int96",
        ];
        files.extend(names.map(|name| parquet::golden(&format!("{name}.parquet"))));
    }
    files
}

/// Files of three labels in every format.
pub fn labels() -> Vec<Vec<u8>> {
    vec![
        b"a\nb\na\n".to_vec(),
        b"label\n1\n2\n1\n".to_vec(),
        npy(1, "<i8", &[3], &[1; 24]),
        npy(1, "|u1", &[3], &[1, 0, 1]),
        idx(8, &[3], &[1, 0, 1]),
        liao(3, 1, &[0.0, 1.0, 0.0]),
        parquet::write(1, &[0.0, 1.0, 0.0], 2, 1),
    ]
}
