//! What a device may do, and how that changes while it is there: roles, grants with their limits, presence.

use client::{Args, Closed, Error, Match, Session, Value};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::phone::Phone;
use crate::support::{Desk, Way, refusal, soon};

pub(crate) fn error_uri(result: Result<Args, Error>) -> String {
    match result {
        Err(Error::Request(error)) => error.uri.to_string(),
        other => panic!("{other:?}"),
    }
}

const LOCK: &str = "org.deskconn.screen.is_locked";

/// A phone that may turn slides, and nothing else.
pub(crate) async fn presenter(desk: &Desk) -> (Phone, Session, Session) {
    let phone = Phone::pair(desk, 1, Args::default().with("role", "slides")).await;
    let session = phone.log_in(desk).await;
    (phone, session, desk.owner().await)
}

pub(crate) async fn grant(owner: &Session, phone: &Phone, uri: &str, args: Args) -> Value {
    let mut args = args;
    args.args = vec![phone.id().into(), uri.into()];
    let granted = owner.call("org.deskconn.devices.grant", args).await;
    granted.unwrap().into_value()
}

fn seconds_from_now(seconds: i64) -> String {
    let time = OffsetDateTime::now_utc() + time::Duration::seconds(seconds);
    time.format(&Rfc3339).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_grant_holds_at_once_and_a_denial_too() {
    let desk = Desk::start().await;
    let (phone, session, owner) = presenter(&desk).await;
    assert_eq!(error_uri(session.call(LOCK, ()).await), "wamp.error.not_authorized");
    let device = grant(&owner, &phone, LOCK, Args::default()).await;
    let grants = device.as_dict().unwrap()["grants"].clone();
    assert_eq!(grants.as_list().unwrap().len(), 1);
    session.call(LOCK, ()).await.unwrap();
    session.call("org.deskconn.slides.next", ()).await.unwrap();
    let denied = owner
        .call("org.deskconn.devices.deny", [phone.id().into(), LOCK.into()])
        .await;
    assert!(denied.is_ok());
    assert_eq!(error_uri(session.call(LOCK, ()).await), "wamp.error.not_authorized");
    let again = owner
        .call("org.deskconn.devices.deny", [phone.id().into(), LOCK.into()])
        .await;
    assert_eq!(error_uri(again), "org.deskconn.error.refused");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_only_grant_lets_a_device_hear_and_ask_but_not_change() {
    let desk = Desk::start().await;
    let (phone, session, owner) = presenter(&desk).await;
    let hear = Value::List(vec!["subscribe".into()]);
    grant(&owner, &phone, "org.deskconn.brightness.get", Args::default()).await;
    grant(
        &owner,
        &phone,
        "org.deskconn.brightness.on_changed",
        Args::default().with("allow", hear),
    )
    .await;
    session.call("org.deskconn.brightness.get", ()).await.unwrap();
    let mut changes = session.subscribe("org.deskconn.brightness.on_changed").await.unwrap();
    let set = session.call("org.deskconn.brightness.set", [40_u64.into()]).await;
    assert_eq!(error_uri(set), "wamp.error.not_authorized");
    owner
        .call("org.deskconn.brightness.set", [40_u64.into()])
        .await
        .unwrap();
    assert!(soon("the change", changes.next()).await.is_some());
    // What it hears ends with the grant.
    let args = [phone.id().into(), "org.deskconn.brightness.on_changed".into()];
    owner.call("org.deskconn.devices.deny", args).await.unwrap();
    owner
        .call("org.deskconn.brightness.set", [60_u64.into()])
        .await
        .unwrap();
    assert!(
        soon("the end of the subscription", changes.next()).await.is_none(),
        "the router takes the subscription away, and says so"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_grant_with_an_end_is_void_from_then_on_in_open_sessions_too() {
    let desk = Desk::start().await;
    let (phone, session, owner) = presenter(&desk).await;
    grant(&owner, &phone, LOCK, Args::default().with("until", seconds_from_now(1))).await;
    session.call(LOCK, ()).await.unwrap();
    let ended = async {
        while session.call(LOCK, ()).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    soon("the end of the grant", ended).await;
    session.call("org.deskconn.slides.next", ()).await.unwrap();
    let past = Args::default().with("until", "yesterday");
    let mut past = past;
    past.args = vec![phone.id().into(), LOCK.into()];
    let wrong = owner.call("org.deskconn.devices.grant", past).await;
    assert_eq!(error_uri(wrong), "org.deskconn.error.bad_argument");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_grant_for_what_nothing_can_be_called_is_refused() {
    let desk = Desk::start().await;
    let (phone, _session, owner) = presenter(&desk).await;
    for (uri, matching) in [
        ("org deskconn", "exact"),
        ("org.deskconn.Power.suspend", "exact"),
        ("org..suspend", "exact"),
        ("org.deskconn..", "prefix"),
    ] {
        let mut args = Args::default().with("match", matching);
        args.args = vec![phone.id().into(), uri.into()];
        let refused = owner.call("org.deskconn.devices.grant", args).await;
        assert_eq!(error_uri(refused), "org.deskconn.error.bad_argument", "{uri}");
    }
    grant(
        &owner,
        &phone,
        "org..suspend",
        Args::default().with("match", "wildcard"),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_grant_while_unlocked_follows_the_screen() {
    let desk = Desk::start().await;
    let (phone, session, owner) = presenter(&desk).await;
    let mut locked = owner.subscribe("org.deskconn.screen.on_locked").await.unwrap();
    grant(
        &owner,
        &phone,
        "org.deskconn.brightness.get",
        Args::default().with("while_unlocked", true),
    )
    .await;
    let allowed = async || session.call("org.deskconn.brightness.get", ()).await.is_ok();
    let becomes = async |expected: bool| {
        let wait = async {
            while allowed().await != expected {
                tokio::task::yield_now().await;
            }
        };
        soon("the grant to follow", wait).await;
    };
    becomes(true).await;
    owner.call("org.deskconn.screen.lock", ()).await.unwrap();
    assert_eq!(
        soon("the lock", locked.next()).await.unwrap().args.into_value(),
        Value::Bool(true)
    );
    becomes(false).await;
    let info = session.call("org.deskconn.info.get", ()).await.unwrap().into_value();
    let grants = info.as_dict().unwrap()["grants"].clone();
    assert_eq!(
        grants.as_list().unwrap()[0].as_dict().unwrap()["holds"],
        Value::Bool(false)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_with_a_confirm_grant_waits_for_the_owner_each_time() {
    let desk = Desk::start().await;
    let (phone, session, owner) = presenter(&desk).await;
    let mut asked = owner.subscribe("org.deskconn.consent.on_asked").await.unwrap();
    let mut closed = owner.subscribe("org.deskconn.consent.on_closed").await.unwrap();
    grant(&owner, &phone, LOCK, Args::default().with("confirm", true)).await;
    for is_allowed in [true, false, true] {
        let call = session.call(LOCK, ());
        let answer = async {
            let question = soon("the question", asked.next()).await.unwrap().args.into_value();
            let question = question.as_dict().unwrap();
            assert_eq!(question["device"].as_str(), Some(phone.id()));
            assert_eq!(question["procedure"].as_str(), Some(LOCK));
            let another = session.call(LOCK, ()).await;
            assert_eq!(
                error_uri(another),
                "wamp.error.not_authorized",
                "one question at a time"
            );
            let arguments = [question["request"].clone(), is_allowed.into()];
            owner
                .call("org.deskconn.consent.answer", arguments.clone())
                .await
                .unwrap();
            let late = owner.call("org.deskconn.consent.answer", arguments).await;
            assert_eq!(error_uri(late), "org.deskconn.error.refused");
            soon("the end", closed.next()).await.unwrap();
        };
        let (result, ()) = tokio::join!(call, answer);
        assert_eq!(result.is_ok(), is_allowed);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_goes_when_the_device_goes() {
    let desk = Desk::start().await;
    let (phone, session, owner) = presenter(&desk).await;
    let mut asked = owner.subscribe("org.deskconn.consent.on_asked").await.unwrap();
    let mut closed = owner.subscribe("org.deskconn.consent.on_closed").await.unwrap();
    grant(&owner, &phone, LOCK, Args::default().with("confirm", true)).await;
    let call = tokio::spawn(async move { session.call(LOCK, ()).await });
    let question = soon("the question", asked.next()).await.unwrap().args.into_value();
    call.abort();
    let end = soon("the end", closed.next()).await.unwrap().args;
    assert_eq!(end.args[0], question.as_dict().unwrap()["request"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_whose_time_is_over_is_sent_away_and_does_not_come_back() {
    let desk = Desk::start().await;
    let (phone, session, owner) = presenter(&desk).await;
    let args = [phone.id().into(), seconds_from_now(1).into()];
    owner.call("org.deskconn.devices.expire", args).await.unwrap();
    let closed = soon("the end of the session", session.closed()).await;
    assert!(matches!(closed, Closed::ByRouter(reason, _) if reason == "wamp.close.killed"));
    let is_noted = async || {
        let of_device = Args::default().with("device", phone.id());
        let noted = owner
            .call("org.deskconn.audit.get", of_device)
            .await
            .unwrap()
            .into_value();
        let mut noted = noted.as_list().unwrap().iter();
        noted.any(|it| it.as_dict().unwrap()["kind"].as_str() == Some("device.expired"))
    };
    let noted = async { while !is_noted().await {} };
    soon("the entry in the log", noted).await;
    assert_eq!(
        refusal(phone.try_log_in(&desk, Way::Wss).await),
        "wamp.error.authentication_denied"
    );
    assert_eq!(
        refusal(phone.try_log_in(&desk, Way::Noise).await),
        "wamp.error.authentication_denied"
    );
    let nothing = owner.call("org.deskconn.devices.expire", [phone.id().into()]).await;
    assert_eq!(error_uri(nothing), "org.deskconn.error.bad_argument");
    owner
        .call("org.deskconn.devices.expire", [phone.id().into(), Value::Null])
        .await
        .unwrap();
    phone.log_in(&desk).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_learns_what_it_may_use() {
    let desk = Desk::start().await;
    let (_, session, owner) = presenter(&desk).await;
    let info = async |session: &Session| session.call("org.deskconn.info.get", ()).await.unwrap().into_value();
    let uris = |info: &Value, key: &str| {
        let list = info.as_dict().unwrap()[key].clone();
        list.as_list()
            .unwrap()
            .iter()
            .map(|it| it.as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let mine = info(&session).await;
    assert!(
        uris(&mine, "procedures")
            .iter()
            .all(|uri| uri.starts_with("org.deskconn.slides."))
    );
    assert!(uris(&mine, "procedures").len() >= 5 && uris(&mine, "topics").is_empty());
    let all = info(&owner).await;
    for uri in [LOCK, "org.deskconn.discovery.browse"] {
        assert!(uris(&all, "procedures").contains(&uri.to_owned()), "{uri}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_hears_who_is_there_and_late_comers_hear_it_at_once() {
    let desk = Desk::start().await;
    let (phone, session, owner) = presenter(&desk).await;
    let tablet = Phone::pair(&desk, 2, Args::default()).await;
    let watching = tablet.log_in(&desk).await;
    let topic = format!("org.deskconn.device.{}.on_presence", phone.id());
    let mut presence = watching
        .subscribe_retained("org.deskconn.device..on_presence", Match::Wildcard)
        .await
        .unwrap();
    // The first of the phone's own topic, whatever else is told.
    let mut next = async || loop {
        let event = soon("presence", presence.next()).await.unwrap();
        if event.topic.as_ref().is_some_and(|it| it.as_str() == topic) {
            return (event.args.into_value().as_bool().unwrap(), event.retained.is_some());
        }
    };
    assert_eq!(next().await, (true, true));
    let second = phone.log_in(&desk).await;
    session.leave().await;
    second.leave().await;
    assert_eq!(next().await, (false, false));
    let third = phone.log_in(&desk).await;
    assert_eq!(next().await, (true, false));
    // A device cannot speak for itself, or for others.
    assert!(third.publish_acknowledged(&topic, [false.into()]).await.is_err());
    assert!(watching.publish_acknowledged(&topic, [false.into()]).await.is_err());
    // Its connection breaks.
    drop(third);
    assert_eq!(next().await, (false, false));
    // Of a device that is gone for good nothing is kept.
    owner
        .call("org.deskconn.devices.revoke", [phone.id().into()])
        .await
        .unwrap();
    assert_eq!(next().await, (false, false));
    let marker = desk.owner().await;
    let kept = async || {
        let mut late = owner.subscribe_retained(&topic, Match::Exact).await.unwrap();
        // What is kept comes before what is published now.
        marker.publish(&topic, ()).await.unwrap();
        soon("the marker", late.next()).await.unwrap().retained.is_some()
    };
    let forgotten = async {
        while kept().await {
            tokio::task::yield_now().await;
        }
    };
    soon("presence to be forgotten", forgotten).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_session_of_a_device_is_taken_and_the_next_is_not_until_one_goes() {
    let desk = Desk::with("[limits]\nsessions_per_device = 2\n").await;
    let phone = Phone::pair(&desk, 1, Args::default()).await;
    let first = phone.log_in(&desk).await;
    let second = phone.try_log_in(&desk, Way::Noise).await.unwrap();
    assert_eq!(
        refusal(phone.try_log_in(&desk, Way::Wss).await),
        "wamp.error.authentication_denied"
    );
    first.leave().await;
    let third = async {
        loop {
            if let Ok(session) = phone.try_log_in(&desk, Way::Wss).await {
                return session;
            }
        }
    };
    soon("a place", third).await;
    drop(second);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn revoking_ends_every_session_also_during_a_call_and_during_a_login() {
    let desk = Desk::start().await;
    let (phone, session, owner) = presenter(&desk).await;
    let inside_noise = phone.try_log_in(&desk, Way::Noise).await.unwrap();
    grant(&owner, &phone, "org.deskconn.app.slow", Args::default()).await;
    let (started, mut has_started) = tokio::sync::mpsc::channel(1);
    let slow = move |_| {
        let started = started.clone();
        async move {
            started.send(()).await.unwrap();
            std::future::pending().await
        }
    };
    owner.register("org.deskconn.app.slow", slow).await.unwrap();
    let call = session.call("org.deskconn.app.slow", ());
    // Logins that begin before and end after.
    let logins = async {
        let login = || phone.try_log_in(&desk, Way::Wss);
        let (one, two, three) = tokio::join!(login(), login(), login());
        for session in [one, two, three].into_iter().flatten() {
            soon("its end", session.closed()).await;
        }
    };
    let revoke = async {
        has_started.recv().await.unwrap();
        owner
            .call("org.deskconn.devices.revoke", [phone.id().into()])
            .await
            .unwrap();
    };
    let (called, (), ()) = tokio::join!(call, logins, revoke);
    assert!(called.is_err());
    for session in [session, inside_noise] {
        let closed = soon("the end of the session", session.closed()).await;
        assert!(matches!(closed, Closed::ByRouter(reason, _) if reason == "wamp.close.killed"));
    }
    assert_eq!(
        refusal(phone.try_log_in(&desk, Way::Noise).await),
        "wamp.error.authentication_failed"
    );
}
