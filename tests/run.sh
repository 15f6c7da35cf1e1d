#!/usr/bin/env bash
# Every test, in stages; `tests/run.sh STAGE...` runs only those, and those that a plus joins (`doctor+state`) side by side.
#
# As root it installs what is missing (apt, pip, npm into a cache directory). As another user it runs what it can and
# says loudly what it skips. DESKCONN_REQUIRE_ALL=1 makes a skipped stage a failure.
set -euo pipefail
cd "$(dirname "$0")/.."
export DESKCONN_CACHE=${DESKCONN_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/deskconn}
mkdir -p "$DESKCONN_CACHE"
# What mostly waits stands beside what computes.
STAGES=${*:-prepare fetch+build check release run doctor+state js+discovery+browser+interop+snap endurance+faults vm+package+fuzzers fuzz}
# What became of each stage, as lines: its name with its seconds, or "skipped" and its name.
OUTCOMES=$(mktemp)
trap 'rm -f "$OUTCOMES"*' EXIT

# What makes the second build fast makes the first one slower, and larger.
if [ ! -d "${CARGO_TARGET_DIR:-target}/debug" ]; then export CARGO_INCREMENTAL=0; fi

say() { printf '\n=== %s\n' "$*"; }
skip() { say "SKIPPED $1: $2"; echo "skipped $1" >>"$OUTCOMES"; if [ "${DESKCONN_REQUIRE_ALL:-}" = 1 ]; then exit 1; fi; }
is_root() { [ "$(id -u)" = 0 ]; }
install() { apt-get -qq -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "$@" >/dev/null; }

# The programs beside the programs. Of the whole workspace, as the check has built them already: built for release they
# would need other features of all that they stand on, and so all of that once more.
examples() {
  # As they stand after `check`: with other targets beside them they have other features, and all would be built anew.
  cargo build --workspace --all-targets --locked
  export DESKCONN_EXAMPLES=target/debug/examples
}

# What programs are built with.
stage_prepare() {
  is_root || { skip prepare "only root can install packages; have Node.js and npm ready"; return 0; }
  # Compiled while others are fetched; who needs one waits for it.
  (for tool in cargo-deny cargo-fuzz cargo-deb; do packaging/tool.sh "$tool" || :; done >"$DESKCONN_CACHE/tools.log" 2>&1) &
  apt-get -qq update
  command -v npm >/dev/null || install nodejs npm
  bash tests/js/run.sh prepare
}

# What tests are made with, which comes over the network while programs are built.
stage_fetch() {
  is_root || { skip fetch "only root can install packages; have dbus, python3-dbusmock, avahi, tcpdump and QEMU ready"; return 0; }
  # tshark asks whether others than root may capture; the default is no.
  DEBIAN_FRONTEND=noninteractive install dbus python3-dbusmock avahi-daemon avahi-utils iproute2 tcpdump tshark python3-venv procps strace nftables iptables curl openssl
  # A clock that is wrong for one program alone.
  install faketime
  # Shells that complete, and formatters of the manual.
  install zsh fish bash man-db mandoc
  # The programs of a person's session, for the functions that speak to them.
  install mpv mpv-mpris playerctl pulseaudio pipewire-pulse wireplumber dunst xvfb xdg-utils xkb-data
  # The Debian package: what judges it and what parses its profile, and the disk of the machine that installs it.
  install lintian apparmor e2fsprogs binutils
  # What sees which functions run at the start.
  install valgrind
  # Go, for the grammar of the program in it.
  install golang-go
  # Slow and independent of everything else: in the background, with its output kept for the stage that needs it.
  rm -f "$DESKCONN_CACHE/vm-prepare.rc"
  (sh tests/vm/prepare.sh "$DESKCONN_CACHE/vm" >"$DESKCONN_CACHE/vm-prepare.log" 2>&1; echo $? >"$DESKCONN_CACHE/vm-prepare.rc") &
  bash tests/interop/prepare.sh
  bash tests/browser/run.sh prepare
  bash tests/snap/prepare.sh
}

# Runs a part of a stage, and notes its seconds.
part() {
  local name=$1 started=$SECONDS
  shift
  "$@"
  echo "$name $((SECONDS - started)) s" >>"$OUTCOMES.parts"
}

stage_build() {
  # First: the daemon embeds it.
  part app bash clients/build.sh
  cargo fmt --all --check
  part clippy cargo clippy --workspace --all-targets --locked -- -D warnings
  part build cargo build --workspace --all-targets --locked
}

stage_check() {
  # Most of them wait most of the time.
  RUST_TEST_THREADS=$((2 * $(nproc))) part test cargo test --workspace --locked
  RUSTDOCFLAGS='-D warnings' part doc cargo doc --workspace --no-deps --locked --quiet
  part dependencies bash tests/dependencies.sh
  part packages bash tests/packages.sh
  part portable bash tests/portable.sh
}

