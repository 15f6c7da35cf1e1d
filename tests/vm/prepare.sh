#!/bin/sh
# Builds what the VM stage boots, from this machine's own Debian sources:
#   CACHE/vmlinuz   the kernel of linux-image-amd64
#   CACHE/root.cpio a whole Debian with systemd, logind, D-Bus, Xorg, a screen
#                   locker, a PDF viewer, evtest and the kernel modules the test
#                   needs, as one initramfs (systemd runs from RAM, so every boot
#                   starts from the same state and no disk image is needed)
#   CACHE/*.aml     the ACPI tables of the guest's devices
#   CACHE/venv      the WAMP client of the host side (autobahn-python)
#
# usage: prepare.sh [CACHE]     root; safe to call twice and at the same time
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cache=${1:-${DESKCONN_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/deskconn}/vm}

say() { echo "vm prepare: $*"; }
skip() {
    echo "SKIPPED vm stage: $*" >&2
    [ "${DESKCONN_REQUIRE_ALL:-}" = 1 ] && exit 1
    exit 77
}

[ "$(id -u)" = 0 ] || skip "needs root, to install QEMU and to build the guest's file system"
[ "$(dpkg --print-architecture 2>/dev/null)" = amd64 ] || skip "built from Debian packages for amd64 only"
. /etc/os-release
[ "${ID:-}" = debian ] || skip "the guest must have the same glibc as this machine, so it has to be Debian"

mkdir -p "$cache"
exec 9>"$cache/lock"
flock 9

# Everything that shapes the result; another release or another script builds anew.
stamp=$(cat "$here"/prepare.sh "$here"/modules.sh "$here"/monitor/*.c "$here"/acpi/*.asl /etc/debian_version | sha256sum | cut -c1-16)
[ "$(cat "$cache/stamp" 2>/dev/null)" = "$stamp" ] && { say "already there in $cache"; exit 0; }

apt_get() { apt-get -qq -o DPkg::Lock::Timeout=300 "$@"; }

# --- tools -------------------------------------------------------------------
missing=
for tool in qemu-system-x86_64:qemu-system-x86 iasl:acpica-tools mmdebstrap:mmdebstrap \
    cpio:cpio modprobe:kmod gcc:gcc make:make xz:xz-utils; do
    PATH=$PATH:/sbin:/usr/sbin command -v "${tool%%:*}" >/dev/null || missing="$missing ${tool##*:}"
done
/usr/bin/python3 -c 'import ensurepip' 2>/dev/null || missing="$missing python3-venv"
if [ -n "$missing" ]; then
    say "installing$missing"
    apt_get update || skip "apt-get update failed"
    # A qemu-utils of another release refuses this release's QEMU: take it along.
    version=$(apt-cache policy qemu-system-x86 | awk '/Candidate:/ {print $2}')
    dpkg -s qemu-utils >/dev/null 2>&1 && missing="$missing qemu-utils=$version"
    # shellcheck disable=SC2086 # a list of package names
    DEBIAN_FRONTEND=noninteractive apt_get install -y --no-install-recommends --allow-downgrades \
        $missing seabios >/dev/null || skip "could not install$missing"
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/deskconn-vm.XXXXXX")
chmod 755 "$work" # apt fetches as a user of its own
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

# --- kernel ------------------------------------------------------------------
# The cloud kernel would be smaller but has neither uinput nor ACPI video.
image=$(apt-cache depends linux-image-amd64 | awk '/Depends:/ {print $2; exit}')
say "kernel: $image"
mkdir "$work/deb" "$work/kernel"
(cd "$work/deb" && apt_get download "$image" 2>/dev/null) || skip "could not download $image"
dpkg-deb --fsys-tarfile "$work"/deb/*.deb | tar -x -C "$work/kernel" ./boot ./lib/modules
release=$(ls "$work/kernel/lib/modules")
# What Debian's kernel has no driver for, or no device.
mkdir "$work/kernel/lib/modules/$release/extra"
sh "$here/modules.sh" "$release" "$work" "$work/kernel/lib/modules/$release/extra" || skip "could not build the guest's modules"
depmod -b "$work/kernel" "$release"

# --- guest -------------------------------------------------------------------
# The sources this machine itself uses for its release, whatever mirror that is.
apt-get indextargets --format '$(ORIGIN)|$(REPO_URI)|$(CODENAME)|$(COMPONENT)' 'Created-By: Packages' |
    awk -F'|' -v name="$VERSION_CODENAME" '
        $1 == "Debian" && ($3 == name || $3 == name "-security" || $3 == name "-updates") {
            print "deb " $2 " " $3 " " $4 }' |
    sort -u >"$work/sources.list"
[ -s "$work/sources.list" ] || skip "apt has no Debian sources of $VERSION_CODENAME"
say "guest: $VERSION_CODENAME with systemd and Xorg"
# Without what draws in three dimensions (LLVM alone would double the guest): the
# X server then draws without acceleration, which is all an emulated VGA can do.
mmdebstrap --quiet --variant=minbase --format=directory \
    --include=systemd-sysv,dbus,dbus-user-session,libpam-systemd,udev,kmod,iproute2,evtest,gpiod,kbd,psmisc,xserver-xorg-core,xserver-xorg-input-libinput,xinit,xss-lock,i3lock,mupdf,xdotool,apparmor \
    --aptopt='APT::Install-Recommends "false"' --aptopt='Acquire::Languages "none"' \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/i18n/*' \
    --dpkgopt='path-exclude=/usr/lib/x86_64-linux-gnu/dri/*' --dpkgopt='path-exclude=*/libLLVM*' \
    --dpkgopt='path-exclude=*/libz3.so*' \
    --dpkgopt='path-exclude=/usr/bin/mupdf-gl' --dpkgopt='path-exclude=/usr/share/icons/*' \
    "$VERSION_CODENAME" "$work/root" "$work/sources.list" || skip "mmdebstrap could not build the guest"
root=$work/root

# The person at the machine, who can unlock the screen with a password, and another.
for user in presenter visitor; do
    chroot "$root" useradd --create-home --shell /bin/bash "$user"
    echo "$user:open sesame" | chroot "$root" chpasswd
done
chroot "$root" groupadd --system gpio
chroot "$root" usermod --append --groups gpio presenter
echo guest >"$root/etc/hostname"
echo '127.0.0.1 localhost guest' >"$root/etc/hosts"
: >"$root/etc/machine-id"
for unit in getty@tty1.service systemd-timesyncd.service apt-daily.timer apt-daily-upgrade.timer \
    dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer \
    systemd-networkd-wait-online.service systemd-networkd.socket; do
    ln -sf /dev/null "$root/etc/systemd/system/$unit"
done

# Only the modules the test needs, with what they depend on.
modules="virtio_pci virtio_net virtio_console virtio_blk ext4 uinput evdev video bochs battery thermal gpio-amdpt gpio-sim i2c-dev ddc_monitor"
target=$root/usr/lib/modules/$release
mkdir -p "$target"
for module in $modules; do
    modprobe -d "$work/kernel" -S "$release" --show-depends "$module"
done | awk '$1 == "insmod" {print $2}' | sort -u | while read -r file; do
    install -D -m 644 "$file" "$target/${file#*/lib/modules/"$release"/}"
