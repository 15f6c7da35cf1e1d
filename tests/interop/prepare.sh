#!/usr/bin/env bash
# Sets up the foreign libraries of this stage:
#   CACHE/venv          a Python environment with python/requirements.txt
#   CACHE/node_modules  the packages of js/package-lock.json
#
# usage: prepare.sh        safe to call twice and at the same time; as root it installs Node, venv and Java where they miss
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=${DESKCONN_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/deskconn}/interop
mkdir -p "$cache"
exec 9>"$cache/lock"
flock 9

say() { echo "interop prepare: $*"; }
fail() { echo "interop prepare: $*" >&2; exit 1; }

missing=()
command -v npm >/dev/null || missing+=(nodejs npm)
python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
command -v javac >/dev/null || missing+=(default-jdk-headless)
if [ ${#missing[@]} -gt 0 ]; then
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || fail "please install ${missing[*]}"
  say "installing ${missing[*]}"
  apt-get -qq -o DPkg::Lock::Timeout=300 update
  DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "${missing[@]}" >/dev/null
fi

# Built anew when what is wanted changed, or what it was built with. The stamp comes last, so half a job is done again.
python_stamp=$({ cat "$here/python/requirements.txt"; python3 --version; } | sha256sum | cut -c1-16)
if [ "$(cat "$cache/python.stamp" 2>/dev/null)" != "$python_stamp" ]; then
  say "Python libraries"
  rm -rf "$cache/venv"
  python3 -m venv "$cache/venv"
  "$cache/venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/python/requirements.txt" || fail "the Python libraries could not be installed"
  echo "$python_stamp" >"$cache/python.stamp"
fi

js_stamp=$({ cat "$here/js/package-lock.json"; node --version; } | sha256sum | cut -c1-16)
if [ "$(cat "$cache/js.stamp" 2>/dev/null)" != "$js_stamp" ]; then
  say "JavaScript libraries"
  cp "$here/js/package.json" "$here/js/package-lock.json" "$cache/"
  # Without scripts: the native parts of the packages are optional, and nothing from a registry runs unasked.
  (cd "$cache" && npm ci --silent --no-audit --no-fund --ignore-scripts --omit=optional) || fail "the JavaScript libraries could not be installed"
  echo "$js_stamp" >"$cache/js.stamp"
fi
say "ready in $cache"
