#!/bin/sh
# Gives whoever sits at this machine the right to type slide keys, for good and without logging in again:
# loads the kernel module now and at every start, and installs the udev rule.
#
# usage: sudo packaging/uinput.sh
set -eu
here=$(cd "$(dirname "$0")" && pwd)
[ "$(id -u)" = 0 ] || { echo "uinput.sh: only root can do this: sudo $0" >&2; exit 1; }

install -D -m 644 "$here/udev/70-deskconn.rules" /etc/udev/rules.d/70-deskconn.rules
install -D -m 644 "$here/modules-load/deskconn.conf" /etc/modules-load.d/deskconn.conf
modprobe uinput || { echo "uinput.sh: this kernel has no module uinput, through which keys are typed" >&2; exit 1; }
modprobe --quiet i2c-dev || echo "uinput.sh: this kernel has no module i2c-dev: monitors on cables cannot be dimmed" >&2
udevadm control --reload
for subsystem in misc gpio i2c-dev; do udevadm trigger --settle --subsystem-match="$subsystem"; done
echo "slide keys work now, for whoever is logged in at the machine itself; a daemon that runs looks again by itself"
