#!/usr/bin/env bash
# The real daemon on a disk that is full, on one that can only be read, and with damaged files. Called by run.sh in a
# mount namespace and a network of its own.
set -euo pipefail
bindir=$1
work=$(mktemp -d "${TMPDIR:-/tmp}/deskconn-disk.XXXXXX")
daemon=
end() {
  [ -z "$daemon" ] || { kill "$daemon" 2>/dev/null && wait "$daemon" 2>/dev/null; } || :
  umount "$work/disk" 2>/dev/null || :
  rm -rf "$work"
}
trap end EXIT
trap 'exit 130' INT TERM
fail() { echo "FAIL $1"; cat "$work/log" 2>/dev/null; exit 1; }

mkdir "$work/disk" "$work/run"
mount -t tmpfs -o size=128k,mode=700 none "$work/disk"
state=$work/disk/state
cat >"$work/config.toml" <<TOML
[listen]
tcp = []
[discovery]
enabled = false
TOML
start() {
  : >"$work/log"
  STATE_DIRECTORY=$state RUNTIME_DIRECTORY=$work/run "$bindir/deskconnd" --config "$work/config.toml" 2>>"$work/log" &
  daemon=$!
}
ready() {
  start
  for _ in $(seq 400); do
    if grep -q ' ready ' "$work/log"; then return; fi
    kill -0 "$daemon" 2>/dev/null || break
    sleep 0.05
  done
  fail "the daemon does not start"
}
stop() { kill "$daemon"; wait "$daemon" || fail "the daemon ended with $?"; daemon=; }
ctl() { timeout 20 "$bindir/deskconnctl" --at "unix:$work/run/deskconn.sock" "$@"; }
# Without a network there is nothing to be found, which is an error after the choice was kept.
wanted() { ctl discovery on >/dev/null 2>&1 || :; ctl call org.deskconn.discovery.status --json | grep -q '"enabled":true'; }
sum() { (cd "$state" && sha256sum -- *.key *.crt *.json 2>/dev/null); }

# --- a full disk ---------------------------------------------------------------------------------------------------------
ready
wanted || fail "the choice was not kept"
before=$(sum)
dd if=/dev/zero of="$work/disk/ballast" bs=4k 2>/dev/null && fail "the disk is not full"
if ctl discovery off 2>"$work/refused"; then fail "a change was taken that cannot be kept"; fi
grep -q 'No space left' "$work/refused" || { cat "$work/refused"; fail "the refusal does not say why"; }
if ctl pair --legacy --ttl 1 2>"$work/refused" >/dev/null; then fail "a device was paired"; fi
[ "$(sum)" = "$before" ] || fail "a file was changed"
ctl call org.deskconn.discovery.status --json | grep -q '"enabled":true' || fail "the memory has changed"
ctl status >/dev/null
rm "$work/disk/ballast"
ctl log | grep -q 'audit.lost' || fail "the log does not say that it lost entries"
dd if=/dev/zero of="$work/disk/ballast" bs=4k 2>/dev/null || :
stop
ready # and it starts on a disk that is full
[ "$(sum)" = "$before" ] || fail "the start changed a file"
rm "$work/disk/ballast"
ctl discovery off >/dev/null || fail "the change is refused though there is room"
stop
echo "ok: a full disk refuses changes with the reason, and nothing else happens"

# --- no disk space at the first start --------------------------------------------------------------------------------------
saved=$state state=$work/disk/other
dd if=/dev/zero of="$work/disk/ballast" bs=4k 2>/dev/null || :
ready
grep -q 'nothing can be stored' "$work/log" || fail "it does not say that nothing is stored"
if ctl pair --legacy 2>"$work/refused" >/dev/null; then fail "a device was paired for nothing"; fi
grep -q 'pairing is refused' "$work/refused" || { cat "$work/refused"; fail "pairing is not refused with the reason"; }
stop
rm "$work/disk/ballast"
ready
for file in identity.key noise.key tls.key tls.crt; do [ -s "$state/$file" ] || fail "$file was not made later"; done
stop
state=$saved
echo "ok: a first start on a full disk works for that run, and the next one makes the keys"

# --- a disk that can only be read --------------------------------------------------------------------------------------------
before=$(sum)
mount -o remount,ro none "$work/disk"
ready
grep -q 'Read-only file system' "$work/log" || fail "it does not say that the disk can only be read"
ctl status >/dev/null
if ctl discovery on 2>"$work/refused"; then fail "a change was taken that cannot be kept"; fi
grep -q 'refused' "$work/refused" || { cat "$work/refused"; fail "the refusal does not say why"; }
stop
mount -o remount,rw none "$work/disk"
[ "$(sum)" = "$before" ] || fail "a file was changed"
echo "ok: a read-only disk keeps its identity and refuses changes"

# --- damaged files -----------------------------------------------------------------------------------------------------------
ready
wanted || fail "the choice was not kept"
stop
echo '{"version": 1, "devices": []}' >"$state/devices.json"
cp "$state/devices.json" "$state/devices.json.bak"
chmod 600 "$state"/devices.json*
for file in identity.key noise.key tls.key tls.crt devices.json state.json; do
  for damage in truncated empty garbage version; do
    cp -p "$state/$file" "$work/whole"
    case $damage in
      truncated) truncate -s $(($(stat -c %s "$state/$file") / 2)) "$state/$file" ;;
      empty) : >"$state/$file" ;;
      garbage) head -c 200 /dev/urandom >"$state/$file" ;;
      version) echo '{"version": 99, "devices": [], "discovery": 7}' >"$state/$file" ;;
    esac
    before=$(sum)
    start
    if wait "$daemon"; then fail "it starts with a $damage $file"; fi
    daemon=
    grep -q "$state/$file" "$work/log" || fail "the error does not name the $damage $file"
    # What a later version has written is whole: moving it away would lose it.
    way="mv $state/$file"
    case $damage/$file in version/*.json) way="Install that one again" ;; esac
    grep -q "$way" "$work/log" || fail "the error for a $damage $file names no way on"
    if grep -q panicked "$work/log"; then fail "it panicked"; fi
    [ "$(sum)" = "$before" ] || fail "a $damage $file was changed"
    cp -p "$work/whole" "$state/$file"
  done
done
ready
stop
echo "ok: a damaged file stops the start with its name and a way on, and is left as it is"

# --- a lost identity -----------------------------------------------------------------------------------------------------
mv "$state/identity.key" "$work/whole"
before=$(sum)
start
if wait "$daemon"; then fail "it starts as another desktop"; fi
daemon=
grep -q "$state/identity.key is missing, though noise.key, tls.key, tls.crt, devices.json" "$work/log" || fail "it does not say what is missing"
[ "$(sum)" = "$before" ] || fail "a start without the identity changed a file"
mv "$work/whole" "$state/identity.key"
ready
stop
echo "ok: a lost identity stops the start, and what is left of the desktop stays as it is"

# --- other files that are lost -------------------------------------------------------------------------------------------
rm "$state/noise.key" "$state/devices.json"
ready
grep -q "WARN.*$state/noise.key is missing" "$work/log" || fail "it does not say that the key of Noise is lost"
grep -q "WARN.*cp $state/devices.json.bak $state/devices.json" "$work/log" || fail "it does not say how the list comes back"
stop
echo "ok: a lost key of Noise and a lost list are said, with what that means"
