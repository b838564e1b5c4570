#!/usr/bin/env bash
# Measures training and the kernels on one GPU: one JSON file for each measurement in OUT. A part that fails does not stop the others.
# usage: bench/train-gpu.sh OUT [PART...]
#   OUT   folder for results and logs
#   PART  kernels, nano, large, long, plain, memory (default: kernels nano large long; plain repeats nano without kernels; memory: estimates beside peaks in few steps,
#         a thousand steps, a run that cannot fit)
# environment: HALO  the halo program (default: halo on PATH); HALO_LIBTORCH as halo itself reads it; LIMIT  seconds a measurement may take (default: 120)
set -uo pipefail
out=${1:?usage: bench/train-gpu.sh OUT [PART...]}
shift
[ $# -gt 0 ] || set -- kernels nano large long
halo=${HALO:-halo}
mkdir -p "$out"
[ -n "${HALO_LIBTORCH:-}" ] && export LD_LIBRARY_PATH="$HALO_LIBTORCH${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
nvidia-smi --query-gpu=name,memory.total,clocks.sm --format=csv,noheader 2>/dev/null || true
code=0

# measure NAME ARGUMENTS...
measure() {
  local name=$1
  shift
  echo "== $name: halo bench $*"
  local began=$SECONDS
  if timeout "${LIMIT:-120}" "$halo" bench "$@" --device cuda --out "$out/$name.json" > "$out/$name.txt" 2> "$out/$name.log"; then
    cat "$out/$name.txt"
  else
    echo "failed"
    tail -n 5 "$out/$name.log"
    code=1
  fi
  echo "($((SECONDS - began)) s)"
}

# nano NAME STEPS: seconds of steps with kernels, so that the program's own compiler has finished; the median is taken over tenths of them. Plain operations wait for the device anyway.
nano() {
  measure "nano-pretrain$1" train --model nano --stage pretrain --rows 64 --row-length 1024 --steps $2
  measure "nano-stage1$1" train --model nano --stage 1 --rows 64 --row-length 512 --steps $2 --no-rates
  measure "nano-stage2$1" train --model nano --stage 2 --rows 96 --row-length 512 --steps $2 --no-rates
}

for part in "$@"; do
  case $part in
    kernels) measure kernels kernels ;;
    nano) nano "" 200 ;;
    plain) HALO_KERNELS=plain nano -plain 40 ;;
    large)
      measure stage1 train --model qwen3-1.7b --stage 1 --rows 32 --micro-rows 32 --row-length 512 --steps 10
      measure stage2 train --model qwen3-1.7b --stage 2 --rows 12 --row-length 512 --steps 10
      ;;
    long)
      measure stage3-16k train --model qwen3-1.7b --stage 3 --rows 1 --row-length 16384 --steps 5
      measure stage3-16k-full train --model qwen3-1.7b --stage 3 --rows 1 --row-length 16384 --steps 5 --recompute full
      measure stage3-32k-full train --model qwen3-1.7b --stage 3 --rows 1 --row-length 32768 --steps 4 --recompute full
      ;;
    memory)
      measure memory-1000 train --model nano --stage 2 --rows 16 --row-length 512 --steps 1000 --no-rates
      measure memory-nano-stage1 train --model nano --stage 1 --rows 64 --row-length 512 --steps 1 --no-rates
      measure memory-stage1 train --model qwen3-1.7b --stage 1 --rows 32 --row-length 512 --steps 1 --no-rates
      measure memory-stage2 train --model qwen3-1.7b --stage 2 --rows 12 --row-length 512 --steps 1 --no-rates
      measure memory-stage2-twice train --model qwen3-1.7b --stage 2 --rows 24 --micro-rows 12 --row-length 512 --steps 1 --no-rates
      measure memory-stage3 train --model qwen3-1.7b --stage 3 --rows 1 --row-length 16384 --steps 1 --no-rates
      measure memory-stage3-full train --model qwen3-1.7b --stage 3 --rows 1 --row-length 16384 --steps 1 --recompute full --no-rates
      echo "== refused: two rows of 16,384 with nothing recomputed"
      if "$halo" bench train --model qwen3-1.7b --stage 3 --rows 2 --row-length 16384 --steps 1 --no-rates --device cuda; then echo "it was not refused"; code=1; fi
      ;;
    *) echo "unknown part $part"; code=2 ;;
  esac
done
exit $code
