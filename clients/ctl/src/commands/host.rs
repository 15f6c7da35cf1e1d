//! `deskconnctl host`.

use client::{Dict, Session, Value};

use super::ask;
use crate::failure::Failure;
use crate::output::{Output, field};
use crate::values::{get, number};

/// Bytes of a GiB, as memory and disks are told to people.
const GIB: f64 = (1_u64 << 30) as f64;

pub(super) async fn run(session: &Session, output: &Output) -> Result<(), Failure> {
    let report = ask(session, "org.deskconn.host.get", ()).await?;
    output.result(&report, || shown(&report))
}

fn shown(report: &Value) -> String {
    let part = |key: &str| report.as_dict().and_then(|report: &Dict| report.get(key));
    let list = |key: &str| part(key).and_then(Value::as_list).unwrap_or_default();
    let mut text = field("name", get(report, "name"));
    text += &field("os", get(report, "os"));
    text += &field("kernel", get(report, "kernel"));
    text += &field("up", &span(number(report, "uptime_s")));
    let load: Vec<String> = list("load")
        .iter()
        .filter_map(Value::as_f64)
        .map(|it| format!("{it:.2}"))
        .collect();
    text += &field("load", &load.join(" "));
    if let Some(memory) = part("memory").filter(|memory| **memory != Value::Null) {
        text += &field("memory", &space(number(memory, "available"), number(memory, "total")));
    }
    for disk in list("disks") {
        let space = space(number(disk, "free"), number(disk, "total"));
        text += &field("disk", &format!("{space} at {}", get(disk, "mount")));
    }
    for sensor in list("temperatures") {
        let celsius = sensor
            .as_dict()
            .and_then(|it| it.get("celsius"))
            .and_then(Value::as_f64);
        let celsius = celsius.map(|celsius| format!("{celsius:.1} °C")).unwrap_or_default();
        text += &field("temperature", &format!("{celsius} {}", get(sensor, "name")));
    }
    text
}

fn span(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match days {
        0 => format!("{hours}:{minutes:02} h"),
        _ => format!("{days} d {hours}:{minutes:02} h"),
    }
}

fn space(free: u64, total: u64) -> String {
    #[allow(clippy::cast_precision_loss, reason = "it is rounded for people")]
    let gib = |bytes: u64| bytes as f64 / GIB;
    format!("{:.1} GiB free of {:.1} GiB", gib(free), gib(total))
}
