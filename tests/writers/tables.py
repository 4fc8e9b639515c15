"""Parquet and Arrow files of five writers."""

import datetime
import decimal
import json
import uuid

import duckdb
import fastparquet
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset
import pyarrow.feather
import pyarrow.ipc
import pyarrow.parquet as pq

from common import ROWS, base

DAY = datetime.date(2024, 2, 29)
MOMENT = datetime.datetime(2024, 2, 29, 12, 34, 56, 789012)


def numbers(array, named):
    """The values of a column of Arrow as float64, one or several of each row; None for what are no numbers."""
    kind = array.type
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        if not (pa.types.is_primitive(kind.value_type) or pa.types.is_decimal(kind.value_type)):
            return None
        pieces = array.chunks if isinstance(array, pa.ChunkedArray) else [array]
        flat = numbers(pa.concat_arrays([piece.flatten() for piece in pieces]), named)
        return None if flat is None else flat.reshape(len(array), -1)
    if isinstance(kind, pa.BaseExtensionType):
        return numbers(array.cast(kind.storage_type), named)
    if pa.types.is_dictionary(kind):
        return numbers(array.cast(kind.value_type), named) if pa.types.is_primitive(kind.value_type) else None
    if pa.types.is_decimal(kind):
        return np.array([float(x) for x in array.to_pylist()])
    if pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return array.to_numpy(zero_copy_only=False).astype(np.float64)
    if pa.types.is_duration(kind) or named and pa.types.is_temporal(kind) and not pa.types.is_interval(kind):
        wide = pa.int32() if kind.bit_width == 32 else pa.int64()
        return array.cast(wide).to_numpy(zero_copy_only=False).astype(np.float64)
    return None


def rows(table, columns=None):
    """What is expected of a table: its numbers, without what pandas notes as its index."""
    note = json.loads((table.schema.metadata or {}).get(b"pandas", b"{}"))
    index = [name for name in note.get("index_columns", []) if isinstance(name, str)]
    names = columns.split(",") if columns else [name for name in table.column_names if name not in index]
    parts = [numbers(table[name], columns is not None) for name in names]
    parts = [part.reshape(table.num_rows, -1) for part in parts if part is not None]
    return np.concatenate(parts, axis=1)


def parquet_rows(columns=None):
    return lambda path: rows(pq.read_table(path), columns)


