#!/bin/sh
# make devices: XLA's compiler and runtime for processors as a PJRT plugin, in <target>/devices/xla-cpu, where the backends xla-cpu and
# mpi+xla-cpu look for it. It comes out of one wheel of PyPI, whose SHA-256 is checked, and of which no Python runs: it is fetched by curl,
# or else by pip. 63 MB are fetched, 202 MB are kept. Exit code 6: it cannot be had here.
set -eu
cd "$(dirname "$0")/.."

package=lammps-jax-pjrt-cpu==0.11.2
inside=lammps_jax_pjrt_cpu
wheel=lammps_jax_pjrt_cpu-0.11.2-py3-none-manylinux_2_27_x86_64.whl
sha256=1319390d948b39f69f7dade496b7c385149d9ca6097a6b62114da113216d9ad1
url=https://files.pythonhosted.org/packages/e5/90/f04e5ea9e56f01965b4cd56bc3cf4801a563cd47b74d4ded5780f19c3a7c/$wheel
plugin=pjrt_c_api_cpu_plugin.so

home=${CARGO_TARGET_DIR:-target}/devices/xla-cpu
say() { echo "devices: $*" >&2; }
lacks() {
    say "$*"
    exit 6
}

if [ -e "$home/$plugin" ] && [ "$(cat "$home/wheel.sha256" 2>/dev/null)" = "$sha256" ]; then
    say "$home/$plugin is there"
    exit 0
fi
machine=$(uname -s)-$(uname -m)
[ "$machine" = Linux-x86_64 ] ||
    lacks "there is no wheel of $package for $machine: another plugin of XLA's for processors can be named in AMDAHL_XLA_CPU_PLUGIN"
command -v sha256sum >/dev/null 2>&1 || lacks "there is no sha256sum, and nothing is installed unchecked"

rm -rf "$home"
mkdir -p "$home/new"
trap 'rm -rf "$home/new"' EXIT
say "fetching $wheel (63 MB)"
{ command -v curl >/dev/null 2>&1 && curl -fsSL --retry 2 -o "$home/new/$wheel" "$url"; } ||
    { command -v python3 >/dev/null 2>&1 && python3 -m pip download --quiet --no-deps --only-binary :all: -d "$home/new" "$package"; } ||
    lacks "cannot fetch it, neither by curl nor by pip: put $wheel of PyPI's package $package on this machine, unpack it, and name its $plugin in AMDAHL_XLA_CPU_PLUGIN"
echo "$sha256  $home/new/$wheel" | sha256sum -c --status ||
    lacks "$wheel is another file than the one that was tried: expected SHA-256 $sha256, got $(sha256sum "$home/new/$wheel" | cut -d ' ' -f 1)"
{ command -v unzip >/dev/null 2>&1 && unzip -q -d "$home/new" "$home/new/$wheel"; } ||
    { command -v python3 >/dev/null 2>&1 && python3 -m zipfile -e "$home/new/$wheel" "$home/new"; } ||
    lacks "cannot unpack the wheel: install unzip or python3"
mv "$home/new/$inside-"*.dist-info/licenses/* "$home/"
mv "$home/new/$inside/$plugin" "$home/"
# Last, so that a half-made installation is made again.
echo "$sha256" >"$home/wheel.sha256"
say "$home/$plugin: backends xla-cpu and mpi+xla-cpu find it there"
