//! Tests of the responder: one against packets made here, and two against each other, with moments made up.

mod answering;

use std::net::IpAddr;

use super::super::zone::{Service, Zone};
use super::packets::PACKET_BYTES;
use super::*;

const MS: Duration = Duration::from_millis(1);

fn zone(instance: &str, id: &str) -> Zone {
    let service = Service {
        service_type: "_deskconn._tcp".into(),
        instance: instance.into(),
        port: 5020,
        priority: 0,
        weight: 0,
        txt: vec![("id".into(), id.into())],
    };
    Zone {
        host: format!("deskconn-{id}"),
        services: vec![service],
    }
}

fn ip(last: u8) -> IpAddr {
    IpAddr::from([10, 0, 0, last])
}

fn records(instance: &str, id: &str, last: u8) -> Vec<Record> {
    zone(instance, id).records(&[ip(last)])
}

fn from(last: u8, port: u16) -> SocketAddr {
    SocketAddr::new(ip(last), port)
}

fn ours(last: u8) -> Vec<Vec<u8>> {
    vec![vec![10, 0, 0, last]]
}

fn name(instance: &str) -> Name {
    Name::of_instance(instance, "_deskconn._tcp").unwrap()
}

fn pointer() -> Question {
    Question {
        name: Name::new(["_deskconn", "_tcp", "local"]).unwrap(),
        kind: kind::PTR,
        wants_unicast: false,
    }
}

fn ask(question: Question) -> Message {
    Message {
        questions: vec![question],
        ..Message::default()
    }
}

fn read(output: &Output) -> Message {
    match output {
        Output::Multicast(packet) | Output::Unicast(_, packet) => Message::read(packet).unwrap(),
    }
}

/// Runs a responder alone until nothing is due before `end`, and gives what it sent with the milliseconds.
fn run(responder: &mut Responder, start: Instant, end: Instant) -> Vec<(u128, Message)> {
    let mut sent = Vec::new();
    while let Some(at) = responder.deadline().filter(|at| *at <= end) {
        sent.extend(
            responder
                .poll(at)
                .iter()
                .map(|output| (at.duration_since(start).as_millis(), read(output))),
        );
    }
    sent
}

/// A responder that has probed and announced, and the moment after.
fn established() -> (Responder, Instant) {
    let start = Instant::now();
    let mut responder = Responder::new(records("MyDesk", "9f2c1a0b", 1), 1, start);
    run(&mut responder, start, start + 5000 * MS);
    assert!(responder.is_announced() && responder.deadline().is_none());
    (responder, start + 10_000 * MS)
}

fn hear(responder: &mut Responder, message: &Message, from: SocketAddr, now: Instant) -> (Vec<Output>, Option<Name>) {
    responder.receive(message, from, &ours(1), now)
}

#[test]
fn it_probes_three_times_and_announces_twice() {
    let start = Instant::now();
    let mut responder = Responder::new(records("MyDesk", "9f2c1a0b", 1), 1, start);
    let sent = run(&mut responder, start, start + 10_000 * MS);
    // One probe for the instance and one for the host, three times; then all records, twice.
    let probes: Vec<u128> = sent
        .iter()
        .filter(|(_, message)| !message.is_response)
        .map(|(at, _)| *at)
        .collect();
    let first = probes[0];
    assert!(first < 250, "{first}");
    assert_eq!(
        probes,
        [first, first, first + 250, first + 250, first + 500, first + 500]
    );
    let announced: Vec<&(u128, Message)> = sent.iter().filter(|(_, message)| message.is_response).collect();
    assert_eq!(
        announced.iter().map(|(at, _)| *at).collect::<Vec<_>>(),
        [first + 750, first + 1900]
    );
    assert_eq!(announced[0].1.answers, records("MyDesk", "9f2c1a0b", 1));
}

#[test]
fn it_says_nothing_of_names_it_is_still_asking_for() {
    let start = Instant::now();
    let mut responder = Responder::new(records("MyDesk", "9f2c1a0b", 1), 1, start);
    responder.poll(start + 250 * MS);
    assert_eq!(
        hear(&mut responder, &ask(pointer()), from(2, PORT), start + 300 * MS),
        (Vec::new(), None)
    );
    assert!(responder.goodbye().is_empty());
}

