//! The figures as they are now, from those who count.

use std::sync::Arc;

use router::{RealmTotals, Router, Transport};

use super::catalogue::{CATALOGUE, Figure};
use super::process::Process;
use crate::access::Access;
use crate::audit::Audit;
use crate::daemon::Reloads;
use crate::links::{Links, Report};
use crate::pair::Desk;
use crate::store::Store;

/// A figure with what it is now.
#[derive(Debug, Clone)]
pub(crate) struct Family {
    pub(crate) figure: &'static Figure,
    pub(crate) samples: Vec<Sample>,
}

/// One number of a figure.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sample {
    /// In the order of the figure's labels.
    pub(crate) labels: Vec<String>,
    pub(crate) value: Value,
}

/// What it is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Whole(u64),
    Real(f64),
    /// How many there were up to each bound, in seconds, without one for all of them; and their sum.
    Histogram(Vec<(Option<f64>, u64)>, f64),
}

/// Who counts.
#[derive(Debug)]
pub(crate) struct Collector {
    pub(crate) router: Router,
    pub(crate) store: Arc<Store>,
    pub(crate) desk: Arc<Desk>,
    pub(crate) access: Arc<Access>,
    pub(crate) audit: Audit,
    pub(crate) links: Arc<Links>,
    pub(crate) reloads: Arc<Reloads>,
}

impl Collector {
    /// Every figure, in the order of the catalogue. A figure for which there is nothing to tell has no samples.
    pub(crate) fn collect(&self) -> Vec<Family> {
        let families = CATALOGUE.iter().map(|figure| Family {
            figure,
            samples: Vec::new(),
        });
        let mut taking = Taking(families.collect());
        taking.put("deskconn_build", &[env!("CARGO_PKG_VERSION")], Value::Whole(1));
        for realm in self.router.realms() {
            taking.realm(&realm.totals());
        }
        self.connections(&mut taking);
        self.devices(&mut taking);
        for link in self.links.reports() {
            taking.link(&link);
        }
        for (result, count) in ["taken", "refused"].into_iter().zip(self.reloads.read()) {
            taking.put("deskconn_reloads", &[result], Value::Whole(count));
        }
        taking.process();
        taking.0
    }

    fn connections(&self, taking: &mut Taking) {
        let connections = self.router.connections();
        taking.number("deskconn_connections_joining", &[], connections.joining);
        taking.put(
            "deskconn_connections_turned_away",
            &[],
            Value::Whole(connections.turned_away),
        );
        for (reason, count) in connections.refused {
            let reason = reason.as_ref().and_then(|uri| uri.as_str().rsplit('.').next());
            taking.put(
                "deskconn_logins_refused",
                &[reason.unwrap_or("other")],
                Value::Whole(count),
            );
        }
        taking.put("deskconn_requests_denied", &[], Value::Whole(self.access.denials()));
    }

    fn devices(&self, taking: &mut Taking) {
        let paired = self.store.with_trust(|trust| trust.devices().len());
        taking.number("deskconn_devices_paired", &[], paired);
        taking.number("deskconn_devices_present", &[], self.access.presence().devices().len());
        taking.number("deskconn_pairing_window_open", &[], usize::from(self.desk.has_window()));
        for (realm, count) in self.store.losses() {
            taking.put("deskconn_events_not_kept", &[&realm], Value::Whole(count));
        }
        for (kind, count) in self.audit.happened() {
            taking.put("deskconn_audit_entries", &[kind.name()], Value::Whole(count));
        }
    }
}

struct Taking(Vec<Family>);

impl Taking {
    fn put(&mut self, name: &str, labels: &[&str], value: Value) {
        let family = self.0.iter_mut().find(|family| family.figure.name == name);
        let family = family.expect("it is in the catalogue, or the test of all figures fails");
        debug_assert_eq!(family.figure.labels.len(), labels.len(), "{name}");
        family.samples.push(Sample {
            labels: labels.iter().map(|label| (*label).to_owned()).collect(),
            value,
        });
    }

