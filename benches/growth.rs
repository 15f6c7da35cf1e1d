//! What a call and an event cost as a realm grows: by rights the same. `cargo bench --bench growth`.

mod core;

use std::sync::Arc;

use bytes::Bytes;
use divan::Bencher;
use wamp::codec::Serializer;
use wamp::message::{Match, Message};
use wamp::realm::role::{Actions, Consent, Disclose, Role, Rule};

use self::core::{call_and_answer, decoded, realm, realm_for, send};

/// Sizes of a realm.
const SIZES: [usize; 5] = [10, 100, 1_000, 10_000, 100_000];
/// What one session registers or subscribes to: no more than it may.
const PER_SESSION: usize = 50;
const POLICIES: [&str; 3] = ["exact", "prefix", "wildcard"];

fn main() {
    divan::main();
}

/// The pattern with this number, and a URI that no other pattern matches.
fn names(policy: &str, number: usize) -> (String, String) {
    match policy {
        "prefix" => (format!("com.n{number}."), format!("com.n{number}.one")),
        "wildcard" => (format!("com..n{number}"), format!("com.one.n{number}")),
        _ => (format!("com.n{number}"), format!("com.n{number}")),
    }
}

fn message(json: &str) -> Message {
    decoded(Serializer::Json, &Bytes::copy_from_slice(json.as_bytes()))
}

fn call(bencher: Bencher<'_, '_>, policy: &str, registrations: usize) {
    let (mut realm, sessions) = realm(2 + registrations / PER_SESSION);
    let mut out = Vec::new();
    for number in 0..registrations {
        let (pattern, _) = names(policy, number);
        let register = format!(r#"[64,{},{{"match":"{policy}"}},"{pattern}"]"#, number + 1);
        send(&mut realm, sessions[1 + number / PER_SESSION], &register, &mut out);
        out.clear();
    }
    let (_, uri) = names(policy, registrations / 2);
    let call = message(&format!(r#"[48,1,{{}},"{uri}",["x"]]"#));
    let ends = (sessions[0], sessions[1 + registrations / 2 / PER_SESSION]);
    bencher.bench_local(|| call_and_answer(&mut realm, ends, &call, &mut out));
}

fn event(bencher: Bencher<'_, '_>, policy: &str, subscriptions: usize) {
    let (mut realm, sessions) = realm(2 + subscriptions / PER_SESSION);
    let mut out = Vec::new();
    for number in 0..subscriptions {
        let (pattern, _) = names(policy, number);
        let subscribe = format!(r#"[32,{},{{"match":"{policy}"}},"{pattern}"]"#, number + 1);
        send(&mut realm, sessions[1 + number / PER_SESSION], &subscribe, &mut out);
        out.clear();
    }
    let (_, uri) = names(policy, subscriptions / 2);
    let publish = message(&format!(r#"[16,1,{{}},"{uri}",["x"]]"#));
    bencher.bench_local(|| {
        out.clear();
        let sent = realm.receive(sessions[0], publish.clone(), &mut out);
        assert_eq!(out.len(), 1, "one subscription matches");
        sent
    });
}

#[divan::bench(args = POLICIES, consts = SIZES)]
fn call_among_registrations<const N: usize>(bencher: Bencher<'_, '_>, policy: &str) {
    call(bencher, policy, N);
}

#[divan::bench(args = POLICIES, consts = SIZES)]
fn event_among_subscriptions<const N: usize>(bencher: Bencher<'_, '_>, policy: &str) {
    event(bencher, policy, N);
}

#[divan::bench(args = SIZES)]
fn call_among_sessions(bencher: Bencher<'_, '_>, number: usize) {
    let (mut realm, sessions) = realm(number.max(2));
    let mut out = Vec::new();
    send(
        &mut realm,
        sessions[0],
        r#"[64,1,{},"com.example.procedure"]"#,
        &mut out,
    );
    let call = message(r#"[48,1,{},"com.example.procedure",["x"]]"#);
    let ends = (sessions[number / 2], sessions[0]);
    bencher.bench_local(|| call_and_answer(&mut realm, ends, &call, &mut out));
}

/// How many rules the role of the caller has.
#[divan::bench(args = POLICIES, consts = [10, 100, 1_000])]
fn call_among_rules<const N: usize>(bencher: Bencher<'_, '_>, policy: &str) {
    let (_, uri) = names(policy, N / 2);
    let rules = (0..N).map(|number| Rule {
        uri: names(policy, number).0.as_str().into(),
        policy: Match::from_name(policy.as_bytes()).expect("one of the three"),
        allow: Actions::ALL,
        disclose: Disclose::Never,
        consent: Consent::Given,
        trustlevel: None,
    });
    let role = Role::new("anonymous", rules.collect()).expect("they are well formed");
    let (mut realm, sessions) = realm_for(&Arc::new(role), 2);
    let mut out = Vec::new();
    send(&mut realm, sessions[0], &format!(r#"[64,1,{{}},"{uri}"]"#), &mut out);
    let call = message(&format!(r#"[48,1,{{}},"{uri}",["x"]]"#));
    bencher.bench_local(|| call_and_answer(&mut realm, (sessions[1], sessions[0]), &call, &mut out));
}
