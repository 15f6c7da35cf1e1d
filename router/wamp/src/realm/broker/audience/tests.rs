//! Who gets an event that is not for all.

use super::super::super::role::{Actions, Consent, Disclose, Role, Rule};
use super::super::super::scene::{Scene, publish, request, subscribe};
use super::*;
use crate::limits::MAX_NODE_KEY;
use crate::message::{Match, Message, PublishOptions, RequestKind, Subscribe, SubscribeOptions};

fn for_some(audience: Audience) -> PublishOptions {
    PublishOptions {
        special: Some(Box::new(audience.into())),
        exclude_me: false,
        ..PublishOptions::default()
    }
}

fn listed(names: &[&str]) -> Vec<Box<str>> {
    names.iter().map(|name| Box::from(*name)).collect()
}

/// Four subscribers: their authids are their names, and "c" and "d" have a role of their own.
fn four() -> Scene {
    let mut scene = Scene::of(&["a", "b"]);
    scene.join("c", Role::unrestricted("guest"));
    scene.join("d", Role::unrestricted("guest"));
    for name in ["a", "b", "c", "d"] {
        scene.send(name, subscribe(1, "com.t", Match::Exact));
        assert!(matches!(scene.expect(name), Message::Subscribed(_)));
    }
    scene
}

/// Who gets an event of "a" for this audience.
fn reached(scene: &mut Scene, audience: Audience) -> String {
    scene.send("a", publish(1, "com.t", for_some(audience)));
    let names = ["a", "b", "c", "d"].into_iter();
    names
        .filter(|name| matches!(scene.take(name), Some(Message::Event(_))))
        .collect()
}

#[test]
fn each_white_list_lets_through_those_on_it_alone() {
    let mut scene = four();
    let (a, c) = (scene.session("a"), scene.session("c"));
    let eligible = Some(vec![c, a, c]);
    let audience = Audience {
        eligible,
        ..Audience::default()
    };
    assert_eq!(reached(&mut scene, audience), "ac");
    let eligible_authid = Some(listed(&["nobody", "d", "b"]));
    let audience = Audience {
        eligible_authid,
        ..Audience::default()
    };
    assert_eq!(reached(&mut scene, audience), "bd");
    let eligible_authrole = Some(listed(&["guest"]));
    let audience = Audience {
        eligible_authrole,
        ..Audience::default()
    };
    assert_eq!(reached(&mut scene, audience), "cd");
}

#[test]
fn each_black_list_keeps_out_those_on_it_alone() {
    let mut scene = four();
    let exclude = vec![scene.session("d"), scene.session("a")];
    assert_eq!(
        reached(
            &mut scene,
            Audience {
                exclude,
                ..Audience::default()
            }
        ),
        "bc"
    );
    let exclude_authid = listed(&["c", "nobody"]);
    assert_eq!(
        reached(
            &mut scene,
            Audience {
                exclude_authid,
                ..Audience::default()
            }
        ),
        "abd"
    );
    let exclude_authrole = listed(&["guest"]);
    assert_eq!(
        reached(
            &mut scene,
            Audience {
                exclude_authrole,
                ..Audience::default()
            }
        ),
        "ab"
    );
}

#[test]
fn of_several_lists_all_must_let_a_subscriber_through() {
    let mut scene = four();
    let audience = Audience {
        eligible_authid: Some(listed(&["a", "b", "c"])),
        eligible_authrole: Some(listed(&["guest", "anonymous"])),
        exclude: vec![scene.session("b")],
        ..Audience::default()
    };
    assert_eq!(reached(&mut scene, audience), "ac");
}

#[test]
fn an_empty_white_list_reaches_nobody() {
    let mut scene = four();
    let eligible = Some(Vec::new());
    assert_eq!(
        reached(
            &mut scene,
            Audience {
                eligible,
                ..Audience::default()
            }
        ),
        ""
    );
    let eligible_authid = Some(Vec::new());
    assert_eq!(
        reached(
            &mut scene,
            Audience {
                eligible_authid,
                ..Audience::default()
            }
        ),
        ""
    );
    let eligible_authrole = Some(Vec::new());
    assert_eq!(
        reached(
            &mut scene,
            Audience {
                eligible_authrole,
                ..Audience::default()
            }
        ),
        ""
    );
}

#[test]
fn a_publisher_on_the_white_list_is_excluded_all_the_same_unless_it_says_otherwise() {
    let mut scene = four();
    let eligible = Some(vec![scene.session("a"), scene.session("b")]);
    let options = PublishOptions {
        exclude_me: true,
        ..for_some(Audience {
            eligible,
            ..Audience::default()
        })
    };
    scene.send("a", publish(1, "com.t", options));
    assert!(matches!(scene.expect("b"), Message::Event(_)));
    for name in ["a", "c", "d"] {
        scene.expect_nothing(name);
    }
}

