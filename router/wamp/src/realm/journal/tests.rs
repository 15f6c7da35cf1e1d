//! What a realm finds again in its journal.

use std::sync::{Mutex, PoisonError};

use super::super::scene::{Scene, args, publish, request};
use super::super::{HistoryRule, RetainedRule, Settings, Store};
use super::*;
use crate::message::{Call, CallOptions, Match, RequestKind, Subscribe, SubscribeOptions};
use crate::value::Dict;

/// A journal in memory that a test can look into, and break.
#[derive(Debug, Clone, Default)]
struct Paper(Arc<Mutex<(Vec<Vec<u8>>, bool)>>);

impl Paper {
    fn records(&self) -> Vec<Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0.clone()
    }

    /// Another one with the same in it.
    fn copied(&self) -> Self {
        Self(Arc::new(Mutex::new((self.records(), false))))
    }

    fn break_it(&self, is_broken: bool) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1 = is_broken;
    }
}

impl Journal for Paper {
    fn append(&mut self, record: &[u8]) -> Result<(), NotWritten> {
        let (records, is_broken) = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if *is_broken {
            return Err(NotWritten);
        }
        records.push(record.to_vec());
        Ok(())
    }

    fn replace(&mut self, new: &mut dyn Iterator<Item = Vec<u8>>) -> Result<(), NotWritten> {
        let (records, is_broken) = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if *is_broken {
            return Err(NotWritten);
        }
        *records = new.collect();
        Ok(())
    }
}

fn rule(uri: &str, policy: Match, keep: usize, store: Store) -> HistoryRule {
    let uri = uri.into();
    HistoryRule {
        uri,
        policy,
        keep,
        store,
    }
}

/// A realm with histories of `com.` on disk and of `com.t` in memory, and retained events below `com.` on disk.
fn staged(paper: &Paper) -> Scene {
    let settings = Settings {
        history: vec![
            rule("com.", Match::Prefix, 3, Store::Disk),
            rule("com.t", Match::Exact, 9, Store::Memory),
        ],
        retained: vec![RetainedRule {
            uri: "com.".into(),
            policy: Match::Prefix,
        }],
        ..Settings::default()
    };
    let mut scene = Scene::with(settings, &[]);
    assert_eq!(scene.realm.restore(Box::new(paper.clone()), paper.records()), 0);
    for name in ["a", "b"] {
        scene.join(name, super::super::role::Role::unrestricted("anonymous"));
    }
    scene
}

fn retained() -> PublishOptions {
    PublishOptions {
        retain: true,
        disclose_me: true,
        ..acknowledged()
    }
}

fn forgetting() -> PublishOptions {
    PublishOptions {
        special: Some(Box::new(PublishSpecial::forgetting())),
        ..acknowledged()
    }
}

fn in_queue(number: u64) -> PublishOptions {
    let queued = Queued {
        name: "q".into(),
        number,
    };
    PublishOptions {
        special: Some(Box::new(queued.into())),
        ..acknowledged()
    }
}

fn acknowledged() -> PublishOptions {
    PublishOptions {
        acknowledge: true,
        ..PublishOptions::default()
    }
}

fn history(scene: &mut Scene, subscription: u64) -> Vec<Dict> {
    let payload = args(&[subscription.into()]);
    let (request, options) = (request(1), CallOptions::default());
    let procedure = "wamp.subscription.get_events".into();
    scene.send(
        "b",
        Message::Call(Call {
            request,
            options,
            procedure,
            payload,
        }),
    );
    let Message::Result(result) = scene.expect("b") else {
        panic!()
    };
    let (events,): (Vec<Value>,) = result.payload.to_args().unwrap();
    events.iter().map(|event| event.as_dict().unwrap().clone()).collect()
}

fn numbers(events: &[Dict]) -> Vec<u64> {
    let number = |event: &Dict| event["args"].as_list().unwrap()[0].as_u64().unwrap();
    events.iter().map(number).collect()
}

/// The retained event of a topic.
fn kept(scene: &mut Scene, name: &str, topic: &str) -> Option<Event> {
    let options = SubscribeOptions {
        get_retained: true,
        ..SubscribeOptions::default()
    };
    let (request, topic) = (request(1), topic.into());
    scene.send(
        name,
        Message::Subscribe(Subscribe {
            request,
            options,
            topic,
        }),
    );
    assert!(matches!(scene.expect(name), Message::Subscribed(_)));
    match scene.take(name) {
        Some(Message::Event(event)) => Some(event),
        _ => None,
    }
}

