#!/usr/bin/env bash
# The program in Go of docs/CLIENTS.md: its grammar, and the form that all Go has. The library that it stands on comes from the
# network alone, so it is not compiled.
#
# As root it installs Debian's Go where that is missing; otherwise it says that it skips, which is a failure with
# DESKCONN_REQUIRE_ALL=1.
set -euo pipefail
cd "$(dirname "$0")/.."
if ! command -v gofmt >/dev/null && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 install -y --no-install-recommends golang-go >/dev/null
fi
if ! command -v gofmt >/dev/null; then
  echo "=== SKIPPED go: install golang-go"
  [ "${DESKCONN_REQUIRE_ALL:-}" != 1 ] || exit 1
  exit 0
fi
formed=$(gofmt -e -d examples/clients/*.go)
[ -z "$formed" ] || { echo "$formed"; echo "go: FAILED: gofmt writes it otherwise" >&2; exit 1; }
echo "go: ok: $(ls examples/clients/*.go) is Go"
