#!/usr/bin/env bash
# What a registry would get of the library crates: packages that hold together, with what a reader of their pages needs, and
# nothing of the tests. By hand, `VERIFY=1 bash tests/packages.sh` compiles each from its package as well.
set -euo pipefail
cd "$(dirname "$0")/.."
LIBRARIES=(deskconn-wamp deskconn-link deskconn-router deskconn-pairing deskconn-client deskconn-components)
# Bytes of a package: sources are small, so whatever is larger has something that nobody needs.
MOST_BYTES=524288
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "packages: FAILED: $*" >&2; exit 1; }

chosen=()
for library in "${LIBRARIES[@]}"; do chosen+=(--package "$library"); done
[ -n "${VERIFY:-}" ] || chosen+=(--no-verify)
# What they stand on was fetched when they were built.
cargo package --quiet --allow-dirty --offline --target-dir "$work" "${chosen[@]}" 2>"$work/said" || { cat "$work/said"; fail "cargo package"; }
for library in "${LIBRARIES[@]}"; do
  crate=$(ls "$work/package/$library"-*.crate)
  [ "$(stat -c %s "$crate")" -lt $MOST_BYTES ] || fail "$library has $(stat -c %s "$crate") bytes"
  tar -C "$work" -xzf "$crate"
  content=$work/$(basename "$crate" .crate)
  strange=$(cd "$content" && find . -type f | grep -vE '^\./(README\.md|Cargo\.(toml|toml\.orig|lock)|\.cargo_vcs_info\.json|(src|examples)/.*\.rs)$' || :)
  [ -z "$strange" ] || fail "$library has $strange"
  [ -s "$content/README.md" ] || fail "$library has no README.md"
  for key in description documentation readme repository license rust-version keywords categories; do
    grep -q "^$key = " "$content/Cargo.toml" || fail "$library does not say its $key"
  done
  if grep -q '^path = "\.\.' "$content/Cargo.toml"; then fail "$library depends on a path"; fi
done
echo "ok: packages of ${LIBRARIES[*]}"
