#!/bin/sh
# Makes a GPIO chip with the kernel's simulator (admin-guide/gpio/gpio-sim): eight
# lines, of which two have names. Its other side is in sysfs: what an output
# drives, and to what an input is pulled.
#   /run/gpio-sim/lamp/value     1 while the line is driven high
#   /run/gpio-sim/button/pull    pull-up or pull-down
set -e
chip=/sys/kernel/config/gpio-sim/board
modprobe gpio-sim
mkdir -p "$chip/bank/line4" "$chip/bank/line2" /run/gpio-sim
echo 8 >"$chip/bank/num_lines"
echo bench >"$chip/bank/label"
echo lamp >"$chip/bank/line4/name"
echo button >"$chip/bank/line2/name"
echo 1 >"$chip/live"
lines=/sys/devices/platform/$(cat "$chip/dev_name")/$(cat "$chip/bank/chip_name")
ln -sfn "$lines/sim_gpio4" /run/gpio-sim/lamp
ln -sfn "$lines/sim_gpio2" /run/gpio-sim/button
