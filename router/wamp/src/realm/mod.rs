//! A realm: sessions, and the routing between them.
//!
//! Everything that happens is a method: a message came, a session joined or left, a delivery could not be made. What
//! must be sent is appended to a vector. Nothing waits, nothing is encoded, no clock is read.

mod authorizer;
mod book;
mod broker;
mod consent;
mod dealer;
mod departure;
mod figures;
mod invocation;
mod journal;
mod links;
mod member;
mod meta;
mod refusal;
mod resumption;
pub mod role;
#[cfg(test)]
mod role_change_tests;
#[cfg(test)]
mod scene;
#[cfg(test)]
mod simulation;
mod timer;
mod welcome;

use std::sync::Arc;

use ahash::RandomState;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use self::authorizer::Authorizations;
pub use self::authorizer::{Authorization, Decision};
use self::broker::{Broker, Deliveries};
pub use self::broker::{HistoryRule, RetainedRule, Store};
use self::consent::Parked;
pub use self::consent::{ConsentNews, Question};
use self::dealer::Dealer;
pub use self::figures::{Figures, Latencies};
pub use self::invocation::{follows, is_end};
use self::journal::Notebook;
pub use self::journal::{Journal, NotWritten};
pub use self::member::{INTERNAL_PROVIDER, Requests};
use self::member::{Member, Members};
use self::meta::Definitions;
pub use self::meta::{Documented, router_procedures, router_topics};
use self::refusal::Refusal;
pub use self::refusal::{Denied, MAX_DENIED};
use self::role::Role;
pub use self::timer::Clock;
use self::timer::{Timer, rfc3339, timestamp};
pub use self::welcome::announced_features;
use crate::acceptor::Features;
use crate::error::{self, Unconvertible, Violation};
use crate::id::{MAX_ID, PublicationId, RequestId, SessionId};
use crate::limits::{Quota, Retention};
use crate::message::{Goodbye, Message, Origin, RequestKind, RouterId, Welcome};
use crate::outgoing::Delivery;
use crate::resumption::Granted;
use crate::uri::{Uri, UriRules};
use crate::value::Dict;

/// How a realm behaves.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Which URIs it takes.
    pub uri_rules: UriRules,
    /// What one session may hold.
    pub quota: Quota,
    /// What the realm keeps for those who subscribe later.
    pub retention: Retention,
    /// Of which subscriptions the events are kept for whoever asks.
    pub history: Vec<HistoryRule>,
    /// Which topics keep their retained events in the realm's journal.
    pub retained: Vec<RetainedRule>,
    /// Procedures that begin with this have one callee each, and nobody but their principal may take them over.
    pub exclusive: Option<Uri>,
    /// How other routers know the one that has the realm.
    pub router: RouterId,
    /// Bytes of a message that are taken from those who have joined, as WELCOME tells them.
    pub message_bytes: Option<usize>,
}

/// Who joins.
#[derive(Debug, Clone)]
pub struct Principal {
    /// The name under which the session is known.
    pub authid: Arc<str>,
    /// What it may do.
    pub role: Arc<Role>,
    /// How it proved who it is: `anonymous`, `cryptosign`.
    pub method: &'static str,
    /// Who vouches for it, such as `static` or `trust`.
    pub provider: &'static str,
    /// What WELCOME tells the client beside that.
    pub authextra: Dict,
}

/// How a session goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proceed {
    /// It does.
    Continue,
    /// It does, but as much as may be waits for its authorizer: read no more until [`Realm::authorize`] says to go on.
    Wait,
    /// It has said goodbye, and the realm has forgotten it.
    Leave,
}

/// Why a delivery could not be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bounce {
    /// The receiver's queue is full.
    Full,
    /// The receiver takes no message of that length.
    TooLong,
    /// The arguments have no form in the receiver's serializer.
    Unconvertible(Unconvertible),
}

/// A realm and all that is in it.
#[derive(Debug)]
pub struct Realm {
    name: Uri,
    settings: Settings,
    clock: Clock,
    random: StdRng,
    members: Members,
    broker: Broker,
    dealer: Dealer,
    parked: Parked,
    authorizations: Authorizations,
    deliveries: Deliveries,
    /// Where it writes what must survive it.
    notebook: Option<Notebook>,
    timer: Timer,
    definitions: Definitions,
    denied: Vec<Denied>,
    requests: Requests,
    /// When the messages came that are being routed, as far as anybody has asked.
    moment: Option<u64>,
    /// Invocations that are not answered, of all sessions.
    open_invocations: usize,
    latencies: Latencies,
}

