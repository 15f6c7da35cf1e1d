//! What goes into a queue, what comes out, and what falls out.

use wamp::id::{PublicationId, RequestId, SubscriptionId};
use wamp::message::{CallResult, Event, EventDetails, ResultDetails, SubscriptionRevoked, Unsubscribed};
use wamp::payload::Payload;

use super::*;

/// What is no event, and answers no request.
fn message() -> Outgoing {
    Message::SubscriptionRevoked(SubscriptionRevoked {
        subscription: SubscriptionId::FIRST,
        reason: None,
    })
    .into()
}

fn answer() -> Outgoing {
    Message::Unsubscribed(Unsubscribed {
        request: RequestId::FIRST,
    })
    .into()
}

fn result(request: u64, progress: bool) -> Outgoing {
    let details = ResultDetails {
        progress,
        ..ResultDetails::default()
    };
    Message::Result(CallResult {
        request: RequestId::new(request).unwrap(),
        details,
        payload: Payload::EMPTY,
    })
    .into()
}

fn outbox(queue_messages: usize, queue_bytes: usize) -> Outbox {
    outbox_that(WhenFull::DropNewest, queue_messages, queue_bytes)
}

fn outbox_that(when_full: WhenFull, queue_messages: usize, queue_bytes: usize) -> Outbox {
    let limits = Limits {
        queue_messages,
        queue_bytes,
        ..Limits::default()
    };
    Outbox::new(&limits, when_full, false)
}

/// Whether a push went in, and what fell out for it.
fn push(outbox: &Outbox, message: Outgoing) -> (bool, Vec<Outgoing>) {
    match outbox.push(message) {
        Pushed::Taken => (true, Vec::new()),
        Pushed::Full { refused, displaced } => (refused.is_none(), displaced),
    }
}

fn fits(outbox: &Outbox) -> bool {
    push(outbox, message()).0
}

/// An event with this number as its id.
fn event(number: u64) -> Outgoing {
    Message::Event(Event {
        subscription: SubscriptionId::FIRST,
        publication: PublicationId::new(number).unwrap(),
        details: EventDetails::default(),
        payload: Payload::EMPTY,
    })
    .into()
}

fn numbers<'a>(messages: impl IntoIterator<Item = &'a Outgoing>) -> Vec<u64> {
    let number = |outgoing: &Outgoing| {
        let Message::Event(event) = outgoing.message() else {
            return 0;
        };
        event.publication.get()
    };
    messages.into_iter().map(number).collect()
}

#[tokio::test]
async fn where_the_oldest_go_the_oldest_event_makes_room_and_no_answer_does() {
    let outbox = outbox_that(WhenFull::DropOldest, 3, usize::MAX);
    for outgoing in [message(), event(1), event(2)] {
        assert!(push(&outbox, outgoing).0);
    }
    let (went_in, displaced) = push(&outbox, event(3));
    assert!(went_in && numbers(&displaced) == [1]);
    let (went_in, displaced) = push(&outbox, message());
    assert!(
        went_in && numbers(&displaced) == [2],
        "an answer takes the place of an event too"
    );
    let mut batch = VecDeque::new();
    outbox.take(0, &mut batch).await;
    assert_eq!(numbers(&batch), [0, 3, 0]);
}

#[tokio::test]
async fn what_comes_while_a_burst_is_gathered_follows_what_was_taken_before_with_its_end() {
    for is_resumable in [false, true] {
        let outbox = Outbox::new(&Limits::default(), WhenFull::DropNewest, is_resumable);
        assert!(push(&outbox, event(1)).0);
        let mut batch = VecDeque::new();
        assert_eq!(outbox.take(0, &mut batch).await, Take::More);
        let taken = batch.len();
        outbox.take_more(0, &mut batch);
        assert_eq!(batch.len(), taken, "there was no more");
        assert!(push(&outbox, event(2)).0 && push(&outbox, event(3)).0);
        outbox.close(Some(event(4)));
        assert_eq!(outbox.take_more(0, &mut batch), Some(Take::Last));
        assert_eq!(numbers(&batch), [1, 2, 3, 4]);
    }
}

#[test]
fn where_the_oldest_go_and_only_answers_wait_the_new_event_comes_back() {
    let outbox = outbox_that(WhenFull::DropOldest, 2, usize::MAX);
    assert!(fits(&outbox) && fits(&outbox));
    let (went_in, displaced) = push(&outbox, event(1));
    assert!(!went_in && displaced.is_empty());
}

