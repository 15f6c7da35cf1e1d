//! What both ends count, keep and say.

use super::*;
use crate::id::{PublicationId, RequestId};
use crate::message::{Goodbye, Published};

fn message(number: u64) -> Message {
    Message::Published(Published {
        request: RequestId::new(number).unwrap(),
        publication: PublicationId::FIRST,
    })
}

fn numbers(messages: VecDeque<Outgoing>) -> Vec<u64> {
    let number = |outgoing: Outgoing| {
        let message = outgoing.into_message();
        let Message::Published(it) = message else {
            panic!("{}", message.name())
        };
        it.request.get()
    };
    messages.into_iter().map(number).collect()
}

fn sent(numbers: std::ops::RangeInclusive<u64>) -> Outbound {
    let mut outbound = Outbound::default();
    for number in numbers {
        outbound.sent(message(number).into());
    }
    outbound
}

#[test]
fn what_arrived_is_forgotten_and_the_rest_comes_again_in_its_order() {
    let mut outbound = sent(1..=5);
    outbound.acknowledged(2).unwrap();
    outbound.acknowledged(3).unwrap();
    assert_eq!(numbers(outbound.take_unacknowledged()), [4, 5]);
    assert_eq!(outbound.load(), (0, 0));
    // They are sent again, and count as they did.
    outbound.sent(message(4).into());
    outbound.acknowledged(4).unwrap();
    assert_eq!(outbound.load(), (0, 0));
}

#[test]
fn more_than_was_sent_or_less_than_before_breaks_the_protocol() {
    let mut outbound = sent(1..=3);
    outbound.acknowledged(2).unwrap();
    assert!(outbound.acknowledged(4).is_err());
    assert!(outbound.acknowledged(1).is_err());
    outbound.acknowledged(2).unwrap();
    assert_eq!(numbers(outbound.take_unacknowledged()), [3]);
}

#[test]
fn what_could_not_be_sent_does_not_count() {
    let mut outbound = sent(1..=3);
    outbound.unsent(&message(2));
    outbound.acknowledged(1).unwrap();
    assert_eq!(numbers(outbound.take_unacknowledged()), [3]);
}

#[test]
fn what_opens_or_closes_a_session_and_received_itself_do_not_count() {
    let mut outbound = Outbound::default();
    let mut inbound = Inbound::default();
    for message in [
        Message::Goodbye(Goodbye::new("wamp.close.normal".into(), "")),
        Message::Received(Received { count: 1 }),
    ] {
        inbound.arrived(&message);
        outbound.sent(message.into());
    }
    assert_eq!((outbound.load(), inbound.received()), ((0, 0), 0));
}

#[test]
fn one_message_more_than_may_be_unacknowledged_has_no_room() {
    let most = UNACKNOWLEDGED_MESSAGES as u64;
    let mut outbound = sent(1..=most - 1);
    assert!(outbound.has_room());
    outbound.sent(message(most).into());
    assert!(!outbound.has_room());
    outbound.acknowledged(1).unwrap();
    assert!(outbound.has_room());
}

#[test]
fn the_other_end_is_told_in_time_of_what_arrived() {
    let mut inbound = Inbound::default();
    for number in 1..ACKNOWLEDGED_MESSAGES {
        inbound.arrived(&message(number));
        assert!(inbound.is_behind() && !inbound.is_due());
    }
    inbound.arrived(&message(ACKNOWLEDGED_MESSAGES));
    assert!(inbound.is_due());
    let count = ACKNOWLEDGED_MESSAGES;
    assert_eq!(inbound.acknowledge(), Message::Received(Received { count }));
    assert!(!inbound.is_behind());
}

#[test]
fn what_one_end_says_the_other_understands() {
    let back = Return {
        session: SessionId::FIRST,
        token: "ab".repeat(32),
        received: 7,
    };
    for wanted in [Wanted::Resumable, Wanted::Return(back)] {
        let mut details = Dict::new();
        wanted.tell(&mut details);
        assert_eq!(Wanted::of_hello(&details), Some(wanted));
    }
    for outcome in [
        Outcome::New,
        Outcome::Resumed(3),
        Outcome::Refused("it was too late".to_owned()),
    ] {
        let token = "cd".repeat(32);
        let granted = Granted {
            token,
            within_s: 120,
            outcome,
        };
        let mut details = Dict::new();
        granted.tell(&mut details);
        let session = SessionId::FIRST;
        assert_eq!(Granted::of_welcome(&Welcome { session, details }), Some(granted));
    }
}

#[test]
fn who_does_not_count_cannot_resume() {
    let details = Dict::from([("resumable".to_owned(), true.into())]);
    assert_eq!(Wanted::of_hello(&details), None);
}

#[test]
fn no_log_shows_a_token() {
    let token = "ab".repeat(32);
    let back = Return {
        session: SessionId::FIRST,
        token: token.clone(),
        received: 0,
    };
    assert!(!format!("{back:?}").contains("abab"));
    let granted = Granted {
        token,
        within_s: 1,
        outcome: Outcome::New,
    };
    assert!(!format!("{granted:?}").contains("abab"));
}
