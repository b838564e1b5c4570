#!/usr/bin/env bash
# Decode and prefill on the processor beside llama.cpp (npm package node-llama-cpp), in turns, since machines are seldom quiet.
# usage: bench/cpu.sh MODEL.gguf IMPORTED_FOLDER [ROUNDS]     (halo import MODEL.gguf --out IMPORTED_FOLDER first)
set -euo pipefail
cd "$(dirname "$0")/.."
gguf=$(realpath "$1") folder=$(realpath "$2") rounds=${3:-3}
dotnet build bench/Halo.Inference.Bench -c Release -v q -clp:NoSummary
ours=$PWD/bench/Halo.Inference.Bench/bin/Release/net10.0/Halo.Inference.Bench
peer=${LLAMA_FOLDER:-$(mktemp -d)}
if [ ! -d "$peer/node_modules/node-llama-cpp" ]; then
  (cd "$peer" && npm init -y >/dev/null && npm install --ignore-scripts node-llama-cpp@3.22.1 >/dev/null)
fi
cp bench/llama-cpp.mjs "$peer/"
for _ in $(seq "$rounds"); do
  for length in 2048 8192; do
    "$ours" speed "$folder" int4 "$length" 32
    (cd "$peer" && node llama-cpp.mjs "$gguf" "$(nproc)" "$length" 32)
  done
done
"$ours" speed random:qwen3-0.6b int8 512 24
for model in smollm2-135m hypenet-135m; do
  BENCH_FILL=1 "$ours" speed "random:$model" int4 32768 24
done
