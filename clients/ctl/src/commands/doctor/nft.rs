//! What the kernel's packet filter does with a packet, by the JSON of `nft list ruleset` (libnftables-json(5)).
//!
//! A rule may ask for things that cannot be known here, such as who sends; then the answer is that it depends.

use std::collections::HashMap;

use serde_json::Value;

use super::packet::{Match, Packet, text};
use super::rule;

/// What the tables of iptables begin with, which may have the same names as those of nft.
pub(super) const IPTABLES: &str = "iptables:";

/// Chains that jump to chains: deeper is not followed, as in the kernel (`NFT_JUMP_STACK_SIZE`).
const MAX_DEPTH: usize = 16;

/// What becomes of a packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Way {
    Open,
    /// It is dropped or refused, by a rule or a policy of this chain (family, table, name).
    Closed {
        by: String,
        chain: String,
    },
    /// That depends on this.
    Unclear {
        by: String,
        chain: String,
    },
}

/// Where a chain's rules lead.
#[derive(Debug, Clone, PartialEq, Eq)]
enum End {
    Accept,
    Drop(String),
    /// The rules are at an end, or said so.
    Through,
}

/// The rules of the kernel for IPv4, which every network of desktops has.
#[derive(Debug, Default)]
pub(super) struct Ruleset<'a> {
    /// Those that packets to this machine go through.
    bases: Vec<Base<'a>>,
    rules: HashMap<Chain<'a>, Vec<&'a [Value]>>,
}

/// Family, table and name.
type Chain<'a> = (&'a str, &'a str, &'a str);

#[derive(Debug)]
struct Base<'a> {
    chain: Chain<'a>,
    drops: bool,
}

/// What was met on the way and may end otherwise.
#[derive(Debug, Default)]
struct Doubts {
    drop: Option<String>,
    accept: Option<String>,
}

impl<'a> Ruleset<'a> {
    pub(super) fn new(json: &'a Value) -> Self {
        let mut ruleset = Self::default();
        let objects = json.get("nftables").and_then(Value::as_array).into_iter().flatten();
        for object in objects {
            if let Some(chain) = object.get("chain") {
                ruleset.add_chain(chain);
            } else if let Some(rule) = object.get("rule") {
                ruleset.add_rule(rule);
            }
        }
        ruleset
    }

    fn add_chain(&mut self, chain: &'a Value) {
        let Some(name) = place(chain, "name") else { return };
        let is_input = matches!(text(chain, "hook"), "input" | "prerouting") && text(chain, "type") == "filter";
        if is_input && matches!(name.0, "ip" | "inet") {
            let drops = text(chain, "policy") == "drop";
            self.bases.push(Base { chain: name, drops });
        }
    }

    fn add_rule(&mut self, rule: &'a Value) {
        let expressions = rule.get("expr").and_then(Value::as_array);
        if let (Some(chain), Some(expressions)) = (place(rule, "chain"), expressions) {
            self.rules.entry(chain).or_default().push(expressions);
        }
    }

    /// What becomes of a packet to this machine. Each chain of the kernel has to accept it.
    pub(super) fn way_of(&self, packet: &Packet) -> Way {
        let mut unclear = None;
        for base in &self.bases {
            match self.way_through(base, packet) {
                closed @ Way::Closed { .. } => return closed,
                way @ Way::Unclear { .. } => unclear = unclear.or(Some(way)),
                Way::Open => {}
            }
        }
        unclear.unwrap_or(Way::Open)
    }

    fn way_through(&self, base: &Base<'a>, packet: &Packet) -> Way {
        let mut doubts = Doubts::default();
        let (family, table, name) = base.chain;
        let chain = match table.strip_prefix(IPTABLES) {
            Some(table) => format!("iptables {table} {name}"),
            None => format!("{family} {table} {name}"),
        };
        let end = match self.walk(base.chain, packet, &mut doubts, 0) {
            End::Through if base.drops => End::Drop("the policy".to_owned()),
            end @ (End::Accept | End::Drop(_) | End::Through) => end,
        };
        match end {
            End::Drop(_) if doubts.accept.is_some() => {
                let by = doubts.accept.unwrap_or_default();
                Way::Unclear { by, chain }
            }
            End::Drop(by) => Way::Closed { by, chain },
            End::Accept | End::Through => match doubts.drop {
                Some(by) => Way::Unclear { by, chain },
                None => Way::Open,
            },
        }
    }