# The daemon for packages takes the place of the other while it is linked: before anything uses that.
stage_release() {
  part programs make build
  part order bash packaging/order.sh
}

stage_run() {
  is_root || { skip run "only root can give the daemon a network of its own"; return 0; }
  bash tests/run/run.sh
  bash tests/run/silence.sh target/release
  examples
  python3 tests/run/documents.py target/release "$DESKCONN_EXAMPLES"
}

stage_doctor() {
  is_root || { skip doctor "only root can make faults"; return 0; }
  bash tests/doctor/run.sh target/release
}

stage_state() {
  examples
  bash tests/state/run.sh target/release
}

stage_js() { bash tests/js/run.sh target/release; }

stage_browser() {
  examples
  bash tests/browser/run.sh target/release
}

stage_interop() {
  bash tests/go.sh
  examples
  bash tests/interop/run.sh target/release
}

stage_discovery() {
  is_root || { skip discovery "only root can make networks"; return 0; }
  bash tests/discovery/run.sh target/release
}

stage_snap() {
  is_root || { skip snap "only root can mount what is in it"; return 0; }
  bash tests/snap/run.sh target/release
}

stage_endurance() {
  is_root || { skip endurance "only root can make a network"; return 0; }
  examples
  bash tests/endurance/run.sh target/release 60
}

stage_faults() {
  is_root || { skip faults "only root can make faults"; return 0; }
  examples
  bash tests/faults/run.sh target/release
}

stage_vm() {
  is_root || { skip vm "only root can build the image"; return 0; }
  local waited=0
  while [ ! -f "$DESKCONN_CACHE/vm-prepare.rc" ] && [ -f "$DESKCONN_CACHE/vm-prepare.log" ] && [ $waited -lt 300 ]; do sleep 1; waited=$((waited + 1)); done
  if [ "$(cat "$DESKCONN_CACHE/vm-prepare.rc" 2>/dev/null || echo 0)" != 0 ]; then tail -20 "$DESKCONN_CACHE/vm-prepare.log"; fi
  sh tests/vm/run.sh target/release
}

stage_package() {
  is_root || { skip package "only root can boot the machine that installs it"; return 0; }
  bash tests/package/memory.sh target/ordered
  bash tests/package/run.sh target/ordered
  sh tests/vm/package/run.sh target/ordered
}

# The virtual machines leave a core idle now and then.
stage_fuzzers() {
  local at
  at=$(packaging/tool.sh cargo-fuzz) || { skip fuzzers "cargo-fuzz cannot be installed"; return 0; }
  PATH=$PATH:$at nice -n 19 bash tests/fuzz/run.sh build
}

stage_fuzz() {
  local at
  at=$(packaging/tool.sh cargo-fuzz) || { skip fuzz "cargo-fuzz cannot be installed"; return 0; }
  PATH=$PATH:$at bash tests/fuzz/run.sh 10
}

run() {
  local started=$SECONDS
  "stage_$1"
  echo "$1 $((SECONDS - started)) s" >>"$OUTCOMES"
}

# Side by side, with the name of its stage before each line. The end of what failed is said once more at the very end:
# what the others went on to say stands after it, and a log is read from below.
run_all() {
  local stage status=0
  local -A running
  for stage; do
    run "$stage" 2>&1 | tee "$OUTCOMES.$stage" | sed -u "s/^/$stage: /" &
    running[$stage]=$!
  done
  for stage; do
    wait "${running[$stage]}" || { status=1; touch "$OUTCOMES.$stage.failed"; }
  done
  for stage; do
    if [ -e "$OUTCOMES.$stage.failed" ]; then
      say "FAILED $stage; its last lines:"
      # What failed before what only speaks of errors: the log of a program in trouble is full of those.
      { grep -E 'FAIL|panicked' "$OUTCOMES.$stage" || grep -E '[Ee]rror' "$OUTCOMES.$stage" || :; } | tail -8 | cut -c1-400 | sed "s/^/$stage: /"
      { echo ...; tail -12 "$OUTCOMES.$stage" | cut -c1-400; } | sed "s/^/$stage: /"
    fi
  done
  return $status
}

for stages in $STAGES; do
  say "${stages//+/, }"
  case $stages in
    *+*)
      # shellcheck disable=SC2086 # names of stages
      run_all ${stages//+/ }
      ;;
    *) run "$stages" ;;
  esac
done
skipped=$(grep -c '^skipped ' "$OUTCOMES" || :)
passed=$(($(grep -c '' "$OUTCOMES") - skipped * 2))
if [ -e "$OUTCOMES.parts" ]; then say "of build, check and release: $(paste -s -d , "$OUTCOMES.parts" | sed 's/,/, /g')"; fi
say "seconds: $(grep -v '^skipped ' "$OUTCOMES" | paste -s -d , | sed 's/,/, /g')"
printf '%d passed, 0 failed, %d skipped\n' "$passed" "$skipped"