def specials():
    """Columns of every type of Arrow that Parquet takes, by name; the second says how a column is read that is
    no number by itself: 'named', or never."""
    n = ROWS
    ints = np.arange(n)
    pick = lambda values: [values[i % len(values)] for i in range(n)]
    few = lambda kind: pa.array(ints % 50, kind)
    days = pa.array([DAY + datetime.timedelta(i) for i in range(n)])
    vectors = np.arange(4 * n, dtype=np.float32) / 8
    made = {
        "vector-list": (pa.ListArray.from_arrays(np.arange(0, 4 * n + 1, 4, dtype=np.int32), vectors), None),
        "vector-large": (pa.LargeListArray.from_arrays(np.arange(0, 4 * n + 1, 4), vectors), None),
        "vector-fixed": (pa.FixedSizeListArray.from_arrays(vectors, 4), None),
        "vector-double": (pa.FixedSizeListArray.from_arrays(vectors.astype(np.float64), 4), None),
        "vector-half": (pa.FixedSizeListArray.from_arrays(vectors.astype(np.float16), 4), None),
        "vector-int": (pa.FixedSizeListArray.from_arrays(np.arange(4 * n), 4), None),
        "bool": (pa.array(ints % 3 == 0), None),
        "half": (pa.array((ints / 8).astype(np.float16)), None),
        "decimal32": (pa.array(pick([decimal.Decimal("1.25"), decimal.Decimal("-99.5")]), pa.decimal128(7, 2)), None),
        "decimal64": (pa.array(pick([decimal.Decimal("123456789.125")]), pa.decimal128(16, 4)), None),
        "decimal128": (pa.array(pick([decimal.Decimal("1e20"), decimal.Decimal("0.001")]), pa.decimal128(38, 6)), None),
        "date32": (days, "named"),
        "date64": (days.cast(pa.date64()), "named"),
        "time32": (pa.array(ints, pa.int32()).cast(pa.time32("ms")), "named"),
        "time64": (pa.array(ints, pa.int64()).cast(pa.time64("us")), "named"),
        "string": (pa.array(pick(["a", "bc", "déf"])), "never"),
        "large-string": (pa.array(pick(["a", "bc"]), pa.large_string()), "never"),
        "binary": (pa.array(pick([b"a", b"\0"])), "never"),
        "fixed-binary": (pa.array(pick([b"abc"]), pa.binary(3)), "never"),
        "categories": (pa.array(pick(["a", "b"])).dictionary_encode(), "never"),
        "struct": (pa.array([{"a": i, "b": 1.5} for i in range(n)]), "never"),
        "map": (pa.array([[("k", i)] for i in range(n)], pa.map_(pa.string(), pa.int64())), "never"),
        "list-of-texts": (pa.array([["a"]] * n), "never"),
        "list-of-lists": (pa.array([[[1.0]]] * n), "never"),
    }
    for name in ("int8", "int16", "uint8", "uint16", "uint32", "uint64"):
        made[name] = (few(getattr(pa, name)()), None)
    for unit in ("s", "ms", "us", "ns"):
        made[f"timestamp-{unit}"] = (pa.array(ints * 10**6, pa.int64()).cast(pa.timestamp(unit)), "named")
        made[f"duration-{unit}"] = (pa.array(ints * 1000, pa.int64()).cast(pa.duration(unit)), None)
    made["timestamp-zoned"] = (pa.array(ints, pa.int64()).cast(pa.timestamp("us", "Europe/Berlin")), "named")
    return made


def each_special(folder, writer, suffix, write, read, skip=()):
    """A table with each special column beside the usual ones; what is no number by itself is named too."""
    for name, (column, how) in specials().items():
        if name in skip:
            continue
        table = pa.table({**base(), "special": column})
        file = f"{writer}-{name}.{suffix}"
        folder.add(writer, name, file, lambda path: write(table, path), read())
        if how == "named":
            folder.add(writer, f"{name} by --columns", file, None, read("x,special"), columns="x,special")


def refusals(folder, writer, suffix, write):
    n = ROWS
    column = np.arange(n, dtype=np.float64)
    null = pa.array([None if i == 7 else float(i) for i in range(n)])
    ragged = pa.array([[1.0] * (3 if i == 7 else 2) for i in range(n)])
    hole = pa.array([[1.0, None if i == 7 else 2.0] for i in range(n)])
    for name, special, said in (
        ("null", null, "row 8, column 'special': the value is missing"),
        ("NaN", pa.array(np.where(column == 7, np.nan, column)), "row 8, column 5 ('special'): the value is NaN"),
        ("ragged list", ragged, "row 8, column 'special'"),
        ("null in a list", hole, "row 8, column 'special': the value is missing"),
    ):
        table = pa.table({**base(), "special": special})
        file = f"{writer}-{name.replace(' ', '-')}.{suffix}"
        folder.add(writer, name, file, lambda path: write(table, path), None, refused=said)


