#!/bin/sh
# make bench-xla: a step of ours on XLA's plugin for processors ('make devices') beside k-means steps of JAX (the environment of
# 'make oracles'). Arguments go to benches/xla/bench.py. SHAPE=ROWSxDIMSxK (100096x32x16); rows are a multiple of 128.
set -eu
cd "$(dirname "$0")/.."

target=${CARGO_TARGET_DIR:-target}
shape=${SHAPE:-100096x32x16}
scripts/devices.sh
scripts/oracles.sh --python
text=$target/bench-xla
mkdir -p "$text"
for kind in update certified; do
    # shellcheck disable=SC2046 # three numbers
    cargo run --quiet --release --no-default-features -p amdahl-kmeans --example program_text -- $kind $(echo "$shape" | tr x ' ') f32 >"$text/$kind.mlir"
done
exec "$target/oracles/venv/bin/python" benches/xla/bench.py --plugin "$target/devices/xla-cpu/pjrt_c_api_cpu_plugin.so" --text "$text" --shape "$shape" "$@"
