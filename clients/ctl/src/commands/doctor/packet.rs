//! A packet of a device, and what the match of a rule of nft says of it (libnftables-json(5), "match").

use serde_json::Value;

/// Yes, no, or it depends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Match {
    Yes,
    No,
    Perhaps,
}

/// A first packet of a device on the local network.
#[derive(Debug)]
pub(super) struct Packet {
    protocol: &'static str,
    /// Its number (RFC 1700), as rules may write it.
    number: u64,
    port: u64,
    /// Where it is sent to, where that is known.
    destination: Option<&'static str>,
    /// How it is addressed (`pkttype`, and the type of `fib daddr`).
    addressing: [&'static str; 2],
    /// The interfaces by which it may come.
    interfaces: Vec<String>,
}

impl Packet {
    /// A connection to a port.
    pub(super) fn tcp(port: u16, interfaces: &[String]) -> Self {
        Self {
            protocol: "tcp",
            number: 6,
            port: port.into(),
            destination: None,
            addressing: ["host", "local"],
            interfaces: interfaces.to_vec(),
        }
    }

    /// A datagram to a port.
    pub(super) fn udp(port: u16, interfaces: &[String]) -> Self {
        Self {
            protocol: "udp",
            number: 17,
            ..Self::tcp(port, interfaces)
        }
    }

    /// A question of mDNS (RFC 6762 §3).
    pub(super) fn mdns(port: u16, interfaces: &[String]) -> Self {
        Self {
            destination: Some("224.0.0.251"),
            addressing: ["multicast", "multicast"],
            ..Self::udp(port, interfaces)
        }
    }
}

impl Packet {
    /// Whether the match of a rule is for this packet.
    pub(super) fn matches(&self, body: &Value) -> Match {
        let (Some(left), Some(right)) = (body.get("left"), body.get("right")) else {
            return Match::Perhaps;
        };
        match text(body, "op") {
            "==" | "in" => self.compares(left, right),
            "!=" => match self.compares(left, right) {
                Match::Yes => Match::No,
                Match::No => Match::Yes,
                Match::Perhaps => Match::Perhaps,
            },
            _ => Match::Perhaps,
        }
    }

    /// Whether what `left` stands for is `right`, or one of it.
    pub(super) fn compares(&self, left: &Value, right: &Value) -> Match {
        // A named set, whose elements may change.
        if right.as_str().is_some_and(|name| name.starts_with('@')) {
            return Match::Perhaps;
        }
        if let Some(many) = right.get("set").or(Some(right)).and_then(Value::as_array) {
            let found: Vec<Match> = many.iter().map(|one| self.compares(left, one)).collect();
            return either(&found);
        }
        if let Some(payload) = left.get("payload") {
            return self.has_field(text(payload, "protocol"), text(payload, "field"), right);
        }
        if let Some(meta) = left.get("meta") {
            return self.has_meta(text(meta, "key"), right);
        }
        if left.pointer("/ct/key").and_then(Value::as_str) == Some("state") {
            return known(right.as_str().map(|state| state == "new"));
        }
        if left.pointer("/fib/result").and_then(Value::as_str) == Some("type") {
            return known(right.as_str().map(|kind| kind == self.addressing[1]));
        }
        Match::Perhaps
    }

    fn has_field(&self, protocol: &str, field: &str, right: &Value) -> Match {
        match (protocol, field) {
            (protocol, "dport") if protocol == self.protocol || protocol == "th" => self.has_port(right),
            ("tcp" | "udp" | "udplite" | "sctp" | "dccp" | "icmp", _) if protocol != self.protocol => Match::No,
            ("ip", "protocol") => self.has_protocol(right),
            ("ip", "daddr") => match self.destination {
                Some(own) => known(right.as_str().map(|address| address == own)),
                None => Match::Perhaps,
            },
            // An IPv4 packet has no such field.
            ("ip6" | "icmpv6", _) => Match::No,
            _ => Match::Perhaps,
        }
    }

    fn has_meta(&self, key: &str, right: &Value) -> Match {
        match key {
            "l4proto" => self.has_protocol(right),
            "nfproto" => known(right.as_str().map(|family| family == "ipv4")),
            "protocol" => known(right.as_str().map(|family| family == "ip")),
            "pkttype" => known(right.as_str().map(|kind| kind == self.addressing[0])),
            "iif" | "iifname" => self.comes_by(right),
            _ => Match::Perhaps,
        }
    }

    fn has_protocol(&self, right: &Value) -> Match {
        let by_number = right.as_u64().map(|number| number == self.number);
        known(right.as_str().map(|name| name == self.protocol).or(by_number))
    }

    fn has_port(&self, right: &Value) -> Match {
        if let Some([from, to]) = right.get("range").and_then(Value::as_array).map(Vec::as_slice) {
            let range = from.as_u64().zip(to.as_u64());
            return known(range.map(|(from, to)| (from..=to).contains(&self.port)));
        }
        let named = right.as_str().map(|name| name == "mdns" && self.port == 5353);
        known(right.as_u64().map(|port| port == self.port).or(named))
    }

    fn comes_by(&self, right: &Value) -> Match {
        let Some(name) = right.as_str() else {
            return Match::Perhaps;
        };
        let is_it = |interface: &String| match name.strip_suffix('*') {
            Some(beginning) => interface.starts_with(beginning),
            None => interface == name,
        };
        match self.interfaces.iter().filter(|interface| is_it(interface)).count() {
            0 => Match::No,
            all if all == self.interfaces.len() => Match::Yes,
            _ => Match::Perhaps,
        }
    }
}

/// A text in an object, or none.
pub(super) fn text<'a>(object: &'a Value, key: &str) -> &'a str {
    object.get(key).and_then(Value::as_str).unwrap_or_default()
}

const fn known(answer: Option<bool>) -> Match {
    match answer {
        Some(true) => Match::Yes,
        Some(false) => Match::No,
        None => Match::Perhaps,
    }
}

fn either(found: &[Match]) -> Match {
    if found.contains(&Match::Yes) {
        return Match::Yes;
    }
    if found.contains(&Match::Perhaps) {
        Match::Perhaps
    } else {
        Match::No
    }
}
