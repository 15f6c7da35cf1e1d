//! Priority and weight of a found service: the mDNS library reads neither from the SRV record, so they are asked for
//! separately, by one query from a port of our own (RFC 6762 §6.7, "legacy unicast responses").
//!
//! It keeps no cache and believes nothing: whatever answers with the right number may say what it likes, as anything
//! in mDNS. Whoever does not answer has no known priority.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::time::Duration;

use rand::TryRng;
use rand::rngs::SysRng;
use tokio::net::UdpSocket;
use tokio::time::{Instant, timeout_at};

use super::Found;
use super::wire::{MAX_PACKET, Message, Name, Question, kind};

/// The port and the groups of mDNS (RFC 6762 §3).
const PORT: u16 = 5353;
const GROUP_V4: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 251);
const GROUP_V6: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0xfb);

/// When the query is sent, from the beginning, and how long the last answer may take: a responder may wait 120 ms
/// (RFC 6762 §6), and one packet in three may be lost.
const SENDS: [Duration; 3] = [Duration::ZERO, Duration::from_millis(250), Duration::from_millis(600)];
const PATIENCE: Duration = Duration::from_millis(900);

/// Priority and weight, if anybody says.
pub(super) async fn ask(found: &Found) -> Option<(u16, u16)> {
    let name = Name::of_instance(&found.instance, &found.service_type)?;
    let id = u16::try_from(SysRng.try_next_u32().ok()? >> 16).ok()?;
    let question = Question {
        name: name.clone(),
        kind: kind::SRV,
        wants_unicast: false,
    };
    let query = Message {
        id,
        questions: vec![question],
        ..Message::default()
    }
    .write();
    let v4 = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).await.ok();
    let v6 = UdpSocket::bind((Ipv6Addr::UNSPECIFIED, 0)).await.ok();
    let start = Instant::now();
    for (number, after) in SENDS.iter().enumerate() {
        send(&query, found, v4.as_ref(), v6.as_ref()).await;
        let until = SENDS.get(number + 1).copied().unwrap_or(PATIENCE).max(*after);
        let answer = timeout_at(start + until, answer(id, &name, v4.as_ref(), v6.as_ref())).await;
        if let Ok(numbers) = answer {
            return Some(numbers);
        }
    }
    None
}

/// To the group on every interface the service was seen on, and to the service itself. What cannot be sent is
/// covered by the others.
async fn send(query: &[u8], found: &Found, v4: Option<&UdpSocket>, v6: Option<&UdpSocket>) {
    if let Some(v4) = v4 {
        let _ = v4.send_to(query, (GROUP_V4, PORT)).await;
        for address in found.addresses.iter().filter(|address| address.ip.is_ipv4()) {
            let _ = v4.send_to(query, (address.ip, PORT)).await;
        }
    }
    if let Some(v6) = v6 {
        let mut scopes: Vec<u32> = found.addresses.iter().map(|address| address.index).collect();
        scopes.sort_unstable();
        scopes.dedup();
        for scope in scopes.into_iter().filter(|scope| *scope != 0) {
            let _ = v6.send_to(query, SocketAddrV6::new(GROUP_V6, PORT, 0, scope)).await;
        }
    }
}

async fn answer(id: u16, name: &Name, v4: Option<&UdpSocket>, v6: Option<&UdpSocket>) -> (u16, u16) {
    let (mut one, mut other) = (vec![0; MAX_PACKET], vec![0; MAX_PACKET]);
    loop {
        let (packet, from) = tokio::select! {
            (length, from) = receive(v4, &mut one) => (one.get(..length), from),
            (length, from) = receive(v6, &mut other) => (other.get(..length), from),
        };
        let numbers = packet
            .filter(|_| from.port() == PORT)
            .and_then(|packet| read(packet, id, name));
        if let Some(numbers) = numbers {
            return numbers;
        }
    }
}

/// The next packet; an error of an earlier send (a port that is closed) is none.
async fn receive(socket: Option<&UdpSocket>, buffer: &mut [u8]) -> (usize, SocketAddr) {
    let Some(socket) = socket else {
        return std::future::pending().await;
    };
    match socket.recv_from(buffer).await {
        Ok(received) => received,
        Err(_) => (0, SocketAddr::from((IpAddr::from(Ipv4Addr::UNSPECIFIED), 0))),
    }
}

/// Priority and weight from a response with this number, about this name.
fn read(packet: &[u8], id: u16, name: &Name) -> Option<(u16, u16)> {
    let message = Message::read(packet).filter(|message| message.is_response && message.id == id)?;
    let server = message
        .answers
        .iter()
        .find(|record| record.kind == kind::SRV && record.name == *name)?;
    match *server.data.first_chunk::<4>()? {
        [a, b, c, d] => Some((u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discovery::wire::Record;

    fn name() -> Name {
        Name::of_instance("My. Desk", "_deskconn._tcp").unwrap()
    }

    fn response(id: u16, owner: Name, is_response: bool) -> Vec<u8> {
        let data = [
            &[0, 10, 0, 60, 0x13, 0x9c],
            Name::new(["desk", "local"]).unwrap().bytes(),
        ]
        .concat();
        let answers = vec![Record {
            name: owner,
            kind: kind::SRV,
            is_unique: false,
            ttl: 10,
            data,
        }];
        Message {
            id,
            is_response,
            answers,
            ..Message::default()
        }
        .write()
    }

    #[test]
    fn priority_and_weight_are_read_from_the_answer_to_our_own_question() {
        assert_eq!(read(&response(9, name(), true), 9, &name()), Some((10, 60)));
        let shouted = Name::of_instance("MY. DESK", "_deskconn._tcp").unwrap();
        assert_eq!(read(&response(9, shouted, true), 9, &name()), Some((10, 60)));
    }

    #[test]
    fn other_names_other_numbers_and_questions_are_no_answer() {
        let other = Name::of_instance("Other", "_deskconn._tcp").unwrap();
        assert_eq!(read(&response(9, other, true), 9, &name()), None);
        assert_eq!(read(&response(8, name(), true), 9, &name()), None);
        assert_eq!(read(&response(9, name(), false), 9, &name()), None);
        assert_eq!(read(b"", 9, &name()), None);
    }
}
