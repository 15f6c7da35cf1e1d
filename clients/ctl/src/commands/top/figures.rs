//! What `deskconnctl top` shows: two answers of the router and the time between them, as rates.

use std::cmp::Ordering;
use std::collections::HashMap;

use clap::ValueEnum;
use client::{Dict, Session, Value};

use super::super::ask;
use super::super::status::allowed;
use super::health::Health;
use crate::failure::Failure;
use crate::values::{get, number};

/// Figures of which there are rates, and what a rate is called for programs.
type Rates = [(&'static str, &'static str); 4];

/// Those of realms and sessions.
const RATES: Rates = [
    ("calls", "calls_per_s"),
    ("publications", "publications_per_s"),
    ("invocations", "invocations_per_s"),
    ("events", "events_per_s"),
];

/// Those of links.
const LINK_RATES: Rates = [
    ("events_out", "events_out_per_s"),
    ("events_in", "events_in_per_s"),
    ("calls_out", "calls_out_per_s"),
    ("calls_in", "calls_in_per_s"),
];

/// By what sessions are sorted; the most of it first, names in their order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Sort {
    /// Calls and publications a second
    #[default]
    Calls,
    /// Events and invocations a second
    Events,
    /// Bytes that wait
    Queue,
    /// Events that were lost
    Dropped,
    /// Name
    Name,
    /// Who came last
    Since,
}

impl Sort {
    /// The word that is typed.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Calls => "calls",
            Self::Events => "events",
            Self::Queue => "queue",
            Self::Dropped => "dropped",
            Self::Name => "name",
            Self::Since => "since",
        }
    }
}

/// The answer about sessions, with the links as `links` and the figures as `figures`: neither where the daemon is an older one.
pub(super) async fn look(session: &Session) -> Result<Value, Failure> {
    let answer = ask(session, "org.deskconn.router.sessions", ()).await?;
    let mut answer: Dict = answer.as_dict().cloned().unwrap_or_default();
    for (key, procedure) in [
        ("links", "org.deskconn.router.links"),
        ("figures", "org.deskconn.metrics.get"),
    ] {
        let more = allowed(session, procedure).await?;
        answer.extend(more.map(|more| (key.to_owned(), more)));
    }
    Ok(answer.into())
}

/// One answer of [`look`], with the rates since the one before.
#[derive(Debug)]
pub(super) struct Snapshot {
    pub(super) uptime_ms: u64,
    pub(super) realms: Vec<Row>,
    pub(super) sessions: Vec<Row>,
    pub(super) links: Vec<Row>,
    pub(super) health: Option<Health>,
    pub(super) left_off: u64,
}

/// A realm, a session or a link.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) value: Value,
    of: &'static Rates,
    /// Per second, in that order; `None` when it was not there the last time.
    rates: Option<[f64; 4]>,
    /// Whether events were lost since the last time.
    has_dropped: bool,
}

impl Snapshot {
    /// The answer, compared with the one before.
    pub(super) fn new(answer: &Value, before: Option<&Self>) -> Self {
        let uptime_ms = number(answer, "uptime_ms");
        // A daemon that was started anew counts from nothing.
        let before = before.filter(|before| before.uptime_ms < uptime_ms);
        #[allow(clippy::cast_precision_loss, reason = "it is a time between two looks")]
        let seconds = before.map_or(0.0, |before| (uptime_ms - before.uptime_ms) as f64 / 1_000.0);
        let rows = |name: &str, of: &'static Rates, before: Option<&[Row]>| -> Vec<Row> {
            let known: HashMap<String, &Row> = before.into_iter().flatten().map(|row| (row.key(), row)).collect();
            let rows = answer.as_dict().and_then(|answer| answer.get(name)?.as_list());
            rows.into_iter()
                .flatten()
                .map(|value| Row::new(value, of, &known, seconds))
                .collect()
        };
        let figures = answer.as_dict().and_then(|answer| answer.get("figures"));
        let healthy = before.and_then(|before| before.health.as_ref());
        Self {
            uptime_ms,
            health: figures.and_then(|figures| Health::new(figures, healthy, seconds)),
            realms: rows("realms", &RATES, before.map(|before| before.realms.as_slice())),
            sessions: rows("sessions", &RATES, before.map(|before| before.sessions.as_slice())),
            links: rows("links", &LINK_RATES, before.map(|before| before.links.as_slice())),
            left_off: number(answer, "left_off"),
        }
    }

    /// For programs: the answer as it came, with rates, which are null the first time.
    pub(super) fn value(&self) -> Value {
        let list = |rows: &[Row]| Value::List(rows.iter().map(Row::with_rates).collect());
        Dict::from([
            ("uptime_ms".to_owned(), self.uptime_ms.into()),
            ("realms".to_owned(), list(&self.realms)),
            ("sessions".to_owned(), list(&self.sessions)),
            ("links".to_owned(), list(&self.links)),
            ("health".to_owned(), self.health.as_ref().map(Health::value).into()),
            ("left_off".to_owned(), self.left_off.into()),
        ])
        .into()
    }

    /// A figure of all realms together.
    pub(super) fn sum(&self, key: &str) -> u64 {
        self.realms.iter().map(|row| number(&row.value, key)).sum()
    }

    /// A rate of all realms together; `None` the first time.
    pub(super) fn rate(&self, key: &str) -> Option<f64> {
        self.realms.iter().map(|row| row.rate(key)).sum()
    }

    /// How many sessions there are beside those of the daemon itself.
    pub(super) fn visitors(&self) -> u64 {
        let inside = self.sessions.iter().filter(|row| row.is_inside());
        self.sum("sessions").saturating_sub(inside.count() as u64)
    }

    /// Bytes that wait for all sessions, also for those that are left off.
    pub(super) fn queued(&self) -> u64 {
        let listed = || self.sessions.iter().map(|row| number(&row.value, "queued_bytes")).sum();
        self.health.as_ref().map_or_else(listed, |health| health.queue_bytes)
    }

    /// The sessions in this order; with `inside` those of the daemon itself too.
    pub(super) fn sorted(&self, sort: Sort, is_reversed: bool, inside: bool) -> Vec<&Row> {
        let is_shown = |row: &&Row| inside || !row.is_inside();
        let mut rows: Vec<&Row> = self.sessions.iter().filter(is_shown).collect();
        rows.sort_by(|a, b| {
            let order = a.compare(b, sort).then_with(|| a.key().cmp(&b.key()));
            if is_reversed { order.reverse() } else { order }
        });
        rows
    }
}

