#!/bin/sh
# A worker that does what a test wants. It speaks the protocol of real workers and computes nothing.
here=$(dirname "$0")
if [ "$1" = --capabilities ]; then
    echo '{"protocol":1,"build":{"id":"","version":"0","revision":null,"dirty":null,"compiler":"sh","flags":"","profile":"test",
        "mpi":null},"backends":["serial","threads"]}'
    exit 0
fi
cell=$2
report=$4
id=${cell##*-}
id=${id%.cell.json}
echo "$id" >>"$here/tried"

is_serial() {
    grep -q '"serial"' "$cell"
}

# A report of protocol $2 about cell $3 with the end $1.
leave() {
    printf '{"protocol":%s,"cell":"%s","host":{"id":"test","cpus":1,"allowed_cpus":[0],"caches":[],"vector":[],"environment":[]},
        "end":%s}' "$2" "$3" "$1" >"$report.part"
    mv "$report.part" "$report"
}

# An answer with this inertia.
done_with() {
    printf '{"done":{"platform":"cpu","kernel":"sh","host":"test","seconds":0.5,"answer":{"of":"kmeans","rows":300,"dims":2,
        "iterations":4,"converged":false,"inertia":%s,"sizes":[100,100,100],"centroids":"c","labels":"l","data":"d"},
        "lanes":[],"readings":[],"peak_rss_bytes":null,"load":{"load1":null,"steal":null,"mhz":null}}}' "$1"
}

answer() {
    leave "$(done_with "$1")" 1 "$id"
}

# what the test wants
