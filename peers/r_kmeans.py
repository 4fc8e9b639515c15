"""R: kmeans of its package stats, 'Lloyd' or 'Hartigan-Wong', on one thread and in f64."""

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import adapter

# Reads rows and start once, and then answers each number of iterations on its input: those that it
# did, or why there is no answer. R counts one more than it was allowed where that ended it. R's
# matrices are held by columns, so that ours are transposed there.
PROGRAM = """
args <- commandArgs(trailingOnly = TRUE)
n <- as.integer(args[2]); d <- as.integer(args[3]); k <- as.integer(args[4])
read <- function(name, count) {
    file <- file.path(args[1], name)
    t(matrix(readBin(file, 'double', count * d, endian = 'little'), nrow = d))
}
rows <- read('rows', n)
start <- read('start', k)
cat('ready\\n')
input <- file('stdin', 'r')
while (length(line <- readLines(input, 1)) == 1) {
    limit <- as.integer(line)
    found <- tryCatch(
        suppressWarnings(kmeans(rows, start, iter.max = limit, algorithm = args[5])),
        error = function(e) e)
    if (inherits(found, 'error')) {
        cat('error', gsub('\\n', ' ', conditionMessage(found)), '\\n')
    } else {
        writeBin(as.double(t(found$centers)), file.path(args[1], 'centers'), endian = 'little')
        cat('done', min(found$iter, limit), format(found$tot.withinss, digits = 17), '\\n')
    }
}
"""


class Rkmeans(adapter.Library):
    """stats::kmeans in a process of R, which is asked by lines."""

    # The mean of no rows.
    empty = "nan"

    def __init__(self, algorithm):
        self.algorithm = algorithm

    def version(self):
        rscript = shutil.which("Rscript")
        if not rscript:
            sys.exit("there is no Rscript (Debian, Ubuntu: apt-get install r-base-core)")
        said = subprocess.run(
            [rscript, "--vanilla", "-e", "cat(as.character(getRversion()))"], capture_output=True, text=True
        )
        if said.returncode != 0:
            sys.exit(f"Rscript does not run: {said.stderr.strip()}")
        return f"R {said.stdout.strip()} (kmeans of stats)"

    def prepare(self, job):
        import numpy as np

        job.needs_no_tolerance()
        rows, start = np.load(job.rows), np.load(job.start)
        self.folder = tempfile.TemporaryDirectory()
        for name, values in (("rows", rows), ("start", start)):
            values.astype("<f8").tofile(Path(self.folder.name, name))
        sizes = [*rows.shape, len(start)]
        words = ["Rscript", "--vanilla", "-e", PROGRAM, self.folder.name, *map(str, sizes), self.algorithm]
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline() != "ready\n":
            raise RuntimeError("R ended before it had read the rows")
        self.clocks = (time.perf_counter, lambda: adapter.cpu_seconds(self.process.pid))

    def fit(self, rows, start, iterations):
        import numpy as np

        print(iterations, file=self.process.stdin, flush=True)
        kind, *said = self.process.stdout.readline().split()
        if kind != "done":
            raise adapter.CannotRun("R says: " + " ".join(said))
        done, self.inertia = int(said[0]), float(said[1])
        return done, np.fromfile(Path(self.folder.name, "centers"), dtype="<f8").reshape(start.shape)

    def peak_rss(self):
        return adapter.peak_rss(self.process.pid)


if __name__ == "__main__":
    algorithm = sys.argv.pop(1)
    # What Hartigan and Wong call an iteration is a pass that moves single rows, and the first one costs most.
    measure = adapter.timed_by_difference if algorithm == "Lloyd" else adapter.timed_as_a_whole
    adapter.run(Rkmeans(algorithm), __doc__, measure)
