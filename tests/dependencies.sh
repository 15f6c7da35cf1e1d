#!/usr/bin/env bash
# What others wrote and we give on: whether their licences, places and names are allowed (deny.toml), whether the notices
# name all of it, and whether a bill of materials can be made.
#
# usage: dependencies.sh            what needs no network
#        dependencies.sh advisories whether a fault is known of any of it
#        dependencies.sh sbom       writes target/sbom
set -euo pipefail
cd "$(dirname "$0")/.."
# Brings a tool of cargo's into the path.
tool() {
  local at
  at=$(packaging/tool.sh "$1") && PATH=$PATH:$at
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

notices() {
  bash packaging/notices.sh "$work/THIRD-PARTY"
  local linked name missing=0
  linked=$(cargo tree --locked --edges normal --prefix none --format '{p}' -p deskconnd -p deskconnctl | grep -v '(/' | sed 's/ v/ /; s/ (.*//' | sort -u)
  [ "$(wc -l <<<"$linked")" -gt 100 ] || { echo "dependencies: cargo tree names next to nothing" >&2; exit 1; }
  while read -r name; do
    grep -qF "$name: " "$work/THIRD-PARTY" || { echo "dependencies: the notices lack $name" >&2; missing=1; }
  done <<<"$linked"
  [ $missing = 0 ] || exit 1
  for licence in "Permission is hereby granted, free of charge" "Apache License" "Redistribution and use in source and binary forms"; do
    grep -qF "$licence" "$work/THIRD-PARTY" || { echo "dependencies: the notices have no text with \"$licence\"" >&2; exit 1; }
  done
  echo "dependencies: the notices name all $(wc -l <<<"$linked") crates that the programs are linked with"
}

# Built alone the daemon is made of the crates that it is made of beside deskconnctl: else packages are built twice.
features() {
  local of='{p} {f}'
  made_of() { cargo tree --locked --edges normal,build --prefix none --no-dedupe --format "$of" "$@" | sed 's/ (\*)//' | sort -u; }
  made_of -p deskconnd >"$work/alone"
  [ "$(wc -l <"$work/alone")" -gt 100 ] || { echo "dependencies: cargo tree names next to nothing" >&2; exit 1; }
  made_of | comm -13 - "$work/alone" >"$work/other"
  [ ! -s "$work/other" ] || { echo "dependencies: built alone, the daemon has other features of $(paste -s -d , "$work/other")" >&2; exit 1; }
  echo "dependencies: the daemon has the same features alone and beside deskconnctl"
}

sbom() {
  tool cargo-cyclonedx || { echo "cargo-cyclonedx cannot be installed" >&2; exit 1; }
  mkdir -p target/sbom
  # It writes beside each manifest.
  cargo cyclonedx --quiet --format json --spec-version 1.5 --no-build-deps --override-filename deskconn-sbom
  # Where it was built is nobody's business.
  sed "s#file://$PWD#file://.#g" deskconn-sbom.json >target/sbom/deskconnd.cdx.json
  sed "s#file://$PWD#file://.#g" clients/ctl/deskconn-sbom.json >target/sbom/deskconnctl.cdx.json
  find . -name deskconn-sbom.json -not -path './target/*' -delete
  ls -l target/sbom
}

case ${1:-} in
  "")
    if tool cargo-deny; then
      cargo deny --locked check bans licenses sources
    else
      echo "cargo-deny cannot be installed: licences and places were not checked" >&2
      if [ "${DESKCONN_REQUIRE_ALL:-}" = 1 ]; then exit 1; fi
    fi
    notices
    features
    ;;
  advisories)
    tool cargo-deny || { echo "cargo-deny cannot be installed" >&2; exit 1; }
    cargo deny --locked check advisories
    ;;
  sbom) sbom ;;
  *) echo "usage: dependencies.sh [advisories|sbom]" >&2; exit 2 ;;
esac
