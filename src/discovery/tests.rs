//! Tests of the publisher on a real network stack: each runs this test binary again in a network namespace of its
//! own, with one cable that leads nowhere, and finds itself there. Nothing leaves the machine.

use std::process::Command;
use std::time::Instant;

use client::discovery::{Browser, Change, Found, MAX_FOUND, browse};
use mdns_sd::{ServiceDaemon, ServiceInfo};
use tokio::time::timeout;

use super::*;

/// Set in the process that is inside.
const INSIDE: &str = "DESKCONN_TEST_NETWORK";

/// Longer than anything here takes when it works.
const PATIENCE: Duration = Duration::from_secs(20);

/// Runs `test` in a network of its own; `name` is the name of the test function.
fn in_own_network<F: Future<Output = ()>>(name: &str, test: impl FnOnce() -> F) {
    if std::env::var_os(INSIDE).is_some() {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
            .block_on(test());
        return;
    }
    // The other end of the pair has a name that discovery leaves out.
    let network = "echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad; ip link set lo up && ip link add eth0 type veth peer name veth-end && ip link set veth-end up && \
                   ip addr add 10.79.0.1/24 dev eth0 && ip link set eth0 up && ip route add default dev eth0";
    let unshare = |inside: &[&str]| {
        let mut command = Command::new("unshare");
        command
            .args(["--net", "--map-root-user", "sh", "-c"])
            .args(inside)
            .env(INSIDE, "1");
        command
    };
    if !unshare(&[network]).output().is_ok_and(|output| output.status.success()) {
        assert!(
            std::env::var_os("DESKCONN_REQUIRE_ALL").is_none(),
            "network namespaces are not permitted here"
        );
        println!("SKIPPED {name}: network namespaces are not permitted here");
        return;
    }
    let run = format!("{network} && exec \"$0\" --exact discovery::tests::{name} --nocapture --test-threads 1");
    let binary = std::env::current_exe().unwrap();
    let output = unshare(&[&run, binary.to_str().unwrap()]).output().unwrap();
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success() && out.contains("1 passed"), "{out}\n{err}");
}

fn advert(name: &str, id: &str, port: u16) -> Advert {
    Advert {
        name: Some(name.into()),
        id: id.into(),
        realm: "deskconn".into(),
        port,
        is_tls: true,
        priority: 10,
        weight: 60,
        interfaces: Interfaces::default(),
        also: Vec::new(),
    }
}

fn desk() -> Advert {
    advert("MyDesk", "9f2c1a0b00112233", 5020)
}

async fn until(discovery: &Discovery, is_so: impl FnMut(&Status) -> bool) {
    timeout(PATIENCE, discovery.watch().wait_for(is_so))
        .await
        .unwrap()
        .unwrap();
}

/// Waits until the browser reports something that `is_it`. The wait is broken off and taken up again all the time, as a
/// program does that has other things to wait for.
async fn next(browser: &mut Browser, is_it: impl Fn(&Change) -> bool) -> Change {
    let wait = async {
        loop {
            match timeout(Duration::from_millis(100), browser.next()).await {
                Ok(change) if is_it(&change) => return change,
                Ok(_) | Err(_) => {}
            }
        }
    };
    timeout(PATIENCE, wait).await.unwrap()
}

fn is_pair(change: &Change, value: &str) -> bool {
    matches!(change, Change::Found(found) if found.txt("pair") == Some(value))
}

async fn all(count: usize) -> Vec<Found> {
    browse(DESKCONN, count, PATIENCE, &Interfaces::default()).await.unwrap()
}

