#!/usr/bin/env bash
# The TypeScript client: its own tests, those against the machines in Rust, and those against a running daemon.
#
# usage: run.sh prepare      its packages, from npm's registry or cache; safe to call twice
#        run.sh BINDIR       BINDIR holds deskconnd and deskconnctl
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
clients=$here/../../clients

prepare() {
  local stamp
  stamp=$({ cat "$clients/package-lock.json"; node --version; } | sha256sum | cut -c1-16)
  if [ "$(cat "$clients/node_modules/.stamp" 2>/dev/null)" != "$stamp" ]; then
    (cd "$clients" && npm ci --silent --ignore-scripts --no-audit --no-fund --prefer-offline)
    echo "$stamp" >"$clients/node_modules/.stamp"
  fi
}

command -v npm >/dev/null || { echo "js: please install nodejs and npm" >&2; exit 1; }
prepare
[ "${1:-}" = prepare ] && exit
DESKCONN_BINDIR=$(cd "${1:?usage: run.sh prepare | run.sh BINDIR}" && pwd)
export DESKCONN_BINDIR
for program in deskconnd deskconnctl; do
  [ -x "$DESKCONN_BINDIR/$program" ] || { echo "FAIL there is no $program in $DESKCONN_BINDIR: build it first (cargo build --release)"; exit 1; }
done
cd "$clients"
npm test --silent --workspace @deskconn/client
