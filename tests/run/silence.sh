#!/usr/bin/env bash
# A peer that leaves the network without a word: the daemon notices by itself, and forgets the session. usage: silence.sh BINDIR
set -euo pipefail
bindir=$(cd "${1:?usage: silence.sh BINDIR}" && pwd)
if [ "${2:-}" != inside ]; then exec unshare -n bash "$0" "$bindir" inside; fi
ip link set lo up
home=$(mktemp -d)
cat >"$home/config.toml" <<TOML
[desktop]
enabled = false
[listen]
tcp = ["127.0.0.1:5020"]
[limits]
dead_s = 3
[[realm]]
name = "realm1"
[[realm.role]]
name = "anonymous"
rules = [{ uri = "", match = "prefix", allow = ["call"] }]
TOML
"$bindir/deskconnd" --config "$home/config.toml" 2>"$home/log" &
daemon=$!
trap 'kill $daemon 2>/dev/null; wait $daemon 2>/dev/null; rm -rf "$home"' EXIT
wait_for() { for _ in $(seq 400); do if "${@:2}"; then return 0; fi; sleep 0.05; done; cat "$home/log"; echo "FAIL $1"; exit 1; }
wait_for "the daemon is ready" grep -q ' ready ' "$home/log"
# A RawSocket session in JSON that says nothing more.
exec 3<>/dev/tcp/127.0.0.1/5020
printf '\x7f\xf1\x00\x00\x00\x00\x00\x24[1,"realm1",{"roles":{"caller":{}}}]' >&3
wait_for "the session is open" grep -q 'joined' "$home/log"
ip link set lo down
wait_for "the session is forgotten" grep -qE 'connection lost' "$home/log"
echo "ok: a peer that left the network is noticed, and its session forgotten"
