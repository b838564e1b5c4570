#!/usr/bin/env bash
# The whole nano recipe on one GPU, from books to the measured student, teacher included, timed part by part; then what it is compared with.
# usage: bench/nano-gpu.sh OUT [PART...]
#   OUT   folder for results: logs, times.txt, figures, report, both models (weights split into files below 15 MB: OUT/join.sh puts them together), done
#   PART  recipe   halo pretrain nano-teacher, halo convert nano
#         curves   a shorter conversion of the shipped teacher, once with kernels and once with plain tensor operations: pictures of both loss curves
#         compare  shipped and new models measured alike (needs recipe)
#         (default: all three)
# environment: HALO           the halo program (default: halo on PATH); HALO_LIBTORCH as halo itself reads it
#              DATA           books: folder, file, or .tar.xz of them
#              WORK           folder for run folders (default: OUT.work)
#              DEVICE         (default: cuda)
#              CURVE_STEPS    steps of stage 1 and of stage 2 in the curves (default: 300)
#              TEACHER_SET, STUDENT_SET, CURVE_SET   overrides of recipes, separated by blanks: stage1.steps=2 stage2.steps=2
#              TASKS, LENGTHS, LIMIT  of compare (bench/compare-models.sh)
# In the background: nohup bench/nano-gpu.sh OUT > /dev/null 2>&1 &     OUT/log.txt tells how far it is; OUT/done holds the exit code at the end.
set -uo pipefail
out=${1:?usage: bench/nano-gpu.sh OUT [PART...]}
shift
[ $# -gt 0 ] || set -- recipe curves compare
mkdir -p "$out"
out=$(cd "$out" && pwd)
root=$(cd "$(dirname "$0")/.." && pwd)
export HALO=${HALO:-halo} DEVICE=${DEVICE:-cuda} HALO_HOME=${HALO_HOME:-$root}
data=${DATA:?give DATA, the books}
work=${WORK:-$out.work}
mkdir -p "$work"
[ -n "${HALO_LIBTORCH:-}" ] && export LD_LIBRARY_PATH="$HALO_LIBTORCH${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
case $data in
  *.tar.xz) mkdir -p "$work/books" && tar -xJf "$data" -C "$work/books" && data=$work/books ;;
  *) data=$(realpath "$data") ;;
esac
cd "$root"
rm -f "$out/done"
exec > >(tee -a "$out/log.txt") 2>&1
nvidia-smi --query-gpu=name,memory.total,clocks.sm --format=csv,noheader 2>/dev/null || true
code=0

now() { date +%s.%N; }

# record PART FROM TO: seconds between two times.
record() { awk -v part="$1" -v from="$2" -v to="$3" 'BEGIN { printf "%-12s %8.1f s\n", part, to - from }' | tee -a "$out/times.txt"; }

# written PATH: when a file or folder was written; empty where it is missing.
written() { stat -c %.Y "$1" 2>/dev/null; }

# overrides "A=B C=D": as --set options.
overrides() { for one in $1; do printf -- '--set %s ' "$one"; done; }

# halo NAME ARGUMENTS...: runs halo with its log in OUT/NAME.log.
halo() {
  local name=$1
  shift
  echo "== halo $*"
  "$HALO" "$@" > "$out/$name.log" 2>&1 && return
  echo "failed: halo $1"
  tail -n 5 "$out/$name.log"
  code=1
  return 1
}

