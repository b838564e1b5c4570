#!/usr/bin/env bash
# Checks that exported HypeNet folders work in PyTorch with Hugging Face's transformers: tools/check-python.sh [prepare|run] [FOLDER]
# prepare needs the .NET SDK, run needs python3 with torch and transformers; without either word both are done here.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
what=both
case ${1:-} in prepare | run) what=$1; shift ;; esac
folder=${1:-artifacts/python-check}
[ "$what" = run ] || dotnet run tools/PreparePythonCheck.cs -- "$folder"
[ "$what" = prepare ] || HF_MODULES_CACHE=${HF_MODULES_CACHE:-$(mktemp -d)} HF_HUB_OFFLINE=1 python3 tools/check_python.py "$folder"
