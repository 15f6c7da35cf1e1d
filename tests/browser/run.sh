#!/usr/bin/env bash
# The daemon in a real browser: a malicious page, the phone app, and what a phone goes through. README.md says what is
# tried.
#
# usage: run.sh prepare             Chromium and the like (as root, by apt) and its driver, into the cache directory; safe
#                                   to call twice
#        run.sh BINDIR [SCRIPT]…    BINDIR holds deskconnd and deskconnctl, and examples/stage unless
#                                   DESKCONN_EXAMPLES is where it is; SCRIPT is one of those below
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=${DESKCONN_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/deskconn}/browser
export DESKCONN_CACHE=${DESKCONN_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/deskconn}

prepare() {
  mkdir -p "$cache"
  exec 9>"$cache/lock"
  flock 9
  local missing=()
  # The program that is needed, and its package.
  for tool in chromium:chromium npm:npm node:nodejs dnsmasq:dnsmasq-base udhcpc:udhcpc nft:nftables script:bsdutils dbus-daemon:dbus firefox-esr:firefox-esr; do
    command -v "${tool%%:*}" >/dev/null || missing+=("${tool#*:}")
  done
  # Debian installs it for its own interpreter.
  /usr/bin/python3 -c 'import dbusmock' 2>/dev/null || missing+=(python3-dbusmock)
  if [ ${#missing[@]} -gt 0 ]; then
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
      echo "browser prepare: please install ${missing[*]}" >&2
      return 1
    fi
    echo "browser prepare: installing ${missing[*]}"
    apt-get -qq -o DPkg::Lock::Timeout=300 update
    DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "${missing[@]}" >/dev/null
  fi
  local stamp
  stamp=$({ cat "$here/package-lock.json"; node --version; } | sha256sum | cut -c1-16)
  if [ "$(cat "$cache/stamp" 2>/dev/null)" != "$stamp" ]; then
    cp "$here/package.json" "$here/package-lock.json" "$cache/"
    (cd "$cache" && npm ci --silent --no-audit --no-fund --ignore-scripts --omit=optional)
    echo "$stamp" >"$cache/stamp"
  fi
  exec 9>&-
}

if [ "${1:-}" = prepare ]; then
  prepare
  exit
fi
bindir=$(cd "${1:?usage: run.sh prepare | run.sh BINDIR [SCRIPT]…}" && pwd)
shift
[ $# -gt 0 ] || set -- attacks app journeys extension firefox own_page queue
stage=$(realpath "${DESKCONN_EXAMPLES:-$bindir/examples}")/stage
for program in "$bindir/deskconnd" "$bindir/deskconnctl" "$stage"; do
  [ -x "$program" ] || { echo "FAIL there is no $program: build it first (cargo build --release; cargo build --example stage)"; exit 1; }
done
export DESKCONN_STAGE=$stage
if [ -z "${BROWSER_NAMESPACE:-}" ]; then
  if [ "$(id -u)" != 0 ]; then
    echo "=== SKIPPED browser: only root can give it a network of its own"
    if [ "${DESKCONN_REQUIRE_ALL:-}" = 1 ]; then exit 1; fi
    exit 0
  fi
  # Downloads need the machine's network, so they come before the namespace.
  prepare
  bash "$here/../interop/prepare.sh"
  bash "$here/../../clients/build.sh"
  BROWSER_NAMESPACE=1 exec unshare -n bash "$0" "$bindir" "$@"
fi
ip link set lo up

# Components in Python, and the list of the app's screens.
DESKCONN_PYTHON=$DESKCONN_CACHE/interop/venv/bin/python
DESKCONN_SOURCE=$(cd "$here/../.." && pwd)
export DESKCONN_PYTHON DESKCONN_SOURCE PYTHONDONTWRITEBYTECODE=1

work=$(mktemp -d "${TMPDIR:-/tmp}/deskconn-browser.XXXXXX")
daemons=()
end() {
  for daemon in "${daemons[@]}"; do kill "$daemon" 2>/dev/null && wait "$daemon" 2>/dev/null; done || :
  rm -rf "$work"
}
trap end EXIT
trap 'exit 130' INT TERM

# Node looks for packages beside the scripts.
cp "$here"/*.mjs "$here"/*.png "$here/package.json" "$work/"
ln -s "$cache/node_modules" "$work/node_modules"

# start NAME PORT ORIGINS
start() {
  mkdir "$work/$1" "$work/$1/run"
  cat >"$work/$1/config.toml" <<TOML
[listen]
tcp = ["127.0.0.1:$2"]
[discovery]
enabled = false
[http]
allowed_origins = [$3]
[limits]
# A browser keeps connections open; the bound has tests of its own, and here would hide what else refuses.
unauthenticated_per_ip = 100
unauthenticated = 100
TOML
  : >"$work/$1/log"
  STATE_DIRECTORY=$work/$1/state RUNTIME_DIRECTORY=$work/$1/run "$bindir/deskconnd" --config "$work/$1/config.toml" 2>>"$work/$1/log" &
  daemons+=($!)
  for _ in $(seq 400); do
    if grep -q ' ready ' "$work/$1/log"; then return; fi
    kill -0 "${daemons[-1]}" 2>/dev/null || break
    sleep 0.05
  done
  cat "$work/$1/log"
  echo "FAIL the daemon does not start"
  exit 1
}

# A malicious page against daemons that stand for the whole of it; everything else brings daemons of its own.
attacks() {
  start plain 5020 ''
  start allowing 5021 '"http://evil.test:8666"'
  local status=0
  timeout 120 node "$work/attacks.mjs" "$work" || status=$?
  [ "$status" != 124 ] || echo "FAIL not done after 120 s"
  for name in plain allowing; do
    if grep panicked "$work/$name/log"; then status=1; fi
  done
  if [ "$status" != 0 ]; then tail -30 "$work/plain/log"; fi
  for daemon in "${daemons[@]}"; do kill "$daemon" && wait "$daemon" || :; done
  daemons=()
  return "$status"
}

for script in "$@"; do
  echo "browser: $script"
  if [ "$script" = attacks ]; then attacks; else timeout 200 node "$work/$script.mjs" "$work" "$bindir"; fi
done
