//! Calls that come from other routers, and that go to them.

use super::*;
use crate::message::{
    CallOptions, Invoke, Match, Message, Origin, RegisterOptions, RequestError, RequestKind, Route, RouterId,
};
use crate::realm::Settings;
use crate::realm::role::Role;
use crate::realm::scene::{Scene, call, call_with, request};

/// A realm of the router 1 with a caller, a callee, and two sessions that speak for routers and share the pattern `com.`, the
/// second of which is asked first.
fn scene() -> Scene {
    let settings = Settings {
        router: RouterId::new(1),
        ..Settings::default()
    };
    let mut scene = Scene::with(settings, &["caller", "callee"]);
    for link in ["first", "last"] {
        scene.join(link, Role::unrestricted("link").for_link());
        let options = RegisterOptions {
            policy: Match::Prefix,
            invoke: Invoke::Last,
            ..RegisterOptions::default()
        };
        scene.offer_with(link, "com.", options);
    }
    scene.offer("callee", "com.own");
    scene
}

fn via(routers: impl IntoIterator<Item = u64>) -> CallOptions {
    let route = Route {
        via: routers.into_iter().map(RouterId::new).collect(),
        from: Some(Origin {
            session: SessionId::FIRST,
            authid: "far".into(),
            authrole: "away".into(),
        }),
        ..Route::default()
    };
    CallOptions {
        passthru: Passthru::with_route(None, route),
        ..CallOptions::default()
    }
}

fn fail(number: u64, error: &'static str) -> Message {
    Message::Error(RequestError {
        kind: RequestKind::Invocation,
        request: request(number),
        details: Default::default(),
        error: error.into(),
        payload: crate::payload::Payload::EMPTY,
    })
}

#[test]
fn a_callee_is_told_who_called_where_the_call_began_and_a_router_the_whole_way() {
    let mut scene = scene();
    scene.send("first", call_with(1, "com.own", via([2])));
    let told = scene.expect_invocation("callee").details;
    assert_eq!((&*told.caller.unwrap().authid, told.passthru), ("far", None));
    scene.send("first", call_with(2, "com.far", via([2])));
    let told = scene.expect_invocation("last").details;
    assert_eq!(Passthru::route_of(&told.passthru).unwrap().via, [RouterId::new(2)]);
}

#[test]
fn a_program_that_says_a_way_is_not_believed() {
    let mut scene = scene();
    scene.send("caller", call_with(1, "com.own", via([1])));
    let told = scene.expect_invocation("callee").details;
    assert_eq!((told.caller, told.passthru), (None, None));
}

#[test]
fn a_call_that_comes_round_or_has_come_too_far_finds_nobody() {
    let mut scene = scene();
    let far = MAX_VIA as u64;
    scene.send("first", call_with(1, "com.own", via(10..10 + far - 1)));
    scene.expect_invocation("callee");
    for (number, options) in [(2, via([2, 1, 3])), (3, via(10..10 + far))] {
        scene.send("first", call_with(number, "com.own", options));
        scene.expect_error("first", RequestKind::Call, "wamp.error.no_such_procedure");
        scene.expect_nothing("callee");
    }
}

#[test]
fn what_one_router_has_nobody_for_the_next_one_is_asked_for_and_at_last_nobody_has_it() {
    let mut scene = scene();
    scene.send("caller", call(1, "com.far"));
    scene.expect_invocation("last");
    scene.send("last", fail(1, "wamp.error.no_such_procedure"));
    scene.expect_invocation("first");
    scene.expect_nothing("caller");
    scene.send("first", fail(1, "wamp.error.no_such_procedure"));
    scene.expect_error("caller", RequestKind::Call, "wamp.error.no_such_procedure");
    // Of a callee that is no router the error is its own.
    scene.send("caller", call(2, "com.own"));
    scene.expect_invocation("callee");
    scene.send("callee", fail(1, "wamp.error.no_such_procedure"));
    scene.expect_error("caller", RequestKind::Call, "wamp.error.no_such_procedure");
}

#[test]
fn who_speaks_for_a_router_is_told_which_one_this_is() {
    let principal = |role| crate::realm::Principal {
        authid: "x".into(),
        role: std::sync::Arc::new(role),
        method: "ticket",
        provider: "static",
        authextra: Default::default(),
    };
    let scene = scene();
    let told = |role| scene.realm.welcome(&principal(role), None).get("_router").cloned();
    assert_eq!(told(Role::unrestricted("x")), None);
    assert_eq!(
        told(Role::unrestricted("x").for_link()),
        Some("0000000000000001".into())
    );
}
