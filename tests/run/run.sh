#!/usr/bin/env bash
# The README's `make run`, in a network of its own and as a user without any rights: it starts, a phone can connect,
# SIGTERM ends it within two seconds with exit status 0.
set -euo pipefail
cd "$(dirname "$0")/../.."
if [ "${1:-}" != inside ]; then
  make build
  exec unshare -n bash "$0" inside
fi
ip link set lo up
home=$(mktemp -d); trap 'rm -rf "$home"' EXIT
chown nobody "$home"; chmod 711 "$home"
# The programs where any user can read them.
mkdir "$home/bin"; cp target/release/deskconnd target/release/deskconnctl "$home/bin/"; chmod 755 "$home/bin"
as() { env -i HOME="$home" PATH="$home/bin:/usr/bin:/bin" setpriv --reuid=nobody --regid=nogroup --clear-groups "$@"; }
make run RUN_AS="env -i HOME=$home setpriv --reuid=nobody --regid=nogroup --clear-groups" >"$home/log" 2>&1 &
make=$!
wait_for() { for _ in $(seq 200); do if "${@:2}"; then return 0; fi; sleep 0.05; done; cat "$home/log"; echo "FAIL $1"; exit 1; }
wait_for "the daemon is ready" grep -q ' ready ' "$home/log"
grep -q 'uinput' "$home/log" || [ -w /dev/uinput ] || { echo "FAIL what is missing is not named"; exit 1; }
as deskconnctl status
as deskconnctl call org.deskconn.info.get >/dev/null
if as deskconnctl slides next 2>"$home/refused"; then [ -e /dev/uinput ]; else grep -q 'uinput' "$home/refused"; fi
echo "ok: status and calls over the Unix socket of an ordinary user"
[ "$(stat -c %a "$home/.local/share/deskconn/identity.key")" = 600 ]
echo "ok: the key belongs to its user alone"
if as "$home/bin/deskconnd" 2>"$home/second"; then echo "FAIL a second daemon started"; exit 1; fi
cat "$home/second"
grep -qE 'deskconnd is using|--port' "$home/second"
if as env XDG_DATA_HOME="$home/other" XDG_RUNTIME_DIR="$home/other" "$home/bin/deskconnd" 2>"$home/third"; then echo "FAIL two daemons on one port"; exit 1; fi
grep -q -- '--port' "$home/third" || { cat "$home/third"; echo "FAIL the remedy for a taken port is not named"; exit 1; }
echo "ok: a second daemon says what is wrong and what to do"
daemon=$(pgrep -P "$make")
started=$(date +%s%N)
kill -TERM "$daemon"
wait "$make" || { cat "$home/log"; echo "FAIL exit status $?"; exit 1; }
took=$((($(date +%s%N) - started) / 1000000))
[ "$took" -lt 2000 ] || { echo "FAIL it took $took ms to end"; exit 1; }
echo "ok: SIGTERM ended it in $took ms with exit status 0"
