#!/bin/sh
# make install: install.sh BIN PREFIX puts the programs of BIN into PREFIX/bin, manual pages and completions for bash, zsh and fish into
# PREFIX/share, where the systems look for them.
set -eu

bin=$1
prefix=$2
share=$prefix/share
install -d "$prefix/bin" "$share/man/man1" "$share/bash-completion/completions" "$share/zsh/site-functions" "$share/fish/vendor_completions.d"
install -s -m 755 "$bin/amdahl" "$prefix/bin"
# Not stripped: it is the program that results name.
install -m 755 "$bin/amdahl-worker" "$prefix/bin"

umask 022
"$bin/amdahl" man "$share/man/man1" >/dev/null
"$bin/amdahl-worker" --man "$share/man/man1"
"$bin/amdahl" completions bash >"$share/bash-completion/completions/amdahl"
"$bin/amdahl" completions zsh >"$share/zsh/site-functions/_amdahl"
"$bin/amdahl" completions fish >"$share/fish/vendor_completions.d/amdahl.fish"
echo "install: amdahl, amdahl-worker, manual pages and completions are below $prefix" >&2
