#!/usr/bin/env bash
# Makes the NuGet packages, then a program outside of the repository that has nothing else, loads the shipped model and generates: tools/check-packages.sh [FOLDER]
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
packages=${1:-$root/artifacts/packages}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
rm -rf "$packages"
dotnet pack "$root/Halo.slnx" -c Release -o "$packages" -v q -clp:NoSummary
packages=$(cd "$packages" && pwd)
version=$(basename "$packages"/Halo.Core.*.nupkg .nupkg)
version=${version#Halo.Core.}
for package in "$packages"/*.nupkg; do
  mkdir "$work/content" && unzip -q "$package" -d "$work/content"
  for part in README.md NOTICE lib/net10.0/"$(basename "$package" ".$version.nupkg")".xml; do [ -f "$work/content/$part" ] || { echo "$package lacks $part" >&2; exit 1; }; done
  [ -f "${package%.nupkg}.snupkg" ] || { echo "$package has no symbols" >&2; exit 1; }
  if grep -rqaF -e "$root/" -e "$HOME/" "$work/content"; then echo "$package names a folder of this machine" >&2; exit 1; fi
  rm -rf "$work/content"
done
cat > "$work/consumer.csproj" <<XML
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <OutputType>Exe</OutputType>
    <TargetFramework>net10.0</TargetFramework>
    <ImplicitUsings>enable</ImplicitUsings>
    <RestoreAdditionalProjectSources>$packages</RestoreAdditionalProjectSources>
    <RestorePackagesPath>$work/packages</RestorePackagesPath>
    <RestoreFallbackFolders>${NUGET_PACKAGES:-$HOME/.nuget/packages}</RestoreFallbackFolders>
  </PropertyGroup>
  <ItemGroup>
    <PackageReference Include="Halo.Conversion" Version="$version" />
  </ItemGroup>
</Project>
XML
# The second half of the README's example, with the shipped model.
sed -e '/^\/\/ Convert/,/^$/d' -e "s|runs/mine/model|$root/models/hypenet-nano|" "$root/samples/Halo.Example/Program.cs" > "$work/Program.cs"
cd "$work"
dotnet build -v q -clp:NoSummary -o "$work/out"
text=$(dotnet "$work/out/consumer.dll")
echo "$text"
[ -n "$text" ] && echo "PASS: $(ls "$packages"/*.nupkg | wc -l) packages, used from outside"