#[test]
fn a_desktop_is_found_with_every_key_and_gone_with_a_goodbye() {
    in_own_network("a_desktop_is_found_with_every_key_and_gone_with_a_goodbye", || async {
        let discovery = Discovery::start(&desk()).unwrap();
        let mut browser = Browser::start(DESKCONN, &Interfaces::default()).unwrap();
        let Change::Found(found) = next(&mut browser, |change| matches!(change, Change::Found(_))).await else {
            unreachable!("it waited for this")
        };
        let txt: Vec<String> = found.txt.iter().map(|(key, value)| format!("{key}={value}")).collect();
        assert_eq!(
            txt.join(" "),
            "txtvers=1 v=1 id=9f2c1a0b00112233 realm=deskconn path=/ws tls=1 pair=0 uid=9f2c1a0b00112233"
        );
        assert_eq!(
            (found.name.as_str(), found.host.as_str(), found.port),
            ("MyDesk", "deskconn-9f2c1a0b.local", 5020)
        );
        assert_eq!((found.priority, found.weight), (Some(10), Some(60)));
        assert!(
            found.addresses.iter().any(|address| address.to_string() == "10.79.0.1"),
            "{:?}",
            found.addresses
        );
        assert!(discovery.status().is_announced);
        let start = Instant::now();
        discovery.stop().await;
        assert!(start.elapsed() < GOODBYE_TIME, "{:?}", start.elapsed());
        let gone = next(&mut browser, |change| matches!(change, Change::Gone { .. })).await;
        assert_eq!(
            gone,
            Change::Gone {
                instance: "MyDesk".into()
            }
        );
    });
}

#[test]
fn an_open_pairing_window_is_shown_and_a_closed_one_again() {
    in_own_network("an_open_pairing_window_is_shown_and_a_closed_one_again", || async {
        let discovery = Discovery::start(&desk()).unwrap();
        let mut browser = Browser::start(DESKCONN, &Interfaces::default()).unwrap();
        next(&mut browser, |change| is_pair(change, "0")).await;
        discovery.set_pairing(true);
        next(&mut browser, |change| is_pair(change, "1")).await;
        assert!(discovery.status().is_pairing);
        discovery.set_pairing(false);
        next(&mut browser, |change| is_pair(change, "0")).await;
        assert_eq!(
            discovery.status().name,
            "MyDesk",
            "its own change is not taken for another desktop"
        );
        discovery.stop().await;
    });
}

#[test]
fn a_name_that_is_taken_gets_a_number_and_is_resolved_by_it() {
    in_own_network("a_name_that_is_taken_gets_a_number_and_is_resolved_by_it", || async {
        let first = Discovery::start(&desk()).unwrap();
        until(&first, |status| status.is_announced).await;
        let second = Discovery::start(&advert("MyDesk", "aaaaaaaabbbbbbbb", 5021)).unwrap();
        until(&second, |status| status.name == "MyDesk (2)").await;
        second.set_pairing(true);
        let mut browser = Browser::start(DESKCONN, &Interfaces::default()).unwrap();
        next(&mut browser, |change| is_pair(change, "1")).await;
        let mut found = all(2).await;
        found.sort_by_key(|found| found.port);
        let seen: Vec<_> = found
            .iter()
            .map(|found| (found.name.as_str(), found.id.as_deref(), found.priority))
            .collect();
        let expected = [
            ("MyDesk", Some("9f2c1a0b00112233"), Some(10)),
            ("MyDesk (2)", Some("aaaaaaaabbbbbbbb"), Some(10)),
        ];
        assert_eq!(seen, expected);
        assert_eq!(first.status().name, "MyDesk");
        second.stop().await;
        first.stop().await;
    });
}

#[test]
fn services_of_the_users_own_are_shown_beside_the_desktop() {
    in_own_network("services_of_the_users_own_are_shown_beside_the_desktop", || async {
        let text = "[[advertise]]\ntype = \"_http._tcp\"\nname = \"My pages\"\nport = 80\ntxt = [\"path=/\"]\n";
        let config = config::Config::parse(std::path::Path::new("config.toml"), text).unwrap();
        let discovery = Discovery::start(&Advert::of(&config, "9f2c1a0b00112233", 5020)).unwrap();
        let found = browse("_http._tcp", 1, PATIENCE, &Interfaces::default()).await.unwrap();
        assert_eq!(
            (found[0].name.as_str(), found[0].port, found[0].txt("path")),
            ("My pages", 80, Some("/"))
        );
        assert_eq!(all(1).await[0].id.as_deref(), Some("9f2c1a0b00112233"));
        discovery.stop().await;
    });
}

