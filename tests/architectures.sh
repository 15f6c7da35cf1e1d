#!/usr/bin/env bash
# Whether the programs work on the architectures that packages are made for: the tests of what knows no desktop, and both
# programs as docs/BUILDING.md builds them, run by this machine or by QEMU. A target that something is missing for is left
# out by name.
#
# usage: architectures.sh [TARGET...]
#   PROFILE=dist   the programs that packages carry; those of `release` without it
set -euo pipefail
cd "$(dirname "$0")/.."

# try DIRECTORY [RUNNER...]: a daemon, its owner over the Unix socket, and a device that pairs and calls over TLS, in a
# network of their own.
if [ "${1:-}" = try ]; then
  ip link set lo up
  home=$(mktemp -d)
  mkdir -m 700 "$home"/{bin,state,run,device}
  for program in deskconnd deskconnctl; do
    printf '#!/bin/sh\nexec %s "$@"\n' "${*:3} $2/$program" >"$home/bin/$program"
    chmod +x "$home/bin/$program"
  done
  printf '[discovery]\nenabled = false\n' >"$home/config.toml"
  owner() { "$home/bin/deskconnctl" --at "unix:$home/run/deskconn.sock" "$@"; }
  device() { env -i HOME="$home/device" PATH="$PATH" "$home/bin/deskconnctl" --no-discovery "$@"; }
  wait_for() { for _ in $(seq 600); do if "${@:2}"; then return 0; fi; kill -0 "$daemon" 2>/dev/null || break; sleep 0.05; done; cat "$home/log"; echo "FAIL $1"; exit 1; }

  STATE_DIRECTORY=$home/state RUNTIME_DIRECTORY=$home/run "$home/bin/deskconnd" --config "$home/config.toml" >"$home/log" 2>&1 &
  daemon=$!
  trap 'kill "$daemon" 2>/dev/null || :; rm -rf "$home"' EXIT
  wait_for "the daemon is ready" grep -q ' ready ' "$home/log"
  owner status | grep -E '^(desktop|version)'
  owner --json pair --yes --role full >"$home/pairing" 2>>"$home/log" &
  window=$!
  wait_for "a window is open" grep -q '"link"' "$home/pairing"
  sed -n 's/.*"link":"\([^"]*\)".*/\1/p' "$home/pairing" | device join --name Phone -
  wait "$window"
  # What 32 bits do not hold: how many bytes of memory there are.
  device --desktop "$(device desktops | cut -f1)" --json call org.deskconn.host.get >"$home/report"
  grep -q ":$(($(awk '/^MemTotal/ { print $2 }' /proc/meminfo) * 1024))[,}]" "$home/report" || { cat "$home/report"; echo "FAIL the memory is another"; exit 1; }
  kill -TERM "$daemon"
  wait "$daemon" || { cat "$home/log"; echo "FAIL the daemon ended with exit status $?"; exit 1; }
  exit
fi

rustc=${RUSTC:-rustc}
host=$("$rustc" -vV | sed -n 's/^host: //p')
profile=${PROFILE:-release}
lacks() { echo "architectures: $1 was not tried: $2"; }
tried=0
for target in ${*:-aarch64-unknown-linux-gnu armv7-unknown-linux-gnueabihf}; do
  case $target in
    "$host") tools='' runner=() ;;
    aarch64-*) tools=aarch64-linux-gnu runner=(qemu-aarch64 -L /usr/aarch64-linux-gnu) ;;
    armv7-*) tools=arm-linux-gnueabihf runner=(qemu-arm -L /usr/arm-linux-gnueabihf) ;;
    *) echo "architectures: no package is made for $target" >&2; exit 2 ;;
  esac
  trusted=() flags=()
  if ! ls "$("$rustc" --print target-libdir --target "$target")"/libstd-*.rlib >/dev/null 2>&1; then
    [ -d "$("$rustc" --print sysroot)/lib/rustlib/src/rust/library/std" ] || { lacks "$target" "\`rustup target add $target\`"; continue; }
    # Compilers of a release build the standard library only when they are told to be trusted with it.
    trusted=(env RUSTC_BOOTSTRAP=1) flags=(-Zbuild-std=std,panic_unwind,test)
  fi
  if [ "$tools" ]; then
    command -v "$tools-gcc" >/dev/null || { lacks "$target" "there is no $tools-gcc"; continue; }
    command -v "${runner[0]}" >/dev/null || { lacks "$target" "there is no ${runner[0]} (Debian: qemu-user)"; continue; }
    name=$(tr a-z- A-Z_ <<<"$target")
    export "CARGO_TARGET_${name}_LINKER=$tools-gcc" "CARGO_TARGET_${name}_RUNNER=${runner[*]}"
  fi
  # Optimized: QEMU takes ten times as long, and the tests have a clock.
  "${trusted[@]}" cargo test "${flags[@]}" --release --locked --target "$target" -p deskconn-wamp -p deskconn-link -p deskconn-pairing -p deskconn-router
  "${trusted[@]}" cargo build "${flags[@]}" --profile "$profile" --locked --target "$target"
  unshare --map-root-user --net bash tests/architectures.sh try "${CARGO_TARGET_DIR:-$PWD/target}/$target/$profile" "${runner[@]}"
  tried=$((tried + 1))
  echo "architectures: $target works"
done
echo "architectures: $tried targets tried"