# keep RUN NAME: a run's small files and its model.
keep() {
  mkdir -p "$out/$2/model"
  for file in recipe.json events.jsonl results.jsonl samples.json selection.json scale.json report.html; do
    [ -f "$1/$file" ] && cp "$1/$file" "$out/$2/"
  done
  for file in "$1"/model/*; do
    case $file in
      *.safetensors) split -b 14000000 "$file" "$out/$2/model/$(basename "$file").part-" ;;
      *) cp "$file" "$out/$2/model/" ;;
    esac
  done
}

recipe() {
  : > "$out/times.txt"
  local began from to run=$work/student stage
  began=$(now)
  # shellcheck disable=SC2046
  halo teacher pretrain recipes/nano-teacher.json --data "$data" --out "$work/teacher" --device "$DEVICE" $(overrides "${TEACHER_SET:-}") || return
  from=$(now)
  record teacher "$began" "$from"
  keep "$work/teacher" teacher
  from=$(now)
  # shellcheck disable=SC2046
  halo student convert recipes/nano.json --teacher "$work/teacher/model" --data "$data" --out "$run" --device "$DEVICE" $(overrides "${STUDENT_SET:-}") || return
  # Each part ends when it writes its result; reading the text and starting the program count for stage 1.
  for stage in stage1:checkpoints/stage1/final select:selection.json stage2:checkpoints/stage2/final stage3:checkpoints/stage3/final scale:scale.json export:model/config.json evaluate:results.jsonl; do
    to=$(written "$run/${stage#*:}")
    [ -n "$to" ] || continue
    record "${stage%%:*}" "$from" "$to"
    from=$to
  done
  to=$(now)
  record report "$from" "$to"
  record whole "$began" "$to"
  keep "$run" student
  grep -ah 'tokens_per_second' "$work/teacher/events.jsonl" "$run/events.jsonl" | awk '
    match($0, /"stage":"[a-z0-9]*"/) { stage = substr($0, RSTART + 9, RLENGTH - 10) }
    match($0, /"tokens_per_second":[0-9.]+/) { speed = substr($0, RSTART + 20, RLENGTH - 20) + 0; if (speed > 0) { sum[stage] += speed; n[stage]++ } }
    END { for (stage in n) printf "%s: %.0f tokens/s, mean of the log\n", stage, sum[stage] / n[stage] }' | sort | tee "$out/speed.txt"
  cat > "$out/join.sh" <<'J'
#!/usr/bin/env bash
# Puts the weights together: OUT/teacher/model/model.safetensors and OUT/student/model/model.safetensors. usage: bash OUT/join.sh [TARGET]
target=${1:-$(dirname "$0")}
for model in teacher student; do
  mkdir -p "$target/$model/model"
  cat "$(dirname "$0")/$model/model/model.safetensors.part-"* > "$target/$model/model/model.safetensors"
done
J
}

# one NAME: a short conversion.
one() {
  # shellcheck disable=SC2046
  halo "curve-$1" convert recipes/nano.json --teacher models/qwen3-nano --data "$data" --out "$work/curve-$1" --until stage2 --device "$DEVICE" \
    --set stage1.steps="${CURVE_STEPS:-300}" --set stage2.steps="${CURVE_STEPS:-300}" --set stage1.log_every=2 --set stage2.log_every=2 $(overrides "${CURVE_SET:-}")
}

curves() {
  local began
  began=$(now)
  one kernels || return
  record "kernels" "$began" "$(now)"
  began=$(now)
  HALO_KERNELS=plain one plain || return
  record "plain" "$began" "$(now)"
  for name in kernels plain; do
    mkdir -p "$out/curve-$name" && cp "$work/curve-$name"/{recipe.json,events.jsonl} "$out/curve-$name/"
  done
  halo curves compare "$work/curve-kernels" "$work/curve-plain" --names "with kernels,plain tensor operations" --out "$out/curves" && cat "$out/curves.log"
}

compare() {
  local began
  [ -f "$work/student/results.jsonl" ] || { echo "compare: the recipe has not run to its end"; code=1; return; }
  began=$(now)
  bench/compare-models.sh models/qwen3-nano "$work/teacher/model" "$out/compare-teacher" || code=1
  bench/compare-models.sh models/hypenet-nano "$work/student/model" "$out/compare-student" || code=1
  record compare "$began" "$(now)"
}

for part in "$@"; do
  case $part in
    recipe | curves | compare) "$part" ;;
    *) echo "unknown part $part"; code=2 ;;
  esac
done
[ -f "$out/times.txt" ] && cat "$out/times.txt"
echo "$code" > "$out/done"
exit $code