    fn walk(&self, chain: Chain<'a>, packet: &Packet, doubts: &mut Doubts, depth: usize) -> End {
        for rule in self.rules.get(&chain).into_iter().flatten() {
            let mut matches = Match::Yes;
            for expression in *rule {
                let Some((kind, body)) = expression.as_object().and_then(|it| it.iter().next()) else {
                    continue;
                };
                match self.step(chain, kind, body, packet, doubts, depth) {
                    Step::Matches(found) => matches = both(matches, found),
                    Step::Ends(end) if matches == Match::Yes => return end,
                    Step::Ends(End::Through) => break,
                    Step::Ends(end) => {
                        doubts.note(&end, rule);
                        break;
                    }
                    Step::Falls => {}
                }
                if matches == Match::No {
                    break;
                }
            }
        }
        End::Through
    }

    /// One expression of a rule.
    fn step(
        &self,
        chain: Chain<'a>,
        kind: &str,
        body: &'a Value,
        packet: &Packet,
        doubts: &mut Doubts,
        depth: usize,
    ) -> Step {
        match kind {
            "match" => Step::Matches(packet.matches(body)),
            "accept" => Step::Ends(End::Accept),
            "drop" | "reject" => Step::Ends(End::Drop(format!("a rule with {kind}"))),
            "return" => Step::Ends(End::Through),
            "jump" | "goto" if depth < MAX_DEPTH => {
                let target = (chain.0, chain.1, text(body, "target"));
                match self.walk(target, packet, doubts, depth + 1) {
                    End::Through if kind == "jump" => Step::Falls,
                    end @ (End::Accept | End::Drop(_) | End::Through) => Step::Ends(end),
                }
            }
            "vmap" => self.verdict_map(chain, body, packet, doubts, depth),
            // These only count, mark or tell.
            "counter" | "log" | "comment" | "mangle" | "meter" | "ct helper" | "notrack" => Step::Falls,
            // A limit, a statement of iptables without a translation, a queue: who knows.
            _ => Step::Matches(Match::Perhaps),
        }
    }

    /// `ct state vmap { established : accept, … }`.
    fn verdict_map(
        &self,
        chain: Chain<'a>,
        body: &'a Value,
        packet: &Packet,
        doubts: &mut Doubts,
        depth: usize,
    ) -> Step {
        let entries = body.pointer("/data/set").and_then(Value::as_array);
        let Some((key, entries)) = body.get("key").zip(entries) else {
            return Step::Matches(Match::Perhaps);
        };
        for entry in entries.iter().filter_map(Value::as_array) {
            let [value, verdict] = entry.as_slice() else { continue };
            let Some((kind, target)) = verdict.as_object().and_then(|it| it.iter().next()) else {
                continue;
            };
            match packet.compares(key, value) {
                Match::No => {}
                Match::Yes => return self.step(chain, kind, target, packet, doubts, depth),
                Match::Perhaps => return Step::Matches(Match::Perhaps),
            }
        }
        Step::Falls
    }
}

/// What an expression does to the walk.
enum Step {
    Matches(Match),
    Ends(End),
    Falls,
}

impl Doubts {
    fn note(&mut self, end: &End, rule: &[Value]) {
        let shown = || format!("the rule \"{}\"", rule::shown(rule));
        match end {
            End::Accept => drop(self.accept.get_or_insert_with(shown)),
            End::Drop(_) => drop(self.drop.get_or_insert_with(shown)),
            End::Through => {}
        }
    }
}

fn place<'a>(object: &'a Value, name: &str) -> Option<Chain<'a>> {
    let of = |key| object.get(key).and_then(Value::as_str);
    Some((of("family")?, of("table")?, of(name)?))
}

fn both(one: Match, other: Match) -> Match {
    match (one, other) {
        (Match::No, _) | (_, Match::No) => Match::No,
        (Match::Yes, Match::Yes) => Match::Yes,
        (Match::Perhaps, _) | (_, Match::Perhaps) => Match::Perhaps,
    }
}

#[cfg(test)]
#[path = "nft_tests.rs"]
mod tests;