impl Row {
    fn new(value: &Value, of: &'static Rates, known: &HashMap<String, &Self>, seconds: f64) -> Self {
        let mut row = Self {
            value: value.clone(),
            of,
            rates: None,
            has_dropped: false,
        };
        if let Some(before) = known.get(&row.key()) {
            let more = |key: &str| number(value, key).saturating_sub(number(&before.value, key));
            #[allow(clippy::cast_precision_loss, reason = "rates are rounded for people")]
            let rate = |(key, _): (&str, &str)| more(key) as f64 / seconds;
            row.rates = Some(of.map(rate));
            row.has_dropped = ["dropped", "dropped_out", "dropped_in"].iter().any(|key| more(key) > 0);
        }
        row
    }

    /// What tells it from others: a realm has a name, a session an id, a link a name in its realm.
    fn key(&self) -> String {
        let realm = get(&self.value, "realm");
        match number(&self.value, "id") {
            0 => format!("{realm} {}", get(&self.value, "name")),
            id => format!("{realm} {id}"),
        }
    }

    /// Whether it is the daemon's own.
    fn is_inside(&self) -> bool {
        get(&self.value, "transport") == "local"
    }

    pub(super) fn rate(&self, key: &str) -> Option<f64> {
        let place = self.of.iter().position(|(name, _)| *name == key)?;
        self.rates.map(|rates| rates[place])
    }

    /// Whether events were lost since the last look.
    pub(super) const fn has_dropped(&self) -> bool {
        self.has_dropped
    }

    /// Whether its peer takes its messages more slowly than they come.
    pub(super) fn is_slow(&self) -> bool {
        let limit = number(&self.value, "queued_bytes_limit");
        self.has_dropped || (limit > 0 && number(&self.value, "queued_bytes") > limit / 2)
    }

    /// What people call it: the device's name, the component's, or what it logged in as.
    pub(super) fn name(&self) -> &str {
        match get(&self.value, "name") {
            "" => get(&self.value, "authid"),
            name => name,
        }
    }

    fn with_rates(&self) -> Value {
        let mut row = self.value.as_dict().cloned().unwrap_or_default();
        for (place, (_, name)) in self.of.iter().enumerate() {
            row.insert((*name).to_owned(), self.rates.map(|rates| rates[place]).into());
        }
        row.into()
    }

