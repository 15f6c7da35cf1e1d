//! Who gets in and as what: keys, codes, the owner, components; and how they are thrown out.

use client::{Args, Closed, Dict, Error, Options, Serializer, SigningKey, Value};

use crate::support::{Desk, Way, key, public, refusal, soon};
use crate::window::Window;

fn keyed(key: &SigningKey) -> Options {
    Options {
        key: Some(key.clone()),
        ..Options::new("deskconn")
    }
}

fn error_uri(result: Result<Args, Error>) -> String {
    match result {
        Err(Error::Request(error)) => error.uri.to_string(),
        other => panic!("{other:?}"),
    }
}

/// Pairs `key` by a call of `pair`.
async fn pair(desk: &Desk, key: &SigningKey, args: Args) -> Dict {
    let mut window = Window::legacy(desk, args).await;
    let stranger = desk.join(Way::WebSocket, Serializer::Json, "deskconn").await;
    assert_eq!(stranger.detail("authrole"), Some("pairing"));
    let arguments = [window.number().into(), public(key).into()];
    let call = stranger.call("org.deskconn.deskconnd.pairing.pair", arguments);
    let (paired, (question, _)) = soon("pairing", async { tokio::join!(call, window.answer(true)) }).await;
    assert_eq!(paired.unwrap().into_value(), Value::Bool(true));
    question
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_that_was_paired_by_its_code_logs_in_with_its_key() {
    let desk = Desk::start().await;
    let phone = key(1);
    let question = pair(&desk, &phone, Args::default().with("name", "Om's phone")).await;
    assert_eq!(question["name"], Value::from("Om's phone"));
    assert_eq!(
        question["fingerprint"].as_str().unwrap().len(),
        "7KQ2-M4XR-ZP0T-9D3F".len()
    );
    let session = desk.try_join(Way::WebSocket, keyed(&phone)).await.unwrap();
    assert_eq!(
        (session.detail("authrole"), session.detail("authmethod")),
        (Some("remote"), Some("cryptosign"))
    );
    assert!(session.detail("authid").unwrap().starts_with("d_"));
    session.call("org.deskconn.slides.next", ()).await.unwrap();
    assert_eq!(desk.machine.taps().len(), 1);
    assert_eq!(
        refusal(desk.try_join(Way::WebSocket, keyed(&key(2))).await),
        "wamp.error.authentication_failed"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_with_a_code_pairs_the_key() {
    let desk = Desk::start().await;
    let mut window = Window::legacy(&desk, Args::default().with("role", "slides")).await;
    let phone = key(1);
    let authextra = Dict::from([("otp".to_owned(), window.code.as_str().into())]);
    let login = desk.try_join(
        Way::WebSocket,
        Options {
            authextra,
            ..keyed(&phone)
        },
    );
    let (session, _) = soon("pairing", async { tokio::join!(login, window.answer(true)) }).await;
    let session = session.unwrap();
    assert_eq!(session.detail("authrole"), Some("slides"));
    session.call("org.deskconn.slides.next", ()).await.unwrap();
    assert_eq!(
        error_uri(session.call("org.deskconn.screen.lock", ()).await),
        "wamp.error.not_authorized"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_device_is_not_let_in() {
    let desk = Desk::start().await;
    let mut window = Window::legacy(&desk, Args::default()).await;
    let authextra = Dict::from([("otp".to_owned(), window.number().into())]);
    let login = desk.try_join(
        Way::WebSocket,
        Options {
            authextra,
            ..keyed(&key(1))
        },
    );
    let (refused, _) = soon("the answer", async { tokio::join!(login, window.answer(false)) }).await;
    assert_eq!(refusal(refused), "wamp.error.authentication_denied");
    assert_eq!(
        refusal(desk.try_join(Way::WebSocket, keyed(&key(1))).await),
        "wamp.error.authentication_failed"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_wrong_codes_burn_the_window_and_the_right_one_comes_too_late() {
    let desk = Desk::start().await;
    let window = Window::legacy(&desk, Args::default()).await;
    let mut closed = window.owner.subscribe("org.deskconn.pairing.on_closed").await.unwrap();
    let stranger = desk.join(Way::WebSocket, Serializer::Json, "deskconn").await;
    let pair = async |code: Value| {
        let result = stranger.call("org.deskconn.pair", [code, public(&key(1)).into()]).await;
        result.unwrap().into_value()
    };
    let wrong = if window.number() == 99_999_999 {
        10_000_000_u64
    } else {
        window.number() + 1
    };
    for code in [wrong.into(), "nonsense".into(), wrong.into(), window.number().into()] {
        assert_eq!(soon("the answer", pair(code)).await, Value::Bool(false));
    }
    assert!(soon("the end of the window", closed.next()).await.is_some());
    let late = Options::new("deskconn");
    assert_eq!(
        refusal(desk.try_join(Way::WebSocket, late).await),
        "wamp.error.authentication_required"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_works_once() {
    let desk = Desk::start().await;
    let mut window = Window::legacy(&desk, Args::default()).await;
    let first = desk.join(Way::WebSocket, Serializer::Json, "deskconn").await;
    let second = desk.join(Way::WebSocket, Serializer::Json, "deskconn").await;
    let code = window.number();
    let call = first.call("org.deskconn.pair", [code.into(), public(&key(1)).into()]);
    let (paired, _) = soon("pairing", async { tokio::join!(call, window.answer(true)) }).await;
    assert_eq!(paired.unwrap().into_value(), Value::Bool(true));
    let again = second
        .call("org.deskconn.pair", [code.into(), public(&key(2)).into()])
        .await;
    assert_eq!(again.unwrap().into_value(), Value::Bool(false));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_may_do_nothing_but_pair_and_only_while_a_window_is_open() {
    let desk = Desk::start().await;
    let anonymous = || desk.try_join(Way::WebSocket, Options::new("deskconn"));
    assert_eq!(refusal(anonymous().await), "wamp.error.authentication_required");
    let _window = Window::legacy(&desk, Args::default()).await;
    let stranger = anonymous().await.unwrap();
    for procedure in [
        "org.deskconn.slides.next",
        "org.deskconn.info.get",
        "org.deskconn.pairing.open",
        "com.x",
    ] {
        assert_eq!(
            error_uri(stranger.call(procedure, ()).await),
            "wamp.error.not_authorized",
            "{procedure}"
        );
    }
    assert!(stranger.subscribe("org.deskconn.pairing.on_asked").await.is_err());
    assert!(stranger.publish_acknowledged("org.deskconn.x", ()).await.is_err());
    assert!(
        stranger
            .register("org.deskconn.pair", |_| async { Ok(().into()) })
            .await
            .is_err()
    );
    let mut held = vec![stranger];
    while held.len() < deskconnd::pair::PAIRING_SESSIONS {
        held.push(anonymous().await.unwrap());
    }
    assert_eq!(refusal(anonymous().await), "wamp.error.authentication_denied");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_device_loses_its_session_and_does_not_come_back() {
    let desk = Desk::start().await;
    let phone = key(1);
    pair(&desk, &phone, Args::default()).await;
    let session = desk.try_join(Way::RawSocket, keyed(&phone)).await.unwrap();
    let id = session.detail("authid").unwrap().to_owned();
    let owner = desk.owner().await;
    let ended = owner
        .call("org.deskconn.devices.revoke", [id.as_str().into()])
        .await
        .unwrap();
    assert_eq!(ended.into_value(), Value::from(1_u64));
    let closed = soon("the end of the session", session.closed()).await;
    assert!(matches!(closed, Closed::ByRouter(reason, _) if reason == "wamp.close.killed"));
    assert_eq!(
        refusal(desk.try_join(Way::WebSocket, keyed(&phone)).await),
        "wamp.error.authentication_failed"
    );
    assert_eq!(
        owner.call("org.deskconn.devices.list", ()).await.unwrap().into_value(),
        Value::List(vec![])
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_role_holds_at_once() {
    let desk = Desk::start().await;
    let phone = key(1);
    pair(&desk, &phone, Args::default()).await;
    let session = desk.try_join(Way::WebSocket, keyed(&phone)).await.unwrap();
    session.call("org.deskconn.screen.is_locked", ()).await.unwrap();
    let owner = desk.owner().await;
    let id = session.detail("authid").unwrap();
    owner
        .call("org.deskconn.devices.set_role", [id.into(), "slides".into()])
        .await
        .unwrap();
    assert_eq!(
        error_uri(session.call("org.deskconn.screen.is_locked", ()).await),
        "wamp.error.not_authorized"
    );
    session.call("org.deskconn.slides.next", ()).await.unwrap();
    let wrong = owner
        .call("org.deskconn.devices.set_role", [id.into(), "king".into()])
        .await;
    assert_eq!(error_uri(wrong), "org.deskconn.error.bad_argument");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn devices_are_known_after_a_restart() {
    let desk = Desk::start().await;
    let phone = key(1);
    pair(&desk, &phone, Args::default()).await;
    let Desk { daemon, home, .. } = desk;
    daemon.stop().await;
    let desk = Desk::at(home, "").await;
    let session = desk.try_join(Way::WebSocket, keyed(&phone)).await.unwrap();
    assert_eq!(session.detail("authrole"), Some("remote"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_has_a_space_of_its_own_and_no_other() {
    let desk = Desk::start().await;
    let phone = key(1);
    pair(&desk, &phone, Args::default()).await;
    let session = desk.try_join(Way::WebSocket, keyed(&phone)).await.unwrap();
    let own = format!("org.deskconn.device.{}.battery", session.detail("authid").unwrap());
    session
        .register(&own, |_| async { Ok(Value::from(80_u64).into()) })
        .await
        .unwrap();
    assert_eq!(
        desk.owner().await.call(&own, ()).await.unwrap().into_value(),
        Value::from(80_u64)
    );
    for uri in [
        "org.deskconn.device.d_zzzzzzzz.battery",
        "org.deskconn.slides.other",
        "com.mine",
        "wamp.x",
    ] {
        assert!(
            session.register(uri, |_| async { Ok(().into()) }).await.is_err(),
            "{uri}"
        );
        assert!(session.publish_acknowledged(uri, ()).await.is_err(), "{uri}");
    }
    for (pattern, policy) in [
        ("org.deskconn.", client::Match::Prefix),
        ("org..pairing.on_asked", client::Match::Wildcard),
    ] {
        assert!(session.subscribe_matching(pattern, policy).await.is_err(), "{pattern}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_component_on_the_unix_socket_offers_under_its_own_name_alone() {
    let desk = Desk::start().await;
    let component = |authid: Option<&str>| Options {
        authrole: Some("component".to_owned()),
        authid: authid.map(str::to_owned),
        ..Options::new("deskconn")
    };
    assert_eq!(
        refusal(desk.try_join(Way::Unix, component(None)).await),
        "wamp.error.not_authorized"
    );
    // The others would be taken for a device, a user, an agent, or an extension.
    for name in ["a.b", "d_ec3q7r8a", "uid_0", "agent_1000", "extension"] {
        let joined = desk.try_join(Way::Unix, component(Some(name))).await;
        assert_eq!(refusal(joined), "wamp.error.not_authorized", "{name}");
    }
    let lamp = desk.try_join(Way::Unix, component(Some("lamp"))).await.unwrap();
    let on = |_| async { Ok(Value::from("on").into()) };
    lamp.register("org.deskconn.component.lamp.switch", on).await.unwrap();
    assert!(
        lamp.register("org.deskconn.component.lampoon.switch", on)
            .await
            .is_err()
    );
    assert_eq!(
        error_uri(lamp.call("org.deskconn.devices.list", ()).await),
        "wamp.error.not_authorized"
    );
    let result = desk
        .owner()
        .await
        .call("org.deskconn.component.lamp.switch", ())
        .await
        .unwrap();
    assert_eq!(result.into_value(), Value::from("on"));
    let king = Options {
        authrole: Some("king".to_owned()),
        ..Options::new("deskconn")
    };
    assert_eq!(refusal(desk.try_join(Way::Unix, king).await), "wamp.error.no_such_role");
}
