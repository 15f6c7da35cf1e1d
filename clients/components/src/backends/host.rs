//! How this machine is: its names, its load, its memory, its disks, its temperatures, as the kernel tells them in `/proc`
//! and `/sys` (`Documentation/filesystems/proc.rst`, `Documentation/hwmon/sysfs-interface.rst`).
//!
//! Disks and sensors may hang: a dying disk, a file system in user space. Each is asked on a thread of its own, waited for
//! no longer than [`PATIENCE`], and not asked again while it has not answered. File systems on the network are no disks of
//! this machine and are left out. There is no fake of it, because every machine is one.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::timeout;

pub use places::MAX_DISKS;
use places::{OUTSIDE_OF_SNAP, Place, mounts};

mod places;

/// How long a disk, or the sensors, may take. They answer in microseconds, a disk that has to wake up in some seconds; it
/// is told again in the next report.
pub const PATIENCE: Duration = Duration::from_secs(2);

/// Temperatures that are told: a server has some for each core.
pub const MAX_TEMPERATURES: usize = 64;

/// How the machine is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Report {
    /// Its name on the network.
    pub name: String,
    /// The name of its distribution, with the version.
    pub os: String,
    /// The kernel's release.
    pub kernel: String,
    /// Seconds since it started.
    pub uptime_s: u64,
    /// Processes that run or wait, on average over 1, 5 and 15 minutes.
    pub load: Option<[f64; 3]>,
    /// Its memory.
    pub memory: Option<Memory>,
    /// Its disks, the root first.
    pub disks: Vec<Disk>,
    /// What its sensors say.
    pub temperatures: Vec<Temperature>,
}

/// Memory in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// All of it.
    pub total: u64,
    /// What programs can have without others having to give some back.
    pub available: u64,
}

/// A file system on a disk, in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disk {
    /// Where it is mounted.
    pub mount: String,
    /// All of it.
    pub total: u64,
    /// What programs can still write.
    pub free: u64,
}

/// A sensor.
#[derive(Debug, Clone, PartialEq)]
pub struct Temperature {
    /// Chip and place.
    pub name: String,
    /// In degrees.
    pub celsius: f64,
}

/// The machine below a directory that is laid out as the root of the file system.
#[derive(Debug)]
pub struct Host {
    root: PathBuf,
    /// What was asked and has not answered yet.
    hanging: Arc<Mutex<BTreeSet<PathBuf>>>,
}

impl Host {
    /// The machine that has this root.
    #[must_use]
    pub fn new(root: PathBuf) -> Self {
        Self {
            root,
            hanging: Arc::default(),
        }
    }

    /// How it is now. What cannot be read is left out.
    pub async fn report(&self) -> Report {
        let proc = |name: &str| fs::read_to_string(self.root.join("proc").join(name)).unwrap_or_default();
        let uname = rustix::system::uname();
        let text = |name: &std::ffi::CStr| name.to_string_lossy().into_owned();
        let mounts = mounts(&proc("self/mountinfo"));
        let sensors = self.root.join("sys/class/hwmon");
        let read = sensors.clone();
        let (disks, temperatures) = tokio::join!(
            join_all(mounts.into_iter().map(|mount| self.disk(mount))),
            self.ask(sensors, move || temperatures(&read)),
        );
        Report {
            name: text(uname.nodename()),
            os: os(&self.release()),
            kernel: text(uname.release()),
            uptime_s: uptime(&proc("uptime")),
            load: load(&proc("loadavg")),
            memory: memory(&proc("meminfo")),
            disks: disks.into_iter().flatten().collect(),
            temperatures: temperatures.unwrap_or_default(),
        }
    }