#[tokio::test]
async fn a_long_event_makes_as_much_room_as_it_needs() {
    let long = Payload::sentence(&"x".repeat(message().weight() * 2));
    let long: Outgoing = Message::Event(Event {
        subscription: SubscriptionId::FIRST,
        publication: PublicationId::new(9).unwrap(),
        details: EventDetails::default(),
        payload: long,
    })
    .into();
    let outbox = outbox_that(WhenFull::DropOldest, usize::MAX, long.weight() + message().weight());
    for number in 1..=4 {
        assert!(push(&outbox, event(number)).0);
    }
    let (went_in, displaced) = push(&outbox, long);
    assert!(went_in && numbers(&displaced) == [1, 2, 3]);
    let mut batch = VecDeque::new();
    outbox.take(0, &mut batch).await;
    assert_eq!(numbers(&batch), [4, 9]);
    assert_eq!(outbox.load(), (0, 0));
}

#[tokio::test]
async fn what_was_lost_is_told_once_and_when_the_queue_is_empty() {
    let outbox = outbox(2, usize::MAX);
    assert_eq!(outbox.take_dropped(), None);
    assert!(fits(&outbox) && push(&outbox, event(1)).0);
    assert!(!push(&outbox, event(2)).0, "there is no room");
    assert_eq!(outbox.take_dropped(), None, "something waits");
    outbox.take(0, &mut VecDeque::new()).await;
    outbox.note_dropped();
    assert_eq!(outbox.take_dropped(), Some(2));
    assert_eq!(outbox.take_dropped(), None);
}

#[tokio::test]
async fn the_last_message_that_fits_is_taken_and_the_next_comes_back() {
    let outbox = outbox(2, usize::MAX);
    assert!(fits(&outbox));
    assert!(fits(&outbox));
    assert!(!fits(&outbox));
    let mut batch = VecDeque::new();
    assert_eq!(outbox.take(0, &mut batch).await, Take::More);
    assert_eq!(batch.len(), 2);
    assert!(fits(&outbox));
}

#[tokio::test]
async fn bytes_bound_the_queue_but_an_empty_one_takes_anything() {
    let outbox = outbox(usize::MAX, message().weight() + 1);
    assert!(fits(&outbox));
    assert!(!fits(&outbox));
    let narrow = self::outbox(usize::MAX, 1);
    assert!(fits(&narrow));
    assert!(!fits(&narrow));
}

#[tokio::test]
async fn a_full_queue_still_takes_what_spares_its_peer_work() {
    use wamp::message::{Interrupt, InterruptOptions};
    let outbox = outbox(1, 1);
    assert!(fits(&outbox));
    let interrupt = Message::Interrupt(Interrupt {
        request: RequestId::FIRST,
        options: InterruptOptions::default(),
    });
    assert!(push(&outbox, interrupt.into()).0);
    assert!(!fits(&outbox));
    assert_eq!(outbox.load().0, 2);
}

#[tokio::test]
async fn a_closed_queue_still_gives_what_is_in_it_and_its_last_message() {
    let outbox = outbox(1, 1);
    assert!(fits(&outbox));
    outbox.close(Some(message()));
    assert!(fits(&outbox), "dropped, its session is over");
    let mut batch = VecDeque::new();
    assert_eq!(outbox.take(0, &mut batch).await, Take::Last);
    assert_eq!(batch.len(), 2);
}

#[tokio::test]
async fn a_broken_queue_gives_nothing() {
    let outbox = outbox(9, 9999);
    assert!(fits(&outbox));
    outbox.break_off();
    let mut batch = VecDeque::new();
    assert_eq!(outbox.take(0, &mut batch).await, Take::Broken);
    assert!(batch.is_empty());
}

#[tokio::test]
async fn a_waiting_writer_is_woken_by_the_first_message() {
    let outbox = outbox(9, 9999);
    let mut batch = VecDeque::new();
    let (taken, ()) = tokio::join!(outbox.take(0, &mut batch), async { assert!(fits(&outbox)) });
    assert_eq!((taken, batch.len()), (Take::More, 1));
}

#[test]
fn of_answers_only_the_bytes_count_because_the_peer_has_asked_for_each() {
    let outbox = outbox(2, 4 * answer().weight());
    for _ in 0..4 {
        assert!(push(&outbox, answer()).0);
    }
    assert!(!push(&outbox, answer()).0);
    assert!(!fits(&outbox));
}

#[test]
fn what_makes_no_sense_behind_a_result_that_is_missing_is_withdrawn_and_the_rest_stays() {
    let outbox = outbox(100, usize::MAX);
    for outgoing in [
        result(1, true),
        result(2, true),
        event(5),
        result(1, false),
        result(2, false),
    ] {
        assert!(push(&outbox, outgoing).0);
    }
    let withdrawn = outbox.withdraw(result(1, true).message());
    let ends: Vec<_> = withdrawn.iter().map(|it| wamp::realm::is_end(it.message())).collect();
    assert_eq!(ends, [false, true]);
    assert_eq!(
        outbox.load(),
        (
            3,
            result(2, true).weight() + event(5).weight() + result(2, false).weight()
        )
    );
    assert!(outbox.withdraw(result(1, true).message()).is_empty());
    assert!(
        outbox.withdraw(result(2, false).message()).is_empty(),
        "nothing follows an end"
    );
}