impl Realm {
    /// An empty realm. The seed decides its ids and must be secret where peers are not trusted.
    #[must_use]
    pub fn new(name: Uri, settings: Settings, seed: [u8; 32], clock: Clock) -> Self {
        let mut random = StdRng::from_seed(seed);
        let hashing = RandomState::with_seeds(random.random(), random.random(), random.random(), random.random());
        Self {
            name,
            clock,
            members: Members::new(&hashing),
            broker: Broker::new(&hashing, settings.retention, &settings.history, clock.time_of_day),
            dealer: Dealer::new(&hashing),
            parked: Parked::default(),
            authorizations: Authorizations::default(),
            deliveries: Deliveries::default(),
            notebook: None,
            timer: Timer::default(),
            definitions: Definitions::default(),
            settings,
            denied: Vec::new(),
            requests: Requests::default(),
            moment: None,
            open_invocations: 0,
            latencies: Latencies::default(),
            random,
        }
    }

    /// Opens a session: WELCOME is the first thing its peer gets. `transport` is what the meta API tells of the connection,
    /// `granted` what the client is told when the session can be resumed, `promised` the id that its login named.
    ///
    /// # Panics
    /// Never: ids are drawn from their range.
    pub fn join(
        &mut self,
        mut promised: Option<SessionId>,
        principal: Principal,
        transport: Dict,
        features: Features,
        granted: Option<&Granted>,
        out: &mut Vec<Delivery>,
    ) -> SessionId {
        let session = loop {
            let drawn = self.random.random_range(1..=MAX_ID);
            let drawn = SessionId::new(drawn).expect("the range is that of ids");
            let session = promised.take().unwrap_or(drawn);
            if !self.members.contains(session) {
                break session;
            }
        };
        let details = self.welcome(&principal, granted);
        let origin = Origin {
            session,
            authid: principal.authid,
            authrole: Arc::clone(principal.role.name()),
        };
        let dynamic = principal.role.authorizer().map(|_| Box::default());
        self.members.insert(Member {
            origin,
            dynamic,
            role: principal.role,
            method: principal.method,
            provider: principal.provider,
            transport,
            features,
            added: None,
            defined: None,
            subscriptions: Default::default(),
            registrations: Default::default(),
            next_invocation: RequestId::FIRST,
            invocations: self.members.new_book(),
            calls: self.members.new_book(),
            running: Default::default(),
            abandoned: Default::default(),
            cut_off: Default::default(),
            testaments: None,
            confirmations: None,
            requests: Requests::default(),
        });
        send(out, session, Message::Welcome(Welcome { session, details }));
        self.announce_join(session, out);
        session
    }

    /// Takes a message of a session.
    ///
    /// # Errors
    /// The peer broke the protocol: tell it, and let the session leave.
    pub fn receive(
        &mut self,
        from: SessionId,
        message: Message,
        out: &mut Vec<Delivery>,
    ) -> Result<Proceed, Violation> {
        let Some(member) = self.members.get_mut(from) else {
            return Ok(Proceed::Leave);
        };
        member.requests.count(&message);
        self.requests.count(&message);
        if member.dynamic.is_some() {
            return self.receive_authorized(from, message, out);
        }
        self.handle(from, message, out)
    }