#[test]
fn histories_and_retained_events_on_disk_are_there_again_and_those_in_memory_are_not() {
    let paper = Paper::default();
    let mut scene = staged(&paper);
    for number in 1..=2 {
        scene.pass(Duration::from_millis(1500));
        scene.send("a", publish(number, "com.t", retained()));
        scene.expect("a");
    }
    scene.send("a", publish(3, "org.t", retained()));
    let before = (history(&mut scene, 1), kept(&mut scene, "b", "com.t"));
    let mut scene = staged(&paper);
    let after = (history(&mut scene, 1), kept(&mut scene, "b", "com.t"));
    assert_eq!(numbers(&after.0), [1, 2]);
    assert_eq!(after, before, "with their times, ids, publishers and arguments");
    assert_eq!(history(&mut scene, 2), []);
    assert_eq!(kept(&mut scene, "b", "org.t"), None);
}

#[test]
fn lists_of_principals_hold_after_a_restart() {
    let paper = Paper::default();
    let mut scene = staged(&paper);
    let audience = Audience {
        exclude_authid: vec!["b".into()],
        ..Audience::default()
    };
    let options = PublishOptions {
        special: Some(Box::new(audience.into())),
        ..retained()
    };
    scene.send("a", publish(1, "com.t", options));
    let mut scene = staged(&paper);
    assert_eq!(history(&mut scene, 1), []);
    assert_eq!(kept(&mut scene, "b", "com.t"), None);
    assert!(kept(&mut scene, "a", "com.t").is_some());
}

#[test]
fn what_was_forgotten_stays_forgotten() {
    let paper = Paper::default();
    let mut scene = staged(&paper);
    for topic in ["com.a.x", "com.b.x"] {
        scene.send("a", publish(1, topic, retained()));
    }
    scene.realm.forget_retained("com.a.");
    let mut scene = staged(&paper);
    assert_eq!(kept(&mut scene, "b", "com.a.x"), None);
    assert!(kept(&mut scene, "b", "com.b.x").is_some());
}

#[test]
fn what_a_publication_forgot_stays_forgotten() {
    let paper = Paper::default();
    let mut scene = staged(&paper);
    let for_b = Audience {
        eligible_authid: Some(vec!["b".into()]),
        ..Audience::default()
    };
    let options = |audience: Audience, forget: bool| PublishOptions {
        acknowledge: true,
        retain: !forget,
        special: Some(Box::new(PublishSpecial {
            forget,
            ..audience.into()
        })),
        ..PublishOptions::default()
    };
    for (topic, audience) in [
        ("com.a", Audience::default()),
        ("com.a.x", Audience::default()),
        ("com.b", Audience::default()),
        ("com.b", for_b.clone()),
    ] {
        scene.send("a", publish(1, topic, options(audience, false)));
        assert!(matches!(scene.expect("a"), Message::Published(_)));
    }
    scene.send("a", publish(2, "com.a", options(Audience::default(), true)));
    scene.send("a", publish(2, "com.b", options(for_b, true)));
    let mut scene = staged(&paper);
    assert_eq!(kept(&mut scene, "b", "com.a"), None);
    assert!(kept(&mut scene, "b", "com.a.x").is_some(), "it only begins so");
    assert!(kept(&mut scene, "b", "com.b").is_some(), "that for all");
    // What cannot be written down is not done: it would be there again.
    paper.break_it(true);
    scene.send("a", publish(3, "com.b", options(Audience::default(), true)));
    scene.expect_error("a", RequestKind::Publish, "wamp.error.unavailable");
    assert!(kept(&mut scene, "a", "com.b").is_some());
}

#[test]
fn a_journal_that_cannot_be_written_refuses_who_waits_for_an_answer_and_nobody_else() {
    let paper = Paper::default();
    let mut scene = staged(&paper);
    kept(&mut scene, "b", "com.t");
    paper.break_it(true);
    for options in [acknowledged(), retained()] {
        scene.send("a", publish(1, "com.t", options));
        scene.expect_error("a", RequestKind::Publish, "wamp.error.unavailable");
        scene.expect_nothing("b");
    }
    scene.send("a", publish(2, "com.t", PublishOptions::default()));
    assert!(matches!(scene.expect("b"), Message::Event(_)));
    paper.break_it(false);
    scene.send("a", publish(3, "com.t", acknowledged()));
    assert!(matches!(scene.expect("a"), Message::Published(_)), "the router goes on");
    scene.expect("b");
    assert_eq!(numbers(&history(&mut scene, 1)), [2, 3]);
    assert_eq!(numbers(&history(&mut staged(&paper), 1)), [3]);
}

