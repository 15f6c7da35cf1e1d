#!/usr/bin/env bash
# Builds what runs in a browser: the library, the phone app, the extension. Does nothing where nothing changed.
#
# usage: build.sh             everything
#        build.sh packages    only fetches the packages that are needed, from npm's registry or cache
set -euo pipefail
cd "$(dirname "$0")"

node=$(node --version 2>/dev/null | sed 's/^v\([0-9]*\).*/\1/') || :
if [ "${node:-0}" -lt 20 ] || ! command -v npm >/dev/null; then
  echo "clients: there is no Node.js 20 or newer with npm, so the phone app is not built; the daemon will say so to browsers" >&2
  exit 0
fi

packages() {
  local stamp
  stamp=$({ cat package-lock.json package.json; node --version; } | sha256sum | cut -c1-16)
  if [ "$(cat node_modules/.stamp 2>/dev/null)" != "$stamp" ]; then
    npm ci --silent --ignore-scripts --no-audit --no-fund --prefer-offline
    echo "$stamp" >node_modules/.stamp
  fi
}

packages
if [ "${1:-}" = packages ]; then exit; fi
# The daemon embeds what is built here: a file that is written anew would make it be built anew.
sources=$(find js web extension build.sh package-lock.json -type f -not -path '*/node_modules/*' -not -path '*/dist/*' -not -path '*/dist-test/*' -print0 | sort -z | xargs -0 sha256sum | sha256sum | cut -c1-16)
if [ "$(cat web/dist/.stamp 2>/dev/null)" != "$sources" ]; then
  rm -rf js/dist web/dist extension/dist
  # Both build the client that they stand on.
  npm run build --silent --workspace @deskconn/web
  npm run build --silent --workspace @deskconn/extension
  echo "$sources" >web/dist/.stamp
fi
