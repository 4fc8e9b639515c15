"""Runs StableHLO modules through XLA on the processor (jaxlib) and through IREE: two compilers that share no code with ours.

    python scripts/oracles.py FOLDER

FOLDER/index.json lists the modules: for each its text, and its inputs and outputs as raw files with type and shape. Outputs are written
beside them, one set for each compiler: the test that calls this (tests/oracles.rs) compares them.
"""

import json
import pathlib
import sys

import ml_dtypes
import numpy

TYPES = {"f32": numpy.float32, "i32": numpy.int32, "bf16": ml_dtypes.bfloat16}


def with_xla():
    """Returns how to run a module's text under XLA."""
    import jax
    from jax._src import xla_bridge
    from jax._src.interpreters import mlir
    from jax._src.lib import xla_client
    from jax._src.lib.mlir import ir
    from jaxlib import _jax

    backend = xla_bridge.get_backend("cpu")
    devices = _jax.DeviceList(tuple(backend.local_devices()[:1]))
    options = xla_client.CompileOptions()
    options.num_replicas = options.num_partitions = 1

    def run(text, inputs):
        with mlir.make_ir_context():
            program = backend.compile_and_load(ir.Module.parse(text), devices, options)
        results = program.execute_sharded([jax.device_put(value) for value in inputs])
        return [numpy.asarray(result[0]) for result in results.disassemble_into_single_device_arrays()]

    return run


def with_iree():
    """Returns how to run a module's text under IREE."""
    from iree import compiler, runtime

    config = runtime.Config("local-task")

    def run(text, inputs):
        binary = compiler.compile_str(
            text,
            target_backends=["llvm-cpu"],
            input_type="stablehlo",
            extra_args=["--iree-llvmcpu-target-cpu=host"],
        )
        context = runtime.SystemContext(config=config)
        context.add_vm_module(runtime.VmModule.copy_buffer(context.instance, binary))
        results = context.modules.amdahl_kmeans["main"](*inputs)
        results = results if isinstance(results, (tuple, list)) else [results]
        return [result.to_host() for result in results]

    return run


def main(folder):
    """Runs all modules in both and writes what they give."""
    folder = pathlib.Path(folder)
    runs = {"xla": with_xla(), "iree": with_iree()}
    for number, module in enumerate(json.loads((folder / "index.json").read_text())):
        text = (folder / module["text"]).read_text()
        inputs = [
            numpy.fromfile(folder / value["file"], dtype=TYPES[value["type"]]).reshape(value["shape"])
            for value in module["inputs"]
        ]
        for name, run in runs.items():
            for i, result in enumerate(run(text, inputs)):
                numpy.ascontiguousarray(result).tofile(folder / f"{number}.{name}.{i}")


if __name__ == "__main__":
    main(sys.argv[1])
