#!/usr/bin/env bash
# Times `halo eval` on all eleven benchmark tasks, whole sets, on one GPU, and prints every figure.
# usage: bench/eval-gpu.sh MODEL BENCHMARKS WIKITEXT [OUT]
#   MODEL       model folder         BENCHMARKS  folder of the benchmark files
#   WIKITEXT    WikiText's test file OUT         folder for figures and the log (default: .)
# environment: HALO   the halo program (default: halo on PATH); HALO_LIBTORCH as halo itself reads it
#              TYPES  number types to measure (default: "bfloat16"; add float32 to compare with published figures)
#              TASKS  other tasks than the eleven
set -euo pipefail
model=${1:?usage: bench/eval-gpu.sh MODEL BENCHMARKS WIKITEXT [OUT]}
benchmarks=${2:?the folder of benchmark files is missing}
wikitext=${3:?the WikiText file is missing}
out=${4:-.}
halo=${HALO:-halo}
tasks=${TASKS:-copa,wsc273,openbookqa,winogrande,arc_challenge,arc_easy,piqa,boolq,lambada_openai,hellaswag,wikitext}
mkdir -p "$out"
[ -n "${HALO_LIBTORCH:-}" ] && export LD_LIBRARY_PATH="$HALO_LIBTORCH${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
nvidia-smi --query-gpu=name,memory.total,clocks.sm --format=csv,noheader 2>/dev/null || true

for type in ${TYPES:-bfloat16}; do
  echo "== $type"
  start=$(date +%s.%N)
  "$halo" eval "$model" --tasks "$tasks" --benchmarks "$benchmarks" --wikitext "$wikitext" --max-length 2048 \
    --device cuda --dtype "$type" > "$out/eval-$type.txt" 2> "$out/eval-$type.log" || { tail -n 20 "$out/eval-$type.log"; exit 1; }
  end=$(date +%s.%N)
  cat "$out/eval-$type.txt"
  # Seconds of each task, as halo tells them.
  grep -a -o '[a-z0-9_]*: [0-9.]* s, [0-9]* figures' "$out/eval-$type.log" || true
  echo "$type: $(echo "$end $start" | awk '{ printf "%.1f", $1 - $2 }') s in all, starting the program and reading the model included"
done
