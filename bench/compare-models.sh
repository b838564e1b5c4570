#!/usr/bin/env bash
# Measures two versions of a model alike and prints their figures beside each other.
# usage: bench/compare-models.sh OLD NEW [OUT]
#   OLD, NEW  model folders          OUT  folder for figures and logs (default: .)
# environment: HALO     the halo program (default: halo on PATH); HALO_LIBTORCH as halo itself reads it
#              TASKS    (default: perplexity,niah_single_1,niah_single_2,niah_single_3)
#              LENGTHS  (default: 1k,4k,16k,64k)   LIMIT  items a task and length (default: 50)
#              DEVICE   (default: cuda)            TYPE   number type (default: halo's for the device)
set -uo pipefail
old=${1:?usage: bench/compare-models.sh OLD NEW [OUT]}
new=${2:?usage: bench/compare-models.sh OLD NEW [OUT]}
out=${3:-.}
halo=${HALO:-halo}
mkdir -p "$out"
[ -n "${HALO_LIBTORCH:-}" ] && export LD_LIBRARY_PATH="$HALO_LIBTORCH${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"

# measure NAME FOLDER
measure() {
  "$halo" eval "$2" --tasks "${TASKS:-perplexity,niah_single_1,niah_single_2,niah_single_3}" --lengths "${LENGTHS:-1k,4k,16k,64k}" --limit "${LIMIT:-50}" \
    --device "${DEVICE:-cuda}" ${TYPE:+--dtype "$TYPE"} > "$out/$1.txt" 2> "$out/$1.log" || { echo "$1 failed"; tail -n 5 "$out/$1.log"; return 1; }
}

measure old "$old" && measure new "$new" || exit 1

# A line is: task metric value [± error] n=N {settings}; the length is the setting that tells lines of a task apart.
awk '
  $2 ~ /_by_/ { next }
  { length_ = "-"; if (match($0, /"length":[0-9]+/)) length_ = substr($0, RSTART + 9, RLENGTH - 9); key = $1 " | " $2 " | " length_; figure = $3 ($4 == "±" ? " ± " $5 : "") }
  FNR == NR { was[key] = figure; next }
  !told++ { print "| task | figure | tokens | old | new |"; print "|---|---|---|---|---|" }
  { print "| " key " | " was[key] " | " figure " |" }
' "$out/old.txt" "$out/new.txt" | tee "$out/compare.md"
