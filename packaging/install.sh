#!/usr/bin/env bash
# `make install` and `make uninstall`, for those without packages. What was installed stands in a list, by which it is
# removed again: every file, and every directory that was not there before, if nothing else came into it.
#
# usage: install.sh install|uninstall      environment: DESTDIR, PREFIX=/usr/local, BIN as in stage.sh
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
action=${1:?usage: install.sh install|uninstall}
prefix=${PREFIX:-/usr/local}
prefix=${prefix%/}
destdir=${DESTDIR:-}
destdir=${destdir%/}
list=$prefix/share/deskconn/installed
profile=/etc/apparmor.d/deskconnd
apparmor=/sys/kernel/security/apparmor

fail() { echo "deskconn: $*" >&2; exit 1; }

# Only what is installed for this machine itself touches what runs on it.
is_live() { [ -z "$destdir" ] && [ -d /run/systemd/system ]; }
tell_machine() {
  is_live || return 0
  systemctl daemon-reload
  for module in uinput i2c-dev; do modprobe --quiet "$module" || echo "deskconn: this kernel has no module $module"; done
  udevadm control --reload
  for subsystem in misc gpio i2c-dev; do udevadm trigger --subsystem-match="$subsystem"; done
  [ -d "$apparmor" ] && command -v apparmor_parser >/dev/null || return 0
  if [ -e "$profile" ]; then
    apparmor_parser --replace --skip-cache "$profile" || echo "deskconn: AppArmor does not take $profile; the service runs without"
  elif grep -q '^deskconnd ' "$apparmor/profiles"; then
    printf deskconnd >"$apparmor/.remove"
  fi
}

# Files and directories of the list, the deepest first; a line that leads elsewhere is no line of ours.
listed() {
  local line
  while IFS= read -r line; do
    case $line in
      */../* | */.. | *//*) fail "$destdir$list has a line that is none of ours: $line" ;;
      [fd]" "/?*) printf '%s\n' "$line" ;;
      *) fail "$destdir$list has a line that is none of ours: $line" ;;
    esac
  done <"$destdir$list" | LC_ALL=C sort -k2 -r
}

# Removes what the list names and the file $1 does not.
remove_all_but() {
  local kept=$1 line path lines
  lines=$(listed)
  lines=$(grep -vxFf "$kept" <<<"$lines" || :)
  while IFS= read -r line; do
    [ -n "$line" ] || continue
    path=$destdir${line#? }
    case $line in
      f*) if [ -e "$path" ]; then rm "$path"; else echo "deskconn: $path was gone already"; fi ;;
      d*) rmdir --ignore-fail-on-non-empty "$path" 2>/dev/null || : ;;
    esac
  done <<<"$lines"
}

install_all() {
  if [ -z "$destdir" ] && dpkg-query -W -f '${db:Status-Status}' deskconn 2>/dev/null | grep -qx installed; then
    fail "the package deskconn is installed, and both would have the same files below /etc: sudo apt remove deskconn first"
  fi
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  "$here/stage.sh" "$work/root" "$prefix"
  mkdir -p "$work/root$(dirname "$list")"
  (cd "$work/root" && find . -type f -printf 'f /%P\n') >"$work/list"
  echo "f $list" >>"$work/list"
  while IFS= read -r directory; do
    # Its own are those that nobody had before, or that an earlier installation made.
    [ -d "$destdir$directory" ] && ! grep -qxF "d $directory" "$destdir$list" 2>/dev/null && continue
    echo "d $directory" >>"$work/list"
  done < <(cd "$work/root" && find . -mindepth 1 -type d -printf '/%P\n')
  if [ -e "$destdir$list" ]; then remove_all_but "$work/list"; fi
  mkdir -p "$destdir/"
  (cd "$work/root" && find . -mindepth 1 -type d -printf '%P\0') | while IFS= read -r -d '' directory; do
    [ -d "$destdir/$directory" ] || install -d -m 755 "$destdir/$directory"
  done
  # By renaming, since a program that runs cannot be written to.
  (cd "$work/root" && find . -type f -printf '%m %P\n') | while read -r mode file; do
    install -m "$mode" "$work/root/$file" "$destdir/$file.new"
    mv -f "$destdir/$file.new" "$destdir/$file"
  done
  install -m 644 "$work/list" "$destdir$list"
  tell_machine
  echo "deskconn is installed below $destdir$prefix; \`make uninstall\` with the same PREFIX removes it. For whoever sits at the machine:"
  echo "  sudo systemctl enable --now deskconnd"
  echo "or, instead, for one user: systemctl --user enable --now deskconnd"
}

uninstall_all() {
  [ -e "$destdir$list" ] || fail "there is no $destdir$list: with this PREFIX nothing was installed"
  if is_live; then systemctl disable --now deskconnd || :; fi
  : >"${nothing:=$(mktemp)}"
  remove_all_but "$nothing"
  rm "$nothing"
  tell_machine
  echo "deskconn is removed; /etc/deskconn and /var/lib/deskconn, its configuration and its keys, are left to you"
}

case $action in
  install) install_all ;;
  uninstall) uninstall_all ;;
  *) fail "install.sh knows install and uninstall, and not $action" ;;
esac
