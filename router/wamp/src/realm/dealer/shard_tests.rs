//! Procedures whose callees share their calls by keys.

use std::collections::BTreeMap;

use super::super::scene::{Scene, answer, call_with, cancel, failure, progress, register_with};
use crate::acceptor::Features;
use crate::limits::MAX_NODE_KEY;
use crate::message::{CallOptions, CancelMode, Invoke, Message, RegisterOptions, RequestKind, RunMode, Shard};

const NODES: [&str; 3] = ["a", "b", "c"];

fn node(key: &str) -> RegisterOptions {
    RegisterOptions {
        invoke: Invoke::RoundRobin,
        nkey: Some(key.into()),
        ..RegisterOptions::default()
    }
}

fn nodes() -> Scene {
    let mut scene = Scene::of(&["caller", "a", "b", "c"]);
    for name in NODES {
        scene.offer_with(name, "com.p", node(name));
    }
    scene
}

fn of_key(key: &str) -> CallOptions {
    let shard = Shard {
        runmode: RunMode::Partition,
        rkey: Some(key.into()),
    };
    CallOptions {
        shard: Some(Box::new(shard)),
        ..CallOptions::default()
    }
}

fn of_all() -> CallOptions {
    let shard = Shard {
        runmode: RunMode::All,
        rkey: None,
    };
    CallOptions {
        shard: Some(Box::new(shard)),
        receive_progress: true,
        ..CallOptions::default()
    }
}

/// Whose shard each of a hundred keys is.
fn shards(scene: &mut Scene) -> BTreeMap<u64, &'static str> {
    let shard = |key: u64| {
        scene.send("caller", call_with(key, "com.p", of_key(&format!("key {key}"))));
        let name = NODES
            .into_iter()
            .find(|name| scene.has_mail(name))
            .expect("one is invoked");
        let invocation = scene.expect_invocation(name);
        scene.send(name, answer(invocation.request.get()));
        assert!(!scene.expect_result("caller").details.progress);
        (key, name)
    };
    (1..=100).map(shard).collect()
}

#[test]
fn a_key_goes_to_the_same_node_every_time_and_every_node_gets_some() {
    let mut scene = nodes();
    let first = shards(&mut scene);
    assert_eq!(first, shards(&mut scene));
    for name in NODES {
        assert!(
            first.values().filter(|it| **it == name).count() > 10,
            "{name} gets too few"
        );
    }
}

#[test]
fn only_the_keys_of_a_node_that_leaves_move_and_they_move_back_with_it() {
    let mut scene = nodes();
    let before = shards(&mut scene);
    scene.leave("b");
    let without = shards(&mut scene);
    for (key, name) in &before {
        assert!(*name == "b" || without[key] == *name, "key {key} moved from {name}");
        assert_ne!(without[key], "b");
    }
    scene.join_with("b", Features::default());
    scene.offer_with("b", "com.p", node("b"));
    assert_eq!(shards(&mut scene), before);
}

#[test]
fn a_callee_without_a_key_is_a_node_of_its_own() {
    let mut scene = Scene::of(&["caller", "a", "b", "c"]);
    for name in NODES {
        let options = RegisterOptions {
            invoke: Invoke::Random,
            ..RegisterOptions::default()
        };
        scene.offer_with(name, "com.p", options);
    }
    let first = shards(&mut scene);
    assert_eq!(first, shards(&mut scene));
    assert!(NODES.iter().all(|name| first.values().any(|it| it == name)));
}

#[test]
fn a_call_of_one_shard_needs_a_key_and_one_of_all_needs_progress() {
    let mut scene = nodes();
    let keyless = CallOptions {
        shard: Some(Box::default()),
        ..CallOptions::default()
    };
    scene.send("caller", call_with(1, "com.p", keyless));
    scene.expect_error("caller", RequestKind::Call, "wamp.error.invalid_argument");
    let at_once = CallOptions {
        receive_progress: false,
        ..of_all()
    };
    scene.send("caller", call_with(2, "com.p", at_once));
    scene.expect_error("caller", RequestKind::Call, "wamp.error.option_not_allowed");
}

#[test]
fn the_longest_node_key_is_taken_and_a_longer_one_is_not() {
    let mut scene = Scene::of(&["a"]);
    scene.offer_with("a", "com.p", node(&"k".repeat(MAX_NODE_KEY)));
    scene.send("a", register_with(2, "com.q", node(&"k".repeat(MAX_NODE_KEY + 1))));
    scene.expect_error("a", RequestKind::Register, "wamp.error.invalid_argument");
}

