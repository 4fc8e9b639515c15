"""Spark MLlib's k-means on this machine alone: local[lanes]."""

import os
import shutil
import subprocess
import sys
import time

import adapter


def java():
    """The version of Java, in a word."""
    program = shutil.which("java") or os.path.join(os.environ.get("JAVA_HOME", ""), "bin", "java")
    try:
        said = subprocess.run([program, "-version"], capture_output=True, text=True).stderr
    except OSError:
        sys.exit("Spark needs Java, and there is none (Debian, Ubuntu: apt-get install default-jre-headless)")
    return said.splitlines()[0].replace('"', "") if said else "unknown Java"


class Spark(adapter.Library):
    empty = "stays"

    def version(self):
        return adapter.named("pyspark", "numpy") + ", " + java()

    def prepare(self, job):
        from pyspark import SparkConf, SparkContext

        # Room for the rows as Java objects, and for what it keeps of them.
        need = 2048 + 12 * os.path.getsize(job.rows) // 2**20
        conf = SparkConf().setMaster(f"local[{job.threads}]").setAppName("amdahl")
        conf.set("spark.driver.memory", f"{need}m").set("spark.ui.enabled", "false")
        conf.set("spark.driver.bindAddress", "127.0.0.1").set("spark.driver.host", "127.0.0.1")
        os.environ["PYSPARK_PYTHON"] = sys.executable
        self.context = SparkContext(conf=conf)
        self.context.setLogLevel("ERROR")
        self.pid = self.context._gateway.proc.pid
        self.clocks = (time.perf_counter, self.cpu)
        job.needs_no_tolerance()
        path, parts = str(job.rows), job.threads

        def read(numbers):
            import numpy as np
            from pyspark.mllib.linalg import Vectors

            rows = np.load(path, mmap_mode="r")
            for part in numbers:
                for row in rows[len(rows) * part // parts : len(rows) * (part + 1) // parts]:
                    yield Vectors.dense(row.astype(float))

        self.cached = self.context.parallelize(range(parts), parts).mapPartitions(read).cache()
        self.cached.count()

    def cpu(self):
        """CPU seconds of the Java process and of this one: it works in the former."""
        return adapter.cpu_seconds(self.pid) + time.process_time()

    def fit(self, rows, start, iterations):
        from pyspark.mllib.common import callMLlibFunc
        from pyspark.mllib.linalg import _convert_to_vector

        # What pyspark.mllib.clustering.KMeans.train calls; the model of Java knows more than that of Python.
        start = [_convert_to_vector(center.astype(float)) for center in start]
        model = callMLlibFunc(
            "trainKMeansModel", self.cached, len(start), iterations, "random", 1, 2, 0.0, start, "euclidean"
        )
        self.inertia = model.trainingCost()
        return model.numIter(), [center.toArray() for center in model.clusterCenters()]

    def peak_rss(self):
        return adapter.peak_rss(self.pid)


if __name__ == "__main__":
    adapter.run(Spark(), __doc__)
