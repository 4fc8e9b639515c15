#!/bin/sh
# XLA for processors as a PJRT plugin has four devices, however many processors the process may use; jaxlib, of the same XLA, has one.
#
# Expected: one device for the processor, as jaxlib offers, or as many as there are CPUs.
# Seen with lammps-jax-pjrt-cpu 0.11.2 (PJRT 0.115): four devices in a process that is bound to one CPU. The plugin's option
# `cpu_device_count` gives another number (tried with 1 and 2), and nothing says that 4 is what it takes otherwise: a host that spreads its
# work over all devices splits it in four for nothing.
#
# Needs python3 (3.11 or newer) with venv, taskset, PyPI, and Linux on x86-64. Works in a temporary folder (800 MB); fails when the
# behaviour changes.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pypjrt==0.1.1 lammps-jax-pjrt-cpu==0.11.2 jax==0.10.2 jaxlib==0.10.2

cat >devices.py <<'PYTHON'
import os
import pathlib

import jax
import jaxlib
import lammps_jax_pjrt_cpu
from pypjrt.client import Client

file = pathlib.Path(lammps_jax_pjrt_cpu.__file__).parent / "pjrt_c_api_cpu_plugin.so"
client = Client.create(str(file))
print("CPUs of the process:", len(os.sched_getaffinity(0)))
print(f"plugin {client.platform_name}: {client.device_count} devices")
print(f"jaxlib {jaxlib.__version__} {jax.devices()[0].platform}: {jax.local_device_count()} device")
PYTHON
one=$(taskset -cp $$ | sed 's/.*: //; s/[-,].*//')
JAX_PLATFORMS=cpu taskset -c "$one" venv/bin/python devices.py | tee seen.txt

cat >wanted.txt <<'SEEN'
CPUs of the process: 1
plugin cpu: 4 devices
jaxlib 0.10.2 cpu: 1 device
SEEN
cmp seen.txt wanted.txt && echo "as it was found"
