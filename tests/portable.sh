#!/usr/bin/env bash
# Whether router, client, pairing and command line compile for systems that are not Linux. A compiler needs the standard
# library of a target for that: built (`rustup target add`), or its sources (`rustup component add rust-src`). Nothing is
# linked, so the parts of `ring` that are in C need no compiler for the target, and are not checked without one.
#
# usage: portable.sh [TARGET...]
set -euo pipefail
cd "$(dirname "$0")/.."
targets=${*:-x86_64-pc-windows-gnu aarch64-apple-darwin}
rustc=${RUSTC:-rustc}
host=$("$rustc" -vV | sed -n 's/^host: //p')
packages=(-p deskconn-wamp -p deskconn-link -p deskconn-router -p deskconn-client -p deskconn-pairing -p deskconnctl)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Writes nothing where an object or a library would be.
cat >"$work/cc" <<'END'
#!/bin/sh
while [ $# -gt 0 ]; do
  if [ "$1" = -o ]; then : >"$2"; fi
  shift
done
END
chmod +x "$work/cc"

without_c_compiler() {
  local name=${1//-/_}
  if [ "$1" = "$host" ] || printenv "CC_$name" >/dev/null; then return; fi
  export "CC_$name=$work/cc" "AR_$name=true"
}

checked=0
for target in $targets; do
  built=$("$rustc" --print target-libdir --target "$target" 2>/dev/null) || { echo "portable: this compiler knows no $target" >&2; exit 2; }
  without_c_compiler "$target"
  if ls "$built"/libstd-*.rlib >/dev/null 2>&1; then
    cargo check --locked --target "$target" "${packages[@]}"
  elif [ -d "$("$rustc" --print sysroot)/lib/rustlib/src/rust/library/std" ]; then
    # Compilers of a release build the standard library only when they are told to be trusted with it.
    RUSTC_BOOTSTRAP=1 cargo check -Zbuild-std=std,panic_abort --locked --target "$target" "${packages[@]}"
  else
    # No lack of the machine: not every compiler has them, and the workflow has.
    echo "portable: $target was not checked: \`rustup target add $target\`, or \`rustup component add rust-src\`"
    continue
  fi
  checked=$((checked + 1))
  echo "portable: $target compiles"
done
echo "portable: $checked targets checked"