/// Every node has the call.
fn scene_with_a_call_of_all() -> Scene {
    let mut scene = nodes();
    scene.send("caller", call_with(7, "com.p", of_all()));
    for name in NODES {
        assert!(scene.expect_invocation(name).details.receive_progress);
    }
    scene
}

fn expect_interrupted(scene: &mut Scene, names: &[&str]) {
    for name in names {
        assert!(matches!(scene.expect(name), Message::Interrupt(_)), "{name} goes on");
    }
}

#[test]
fn a_call_of_all_shards_gives_the_result_of_each_and_then_ends() {
    let mut scene = scene_with_a_call_of_all();
    scene.send("b", progress(1));
    assert!(scene.expect_result("caller").details.progress);
    for name in NODES {
        scene.send(name, answer(1));
        assert!(scene.expect_result("caller").details.progress);
    }
    let last = scene.expect_result("caller");
    assert!(!last.details.progress && last.payload.is_empty());
    scene.expect_nothing("caller");
    for name in ["caller", "a", "b", "c"] {
        scene.leave(name);
    }
    assert!(scene.is_clean());
}

#[test]
fn an_error_of_one_shard_ends_the_call_of_all_and_stops_the_others() {
    let mut scene = scene_with_a_call_of_all();
    scene.send("a", answer(1));
    scene.expect_result("caller");
    scene.send("b", failure(1, "com.error"));
    scene.expect_error("caller", RequestKind::Call, "com.error");
    expect_interrupted(&mut scene, &["c"]);
    scene.expect_nothing("a");
    scene.send("c", answer(1));
    scene.expect_nothing("caller");
}

#[test]
fn a_call_of_all_shards_ends_once_when_a_node_leaves_or_takes_too_long() {
    let mut scene = scene_with_a_call_of_all();
    scene.leave("b");
    scene.expect_error("caller", RequestKind::Call, "wamp.error.canceled");
    expect_interrupted(&mut scene, &["a", "c"]);
    let mut scene = nodes();
    let options = CallOptions {
        timeout: 10,
        ..of_all()
    };
    scene.send("caller", call_with(1, "com.p", options));
    for name in NODES {
        scene.expect_invocation(name);
    }
    scene.pass(std::time::Duration::from_millis(10));
    scene.expect_error("caller", RequestKind::Call, "wamp.error.timeout");
    expect_interrupted(&mut scene, &NODES);
    scene.expect_nothing("caller");
    assert_eq!(scene.realm.deadline(), None);
}

#[test]
fn a_call_of_all_shards_is_cancelled_in_three_ways() {
    let mut scene = scene_with_a_call_of_all();
    scene.send("caller", cancel(7, CancelMode::Skip));
    scene.expect_error("caller", RequestKind::Call, "wamp.error.canceled");
    NODES.iter().for_each(|name| scene.expect_nothing(name));

    let mut scene = scene_with_a_call_of_all();
    scene.send("caller", cancel(7, CancelMode::KillNoWait));
    scene.expect_error("caller", RequestKind::Call, "wamp.error.canceled");
    expect_interrupted(&mut scene, &NODES);

    let mut scene = scene_with_a_call_of_all();
    scene.send("caller", cancel(7, CancelMode::Kill));
    expect_interrupted(&mut scene, &NODES);
    scene.expect_nothing("caller");
    scene.send("c", failure(1, "wamp.error.canceled"));
    scene.expect_error("caller", RequestKind::Call, "wamp.error.canceled");
    // Each was told to stop already.
    NODES.iter().for_each(|name| scene.expect_nothing(name));
}

#[test]
fn every_node_stops_when_the_caller_of_all_leaves() {
    let mut scene = scene_with_a_call_of_all();
    scene.send("a", answer(1));
    scene.leave("caller");
    expect_interrupted(&mut scene, &["b", "c"]);
    for name in NODES {
        scene.leave(name);
    }
    assert!(scene.is_clean());
}

#[test]
fn a_shard_that_refuses_a_call_is_not_replaced_by_another() {
    let mut scene = nodes();
    scene.send("caller", call_with(1, "com.p", of_key("x")));
    let name = NODES.into_iter().find(|name| scene.has_mail(name)).unwrap();
    scene.expect_invocation(name);
    scene.send(name, failure(1, "wamp.error.unavailable"));
    scene.expect_error("caller", RequestKind::Call, "wamp.error.unavailable");
    NODES.iter().for_each(|name| scene.expect_nothing(name));
}
