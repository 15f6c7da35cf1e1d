#!/usr/bin/env bash
# `deskconnctl doctor` on a machine with faults: each is made for real, in a network and with mounts of its own, and has
# to be named; where the mend is a command, that command is run, and has to mend it.
#
# usage: tests/doctor/run.sh BINDIR     as root
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
if [ "${2:-}" != inside ]; then
  bindir=$(cd "${1:?usage: tests/doctor/run.sh BINDIR}" && pwd)
  for tool in nft iptables dbus-daemon; do
    PATH=$PATH:/usr/sbin command -v $tool >/dev/null || { echo "FAIL $tool is not installed"; exit 1; }
  done
  exec unshare --net --mount --pid --fork --mount-proc bash "$0" "$bindir" inside
fi

home=$(mktemp -d "${TMPDIR:-/tmp}/deskconn-doctor.XXXXXX")
chmod 711 "$home"
trap 'umount -l "$home/data/deskconn" 2>/dev/null || :; rm -rf "$home"' EXIT
mkdir "$home/bin" "$home/run" "$home/data" "$home/dev"
cp "$1/deskconnd" "$1/deskconnctl" "$home/bin/"
chown nobody "$home/run" "$home/data"
. "$here/lib.sh"

# A network with a neighbour, as sysfs of this namespace shows it.
mount -t sysfs none /sys
ip link set lo up
ip link add lan0 type veth peer name neighbour
ip address add 10.20.30.1/24 dev lan0
ip link set lan0 up
ip link set neighbour up
# Devices that ordinary users may not use.
cp -a /dev/null /dev/zero /dev/urandom /dev/random /dev/tty "$home/dev/"
mknod -m 600 "$home/dev/uinput" c 10 223
mknod -m 600 "$home/dev/gpiochip0" c 254 0
mount --bind "$home/dev" /dev

section "a machine without a daemon"
expect daemon failed "none runs" "deskconnd"
expect state ok "nothing yet"
expect port ok "5020 is free"
expect discovery unknown
mkdir -p "$home/.config/deskconn"
printf 'log = "verbose"\nlgo = 1\n' >"$home/.config/deskconn/config.toml"
expect configuration failed "is no level, and 1 more" "deskconnd --check --config $home/.config/deskconn/config.toml"
rm -r "$home/.config"
expect configuration ok "the defaults"
python3 -c 'import socket, time; s = socket.create_server(("", 5020)); print("up", flush=True); time.sleep(600)' >"$home/holder" &
holder=$!
until_true "somebody has the port" grep -q up "$home/holder"
expect port failed "python3 (process $holder) has port 5020" "--port" by_root
kill "$holder"; wait "$holder" 2>/dev/null || :

section "a daemon with all it needs"
start_daemon
for check in daemon configuration state port network multicast reachable; do expect $check ok; done
expect "firewall" ok "" "" by_root
expect "firewall mdns" ok "" "" by_root
expect firewall unknown "only root" "sudo deskconnctl doctor"
until_true "it is announced" announced
expect discovery ok "was heard"
expect reachable ok "10.20.30.1:5020"
expect daemon ok "" "" by_root

section "the firewall"
nft 'table inet filter { chain input { type filter hook input priority 0; policy accept; tcp dport 5020 drop; }; }'
expect firewall failed "inet filter input" "nft insert rule" by_root
expect "firewall mdns" ok "" "" by_root
mend "$(mend_of firewall by_root)"
expect firewall ok "" "" by_root
nft flush ruleset
nft 'table inet filter { chain input { type filter hook input priority 0; policy drop; iif lo accept; ct state established accept; }; }'
expect firewall failed "the policy" "nft insert rule" by_root
expect "firewall mdns" warning "the policy" "udp dport 5353" by_root
mend "$(mend_of firewall by_root)"
mend "$(mend_of "firewall mdns" by_root)"
expect firewall ok "" "" by_root
expect "firewall mdns" ok "" "" by_root
stop_daemon TERM
mkdir -p "$home/quic" && printf '[listen]\nquic = ["0.0.0.0:5020"]\n' >"$home/quic/config.toml" && chmod -R a+rX "$home/quic"
start_daemon --config "$home/quic/config.toml"
nft 'insert rule inet filter input udp dport 5020 drop'
expect "firewall quic" warning "UDP port 5020" "udp dport 5020 accept" by_root
mend "$(mend_of "firewall quic" by_root)"
expect "firewall quic" ok "UDP port 5020 is let in" "" by_root
stop_daemon TERM
start_daemon
until_true "it is announced again" announced
nft flush ruleset
for iptables in iptables-nft iptables-legacy; do
  $iptables -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT 2>/dev/null || { echo "ok      (no $iptables in this kernel)"; continue; }
  $iptables -A INPUT -p tcp --dport 22 -j ACCEPT
  $iptables -A INPUT -i lan0 -p tcp -m multiport --dports 5000:5030 -j REJECT
  expect firewall failed "iptables filter INPUT" "iptables -I INPUT" by_root
  mend "$(mend_of firewall by_root | sed "s/iptables /$iptables /")"
  expect firewall ok "" "" by_root
  $iptables -F
