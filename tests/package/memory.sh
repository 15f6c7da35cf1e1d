#!/usr/bin/env bash
# How much memory the daemon of a package has after its start, by the kernel. In a network of its own, as root.
#
# usage: memory.sh BINDIR     BINDIR holds what packaging/order.sh made
set -euo pipefail
cd "$(dirname "$0")/../.."
BIN=$(cd "${1:?usage: memory.sh BINDIR}" && pwd)
if [ "${2:-}" != inside ]; then exec unshare --net bash "$0" "$BIN" inside; fi
# What a machine spares for a daemon that nobody uses yet; without the order of functions it has 13 and 16 MiB.
MOST_OF_ROUTER_MIB=10
MOST_OF_DESKTOP_MIB=15
ip link set lo up
work=$(mktemp -d)
daemon=
trap '[ -z "$daemon" ] || kill "$daemon" 2>/dev/null; wait; rm -rf "$work"' EXIT
mkdir -m 700 "$work/state" "$work/run"
export STATE_DIRECTORY=$work/state RUNTIME_DIRECTORY=$work/run
export HOME=$work XDG_CONFIG_HOME=$work XDG_DATA_HOME=$work XDG_STATE_HOME=$work XDG_RUNTIME_DIR=$work
export DBUS_SESSION_BUS_ADDRESS=unix:path=$work/none DBUS_SYSTEM_BUS_ADDRESS=unix:path=$work/none
fail() { echo "package: FAILED: $*" >&2; cat "$work/log" >&2; exit 1; }

# has_little_memory NAME MIB ARGUMENT...
has_little_memory() {
  : >"$work/log"
  "$BIN/deskconnd" "${@:3}" 2>>"$work/log" &
  daemon=$!
  for _ in $(seq 400); do if grep -q ' ready ' "$work/log"; then break; fi; sleep 0.05; done
  grep -q ' ready ' "$work/log" || fail "$1 does not start"
  local has
  has=$(awk '/^VmRSS/ { print $2 }' "/proc/$daemon/status")
  [ "$has" -gt 1024 ] && [ "$has" -le $(($2 * 1024)) ] || fail "$1 has $has KiB after its start, of $2 MiB"
  kill "$daemon"
  wait "$daemon" || fail "$1 ends with $?"
  daemon=
  echo "ok    $1 has $has KiB after its start"
}
has_little_memory "a plain router" $MOST_OF_ROUTER_MIB --config examples/open-router.toml
has_little_memory "a desktop" $MOST_OF_DESKTOP_MIB
