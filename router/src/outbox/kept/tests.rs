//! What the connections of a session that can be resumed get, one after the other.

use wamp::id::RequestId;
use wamp::limits::UNACKNOWLEDGED_MESSAGES;
use wamp::message::{Goodbye, Received, Unsubscribed};

use super::*;
use crate::limits::{Limits, WhenFull};

fn outbox() -> Outbox {
    Outbox::new(&Limits::default(), WhenFull::DropNewest, true)
}

fn message(number: u64) -> Message {
    Message::Unsubscribed(Unsubscribed {
        request: RequestId::new(number).unwrap(),
    })
}

fn push(outbox: &Outbox, numbers: std::ops::RangeInclusive<u64>) {
    for number in numbers {
        assert!(matches!(
            outbox.push(message(number).into()),
            crate::outbox::Pushed::Taken
        ));
    }
}

/// Stands in place of WELCOME, which no test needs more of.
fn welcome() -> Message {
    Message::Received(Received { count: 77 })
}

/// What a connection gets now: the numbers of messages, 0 for what has none.
async fn take(outbox: &Outbox, epoch: Epoch) -> (Take, Vec<u64>) {
    let mut batch = VecDeque::new();
    let taken = outbox.take(epoch, &mut batch).await;
    let number = |outgoing: Outgoing| {
        if let Message::Unsubscribed(it) = outgoing.into_message() {
            it.request.get()
        } else {
            0
        }
    };
    (taken, batch.into_iter().map(number).collect())
}

async fn is_empty(outbox: &Outbox, epoch: Epoch) -> bool {
    let wait = std::time::Duration::from_millis(1);
    tokio::time::timeout(wait, take(outbox, epoch)).await.is_err()
}

#[tokio::test]
async fn what_has_not_arrived_comes_again_behind_welcome_and_before_what_is_new() {
    let outbox = outbox();
    push(&outbox, 1..=3);
    assert_eq!(take(&outbox, 0).await, (Take::More, vec![1, 2, 3]));
    push(&outbox, 4..=5);
    outbox.acknowledged(1).unwrap();
    assert_eq!(outbox.hand_over(welcome()), 1);
    assert_eq!(take(&outbox, 1).await, (Take::More, vec![0, 2, 3, 4, 5]));
    // Again, before the next connection has taken anything.
    outbox.acknowledged(2).unwrap();
    outbox.hand_over(welcome());
    push(&outbox, 6..=6);
    outbox.hand_over(welcome());
    assert_eq!(outbox.load().0, 4);
    assert_eq!(take(&outbox, 3).await, (Take::More, vec![0, 3, 4, 5, 6]));
    assert_eq!(outbox.load(), (0, 0));
    assert!(outbox.acknowledged(7).is_err(), "six were sent");
}

#[tokio::test]
async fn an_earlier_connection_takes_nothing_and_takes_nothing_back() {
    let outbox = outbox();
    push(&outbox, 1..=2);
    take(&outbox, 0).await;
    outbox.hand_over(welcome());
    assert_eq!(take(&outbox, 0).await, (Take::Replaced, vec![]));
    assert!(!outbox.unsent(0, &message(1)));
    assert_eq!(take(&outbox, 1).await, (Take::More, vec![0, 1, 2]));
    assert!(outbox.unsent(1, &message(1)));
    outbox.acknowledged(1).unwrap();
    outbox.hand_over(welcome());
    assert_eq!(take(&outbox, 2).await, (Take::More, vec![0]));
}

#[tokio::test]
async fn an_earlier_connection_that_waits_passes_the_wake_up_on() {
    let outbox = outbox();
    let (old, new, ()) = tokio::join!(take(&outbox, 0), async { take(&outbox, 1).await }, async {
        tokio::task::yield_now().await;
        outbox.hand_over(welcome());
        push(&outbox, 1..=1);
    });
    assert_eq!(old.0, Take::Replaced);
    // It may have looked before it had the session.
    if new.0 == Take::Replaced {
        assert_eq!(take(&outbox, 1).await, (Take::More, vec![0, 1]));
    } else {
        assert_eq!(new, (Take::More, vec![0, 1]));
    }
}

#[tokio::test]
async fn no_more_goes_out_than_the_window_allows_until_the_peer_says_what_arrived() {
    let outbox = outbox();
    let most = UNACKNOWLEDGED_MESSAGES as u64;
    push(&outbox, 1..=most + 2);
    let (taken, numbers) = take(&outbox, 0).await;
    assert_eq!((taken, numbers.len() as u64), (Take::More, most));
    assert!(is_empty(&outbox, 0).await);
    // What the other end must know to send more itself waits for nothing, and the latest says all.
    for count in [1, 2] {
        outbox.tell_received(Message::Received(Received { count }));
    }
    assert_eq!(take(&outbox, 0).await, (Take::More, vec![0]));
    let (next, ()) = tokio::join!(take(&outbox, 0), async {
        tokio::task::yield_now().await;
        outbox.acknowledged(1).unwrap();
    });
    assert_eq!(next, (Take::More, vec![most + 1]));
    outbox.acknowledged(most).unwrap();
    assert_eq!(take(&outbox, 0).await, (Take::More, vec![most + 2]));
}

#[tokio::test]
async fn the_last_message_and_all_before_it_go_out_whatever_has_arrived() {
    let outbox = outbox();
    let most = UNACKNOWLEDGED_MESSAGES as u64;
    push(&outbox, 1..=most + 5);
    take(&outbox, 0).await;
    let goodbye = Goodbye::new(wamp::error::CLOSE_NORMAL, "");
    outbox.close(Some(Message::Goodbye(goodbye).into()));
    let rest = (most + 1..=most + 5).chain([0]).collect();
    assert_eq!(take(&outbox, 0).await, (Take::Last, rest));
    outbox.ended().await;
}

#[tokio::test]
async fn whoever_waits_for_a_return_hears_of_the_end_and_of_nothing_else() {
    let outbox = outbox();
    let wait = std::time::Duration::from_millis(1);
    push(&outbox, 1..=1);
    assert!(tokio::time::timeout(wait, outbox.ended()).await.is_err());
    let ((), ()) = tokio::join!(outbox.ended(), async { outbox.break_off() });
    assert!(!outbox.is_open());
    assert_eq!(take(&outbox, 0).await, (Take::Broken, vec![]));
}
