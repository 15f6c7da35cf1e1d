#!/bin/sh
# Boots the virtual machine with the daemon inside and lets drive.py judge it.
# See README.md for what is proven.
#
# usage: run.sh BINDIR [CACHE]     BINDIR holds deskconnd and deskconnctl
# DESKCONN_VM_PICTURES=DIR keeps pictures of the guest's screen there
# exit:  0 proven, 1 not proven, 77 skipped (1 instead with DESKCONN_REQUIRE_ALL=1)
set -eu
here=$(cd "$(dirname "$0")" && pwd)
bindir=$(cd "${1:?usage: run.sh BINDIR [CACHE]}" && pwd)
. "$here/machine.sh"
cache=${2:-${DESKCONN_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/deskconn}/vm}

# The longest a good run took, on a machine that was busy with three builds, is half of this; a stuck guest must not hold CI.
limit_s=360
memory_mb=1280

sh "$here/prepare.sh" "$cache" || exit $?
bash "$here/../browser/run.sh" prepare || exit 1

work=$(mktemp -d "${TMPDIR:-/tmp}/deskconn-vm.XXXXXX")
ram=/dev/shm/deskconn-vm.$$
qemu=
end() {
    [ -z "$qemu" ] || kill "$qemu" 2>/dev/null || :
    rm -rf "$work" "$ram"
}
trap end EXIT
trap 'exit 130' INT TERM

# 5020 on the host reaches 5020 in the guest: the daemon refuses a Host header
# with another port than its own. Where the host's 5020 is taken, both ends use
# a free one.
port=$("$cache/venv/bin/python" -B "$here/ports.py" 5020)

# What belongs to this run, laid over the prepared guest: the kernel unpacks
# archives that follow one another (early-userspace/buffer-format).
over=$work/over
mkdir -p "$over/etc/udev/rules.d" "$over/etc/systemd/system/multi-user.target.wants"
cp -r "$here"/guest/. "$over/"
packaging=$here/../../packaging
mkdir -p "$over/usr/bin" "$over/etc/xdg/autostart"
cp "$packaging/udev/70-deskconn.rules" "$over/etc/udev/rules.d/"
cp "$packaging/autostart/deskconn-agent.desktop" "$over/etc/xdg/autostart/"
for kind in user system; do
    cp "$packaging/systemd/$kind/deskconnd.service" "$over/etc/systemd/$kind/"
done
for program in deskconnd deskconnctl; do
    [ -e "$bindir/$program" ] || { echo "no $program in $bindir: build it first (cargo build)" >&2; exit 1; }
    strip -o "$over/usr/bin/$program" "$bindir/$program" 2>/dev/null || cp "$bindir/$program" "$over/usr/bin/"
done
chmod 755 "$over"/usr/bin/* "$over"/opt/deskconn/*
/usr/bin/python3 -B "$here/pages.py" "$over/opt/deskconn/pages.pdf"
for unit in devices presenter agent; do
    ln -s "../$unit.service" "$over/etc/systemd/system/multi-user.target.wants/$unit.service"
done
ln -s /usr/lib/systemd/system/systemd-networkd.service "$over/etc/systemd/system/multi-user.target.wants/"
[ "$port" = 5020 ] || printf '[listen]\ntcp = ["0.0.0.0:%s"]\n' "$port" >>"$over/etc/deskconn/config.toml"
chown -R 0:0 "$over"
(cd "$over" && find . -mindepth 1 | cpio --quiet -o -H newc) >"$work/over.cpio"
cat "$cache/root.cpio" "$work/over.cpio" >"$work/initrd"

# The guest's memory is a shared file, so that the host can look at the panel's register.
machine "$work/agent" \
    'acpi_backlight=video video.register_backlight_delay=1 memmap=64K$0x10000000 audit=0' \
    -machine q35,memory-backend=ram \
    -object "memory-backend-file,id=ram,size=${memory_mb}M,mem-path=$ram,share=on" \
    -acpitable file="$cache/screen.aml" -acpitable file="$cache/gpio.aml" -acpitable file="$cache/power.aml" \
    -qmp unix:"$work/monitor",server=on,wait=off &
qemu=$!

# The phone: node looks for packages beside the scripts.
browser=$work/browser
mkdir "$browser"
cp "$here"/../browser/*.mjs "$here/../browser/package.json" "$browser/"
ln -s "${DESKCONN_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/deskconn}/browser/node_modules" "$browser/node_modules"

pictures=
[ -z "${DESKCONN_VM_PICTURES:-}" ] || { mkdir -p "$DESKCONN_VM_PICTURES" && pictures=$(cd "$DESKCONN_VM_PICTURES" && pwd); }
driven=0
PYTHONDONTWRITEBYTECODE=1 "$cache/venv/bin/python" "$here/drive.py" --agent "$work/agent" \
    --monitor "$work/monitor" --pictures "$pictures" --browser "$browser" --memory "$ram" --port "$port" || driven=$?
# A judge that fell over could not end the machine.
[ "$driven" = 0 ] || kill "$qemu" 2>/dev/null || :
ended=0
wait "$qemu" || ended=$?
qemu=

# The last thing that is proven switches the machine off, which is 0. A judge that has seen enough ends it by
# isa-debug-exit, which turns a status n into 2n+1; anything else means that it ended without a verdict (124: the limit).
if [ "$ended" != 0 ] || [ "$driven" != 0 ]; then
    echo "vm: FAILED (judge $driven, QEMU $ended); the guest's console ends with:" >&2
    tail -n 40 "$work/console" >&2
    exit 1
fi
echo "vm: all proven"
