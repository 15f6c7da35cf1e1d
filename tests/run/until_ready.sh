#!/usr/bin/env bash
# deskconnd, which its reader ends with Ctrl-C when it is ready. For tests/run/documents.py.
set -euo pipefail
case " $* " in *" --check "* | *" --man "* | *" --help "*) exec "$DESKCONN_BIN/deskconnd" "$@" ;; esac
coproc "$DESKCONN_BIN/deskconnd" "$@" 2>&1
daemon=$COPROC_PID
while read -r line <&"${COPROC[0]}"; do
  echo "$line"
  case $line in *' ready '*) kill -INT "$daemon" ;; esac
done
wait "$daemon"