#[test]
fn a_port_that_is_not_shared_is_an_error_that_says_how_to_find_its_holder() {
    in_own_network(
        "a_port_that_is_not_shared_is_an_error_that_says_how_to_find_its_holder",
        || async {
            let holder = std::net::UdpSocket::bind(("0.0.0.0", 5353)).unwrap();
            let error = Discovery::start(&desk()).unwrap_err();
            assert_eq!(error, DiscoveryError::PortTaken);
            assert!(error.to_string().contains("ss -lunp"));
            drop(holder);
            Discovery::start(&desk()).unwrap().stop().await;
        },
    );
}

#[test]
fn without_a_network_it_waits_and_shows_itself_when_there_is_one() {
    in_own_network(
        "without_a_network_it_waits_and_shows_itself_when_there_is_one",
        || async {
            let ip = |arguments: &[&str]| assert!(Command::new("ip").args(arguments).status().unwrap().success());
            ip(&["link", "set", "eth0", "down"]);
            let discovery = Discovery::start(&desk()).unwrap();
            let mut status = discovery.watch();
            let announced = timeout(Duration::from_secs(2), status.wait_for(|status| status.is_announced)).await;
            assert!(announced.is_err(), "there is nothing but loopback");
            ip(&["link", "set", "eth0", "up"]);
            until(&discovery, |status| status.is_announced).await;
            assert_eq!(all(1).await[0].name, "MyDesk");
            discovery.stop().await;
        },
    );
}

#[test]
fn a_flood_of_services_is_bounded_and_the_browser_goes_on_after_falling_behind() {
    in_own_network(
        "a_flood_of_services_is_bounded_and_the_browser_goes_on_after_falling_behind",
        || async {
            let flood = ServiceDaemon::new().unwrap();
            let mut browser = Browser::start(DESKCONN, &Interfaces::default()).unwrap();
            for number in 0..1100 {
                let (name, host) = (format!("fake {number}"), format!("fake-{number}.local."));
                let mut info = ServiceInfo::new(
                    "_deskconn._tcp.local.",
                    &name,
                    &host,
                    "10.79.0.9",
                    1,
                    &[("id", "x")][..],
                )
                .unwrap();
                info.set_requires_probe(false);
                while flood.register(info.clone()).is_err() {
                    // The library's queue of commands is full: it is a hundred long.
                    tokio::task::yield_now().await;
                }
            }
            // Nobody reads meanwhile: more events wait than the library holds, and it closes the channel.
            let told = async {
                loop {
                    let metrics = flood
                        .get_metrics()
                        .map(|answer| async move { answer.recv_async().await });
                    let count = match metrics {
                        Ok(answer) => answer.await.unwrap().get("register").copied().unwrap_or(0),
                        Err(_) => 0,
                    };
                    if count >= 1100 {
                        return;
                    }
                    tokio::task::yield_now().await;
                }
            };
            timeout(PATIENCE, told).await.unwrap();
            let mut reported = std::collections::HashSet::new();
            let start = Instant::now();
            while !browser.is_full() && start.elapsed() < PATIENCE {
                // What is left out is no change, so the wait may end without one.
                if let Ok(Change::Found(found)) = timeout(Duration::from_millis(100), browser.next()).await {
                    reported.insert(found.name);
                }
            }
            assert!(browser.is_full());
            assert!(reported.len() <= MAX_FOUND, "{}", reported.len());
            let known = reported.iter().next().unwrap().clone();
            flood
                .unregister(&format!("{known}._deskconn._tcp.local."))
                .unwrap()
                .recv_async()
                .await
                .unwrap();
            next(
                &mut browser,
                |change| matches!(change, Change::Gone { instance } if *instance == known),
            )
            .await;
            flood.shutdown().unwrap().recv_async().await.unwrap();
        },
    );
}