done
cp "$work/kernel/lib/modules/$release"/modules.builtin* "$work/kernel/lib/modules/$release/modules.order" "$target"
depmod -b "$root" "$release"
# uinput is loaded by whoever opens it first; the monitor is plugged in by the test.
for module in $modules; do
    case $module in uinput | ddc_monitor) ;; *) echo "$module" ;; esac
done >"$root/etc/modules-load.d/guest.conf"

rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/usr/share/locale "$root"/usr/share/doc \
    "$root"/usr/share/zoneinfo "$root"/usr/lib/udev/hwdb.* "$root"/var/log/* \
    "$root"/var/cache/debconf "$root"/usr/share/perl "$root"/usr/lib/x86_64-linux-gnu/perl
ln -s /usr/lib/systemd/systemd "$root/init"
(cd "$root" && find . -mindepth 1 | cpio --quiet -o -H newc) >"$work/root.cpio"

# --- the host's side -----------------------------------------------------------
for table in screen gpio power; do
    iasl -p "$work/$table" "$here/acpi/$table.asl" >"$work/iasl.log" 2>&1 || { cat "$work/iasl.log" >&2; exit 1; }
done
say "host client"
rm -rf "$cache/venv"
/usr/bin/python3 -m venv "$cache/venv" &&
    "$cache/venv/bin/pip" install --quiet --disable-pip-version-check 'autobahn[encryption]>=24' 'numpy<2' ||
    skip "could not install autobahn-python"

cp "$work"/kernel/boot/vmlinuz-* "$work/vmlinuz"
mv "$work/vmlinuz" "$work/root.cpio" "$work"/*.aml "$cache/"
echo "$stamp" >"$cache/stamp"
say "ready: $(du -sm "$cache/root.cpio" | cut -f1) MB of guest in $cache"
