#!/usr/bin/env bash
# SmolLM2-135M-Instruct to a HypeNet on one GPU, teacher and student measured on all eleven benchmark tasks. Parts that are done are passed over; a stopped conversion goes on.
# usage: bench/smollm2-gpu.sh WORK [PART...]
#   WORK  folder for everything: teacher, run, and out with what is worth keeping
#   PART  import    the GGUF file becomes WORK/teacher
#         teacher   its figures          measure  speed of stages 1 and 2, and from it their steps (WORK/steps)
#         convert   recipes/smollm2-135m.json
#         student   its figures          collect  small files into WORK/out
#         all       all of these in this order (the default)
#         detach    all, in the background: log in WORK/log.txt, exit code in WORK/done
#         wait      shows the log until WORK/done is there, at most WAIT seconds (default: 560)
# environment: GGUF  the file, its tokenizer beside it     CORPUS  folder with books/ and more/*.jsonl
#              BENCHMARKS, WIKITEXT  as for bench/eval-gpu.sh   HALO, HALO_LIBTORCH  as there
#              STAGE1_SECONDS, STAGE2_SECONDS  time the stages may take (default: 75, 420); 70 and 370 on an H100: 9.4 minutes for all parts
#              ROWS, MEASURED_STEPS  of the measurement of speed (default: 64, 15)
#              SET     more overrides of the recipe, separated by blanks     DEVICE  default: cuda     LIMIT  benchmark items a task at most
set -uo pipefail
work=${1:?usage: bench/smollm2-gpu.sh WORK [PART...]}
shift
[ $# -gt 0 ] || set -- all
root=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$work"
work=$(cd "$work" && pwd)
halo=${HALO:-halo}
[ -x "$halo" ] && halo=$(realpath "$halo")
device=${DEVICE:-cuda} run=$work/run rows=${ROWS:-64}
recipe=$root/recipes/smollm2-135m.json
tasks=copa,wsc273,openbookqa,winogrande,arc_challenge,arc_easy,piqa,boolq,lambada_openai,hellaswag,wikitext
export HALO_HOME=${HALO_HOME:-$root}
[ -n "${HALO_LIBTORCH:-}" ] && export LD_LIBRARY_PATH="$HALO_LIBTORCH${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"

import_teacher() {
  [ -f "$work/teacher/config.json" ] && return
  "$halo" import "$GGUF" --out "$work/teacher"
}

# figures NAME MODEL: everything that halo eval says of a model, once.
figures() {
  [ -f "$work/$1.json" ] && return
  "$halo" eval "$2" --tasks "$tasks" --benchmarks "$BENCHMARKS" --wikitext "$WIKITEXT" --max-length 2048 ${LIMIT:+--limit "$LIMIT"} \
    --device "$device" --json > "$work/$1.json.partial" 2> "$work/$1.log" || { tail -n 20 "$work/$1.log"; return 1; }
  mv "$work/$1.json.partial" "$work/$1.json"
}

# steps_of STAGE SECONDS: how many updates fit, by the speed with random rows less 5 %.
steps_of() {
  "$halo" bench train --model "$work/teacher" --stage "$1" --rows "$rows" --row-length 512 --steps "${MEASURED_STEPS:-15}" --loss-chunk 8192 --no-rates --device "$device" \
    --out "$work/speed-stage$1.json" >&2 || return 1
  sed -n 's/^ *"tokens_per_second": *\([0-9.eE+]*\).*/\1/p' "$work/speed-stage$1.json" | awk -v seconds="$2" 'NR == 1 { print int($1 * 0.95 * seconds / (64 * 512)) }'
}

measure() {
  [ -f "$work/steps" ] && return
  local first second
  first=$(steps_of 1 "${STAGE1_SECONDS:-75}") && second=$(steps_of 2 "${STAGE2_SECONDS:-420}") || return 1
  [ "${first:-0}" -gt 0 ] && [ "${second:-0}" -gt 0 ] || { echo "no step fits; see $work/speed-stage*.json"; return 1; }
  echo "stage1.steps=$first stage2.steps=$second" | tee "$work/steps"
}

convert() {
  [ -f "$run/results.jsonl" ] && return
  if [ -f "$run/recipe.json" ]; then
    (cd "$CORPUS" && "$halo" convert "$run" --device "$device")
  else
    # shellcheck disable=SC2046
    (cd "$CORPUS" && "$halo" convert "$recipe" --teacher "$work/teacher" --out "$run" --device "$device" $(for value in $(cat "$work/steps") ${SET:-}; do echo "--set $value"; done))
  fi
}

collect() {
  mkdir -p "$work/out/run"
  cp "$work"/*.json "$work"/*.log "$work/steps" "$work/times.txt" "$work/log.txt" "$work/out/" 2>/dev/null
  cp -r "$run"/*.json "$run"/*.jsonl "$run/pictures" "$run/report.html" "$run/model/config.json" "$work/out/run/" 2>/dev/null
  for method in halo jet-nemotron kl even; do
    echo "$method: $("$halo" select "$run" --method "$method" --top 8 --epsilon 1e-3 2>&1 | tr '\n' ' ')"
  done > "$work/out/selections.txt"
  du -sh "$work/out"
}

# timed NAME COMMAND...: runs it and notes its seconds.
timed() {
  local name=$1 began=$SECONDS
  shift
  echo "== $name"
  "$@" || { echo "$name failed"; return 1; }
  echo "$name: $((SECONDS - began)) s" | tee -a "$work/times.txt"
}

part() {
  case $1 in
    import) timed import import_teacher ;;
    teacher) timed teacher figures teacher "$work/teacher" ;;
    measure) timed measure measure ;;
    convert) timed convert convert ;;
    student) timed student figures student "$run/model" ;;
    collect) timed collect collect ;;
    all)
      nvidia-smi --query-gpu=name,memory.total,clocks.sm --format=csv,noheader 2>/dev/null
      local code=0
      part import && part teacher && part measure && part convert && part student || code=1
      part collect
      return $code
      ;;
    detach)
      rm -f "$work/done"
      setsid nohup bash -c '"$0" "$1" all; echo $? > "$1/done"' "$root/bench/smollm2-gpu.sh" "$work" > "$work/log.txt" 2>&1 < /dev/null &
      echo "runs in the background; its log: $work/log.txt"
      ;;
    wait)
      for _ in $(seq "${WAIT:-560}"); do [ -f "$work/done" ] && break; sleep 1; done
      tr '\r' '\n' < "$work/log.txt" | tail -n 25
      [ -f "$work/done" ] || { echo "not done yet"; return 3; }
      return "$(cat "$work/done")"
      ;;
    *) echo "unknown part $1"; return 2 ;;
  esac
}

for name in "$@"; do part "$name" || exit $?; done
