#!/usr/bin/env bash
# The snap: built from a release, held against the rules, and what is in it run with a snap's environment, as snapd runs
# it, from where it cannot be written. Confinement and snapd itself are not here.
#
# usage: tests/snap/run.sh BINDIR     as root
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
if [ "${2:-}" != inside ]; then
  bindir=$(cd "${1:?usage: tests/snap/run.sh BINDIR}" && pwd)
  exec unshare --net --mount --pid --fork --mount-proc bash "$0" "$bindir" inside
fi
ip link set lo up
home=$(mktemp -d "${TMPDIR:-/tmp}/deskconn-snap.XXXXXX")
daemon=
clean_up() {
  kill ${daemon:+"$daemon"} 2>/dev/null || :
  wait
  for mounted in "$home/other/run" "$home/snap"; do umount "$mounted" 2>/dev/null || :; done
  rm -rf "$home"
}
trap clean_up EXIT
chmod 711 "$home"
say() { echo "ok: $*"; }
fail() { echo "FAIL $*"; [ ! -e "$home/log" ] || tail -n 20 "$home/log"; exit 1; }
until_true() {
  for _ in $(seq 400); do if "${@:2}" >/dev/null 2>&1; then return 0; fi; sleep 0.05; done
  fail "$1"
}

BIN=$1 bash "$root/snap/build.sh" "$home/out"
file=$(echo "$home"/out/deskconn_*.snap)
unsquashfs -lln "$file" >"$home/listing"
unsquashfs -q -d "$home/unpacked" "$file" >/dev/null
/usr/bin/python3 "$here/check.py" "$root" "$home/unpacked" "$home/listing" "$file" "$(dpkg --print-architecture)" \
  "${DESKCONN_CACHE:-/nonexistent}/snapcraft/snapcraft.json"

