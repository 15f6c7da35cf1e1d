//! Tests of what is made of the network's records; the network itself is in `tests/discovery`.

use std::net::{IpAddr, Ipv4Addr};

use mdns_sd::ServiceInfo;

use super::found::{instance_of, read};
use super::*;

fn resolved(instance: &str, txt: &[(&str, &str)]) -> mdns_sd::ResolvedService {
    let info = ServiceInfo::new("_deskconn._tcp.local.", instance, "desk.local.", "10.0.0.1", 5020, txt).unwrap();
    info.as_resolved_service()
}

fn found(name: &str, priority: Option<u16>, weight: Option<u16>) -> Found {
    Found {
        priority,
        weight,
        ..read(&resolved(name, &[]), DESKCONN).unwrap()
    }
}

fn names(found: &[Found]) -> Vec<&str> {
    found.iter().map(|found| found.name.as_str()).collect()
}

#[test]
fn a_service_is_read_with_its_keys_in_order() {
    let found = read(
        &resolved(
            "My Desk",
            &[("txtvers", "1"), ("id", "9F2C1A0B00112233"), ("path", "/ws")],
        ),
        DESKCONN,
    )
    .unwrap();
    assert_eq!(
        (found.name.as_str(), found.host.as_str(), found.port),
        ("My Desk", "desk.local", 5020)
    );
    assert_eq!(
        found.txt.iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>(),
        ["txtvers", "id", "path"]
    );
    assert_eq!(found.id.as_deref(), Some("9f2c1a0b00112233"));
    assert_eq!((found.txt("PATH"), found.txt("realm")), (Some("/ws"), None));
    assert_eq!(found.addresses[0].with_port(1), "10.0.0.1:1".parse().unwrap());
}

#[test]
fn an_id_of_another_form_is_no_id() {
    for id in ["", "9f2c", "9f2c1a0b0011223g", "9f2c1a0b001122334"] {
        assert_eq!(
            read(&resolved("d", &[("id", id)]), DESKCONN).unwrap().id,
            None,
            "{id:?}"
        );
    }
}

#[test]
fn names_and_values_lose_what_a_terminal_would_obey() {
    let found = read(
        &resolved("a\u{1b}[2J\u{202E}b", &[("k\u{7}", "v\u{9b}1\u{2066}")]),
        DESKCONN,
    )
    .unwrap();
    assert_eq!(found.name, "a[2Jb");
    assert_eq!(found.txt, [("k".to_owned(), "v1".to_owned())]);
    let json = serde_json::to_string(&found).unwrap();
    assert!(!json.contains("u001b") && !json.contains('\u{202E}'), "{json}");
}

#[test]
fn a_txt_record_is_kept_to_its_limit_and_cut_past_it() {
    let value = "x".repeat(MAX_TXT / 10 - 4);
    let keys: Vec<String> = (0..11)
        .map(|number| format!("k{}", char::from(b'a' + number)))
        .collect();
    let txt: Vec<(&str, &str)> = keys.iter().map(|key| (key.as_str(), value.as_str())).collect();
    assert_eq!(read(&resolved("d", &txt[..10]), DESKCONN).unwrap().txt.len(), 10);
    assert_eq!(read(&resolved("d", &txt), DESKCONN).unwrap().txt.len(), 10);
}

#[test]
fn addresses_are_kept_to_their_limit_with_link_local_ones_last() {
    let mut many = resolved("d", &[]);
    many.addresses = (0..=255)
        .map(|n| IpAddr::V4(Ipv4Addr::new(10, 1, 0, n)).into())
        .collect();
    many.addresses.insert(IpAddr::V4(Ipv4Addr::new(169, 254, 0, 1)).into());
    assert_eq!(read(&many, DESKCONN).unwrap().addresses.len(), MAX_ADDRESSES);
    let mut few = resolved("d", &[]);
    few.addresses = ["fe80::1", "169.254.0.1", "2001:db8::1", "192.168.0.9"]
        .map(|text| text.parse::<IpAddr>().unwrap().into())
        .into_iter()
        .collect();
    let addresses: Vec<String> = read(&few, DESKCONN)
        .unwrap()
        .addresses
        .iter()
        .map(|a| a.ip.to_string())
        .collect();
    assert_eq!(addresses, ["192.168.0.9", "2001:db8::1", "169.254.0.1", "fe80::1"]);
}

