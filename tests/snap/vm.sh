#!/usr/bin/env bash
# Installs the snap with Debian's real snapd, in the virtual machine of tests/vm, without a network: by hand, as it is slow
# and bases come only from the store. A base of the name core24 is made of the guest itself, to see what a snap can do
# without the store; snap/README.md says what came of it.
#
# usage: tests/snap/vm.sh BINDIR [CACHE]     as root
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
bindir=$(cd "${1:?usage: tests/snap/vm.sh BINDIR [CACHE]}" && pwd)
cache=${2:-${DESKCONN_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/deskconn}/vm}
limit_s=${LIMIT:-600}
sh "$root/tests/vm/prepare.sh" "$cache"
work=$(mktemp -d "${TMPDIR:-/tmp}/deskconn-snap-vm.XXXXXX")
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"

mkdir "$work/deb" "$work/kernel" "$work/root" "$work/initrd"
image=$(apt-cache depends linux-image-amd64 | awk '/Depends:/ {print $2; exit}')
(cd "$work/deb" && apt-get -qq download "$image" snapd apparmor libapparmor1 squashfs-tools liblzo2-2 2>/dev/null)
dpkg-deb --fsys-tarfile "$work"/deb/linux-image-*.deb | tar -x -C "$work/kernel" ./boot ./lib/modules
rm "$work"/deb/linux-image-*.deb
release=$(ls "$work/kernel/lib/modules")
depmod -b "$work/kernel" "$release"
(cd "$work/root" && cpio --quiet -idm <"$cache/root.cpio")
guest=$work/root

# The base, before anything of this test is in the guest. snapd mounts over these.
mkdir -p "$work/base/meta"
cp -a "$guest/usr" "$guest/etc" "$work/base/"
for link in bin sbin lib lib64; do [ ! -L "$guest/$link" ] || cp -a "$guest/$link" "$work/base/"; done
rm -rf "$work"/base/usr/lib/modules/* "$work"/base/usr/lib/xorg
mkdir -p "$work"/base/{dev,home,media,mnt,opt,proc,root,run,snap,sys,tmp,var/{lib/snapd,log,snap,tmp,cache,lib/extrausers,lib/dhcp},usr/{lib/snapd,src,lib/modules,lib/firmware}}
printf 'name: core24\nversion: "0"\ntype: base\nsummary: Stands for the base of the store\ndescription: For tests without a network.\narchitectures: [amd64]\n' >"$work/base/meta/snap.yaml"
snap pack "$work/base" "$work" --compression=lzo --filename core24.snap >/dev/null
rm -rf "$work/base"
BIN=$bindir bash "$root/snap/build.sh" "$work/out"

# Not dpkg-deb -x, which puts directories in the place of the links of a merged /usr.
for package in "$work"/deb/*.deb; do dpkg-deb --fsys-tarfile "$package" | tar -x --keep-directory-symlink -C "$guest"; done
mkdir -p "$guest/opt/snaps" "$guest/snap" "$guest/var/lib/snapd/snaps" "$guest/etc/systemd/system/multi-user.target.wants"
cp "$work"/out/deskconn_*.snap "$guest/opt/snaps/deskconn.snap"
cp "$work/core24.snap" "$guest/opt/snaps/"
# Debian's own snapd as the snap that snapd asks for beside every base.
mkdir -p "$work/snapd/meta" "$work/snapd/usr/lib"
cp -a "$guest/usr/lib/snapd" "$work/snapd/usr/lib/"
printf 'name: snapd\nversion: "2"\ntype: snapd\nsummary: Debian has it\ndescription: For tests without a network.\narchitectures: [amd64]\n' >"$work/snapd/meta/snap.yaml"
snap pack "$work/snapd" "$guest/opt/snaps" --compression=lzo --filename snapd.snap >/dev/null || echo "no snap of snapd"
cp "$here/guest.sh" "$guest/opt/try.sh"
cat >"$guest/etc/systemd/system/try.service" <<'U'
[Unit]
After=multi-user.target snapd.apparmor.service
[Service]
Type=oneshot
ExecStart=/bin/bash /opt/try.sh
ExecStopPost=/bin/systemctl poweroff --force --no-block
StandardOutput=file:/dev/ttyS0
StandardError=file:/dev/ttyS0
U
ln -s ../try.service "$guest/etc/systemd/system/multi-user.target.wants/"
mkdir -p "$guest/etc/systemd/system/sockets.target.wants"
ln -sf /lib/systemd/system/snapd.socket "$guest/etc/systemd/system/sockets.target.wants/snapd.socket"
ln -sf /lib/systemd/system/snapd.apparmor.service "$guest/etc/systemd/system/multi-user.target.wants/snapd.apparmor.service"
ln -sf /lib/systemd/system/apparmor.service "$guest/etc/systemd/system/multi-user.target.wants/apparmor.service"
echo '/dev/vda / ext4 rw 0 0' >"$guest/etc/fstab"
# A login prompt would hang up the console.
ln -sf /dev/null "$guest/etc/systemd/system/serial-getty@ttyS0.service"
rm -rf "$guest/usr/lib/modules"
mkdir -p "$guest/usr/lib/modules"
cp -a "$work/kernel/lib/modules/$release" "$guest/usr/lib/modules/"
rm -rf "$guest/usr/lib/modules/$release"/kernel/{drivers/{net,gpu,media,infiniband,scsi,iio,staging,usb},sound,net}
depmod -b "$guest" "$release" 2>/dev/null
printf 'loop\nsquashfs\nuinput\n' >"$guest/etc/modules-load.d/guest.conf"
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
  -serial stdio -nic none -drive "file=$work/disk,format=raw,if=virtio,cache=unsafe" \
  -kernel "$work"/kernel/boot/vmlinuz-* -initrd "$work/initrd.cpio" \
  -append "console=ttyS0 quiet panic=-1 systemd.show_status=0 audit=0 mitigations=off tsc=reliable no_timer_check"
