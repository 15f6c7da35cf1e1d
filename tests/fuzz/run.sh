#!/usr/bin/env bash
# Runs every fuzz target for SECONDS seconds, two at a time: run.sh SECONDS [TARGET...]. It prints how many inputs each
# target was given. The corpus grows in the cache directory from run to run; an input that fails is kept in artifacts/.
# `run.sh build` only builds them.
set -euo pipefail
cd "$(dirname "$0")"
SECONDS_EACH=${1:?seconds for each target, or build}
shift
# -s none: sanitizers need the nightly compiler, and there is no unsafe code here for them to watch.
cargo fuzz build --fuzz-dir . -s none
if [ "$SECONDS_EACH" = build ]; then exit; fi
TARGETS=${*:-decode_json decode_msgpack decode_cbor acceptor realm rawsocket websocket longpoll noise pair mdns}
CORPUS=${DESKCONN_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/deskconn}/fuzz
mkdir -p "$CORPUS" artifacts
python3 seeds.py "$CORPUS"

run() {
  local target=$1 log="$CORPUS/$1.log"
  mkdir -p "$CORPUS/$target"
  if ! cargo fuzz run --fuzz-dir . -s none "$target" "$CORPUS/$target" -- \
    -max_total_time="$SECONDS_EACH" -max_len=4096 -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 >"$log" 2>&1; then
    tail -40 "$log"
    echo "FAIL $target: the input is in tests/fuzz/artifacts/$target"
    return 1
  fi
  echo "ok   $target: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") inputs in $SECONDS_EACH s," \
    "$(sed -n 's/^stat::peak_rss_mb: *//p' "$log") MiB at most"
}

status=0
running=()
for target in $TARGETS; do
  if [ "${#running[@]}" -ge 2 ]; then
    wait "${running[0]}" || status=1
    running=("${running[@]:1}")
  fi
  run "$target" &
  running+=($!)
done
for job in "${running[@]}"; do wait "$job" || status=1; done
exit $status
