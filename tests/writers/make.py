"""Writes data files by the packages that people write them with, and notes what their own readers see:
make.py FOLDER FAMILY, where FAMILY is one of parquet, arrow, arrays, text. tests/data/writers.rs reads them."""

import sys

from common import Folder


def main():
    folder, family = Folder(sys.argv[1]), sys.argv[2]
    if family in ("parquet", "arrow"):
        import tables
        getattr(tables, family)(folder)
    else:
        import arrays
        getattr(arrays, family)(folder)
    folder.close()


main()
