//! Publications of queues, each taken once.

use super::super::super::scene::{Scene, publish, request, subscribe};
use super::*;
use crate::message::{Match, PublishOptions, RequestKind};

fn queued(queue: &str, number: u64) -> PublishOptions {
    PublishOptions {
        acknowledge: true,
        special: Some(Box::new(
            Queued {
                name: queue.into(),
                number,
            }
            .into(),
        )),
        ..PublishOptions::default()
    }
}

fn scene() -> Scene {
    let mut scene = Scene::of(&["ann", "joe"]);
    scene.send("joe", subscribe(1, "com.t", Match::Exact));
    scene.expect("joe");
    scene
}

/// Publishes, and says as which publication it was taken.
fn taken(scene: &mut Scene, number: u64, options: PublishOptions) -> PublicationId {
    scene.send("ann", publish(number, "com.t", options));
    let Message::Published(it) = scene.expect("ann") else {
        panic!("it was not taken")
    };
    assert_eq!(it.request, request(number));
    it.publication
}

fn expect_event(scene: &mut Scene) {
    assert!(matches!(scene.expect("joe"), Message::Event(_)));
}

#[test]
fn a_publication_that_comes_again_is_answered_as_before_and_nobody_hears_it_twice() {
    let mut scene = scene();
    for place in [1, 2, 7] {
        let first = taken(&mut scene, 2, queued("q", place));
        expect_event(&mut scene);
        assert_eq!(taken(&mut scene, 3, queued("q", place)), first);
        scene.expect_nothing("joe");
    }
}

#[test]
fn each_queue_counts_for_itself_and_for_its_principal() {
    let mut scene = scene();
    taken(&mut scene, 2, queued("q", 1));
    expect_event(&mut scene);
    taken(&mut scene, 3, queued("other", 1));
    expect_event(&mut scene);
    let mut queues = Queues::default();
    let (ann, joe) = (Arc::from("ann"), Arc::from("joe"));
    let place = Queued {
        name: "q".into(),
        number: 1,
    };
    queues.take(&ann, &place, PublicationId::FIRST);
    assert_eq!(queues.seen(&ann, &place), Seen::Taken(PublicationId::FIRST));
    assert_eq!(queues.seen(&joe, &place), Seen::New);
}

#[test]
fn a_queue_outlives_the_session_that_filled_it() {
    let mut scene = scene();
    let first = taken(&mut scene, 2, queued("q", 1));
    expect_event(&mut scene);
    scene.leave("ann");
    scene.join("ann", crate::realm::role::Role::unrestricted("anonymous"));
    assert_eq!(taken(&mut scene, 1, queued("q", 1)), first);
    scene.expect_nothing("joe");
}

#[test]
fn a_publication_with_a_lower_number_is_refused() {
    let mut scene = scene();
    taken(&mut scene, 2, queued("q", 5));
    expect_event(&mut scene);
    scene.send("ann", publish(3, "com.t", queued("q", 4)));
    scene.expect_error("ann", RequestKind::Publish, "wamp.error.invalid_argument");
    scene.expect_nothing("joe");
}

#[test]
fn the_longest_name_is_taken_and_what_is_no_place_is_refused() {
    let mut scene = scene();
    taken(&mut scene, 2, queued(&"q".repeat(MAX_QUEUE_NAME), 1));
    expect_event(&mut scene);
    let too_long = "q".repeat(MAX_QUEUE_NAME + 1);
    for (number, (name, place)) in [("", 1), (&*too_long, 1), ("q", 0)].into_iter().enumerate() {
        scene.send("ann", publish(10 + number as u64, "com.t", queued(name, place)));
        scene.expect_error("ann", RequestKind::Publish, "wamp.error.invalid_argument");
    }
    scene.expect_nothing("joe");
}

#[test]
fn of_too_many_queues_the_one_is_forgotten_that_was_used_longest_ago() {
    let mut queues = Queues::default();
    let author = Arc::from("ann");
    let place = |name: usize| Queued {
        name: name.to_string().into(),
        number: 1,
    };
    for name in 0..MAX_QUEUES_EACH {
        queues.take(&author, &place(name), PublicationId::FIRST);
    }
    assert_ne!(queues.seen(&author, &place(0)), Seen::New);
    queues.take(&author, &place(MAX_QUEUES_EACH), PublicationId::FIRST);
    assert_eq!(queues.seen(&author, &place(1)), Seen::New);
    assert_ne!(queues.seen(&author, &place(0)), Seen::New);
    assert_eq!(queues.queues.len(), MAX_QUEUES_EACH);
}

#[test]
fn a_realm_remembers_as_many_queues_as_it_may_and_no_more() {
    let mut queues = Queues::default();
    let place = Queued {
        name: "q".into(),
        number: 1,
    };
    for author in 0..=MAX_QUEUES {
        queues.take(&author.to_string().into(), &place, PublicationId::FIRST);
    }
    assert_eq!(queues.queues.len(), MAX_QUEUES);
    assert_eq!(queues.seen(&"0".into(), &place), Seen::New);
    assert_ne!(queues.seen(&"1".into(), &place), Seen::New);
}
