#!/usr/bin/env bash
# Writes docs/api anew: what each room makes public.
set -euo pipefail
cd "$(dirname "$0")/.."
HALO_UPDATE_API=1 dotnet run --project test/Halo.Architecture.Tests -v q -- --filter-class Halo.Architecture.Tests.PublicSurfaceTests
