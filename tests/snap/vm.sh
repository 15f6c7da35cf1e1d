#!/usr/bin/env bash
# Installs the snap with Debian's real snapd, in the virtual machine of tests/vm, without a network: by hand, as it takes
# minutes. Instead of what comes from the store it has a base of the name core24 that is made of the guest itself, and
# Debian's snapd once more as the snap `snapd`. guest.sh proves what runs; snap/README.md says what cannot be proven here.
#
# usage: tests/snap/vm.sh BINDIR [CACHE]     as root
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
bindir=$(cd "${1:?usage: tests/snap/vm.sh BINDIR [CACHE]}" && pwd)
cache=${2:-${DESKCONN_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/deskconn}/vm}
# Twice what a good run takes on a busy machine.
limit_s=1200
sh "$root/tests/vm/prepare.sh" "$cache"
work=$(mktemp -d "${TMPDIR:-/tmp}/deskconn-snap-vm.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
chmod 755 "$work"

mkdir "$work/deb" "$work/kernel" "$work/root" "$work/initrd"
image=$(apt-cache depends linux-image-amd64 | awk '/Depends:/ {print $2; exit}')
# The sound server with what it needs beyond the guest, for an output that nobody hears.
sound="pulseaudio pulseaudio-utils libpulse0 libasyncns0 libflac12 libgomp1 libltdl7 libmp3lame0 libmpg123-0 libnsl2 libogg0
  libopus0 liborc-0.4-0 libsndfile1 libsoxr0 libspeexdsp1 libtdb1 libvorbis0a libvorbisenc2 libwrap0"
# shellcheck disable=SC2086 # a list
(cd "$work/deb" && apt-get -qq download "$image" snapd apparmor libapparmor1 squashfs-tools liblzo2-2 $sound 2>/dev/null)
dpkg-deb --fsys-tarfile "$work"/deb/linux-image-*.deb | tar -x -C "$work/kernel" ./boot ./lib/modules
rm "$work"/deb/linux-image-*.deb
release=$(ls "$work/kernel/lib/modules")
depmod -b "$work/kernel" "$release"
(cd "$work/root" && cpio --quiet -idm <"$cache/root.cpio")
guest=$work/root
snaps=$guest/opt/snaps
mkdir -p "$snaps"
# Compressed so that it is quickly made and read; a snap's own is xz.
pack() { # DIRECTORY NAME
  chmod 755 "$1"
  snap pack "$1" "$snaps" --compression=lzo --filename "$2.snap" >/dev/null || { echo "no snap $2" >&2; exit 1; }
  rm -rf "$1"
}
describe() { # DIRECTORY NAME TYPE
  mkdir -p "$1/meta"
  printf 'name: %s\nversion: "0"\ntype: %s\nsummary: Stands for that of the store\ndescription: For tests without a network.\narchitectures: [amd64]\n' \
    "$2" "$3" >"$1/meta/snap.yaml"
}

# The base, before anything of this test is in the guest. snapd mounts over the empty directories.
base=$work/base
mkdir -p "$base"
cp -a "$guest/usr" "$guest/etc" "$base/"
for link in bin sbin lib lib64; do [ ! -L "$guest/$link" ] || cp -a "$guest/$link" "$base/"; done
rm -rf "$base"/usr/lib/modules/* "$base"/usr/lib/{xorg,mupdf} "$base"/usr/share/{X11,fonts/*} "$base"/usr/bin/{mupdf*,X*} \
  "$base"/usr/lib/x86_64-linux-gnu/libicu*
mkdir -p "$base"/{dev,home,media,mnt,opt,proc,root,run,snap,sys,tmp,var/{lib/snapd,log,snap,tmp,cache/fontconfig,lib/extrausers,lib/dhcp}} \
  "$base"/usr/{lib/snapd,src,lib/modules,lib/firmware,share/fonts,local/share/fonts}
ln -s /run "$base/var/run"
ln -s ../lib/snapd/snapctl "$base/usr/bin/snapctl"
# A program in a snap sees this one, and not that of the machine.
sed -i 's/^PRETTY_NAME=.*/PRETTY_NAME="The base"/' "$base/usr/lib/os-release"
describe "$base" core24 base
pack "$base" core24

BIN=$bindir bash "$root/snap/build.sh" "$work/out"
cp "$work"/out/deskconn_*.snap "$snaps/deskconn.snap"

# Not dpkg-deb -x, which puts directories in the place of the links of a merged /usr.
for package in "$work"/deb/*.deb; do dpkg-deb --fsys-tarfile "$package" | tar -x --keep-directory-symlink -C "$guest"; done
# Debian's own snapd as the snap that snapd asks for beside every base: the programs, and the profile of the one that
# confines the others.
mkdir -p "$work/snapd/usr/lib" "$work/snapd/usr/bin" "$work/snapd/etc/apparmor.d"
cp -a "$guest/usr/lib/snapd" "$work/snapd/usr/lib/"
cp -a "$guest/usr/bin/snap" "$guest/usr/bin/snapctl" "$work/snapd/usr/bin/"
cp -a "$guest/etc/apparmor.d/usr.lib.snapd.snap-confine.real" "$work/snapd/etc/apparmor.d/"
describe "$work/snapd" snapd snapd
pack "$work/snapd" snapd
# A snap of somebody else's, which registers a function over the slot.
mkdir -p "$work/lamp/bin" "$work/lamp/meta"
cp "$here/lamp.yaml" "$work/lamp/meta/snap.yaml"
cat >"$work/lamp/bin/lamp" <<'PROGRAM'
#!/bin/sh
exec "$SNAP/bin/deskconnctl" --at "unix:$SNAP_DATA/deskconn/run/deskconn.sock" register com.example.lamp 'echo "\"lit\""'
PROGRAM
chmod 755 "$work/lamp/bin/lamp"
strip -o "$work/lamp/bin/deskconnctl" "$bindir/deskconnctl"
pack "$work/lamp" lamp

cp "$here/guest.sh" "$guest/opt/guest.sh"
cp "$here"/guest/*.service "$guest/etc/systemd/system/"
units=$guest/etc/systemd/system
mkdir -p "$guest/snap" "$guest/var/lib/snapd/snaps" "$units/multi-user.target.wants"
ln -s ../prove.service "$units/multi-user.target.wants/"
for unit in snapd.apparmor apparmor; do ln -sf "/lib/systemd/system/$unit.service" "$units/multi-user.target.wants/"; done
echo '/dev/vda / ext4 rw 0 0' >"$guest/etc/fstab"
# A login prompt would hang up the console.
ln -sf /dev/null "$units/serial-getty@ttyS0.service"
rm -rf "$guest/usr/lib/modules"
mkdir -p "$guest/usr/lib/modules"
cp -a "$work/kernel/lib/modules/$release" "$guest/usr/lib/modules/"
modules=$guest/usr/lib/modules/$release/kernel
rm -rf "$modules"/{drivers/{gpu,media,infiniband,scsi,iio,staging,usb},sound}
find "$modules/drivers/net" -name '*.ko' ! -name 'virtio_net.ko' ! -name '*failover.ko' -delete
depmod -b "$guest" "$release" 2>/dev/null
printf '%s\n' loop squashfs uinput evdev video virtio_net >"$guest/etc/modules-load.d/guest.conf"
chroot "$guest" /sbin/ldconfig
truncate -s 2G "$work/disk"
mke2fs -q -t ext4 -d "$guest" "$work/disk"

# What gets at the disk: snapd turns the root around, which the kernel does not allow on a root in memory.
cd "$work/initrd"
mkdir -p usr/bin usr/lib/modules new proc sys dev
ln -s usr/bin bin; ln -s usr/bin sbin; ln -s usr/lib lib; ln -s usr/lib64 lib64
modules=$(for module in virtio_pci virtio_blk ext4 crc32c_generic; do modprobe -d "$work/kernel" -S "$release" --show-depends "$module"; done | awk '$1 == "insmod" {print $2}' | awk '!seen[$0]++')
programs="bash insmod mount switch_root"
for program in $programs; do
  found=$(chroot "$guest" /bin/bash -c "PATH=/usr/sbin:/usr/bin:/sbin:/bin command -v $program")
  cp -L "$guest$found" "usr/bin/$program"
  chroot "$guest" ldd "$found" | grep -o '/[^ ]*' | while read -r library; do install -D "$guest$library" "./$(echo "$library" | sed 's#^/lib#usr/lib#; s#^/usr#usr#')"; done
done
{
  echo '#!/bin/bash'
  echo 'mount -t devtmpfs dev /dev'
  for module in $modules; do cp "$module" usr/lib/modules/; echo "insmod /usr/lib/modules/${module##*/}"; done
  echo 'until [ -e /dev/vda ]; do :; done'
  echo 'mount -t ext4 /dev/vda /new && exec switch_root /new /usr/lib/systemd/systemd'
} >init
chmod 755 init
find . | cpio --quiet -o -H newc >"$work/initrd.cpio"
rm -rf "$guest"
cd "$work"
echo "--- booting"
timeout "$limit_s" qemu-system-x86_64 -machine q35 -accel tcg,thread=multi -smp 2 -m 1280 -nodefaults -display none -no-reboot \
  -device VGA,addr=1 -acpitable file="$cache/screen.aml" -acpitable file="$cache/power.aml" -serial stdio \
  -netdev user,id=net,restrict=on -device virtio-net-pci,netdev=net,romfile= \
  -drive "file=$work/disk,format=raw,if=virtio,cache=unsafe" \
  -kernel "$work"/kernel/boot/vmlinuz-* -initrd "$work/initrd.cpio" \
  -append "console=ttyS0 quiet panic=-1 acpi_backlight=video video.register_backlight_delay=1 memmap=64K\$0x10000000 systemd.show_status=0 mitigations=off tsc=reliable no_timer_check" \
  </dev/null | tee "$work/console"
grep -q '^snap: all proven' "$work/console"
