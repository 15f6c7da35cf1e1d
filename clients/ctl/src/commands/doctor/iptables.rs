//! Rules of iptables, as `iptables-save` writes them, in the form of nft: its JSON does not say what the extensions of
//! iptables ask, and of old iptables it knows nothing (iptables-extensions(8)).

use serde_json::{Value, json};

use super::nft::IPTABLES;

/// The objects of the rules for packets to this machine.
pub(super) fn objects(saved: &str) -> Vec<Value> {
    let mut table = "";
    let mut objects = Vec::new();
    for line in saved.lines() {
        if let Some(name) = line.strip_prefix('*') {
            table = name;
        } else if let Some(chain) = line.strip_prefix(':') {
            objects.extend(object_of_chain(table, chain));
        } else if let Some(rule) = line.strip_prefix("-A ") {
            objects.extend(object_of_rule(table, rule));
        }
    }
    objects
}

/// `INPUT DROP [0:0]`
fn object_of_chain(table: &str, line: &str) -> Option<Value> {
    let mut words = line.split(' ');
    let (name, policy) = (words.next()?, words.next()?);
    let hook = match name {
        "INPUT" => "input",
        "PREROUTING" => "prerouting",
        _ => return None,
    };
    // What the table nat does is no business of a filter.
    let kind = if table == "nat" { "nat" } else { "filter" };
    let policy = policy.to_lowercase();
    let table = shown(table);
    Some(json!({"chain": {"family": "ip", "table": table, "name": name, "type": kind, "hook": hook, "policy": policy}}))
}

/// Tables of iptables are told apart from those of nft with the same name.
fn shown(table: &str) -> String {
    format!("{IPTABLES}{table}")
}

fn object_of_rule(table: &str, rule: &str) -> Option<Value> {
    let words = split(rule);
    let mut words = words.iter().map(String::as_str);
    let chain = words.next()?;
    let mut expressions = Vec::new();
    let mut is_not = false;
    while let Some(word) = words.next() {
        if word == "!" {
            is_not = true;
            continue;
        }
        if word == "-m" {
            words.next();
            continue;
        }
        expressions.extend(expression(word, &mut words, is_not));
        is_not = false;
    }
    Some(json!({"rule": {"family": "ip", "table": shown(table), "chain": chain, "expr": expressions}}))
}

fn expression<'a>(word: &str, words: &mut impl Iterator<Item = &'a str>, is_not: bool) -> Option<Value> {
    let left = match word {
        "-j" => return Some(verdict("jump", words.next()?)),
        "-g" => return Some(verdict("goto", words.next()?)),
        "--comment" | "--reject-with" | "--log-prefix" | "--log-level" => {
            words.next();
            return None;
        }
        "-p" => json!({"meta": {"key": "l4proto"}}),
        "-i" => json!({"meta": {"key": "iifname"}}),
        "-d" => json!({"payload": {"protocol": "ip", "field": "daddr"}}),
        "--dport" | "--dports" | "--destination-port" => json!({"payload": {"protocol": "th", "field": "dport"}}),
        "--ctstate" | "--state" => json!({"ct": {"key": "state"}}),
        "--dst-type" => json!({"fib": {"result": "type"}}),
        "--pkt-type" => json!({"meta": {"key": "pkttype"}}),
        // Who sends, how often, and the like.
        _ if word.starts_with('-') => return Some(json!({"xt": word})),
        // The value of such an option.
        _ => return None,
    };
    let values: Vec<Value> = words.next()?.split(',').map(value).collect();
    let operator = if is_not { "!=" } else { "==" };
    Some(json!({"match": {"op": operator, "left": left, "right": {"set": values}}}))
}

fn verdict(kind: &str, target: &str) -> Value {
    match target {
        "ACCEPT" => json!({"accept": null}),
        "DROP" | "REJECT" => json!({"drop": null}),
        "RETURN" => json!({"return": null}),
        "LOG" | "NFLOG" | "MARK" | "CONNMARK" => json!({"log": null}),
        _ => json!({kind: {"target": target}}),
    }
}

