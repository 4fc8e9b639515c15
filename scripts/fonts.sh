#!/bin/sh
# Makes the subsets anew: crates/typst/assets/fonts for paper, crates/explain/assets/fonts for the page. Needs apt (for the sources) and pyftsubset (pip install fonttools brotli).
set -eu
cd "$(dirname "$0")/.."

page=$(pwd)/crates/explain/assets/fonts
paper=$(pwd)/crates/typst/assets/fonts
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$work" && apt-get download fonts-inter fonts-jetbrains-mono && for package in *.deb; do dpkg -x "$package" source; done)
source=$work/source/usr/share/fonts

# Latin with accents, Greek, dashes and quotes, superscripts and subscripts, arrows, mathematics, markers.
latin=U+0020-007E,U+00A0-00FF,U+0100-017F,U+0192,U+02C6,U+02DC,U+1E9E,U+20AC,U+2116,U+2122
signs=U+0370-03FF,U+2009,U+200A,U+200B,U+202F,U+2010-2015,U+2018-201E,U+2020-2022,U+2026,U+2030,U+2032,U+2033,U+2039,U+203A,U+2044
maths=U+2070-2079,U+207A-207E,U+2080-208E,U+2190-2195,U+21D2,U+2202,U+2206,U+220F,U+2211,U+2212,U+2215,U+2219,U+221A,U+221E,U+222B
marks=U+2248,U+2260,U+2264,U+2265,U+2308-230B,U+25A0,U+25A1,U+25B2,U+25B3,U+25BC,U+25BD,U+25C6,U+25C7,U+25CA,U+25CB,U+25CF,U+2713,U+2717,U+FFFD

for weight in Regular SemiBold; do
    from=$source/opentype/inter/Inter-$weight.otf
    pyftsubset "$from" --unicodes="$latin,$signs,$maths,$marks" --layout-features=kern,ccmp,locl,mark,tnum,lnum,case \
        --name-IDs='*' --no-hinting --notdef-outline --output-file="$paper/Inter-$weight.otf"
    pyftsubset "$from" --unicodes="$latin,$signs,$maths,$marks" --layout-features=kern,ccmp,locl,tnum,lnum \
        --no-hinting --notdef-outline --flavor=woff2 --output-file="$page/Inter-$weight.woff2"
done
pyftsubset "$source/truetype/jetbrains-mono/JetBrainsMono-Regular.ttf" --no-hinting --notdef-outline --layout-features=ccmp,locl,mark \
    --unicodes=U+0020-007E,U+00A0-00FF,U+0370-03FF,U+200B,U+2010-2015,U+2018-201E,U+2022,U+2026,U+2190-2195,U+2212,U+2248,U+2260,U+2264,U+2265,U+FFFD \
    --output-file="$paper/JetBrainsMono-Regular.ttf"
pyftsubset "$paper/JetBrainsMono-Regular.ttf" --unicodes='*' --flavor=woff2 --output-file="$page/JetBrainsMono-Regular.woff2"
ls -l "$paper" "$page"
