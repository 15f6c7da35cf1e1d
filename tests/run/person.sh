#!/usr/bin/env bash
# deskconnctl, with a person at it: the other end of a pairing, a minute's patience for a program that is just being started, and
# Ctrl-C for what would go on for ever. For tests/run/documents.py.
set -euo pipefail
real=$DESKCONN_BIN/deskconnctl
# What would go on for ever is ended after so many seconds.
LONG_ENOUGH=1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Opens a window at the desktop, as the script is asked to, and gives the code.
open_window() {
  "$real" pair --yes --no-qr "$@" >"$work/shown" 2>&1 &
  window=$!
  for _ in $(seq 200); do
    code=$(grep -oE '[0-9]{4}-[0-9]{4}' "$work/shown" | head -n 1) && return
    sleep 0.02
  done
  cat "$work/shown"
  exit 1
}

case ${1:-} in
  pair)
    open_window "${@:2}"
    XDG_DATA_HOME=$work "$real" --no-discovery join 127.0.0.1 <<<"$code"
    wait "$window"
    cat "$work/shown"
    ;;
  join)
    open_window --name laptop
    # HOST is this computer.
    place=${2:-HOST}
    "$real" --no-discovery join "${place/HOST/127.0.0.1}" "${@:3}" <<<"$code"
    wait "$window"
    ;;
  approve | subscribe | register)
    status=0
    timeout --signal INT $LONG_ENOUGH "$real" "$@" || status=$?
    # 124: it was still there.
    [ "$status" = 124 ] || [ "$status" = 0 ]
    ;;
  call)
    for attempt in $(seq 100); do
      if "$real" "$@" 2>"$work/refused"; then exit 0; fi
      grep -q no_such_procedure "$work/refused" && [ "$attempt" -lt 100 ] || break
      sleep 0.05
    done
    cat "$work/refused" >&2
    exit 1
    ;;
  # It names what the machine of the test lacks, which is much.
  doctor) "$real" --no-discovery "$@" || [ $? = 1 ] ;;
  *) "$real" --no-discovery "$@" ;;
esac
