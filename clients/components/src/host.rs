//! How this machine is, asked for or told from time to time: a desktop among many.

use std::sync::Arc;
use std::time::Duration;

use client::Value;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use crate::backends::Missing;
use crate::backends::host::{Host, Report};
use crate::{Announce, Arguments, Component, Entry, Home, Procedure, Refusal, Topic};

/// The component's row.
pub const ENTRY: Entry = Entry {
    name: "host",
    procedures: &[GET],
    topics: &[ON_REPORT],
    home: Home::Machine,
    make: |machine, settings| Arc::new(Reporting::new(Arc::clone(&machine.host), settings.host.clone())),
};

/// Seconds between two reports when nothing is said.
pub const DEFAULT_INTERVAL_S: u64 = 60;

/// The shortest time between two: each is an event to everybody who listens.
pub const MIN_INTERVAL_S: u64 = 5;

/// The longest: what tells less often than once a day tells nothing.
pub const MAX_INTERVAL_S: u64 = 86_400;

const ROLES: &[&str] = &["remote", "full"];

/// What a report has.
pub const REPORT: &str = "{name, os, kernel, uptime_s, load, memory, disks, temperatures}";
const GET: Procedure = Procedure::new("org.deskconn.host.get", "() → report", "How the machine is", ROLES);

/// Told at the start and from time to time.
pub const ON_REPORT: Topic =
    Topic::new("org.deskconn.host.on_report", "[report]", "How the machine is", ROLES).retained();

/// How often it is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Seconds between two reports; without it, none is made by itself.
    pub interval_s: Option<u64>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            interval_s: Some(DEFAULT_INTERVAL_S),
        }
    }
}

/// The reports of this machine.
#[derive(Debug)]
pub struct Reporting {
    host: Arc<Host>,
    settings: watch::Sender<Settings>,
}

impl Reporting {
    /// Reports of that machine.
    #[must_use]
    pub fn new(host: Arc<Host>, settings: Settings) -> Self {
        Self {
            host,
            settings: watch::Sender::new(settings),
        }
    }

    /// Tells how it is every so many seconds, or never.
    async fn tell(&self, interval_s: Option<u64>, publish: &Announce) {
        let Some(seconds) = interval_s else {
            return std::future::pending().await;
        };
        let mut pace = interval(Duration::from_secs(seconds));
        // After sleep one report is due, not all that were missed.
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            pace.tick().await;
            publish(ON_REPORT.uri, vec![described(&self.host.report().await)]).await;
        }
    }
}

impl Component for Reporting {
    fn entry(&self) -> &'static Entry {
        &ENTRY
    }

    fn call(&self, _procedure: &'static Procedure, arguments: Arguments) -> BoxFuture<'_, Result<Value, Refusal>> {
        async {
            arguments.end()?;
            Ok(described(&self.host.report().await))
        }
        .boxed()
    }

    fn announce<'a>(&'a self, publish: &'a Announce) -> BoxFuture<'a, ()> {
        async move {
            let mut settings = self.settings.subscribe();
            loop {
                let reports = self.tell(settings.borrow_and_update().interval_s, publish);
                tokio::select! {
                    () = reports => return,
                    changed = settings.changed() => if changed.is_err() { return },
                }
            }
        }
        .boxed()
    }

    fn reconfigure(&self, settings: &crate::Settings) {
        self.settings.send_if_modified(|own| {
            let is_other = *own != settings.host;
            own.clone_from(&settings.host);
            is_other
        });
    }

    /// What cannot be read is left out of the report.
    fn missing(&self) -> BoxFuture<'_, Option<Missing>> {
        std::future::ready(None).boxed()
    }
}

fn described(report: &Report) -> Value {
    let memory = report
        .memory
        .map(|memory| Value::dict([("total", memory.total.into()), ("available", memory.available.into())]));
    let disk = |disk: &crate::backends::host::Disk| {
        Value::dict([
            ("mount", disk.mount.as_str().into()),
            ("total", disk.total.into()),
            ("free", disk.free.into()),
        ])
    };
    let temperature = |it: &crate::backends::host::Temperature| {
        Value::dict([("name", it.name.as_str().into()), ("celsius", Value::Float(it.celsius))])
    };
    Value::dict([
        ("name", report.name.as_str().into()),
        ("os", report.os.as_str().into()),
        ("kernel", report.kernel.as_str().into()),
        ("uptime_s", report.uptime_s.into()),
        (
            "load",
            Value::from(report.load.map(|load| Value::List(load.map(Value::Float).into()))),
        ),
        ("memory", Value::from(memory)),
        ("disks", Value::List(report.disks.iter().map(disk).collect())),
        (
            "temperatures",
            Value::List(report.temperatures.iter().map(temperature).collect()),
        ),
    ])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::testing::Published;

    fn reporting(interval_s: Option<u64>) -> Reporting {
        Reporting::new(Arc::new(Host::new("/".into())), Settings { interval_s })
    }

    #[tokio::test]
    async fn a_report_has_everything_that_is_documented() {
        let reporting = reporting(None);
        let report = reporting.call(&GET, Arguments::default()).await.unwrap();
        let report = report.as_dict().unwrap();
        let keys: Vec<&str> = report.keys().map(String::as_str).collect();
        let mut documented: Vec<&str> = REPORT.split(['{', '}']).nth(1).unwrap().split(", ").collect();
        documented.sort_unstable();
        assert_eq!(keys, documented);
        assert_eq!(report["load"].as_list().unwrap().len(), 3);
        assert!(report["disks"].as_list().unwrap()[0].as_dict().unwrap()["total"].as_u64() > Some(0));
        let extra = Arguments::new(vec![Value::UInt(1)], BTreeMap::new());
        assert!(reporting.call(&GET, extra).await.is_err());
    }

    #[tokio::test]
    async fn reports_are_told_from_the_start_unless_they_are_switched_off() {
        let mut told = Published::by(Arc::new(reporting(Some(MAX_INTERVAL_S))));
        let (topic, event) = told.wait().await;
        assert_eq!(topic, ON_REPORT.uri);
        assert!(event[0].as_dict().unwrap().contains_key("uptime_s"));
        assert_eq!(told.next().await, None, "the next is a day away");
        assert_eq!(Published::by(Arc::new(reporting(None))).next().await, None);
    }

    #[tokio::test]
    async fn with_other_settings_reports_begin_and_stop() {
        let reporting = Arc::new(reporting(None));
        let mut told = Published::by(Arc::clone(&reporting) as _);
        let of = |interval_s| crate::Settings {
            host: Settings { interval_s },
            ..crate::Settings::default()
        };
        // Whether it listens already or not, it hears of it.
        reporting.reconfigure(&of(Some(MAX_INTERVAL_S)));
        assert_eq!(told.wait().await.0, ON_REPORT.uri);
        reporting.reconfigure(&of(None));
        reporting.reconfigure(&of(Some(MIN_INTERVAL_S)));
        assert_eq!(told.wait().await.0, ON_REPORT.uri, "another pace begins at once");
    }
}