done
nft flush ruleset
nft 'table inet filter { chain output { type filter hook output priority 0; udp dport 5353 drop; }; }'
expect discovery failed "had no answer" "5353"
nft flush ruleset

section "the network"
ip link set lan0 multicast off
expect multicast failed "lan0" "ip link set lan0 multicast on"
mend "$(mend_of multicast)"
expect multicast ok
ip link set lan0 down
expect network failed "lan0 is down" "ip link set lan0 up"
mend "$(mend_of network)"
expect network ok
ip address flush dev lan0
expect network failed "lan0 has no address"
ip address add 10.20.30.1/24 dev lan0

section "discovery"
as_user deskconnctl discovery off >/dev/null
expect discovery warning "switched off" "deskconnctl discovery on"
mend "$(mend_of discovery)"
until_true "it is announced again" announced
expect discovery ok

section "the state directory"
chmod 755 "$home/data/deskconn"
expect state failed "mode 755" "chmod 700"
mend "$(mend_of state)"
expect state ok
chown root "$home/data/deskconn"
expect state failed "belongs to user 0" "chown"
mend "$(mend_of state)"
expect state ok
mount --bind "$home/data/deskconn" "$home/data/deskconn"
mount -o remount,ro,bind "$home/data/deskconn"
expect state failed "can only be read" "mount"
umount -l "$home/data/deskconn"
mount -t tmpfs -o size=64k,mode=700,uid="$(id -u nobody)" none "$home/data/deskconn"
expect state failed "KiB free, of 1024" "make room"
umount -l "$home/data/deskconn"
expect state ok

section "devices"
expect keys failed "may not open /dev/uinput" "70-deskconn.rules"
chmod 666 /dev/uinput
expect keys ok
rm /dev/uinput
expect keys failed "no /dev/uinput" "modprobe uinput"
expect gpio warning "may not use" "70-deskconn.rules"
chgrp games /dev/gpiochip0 && chmod 660 /dev/gpiochip0
expect gpio warning "may not use" "usermod -aG games"
expect slides warning "" "modprobe uinput"

section "buses"
expect "session bus" warning "bus" "dbus-user-session"
"${user[@]}" dbus-daemon --session --nofork --address="unix:path=$home/run/bus" &
bus=$!
until_true "there is a bus" test -S "$home/run/bus"
expect "session bus" ok "$home/run/bus"
expect sound warning "pulse" "pipewire-pulse"
kill -KILL "$bus"; wait "$bus" 2>/dev/null || :
expect "session bus" warning "refused"

section "a daemon that is in the way, away or ill"
expect_as games daemon failed "cannot be looked into" "another user"
chmod 711 "$home/run/deskconn"
expect_as games daemon failed "does not let this user in" "another user"
chmod 700 "$home/run/deskconn"
kill -STOP "$daemon"
expect daemon failed "did not answer" "start it again"
kill -CONT "$daemon"
expect daemon ok
stop_daemon KILL
expect daemon failed "nobody listens" "deskconnd"
printf '[listen]\ntcp = ["127.0.0.1:5020"]\n' >"$home/config.toml"
start_daemon --config "$home/config.toml"
expect configuration ok "$home/config.toml"
expect port failed "only this computer" "$home/config.toml"
chmod 000 "$home/config.toml"
expect configuration failed "cannot be read" "chmod u+r"
stop_daemon TERM
expect daemon failed "none runs"
[ "$failures" = 0 ] || { echo "$failures failed"; exit 1; }
echo "doctor: all proven"
