#!/usr/bin/env bash
# Measures the inference engine on one GPU at the shapes of HypeNet-2B and Qwen3-1.7B with random weights: OUT/NAME.txt, and OUT/plots-NAME with pictures and
# inference.json. A part that fails does not stop the others.
# usage: bench/inference-gpu.sh OUT [PART...]
#   OUT   folder for results, pictures and logs
#   PART  pair, int8, batch, cache, million, tensors, ordered (default: all of them)
# environment: HALO  the halo program (default: halo on PATH); HALO_LIBTORCH as halo itself reads it; LIMIT  seconds a measurement may take (default: 300)
# for a rehearsal: DEVICE (default: cuda), MODEL and AGAINST (folders), SHRINK  divides all lengths (default: 1)
set -uo pipefail
out=${1:?usage: bench/inference-gpu.sh OUT [PART...]}
shift
[ $# -gt 0 ] || set -- pair int8 batch cache million tensors ordered
halo=${HALO:-halo}
shapes=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/shapes
mkdir -p "$out"
[ -n "${HALO_LIBTORCH:-}" ] && export LD_LIBRARY_PATH="$HALO_LIBTORCH${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
nvidia-smi --query-gpu=name,memory.total,clocks.sm --format=csv,noheader 2>/dev/null || true
code=0

# measure NAME LENGTHS ARGUMENTS...: lengths in units of 1,024 tokens, with blanks between them
measure() {
  local name=$1 contexts='' length
  for length in $2; do
    contexts+=${contexts:+,}$((length * 1024 / ${SHRINK:-1}))
  done
  shift 2
  set -- inference "${MODEL:-$shapes/hypenet-2b}" --contexts "$contexts" --random-weights --device "${DEVICE:-cuda}" "$@"
  echo "== $name: halo bench $*"
  local began=$SECONDS
  if timeout "${LIMIT:-300}" "$halo" bench "$@" --plots "$out/plots-$name" > "$out/$name.txt" 2> "$out/$name.log"; then
    cat "$out/$name.txt"
  else
    echo "failed"
    tail -n 5 "$out/$name.log"
    code=1
  fi
  echo "($((SECONDS - began)) s)"
}

for part in "$@"; do
  case $part in
    pair) measure pair "8 32 128 512" --against "${AGAINST:-$shapes/qwen3-1.7b}" --new-tokens 64 ;;
    int8) measure int8 8 --weights int8 --new-tokens 64 ;;
    batch) measure batch 8 --batch 32 --new-tokens 64 ;;
    cache) measure cache 128 --cache int8 --new-tokens 64 ;;
    # Shorter prompts first: the first of all is read twice.
    million) measure million "8 128 1024" --new-tokens 64 ;;
    tensors) measure tensors 8 --runner tensors --new-tokens 16 ;;
    ordered) measure ordered 8 --no-read-ahead --new-tokens 64 ;;
    *) echo "unknown part $part"; code=2 ;;
  esac
done
exit $code
