#!/bin/sh
# Prints the MPI that a worker would be built with, such as openmpi-4.1.4: the name of its target directory, because the binding does
# not notice when the compiler wrapper changes. Where none can be built with: says why on standard error and exits 1.
set -u

mpicc=${MPICC:-mpicc}
no() {
    echo "no MPI: $1" >&2
    exit 1
}

# The binding is generated with libclang.
libclang() {
    for folder in "${LIBCLANG_PATH:-}" "$(llvm-config --libdir 2>/dev/null)" /usr/lib/llvm-*/lib /usr/lib/*-linux-gnu /usr/lib64 \
        /usr/lib64/llvm*/lib64 /usr/lib /usr/local/lib /opt/homebrew/opt/llvm/lib /Library/Developer/CommandLineTools/usr/lib; do
        for library in "$folder"/libclang.so* "$folder"/libclang-[0-9]*.so* "$folder"/libclang.dylib; do
            [ -n "$folder" ] && [ -e "$library" ] && return 0
        done
    done
    return 1
}

command -v "$mpicc" >/dev/null 2>&1 || no "there is no compiler wrapper '$mpicc'"
command -v mpiexec >/dev/null 2>&1 || command -v srun >/dev/null 2>&1 || no "there is no launcher (mpiexec, srun)"
libclang || no "libclang is missing (where it is elsewhere, name its folder in LIBCLANG_PATH)"

# "mpicc: Open MPI 4.1.4 (Language: C)" and "mpicc for MPICH version 4.0.2"
version=$("$mpicc" --showme:version 2>/dev/null || "$mpicc" -v 2>/dev/null | head -n 1)
case $version in
*"Open MPI"*) flavour=openmpi ;;
*MPICH*) flavour=mpich ;;
*) flavour=mpi ;;
esac
number=$(printf '%s\n' "$version" | sed -n 's/^[^0-9]*\([0-9][0-9.]*\).*/\1/p' | head -n 1)
echo "$flavour-${number:-unknown}"
