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
end() {
  # The lanes that still run, with all that they have started.
  local lane
  for lane in $(jobs -p); do kill -- "-$lane" 2>/dev/null || :; done
  wait
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

# --- the open router, with realms of it that know one key ----------------------------------------------------------------
export ROUTER_KEY_SEED=9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60 # RFC 8032, section 7.1
public=$("$python" -c 'import sys, nacl.signing; print(nacl.signing.SigningKey(bytes.fromhex(sys.argv[1])).verify_key.encode().hex())' "$ROUTER_KEY_SEED")
# As whoever keeps passwords derives a key for WAMP-CRA.
derived=$("$python" -c 'from autobahn.wamp.auth import derive_key; print(derive_key("open", "5ca1ab1e5ca1ab1e", 2000, 32).decode())')
# A certificate for the routers, and those of clients.
export ROUTER_TLS=$work/tls
"$python" "$here/python/certificates.py" "$ROUTER_TLS"
known='  { uri = "com.example.known.", match = "prefix", allow = ["call", "register", "publish", "subscribe"], disclose = "always", trustlevel = 7 },'

# configure PORT SOCKET: the configuration of a router.
configure() {
  sed -e "s/127\.0\.0\.1:8080/127.0.0.1:$1/" -e "/^tcp = /a unix = \"$2\"" -e "/^rules = \[/a $known" \
    "$here/../../examples/open-router.toml"
  cat <<TOML

[[realm.history]]
uri = "test.kept."
match = "prefix"
keep = 10000

[tls]
certificate = "$ROUTER_TLS/router.test.pem"
key = "$ROUTER_TLS/router.test.key"
client_ca = "$ROUTER_TLS/authority.pem"

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

# Here everybody has the secret "open", each with a method of its own.
[[realm]]
name = "secrets"

[[realm.role]]
name = "keyed"
rules = [{ uri = "", match = "prefix", allow = ["call", "register", "publish", "subscribe"] }]

[[realm.principal]]
authid = "ticket"
role = "keyed"
method = "ticket"
secret = "open"

[[realm.principal]]
authid = "plain"
role = "keyed"
method = "wampcra"
secret = "open"

[[realm.principal]]
authid = "salted"
role = "keyed"
method = "wampcra"
salt = "5ca1ab1e5ca1ab1e"
iterations = 2000
key = "$derived"

[[realm.principal]]
authid = "argon2"
role = "keyed"
method = "wamp-scram"
memory_kib = 8192
secret = "open"

[[realm.principal]]
authid = "pbkdf2"
role = "keyed"
method = "wamp-scram"
kdf = "pbkdf2"
iterations = 4096
secret = "open"

[[realm.principal]]
role = "keyed"
method = "tls"

# Here a procedure says who everybody is but the one key.
[[realm]]
name = "asked"

[[realm.role]]
name = "keyed"
rules = [{ uri = "", match = "prefix", allow = ["call", "register", "publish", "subscribe"] }]

[[realm.role]]
name = "vouched"
rules = [{ uri = "com.example.", match = "prefix", allow = ["call"] }]

[[realm.principal]]
authid = "joe"
role = "keyed"
method = "cryptosign"
pubkey = "$public"

[[realm.authenticator]]
procedure = "com.example.authenticate"
methods = ["anonymous", "ticket", "wampcra", "wamp-scram", "cryptosign", "tls"]
roles = ["vouched"]

# Here a procedure says what anonymous clients may do; the one key may do everything.
[[realm]]
name = "guarded"

[[realm.role]]
name = "anonymous"
rules = [
  { uri = "com.example.open.", match = "prefix", allow = ["call", "subscribe"] },
  { uri = "com.example.closed.", match = "prefix", allow = [] },
]
authorizer = "com.example.authorize"

[[realm.role]]
name = "keyed"
rules = [{ uri = "", match = "prefix", allow = ["call", "register", "publish", "subscribe"] }]

[[realm.principal]]
authid = "joe"
role = "keyed"
method = "cryptosign"
pubkey = "$public"
TOML
}

# start PEER: a router of this peer's own, so that peers hear nothing of each other. Sets its variables and `router`.
start() {
  export ROUTER_UNIX=$work/$1.sock
  ROUTER_PORT=$("$python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  export ROUTER_PORT
  configure "$ROUTER_PORT" "$ROUTER_UNIX" >"$work/$1.toml"
  : >"$work/$1.log"
  "$bindir/deskconnd" --config "$work/$1.toml" 2>>"$work/$1.log" &
  router=$!
  for _ in $(seq 200); do
    grep -q ' ready ' "$work/$1.log" && return 0
    kill -0 "$router" 2>/dev/null || break
    sleep 0.05
  done
  cat "$work/$1.log"
  echo "FAIL $1: its router does not start"
  return 1
}

# --- the peers -----------------------------------------------------------------------------------------------------------
# Those of a lane run one after the other, the lanes side by side: those that need a router, each with its own, and those
# with desktops of their own, which share the network.
declare -A commands
with_router=() with_desktop=()
# with_router PEER COMMAND..., with_desktop PEER COMMAND...
with_router() { with_router+=("$1") commands[$1]=${*:2}; }
with_desktop() { with_desktop+=("$1") commands[$1]=${*:2}; }
with_router autobahn-python "$python" "$here/python/autobahn_python.py"
with_router mixed "$python" "$here/python/mixed.py"
with_router login "$python" "$here/python/login.py"
with_router authenticator "$python" "$here/python/authenticator.py"
with_router xconn "$python" "$here/python/xconn_python.py"
with_router wampy node "$work/js/wampy.mjs"
with_router autobahn-js node "$work/js/autobahn_js.mjs"
with_router autobahn-longpoll node "$work/js/autobahn_js.mjs" longpoll
with_router cross "$python" "$here/python/cross.py" "$work/js"
with_router authorizer "$python" "$here/python/authorizer.py" "$work/js"
with_router raw "$python" "$here/python/raw.py"
with_router metrics "$python" "$here/python/metrics.py"
with_desktop journey "$python" "$here/python/journey.py" "$address"
with_desktop components "$python" "$here/python/components.py" "$address"
with_desktop clients "$python" "$here/python/clients.py" "$work/examples" "$address"

# Longer than the slowest peer needs on a slow machine.
limit_s=300
# run PEER: its cases, with a router beside it where it needs one. Says nothing: report does.
run() {
  local status=0 started=$SECONDS
  router=
  if [[ " ${with_router[*]} " = *" $1 "* ]]; then
    start "$1" >"$work/$1.out" || { echo 1 >"$work/$1.status"; return 0; }
  fi
  # shellcheck disable=SC2086 # a command and its arguments
  timeout "$limit_s" ${commands[$1]} >"$work/$1.out" 2>&1 || status=$?
  [ "$status" != 124 ] || echo "FAIL $1: not done after $limit_s s" >>"$work/$1.out"
  if [ -n "$router" ]; then
    kill -0 "$router" 2>/dev/null || { echo "FAIL $1: its router is gone" >>"$work/$1.out"; status=1; }
    if grep 'panicked' "$work/$1.log" >>"$work/$1.out"; then status=1; fi
    kill "$router" 2>/dev/null || :
    wait "$router" || :
    router=
  fi
  echo "--- $1: $((SECONDS - started)) s" >>"$work/$1.out"
  echo "$status" >"$work/$1.status"
}

# report PEER: what it said; of what succeeded the cases alone, for libraries talk too.
report() {
  if [ "$(cat "$work/$1.status" 2>/dev/null)" = 0 ]; then
    grep -E '^(ok   |SKIPPED |--- |[a-z -]+: [0-9]+ passed)' "$work/$1.out"
    return 0
  fi
  cat "$work/$1.out"
  if [ -f "$work/$1.log" ]; then tail -20 "$work/$1.log"; fi
  failed+=("$1")
}

# lane PEER...: one after the other.
lane() {
  for peer in "$@"; do (run "$peer"); done
}

[ $# -gt 0 ] || set -- "${with_router[@]}" "${with_desktop[@]}"
first=() second=() failed=()
for peer in "$@"; do
  [ -n "${commands[$peer]:-}" ] || { echo "there is no peer $peer; the peers are ${with_router[*]} ${with_desktop[*]}" >&2; exit 2; }
  if [[ " ${with_router[*]} " = *" $peer "* ]]; then first+=("$peer"); else second+=("$peer"); fi
done
# Each in a process group of its own, so that it can be ended as a whole.
set -m
lane "${first[@]}" &
lane "${second[@]}" &
wait
set +m
for peer in "$@"; do report "$peer"; done
if [ ${#failed[@]} -gt 0 ]; then
  echo "interop: FAILED: ${failed[*]}"
  exit 1
fi
echo "interop: all passed"