    fn compare(&self, other: &Self, sort: Sort) -> Ordering {
        let most = |a: f64, b: f64| b.total_cmp(&a);
        let rates = |row: &Self, keys: [&str; 2]| keys.iter().filter_map(|key| row.rate(key)).sum::<f64>();
        let by_rates = |keys| most(rates(self, keys), rates(other, keys));
        let by_number = |key| number(&other.value, key).cmp(&number(&self.value, key));
        match sort {
            Sort::Calls => by_rates(["calls", "publications"]),
            Sort::Events => by_rates(["events", "invocations"]),
            Sort::Queue => by_number("queued_bytes"),
            Sort::Dropped => by_number("dropped"),
            Sort::Name => self.name().to_lowercase().cmp(&other.name().to_lowercase()),
            Sort::Since => get(&other.value, "since").cmp(get(&self.value, "since")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(uptime_ms: u64, sessions: &[(u64, &str, u64, u64)]) -> Value {
        let sessions: Vec<_> = sessions
            .iter()
            .map(|(id, name, calls, queued)| {
                serde_json::json!({"realm": "deskconn", "id": id, "name": name, "authid": "d_1", "calls": calls,
                    "events": 0, "dropped": queued / 900, "transport": "websocket", "queued_bytes": queued,
                    "queued_bytes_limit": 1000})
            })
            .collect();
        let realm = serde_json::json!({"name": "deskconn", "calls": 100, "events": 2 * uptime_ms / 1000});
        let whole = serde_json::json!({"uptime_ms": uptime_ms, "realms": [realm], "sessions": sessions, "left_off": 0});
        serde_json::from_value(whole).unwrap()
    }

    fn names<'a>(rows: &[&'a Row]) -> Vec<&'a str> {
        rows.iter().map(|row| row.name()).collect()
    }

    #[test]
    fn two_answers_and_the_time_between_them_give_rates() {
        let first = Snapshot::new(&answer(1_000, &[(1, "a", 10, 0), (2, "b", 0, 0)]), None);
        assert_eq!((first.rate("events"), first.sessions[0].rate("calls")), (None, None));
        let second = Snapshot::new(&answer(3_000, &[(1, "a", 30, 0), (3, "c", 7, 0)]), Some(&first));
        assert_eq!(second.rate("events"), Some(2.0));
        assert_eq!(second.sessions[0].rate("calls"), Some(10.0));
        assert_eq!(second.sessions[1].rate("calls"), None, "it has just come");
        let value = serde_json::to_value(second.value()).unwrap();
        assert_eq!(value["sessions"][0]["calls_per_s"], 10.0);
        assert_eq!(value["sessions"][1]["calls_per_s"], serde_json::Value::Null);
    }

    #[test]
    fn links_have_rates_in_each_direction_and_are_told_apart_by_their_realms() {
        let look = |uptime_ms: u64, events: u64, dropped: u64, before: Option<&Snapshot>| {
            let link = |realm: &str, events: u64| serde_json::json!({"realm": realm, "name": "attic", "events_in": events, "dropped_in": dropped});
            let links = [link("a", events), link("b", 0)];
            let answer = serde_json::json!({"uptime_ms": uptime_ms, "realms": [], "sessions": [], "links": links});
            Snapshot::new(&serde_json::from_value(answer).unwrap(), before)
        };
        let first = look(1_000, 5, 0, None);
        let second = look(3_000, 25, 1, Some(&first));
        let rates: Vec<_> = second.links.iter().map(|link| link.rate("events_in")).collect();
        assert_eq!(rates, [Some(10.0), Some(0.0)]);
        assert!(second.links[0].has_dropped());
        let value = serde_json::to_value(second.value()).unwrap();
        assert_eq!(value["links"][0]["events_in_per_s"], 10.0);
    }

    #[test]
    fn a_daemon_that_was_started_anew_has_no_rates_at_first() {
        let before = Snapshot::new(&answer(9_000, &[(1, "a", 10, 0)]), None);
        let after = Snapshot::new(&answer(1_000, &[(1, "a", 1, 0)]), Some(&before));
        assert_eq!(after.sessions[0].rate("calls"), None);
    }

    #[test]
    fn sessions_are_sorted_by_what_is_asked_for() {
        let first = Snapshot::new(&answer(1_000, &[(1, "b", 0, 9), (2, "a", 0, 0), (3, "C", 0, 5)]), None);
        let now = Snapshot::new(
            &answer(2_000, &[(1, "b", 1, 9), (2, "a", 5, 0), (3, "C", 3, 5)]),
            Some(&first),
        );
        assert_eq!(names(&now.sorted(Sort::Calls, false, false)), ["a", "C", "b"]);
        assert_eq!(names(&now.sorted(Sort::Queue, false, false)), ["b", "C", "a"]);
        assert_eq!(names(&now.sorted(Sort::Name, false, false)), ["a", "b", "C"]);
        assert_eq!(names(&now.sorted(Sort::Name, true, false)), ["C", "b", "a"]);
    }

    #[test]
    fn a_peer_is_slow_when_more_than_half_of_its_queue_is_full_or_events_are_lost() {
        let queued = |bytes| Snapshot::new(&answer(1_000, &[(1, "a", 0, bytes)]), None);
        assert!(!queued(500).sessions[0].is_slow());
        assert!(queued(501).sessions[0].is_slow());
        let lost = Snapshot::new(&answer(2_000, &[(1, "a", 0, 900)]), Some(&queued(0)));
        assert!(lost.sessions[0].is_slow());
    }
}
