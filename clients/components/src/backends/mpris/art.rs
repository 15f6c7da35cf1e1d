//! The picture of a track, where the player keeps it in a file on this machine.
//!
//! A player says where its picture is, and may say anything: a page on the network (never fetched: whoever asks must
//! not learn what this machine can reach), or any file. So only the content of a file that is a picture leaves.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::Read as _;
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use url::Url;

use super::super::players::Picture;

/// The longest picture: browsers keep their players' pictures as PNG of about 100 KiB, and with it as text an answer is
/// still below the megabyte that a message may have.
pub const MAX_PICTURE_BYTES: u64 = 512 << 10;

/// The longest address: a path has at most 4,096 bytes (`PATH_MAX`), each of which may be written as three.
const MAX_URL_BYTES: usize = 3 * 4096;

/// The address, if it is that of a file on this machine.
pub(super) fn local(url: &str) -> Option<String> {
    (url.starts_with("file://") && url.len() <= MAX_URL_BYTES).then(|| url.to_owned())
}

/// A name for a picture, which says nothing about where it is.
pub(super) fn name(url: &str) -> String {
    let mut hasher = DefaultHasher::new();
    url.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

/// Reads the picture at an address; `None` where there is no file, or none that is a picture. Blocks.
pub(super) fn read(url: &str) -> Option<Picture> {
    let path = Url::parse(url).ok()?.to_file_path().ok()?;
    let bytes = content(&path)?;
    let media_type = media_type(&bytes)?;
    Some(Picture { media_type, bytes })
}

fn content(path: &Path) -> Option<Vec<u8>> {
    // Without waiting: a FIFO has no writer, a terminal no key.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = std::fs::File::from(rustix::fs::open(path, flags, Mode::empty()).ok()?);
    let metadata = file.metadata().ok()?;
    if !metadata.is_file() || metadata.len() > MAX_PICTURE_BYTES {
        return None;
    }
    let mut bytes = Vec::new();
    // It may grow meanwhile.
    file.take(MAX_PICTURE_BYTES + 1).read_to_end(&mut bytes).ok()?;
    (bytes.len() as u64 <= MAX_PICTURE_BYTES).then_some(bytes)
}

/// What sort of picture it is, by its first bytes (WHATWG MIME Sniffing, section 6.1).
fn media_type(bytes: &[u8]) -> Option<&'static str> {
    let is_webp = bytes.starts_with(b"RIFF") && bytes.get(8..14) == Some(b"WEBPVP");
    match bytes {
        _ if bytes.starts_with(b"\x89PNG\r\n\x1a\n") => Some("image/png"),
        _ if bytes.starts_with(b"\xff\xd8\xff") => Some("image/jpeg"),
        _ if bytes.starts_with(b"GIF87a") || bytes.starts_with(b"GIF89a") => Some("image/gif"),
        _ if is_webp => Some("image/webp"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

    fn at(path: &Path) -> String {
        Url::from_file_path(path).unwrap().to_string()
    }

    #[test]
    fn a_picture_on_this_machine_is_read_whatever_its_name() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("cöver art%20");
        for (content, media_type) in [
            (PNG, "image/png"),
            (b"\xff\xd8\xff\xe0", "image/jpeg"),
            (b"GIF89a", "image/gif"),
            (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        ] {
            std::fs::write(&path, content).unwrap();
            let bytes = content.to_vec();
            assert_eq!(read(&at(&path)), Some(Picture { media_type, bytes }));
        }
    }

    #[test]
    fn what_is_no_picture_stays_on_this_machine() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("id_ed25519.png");
        std::fs::write(&path, "-----BEGIN OPENSSH PRIVATE KEY-----").unwrap();
        assert_eq!(read(&at(&path)), None);
        assert_eq!(read(&at(directory.path())), None, "a folder");
        assert_eq!(read(&at(&directory.path().join("gone"))), None);
        assert_eq!(read("file:///dev/zero"), None);
        let fifo = directory.path().join("fifo");
        rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, Mode::RUSR).unwrap();
        assert_eq!(read(&at(&fifo)), None, "nobody writes into it");
        assert_eq!(read("file://other.host/cover.png"), None);
    }

    #[test]
    fn a_picture_is_read_up_to_the_limit_and_no_further() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("cover");
        for (length, is_read) in [(MAX_PICTURE_BYTES, true), (MAX_PICTURE_BYTES + 1, false)] {
            std::fs::write(&path, PNG).unwrap();
            let file = std::fs::File::options().write(true).open(&path).unwrap();
            file.set_len(length).unwrap();
            assert_eq!(read(&at(&path)).is_some(), is_read, "{length}");
        }
    }

    #[test]
    fn only_files_count_and_each_has_a_name_of_its_own() {
        assert_eq!(local("https://example.org/a.png"), None);
        assert_eq!(local("data:image/png;base64,AA"), None);
        assert_eq!(local("/tmp/a.png"), None);
        let most = format!("file:///{}", "a".repeat(MAX_URL_BYTES - 8));
        assert!(local(&most).is_some() && local(&format!("{most}a")).is_none());
        assert_eq!(name("file:///a"), name("file:///a"));
        assert_ne!(name("file:///a"), name("file:///b"));
    }
}
