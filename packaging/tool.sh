#!/usr/bin/env bash
# Has a tool of cargo's in the cache directory, and prints where: tool.sh NAME. Whoever asks while another installs it waits.
set -euo pipefail
name=${1:?usage: tool.sh NAME}
root=${DESKCONN_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/deskconn}/cargo
PATH=$PATH:$root/bin
mkdir -p "$root"
exec 9>"$root/$name.lock"
flock 9
# What runs for seconds needs no optimization.
command -v "$name" >/dev/null || CARGO_PROFILE_RELEASE_OPT_LEVEL=0 CARGO_PROFILE_RELEASE_LTO=off \
  cargo install --quiet --locked "$name" --root "$root" >&2
dirname "$(command -v "$name")"
