//! Which mounts are disks of the machine, by the kernel's table of them (`proc_pid_mountinfo(5)`).

use std::collections::BTreeSet;

/// Disks that are told: more than a desktop has.
pub const MAX_DISKS: usize = 32;

/// As much of the kernel's table is looked at; paths have 4096 bytes.
const MAX_TABLE: usize = 1 << 20;

/// File systems on a disk whose source is no device node.
const POOLED: [&str; 2] = ["zfs", "bcachefs"];

/// Images that are mounted, and always full: packages and discs.
const IMAGES: [&str; 3] = ["squashfs", "erofs", "iso9660"];

/// Where snapd shows a snap the file system of the machine, as the snap's own root is its base (snap-confine(8)).
pub(super) const OUTSIDE_OF_SNAP: &str = "/var/lib/snapd/hostfs";

/// Where a disk is mounted.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Where this program reaches it.
    pub(super) path: String,
    /// What the machine calls that.
    pub(super) mount: String,
}

impl Place {
    /// A place that belongs to the machine; a snap has mounts of its own, of which most are the same disks again.
    fn of_machine(path: String, is_in_snap: bool) -> Option<Self> {
        let mount = if is_in_snap {
            match path.strip_prefix(OUTSIDE_OF_SNAP)? {
                "" => "/".to_owned(),
                below => below.starts_with('/').then(|| below.to_owned())?,
            }
        } else {
            path.clone()
        };
        Some(Self { path, mount })
    }
}

/// Where disks are mounted (`proc_pid_mountinfo(5)`): each device once, at its first place; the root whatever it is.
pub(super) fn mounts(table: &str) -> Vec<Place> {
    let table = table.get(..table.floor_char_boundary(MAX_TABLE)).unwrap_or_default();
    // Only a snap has something mounted there.
    let is_in_snap = table.contains(&format!(" {OUTSIDE_OF_SNAP} "));
    let mut devices = BTreeSet::new();
    let mut mounts = Vec::new();
    for line in table.lines() {
        let Some((before, behind)) = line.split_once(" - ") else {
            continue;
        };
        let before: Vec<&str> = before.split(' ').collect();
        let behind: Vec<&str> = behind.split(' ').collect();
        let ([_, _, device, _, place, ..], [kind, source, ..]) = (&before[..], &behind[..]) else {
            continue;
        };
        let Some(place) = Place::of_machine(unescaped(place), is_in_snap) else {
            continue;
        };
        let is_disk =
            (source.starts_with("/dev/") && !IMAGES.contains(kind)) || POOLED.contains(kind) || place.mount == "/";
        // Files and directories of a disk that are mounted again are the same device.
        if is_disk && devices.insert((*device).to_owned()) {
            mounts.push(place);
        }
    }
    mounts.sort_by_key(|place| place.mount != "/");
    mounts.truncate(MAX_DISKS);
    mounts
}

/// The table has space, tab, end of line and backslash as three octal digits.
fn unescaped(place: &str) -> String {
    [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")]
        .into_iter()
        .fold(place.to_owned(), |place, (code, character)| {
            place.replace(code, character)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "\
22 1 8:2 / / rw,relatime shared:1 - ext4 /dev/sda2 rw
23 22 0:21 / /proc rw - proc proc rw
24 22 0:22 / /run rw - tmpfs tmpfs rw
25 22 8:1 / /boot/efi rw - vfat /dev/sda1 rw
26 22 8:2 /var/lib/x /home/me/x rw - ext4 /dev/sda2 rw
27 22 7:0 / /snap/core/1 ro - squashfs /dev/loop0 ro
28 22 0:50 / /mnt/nas rw - nfs4 nas:/export rw
29 22 8:17 / /media/My\\040Disk rw - ext4 /dev/sdb1 rw
30 22 0:60 / /tank rw - zfs tank rw
broken line
";

    #[test]
    fn disks_are_told_once_and_nothing_that_is_none() {
        let names = |table: &str| mounts(table).into_iter().map(|place| place.mount).collect::<Vec<_>>();
        assert_eq!(names(MOUNTS), ["/", "/boot/efi", "/media/My Disk", "/tank"]);
        let container = "1 0 0:99 / / rw - overlay overlay rw\n";
        assert_eq!(names(container), ["/"]);
        let many: String = (0..100)
            .map(|n| format!("1 0 8:{n} / /m{n} rw - ext4 /dev/sd{n} rw\n"))
            .collect();
        assert_eq!(mounts(&many).len(), MAX_DISKS);
    }

    #[test]
    fn in_a_snap_the_disks_of_the_machine_are_told_by_their_own_names() {
        let table = "\
22 1 7:1 / / ro,relatime - squashfs /dev/loop1 ro
23 22 8:2 /home /home rw - ext4 /dev/sda2 rw
24 22 8:2 / /var/lib/snapd/hostfs rw - ext4 /dev/sda2 rw
25 24 8:17 / /var/lib/snapd/hostfs/media/My\\040Disk rw - ext4 /dev/sdb1 rw
26 24 7:0 / /var/lib/snapd/hostfs/snap/core/1 ro - squashfs /dev/loop0 ro
27 22 8:33 / /var/lib/snapd/hostfs2 rw - ext4 /dev/sdc1 rw
";
        let place = |path: &str, mount: &str| Place {
            path: path.to_owned(),
            mount: mount.to_owned(),
        };
        let expected = [
            place("/var/lib/snapd/hostfs", "/"),
            place("/var/lib/snapd/hostfs/media/My Disk", "/media/My Disk"),
        ];
        assert_eq!(mounts(table), expected);
    }
}
