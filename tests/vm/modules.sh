#!/bin/sh
# Builds the modules that the test's devices need, for Debian's kernel:
#   gpio-sim      the kernel's own simulator of GPIO chips, which Debian's kernel is
#                 configured without, from Debian's source of exactly that kernel
#   ddc_monitor   a monitor with DDC/CI (monitor/)
# Nothing is installed.
#
# usage: modules.sh RELEASE WORK OUT     -> OUT/gpio-sim.ko, OUT/ddc_monitor.ko
set -eu
here=$(cd "$(dirname "$0")" && pwd)
release=$1 work=$2/modules out=$3

flavour=${release##*-}
version=$(apt-cache policy "linux-image-$release" | awk '/Candidate:/ {print $2}')
series=$(echo "$release" | cut -d. -f1-2)
mkdir -p "$work/deb" "$work/tree" "$work/module"
(cd "$work/deb" && for package in "linux-headers-$release" "linux-headers-${release%-"$flavour"}-common" \
    "linux-kbuild-$series" "linux-source-$series"; do
    apt-get -qq download "$package=$version" 2>/dev/null
done)
source=linux-source-$series
tree=$work/tree
for package in "$work"/deb/linux-headers-*.deb "$work"/deb/linux-kbuild-*.deb; do dpkg-deb --extract "$package" "$tree"; done
dpkg-deb --fsys-tarfile "$work"/deb/"$source"_*.deb | tar -xO "./usr/src/$source.tar.xz" |
    tar -xJ --strip-components=1 -C "$work/module" \
        "$source/drivers/gpio/gpio-sim.c" "$source/drivers/gpio/gpiolib.h" "$source/kernel/irq/irq_sim.c"

# The packages name one another by absolute paths.
headers=$tree/usr/src/linux-headers-$release
sed -i "s#/usr/src/linux-headers#$tree&#g" "$headers/Makefile" "$headers/.kernelvariables"
for link in "$tree"/usr/src/linux-headers-*/scripts "$tree"/usr/src/linux-headers-*/tools; do
    [ ! -L "$link" ] || ln -sfn "$tree/usr/lib/linux-kbuild-$series/${link##*/}" "$link"
done

# gpio-sim needs irq_sim, which is off as well: it is linked in, and calls the one
# function that modules may call instead of one that they may not.
cd "$work/module"
mv drivers/gpio/gpio-sim.c main.c
mv drivers/gpio/gpiolib.h .
sed 's/handle_simple_irq(irq_to_desc(\(.*\)));/generic_handle_irq(\1);/' kernel/irq/irq_sim.c >irq_sim.c
cp "$here/monitor/ddc_monitor.c" .
printf 'obj-m := gpio-sim.o ddc_monitor.o\ngpio-sim-y := main.o irq_sim.o\n' >Makefile
make -s -C "$headers" M="$work/module" CC=gcc modules >build.log 2>&1 || { tail -n 20 build.log >&2; exit 1; }
strip --strip-debug gpio-sim.ko ddc_monitor.ko
mv gpio-sim.ko ddc_monitor.ko "$out"
