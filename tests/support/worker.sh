#!/bin/sh
# A worker that does what a test wants. It speaks the protocol of real workers and computes nothing.
here=$(dirname "$0")
limits=false
[ -e "$here/limits" ] && limits=true
if [ "$1" = --capabilities ]; then
    # A test that wants an id or an MPI library says it in a file of that name.
    read -r id 2>/dev/null <"$here/id"
    backends='"serial","threads"'
    mpi=null
    if read -r library 2>/dev/null <"$here/mpi"; then
        backends=$backends',"mpi","hybrid"'
        mpi='"'$library'"'
    fi
    echo '{"protocol":1,"build":{"id":"'"$id"'","version":"0","revision":null,"dirty":null,"compiler":"sh","flags":"","profile":"test",
        "mpi":'"$mpi"'},"mpi":'"$mpi"',"backends":['"$backends"'],"limits":'$limits'}'
    exit 0
fi
# A test that wants limits says in a file of that name what to do for them.
[ "$1" = --limits ] && . "$here/limits"
cell=$2
report=$4
id=${cell##*-}
id=${id%.cell.json}
echo "$id" >>"$here/tried"

is_serial() {
    grep -q '"serial"' "$cell"
}

# Leaves the report $1 as a whole, with these replacements in it.
leave() {
    file=$1
    shift
    sed "$@" "$here/$file" >"$report.part"
    mv "$report.part" "$report"
}

# An answer with this inertia; in a report of this protocol and about this cell, where they are given.
answer() {
    leave answer.json -e "s/12345.5/$1/" -e "s/\"protocol\":1,/\"protocol\":${2:-1},/" -e "s/@CELL@/${3:-$id}/"
}

# A failure with this reason.
fail() {
    leave failure.json -e "s/@CELL@/$id/" -e "s/@REASON@/$1/"
}

# what the test wants