#[test]
fn a_link_local_address_keeps_its_interface() {
    let address = Address {
        ip: "fe80::1".parse().unwrap(),
        interface: "eth0".into(),
        index: 7,
    };
    assert_eq!(address.to_string(), "fe80::1%eth0");
    assert_eq!(address.with_port(5020).to_string(), "[fe80::1%7]:5020");
    let address = Address {
        ip: "2001:db8::1".parse().unwrap(),
        ..address
    };
    assert_eq!(
        (address.to_string().as_str(), address.with_port(1).to_string().as_str()),
        ("2001:db8::1", "[2001:db8::1]:1")
    );
}

#[test]
fn an_instance_is_what_stands_before_the_type_dots_and_all() {
    assert_eq!(
        instance_of("Dr. Who._deskconn._tcp.local.", DESKCONN).as_deref(),
        Some("Dr. Who")
    );
    assert_eq!(instance_of("d._DESKCONN._tcp.local.", DESKCONN).as_deref(), Some("d"));
    for other in [
        "",
        "._deskconn._tcp.local.",
        "_deskconn._tcp.local.",
        "d._http._tcp.local.",
        "é",
    ] {
        assert_eq!(instance_of(other, DESKCONN), None, "{other:?}");
    }
    let longest = format!("{}._deskconn._tcp.local.", "x".repeat(63));
    assert!(instance_of(&longest, DESKCONN).is_some() && instance_of(&format!("x{longest}"), DESKCONN).is_none());
}

#[test]
fn the_order_is_by_priority_then_weight_then_name_and_the_silent_last() {
    let mut all = [
        found("silent", None, None),
        found("backup", Some(20), Some(100)),
        found("b", Some(10), Some(5)),
        found("a", Some(10), Some(5)),
        found("heavy", Some(10), Some(60)),
    ];
    sort(&mut all);
    assert_eq!(names(&all), ["heavy", "a", "b", "backup", "silent"]);
}

#[test]
fn a_malformed_type_is_refused_before_anything_is_sent() {
    for bad in [
        "",
        "http",
        "_http",
        "_http.tcp",
        "_abcdefghijklmnop._tcp",
        "_1._tcp",
        "_-a._tcp",
        "_a--b._tcp",
        "_http._tcp.local.",
    ] {
        let error = Browser::start(bad, &Interfaces::default()).unwrap_err();
        assert_eq!(error, DiscoveryError::BadType(bad.to_owned()));
        assert!(error.to_string().contains("_http._tcp"));
    }
    for good in ["_http._tcp", "_a._udp", "_abcdefghijklmno._tcp", "_x-y._tcp"] {
        assert!(is_service_type(good), "{good}");
    }
}

#[test]
fn a_flood_of_invented_services_ends_at_the_limit() {
    let mut known = Known::default();
    let flood = (0..1000).filter_map(|number| known.report(found(&format!("fake {number}"), None, None)));
    assert_eq!(flood.count(), MAX_FOUND);
    assert!(known.is_full);
    assert!(
        known.report(found("fake 0", None, None)).is_some(),
        "news of a known one still come"
    );
    assert_eq!(
        known.forget("Fake 0".into()),
        Some(Change::Gone {
            instance: "Fake 0".into()
        })
    );
    assert_eq!(known.forget("Fake 0".into()), None, "gone once");
    assert!(known.report(found("another", None, None)).is_some());
}

#[test]
fn what_is_not_seen_again_after_browsing_anew_is_gone() {
    let (start, second) = (Instant::now(), Duration::from_secs(1));
    let mut known = Known::default();
    for name in ["stays", "Leaves"] {
        known.report(found(name, None, None));
    }
    assert_eq!(known.missing_at(), None);
    known.doubt(start + second);
    known.report(found("Stays", None, None));
    // Again and again, as in a flood: what was not seen is given up at its first time, what was seen gets a new one.
    known.doubt(start + 2 * second);
    assert_eq!(
        (known.missing_at(), known.take_missing(start)),
        (Some(start + second), None)
    );
    let gone = |instance: &str| {
        Some(Change::Gone {
            instance: instance.into(),
        })
    };
    assert_eq!(known.take_missing(start + second), gone("Leaves"));
    assert_eq!(known.take_missing(start + second), None);
    assert_eq!(known.take_missing(start + 2 * second), gone("Stays"));
    assert_eq!(known.missing_at(), None);
}