    /// Does what a message wants, as far as its session may.
    fn handle(&mut self, from: SessionId, message: Message, out: &mut Vec<Delivery>) -> Result<Proceed, Violation> {
        match message {
            Message::Publish(publish) => self.publish(from, &publish, out),
            Message::Subscribe(subscribe) => self.subscribe(from, &subscribe, out),
            Message::Unsubscribe(unsubscribe) => self.unsubscribe(from, &unsubscribe, out),
            Message::Call(call) => self.call(from, call, out)?,
            Message::Cancel(cancel) => self.cancel(from, &cancel, out),
            Message::Yield(answer) => self.answer(from, answer, out),
            Message::Error(error) if error.kind == RequestKind::Invocation => self.fail(from, error, out),
            Message::Register(register) => self.register(from, &register, out),
            Message::Unregister(unregister) => self.unregister(from, &unregister, out),
            Message::EventReceived(received) => self.confirm(from, &received, out),
            Message::Goodbye(_) => {
                let answer = Goodbye {
                    details: Dict::new(),
                    reason: error::GOODBYE_AND_OUT,
                };
                self.leave(from, out);
                send(out, from, Message::Goodbye(answer));
                return Ok(Proceed::Leave);
            }
            Message::Abort(_) => {
                self.leave(from, out);
                return Ok(Proceed::Leave);
            }
            Message::Hello(_) | Message::Authenticate(_) => {
                return Err(Violation::new(format!(
                    "{} may not be sent when the session is open",
                    message.name()
                )));
            }
            // Of a resumable session it does not come so far.
            Message::Received(_) => return Err(Violation::new("RECEIVED is for sessions that can be resumed alone")),
            Message::Error(_)
            | Message::Welcome(_)
            | Message::Challenge(_)
            | Message::Published(_)
            | Message::Subscribed(_)
            | Message::Unsubscribed(_)
            | Message::SubscriptionRevoked(_)
            | Message::Event(_)
            | Message::Result(_)
            | Message::Registered(_)
            | Message::Unregistered(_)
            | Message::RegistrationRevoked(_)
            | Message::Invocation(_)
            | Message::Interrupt(_) => {
                return Err(Violation::new(format!(
                    "{} is not for a client to send",
                    message.name()
                )));
            }
        }
        Ok(Proceed::Continue)
    }

    /// Changes what a session may do, from now on and with what it holds already: subscriptions and registrations that
    /// the new role does not allow end here. Calls that wait for consent go on waiting where it would have them ask too, are let
    /// through where it would not, and end where it does not allow them.
    /// Calls that a callee works on already come to their end.
    pub fn set_role(&mut self, session: SessionId, role: Arc<Role>, out: &mut Vec<Delivery>) {
        let Some(member) = self.members.get_mut(session) else {
            return;
        };
        member.origin.authrole = Arc::clone(role.name());
        let held = member.subscriptions.iter();
        let ended: Vec<_> = held
            .filter(|it| !self.broker.is_allowed(**it, &role))
            .copied()
            .collect();
        let held = member.registrations.iter();
        let withdrawn: Vec<_> = held
            .filter(|it| !self.dealer.is_allowed(**it, &role))
            .copied()
            .collect();
        let waiting = member.calls.all();
        let questions: Vec<_> = waiting.iter().filter_map(|(_, waiting)| waiting.question()).collect();
        member.role = role;
        for subscription in ended {
            self.revoke_subscription(subscription, session, &error::NOT_AUTHORIZED, out);
        }
        for registration in withdrawn {
            self.revoke_registration(registration, session, &error::NOT_AUTHORIZED, out);
        }
        self.end_definitions(session, out);
        self.forget_decisions(session, out);
        for question in questions {
            self.ask_anew(question, out);
        }
    }

    /// Every session, in the order of their ids.
    #[must_use]
    pub fn sessions(&self) -> Vec<SessionId> {
        self.members.ids()
    }

    /// Who a session is.
    #[must_use]
    pub fn origin(&self, session: SessionId) -> Option<&Origin> {
        self.members.get(session).map(|member| &member.origin)
    }

    /// How a session logged in, who vouches for it, and its role.
    #[must_use]
    pub fn login(&self, session: SessionId) -> Option<(&'static str, &'static str, &Arc<Role>)> {
        let member = self.members.get(session)?;
        Some((member.method, member.provider, &member.role))
    }

    /// Changes what sessions may hold and send. What a session holds beyond that stays.
    pub const fn set_quota(&mut self, quota: Quota, message_bytes: usize) {
        self.settings.quota = quota;
        self.settings.message_bytes = Some(message_bytes);
    }

    /// The realm's name.
    #[must_use]
    pub const fn name(&self) -> &Uri {
        &self.name
    }

    /// The time of day as text in milliseconds.
    fn now(&self) -> Option<Arc<str>> {
        timestamp((self.clock.time_of_day)()).map(Arc::from)
    }

    fn random_publication(&mut self) -> PublicationId {
        PublicationId::new(self.random.random_range(1..=MAX_ID)).expect("the range is that of ids")
    }
}

fn send(out: &mut Vec<Delivery>, to: SessionId, message: Message) {
    out.push(Delivery {
        to,
        outgoing: message.into(),
    });
}