def parquet_of_pyarrow(folder):
    table = pa.table({**base(), "label": [f"class {i % 3}" for i in range(ROWS)]})

    def settle(setting, **options):
        file = f"pyarrow-{setting.replace(' ', '-')}.parquet"
        folder.add("pyarrow", setting, file, lambda path: pq.write_table(table, path, **options), parquet_rows())

    settle("default")
    for codec in ("none", "snappy", "gzip", "brotli", "zstd", "lz4"):
        for page in ("1.0", "2.0"):
            settle(f"{codec} pages {page}", compression=codec, data_page_version=page)
            settle(f"{codec} pages {page} plain", compression=codec, data_page_version=page, use_dictionary=False)
    for version in ("1.0", "2.4", "2.6"):
        settle(f"version {version}", version=version)
    settle("small row groups", row_group_size=37)
    settle("small pages", data_page_size=64, write_batch_size=16)
    settle("page index", write_page_index=True)
    settle("page checksums", write_page_checksum=True)
    settle("no statistics", write_statistics=False)
    settle("no schema of Arrow", store_schema=False)
    settle("small dictionary", dictionary_pagesize_limit=64)
    settle("delta", use_dictionary=False, column_encoding={
        "x": "BYTE_STREAM_SPLIT", "y": "BYTE_STREAM_SPLIT", "n": "DELTA_BINARY_PACKED",
        "m": "DELTA_BINARY_PACKED", "label": "DELTA_BYTE_ARRAY"})
    settle("delta lengths", use_dictionary=False, column_encoding={
        "x": "PLAIN", "y": "PLAIN", "n": "BYTE_STREAM_SPLIT", "m": "BYTE_STREAM_SPLIT",
        "label": "DELTA_LENGTH_BYTE_ARRAY"})
    for setting in ("delta", "delta-lengths", "default"):
        columns = dict(columns="x,y", labels="label")
        folder.add("pyarrow", f"{setting}, labels", f"pyarrow-{setting}.parquet", None, parquet_rows("x,y"), **columns)
    halves = pa.table({"h": pa.array((np.arange(ROWS) / 8).astype(np.float16)),
                       "d": pa.array([decimal.Decimal(i) / 8 for i in range(ROWS)], pa.decimal128(30, 3))})
    for encoding in ("DELTA_BYTE_ARRAY", "BYTE_STREAM_SPLIT", "PLAIN"):
        options = dict(use_dictionary=False, column_encoding={"h": encoding, "d": encoding})
        folder.add("pyarrow", f"fixed width, {encoding}", f"pyarrow-fixed-{encoding}.parquet",
                   lambda path: pq.write_table(halves, path, **options), parquet_rows())
    write = lambda table, path: pq.write_table(table, path)
    each_special(folder, "pyarrow", "parquet", write, parquet_rows)
    refusals(folder, "pyarrow", "parquet", write)
    moments = pa.table({**base(), "special": pa.array([MOMENT] * ROWS)})
    folder.add("pyarrow", "int96", "pyarrow-int96.parquet",
               lambda path: pq.write_table(moments, path, use_deprecated_int96_timestamps=True), parquet_rows())
    folder.add("pyarrow", "int96 by --columns", "pyarrow-int96.parquet", None,
               lambda path: rows(pq.read_table(path), "x,special"), columns="x,special")
    vectors = pa.table({"v": pa.FixedSizeListArray.from_arrays(np.arange(24 * ROWS, dtype=np.float32), 24)})
    for setting, options in (
        ("plain", dict(use_dictionary=False)), ("pages 2.0", dict(data_page_version="2.0")),
        ("small pages", dict(data_page_size=64, write_batch_size=16)), ("row groups", dict(row_group_size=17)),
        ("no compliant names", dict(use_compliant_nested_type=False)),
    ):
        folder.add("pyarrow", f"vectors, {setting}", f"pyarrow-vectors-{setting.replace(' ', '-')}.parquet",
                   lambda path: pq.write_table(vectors, path, **options), parquet_rows())

    def parts(path):
        pa.dataset.write_dataset(table.drop(["label"]), path, format="parquet", max_rows_per_group=100, max_rows_per_file=100)

    folder.add("pyarrow", "a folder of parts", "pyarrow-parts", parts, parquet_rows())


