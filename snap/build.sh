#!/usr/bin/env bash
# A snap for this machine from a release build: `snap pack` of Debian's snapd needs neither its daemon nor the store.
#
# usage: snap/build.sh OUTPUT_DIRECTORY
#   BIN=DIR   where deskconnd and deskconnctl are; target/release without it
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
output=${1:?usage: snap/build.sh OUTPUT_DIRECTORY}
for tool in snap mksquashfs; do
  command -v "$tool" >/dev/null || { echo "build.sh: there is no $tool: apt install snapd squashfs-tools" >&2; exit 1; }
done
# Not a person's own Python, which may have no yaml.
/usr/bin/python3 -c 'import yaml' 2>/dev/null || { echo "build.sh: apt install python3-yaml" >&2; exit 1; }
case $(uname -m) in
  x86_64) architecture=amd64 ;;
  aarch64) architecture=arm64 ;;
  armv7l) architecture=armhf ;;
  *) echo "build.sh: the snap is for amd64, arm64 and armhf, and this is $(uname -m)" >&2; exit 1 ;;
esac
version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$here/../Cargo.toml" | head -n 1)
staged=$(mktemp -d)
trap 'rm -rf "$staged"' EXIT
# mktemp closes it to others, and it becomes the root of the snap.
chmod 755 "$staged"
umask 022
bash "$here/stage.sh" "$staged"
/usr/bin/python3 "$here/metadata.py" "$here/snapcraft.yaml" "$staged" "$version" "$architecture"
mkdir -p "$output"
snap pack --compression=xz "$staged" "$output"
