//! What a client does, drawn from a few numbers.

use crate::message::{
    Audience, CallOptions, CancelMode, Flow, Invoke, Match, Message, PublishOptions, PublishSpecial, Queued, Register,
    RegisterOptions, RunMode, Shard, Subscribe, SubscribeOptions,
};

use super::super::scene::{call_args, call_with, publish, request};
use super::client::{AUTHIDS, ROLES};
use crate::id::SessionId;
use crate::value::Value;

/// Few URIs, so that they meet: exact ones, patterns, and topics of the router.
pub(super) const URIS: [&str; 12] = [
    "a",
    "a.b",
    "a.b.c",
    "a.x.c",
    "b",
    "b.c",
    "a..c",
    ".",
    "wamp.session.on_join",
    "wamp.subscription.on_create",
    "wamp.registration.on_delete",
    "wamp.",
];

/// One operation: numbers that are asked for one after the other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Operation(pub(super) u128);

impl Operation {
    /// A number below `end`, used up.
    pub(super) fn pick(&mut self, end: usize) -> usize {
        let end = end.max(1) as u128;
        let number = self.0 % end;
        self.0 /= end;
        usize::try_from(number).expect("below a usize")
    }

    /// True once in `times`.
    pub(super) fn once_in(&mut self, times: usize) -> bool {
        self.pick(times) == 0
    }

    pub(super) fn flag(&mut self) -> bool {
        self.once_in(2)
    }

    pub(super) fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.pick(choices.len())]
    }

    pub(super) fn uri(&mut self) -> &'static str {
        self.of(&URIS)
    }

    pub(super) fn policy(&mut self) -> Match {
        self.of(&[Match::Exact, Match::Prefix, Match::Wildcard])
    }

    fn key(&mut self) -> Option<Box<str>> {
        self.of(&[None, Some("k1"), Some("k2"), Some("k3")]).map(Box::from)
    }

    pub(super) fn register(&mut self, number: u64) -> Message {
        let options = RegisterOptions {
            policy: self.policy(),
            invoke: self.of(&[
                Invoke::Single,
                Invoke::RoundRobin,
                Invoke::Random,
                Invoke::First,
                Invoke::Last,
            ]),
            concurrency: self.of(&[0, 0, 1, 2]),
            force_reregister: self.once_in(8),
            disclose_caller: self.once_in(8),
            forward_timeout: self.flag(),
            nkey: self.key(),
        };
        Message::Register(Register {
            request: request(number),
            options,
            procedure: self.uri().into(),
        })
    }

    pub(super) fn subscribe(&mut self, number: u64) -> Message {
        let options = SubscribeOptions {
            policy: self.policy(),
            get_retained: self.flag(),
            nkey: self.key(),
        };
        Message::Subscribe(Subscribe {
            request: request(number),
            options,
            topic: self.uri().into(),
        })
    }

    pub(super) fn publish(&mut self, number: u64, sessions: &[SessionId]) -> Message {
        let special = PublishSpecial {
            audience: if self.once_in(3) {
                self.audience(sessions)
            } else {
                Audience::default()
            },
            queued: self.once_in(6).then(|| self.place()),
            forget: self.once_in(8),
        };
        let options = PublishOptions {
            acknowledge: self.flag(),
            exclude_me: self.flag(),
            disclose_me: self.once_in(4),
            retain: self.once_in(4),
            delivered: self.once_in(4),
            special: (special != PublishSpecial::default()).then(|| Box::new(special)),
            passthru: None,
        };
        publish(number, self.uri(), options)
    }

    fn place(&mut self) -> Queued {
        Queued {
            name: self.of(&["q1", "q2"]).into(),
            number: self.pick(50) as u64,
        }
    }

    fn audience(&mut self, sessions: &[SessionId]) -> Audience {
        let mut some = |is_there: bool| -> Vec<SessionId> {
            let some = if is_there { self.pick(sessions.len() + 1) } else { 0 };
            sessions[..some].to_vec()
        };
        let (eligible, exclude) = (some(true), some(false));
        let names = |list: &[&str]| list.iter().copied().map(Box::from).collect::<Vec<Box<str>>>();
        Audience {
            eligible: self.once_in(4).then_some(eligible),
            eligible_authid: self.once_in(4).then(|| names(&AUTHIDS[1..])),
            eligible_authrole: self.once_in(4).then(|| names(&ROLES[..2])),
            exclude,
            exclude_authid: if self.once_in(4) { names(&AUTHIDS[..1]) } else { vec![] },
            exclude_authrole: if self.once_in(8) { names(&ROLES[1..]) } else { vec![] },
            rkey: self.key(),
        }
    }

    pub(super) fn call_options(&mut self) -> CallOptions {
        let shard = self.once_in(6).then(|| {
            Box::new(Shard {
                runmode: self.of(&[RunMode::Partition, RunMode::All]),
                rkey: self.key(),
            })
        });
        CallOptions {
            receive_progress: self.flag(),
            disclose_me: self.once_in(4),
            progress: self.once_in(4),
            timeout: self.of(&[0, 0, 5, 1_000]),
            shard,
            flow: self.flag().then(|| Box::new(self.flow())),
            passthru: None,
        }
    }

    fn flow(&mut self) -> Flow {
        Flow {
            credit: self.of(&[0, 1, 1, 2, 2, u32::MAX]),
            await_credit: self.flag(),
        }
    }

    /// The options with which a caller takes more results.
    pub(super) fn grant(&mut self) -> CallOptions {
        CallOptions {
            flow: Some(Box::new(self.flow())),
            ..CallOptions::default()
        }
    }

    pub(super) fn call(&mut self, number: u64) -> Message {
        let options = self.call_options();
        call_with(number, self.uri(), options)
    }

    /// A call of a procedure of the router.
    pub(super) fn meta_call(&mut self, number: u64, sessions: &[SessionId]) -> Message {
        let session = Value::from(self.of(sessions).get());
        let id = Value::from(1 + self.pick(20) as u64);
        let (procedure, args): (_, Vec<Value>) = match self.pick(12) {
            0 => ("wamp.session.count", vec![]),
            1 => ("wamp.session.get", vec![session]),
            2 => ("wamp.session.kill", vec![session]),
            3 => ("wamp.session.list", vec![]),
            4 => ("wamp.registration.list", vec![]),
            5 => ("wamp.registration.remove_callee", vec![id, session]),
            6 => ("wamp.subscription.remove_subscriber", vec![id, session]),
            7 => ("wamp.subscription.list_subscribers", vec![id]),
            8 => ("wamp.subscription.get_events", vec![id]),
            9 => ("wamp.session.flush_testaments", vec![]),
            10 => ("wamp.reflection.procedure.list", vec![]),
            _ => (
                "wamp.session.add_testament",
                vec![self.uri().into(), Value::List(vec![]), Value::Dict(Default::default())],
            ),
        };
        call_args(number, procedure, &args)
    }

    pub(super) fn mode(&mut self) -> CancelMode {
        self.of(&[CancelMode::Skip, CancelMode::Kill, CancelMode::KillNoWait])
    }
}
