//! `deskconnctl host`.

use client::{Dict, Session, Value};

use super::ask;
use crate::failure::Failure;
use crate::output::{Cell, Meaning, Output};
use crate::values::{get, number};

/// Bytes of a GiB, as memory and disks are told to people.
const GIB: f64 = (1_u64 << 30) as f64;

/// What is free is little when it is less than this part of all.
const SCARCE: u64 = 20;

pub(super) async fn run(session: &Session, output: &Output) -> Result<(), Failure> {
    let report = ask(session, "org.deskconn.host.get", ()).await?;
    output.fields(&report, &shown(&report))
}

fn shown(report: &Value) -> Vec<(&'static str, Cell)> {
    let part = |key: &str| report.as_dict().and_then(|report: &Dict| report.get(key));
    let list = |key: &str| part(key).and_then(Value::as_list).unwrap_or_default();
    let mut fields: Vec<(&str, Cell)> = vec![
        ("name", Cell::marked(Meaning::Strong, get(report, "name"))),
        ("os", get(report, "os").into()),
        ("kernel", get(report, "kernel").into()),
        ("up", span(number(report, "uptime_s")).into()),
    ];
    let load: Vec<String> = list("load")
        .iter()
        .filter_map(Value::as_f64)
        .map(|it| format!("{it:.2}"))
        .collect();
    fields.push(("load", load.join(" ").into()));
    if let Some(memory) = part("memory").filter(|memory| **memory != Value::Null) {
        fields.push((
            "memory",
            space(number(memory, "available"), number(memory, "total"), ""),
        ));
    }
    for disk in list("disks") {
        let place = format!(" at {}", get(disk, "mount"));
        fields.push(("disk", space(number(disk, "free"), number(disk, "total"), &place)));
    }
    for sensor in list("temperatures") {
        let celsius = sensor
            .as_dict()
            .and_then(|it| it.get("celsius"))
            .and_then(Value::as_f64);
        let celsius = celsius.map(|celsius| format!("{celsius:.1} °C")).unwrap_or_default();
        fields.push(("temperature", format!("{celsius} {}", get(sensor, "name")).into()));
    }
    fields
}

fn span(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match days {
        0 => format!("{hours}:{minutes:02} h"),
        _ => format!("{days} d {hours}:{minutes:02} h"),
    }
}

fn space(free: u64, total: u64, place: &str) -> Cell {
    #[allow(clippy::cast_precision_loss, reason = "it is rounded for people")]
    let gib = |bytes: u64| bytes as f64 / GIB;
    let text = format!("{:.1} GiB free of {:.1} GiB{place}", gib(free), gib(total));
    if free < total / SCARCE {
        Cell::marked(Meaning::Warning, text)
    } else {
        text.into()
    }
}