/// A port, a range of ports, an address of one machine, or a name.
fn value(text: &str) -> Value {
    if let Ok(number) = text.parse::<u16>() {
        return json!(number);
    }
    let range = text
        .split_once(':')
        .and_then(|(from, to)| Some((from.parse::<u16>().ok()?, to.parse::<u16>().ok()?)));
    if let Some((from, to)) = range {
        return json!({"range": [from, to]});
    }
    let text = text.strip_suffix("/32").unwrap_or(text);
    // iptables writes any interface that begins so with a plus, and states and types in capitals.
    match text.strip_suffix('+') {
        Some(beginning) => json!(format!("{beginning}*")),
        None if text.bytes().all(|byte| byte.is_ascii_uppercase()) => json!(text.to_lowercase()),
        None => json!(text),
    }
}

/// Words, of which those in quotes may have spaces.
fn split(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut is_quoted = false;
    for character in line.chars() {
        match character {
            '"' => is_quoted = !is_quoted,
            ' ' if !is_quoted => words.push(String::new()),
            _ => words.last_mut().expect("there is always one").push(character),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::super::nft::{Ruleset, Way};
    use super::super::packet::Packet;
    use super::*;

    /// What ufw writes, as far as it matters here.
    const UFW: &str = "\
*filter
:INPUT DROP [0:0]
:ufw-before-input - [0:0]
:ufw-user-input - [0:0]
-A INPUT -j ufw-before-input
-A INPUT -j ufw-user-input
-A ufw-before-input -i lo -j ACCEPT
-A ufw-before-input -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A ufw-before-input -m conntrack --ctstate INVALID -m limit --limit 3/min -j LOG --log-prefix \"[UFW BLOCK] \"
-A ufw-before-input -p udp -m udp --sport 67 --dport 68 -j ACCEPT
-A ufw-before-input -d 224.0.0.251/32 -p udp -m udp --dport 5353 -j ACCEPT
-A ufw-before-input ! -i lo -p tcp -m comment --comment \"-j DROP is a word here\" -m tcp --dport 1 -j DROP
-A ufw-user-input -p tcp -m multiport --dports 22,5000:5010 -j ACCEPT
COMMIT
";

    fn ways(saved: &str) -> (Way, Way) {
        let json = json!({ "nftables": objects(saved) });
        let ruleset = Ruleset::new(&json);
        let interfaces = ["wlan0".to_owned()];
        let tcp = ruleset.way_of(&Packet::tcp(5020, &interfaces));
        (tcp, ruleset.way_of(&Packet::mdns(5353, &interfaces)))
    }

    #[test]
    fn a_firewall_of_ufw_shuts_what_it_was_not_told_to_open() {
        let (tcp, mdns) = ways(UFW);
        assert!(matches!(&tcp, Way::Closed { by, .. } if by == "the policy"), "{tcp:?}");
        assert_eq!(mdns, Way::Open, "ufw lets mDNS in");
    }

    #[test]
    fn what_it_was_told_to_open_is_open() {
        for opened in ["--dport 5020", "-m multiport --dports 22,5020", "--dport 5000:6000"] {
            let rule = format!("-A ufw-user-input -p tcp {opened} -j ACCEPT\nCOMMIT");
            assert_eq!(ways(&UFW.replace("COMMIT", &rule)).0, Way::Open, "{opened}");
        }
    }

    #[test]
    fn who_may_come_from_some_places_only_is_unclear() {
        let rule = "-A ufw-user-input -s 10.0.0.0/8 -p tcp --dport 5020 -j ACCEPT\nCOMMIT";
        let (tcp, _) = ways(&UFW.replace("COMMIT", rule));
        assert!(matches!(tcp, Way::Unclear { .. }), "{tcp:?}");
    }

    #[test]
    fn a_negated_match_and_a_refusal_are_understood() {
        let saved =
            "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT ! -i lo -p tcp --dport 5020 -j REJECT --reject-with tcp-reset\n";
        assert!(matches!(ways(saved), (Way::Closed { .. }, Way::Open)));
        assert_eq!(ways(&saved.replace("! -i lo", "! -i wlan0")).0, Way::Open);
    }
}
