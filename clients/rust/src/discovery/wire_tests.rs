//! Tests of the packets of mDNS.

use super::*;

fn name() -> Name {
    Name::of_instance("My. Desk", "_deskconn._tcp").unwrap()
}

fn message() -> Message {
    let host = Name::new(["desk", "local"]).unwrap();
    let record = |kind, is_unique, data: &[u8]| Record {
        name: name(),
        kind,
        is_unique,
        ttl: 120,
        data: data.into(),
    };
    Message {
        id: 7,
        is_response: true,
        is_truncated: false,
        questions: vec![Question {
            name: name(),
            kind: kind::ANY,
            wants_unicast: true,
        }],
        answers: vec![
            record(kind::PTR, false, host.bytes()),
            record(kind::TXT, true, b"\x03v=1"),
        ],
        authority: vec![record(
            kind::SRV,
            true,
            &[&[0, 10, 0, 60, 0x13, 0x9c], host.bytes()].concat(),
        )],
        additional: vec![record(kind::A, true, &[10, 0, 0, 1])],
    }
}

#[test]
fn what_is_written_is_read_again() {
    assert_eq!(Message::read(&message().write()), Some(message()));
    let question = Message {
        is_response: false,
        is_truncated: true,
        ..message()
    };
    assert_eq!(Message::read(&question.write()), Some(question));
}

#[test]
fn an_instance_with_a_dot_is_one_label_and_labels_have_limits() {
    assert_eq!(name().bytes(), b"\x08My. Desk\x09_deskconn\x04_tcp\x05local\x00");
    assert_eq!(Name::new([""]), None);
    assert!(Name::new(["x".repeat(MAX_LABEL).as_str()]).is_some());
    assert_eq!(Name::new(["x".repeat(MAX_LABEL + 1).as_str()]), None);
    let long = "x".repeat(62);
    // Four labels of 63 bytes on the wire and one of 2 and the end: 255.
    assert!(Name::new([long.as_str(), &long, &long, &long, "y"]).is_some());
    assert_eq!(Name::new([long.as_str(), &long, &long, &long, "yy"]), None);
}

#[test]
fn names_are_compared_without_regard_to_ascii_case() {
    assert_eq!(name(), Name::of_instance("mY. dESK", "_DESKCONN._tcp").unwrap());
    assert_ne!(name(), Name::of_instance("My. Desk2", "_deskconn._tcp").unwrap());
    assert_ne!(Name::new(["é"]), Name::new(["É"]));
}

#[test]
fn compressed_names_are_written_out_inside_records_too() {
    let mut packet = vec![0, 0, 0x84, 0, 0, 0, 0, 2, 0, 0, 0, 0];
    packet.extend_from_slice(b"\x02_a\x04_tcp\x05local\x00\x00\x0c\x00\x01\x00\x00\x11\x94\x00\x04\x01d\xc0\x0c");
    packet.extend_from_slice(b"\xc0\x25\x00\x21\x80\x01\x00\x00\x00\x78\x00\x0a\x00\x01\x00\x02\x00\x50\x01h\xc0\x14");
    let read = Message::read(&packet).unwrap();
    assert_eq!(read.answers[0].data, Name::of_instance("d", "_a._tcp").unwrap().bytes());
    assert_eq!(read.answers[1].name, Name::of_instance("d", "_a._tcp").unwrap());
    assert_eq!(
        read.answers[1].data,
        [&[0, 1, 0, 2, 0, 0x50], Name::new(["h", "local"]).unwrap().bytes()].concat()
    );
}

#[test]
fn a_name_that_points_at_itself_or_never_ends_is_refused() {
    let header = [0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for name in [
        &b"\xc0\x0c"[..],
        b"\x01a\xc0\x0c",
        &[1, b'a'].repeat(200),
        b"\x40a",
        b"\x3fa",
    ] {
        assert_eq!(
            Message::read(&[&header, name, &[0, 12, 0, 1]].concat()),
            None,
            "{name:?}"
        );
    }
}

#[test]
fn every_truncation_is_refused_and_every_flipped_byte_survived() {
    let whole = message().write();
    for length in 0..whole.len() {
        assert_eq!(Message::read(&whole[..length]), None, "{length}");
    }
    for position in 0..whole.len() {
        for byte in 0..=255 {
            let mut packet = whole.clone();
            packet[position] = byte;
            let _ = Message::read(&packet);
        }
    }
}

#[test]
fn other_classes_are_passed_over_and_other_operations_refused() {
    let mut packet = message().write();
    let class_of_question = 12 + name().bytes().len() + 3;
    packet[class_of_question] = 3;
    assert_eq!(Message::read(&packet).unwrap().questions, []);
    let mut packet = message().write();
    packet[2] |= 0x08;
    assert_eq!(Message::read(&packet), None);
}

#[test]
fn a_packet_of_the_limit_is_read_and_one_past_it_is_not() {
    let mut packet = message().write();
    packet.resize(MAX_PACKET, 0);
    assert!(Message::read(&packet).is_some());
    packet.push(0);
    assert_eq!(Message::read(&packet), None);
}
