#!/usr/bin/env bash
# Publishes the tests of the kernels (and those of models, training and inference, which run them) self-contained for linux-x64, without libtorch,
# into FOLDER/check-kernels.tar.xz, for a machine that has a GPU and PyTorch but no .NET.
# There: tar xJf check-kernels.tar.xz, then HALO_LIBTORCH=<PyTorch's torch/lib> LD_LIBRARY_PATH=$HALO_LIBTORCH ./check-kernels/run.sh [NAME...] [-- OPTION...]
# NAMEs are Kernels (the default), Models, Training, Inference; OPTIONs are the test runner's, --filter-class Halo.Inference.Tests.CudaRunnerTests for example.
# The weights of hypenet-nano go along with Inference, no others do.
set -euo pipefail
folder=${1:?usage: tools/check-kernels.sh FOLDER [NAME...]}
shift
root=$(cd "$(dirname "$0")/.." && pwd)
staging=$(mktemp -d)
trap 'rm -rf "$staging"' EXIT
out="$staging/check-kernels"
mkdir -p "$out/test"
for name in "${@:-Kernels}"; do
  dotnet publish "$root/test/Halo.$name.Tests/Halo.$name.Tests.csproj" -c Release -r linux-x64 --self-contained -o "$out/bin" -v q -clp:NoSummary -p:DebugType=none -p:GenerateDocumentationFile=false >&2
done
rm -rf "$out"/bin/libtorch* "$out"/bin/libc10* "$out"/bin/libgomp*
mkdir -p "$out/bench"
cp -r "$root/test/golden" "$out/test/golden"
cp -r "$root/bench/shapes" "$out/bench/shapes"
cp -r "$root/models" "$out/models"
case " $* " in *" Inference "*) kept=hypenet-nano ;; *) kept=none ;; esac
find "$out/models" -name '*.safetensors' -not -path "*/$kept/*" -delete
cat > "$out/run.sh" <<'RUN'
#!/usr/bin/env bash
here=$(cd "$(dirname "$0")" && pwd)
export HALO_TEST_GOLDEN="$here/test/golden"
code=0
names=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do
  names+=("$1")
  shift
done
[ $# -eq 0 ] || shift
for name in "${names[@]:-Kernels}"; do
  "$here/bin/Halo.$name.Tests" "$@" || code=1
done
exit $code
RUN
chmod +x "$out/run.sh"
mkdir -p "$folder"
tar -C "$staging" -cf - check-kernels | xz -T0 -6 > "$folder/check-kernels.tar.xz"
du -h "$folder/check-kernels.tar.xz" >&2
