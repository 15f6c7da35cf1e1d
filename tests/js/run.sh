#!/usr/bin/env bash
# The TypeScript client: its own tests, those against the machines in Rust, and those against a running daemon. The browser
# extension: its own tests, and what Mozilla checks.
#
# usage: run.sh prepare      its packages, from npm's registry or cache; safe to call twice
#        run.sh BINDIR       BINDIR holds deskconnd and deskconnctl
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
clients=$here/../../clients

command -v npm >/dev/null || { echo "js: please install nodejs and npm" >&2; exit 1; }
bash "$clients/build.sh" packages
[ "${1:-}" = prepare ] && exit
DESKCONN_BINDIR=$(cd "${1:?usage: run.sh prepare | run.sh BINDIR}" && pwd)
export DESKCONN_BINDIR
for program in deskconnd deskconnctl; do
  [ -x "$DESKCONN_BINDIR/$program" ] || { echo "FAIL there is no $program in $DESKCONN_BINDIR: build it first (cargo build --release)"; exit 1; }
done

cd "$clients"
bash "$here/readme.sh"
for package in client web extension; do npm test --silent --workspace "@deskconn/$package"; done
npm run build --silent --workspace @deskconn/extension
npm run lint --silent --workspace @deskconn/extension
