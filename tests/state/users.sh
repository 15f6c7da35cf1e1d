#!/usr/bin/env bash
# Other users of the same machine and a real daemon: modes, refusals, keys that others could read. Called by run.sh as
# root, in a network of its own; the daemon runs as one ordinary user, the other one knocks.
set -euo pipefail
bindir=$1
work=$(mktemp -d "${TMPDIR:-/tmp}/deskconn-users.XXXXXX")
# Numbers that nobody has; no user needs to exist for them.
owner=61001 other=61002
daemon=
end() {
  [ -z "$daemon" ] || { kill "$daemon" 2>/dev/null && wait "$daemon" 2>/dev/null; } || :
  rm -rf "$work"
}
trap end EXIT
trap 'exit 130' INT TERM
fail() { echo "FAIL $1"; cat "$work/log" 2>/dev/null; exit 1; }

chmod 755 "$work"
mkdir "$work/bin" "$work/home" "$work/run"
cp "$bindir/deskconnd" "$bindir/deskconnctl" "$work/bin/"
chmod 755 "$work/bin"/*
chown "$owner" "$work/home" "$work/run"
# As careless as a system can be: the daemon's own modes have to do.
chmod 777 "$work/home"
chmod 755 "$work/run"
socket=$work/run/deskconn/deskconn.sock state=$work/home/.local/share/deskconn
as() {
  local uid=$1
  shift
  env -i HOME="$work/home" XDG_RUNTIME_DIR="$work/run" PATH="$work/bin:/usr/bin:/bin" \
    setpriv --reuid="$uid" --regid="$uid" --clear-groups timeout 20 "$@"
}
printf '[listen]\ntcp = ["127.0.0.1:5020"]\n[discovery]\nenabled = false\n' >"$work/config.toml"
start() {
  : >"$work/log"
  (umask "${1:-022}" && exec env -i HOME="$work/home" XDG_RUNTIME_DIR="$work/run" \
    setpriv --reuid="$owner" --regid="$owner" --clear-groups "$work/bin/deskconnd" --config "$work/config.toml") 2>>"$work/log" &
  daemon=$!
}
ready() {
  start "$@"
  for _ in $(seq 400); do
    if grep -q ' ready ' "$work/log"; then return; fi
    kill -0 "$daemon" 2>/dev/null || break
    sleep 0.05
  done
  fail "the daemon does not start"
}
stop() { kill "$daemon"; wait "$daemon" || fail "the daemon ended with $?"; daemon=; }
mode() { [ "$(stat -c %a "$2")" = "$1" ] || fail "$2 has mode $(stat -c %a "$2") and not $1"; }

for umask in 000 022 077; do
  ready "$umask"
  mode 700 "$(dirname "$socket")"
  mode 600 "$socket"
  mode 700 "$state"
  for file in "$state"/*; do mode 600 "$file"; done
  stop
done
echo "ok: socket, directories and files are their user's alone, whatever the umask is"

ready
as "$owner" deskconnctl status >/dev/null || fail "the owner is not let in"
if as "$other" deskconnctl --at "unix:$socket" status 2>"$work/refused"; then fail "another user was let in"; fi
# By mistake, or by somebody's helpful script.
chmod 755 "$work/run/deskconn"
chmod 666 "$socket"
for ask in status 'call org.deskconn.devices.list' 'pair --legacy' 'log'; do
  # shellcheck disable=SC2086 # words
  if as "$other" deskconnctl --at "unix:$socket" $ask >"$work/out" 2>"$work/refused"; then fail "another user got through with $ask"; fi
  [ ! -s "$work/out" ] || fail "another user was told $(cat "$work/out")"
done
grep -q 'a connection of another user was closed' "$work/log" || fail "the refusal is not in the log"
as "$owner" deskconnctl log --device "uid $other" | grep -q 'another user on the Unix socket' || fail "nor in the audit log"
# What the socket refuses is not to be had by loopback either.
for at in ws://127.0.0.1:5020/ws rs://127.0.0.1:5020; do
  for uid in "$owner" "$other" 0; do
    if as "$uid" deskconnctl --at "$at" --anonymous status >"$work/out" 2>&1; then fail "loopback let user $uid in"; fi
  done
done
as "$owner" deskconnctl status >/dev/null || fail "the owner is no longer let in"
stop
echo "ok: another user is refused at once, also through a socket that was opened by mistake, and loopback is no way round"

# A directory in which others could put a socket in place of the daemon's.
chmod 777 "$work/run/deskconn"
ready
mode 700 "$work/run/deskconn"
stop
rm -rf "$work/run/deskconn"
mkdir -m 777 "$work/run/deskconn"
chown "$other" "$work/run/deskconn"
ready
grep -q "belongs to user $other .*sudo rm -r $work/run/deskconn" "$work/log" || fail "a directory of another user is used"
[ ! -e "$socket" ] || fail "there is a socket in a directory of another user"
stop
rm -rf "$work/run/deskconn"
mkdir -m 700 "$work/run/deskconn"
if as "$owner" deskconnctl status 2>"$work/refused"; then fail "there is a desktop in a directory that is shut"; fi
grep -q "no desktop could be looked for: $work/run/deskconn cannot be looked into" "$work/refused" || { cat "$work/refused"; fail "it does not say what hides the desktop"; }
grep -q "sudo chown $owner $work/run/deskconn" "$work/refused" || { cat "$work/refused"; fail "nor what opens it"; }
as "$owner" deskconnctl doctor >"$work/out" 2>&1 || :
grep -q "$work/run/deskconn cannot be looked into" "$work/out" || { cat "$work/out"; fail "nor does the doctor"; }
rm -rf "$work/run/deskconn"
echo "ok: the socket's directory is closed again, and one of another user is not used"

for file in identity.key noise.key tls.key tls.crt devices.json audit.jsonl .; do
  path=$state/$file
  [ -e "$path" ] || { as "$owner" sh -c "umask 077; echo '{\"version\":1,\"devices\":[]}' >'$path'"; }
  closed=$(stat -c %a "$path")
  for open in 604 640 660; do
    [ "$file" != . ] || open=$((open + 101))
    chmod "$open" "$path"
    if [ "$file" = audit.jsonl ]; then
      # Not a secret of the desktop's: the daemon runs, and does not write into it.
      ready
      before=$(stat -c %s "$path")
      as "$other" deskconnctl --at "unix:$socket" status 2>/dev/null && fail "another user was let in"
      if as "$owner" deskconnctl log 2>"$work/refused"; then fail "a log that others can read is used"; fi
      grep -q "chmod 600 $path" "$work/refused" || { cat "$work/refused"; fail "the mending command is not named"; }
      [ "$(stat -c %s "$path")" = "$before" ] || fail "it was written to"
      stop
    else
      start
      if wait "$daemon"; then fail "it starts although $file has mode $open"; fi
      daemon=
      grep -q "chmod $closed " "$work/log" || fail "the mending command for $file is not named"
    fi
    chmod "$closed" "$path"
  done
done
chown "$other" "$state/identity.key"
start
if wait "$daemon"; then fail "it starts with a key of another user"; fi
daemon=
chown "$owner" "$state/identity.key"
# Shut as sudo leaves it: with new keys every paired device would take this desktop for somebody in between.
chown 0 "$state"
start
if wait "$daemon"; then fail "it starts anew beside a directory of another user"; fi
daemon=
grep -q "belongs to user 0 .*sudo chown $owner $state" "$work/log" || fail "the mending command for the directory is not named"
chown "$owner" "$state"
above=$(dirname "$state")
chown 0 "$above"
chmod 700 "$above"
start
if wait "$daemon"; then fail "it starts anew behind a directory that is shut"; fi
daemon=
grep -q "since $above does not let user $owner through" "$work/log" || fail "the directory that is shut is not named"
chown "$owner" "$above"
ready
stop
echo "ok: files and directories that others can read stop the start with the command that closes them"
