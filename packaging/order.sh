#!/usr/bin/env bash
# Builds the programs for packages, the daemon with what runs at its start side by side: target/ordered/deskconnd, deskconnctl.
#
# usage: order.sh [PROFILE]     without it the profile `release`, which the packages are made of
#
# Linux maps the 64 KiB around each function that is called. The few thousand of the start lie all over the program
# otherwise, and a daemon that does nothing has two thirds of its code in memory. Where the tools for it are missing, the
# programs are as they are otherwise, and it says so; with DESKCONN_REQUIRE_ALL=1 it fails instead.
set -euo pipefail
cd "$(dirname "$0")/.."

# Says why the daemon is not ordered, and ends.
as_it_is() {
  echo "order: the daemon takes some 6 MiB more of memory than it needs: $*" >&2
  [ "${DESKCONN_REQUIRE_ALL:-}" != 1 ] || exit 1
  cp "$built/deskconnd" "$ordered/"
  exit
}

if [ "${1:-}" != traced ]; then
  profile=${1:-release}
  built=${CARGO_TARGET_DIR:-target}/$profile
  ordered=${CARGO_TARGET_DIR:-target}/ordered
  mkdir -p "$ordered"
  # Functions are traced by their names, which the profile `dist` leaves out.
  export CARGO_PROFILE_DIST_STRIP=debuginfo
  cargo build --profile "$profile" --locked
  cp "$built/deskconnctl" "$ordered/"
  for tool in valgrind dbus-daemon ip nm; do
    command -v "$tool" >/dev/null || as_it_is "there is no $tool (apt install valgrind dbus iproute2 binutils)"
  done
  # On x86-64 Rust's own linker takes an order of functions; elsewhere that of the system would have to.
  linker=()
  if [ "$(uname -m)" != x86_64 ]; then
    command -v ld.lld >/dev/null || as_it_is "there is no ld.lld (apt install lld)"
    linker=(-C link-arg=-fuse-ld=lld)
  fi
  # Linked as in the end, but for what stands in the order: with other arguments functions have other names.
  order=$ordered/functions
  : >"$order"
  link() {
    cargo rustc --profile "$profile" --locked --bin deskconnd -- "${linker[@]}" \
      -C "link-arg=-Wl,--symbol-ordering-file=$(realpath "$order")" -C link-arg=-Wl,--no-warn-symbol-ordering
  }
  link || as_it_is "the linker takes no order of functions"
  as=()
  [ "$(id -u)" = 0 ] || as=(--map-root-user)
  unshare --net "${as[@]}" bash packaging/order.sh traced "$built" "$order" || as_it_is "its start could not be traced"
  # Cargo does not know that the content of the file is new.
  find "$built/deps" -samefile "$built/deskconnd" -delete
  link
  cp "$built/deskconnd" "$ordered/"
  echo "order: $(wc -l <"$order") functions of the start lie side by side"
  exit
fi

# --- which functions run at the start, in a network and on buses of its own -----------------
built=$2 functions=$3
work=$(mktemp -d)
jobs=()
end() {
  for job in "${jobs[@]}"; do kill "$job" 2>/dev/null || :; done
  wait
  rm -rf "$work"
}
trap end EXIT
trap 'exit 130' INT TERM
ip link set lo up
ip link add desk type veth peer name others
ip address add 10.77.0.1/24 dev desk
ip link set desk up
ip link set others up
mkdir -m 700 "$work/state" "$work/run"
export STATE_DIRECTORY=$work/state RUNTIME_DIRECTORY=$work/run
export HOME=$work XDG_CONFIG_HOME=$work XDG_DATA_HOME=$work XDG_STATE_HOME=$work XDG_RUNTIME_DIR=$work
export DBUS_SESSION_BUS_ADDRESS=unix:path=$work/session DBUS_SYSTEM_BUS_ADDRESS=unix:path=$work/system
wait_for() {
  for _ in $(seq 1200); do if "${@:2}"; then return; fi; sleep 0.05; done
  cat "$work"/*.log >&2
  echo "order: in vain: $1" >&2
  exit 1
}
for bus in session system; do
  dbus-daemon --session --nofork --nopidfile --address="unix:path=$work/$bus" 2>"$work/$bus.log" &
  jobs+=($!)
  wait_for "the $bus bus is there" test -S "$work/$bus"
done

# Whether the daemon computed nothing for half a second: what it begins with goes on behind its being ready.
rests() {
  local before
  before=$(cut -d ' ' -f 14,15 "/proc/$daemon/stat")
  sleep 0.5
  [ "$(cut -d ' ' -f 14,15 "/proc/$daemon/stat")" = "$before" ]
}

# traced NAME ARGUMENT...
traced() {
  valgrind --tool=callgrind --demangle=no --callgrind-out-file="$work/$1.calls" "$built/deskconnd" "${@:2}" 2>"$work/$1.log" &
  daemon=$!
  jobs+=("$daemon")
  wait_for "$1 is ready" grep -qs ' ready ' "$work/$1.log"
  wait_for "$1 rests" rests
}
traced router --config examples/open-router.toml
kill "$daemon"
wait "$daemon" || :
traced desktop
"$built/deskconnctl" --at "unix:$work/run/deskconn.sock" status >/dev/null
kill "$daemon"
wait "$daemon" || :

nm --defined-only "$built/deskconnd" | awk '$2 ~ /^[tTwW]$/ { print $3 }' | LC_ALL=C sort -u >"$work/ours"
started() { sed -nE -e "s/^c?fn=\([0-9]+\) ([^']+).*/\1/p" "$work/$1.calls" | LC_ALL=C sort -u | LC_ALL=C comm -12 - "$work/ours"; }
# A desktop needs what a plain router does, and more: that comes behind it.
started router >"$functions"
started desktop | LC_ALL=C comm -13 "$functions" - >"$work/more"
cat "$work/more" >>"$functions"
