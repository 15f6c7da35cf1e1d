//! Rulesets as `nft --json list ruleset` prints them.

use serde_json::{Value, json};

use super::*;

/// A chain `input` with this policy and these rules, each a list of expressions.
fn input(policy: &str, rules: &[Value]) -> Value {
    let mut objects = vec![
        json!({"metainfo": {"version": "1.0.6"}}),
        json!({"table": {"family": "inet", "name": "filter"}}),
        json!({"chain": {"family": "inet", "table": "filter", "name": "input", "type": "filter", "hook": "input", "policy": policy}}),
    ];
    objects.extend(rules.iter().map(|rule| in_chain("input", rule)));
    json!({ "nftables": objects })
}

fn in_chain(chain: &str, rule: &Value) -> Value {
    json!({"rule": {"family": "inet", "table": "filter", "chain": chain, "expr": rule}})
}

fn port(right: &Value) -> Value {
    json!({"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": right}})
}

fn meta(operator: &str, key: &str, right: &str) -> Value {
    json!({"match": {"op": operator, "left": {"meta": {"key": key}}, "right": right}})
}

fn accept() -> Value {
    json!({"accept": null})
}

fn tcp(json: &Value) -> Way {
    Ruleset::new(json).way_of(&Packet::tcp(5020, &["wlan0".to_owned(), "wlan1".to_owned()]))
}

fn mdns(json: &Value) -> Way {
    Ruleset::new(json).way_of(&Packet::mdns(5353, &["wlan0".to_owned()]))
}

fn is_closed(way: &Way) -> bool {
    matches!(way, Way::Closed { .. })
}

#[test]
fn without_rules_and_with_rules_for_others_everything_is_open() {
    assert_eq!(tcp(&json!({"nftables": []})), Way::Open);
    assert_eq!(tcp(&json!({})), Way::Open);
    let other = json!({"nftables": [{"chain": {"family": "inet", "table": "t", "name": "out", "type": "filter",
        "hook": "output", "policy": "drop"}}]});
    assert_eq!(tcp(&other), Way::Open);
    let six = json!({"nftables": [{"chain": {"family": "ip6", "table": "t", "name": "input", "type": "filter",
        "hook": "input", "policy": "drop"}}]});
    assert_eq!(tcp(&six), Way::Open, "phones come by IPv4 as well");
}

#[test]
fn a_policy_or_a_rule_shuts_the_port_and_is_named() {
    let expected = Way::Closed {
        by: "the policy".to_owned(),
        chain: "inet filter input".to_owned(),
    };
    assert_eq!(tcp(&input("drop", &[])), expected);
    let rule = json!([port(&json!(5020)), {"counter": {"packets": 0}}, {"reject": {"type": "tcp reset"}}]);
    let json = input("accept", &[rule]);
    assert!(is_closed(&tcp(&json)), "{:?}", tcp(&json));
    assert_eq!(mdns(&json), Way::Open, "that rule is not for mDNS");
}

#[test]
fn a_port_is_found_alone_in_sets_and_in_ranges() {
    for right in [
        json!(5020),
        json!({"set": [22, 5020]}),
        json!({"set": [22, {"range": [5000, 5100]}]}),
        json!({"range": [5020, 5020]}),
    ] {
        assert_eq!(
            tcp(&input("drop", &[json!([port(&right), accept()])])),
            Way::Open,
            "{right}"
        );
    }
    for right in [json!(22), json!({"set": [22, 80]}), json!({"range": [1, 5019]})] {
        assert!(
            is_closed(&tcp(&input("drop", &[json!([port(&right), accept()])]))),
            "{right}"
        );
    }
}