def parquet_of_polars(folder):
    frame = pl.DataFrame({**base(), "name": ["a", "b", "c"] * (ROWS // 3)})
    for codec in ("uncompressed", "snappy", "gzip", "brotli", "zstd", "lz4"):
        folder.add("polars", codec, f"polars-{codec}.parquet",
                   lambda path: frame.write_parquet(path, compression=codec), parquet_rows())
    for setting, options in (("small row groups", dict(row_group_size=50)), ("small pages", dict(data_page_size=64)),
                             ("full statistics", dict(statistics="full")), ("use_pyarrow", dict(use_pyarrow=True))):
        folder.add("polars", setting, f"polars-{setting.replace(' ', '-')}.parquet",
                   lambda path: frame.write_parquet(path, **options), parquet_rows())
    folder.add("polars", "labels", "polars-zstd.parquet", None, parquet_rows("x,y"), columns="x,y", labels="name")
    write = lambda table, path: pl.from_arrow(table).write_parquet(path)
    each_special(folder, "polars", "parquet", write, parquet_rows, skip=("map", "date64"))
    refusals(folder, "polars", "parquet", write)
    column = pl.Series("special", [2**70] * ROWS, dtype=pl.Int128)
    folder.add("polars", "Int128", "polars-int128.parquet",
               lambda path: pl.DataFrame({**base()}).with_columns(column).write_parquet(path),
               lambda path: rows(pa.table(base())))


def parquet_of_duckdb(folder):
    made = pa.table(base())
    link = duckdb.connect()
    link.register("made", made)
    ask = "select *, {} as special from made"

    def write(query, options):
        return lambda path: link.execute(f"copy ({query}) to '{path}' (format parquet{options})")

    for version in ("v1", "v2"):
        for codec in ("uncompressed", "snappy", "gzip", "zstd", "brotli", "lz4", "lz4_raw"):
            folder.add("DuckDB", f"{codec} {version}", f"duckdb-{codec}-{version}.parquet",
                       write("from made", f", codec {codec}, parquet_version {version}"), parquet_rows())
    folder.add("DuckDB", "small row groups", "duckdb-groups.parquet",
               write("from made", ", row_group_size 100"), parquet_rows())
    for version in ("v1", "v2"):
        query = ask.format("'class ' || (m % 3)")
        folder.add("DuckDB", f"labels {version}", f"duckdb-labels-{version}.parquet",
                   write(query, f", parquet_version {version}"), parquet_rows("x,y"), columns="x,y", labels="special")
    for name, special, how in (
        ("tinyint", "(m % 100)::tinyint", None), ("utinyint", "(m % 100)::utinyint", None),
        ("usmallint", "m::usmallint", None), ("ubigint", "m::ubigint", None),
        ("hugeint", "m::hugeint", None), ("uhugeint", "m::uhugeint", None), ("bool", "m > 9", None),
        ("decimal4", "(m / 10)::decimal(4,1)", None), ("decimal9", "m::decimal(9,2)", None),
        ("decimal18", "m::decimal(18,3)", None), ("decimal38", "m::decimal(38,10)", None),
        ("date", "date '2024-02-29' + m", "named"), ("time", "time '12:34:56' + to_seconds(m)", "named"),
        ("timestamp", "timestamp '2024-02-29 12:34:56' + to_seconds(m)", "named"),
        ("timestamp_s", "timestamp_s '2024-02-29 12:34:56'", "named"),
        ("timestamp_ms", "timestamp_ms '2024-02-29 12:34:56'", "named"),
        ("timestamp_ns", "timestamp_ns '2024-02-29 12:34:56.789'", "named"),
        ("timestamptz", "timestamptz '2024-02-29 12:34:56+01'", "named"),
        ("interval", "interval 3 days", None), ("uuid", "uuid()", None), ("varchar", "'a' || m", None),
        ("enum", "case when m > 9 then 'a' else 'b' end::enum('a', 'b')", None), ("blob", "'a'::blob", None),
        ("list", "[y, y + 1, y + 2]", None), ("array", "[y, y + 1]::float[2]", None),
        ("struct", "{'a': m, 'b': y}", None), ("map", "map {'a': m}", None),
    ):
        file = f"duckdb-{name}.parquet"
        # pyarrow sees neither intervals nor what DuckDB makes of them as numbers.
        folder.add("DuckDB", name, file, write(ask.format(special), ""), parquet_rows())
        if how == "named":
            folder.add("DuckDB", f"{name} by --columns", file, None, parquet_rows("x,special"), columns="x,special")
    folder.add("DuckDB", "null", "duckdb-null.parquet", write(ask.format("nullif(m, 49)"), ""), None,
               refused="row 8, column 'special': the value is missing")
    folder.add("DuckDB", "ragged list", "duckdb-ragged.parquet",
               write(ask.format("[y for i in range(case when m = 49 then 3 else 2 end)]"), ""), None,
               refused="row 8, column 'special'")
    folder.add("DuckDB", "a folder of parts", "duckdb-parts",
               write("from made", ", per_thread_output true"), parquet_rows())


def parquet_of_fastparquet(folder):
    frame = pd.DataFrame(base())
    for codec in ("UNCOMPRESSED", "SNAPPY", "GZIP", "BROTLI", "ZSTD", "LZ4_RAW"):
        folder.add("fastparquet", codec.lower(), f"fastparquet-{codec.lower()}.parquet",
                   lambda path: fastparquet.write(path, frame, compression=codec), parquet_rows())
    for setting, options in (
        ("row groups", dict(row_group_offsets=100)), ("no nulls", dict(has_nulls=False)),
        ("nulls declared", dict(has_nulls=True)), ("statistics", dict(stats=True)),
    ):
        folder.add("fastparquet", setting, f"fastparquet-{setting.replace(' ', '-')}.parquet",
                   lambda path: fastparquet.write(path, frame, **options), parquet_rows())
    n = np.arange(ROWS)
    for name, special, how in (
        ("int8", (n % 50).astype(np.int8), None), ("uint16", n.astype(np.uint16), None),
        ("uint64", n.astype(np.uint64), None), ("bool", n % 3 == 0, None),
        ("half", (n / 8).astype(np.float16), None), ("string", pd.Series(["a", "bc", "d"] * (ROWS // 3), dtype=object), None),
        ("categories", pd.Categorical(["a", "bc", "d"] * (ROWS // 3)), None),
        ("timestamp", pd.Timestamp(MOMENT).floor("us") + pd.to_timedelta(n, "s"), "named"),
        ("timedelta", pd.to_timedelta(n, "s"), None), ("Int64", pd.array(n, dtype="Int64"), None),
    ):
        file = f"fastparquet-{name}.parquet"
        written = frame.assign(special=special)
        folder.add("fastparquet", name, file, lambda path: fastparquet.write(path, written), parquet_rows())
        if how == "named":
            folder.add("fastparquet", f"{name} by --columns", file, None, parquet_rows("x,special"), columns="x,special")
    moments = frame.assign(special=pd.Timestamp(MOMENT).floor("us") + pd.to_timedelta(n, "s"))
    folder.add("fastparquet", "int96", "fastparquet-int96.parquet",
               lambda path: fastparquet.write(path, moments, times="int96"), parquet_rows())
    folder.add("fastparquet", "NaN", "fastparquet-nan.parquet",
               lambda path: fastparquet.write(path, frame.assign(special=np.where(n == 7, np.nan, n))), None,
               refused="row 8, column")
    folder.add("fastparquet", "a folder of parts", "fastparquet-parts",
               lambda path: fastparquet.write(path, frame, file_scheme="hive", row_group_offsets=100),
               lambda path: rows(pa.table(base())))


def parquet_of_pandas(folder):
    frame = pd.DataFrame(base())
    n = np.arange(ROWS)
    for setting, written, options in (
        ("default", frame, {}), ("no index", frame, dict(index=False)), ("with index", frame, dict(index=True)),
        ("named index", frame.set_index("n"), {}), ("two indices", frame.set_index(["n", "m"]), {}),
        ("dates as index", frame.set_index(pd.date_range("2024-02-29", periods=ROWS)), {}),
        ("filtered", frame[frame["x"] > 0], {}),
        ("gzip", frame, dict(compression="gzip")), ("brotli", frame, dict(compression="brotli")),
        ("zstd", frame, dict(compression="zstd")), ("none", frame, dict(compression=None)),
        ("fastparquet", frame, dict(engine="fastparquet")),
        ("named index, fastparquet", frame.set_index("n"), dict(engine="fastparquet")),
        ("nullable types", frame.convert_dtypes(), {}),
        ("nullable floats", frame.astype({"x": "Float64", "n": "Int64"}), {}),
        ("texts", frame.assign(special=["a", "bc", "d"] * (ROWS // 3)), {}),
        ("categories", frame.assign(special=pd.Categorical(["a", "bc", "d"] * (ROWS // 3))), {}),
        ("dates", frame.assign(special=[DAY] * ROWS), {}),
        ("timestamps", frame.assign(special=pd.Timestamp(MOMENT)), {}),
        ("timedelta", frame.assign(special=pd.to_timedelta(n, "s")), {}),
        ("bool", frame.assign(special=n > 9), {}),
        ("periods", frame.assign(special=pd.period_range("2024-02", periods=ROWS, freq="M")), {}),
        ("embeddings as lists", frame.assign(special=[[float(i), i / 2, 1.0] for i in n]), {}),
        ("embeddings as arrays", frame.assign(special=[np.full(5, i, np.float32) for i in n]), {}),
        ("uuids", frame.assign(special=[uuid.UUID(int=int(i)) for i in n]), {}),
    ):
        file = f"pandas-{setting.replace(' ', '-').replace(',', '')}.parquet"
        folder.add("pandas", setting, file, lambda path: written.to_parquet(path, **options), parquet_rows())


def arrow(folder):
    """Arrow's own files and streams, Feather too."""
    feather = lambda columns=None: lambda path: rows(pa.feather.read_table(path), columns)

    def stream(columns=None):
        return lambda path: rows(pa.ipc.open_stream(path).read_all(), columns)

    def write_stream(table, path, **options):
        with pa.ipc.new_stream(path, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as sink:
            sink.write_table(table, max_chunksize=64)

    table = pa.table({**base(), "label": [f"class {i % 3}" for i in range(ROWS)]})
    for codec in ("uncompressed", "lz4", "zstd"):
        folder.add("pyarrow", f"Feather, {codec}", f"pyarrow-{codec}.feather",
                   lambda path: pa.feather.write_feather(table, path, compression=codec, chunksize=100), feather())
        option = None if codec == "uncompressed" else codec
        folder.add("pyarrow", f"stream, {codec}", f"pyarrow-{codec}.arrows",
                   lambda path: write_stream(table, path, compression=option), stream())
        folder.add("polars", f"IPC, {codec}", f"polars-{codec}.arrow",
                   lambda path: pl.from_arrow(table).write_ipc(path, compression=codec), feather())
        folder.add("polars", f"IPC stream, {codec}", f"polars-{codec}.arrows",
                   lambda path: pl.from_arrow(table).write_ipc_stream(path, compression=codec), stream())
    folder.add("pyarrow", "labels", "pyarrow-lz4.feather", None, feather("x,y"), columns="x,y", labels="label")
    folder.add("pandas", "to_feather", "pandas.feather",
               lambda path: pd.DataFrame(base()).to_feather(path), feather())
    each_special(folder, "pyarrow", "feather", lambda table, path: pa.feather.write_feather(table, path), feather)
    each_special(folder, "polars", "arrow", lambda table, path: pl.from_arrow(table).write_ipc(path), feather,
                 skip=("map", "date64", "decimal32"))
    refusals(folder, "pyarrow", "feather", lambda table, path: pa.feather.write_feather(table, path))


def parquet(folder):
    parquet_of_pyarrow(folder)
    parquet_of_polars(folder)
    parquet_of_duckdb(folder)
    parquet_of_fastparquet(folder)
    parquet_of_pandas(folder)
