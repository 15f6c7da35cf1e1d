#!/usr/bin/env bash
# Clients that others wrote, against the real daemon. README.md says which, and how to run one alone.
#
# usage: run.sh BINDIR [PEER...]     BINDIR holds deskconnd and deskconnctl, and examples/ unless DESKCONN_EXAMPLES is that
#
# As root everything happens in a network of its own, where multicast goes nowhere; else on loopback, and the way of a
# device over the network is skipped (a failure with DESKCONN_REQUIRE_ALL=1).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
bindir=$(cd "${1:?usage: run.sh BINDIR [PEER...]}" && pwd)
shift
export DESKCONN_CACHE=${DESKCONN_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/deskconn}
cache=$DESKCONN_CACHE/interop
address=10.77.0.1

examples=$(realpath "${DESKCONN_EXAMPLES:-$bindir/examples}")
for program in "$bindir/deskconnd" "$bindir/deskconnctl" "$examples/camera" "$examples/greeter"; do
  [ -x "$program" ] || { echo "FAIL there is no $program: build it first (cargo build && cargo build -p deskconn-client --examples)"; exit 1; }
done
if [ "$(id -u)" = 0 ] && [ -z "${INTEROP_NAMESPACE:-}" ]; then
  # Downloads need the machine's network, so they come before the namespace.
  bash "$here/prepare.sh"
  bash "$here/../js/run.sh" prepare
  INTEROP_NAMESPACE=1 exec unshare -n bash "$0" "$bindir" "$@"
fi
if [ -n "${INTEROP_NAMESPACE:-}" ]; then
  ip link set lo up
  # The other end leads nowhere; an interface without one would count as unplugged.
  ip link add eth0 type veth peer name nowhere
  ip addr add "$address/24" dev eth0
  ip link set nowhere up
  ip link set eth0 up
else
  bash "$here/prepare.sh"
  bash "$here/../js/run.sh" prepare
  address=
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/deskconn-interop.XXXXXX")
router=
end() {
  [ -z "$router" ] || { kill "$router" 2>/dev/null && wait "$router" 2>/dev/null; } || :
  rm -rf "$work"
}
trap end EXIT
trap 'exit 130' INT TERM

# Where another user can read them: the daemon of the journey is an ordinary user's.
export DESK_BIN=$work/bin DESK_HOMES=$work/homes PYTHONDONTWRITEBYTECODE=1
mkdir "$DESK_BIN" "$DESK_HOMES" "$work/js"
chmod 755 "$work" "$DESK_BIN" "$DESK_HOMES"
cp "$bindir/deskconnd" "$bindir/deskconnctl" "$examples"/{camera,greeter} "$DESK_BIN/"
# Node looks for packages beside the scripts.
cp "$here"/js/*.mjs "$work/js/"
ln -s "$cache/node_modules" "$work/js/node_modules"
# Those of docs/CLIENTS.md have our own package among theirs.
clients=$(cd "$here/../../clients" && pwd)
(cd "$clients" && npm run build --silent --workspace @deskconn/client)
mkdir "$work/examples"
cp "$here"/../../examples/clients/*.mjs "$work/examples/"
ln -s "$clients/node_modules" "$work/examples/node_modules"
python="$cache/venv/bin/python"

# --- the open router, and a realm of it that knows one key ---------------------------------------------------------------
export ROUTER_UNIX=$work/router.sock
export ROUTER_KEY_SEED=9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60 # RFC 8032, section 7.1
ROUTER_PORT=$("$python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
export ROUTER_PORT
public=$("$python" -c 'import sys, nacl.signing; print(nacl.signing.SigningKey(bytes.fromhex(sys.argv[1])).verify_key.encode().hex())' "$ROUTER_KEY_SEED")
sed -e "s/127\.0\.0\.1:8080/127.0.0.1:$ROUTER_PORT/" -e "/^tcp = /a unix = \"$ROUTER_UNIX\"" \
  "$here/../../examples/open-router.toml" >"$work/router.toml"
cat >>"$work/router.toml" <<TOML

[[realm]]
name = "realm2"

[[realm.role]]
name = "keyed"
rules = [{ uri = "", match = "prefix", allow = ["call", "register", "publish", "subscribe"], disclose = true }]

[[realm.principal]]
authid = "joe"
role = "keyed"
method = "cryptosign"
pubkey = "$public"
TOML
: >"$work/router.log"
"$bindir/deskconnd" --config "$work/router.toml" 2>>"$work/router.log" &
router=$!
for _ in $(seq 200); do
  grep -q ' ready ' "$work/router.log" && break
  kill -0 "$router" 2>/dev/null || break
  sleep 0.05
done
grep -q ' ready ' "$work/router.log" || { cat "$work/router.log"; echo "FAIL the router does not start"; exit 1; }

# --- the peers -----------------------------------------------------------------------------------------------------------
declare -A commands=(
  [autobahn-python]="$python $here/python/autobahn_python.py"
  [mixed]="$python $here/python/mixed.py"
  [login]="$python $here/python/login.py"
  [xconn]="$python $here/python/xconn_python.py"
  [wampy]="node $work/js/wampy.mjs"
  [autobahn-js]="node $work/js/autobahn_js.mjs"
  [cross]="$python $here/python/cross.py $work/js"
  [journey]="$python $here/python/journey.py $address"
  [components]="$python $here/python/components.py $address"
  [clients]="$python $here/python/clients.py $work/examples $address"
)
peers=(autobahn-python mixed login xconn wampy autobahn-js cross journey components clients)

# Longer than the slowest peer needs on a slow machine.
limit_s=300
run() {
  local status=0
  # shellcheck disable=SC2086 # a command and its arguments
  timeout "$limit_s" ${commands[$1]} >"$work/$1.out" 2>&1 || status=$?
  # Libraries talk too; what they said is of interest when something failed.
  if [ "$status" = 0 ]; then grep -E "^(ok   |SKIPPED |[a-z -]+: [0-9]+ passed)" "$work/$1.out"; else cat "$work/$1.out"; fi
  [ "$status" != 124 ] || echo "FAIL $1: not done after $limit_s s"
  return "$status"
}

failed=()
[ $# -gt 0 ] || set -- "${peers[@]}"
for peer in "$@"; do
  [ -n "${commands[$peer]:-}" ] || { echo "there is no peer $peer; the peers are ${peers[*]}" >&2; exit 2; }
  started=$SECONDS
  run "$peer" || failed+=("$peer")
  echo "--- $peer: $((SECONDS - started)) s"
done
kill -0 "$router" 2>/dev/null || { tail -20 "$work/router.log"; echo "FAIL the router is gone"; failed+=(router); }
if grep -n 'panicked' "$work/router.log"; then failed+=(panic); fi
if [ ${#failed[@]} -gt 0 ]; then
  tail -20 "$work/router.log"
  echo "interop: FAILED: ${failed[*]}"
  exit 1
fi
echo "interop: all passed"