    fn number(&mut self, name: &str, labels: &[&str], number: usize) {
        self.put(name, labels, Value::Whole(number as u64));
    }

    fn realm(&mut self, totals: &RealmTotals) {
        let realm = totals.name.as_str();
        for (at, transport) in Transport::NAMES.into_iter().enumerate() {
            let labels = [realm, transport];
            self.number("deskconn_sessions", &labels, totals.sessions.by_transport[at]);
            self.put("deskconn_sessions_joined", &labels, Value::Whole(totals.joined[at]));
        }
        for (outcome, count) in [
            ("result", totals.ends.results),
            ("error", totals.ends.errors),
            ("cancelled", totals.ends.cancelled),
            ("timed_out", totals.ends.timed_out),
        ] {
            self.put("deskconn_calls_ended", &[realm, outcome], Value::Whole(count));
        }
        for (name, count) in [
            ("deskconn_calls", totals.requests.calls),
            ("deskconn_publications", totals.requests.publications),
            ("deskconn_invocations", totals.traffic.invocations),
            ("deskconn_events_delivered", totals.traffic.events),
            ("deskconn_events_dropped", totals.traffic.dropped),
            ("deskconn_messages_received", totals.messages[0]),
            ("deskconn_messages_sent", totals.messages[1]),
            ("deskconn_received_bytes", totals.octets[0]),
            ("deskconn_sent_bytes", totals.octets[1]),
        ] {
            self.put(name, &[realm], Value::Whole(count));
        }
        let figures = &totals.figures;
        for (name, number) in [
            ("deskconn_sessions_detached", totals.sessions.detached),
            ("deskconn_invocations_open", figures.invocations),
            ("deskconn_subscriptions", figures.subscriptions),
            ("deskconn_registrations", figures.registrations),
            ("deskconn_queue_messages", totals.queued.0),
            ("deskconn_queue_bytes", totals.queued.1),
            ("deskconn_retained_events", figures.retained.0),
            ("deskconn_retained_bytes", figures.retained.1),
            ("deskconn_history_events", figures.recorded.0),
            ("deskconn_history_bytes", figures.recorded.1),
        ] {
            self.number(name, &[realm], number);
        }
        let buckets = figures.latencies.cumulative();
        let buckets = buckets.map(|(bound, count)| (bound.map(|it| it.as_secs_f64()), count));
        let latencies = Value::Histogram(buckets.collect(), figures.latencies.sum().as_secs_f64());
        self.put("deskconn_invocation_duration_seconds", &[realm], latencies);
    }

    fn link(&mut self, link: &Report) {
        let place = [link.realm.as_str(), link.name.as_str()];
        self.number("deskconn_link_up", &place, usize::from(link.state == "up"));
        self.put("deskconn_link_events_waiting", &place, Value::Whole(link.waiting));
        for (at, direction) in ["out", "in"].into_iter().enumerate() {
            let labels = [place[0], place[1], direction];
            for (name, counts) in [
                ("deskconn_link_events", link.events),
                ("deskconn_link_calls", link.calls),
                ("deskconn_link_events_dropped", link.dropped),
            ] {
                self.put(name, &labels, Value::Whole(counts[at]));
            }
        }
    }

    fn process(&mut self) {
        let Some(process) = Process::of_this() else { return };
        self.put("process_cpu_seconds", &[], Value::Real(process.cpu_s));
        self.put("process_start_time_seconds", &[], Value::Real(process.started));
        self.put("process_resident_memory_bytes", &[], Value::Whole(process.resident));
        self.put("process_virtual_memory_bytes", &[], Value::Whole(process.virtual_bytes));
        self.put("process_open_fds", &[], Value::Whole(process.open_files));
        if let Some(most) = process.most_files {
            self.put("process_max_fds", &[], Value::Whole(most));
        }
    }
}
