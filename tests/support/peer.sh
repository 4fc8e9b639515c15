#!/bin/sh
# An outside program that does what a test wants: it speaks the protocol of peers and computes nothing.
here=$(dirname "$0")
[ "$1" = --version ] && { . "$here/version"; exit; }
cell=$2
record=$4
id=$(sed -n 's/.*"id": "\([0-9a-f]*\)".*/\1/p' "$cell")
echo "$id" >>"$here/tried"

# Leaves the record $1 as a whole.
leave() {
    echo "$1" >"$record.part"
    mv "$record.part" "$record"
}

# An answer with the centroids of file $1 after all iterations, those of file $2 after one; of protocol $3 and about cell $4 where given.
answer() {
    cp "$here/$1" "$record.centroids.npy"
    cp "$here/$2" "$record.first.npy"
    name=$(basename "$record")
    leave "{\"protocol\": ${3:-1}, \"cell\": \"${4:-$id}\", \"end\": {\"done\": {\"version\": \"fake 1\", \"seconds\": 0.25, \"timed\": \"not at all\",
        \"cpu_seconds\": 0.5, \"iterations\": ${iterations:-4}, \"centroids\": \"$name.centroids.npy\", \"first\": \"$name.first.npy\",
        \"peak_rss_bytes\": 1048576}}}"
}

# A failure with this reason.
fail() {
    leave "{\"protocol\": 1, \"cell\": \"$id\", \"end\": {\"failed\": {\"class\": \"unavailable\", \"reason\": \"$1\"}}}"
}

# what the test wants