#[test]
fn a_journal_is_written_anew_when_most_of_it_is_forgotten() {
    let paper = Paper::default();
    let mut scene = staged(&paper);
    let size = || paper.records().iter().map(Vec::len).sum::<usize>();
    let (mut largest, mut shrank) = (0, 0);
    for number in 0..100 {
        let payload = args(&[number.into(), vec![7_u8; MIN_JOURNAL / 10].into()]);
        let (request, topic) = (request(number + 1), "com.t".into());
        // Whatever the record is that has it written anew.
        let options = match number % 3 {
            0 => retained(),
            1 => forgetting(),
            _ => in_queue(number),
        };
        let before = size();
        scene.send(
            "a",
            Message::Publish(Publish {
                request,
                options,
                topic,
                payload,
            }),
        );
        shrank += u32::from(size() < before);
        largest = largest.max(size());
        assert!(matches!(scene.expect("a"), Message::Published(_)));
        let mut again = staged(&paper.copied());
        assert_eq!(numbers(&history(&mut again, 1)).last(), Some(&number));
        // What was taken is not taken again, by its last place in the queue.
        if let Some(taken) = (0..=number).rev().find(|number| number % 3 == 2) {
            again.send("a", publish(1, "com.t", in_queue(taken)));
            assert!(matches!(again.expect("a"), Message::Published(_)));
            assert_eq!(numbers(&history(&mut again, 1)).last(), Some(&number));
        }
        let is_kept = kept(&mut again, "b", "com.t").is_some();
        assert_eq!(is_kept, number % 3 == 0, "{number}");
    }
    // Three events of the history and a retained one are alive.
    assert!(
        largest < 3 * MIN_JOURNAL && shrank > 4,
        "{largest} bytes, {shrank} times"
    );
    let events = history(&mut staged(&paper), 1);
    assert_eq!(events.len(), 3);
}

#[test]
fn records_that_nobody_understands_are_counted_and_left_out() {
    let paper = Paper::default();
    let mut scene = staged(&paper);
    scene.send("a", publish(1, "com.t", acknowledged()));
    let mut records = paper.records();
    let whole = records[0].clone();
    records.extend([
        Vec::new(),
        vec![0xc1],
        whole[..whole.len() / 2].to_vec(),
        vec![0x91, 0x07],
    ]);
    let settings = Settings {
        history: vec![rule("com.", Match::Prefix, 3, Store::Disk)],
        ..Settings::default()
    };
    let mut scene = Scene::with(settings, &["b"]);
    assert_eq!(scene.realm.restore(Box::new(paper.clone()), records), 4);
    assert_eq!(numbers(&history(&mut scene, 1)), [1]);
    assert_eq!(paper.records().len(), 1, "they are not carried on");
}

#[test]
fn a_publication_of_a_queue_is_known_again_with_its_event_or_without() {
    let paper = Paper::default();
    let place = |queue: &str| PublishOptions {
        special: Some(Box::new(
            Queued {
                name: queue.into(),
                number: 1,
            }
            .into(),
        )),
        ..acknowledged()
    };
    let taken = |scene: &mut Scene, request: u64, topic: &str, queue: &str| {
        scene.send("a", publish(request, topic, place(queue)));
        let Message::Published(it) = scene.expect("a") else {
            panic!("it was not taken")
        };
        it.publication
    };
    let mut scene = staged(&paper);
    // In one record with its event, and in one of its own.
    let records = paper.records().len();
    let with_event = taken(&mut scene, 1, "com.t", "with");
    assert_eq!(paper.records().len(), records + 1);
    let alone = taken(&mut scene, 2, "org.t", "alone");
    assert_eq!(paper.records().len(), records + 2);
    // Once as it was written, once after it was written anew.
    for _ in 0..2 {
        let mut scene = staged(&paper);
        assert_eq!(taken(&mut scene, 1, "com.t", "with"), with_event);
        assert_eq!(taken(&mut scene, 2, "org.t", "alone"), alone);
        assert_eq!(history(&mut scene, 1).len(), 1);
    }
}

#[test]
fn a_publication_of_a_queue_that_cannot_be_written_down_is_not_taken() {
    let paper = Paper::default();
    let mut scene = staged(&paper);
    let place = in_queue(1);
    paper.break_it(true);
    for topic in ["com.t", "org.t"] {
        scene.send("a", publish(1, topic, place.clone()));
        scene.expect_error("a", RequestKind::Publish, "wamp.error.unavailable");
    }
    paper.break_it(false);
    scene.send("a", publish(3, "org.t", place));
    assert!(matches!(scene.expect("a"), Message::Published(_)));
}
