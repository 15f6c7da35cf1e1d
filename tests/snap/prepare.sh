#!/usr/bin/env bash
# What the tests of the snap need, as root. snapcraft itself does not run here; its schema is in its source on PyPI, whose
# newest release there is older than `platforms`: check.py holds those to rules of its own.
set -euo pipefail
cache=${DESKCONN_CACHE:?}/snapcraft
VERSION=4.8.1
apt-get -qq -o DPkg::Lock::Timeout=300 install -y --no-install-recommends snapd squashfs-tools python3-yaml python3-jsonschema binutils >/dev/null
[ ! -e "$cache/snapcraft.json" ] || exit 0
mkdir -p "$cache"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# pip asks the source for its metadata, and the source asks git for its version.
git -C "$work" init -q
git -C "$work" -c user.name=test -c user.email=test@localhost commit -q --allow-empty -m source
git -C "$work" -c user.name=test -c user.email=test@localhost tag -a "$VERSION" -m source
mkdir "$work/tmp"
if TMPDIR=$work/tmp timeout 300 python3 -m pip download -q --no-deps --no-binary :all: -d "$work" "snapcraft==$VERSION" >"$cache/log" 2>&1; then
  tar -xzf "$work/snapcraft-$VERSION.tar.gz" -C "$work"
  cp "$work/snapcraft-$VERSION/schema/snapcraft.json" "$cache/"
else
  tail -n 3 "$cache/log"
  echo "snapcraft's schema cannot be had: snapcraft.yaml is held to rules of our own alone"
fi
