#!/usr/bin/env bash
# Lays everything that is installed into a directory: what `make install`, the Debian package and the snap have in common,
# so that nothing is listed twice. The programs have to be built.
#
# usage: stage.sh DESTDIR [PREFIX=/usr]
#   BIN=DIR   where deskconnd and deskconnctl are; target/release without it
#
# Daemons read some directories below any prefix, others below /usr and /etc alone; where it matters, it says so.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
destdir=${1:?usage: stage.sh DESTDIR [PREFIX]}
prefix=${2:-/usr}
bin=${BIN:-$root/target/release}

case $prefix in
  /*) ;;
  *) echo "stage.sh: the prefix $prefix does not begin with /" >&2; exit 2 ;;
esac
case $prefix in
  *[!a-zA-Z0-9/._+-]*) echo "stage.sh: the prefix $prefix has a character that units of systemd cannot take" >&2; exit 2 ;;
esac
prefix=${prefix%/}
for program in deskconnd deskconnctl; do
  [ -x "$bin/$program" ] || { echo "stage.sh: there is no $bin/$program: \`make build\` first" >&2; exit 1; }
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Puts a file to its place: put MODE FILE PLACE
put() { install -D -m "$1" "$2" "$destdir$3"; }
# The same with the place of the programs in it.
put_with_programs() { sed "s#/usr/bin/#$prefix/bin/#g" "$1" >"$work/file"; put 644 "$work/file" "$2"; }

for program in deskconnd deskconnctl; do put 755 "$bin/$program" "$prefix/bin/$program"; done

for kind in system user; do
  put_with_programs "$here/systemd/$kind/deskconnd.service" "$prefix/lib/systemd/$kind/deskconnd.service"
done
put 644 "$here/udev/70-deskconn.rules" "$prefix/lib/udev/rules.d/70-deskconn.rules"
put 644 "$here/modules-load/deskconn.conf" "$prefix/lib/modules-load.d/deskconn.conf"

# Desktops look below /etc/xdg, AppArmor and ufw below /etc, whatever the prefix is.
put 644 "$here/autostart/deskconn-agent.desktop" /etc/xdg/autostart/deskconn-agent.desktop
put_with_programs "$here/apparmor/deskconnd" /etc/apparmor.d/deskconnd
put 644 "$here/ufw/deskconn" /etc/ufw/applications.d/deskconn
# firewalld reads /usr/lib and /etc.
case $prefix in
  /usr) put 644 "$here/firewalld/deskconn.xml" /usr/lib/firewalld/services/deskconn.xml ;;
  *) put 644 "$here/firewalld/deskconn.xml" /etc/firewalld/services/deskconn.xml ;;
esac

# Without a home of its own deskconnctl would look into that of whoever builds.
ctl() { env -i HOME="$work" PATH="$PATH" "$bin/deskconnctl" "$@"; }
ctl --quiet man --write "$work/man" >/dev/null
"$bin/deskconnd" --man >"$work/man/deskconnd.1"
"$bin/deskconnd" --man config >"$work/man/deskconn.toml.5"
gzip -9n "$work"/man/*
for page in "$work"/man/*.gz; do
  section=${page%.gz}
  put 644 "$page" "$prefix/share/man/man${section##*.}/${page##*/}"
done

for shell in bash zsh fish; do ctl completions "$shell" >"$work/$shell"; done
put 644 "$work/bash" "$prefix/share/bash-completion/completions/deskconnctl"
put 644 "$work/fish" "$prefix/share/fish/vendor_completions.d/deskconnctl.fish"
# Debian's zsh looks below /usr into a directory of its own, that of others into site-functions; both do below /usr/local.
put 644 "$work/zsh" "$prefix/share/zsh/site-functions/_deskconnctl"
[ "$prefix" != /usr ] || put 644 "$work/zsh" /usr/share/zsh/vendor-completions/_deskconnctl

doc=$prefix/share/doc/deskconn
put 644 "$root/README.md" "$doc/README.md"
put 644 "$root/LICENSE-APACHE" "$doc/LICENSE-APACHE"
put 644 "$root/LICENSE-MIT" "$doc/LICENSE-MIT"
put 644 "$root/examples/deskconn.toml" "$doc/examples/deskconn.toml"
# `make build` wrote them: whoever installs, as root, may have no cargo.
notices=$root/target/THIRD-PARTY
[ -e "$notices" ] || bash "$here/notices.sh" "$notices"
put 644 "$notices" "$doc/THIRD-PARTY"