    /// What the distribution says of itself. A snap's own is its base, which is not what the machine runs: where snapd
    /// keeps the other one from it, nothing is known.
    fn release(&self) -> String {
        let outside = self.root.join(OUTSIDE_OF_SNAP.trim_start_matches('/'));
        let read = match fs::read_to_string(outside.join("etc/os-release")) {
            Err(error) if error.kind() == ErrorKind::NotFound => fs::read_to_string(self.root.join("etc/os-release")),
            read => read,
        };
        read.unwrap_or_default()
    }

    async fn disk(&self, Place { path, mount }: Place) -> Option<Disk> {
        let path = self.root.join(path.trim_start_matches('/'));
        let asked = path.clone();
        let space = self.ask(path, move || rustix::fs::statvfs(&asked).ok()).await??;
        Some(Disk {
            mount,
            total: space.f_blocks.saturating_mul(space.f_frsize),
            free: space.f_bavail.saturating_mul(space.f_frsize),
        })
        .filter(|disk| disk.total > 0)
    }

    /// Asks something that may hang, unless it hangs already.
    async fn ask<T: Send + 'static>(&self, what: PathBuf, ask: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        if !locked(&self.hanging).insert(what.clone()) {
            return None;
        }
        let hanging = Arc::clone(&self.hanging);
        let asked = tokio::task::spawn_blocking(move || {
            let answer = ask();
            locked(&hanging).remove(&what);
            answer
        });
        timeout(PATIENCE, asked).await.ok()?.ok()
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// `PRETTY_NAME` of `os-release(5)`.
fn os(release: &str) -> String {
    let mut names = release.lines().filter_map(|line| line.strip_prefix("PRETTY_NAME="));
    let name = names.next().unwrap_or("Linux");
    name.trim_matches(['"', '\'']).to_owned()
}

fn uptime(text: &str) -> u64 {
    let whole = text.split(['.', ' ']).next().unwrap_or_default();
    whole.parse().unwrap_or_default()
}

fn load(text: &str) -> Option<[f64; 3]> {
    let mut numbers = text.split(' ').map_while(|number| number.parse().ok());
    Some([numbers.next()?, numbers.next()?, numbers.next()?])
}

fn memory(text: &str) -> Option<Memory> {
    let kibibytes = |key: &str| {
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
        line.trim().strip_suffix(" kB")?.parse::<u64>().ok()
    };
    Some(Memory {
        total: kibibytes("MemTotal")?.saturating_mul(1024),
        available: kibibytes("MemAvailable")?.saturating_mul(1024),
    })
}

