#!/usr/bin/env bash
# Whether the command line for Windows links and works: MinGW links it, Wine runs it without a network, and it pairs with a
# daemon of this machine and calls it. By hand: `apt install gcc-mingw-w64-x86-64 wine64 iproute2`, and the standard library
# of the target or its sources, as tests/portable.sh asks for.
#
# usage: tests/windows.sh BINDIR   with deskconnd and deskconnctl of this machine
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
target=x86_64-pc-windows-gnu
wine=$(command -v wine64 || echo /usr/lib/wine/wine64)

# try BINDIR DIRECTORY: in a network of its own.
if [ "${1:-}" = try ]; then
  bindir=$2 home=$3 failed=
  cd "$home"
  ip link set lo up
  export WINEPREFIX=$home/wine WINEDEBUG=-all
  say() { echo "ok: $*"; }
  fail() { echo "FAIL $*"; cat said log; exit 1; }
  there() { timeout 120 "$wine" ./deskconnctl.exe --no-discovery "$@" >said 2>&1; }
  owner() { "$bindir/deskconnctl" --at "unix:$home/run/deskconn.sock" "$@"; }
  wait_for() { for _ in $(seq 600); do if "${@:2}"; then return 0; fi; kill -0 "$daemon" 2>/dev/null || break; sleep 0.05; done; fail "$1"; }
  mkdir -m 700 state run
  cat >config.toml <<'TOML'
[discovery]
enabled = false
[listen]
tcp = ["127.0.0.1:5020"]
[[realm]]
name = "open"
[[realm.role]]
name = "anonymous"
rules = [{ uri = "", match = "prefix", allow = ["call", "register"] }]
TOML
  STATE_DIRECTORY=$home/state RUNTIME_DIRECTORY=$home/run "$bindir/deskconnd" --config config.toml >log 2>&1 &
  daemon=$!
  trap 'kill "$daemon" 2>/dev/null || :' EXIT
  : >said
  wait_for "the daemon is ready" grep -q ' ready ' log
  there --version && grep -q '^deskconnctl ' said || fail "it does not say its version"
  there --help && grep -q '^Usage: deskconnctl.exe' said || fail "it does not say how it is used"
  say "it starts, and explains itself"
  there --at unix:/tmp/socket status && failed=1
  [ ! "$failed" ] && grep -q 'there are no Unix sockets' said || fail "an address unix: is not refused"
  say "an address unix: is refused with a sentence"

  "$bindir/deskconnctl" --at ws://127.0.0.1:5020/ws --realm open --anonymous register com.example.lamp 'echo "\"lit\""' >offered 2>&1 &
  wait_for "a function is offered" grep -q 'is offered' offered
  for at in ws://127.0.0.1:5020/ws rs://127.0.0.1:5020; do
    there --at "$at" --realm open --anonymous --json call com.example.lamp && grep -qF '["lit"]' said || fail "a call over $at"
  done
  say "it calls a function over WebSocket and RawSocket"

  owner --json pair --yes --role full >pairing 2>>log &
  window=$!
  wait_for "a window is open" grep -q '"link"' pairing
  sed -n 's/.*"link":"\([^"]*\)".*/\1/p' pairing | there join --name Windows - || fail "it does not pair"
  wait "$window"
  there desktops || fail "it does not know its desktops"
  there --desktop "$(cut -f1 said)" --json call org.deskconn.host.get && grep -q '"uptime_s"' said || fail "a call after pairing"
  say "it pairs, and calls the desktop over TLS"
  kill -TERM "$daemon"
  wait "$daemon"
  exit
fi

bindir=$(cd "${1:?usage: tests/windows.sh BINDIR}" && pwd)
cd "$root"
rustc=${RUSTC:-rustc}
for tool in x86_64-w64-mingw32-gcc "$wine" ip; do
  command -v "$tool" >/dev/null || { echo "windows: nothing was tried: there is no $tool (Debian: gcc-mingw-w64-x86-64 wine64 iproute2)" >&2; exit 1; }
done
trusted=() flags=()
if ! ls "$("$rustc" --print target-libdir --target "$target")"/libstd-*.rlib >/dev/null 2>&1; then
  [ -d "$("$rustc" --print sysroot)/lib/rustlib/src/rust/library/std" ] || { echo "windows: nothing was tried: \`rustup target add $target\`" >&2; exit 1; }
  trusted=(env RUSTC_BOOTSTRAP=1) flags=(-Zbuild-std=std,panic_unwind)
fi
export CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER=x86_64-w64-mingw32-gcc
"${trusted[@]}" cargo build "${flags[@]}" --locked --target "$target" -p deskconnctl
work=$(mktemp -d)
trap 'WINEPREFIX=$work/wine "${wine%/*}/wineserver64" -k -w 2>/dev/null || :; rm -rf "$work"' EXIT
cp "${CARGO_TARGET_DIR:-$root/target}/$target/debug/deskconnctl.exe" "$work/"
# Wine 8.0 lacks the library that Rust's programs take random numbers from since Windows 10; Wine has them in another.
cat >"$work/random.c" <<'C'
#include <windows.h>
BOOLEAN NTAPI SystemFunction036(PVOID, ULONG);
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE bytes, SIZE_T length) { return SystemFunction036(bytes, (ULONG)length); }
C
x86_64-w64-mingw32-gcc -shared -o "$work/bcryptprimitives.dll" "$work/random.c" -ladvapi32
unshare --map-root-user --net bash "$root/tests/windows.sh" try "$bindir" "$work"
echo "windows: the command line works"
