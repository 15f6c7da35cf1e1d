#!/usr/bin/env bash
# Writes the licences of everything of others that is inside the programs: each crate that is linked, from the sources
# that cargo builds, and what the phone app is bundled with. Fails where a crate says nothing of its licence.
#
# usage: notices.sh OUT
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=${1:?usage: notices.sh OUT}
cd "$here/.."
host=$(rustc -vV | sed -n 's/^host: //p')
mkdir -p "$(dirname "$out")"
cargo metadata --locked --format-version 1 --filter-platform "${TARGET:-$host}" \
  | python3 "$here/notices.py" clients/web/dist/licenses.txt >"$out.new"
mv "$out.new" "$out"
