#!/usr/bin/env bash
# State is never lost: the store under kills, failing system calls, full and read-only disks, damaged files. README.md
# says what must hold.
#
# usage: run.sh BINDIR       BINDIR holds deskconnd and deskconnctl, and examples/state-worker unless DESKCONN_EXAMPLES is where it is
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
bindir=$(cd "${1:?usage: run.sh BINDIR}" && pwd)
worker=$(realpath "${DESKCONN_EXAMPLES:-$bindir/examples}")/state-worker
for program in "$bindir/deskconnd" "$bindir/deskconnctl" "$worker"; do
  [ -x "$program" ] || { echo "FAIL there is no $program: build it first (cargo build --release && cargo build --release --example state-worker)"; exit 1; }
done
skip() { echo "=== SKIPPED $1"; [ "${DESKCONN_REQUIRE_ALL:-}" != 1 ] || exit 1; }

if ! command -v strace >/dev/null && [ "$(id -u)" = 0 ]; then
  apt-get -qq -o DPkg::Lock::Timeout=300 update
  DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 install -y --no-install-recommends strace >/dev/null
fi
if command -v strace >/dev/null; then
  python3 "$here/inject.py" "$worker" kill
  python3 "$here/inject.py" "$worker" fail
else
  skip "kills and failing system calls: install strace"
fi
if [ "$(id -u)" = 0 ]; then
  unshare -m -n --propagation private bash "$here/disk.sh" "$bindir"
  unshare -n bash -c 'ip link set lo up && exec bash "$@"' _ "$here/users.sh" "$bindir"
  if command -v dbus-daemon >/dev/null && /usr/bin/python3 -c 'import dbusmock' 2>/dev/null; then
    unshare -n bash -c 'ip link set lo up && exec bash "$@"' _ "$here/seat.sh" "$bindir"
  else
    skip "the system service and its users: install dbus and python3-dbusmock"
  fi
else
  skip "full and read-only disks, other users: only root can mount and change users"
fi
echo "state: all passed"
