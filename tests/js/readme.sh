#!/usr/bin/env bash
# Compiles the programs of clients/js/README.md as those of a reader, against the types that the package gives.
set -euo pipefail
cd "$(dirname "$0")/../../clients/js"
npm run build --silent
# Inside the package its own name is known.
at=dist/readme
rm -rf "$at"
mkdir -p "$at"
awk -v at="$at" '/^```ts$/ { number++; shown = 1; next } /^```$/ { shown = 0 } shown { print > (at "/block" number ".ts") }' README.md
[ -e "$at/block3.ts" ] || { echo "FAIL the blocks of clients/js/README.md were not found"; exit 1; }
npx --no-install tsc --ignoreConfig --noEmit --strict --target ES2022 --module NodeNext --moduleResolution NodeNext --lib ES2022,DOM --types '' "$at"/*.ts
echo "ok: the programs of clients/js/README.md compile"
