#!/bin/sh
# Boots the virtual machine from a disk, in which drive.py installs, upgrades, reboots, removes. See ../README.md.
#
# usage: run.sh BINDIR [CACHE]     BINDIR holds deskconnd and deskconnctl
# exit:  0 proven, 1 not proven, 77 skipped (1 instead with DESKCONN_REQUIRE_ALL=1)
set -eu
here=$(cd "$(dirname "$0")" && pwd)
sources=$(cd "$here/../../.." && pwd)
bindir=$(cd "${1:?usage: run.sh BINDIR [CACHE]}" && pwd)
. "$here/../machine.sh"
cache=${2:-${DESKCONN_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/deskconn}/vm}

# Three times what a run took beside three builds.
limit_s=480
memory_mb=1024
# The guest and what it installs; of a sparse file.
disk_mb=1500

sh "$here/../prepare.sh" "$cache" || exit $?
command -v mke2fs >/dev/null || { echo "mke2fs is missing: e2fsprogs" >&2; exit 1; }

work=$(mktemp -d "${TMPDIR:-/tmp}/deskconn-vm.XXXXXX")
qemu=
end() {
    [ -z "$qemu" ] || kill "$qemu" 2>/dev/null || :
    rm -rf "$work"
}
trap end EXIT
trap 'exit 130' INT TERM

# --- the packages: this version, and an older one of the same content ------------
BIN=$bindir "$sources/packaging/deb.sh" --fast --output "$work/new.deb" >/dev/null
BIN=$bindir "$sources/packaging/deb.sh" --fast --output "$work/old.deb" --deb-version 0.0.1-1 >/dev/null

# --- the disk: the prepared guest with what belongs to this run -------------------
root=$work/root
mkdir "$root"
(cd "$root" && cpio --quiet -id <"$cache/root.cpio")
rm -f "$root/init"
cp -r "$here"/../guest/etc/systemd "$root/etc/"
rm -r "$root"/etc/systemd/user/*
cp -r "$here"/../guest/opt/. "$root/opt/"
cp -r "$here"/guest/. "$root/"
chmod 755 "$root"/opt/deskconn/*.sh
# Installed is all that the package has, its manual too.
rm -f "$root"/etc/dpkg/dpkg.cfg.d/*
# Profiles of programs that are not here, which would be compiled under emulation.
rm -f "$root/etc/apparmor.d/lsb_release" "$root/etc/apparmor.d/nvidia_modprobe"
for unit in devices agent; do
    ln -s "../$unit.service" "$root/etc/systemd/system/multi-user.target.wants/$unit.service"
done
ln -s /usr/lib/systemd/systemd-networkd.service "$root/etc/systemd/system/multi-user.target.wants/" 2>/dev/null || :
ln -sf /usr/lib/systemd/system/systemd-networkd.service "$root/etc/systemd/system/multi-user.target.wants/systemd-networkd.service"
mv "$work"/*.deb "$root/opt/"
# Sources with what was built of them, as a person has them.
made=$root/opt/sources
mkdir -p "$made/target/release" "$made/examples"
cp -r "$sources/packaging" "$made/"
cp "$sources"/LICENSE-* "$sources/README.md" "$made/"
cp "$sources/examples/deskconn.toml" "$made/examples/"
cp "$sources"/target/package/root/usr/bin/* "$made/target/release/"
# `make build` left them; whoever installs has no cargo.
cp "$sources/target/THIRD-PARTY" "$made/target/"
chown -R 0:0 "$root/opt" "$root/etc/systemd"
mke2fs -q -t ext4 -d "$root" "$work/disk" "${disk_mb}M"

# --- what finds the disk -----------------------------------------------------------
first=$work/first
mkdir -p "$first/usr/bin" "$first/usr/sbin" "$first/usr/lib" "$first/usr/lib64" "$first/proc" "$first/dev" "$first/sys" "$first/run" "$first/root"
for link in bin sbin lib lib64; do cp -a "$root/$link" "$first/$link"; done
for program in bin/dash bin/mount bin/umount sbin/switch_root bin/kmod; do
    cp "$root/usr/$program" "$first/usr/$program"
    chroot "$root" ldd "/usr/$program" | grep -o '/[^ ]*' | sort -u | while read -r library; do
        install -D "$root/$library" "$first/$library"
    done
done
ln -s dash "$first/usr/bin/sh"
ln -s ../bin/kmod "$first/usr/sbin/modprobe"
cp -a "$root/usr/lib/modules" "$first/usr/lib/"
install -m 755 "$here/init" "$first/init"
(cd "$first" && find . -mindepth 1 | cpio --quiet -o -H newc) >"$work/initrd"
rm -rf "$root" "$first"

# Any: its daemon is told, and the other machine of these tests may run beside it.
port=$("$cache/venv/bin/python" -B "$here/../ports.py" 0)

# The machine may start anew, and does so as another process: in the same one the next kernel would be unpacked over translated
# code of the last, which takes a minute under emulation.
begun=0
boot() {
    begun=$((begun + 1))
    machine "$work/agent.$begun" '' -machine q35 -pidfile "$work/pid" \
        -drive "file=$work/disk,format=raw,if=virtio,cache=unsafe" &
    qemu=$!
}

judge() {
    PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$here/.." "$cache/venv/bin/python" "$here/drive.py" --agent "$work/agent" --port "$port" && return
    driven=$?
    kill "$(cat "$work/pid")" 2>/dev/null || :
    return $driven
}

boot
judge &
judge=$!
# QEMU ends with 0 when the guest wants to start anew, or when it was told to end.
while :; do
    ended=0
    wait "$qemu" || ended=$?
    if [ "$ended" != 0 ] || ! kill -0 "$judge" 2>/dev/null; then break; fi
    boot
done
qemu=
driven=0
wait "$judge" || driven=$?

# The judge ends the machine by isa-debug-exit with 0, which makes 1 of it.
if [ "$ended" != 1 ] || [ "$driven" != 0 ]; then
    echo "package: FAILED (judge $driven, QEMU $ended); the guest's console ends with:" >&2
    tail -n 40 "$work/console" >&2
    exit 1
fi
echo "package: all proven"