/// Every sensor of every chip, in their order.
fn temperatures(root: &Path) -> Vec<Temperature> {
    let entries = |directory: &Path| {
        let mut paths: Vec<PathBuf> = fs::read_dir(directory)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path())
            .collect();
        paths.sort();
        paths
    };
    let mut found = Vec::new();
    for chip in entries(root) {
        let read = |name: &str| fs::read_to_string(chip.join(name)).map(|text| text.trim().to_owned());
        let name = read("name").unwrap_or_default();
        for path in entries(&chip) {
            let file = path.file_name().and_then(|file| file.to_str()).unwrap_or_default();
            let Some(number) = file.strip_prefix("temp").and_then(|rest| rest.strip_suffix("_input")) else {
                continue;
            };
            // A sensor that is not attached is an error of reading.
            let Some(millidegrees) = read(file).ok().and_then(|text| text.parse::<i32>().ok()) else {
                continue;
            };
            let place = read(&format!("temp{number}_label")).unwrap_or_else(|_| number.to_owned());
            found.push(Temperature {
                name: format!("{name}: {place}"),
                celsius: f64::from(millidegrees) / 1000.0,
            });
        }
    }
    found.truncate(MAX_TEMPERATURES);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snap_is_not_taken_for_the_distribution_of_the_machine() {
        let root = tempfile::tempdir().unwrap();
        let release = |place: &str, name: &str| {
            let etc = root.path().join(place).join("etc");
            fs::create_dir_all(&etc).unwrap();
            fs::write(etc.join("os-release"), format!("PRETTY_NAME={name}\n")).unwrap();
        };
        let told = || os(&Host::new(root.path().to_owned()).release());
        release("", "Base");
        assert_eq!(told(), "Base", "outside of a snap it is the only one");
        release("var/lib/snapd/hostfs", "Machine");
        assert_eq!(told(), "Machine");
        let outside = root.path().join("var/lib/snapd/hostfs/etc/os-release");
        fs::remove_file(&outside).unwrap();
        // What is no file cannot be read by root either.
        fs::create_dir(&outside).unwrap();
        assert_eq!(told(), "Linux");
    }

    #[test]
    fn the_kernels_numbers_are_read_and_what_is_none_is_left_out() {
        assert_eq!(uptime("93784.21 180000.00\n"), 93_784);
        assert_eq!(load("0.50 1.25 2.00 1/234 5678\n"), Some([0.5, 1.25, 2.0]));
        assert_eq!(load("much"), None);
        let table = "MemTotal:       16000000 kB\nMemFree:  1 kB\nMemAvailable:    8000000 kB\n";
        let expected = Memory {
            total: 16_384_000_000,
            available: 8_192_000_000,
        };
        assert_eq!(memory(table), Some(expected));
        assert_eq!(memory("MemTotal: much"), None);
        assert_eq!(
            os("ID=debian\nPRETTY_NAME=\"Debian GNU/Linux 13\"\n"),
            "Debian GNU/Linux 13"
        );
        assert_eq!(os(""), "Linux");
    }

    #[tokio::test]
    async fn sensors_are_read_with_their_names_and_broken_ones_are_passed_over() {
        let root = tempfile::tempdir().unwrap();
        let chip = root.path().join("sys/class/hwmon/hwmon0");
        fs::create_dir_all(&chip).unwrap();
        for (file, text) in [
            ("name", "coretemp\n"),
            ("temp1_input", "48500\n"),
            ("temp1_label", "Package id 0\n"),
            ("temp2_input", "-5000\n"),
            ("temp3_input", "warm\n"),
            ("fan1_input", "900\n"),
        ] {
            fs::write(chip.join(file), text).unwrap();
        }
        let report = Host::new(root.path().to_owned()).report().await;
        let told: Vec<_> = report
            .temperatures
            .iter()
            .map(|it| (it.name.as_str(), it.celsius))
            .collect();
        assert_eq!(told, [("coretemp: Package id 0", 48.5), ("coretemp: 2", -5.0)]);
        assert_eq!((report.uptime_s, report.memory, report.disks.len()), (0, None, 0));
    }

    #[tokio::test]
    async fn what_hangs_is_waited_for_once_and_not_asked_again() {
        let host = Host::new("/".into());
        let (release, wait) = std::sync::mpsc::channel::<()>();
        let (asked, times) = std::sync::mpsc::channel();
        let wait = Arc::new(Mutex::new(wait));
        let hang = || {
            let (wait, asked) = (Arc::clone(&wait), asked.clone());
            host.ask("/slow".into(), move || {
                asked.send(()).unwrap();
                let _ = locked(&wait).recv();
            })
        };
        assert_eq!(hang().await, None);
        let again = tokio::time::Instant::now();
        assert_eq!(hang().await, None);
        assert!(again.elapsed() < PATIENCE, "it was waited for again");
        assert_eq!(times.try_iter().count(), 1);
        release.send(()).unwrap();
    }

    #[tokio::test]
    async fn this_machine_tells_how_it_is() {
        let report = Host::new("/".into()).report().await;
        assert!(!report.name.is_empty() && !report.kernel.is_empty(), "{report:?}");
        let memory = report.memory.unwrap();
        assert!(memory.available <= memory.total && memory.total > 1 << 20, "{memory:?}");
        assert_eq!(report.disks[0].mount, "/");
        assert!(report.disks.iter().all(|disk| disk.free <= disk.total));
        assert!(report.load.is_some() && report.uptime_s > 0);
    }
}
