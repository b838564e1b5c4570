#!/usr/bin/env bash
# Publishes Halo self-contained for linux-x64, without libtorch, and packs it into FOLDER/halo.tar.xz,
# for a machine that has neither .NET nor a network but an installed PyTorch with CUDA.
# There: tar xJf halo.tar.xz, then HALO_LIBTORCH=<PyTorch's torch/lib> LD_LIBRARY_PATH=$HALO_LIBTORCH ./halo/halo --help
set -euo pipefail
folder=${1:?usage: tools/pack-gpu.sh FOLDER}
root=$(cd "$(dirname "$0")/.." && pwd)
staging=$(mktemp -d)
trap 'rm -rf "$staging"' EXIT
dotnet publish "$root/src/Halo.Cli/Halo.Cli.csproj" -c Release -r linux-x64 --self-contained -o "$staging/halo" -v q -p:DebugType=none -p:GenerateDocumentationFile=false >&2
rm -rf "$staging"/halo/libtorch* "$staging"/halo/libc10* "$staging"/halo/libgomp*
[ -d "$root/recipes" ] && cp -r "$root/recipes" "$staging/halo/recipes"
mkdir -p "$folder"
tar -C "$staging" -cf - halo | xz -T0 -6 > "$folder/halo.tar.xz"
du -h "$folder/halo.tar.xz" >&2