#[test]
fn a_name_that_somebody_has_is_given_up_while_probing() {
    let start = Instant::now();
    let mut responder = Responder::new(records("MyDesk", "9f2c1a0b", 1), 1, start);
    let theirs = Message {
        is_response: true,
        answers: records("mydesk", "aaaaaaaa", 2),
        ..Message::default()
    };
    let (_, taken) = hear(&mut responder, &theirs, from(2, PORT), start + 300 * MS);
    assert_eq!(taken, Some(name("MyDesk")));
    // Not by a goodbye, not by our own packet that comes back, and not by a program that is no responder.
    let gone = theirs
        .answers
        .iter()
        .map(|record| Record {
            ttl: 0,
            ..record.clone()
        })
        .collect();
    let own = Message {
        answers: records("MyDesk", "9f2c1a0b", 1),
        ..theirs.clone()
    };
    for (message, port) in [
        (
            Message {
                answers: gone,
                ..theirs.clone()
            },
            PORT,
        ),
        (own, PORT),
        (theirs, 40_000),
    ] {
        assert_eq!(
            hear(&mut responder, &message, from(2, port), start + 300 * MS),
            (Vec::new(), None)
        );
    }
}

#[test]
fn the_host_is_ours_on_every_interface_of_this_machine_and_nobody_elses() {
    let start = Instant::now();
    let mut responder = Responder::new(records("MyDesk", "9f2c1a0b", 1), 1, start);
    let host = |last: u8| {
        let answers = records("Other", "9f2c1a0b", last)
            .into_iter()
            .filter(|record| record.kind == kind::A)
            .collect();
        Message {
            is_response: true,
            answers,
            ..Message::default()
        }
    };
    let both = [ours(1), ours(7)].concat();
    assert_eq!(responder.receive(&host(7), from(7, PORT), &both, start).1, None);
    let taken = responder.receive(&host(8), from(8, PORT), &both, start).1;
    assert_eq!(taken, Name::new(["deskconn-9f2c1a0b", "local"]));
}

#[test]
fn an_established_name_is_asked_for_again_when_it_is_challenged_but_not_all_the_time() {
    let (mut responder, now) = established();
    let theirs = Message {
        is_response: true,
        answers: records("MyDesk", "aaaaaaaa", 2),
        ..Message::default()
    };
    assert_eq!(hear(&mut responder, &theirs, from(2, PORT), now), (Vec::new(), None));
    assert_eq!(responder.deadline(), Some(now));
    // Nobody insists: it goes on as before.
    run(&mut responder, now, now + 5000 * MS);
    hear(&mut responder, &theirs, from(2, PORT), now + 6000 * MS);
    assert_eq!(responder.deadline(), None, "challenged again within ten seconds");
    hear(&mut responder, &theirs, from(2, PORT), now + 10_000 * MS);
    assert!(responder.deadline().is_some());
    // Somebody insists: the name is his.
    assert_eq!(
        hear(&mut responder, &theirs, from(2, PORT), now + 10_100 * MS).1,
        Some(name("MyDesk"))
    );
}

/// A machine with one interface.
struct Machine {
    zone: Zone,
    address: u8,
    responder: Responder,
}

impl Machine {
    fn new((instance, id): (&str, &str), address: u8, seed: u64, now: Instant) -> Self {
        let zone = zone(instance, id);
        let responder = Responder::new(zone.records(&[ip(address)]), seed + u64::from(address), now);
        Self {
            zone,
            address,
            responder,
        }
    }

    /// Hears a packet and takes another name when it has to; gives what it answers at once.
    fn hear(&mut self, message: &Message, sender: u8, now: Instant) -> Vec<Output> {
        let (outputs, taken) = self
            .responder
            .receive(message, from(sender, PORT), &ours(self.address), now);
        if let Some(taken) = taken {
            assert!(self.zone.rename(&taken));
            self.responder.restart(self.zone.records(&[ip(self.address)]), now);
        }
        outputs
    }
}

/// Lets two machines hear each other until nothing more happens, and gives their names in the end.
fn together(one: (&str, &str), other: (&str, &str), seed: u64) -> [String; 2] {
    let start = Instant::now();
    let mut machines = [Machine::new(one, 1, seed, start), Machine::new(other, 2, seed, start)];
    let deadline = |machines: &[Machine; 2]| machines.iter().filter_map(|machine| machine.responder.deadline()).min();
    while let Some(now) = deadline(&machines).filter(|at| *at < start + 20_000 * MS) {
        for sender in [0, 1] {
            let address = machines[sender].address;
            let sent: Vec<Message> = machines[sender].responder.poll(now).iter().map(read).collect();
            for message in &sent {
                assert!(
                    machines[sender].hear(message, address, now).is_empty(),
                    "its own packet makes it say nothing"
                );
                machines[1 - sender].hear(message, address, now);
            }
        }
    }
    assert!(machines.iter().all(|machine| machine.responder.is_announced()));
    machines.map(|machine| machine.zone.services[0].instance.clone())
}

