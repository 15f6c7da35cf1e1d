//! Tests of the files of certificates.

use std::io::Write as _;

use rcgen::{CertificateParams, KeyPair};
use tempfile::TempDir;

use super::*;
use crate::config::CertificateFiles;

struct Files {
    home: TempDir,
    tls: Tls,
}

impl Files {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let tls = Tls {
            certificate: Some(CertificateFiles {
                certificate: home.path().join("c.pem"),
                key: home.path().join("k.pem"),
            }),
            client_ca: None,
            client_crl: None,
        };
        let files = Self { home, tls };
        files.renew("one.example.org", 100);
        files
    }

    /// Puts a new certificate there that ends in so many days.
    fn renew(&self, name: &str, days: i64) {
        let key = KeyPair::generate().unwrap();
        let mut parameters = CertificateParams::new([name.to_owned()]).unwrap();
        parameters.not_after = OffsetDateTime::now_utc() + time::Duration::days(days);
        let certificate = parameters.self_signed(&key).unwrap();
        self.put("c.pem", &certificate.pem());
        self.put("k.pem", &key.serialize_pem());
    }

    /// As a whole, as whoever renews certificates does it: it is another file each time.
    fn put(&self, name: &str, text: &str) {
        let mut file = tempfile::NamedTempFile::new_in(self.home.path()).unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file.persist(self.home.path().join(name)).unwrap();
    }

    fn open(&self) -> Result<Arc<Configured>> {
        Configured::open(&self.tls, None)
    }
}

fn names(kept: &Configured) -> Vec<String> {
    kept.facts().0.unwrap().names
}

#[test]
fn a_changed_certificate_is_taken_by_the_next_look() {
    let files = Files::new();
    let kept = files.open().unwrap();
    assert_eq!(names(&kept), ["one.example.org"]);
    files.renew("two.example.org", 100);
    kept.look();
    assert_eq!(names(&kept), ["two.example.org"]);
}

#[test]
fn files_that_are_read_again_have_changed_only_if_they_have() {
    let files = Files::new();
    let kept = files.open().unwrap();
    assert!(!kept.take().unwrap());
    files.renew("two.example.org", 100);
    assert!(kept.take().unwrap() && !kept.take().unwrap());
    // What was refused, and is taken now, is news too, though the files may be as they were.
    files.put("k.pem", "no key");
    kept.reload();
    assert!(kept.facts().1.is_some());
    files.renew("three.example.org", 100);
    assert!(kept.take().unwrap() && !kept.take().unwrap());
}

#[test]
fn of_files_that_cannot_be_used_nothing_is_taken_and_why_is_told() {
    let files = Files::new();
    let kept = files.open().unwrap();
    let other = KeyPair::generate().unwrap().serialize_pem();
    for (file, text, expected) in [
        ("c.pem", "no certificate", "there is no certificate in it"),
        ("k.pem", "no key", "no private key in PEM"),
        ("k.pem", other.as_str(), "c.pem and"),
    ] {
        files.renew("two.example.org", 100);
        files.put(file, text);
        kept.look();
        let (facts, refused) = kept.facts();
        assert_eq!(facts.unwrap().names, ["one.example.org"]);
        assert!(refused.as_ref().unwrap().contains(expected), "{refused:?}");
    }
    fs::remove_file(files.home.path().join("c.pem")).unwrap();
    kept.reload();
    assert!(kept.facts().1.unwrap().contains("c.pem"));
    files.renew("three.example.org", 100);
    kept.reload();
    assert_eq!((names(&kept)[0].as_str(), kept.facts().1), ("three.example.org", None));
}

#[test]
fn a_file_is_read_up_to_its_longest_and_no_pipe_is_waited_for() {
    let files = Files::new();
    let pem = fs::read_to_string(files.home.path().join("c.pem")).unwrap();
    let room = usize::try_from(MAX_FILE).unwrap() - pem.len();
    files.put("c.pem", &format!("{pem}{}", "\n".repeat(room)));
    assert!(files.open().is_ok());
    files.put("c.pem", &format!("{pem}{}", "\n".repeat(room + 1)));
    let told = format!("{:#}", files.open().unwrap_err());
    assert!(told.contains("more than 1048576 bytes"), "{told}");
    fs::remove_file(files.home.path().join("c.pem")).unwrap();
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    let kind = rustix::fs::FileType::Fifo;
    rustix::fs::mknodat(rustix::fs::CWD, files.home.path().join("c.pem"), kind, mode, 0).unwrap();
    assert!(format!("{:#}", files.open().unwrap_err()).contains("is no file"));
}

#[test]
fn the_end_of_a_certificate_is_spoken_of_once_a_day_when_it_is_near() {
    let files = Files::new();
    let kept = files.open().unwrap();
    let warned = || kept.seen().warned;
    let now = OffsetDateTime::now_utc();
    kept.warn_of_the_end(now);
    assert_eq!(warned(), None);
    let near = now + time::Duration::days(99);
    kept.warn_of_the_end(near);
    assert_eq!(warned(), Some(near));
    kept.warn_of_the_end(near + time::Duration::hours(23));
    assert_eq!(warned(), Some(near));
    kept.warn_of_the_end(near + time::Duration::hours(24));
    assert_eq!(warned(), Some(near + time::Duration::hours(24)));
    // A battery is empty: the machine thinks it is decades later, until the network tells it better.
    let wrong = near + time::Duration::days(10_000);
    kept.warn_of_the_end(wrong);
    assert_eq!(warned(), Some(wrong));
    kept.warn_of_the_end(near + time::Duration::hours(25));
    assert_eq!(warned(), Some(near + time::Duration::hours(25)));
}