# As snapd mounts it, and what the snap may write.
SNAP=$home/snap COMMON=$home/var/common DATA=$home/var/x1
mkdir -p "$SNAP" "$COMMON" "$DATA" "$home/settings" "$home/tools" "$home/user"
mount --bind "$home/unpacked" "$SNAP"
mount -o remount,bind,ro "$SNAP"
install -m 755 "$here/snapctl" "$home/tools/snapctl"
echo inactive >"$home/state"
# Words, so that a program in the background is the child itself.
snap_environment=(
  env -i PATH="$home/tools:$SNAP/usr/bin:$SNAP/bin:/usr/bin:/bin" SNAP="$SNAP" SNAP_COMMON="$COMMON" SNAP_DATA="$DATA" \
    SNAP_NAME=deskconn SNAP_INSTANCE_NAME=deskconn SNAP_REVISION=x1 HOME="$home/user" SETTINGS="$home/settings"
)
in_snap() { "${snap_environment[@]}" "$@"; }
config=$COMMON/deskconn/config.toml
configure() { in_snap "$SNAP/meta/hooks/configure"; }
set_to() { printf '%s' "$2" >"$home/settings/$1"; }
unset_all() { rm -f "$home/settings"/*; }
refused() { # KEY JSON WORDS...
  local before after
  before=$(cat "$config" 2>/dev/null || :)
  set_to "$1" "$2"
  if configure 2>"$home/said"; then fail "$1=$2 was taken"; fi
  grep -qF -- "$3" "$home/said" || { cat "$home/said"; fail "$1=$2: the reason is not \"$3\""; }
  after=$(cat "$config" 2>/dev/null || :)
  [ "$before" = "$after" ] && [ ! -e "$COMMON/deskconn/config.new" ] || fail "$1=$2 left something behind"
  rm "$home/settings/$1"
}

in_snap "$SNAP/meta/hooks/install"
[ "$(stat -c %a "$COMMON/run" "$COMMON/deskconn" | tr '\n' ' ')" = "755 700 " ] || fail "the modes of the directories"
configure
[ ! -e "$config" ] || fail "a configuration was written though nothing was set"
[ ! -e "$home/restarts" ] || fail "the daemon was restarted for nothing"
say "the hooks of a first installation make directories and no configuration"

for value in 0 65536 -1 123456 1.5 '"http"'; do
  refused port "$value" "a number from 1 to 65535"
done
refused discovery '"maybe"' "neither true nor false"
refused discovery 1 "neither true nor false"
refused name '{"a": 1}' "is a text"
refused name "\"$(printf 'a%.0s' $(seq 58))\"" '`discovery.name` must be a text of 1 to 57 bytes'
refused owners '"joe ann"' "no list of users"
refused owners '"joe,,ann"' "no list of users"
refused owners '"*"' "no list of users"
say "a wrong value is refused with the reason, and leaves nothing behind"

set_to port 8080
set_to name '"Joe'"'"'s \"attic\" \u003c\\"'
set_to discovery false
configure
in_snap deskconnd --check --config "$config"
grep -qF 'tcp = ["0.0.0.0:8080", "[::]:8080"]' "$config" && grep -qx 'enabled = false' "$config" || { cat "$config"; fail "what was set is not there"; }
[ "$(stat -c %a "$config")" = 600 ] || fail "others can read the configuration"
say "what was set stands in the configuration"

"${snap_environment[@]}" deskconnd >"$home/log" 2>&1 &
daemon=$!
until_true "the daemon is ready" grep -q ' ready ' "$home/log"
[ -S "$COMMON/run/deskconn.sock" ] || fail "the socket is not in the snap's directory"
[ -f "$COMMON/deskconn/identity.key" ] || fail "the key is not in the snap's directory"
in_snap deskconnctl status >/dev/null
in_snap deskconnctl call org.deskconn.info.get --json >"$home/status"
/usr/bin/python3 -c '
import json, sys
status = json.load(open(sys.argv[1]))["args"][0]
assert status["name"] == "Joe'"'"'s \"attic\" <\\", status
' "$home/status" || fail "the name is not what was set"
until_true "the port is that which was set" bash -c 'exec 3<>/dev/tcp/127.0.0.1/8080'
names() {
  # It fails, as there is no session here to be served.
  in_snap deskconnctl doctor >"$home/doctor" 2>&1 || :
  grep -qF "sudo snap connect deskconn:$1" "$home/doctor"
}
for plug in uinput shutdown login-session-control; do
  names "$plug" || { cat "$home/doctor"; fail "doctor does not say how to connect $plug"; }
done
: >"$home/connected-uinput"
! names uinput || { cat "$home/doctor"; fail "doctor says how to connect what is connected"; }
names shutdown || fail "doctor forgets a plug when another is connected"
say "the daemon runs from the read-only snap, deskconnctl finds it, doctor names the plugs"

# As the content interface shares the directory with another snap, which runs as root.
mkdir -p "$home/other/run"
mount --bind "$COMMON/run" "$home/other/run"
env -i PATH="$home/unpacked/bin:/usr/bin:/bin" HOME="$home/user" deskconnctl --at "unix:$home/other/run/deskconn.sock" \
  register com.example.lamp 'echo \"lit\"' >"$home/registered" 2>&1 &
lamp=$!
until_true "the other snap registers a procedure" in_snap deskconnctl call com.example.lamp
in_snap deskconnctl call com.example.lamp --json | grep -q '"lit"' || fail "the other snap's procedure gives something else"
kill "$lamp"
wait "$lamp" 2>/dev/null || :
say "another snap registers a procedure over the shared socket"

echo active >"$home/state"
set_to port 8081
configure
[ "$(cat "$home/restarts")" = deskconn.daemon ] || fail "a running daemon is not restarted"
configure
[ "$(wc -l <"$home/restarts")" = 1 ] || fail "it is restarted though nothing changed"
echo 'log = "debug"' >"$config"
configure || fail "a refresh fails beside a configuration by hand"
refused name '"Cellar"' "was written by hand"
[ "$(cat "$config")" = 'log = "debug"' ] || fail "what was written by hand is gone"
rm "$config"
unset_all
set_to owners '"root"'
configure
grep -qx 'owners = \["root"\]' "$config" || fail "owners are not written"
unset_all
configure
[ ! -e "$config" ] || fail "unset settings do not bring the defaults back"
say "changes restart a running daemon, refreshes do not, and what was written by hand stays"

kill -TERM "$daemon"
wait "$daemon" || fail "the daemon ends with $?"
daemon=
chown nobody "$home/user"
chmod 711 "$home/var"
entry=$home/user/.config/autostart/deskconn-agent.desktop
as_user=(setpriv --reuid=nobody --regid=nogroup --clear-groups)
version() { in_snap "$@" env SNAP_USER_DATA="$home/user" autostart-agent deskconnctl --version; }
[ "$(version)" = "$(version "${as_user[@]}")" ] && [ -f "$entry" ] || fail "a person's first command does not arrange for the agent"
[ "$(stat -c %U "$entry")" = nobody ] || fail "root arranged for an agent"
echo Hidden=true >>"$entry"
version "${as_user[@]}" >/dev/null
grep -qx Hidden=true "$entry" || fail "the person's own change is gone"
say "a person's first command lets the agent start at login, unless they said otherwise"