#[test]
fn of_two_that_begin_together_with_one_name_exactly_one_keeps_it() {
    for seed in 0..200 {
        let mut names = together(("MyDesk", "9f2c1a0b"), ("mydesk", "aaaaaaaa"), seed);
        names.sort();
        names[0].make_ascii_lowercase();
        names[1].make_ascii_lowercase();
        names.sort();
        assert_eq!(names, ["mydesk", "mydesk (2)"], "seed {seed}");
    }
}

#[test]
fn two_with_different_names_keep_them() {
    for seed in 0..50 {
        assert_eq!(
            together(("one", "9f2c1a0b"), ("two", "aaaaaaaa"), seed),
            ["one", "two"],
            "seed {seed}"
        );
    }
}

#[test]
fn a_change_is_told_twice_without_asking_again_and_not_faster_than_caches_follow() {
    let (mut responder, now) = established();
    let changed = |id: &str| {
        records("MyDesk", "9f2c1a0b", 1)
            .into_iter()
            .map(|record| {
                let data = if record.kind == kind::TXT {
                    id.as_bytes().to_vec()
                } else {
                    record.data.clone()
                };
                Record { data, ..record }
            })
            .collect::<Vec<_>>()
    };
    responder.update(changed("\x01a"), now);
    assert_eq!(run(&mut responder, now, now).len(), 1);
    responder.update(changed("\x01b"), now + 10 * MS);
    let sent = run(&mut responder, now, now + 10_000 * MS);
    assert_eq!(sent.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [2300, 3450]);
    assert!(
        sent.iter()
            .all(|(_, message)| message.is_response && message.answers.iter().any(|r| r.data == b"\x01b"))
    );
}

#[test]
fn an_address_of_a_family_that_is_gone_is_taken_back() {
    let (mut responder, now) = established();
    responder.update(zone("MyDesk", "9f2c1a0b").records(&["fe80::1".parse().unwrap()]), now);
    let sent = run(&mut responder, now, now);
    let gone: Vec<(u16, u32)> = sent[0]
        .1
        .answers
        .iter()
        .map(|record| (record.kind, record.ttl))
        .collect();
    assert_eq!(gone, [(kind::A, 0)]);
    assert!(sent[1].1.answers.iter().any(|record| record.kind == kind::AAAA));
    // One address for another of its kind is flushed by the new one.
    responder.update(
        zone("MyDesk", "9f2c1a0b").records(&["fe80::2".parse().unwrap()]),
        now + 5000 * MS,
    );
    let sent = run(&mut responder, now, now + 5000 * MS);
    assert!(
        sent.iter()
            .flat_map(|(_, message)| &message.answers)
            .all(|record| record.ttl > 0)
    );
}

#[test]
fn a_goodbye_takes_back_every_record() {
    let (responder, _) = established();
    let goodbye = responder.goodbye();
    let [Output::Multicast(packet)] = &goodbye[..] else {
        panic!("{goodbye:?}")
    };
    let gone = Message::read(packet).unwrap();
    assert_eq!(gone.answers.len(), 5);
    assert!(gone.answers.iter().all(|record| record.ttl == 0));
}

#[test]
fn many_services_go_in_packets_that_fit() {
    let mut zone = zone("MyDesk", "9f2c1a0b");
    let large = Service {
        txt: (0..5).map(|n| (format!("k{n}"), "x".repeat(250))).collect(),
        ..zone.services[0].clone()
    };
    zone.services.extend((0..16).map(|n| Service {
        instance: format!("own {n}"),
        ..large.clone()
    }));
    let records = zone.records(&[ip(1)]);
    let all: Vec<Vec<u8>> = responses(records.clone()).iter().map(Message::write).collect();
    assert!(
        all.iter().all(|packet| packet.len() <= PACKET_BYTES + 100),
        "{:?}",
        all.iter().map(Vec::len).max()
    );
    let told: usize = all
        .iter()
        .map(|packet| Message::read(packet).unwrap().answers.len())
        .sum();
    assert_eq!(told, records.len());
}
