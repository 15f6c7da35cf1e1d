#!/usr/bin/env bash
# The system service and the users of the machine: real processes of three users, a private system bus with a mock of
# logind that says who sits there. Called by run.sh as root, in a network of its own.
set -euo pipefail
bindir=$1
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/deskconn-seat.XXXXXX")
# The bus looks up who connects, so these have to be users; every Debian has these three, and nobody logs in as them.
first=$(id -u daemon) second=$(id -u bin) visitor=$(id -u nobody)
processes=()
end() {
  for process in "${processes[@]}"; do kill "$process" 2>/dev/null && wait "$process" 2>/dev/null || :; done
  rm -rf "$work"
}
trap end EXIT
trap 'exit 130' INT TERM
fail() { echo "FAIL $1"; tail -n 30 "$work"/*.log 2>/dev/null; exit 1; }
# Looks again for twenty seconds at most.
until_true() {
  local what=$1
  shift
  for _ in $(seq 400); do
    if "$@"; then return; fi
    sleep 0.05
  done
  fail "$what"
}

chmod 755 "$work"
mkdir "$work/bin" "$work/run"
cp "$bindir/deskconnd" "$bindir/deskconnctl" "$work/bin/"
chmod 755 "$work/bin"/* "$work/run"
export DBUS_SYSTEM_BUS_ADDRESS=unix:path=$work/system.bus
cat >"$work/bus.conf" <<X
<busconfig><listen>$DBUS_SYSTEM_BUS_ADDRESS</listen><auth>EXTERNAL</auth><policy context='default'><allow user='*'/>
<allow send_destination='*'/><allow receive_sender='*'/><allow own='*'/></policy></busconfig>
X
dbus-daemon --nofork --config-file="$work/bus.conf" 2>/dev/null &
processes+=($!)
until_true "the bus does not start" test -S "$work/system.bus"
/usr/bin/python3 -m dbusmock --system -t logind >/dev/null 2>&1 &
processes+=($!)
seat() { /usr/bin/python3 "$here/seat.py" "$@"; }
until_true "the mock of logind does not start" seat add first "$first" 1 2>/dev/null
seat add second "$second" 0

# As root runs it from a unit; with a socket of its own instead of /run.
cat >"$work/config.toml" <<X
[listen]
tcp = []
[discovery]
enabled = false
X
env -i PATH="$PATH" DBUS_SYSTEM_BUS_ADDRESS="$DBUS_SYSTEM_BUS_ADDRESS" STATE_DIRECTORY="$work/state" RUNTIME_DIRECTORY="$work/run" \
  "$work/bin/deskconnd" --config "$work/config.toml" 2>"$work/daemon.log" &
processes+=($!)
until_true "the daemon does not start" grep -q ' ready ' "$work/daemon.log"
at=unix:$work/run/deskconn.sock
# In the background the process itself has the number that bash knows.
become() {
  local uid=$1
  shift
  exec env -i PATH="$work/bin:/usr/bin:/bin" DBUS_SYSTEM_BUS_ADDRESS="$DBUS_SYSTEM_BUS_ADDRESS" XDG_RUNTIME_DIR=/nowhere HOME=/nowhere \
    setpriv --reuid="$uid" --regid="$uid" --clear-groups "$@"
}
ctl() {
  local uid=$1
  shift
  (become "$uid" timeout 20 deskconnctl --at "$at" "$@")
}
owns() { ctl "$1" status 2>/dev/null | grep >/dev/null '^role *owner'; }
is_shut_out() { ! ctl "$1" status >/dev/null 2>&1; }

until_true "who sits there is not let in" owns "$first"
owns 0 || fail "root is not let in"
for uid in "$second" "$visitor"; do is_shut_out "$uid" || fail "user $uid is let in"; done
grep -q 'a connection of another user was closed' "$work/daemon.log" || fail "the refusal is not in the log"
echo "ok: the desktop is of whoever sits there and of root, and of nobody else"

agent() {
  become "$1" deskconnctl --at "$at" agent >"$work/agent-$1.out" 2>"$work/agent-$1.log" &
  processes+=($!)
}
says_no_agent() { { ctl 0 call org.deskconn.media.players 2>&1 || :; } | grep 'deskconnctl agent' >/dev/null; }
is_served() { ! says_no_agent; }
says_no_agent || fail "without an agent nothing says so"
ctl 0 status | grep >/dev/null '^missing *media: .*deskconnctl agent' || fail "nor does status"
agent "$first"
first_agent=$!
agent "$second"
second_agent=$!
until_true "the agent of who sits there does not serve" is_served
grep -q 'serving' "$work/agent-$first.log" || fail "it does not say that it serves"
until_true "the other agent does not wait" grep -q 'waiting until' "$work/agent-$second.log"
agent "$visitor"
until_true "a visitor's agent does not wait" grep -q 'waiting until' "$work/agent-$visitor.log"
kill -KILL "$first_agent"
until_true "that the agent died is not noticed" says_no_agent
agent "$first"
first_agent=$!
until_true "a new agent does not serve" is_served
echo "ok: the agent of the session in front serves, and when it dies that is said until it is back"

become "$first" deskconnctl --at "$at" subscribe org.deskconn.devices.on_changed >/dev/null 2>"$work/subscriber.log" &
subscriber=$!
processes+=($subscriber)
until_true "the first user is not there any more" owns "$first"
seat front second first
until_true "the second user does not get the desktop" owns "$second"
until_true "the first user keeps the desktop" is_shut_out "$first"
# It waits until its user sits there again.
until_true "nobody told the first user why its session has ended" grep -q 'does not sit at the machine any more' "$work/subscriber.log"
kill "$subscriber"
serves() { tail -n 1 "$work/agent-$1.log" | grep -q serving; }
until_true "the second user's agent does not serve" serves "$second"
until_true "the first user's agent does not wait" grep -q 'waiting until' "$work/agent-$first.log"
until_true "it is not served" is_served
kill "$second_agent"
until_true "the second agent is not missed" says_no_agent
seat front first second
until_true "the first user does not get the desktop back" owns "$first"
until_true "the first user's agent does not come back" is_served
seat leave first
until_true "nobody sits there, and somebody is let in" is_shut_out "$first"
owns 0 || fail "root is shut out"
echo "ok: on a switch of users the desktop follows, sessions and agent of the other one end, and come back with their user"