#[test]
fn a_new_connection_is_not_an_established_one() {
    let map = json!([{"vmap": {"key": {"ct": {"key": "state"}}, "data": {"set": [
        ["invalid", {"drop": null}], ["established", {"accept": null}], ["related", {"accept": null}]]}}}]);
    assert!(is_closed(&tcp(&input("drop", std::slice::from_ref(&map)))));
    assert_eq!(tcp(&input("accept", &[map])), Way::Open);
    let right = json!(["established", "related"]);
    let state = json!([{"match": {"op": "in", "left": {"ct": {"key": "state"}}, "right": right}}, accept()]);
    assert!(is_closed(&tcp(&input("drop", &[state]))));
}

#[test]
fn the_interface_counts_and_loopback_is_no_phone() {
    let by = |operator, name| input("drop", &[json!([meta(operator, "iifname", name), accept()])]);
    assert!(is_closed(&tcp(&by("==", "lo"))));
    assert_eq!(tcp(&by("!=", "lo")), Way::Open);
    assert_eq!(tcp(&by("==", "wl*")), Way::Open);
    assert!(matches!(tcp(&by("==", "wlan1")), Way::Unclear { .. }), "one of two");
}

#[test]
fn jumps_come_back_and_gotos_do_not() {
    let chain = json!({"chain": {"family": "inet", "table": "filter", "name": "more"}});
    let of = |kind: &str, verdict: Value| {
        let jump = json!([{kind: {"target": "more"}}]);
        let mut json = input("drop", &[jump, json!([accept()])]);
        let objects = json["nftables"].as_array_mut().unwrap();
        objects.push(chain.clone());
        objects.push(in_chain("more", &json!([verdict])));
        tcp(&json)
    };
    assert_eq!(of("jump", json!({"return": null})), Way::Open);
    assert!(is_closed(&of("goto", json!({"return": null}))));
    assert!(is_closed(&of("jump", json!({"drop": null}))));
    let endless = of("jump", json!({"jump": {"target": "more"}}));
    assert_eq!(endless, Way::Open, "a chain that jumps to itself ends");
}

#[test]
fn what_depends_on_the_sender_is_unclear_and_the_rule_is_shown() {
    let sender = json!({"match": {"op": "==", "left": {"payload": {"protocol": "ip", "field": "saddr"}},
        "right": {"prefix": {"addr": "10.0.0.0", "len": 8}}}});
    let json = input("drop", &[json!([sender, port(&json!(5020)), accept()])]);
    let Way::Unclear { by, .. } = tcp(&json) else {
        panic!("{:?}", tcp(&json))
    };
    assert!(by.contains("10.0.0.0"), "{by}");
    let named = json!([port(&json!("@allowed")), accept()]);
    assert!(matches!(tcp(&input("drop", &[named])), Way::Unclear { .. }));
    let limited = json!([{"limit": {"rate": 3}}, {"drop": null}]);
    assert!(matches!(tcp(&input("accept", &[limited])), Way::Unclear { .. }));
}

#[test]
fn mdns_is_let_in_by_its_port_its_address_or_its_kind() {
    let field = |protocol: &str, field: &str, right: Value| json!({"match": {"op": "==", "left": {"payload": {"protocol": protocol, "field": field}}, "right": right}});
    for matching in [
        field("udp", "dport", json!(5353)),
        field("udp", "dport", json!("mdns")),
        field("ip", "daddr", json!("224.0.0.251")),
        meta("==", "pkttype", "multicast"),
        json!({"match": {"op": "==", "left": {"fib": {"result": "type", "flags": ["daddr"]}}, "right": "multicast"}}),
    ] {
        let json = input("drop", &[json!([matching, accept()])]);
        assert_eq!(mdns(&json), Way::Open, "{matching}");
        assert_ne!(tcp(&json), Way::Open, "{matching}");
    }
}

#[test]
fn each_chain_has_to_let_it_in() {
    let mut json = input("accept", &[]);
    json["nftables"]
        .as_array_mut()
        .unwrap()
        .push(json!({"chain": {"family": "ip", "table": "raw", "name": "pre",
        "type": "filter", "hook": "prerouting", "policy": "drop"}}));
    assert!(is_closed(&tcp(&json)));
}