#[test]
fn lists_of_sessions_are_for_roles_that_may_list_sessions() {
    let rule = Rule {
        uri: "com.".into(),
        policy: Match::Prefix,
        allow: Actions::ALL,
        disclose: Disclose::Never,
        consent: Consent::Given,
        trustlevel: None,
    };
    let mut scene = four();
    scene.join("e", Role::new("confined", vec![rule]).unwrap());
    let eligible = Some(vec![scene.session("b")]);
    let exclude = vec![scene.session("b")];
    for audience in [
        Audience {
            eligible,
            ..Audience::default()
        },
        Audience {
            exclude,
            ..Audience::default()
        },
    ] {
        let options = PublishOptions {
            acknowledge: true,
            ..for_some(audience)
        };
        scene.send("e", publish(1, "com.t", options));
        scene.expect_error("e", RequestKind::Publish, "wamp.error.option_not_allowed");
    }
    scene.expect_nothing("b");
    let eligible_authid = Some(listed(&["b"]));
    scene.send(
        "e",
        publish(
            2,
            "com.t",
            for_some(Audience {
                eligible_authid,
                ..Audience::default()
            }),
        ),
    );
    assert!(
        matches!(scene.expect("b"), Message::Event(_)),
        "names are known without listing anybody"
    );
    scene.expect_nothing("c");
}

/// Subscribes as a node.
fn join_node(scene: &mut Scene, name: &str, nkey: Option<&str>) {
    ask_to_join_node(scene, name, nkey);
    assert!(matches!(scene.expect(name), Message::Subscribed(_)));
}

fn ask_to_join_node(scene: &mut Scene, name: &str, nkey: Option<&str>) {
    let options = SubscribeOptions {
        nkey: nkey.map(Box::from),
        ..SubscribeOptions::default()
    };
    let topic = "com.t".into();
    scene.send(
        name,
        Message::Subscribe(Subscribe {
            request: request(1),
            options,
            topic,
        }),
    );
}

#[test]
fn the_longest_node_key_of_a_subscriber_is_taken_and_a_longer_one_is_not() {
    let mut scene = four();
    join_node(&mut scene, "b", Some(&"k".repeat(MAX_NODE_KEY)));
    ask_to_join_node(&mut scene, "c", Some(&"k".repeat(MAX_NODE_KEY + 1)));
    scene.expect_error("c", RequestKind::Subscribe, "wamp.error.invalid_argument");
}

fn keyed(rkey: &str) -> Audience {
    Audience {
        rkey: Some(rkey.into()),
        ..Audience::default()
    }
}

#[test]
fn an_event_with_a_resource_key_goes_to_one_node_and_to_all_that_are_no_nodes() {
    let mut scene = four();
    join_node(&mut scene, "b", Some("one"));
    join_node(&mut scene, "c", Some("one"));
    join_node(&mut scene, "d", Some("two"));
    let mut seen = BTreeMap::<String, u32>::new();
    for number in 0..100 {
        let rkey = format!("sensor{number}");
        let first = reached(&mut scene, keyed(&rkey));
        assert_eq!(first, reached(&mut scene, keyed(&rkey)), "a key stays at its node");
        *seen.entry(first).or_default() += 1;
    }
    let fair = |who: &str| (25..=75).contains(&seen[who]);
    assert!(seen.len() == 2 && fair("abc") && fair("ad"), "{seen:?}");
    scene.send("a", publish(1, "com.t", PublishOptions::default()));
    for name in ["b", "c", "d"] {
        assert!(
            matches!(scene.expect(name), Message::Event(_)),
            "without a key it is for all"
        );
    }
}

#[test]
fn when_a_node_leaves_only_its_keys_move() {
    let mut scene = four();
    for name in ["b", "c", "d"] {
        join_node(&mut scene, name, Some(name));
    }
    let keys: Vec<String> = (0..100).map(|number| format!("sensor{number}")).collect();
    let before: Vec<_> = keys.iter().map(|key| reached(&mut scene, keyed(key))).collect();
    // It stays subscribed, as no node: from now on it gets all.
    join_node(&mut scene, "d", None);
    for (key, before) in keys.iter().zip(before) {
        let now = reached(&mut scene, keyed(key));
        let now = now.strip_suffix('d').expect("it gets all");
        assert!(before == "ad" || before == now, "{key} moved from {before} to {now}");
    }
    for name in ["a", "b", "c", "d"] {
        scene.leave(name);
    }
    assert!(scene.is_clean());
}
