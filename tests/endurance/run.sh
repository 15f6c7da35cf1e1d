#!/usr/bin/env bash
# Uses a daemon for so many seconds as others do in weeks; see README.md. usage: run.sh BINDIR SECONDS
# exit: 0 proven, 1 not proven
set -euo pipefail
bindir=$(cd "${1:?usage: run.sh BINDIR SECONDS}" && pwd)
seconds=${2:?usage: run.sh BINDIR SECONDS}
here=$(cd "$(dirname "$0")" && pwd)
driver=$(cd "${DESKCONN_EXAMPLES:-$here/../../target/debug/examples}" && pwd)/endurance
if [ "${3:-}" != inside ]; then exec unshare -n bash "$here/run.sh" "$bindir" "$seconds" inside; fi

work=$(mktemp -d)
daemon='' noise=''
end() {
  for job in $noise $daemon; do kill "$job" 2>/dev/null || :; done
  wait
  ip netns del "endurance-$$" 2>/dev/null || :
  rm -rf "$work"
}
trap end EXIT
trap 'exit 130' INT TERM
wait_for() { for _ in $(seq 400); do if "${@:2}"; then return 0; fi; sleep 0.05; done; tail -20 "$work/log"; echo "FAIL $1"; exit 1; }

# A network with one other machine in it, from which a thousand desktops announce themselves.
ip link set lo up
ip netns add "endurance-$$"
ip link add desk type veth peer name others netns "endurance-$$"
ip address add 10.77.0.1/24 dev desk
ip link set desk up
ip netns exec "endurance-$$" sh -c 'ip link set lo up; ip address add 10.77.0.2/24 dev others; ip link set others up; ip route add 224.0.0.0/4 dev others'

mkdir -m 700 "$work/state" "$work/run" "$work/data"
cat >"$work/config.toml" <<TOML
log = "warn"
[listen]
# Not at all addresses: the road that is cut has one of its own.
tcp = ["127.0.0.1:5020", "10.77.0.1:5020"]
[discovery]
name = "endurance"
[limits]
# Everybody here has the same address.
sessions = 1000
sessions_per_ip = "unlimited"
unauthenticated_per_ip = "unlimited"
failed_logins_per_ip = "unlimited"
messages_per_s = "unlimited"
[[realm]]
name = "load"
[[realm.role]]
name = "anonymous"
rules = [{ uri = "", match = "prefix", allow = ["call", "register", "publish", "subscribe"] }]
[[realm.history]]
uri = "load.kept"
keep = 1000
store = "disk"
TOML
STATE_DIRECTORY=$work/state RUNTIME_DIRECTORY=$work/run "$bindir/deskconnd" --config "$work/config.toml" 2>"$work/log" &
daemon=$!
socket=$work/run/deskconn.sock
wait_for "the daemon listens" test -S "$socket"
ip netns exec "endurance-$$" python3 "$here/desktops.py" 1000 &
noise=$!

status=0
DESKCONN_SOCKET=$socket XDG_DATA_HOME=$work/data "$driver" "$daemon" 5020 "$seconds" "$bindir/deskconnctl" || status=$?

# Nobody announces anything any more, and nobody asks: then the daemon is silent.
kill "$noise"; wait "$noise" 2>/dev/null || :; noise=''
sent() { awk '$1 == "desk:" { print $11 }' /proc/net/dev; }
ticks() { sed 's/.*) //' "/proc/$daemon/stat" | awk '{ print $12 + $13 }'; }
packets=$(sent) used=$(ticks)
sleep 5
packets=$(($(sent) - packets)) used=$(($(ticks) - used))
echo "in 5 s of rest: $packets packets sent, $used ticks of processor time"
[ "$packets" -le 5 ] || { echo "FAIL it sends though nobody asks"; status=1; }
[ "$used" -le 3 ] || { echo "FAIL it works though nobody is there"; status=1; }
kill -0 "$daemon" || { echo "FAIL the daemon has ended"; status=1; }
if grep -q panicked "$work/log"; then status=1; echo "FAIL it panicked"; fi
[ $status = 0 ] || { tail -30 "$work/log" | cut -c1-200; echo "endurance: FAILED"; exit 1; }
echo "endurance: all proven in $seconds s"
