#!/usr/bin/env bash
# What is installed, looked at without installing it: the list of `make install`, the Debian package by lintian, its units
# by systemd, its profile by AppArmor. tests/vm/package installs it.
#
# usage: run.sh BINDIR     BINDIR holds deskconnd and deskconnctl
set -euo pipefail
cd "$(dirname "$0")/../.."
BIN=$(cd "${1:?usage: run.sh BINDIR}" && pwd)
export BIN
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "package: FAILED: $*" >&2; exit 1; }
ok() { echo "ok    $*"; }
make_it() { make --silent "$@" DESTDIR="$work/root"; }
files() { (cd "$work/root" && find . -mindepth 1 | LC_ALL=C sort); }

# --- by hand ---------------------------------------------------------------------
mkdir -p "$work/root/etc/apparmor.d" "$work/root/usr/local/bin"
echo "of somebody else" >"$work/root/usr/local/bin/other"
files >"$work/before"
make_it install >/dev/null
for file in usr/local/bin/deskconnd usr/local/share/man/man1/deskconnctl.1.gz usr/local/share/man/man5/deskconn.toml.5.gz etc/xdg/autostart/deskconn-agent.desktop \
  usr/local/lib/udev/rules.d/70-deskconn.rules etc/firewalld/services/deskconn.xml; do
  [ -f "$work/root/$file" ] || fail "make install leaves out $file"
done
grep -q '^ExecStart=/usr/local/bin/deskconnd$' "$work/root/usr/local/lib/systemd/system/deskconnd.service" || fail "the unit names another prefix"
files >"$work/first"
make_it install >/dev/null
files | diff "$work/first" - || fail "a second installation is not as the first"
ok "make install, twice"

# What an earlier version had and this one has not goes when this one is installed.
list=$work/root/usr/local/share/deskconn/installed
touch "$work/root/usr/local/bin/deskconn-of-yesterday"
echo 'f /usr/local/bin/deskconn-of-yesterday' >>"$list"
make_it install >/dev/null
files | diff "$work/first" - || fail "a file of the earlier version is left"
ok "an installation over an older one"

rm "$work/root/usr/local/bin/deskconnctl"
make_it uninstall >"$work/said"
grep -q 'bin/deskconnctl was gone already' "$work/said" || fail "a file that was gone is not named: $(cat "$work/said")"
files | diff "$work/before" - || fail "make uninstall does not leave what was there before"
ok "make uninstall removes what was installed, and nothing else"
if make_it uninstall 2>"$work/said"; then fail "there was nothing to remove"; fi
grep -q 'nothing was installed' "$work/said" || fail "it does not say so: $(cat "$work/said")"
make_it install >/dev/null
echo 'f /usr/local/../../precious' >>"$list"
touch "$work/precious"
if make_it uninstall 2>"$work/said"; then fail "a list that leads elsewhere was obeyed"; fi
[ -e "$work/precious" ] && [ -e "$work/root/usr/local/bin/deskconnd" ] || fail "something was removed"
ok "a list that was tampered with is refused before anything is removed"

# --- the Debian package -------------------------------------------------------------
packaging/deb.sh --output "$work/it.deb"
lintian --allow-root --fail-on error "$work/it.deb" || fail "lintian finds errors"
ok "lintian finds no error"
dpkg-deb -c "$work/it.deb" | awk '{print $6}' >"$work/content"
for file in usr/bin/deskconnd usr/bin/deskconnctl usr/lib/systemd/system/deskconnd.service usr/lib/systemd/user/deskconnd.service \
  usr/lib/udev/rules.d/70-deskconn.rules usr/lib/modules-load.d/deskconn.conf usr/lib/firewalld/services/deskconn.xml \
  etc/ufw/applications.d/deskconn etc/apparmor.d/deskconnd etc/xdg/autostart/deskconn-agent.desktop \
  usr/share/man/man1/deskconnd.1.gz usr/share/bash-completion/completions/deskconnctl \
  usr/share/zsh/vendor-completions/_deskconnctl usr/share/fish/vendor_completions.d/deskconnctl.fish \
  usr/share/doc/deskconn/copyright usr/share/doc/deskconn/examples/deskconn.toml; do
  grep -qxF "./$file" "$work/content" || fail "the package leaves out $file"
done
dpkg-deb -x "$work/it.deb" "$work/unpacked"
"$work/unpacked/usr/bin/deskconnd" --version >/dev/null || fail "the program in the package does not run"
ok "the package has everything: $(du -h "$work/it.deb" | cut -f1)"

apparmor_parser --skip-kernel-load --skip-cache "$work/unpacked/etc/apparmor.d/deskconnd" || fail "the profile does not parse"
ok "AppArmor parses the profile"
if command -v udevadm >/dev/null && udevadm verify --help >/dev/null 2>&1; then
  udevadm verify "$work/unpacked/usr/lib/udev/rules.d/70-deskconn.rules" || fail "the udev rule is wrong"
fi
python3 - "$work/unpacked/usr/lib/firewalld/services/deskconn.xml" "$work/unpacked/etc/ufw/applications.d/deskconn" <<'P'
import configparser, sys, xml.etree.ElementTree as tree
port = tree.parse(sys.argv[1]).getroot().find("port").attrib
profile = configparser.ConfigParser()
profile.read(sys.argv[2])
assert port == {"protocol": "tcp", "port": "5020"}, port
assert profile["deskconn"]["ports"] == "5020/tcp|5353/udp", dict(profile["deskconn"])
P
ok "both firewalls open the ports that the daemon has"
echo "package: all proven"
