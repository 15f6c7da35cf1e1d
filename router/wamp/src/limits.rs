//! Every bound of the protocol core, with its reason. The shell's own bounds (connections, time-outs)
//! live with the router's settings.

use std::time::Duration;

use crate::value::{Dict, Value};

/// Nesting of arrays, maps and CBOR's tags in a message from a peer that has joined. Real payloads stay below ten;
/// the bound keeps recursion, ours and the receivers', shallow.
pub const MAX_DEPTH: usize = 32;
/// Nesting before a peer has joined: HELLO needs four levels.
pub const MAX_DEPTH_BEFORE_JOIN: usize = 16;
/// Values (array elements, map keys and map values) in one message. Each costs a receiver memory
/// that has nothing to do with the message's size on the wire.
pub const MAX_VALUES: usize = 65_536;
/// Values in one message before a peer has joined: the roles dictionary with every feature has about a hundred.
pub const MAX_VALUES_BEFORE_JOIN: usize = 256;
/// Characters of a number in JSON: a whole number of any size goes from one JSON peer to another as it is, but Jackson
/// refuses longer ones, and Python such of more than 4,300 digits, and neither keeps its session then. The largest float
/// has 309 digits.
pub const MAX_NUMBER: usize = 1_000;
/// Length of a message in bytes for a peer that has joined.
pub const MAX_MESSAGE: usize = 1 << 20;
/// Length of a message in bytes before a peer has joined: a HELLO with every feature is about 2 KiB.
pub const MAX_MESSAGE_BEFORE_JOIN: usize = 8 << 10;
/// Length of a URI in bytes under strict rules: what a person can still read, and index entries stay small.
pub const MAX_STRICT_URI: usize = 255;
/// Length of a URI in bytes under loose rules.
pub const MAX_LOOSE_URI: usize = 1_024;
/// Registrations one session may hold.
pub const MAX_REGISTRATIONS: usize = 64;
/// Subscriptions one session may hold.
pub const MAX_SUBSCRIPTIONS: usize = 256;
/// Calls one session may have waiting for their result.
pub const MAX_PENDING_CALLS: usize = 128;
/// Length in bytes of the key under which a callee or a subscriber takes its shard: a registration or subscription keeps
/// it, and every call or event with a key of its own hashes it. Keys are names of machines or numbers.
pub const MAX_NODE_KEY: usize = 255;
/// How much longer than a callee that sees to the time-out itself the router waits: its answer needs a while to arrive.
pub const FORWARDED_TIMEOUT_GRACE: Duration = Duration::from_secs(5);
/// Bytes of arguments that are kept for the case that the callee passes the call on (WAMP specification, "Call
/// Re-Routing"). A session may have [`MAX_PENDING_CALLS`] of them waiting; calls with more end with the first refusal.
pub const MAX_REROUTED_ARGUMENTS: usize = 64 << 10;
/// Calls in several parts that ended before their last part came, which a session's further parts are known by. A client
/// has sent at most what was on its way then; of more the oldest is forgotten.
pub const MAX_CUT_OFF_CALLS: usize = 128;
/// Calls for which nobody waits any more and that a callee works on, of procedures that it takes so many calls of at a time
/// only: they count until it has answered. Who takes more than that at a time is not hurt by a few more, so the oldest is
/// forgotten then.
pub const MAX_ABANDONED_CALLS: usize = 1_024;

/// Requests of one session that wait for the authorizer of its role, until no more are read: enough for what a program
/// asks for when it starts. What was read together still comes behind them.
pub const HELD_REQUESTS: usize = 64;
/// Bytes of their arguments.
pub const HELD_BYTES: usize = 1 << 20;
/// Lasting decisions of an authorizer that are remembered for one session. Who asks about more URIs is asked about anew.
pub const MAX_DECISIONS: usize = 256;
/// Length in bytes of the message of a GOODBYE that a client has sent to others: a sentence, but `wamp.session.kill_all`
/// puts it into the queue of every session.
pub const MAX_GOODBYE_MESSAGE: usize = 4_096;
/// Bytes of all that `wamp.session.modify_details` has added to one session, encoded.
pub const MAX_SESSION_DETAILS: usize = 4_096;
/// URIs that one session may define for reflection: as many as it may register and subscribe to.
pub const MAX_DEFINITIONS: usize = 320;
/// Bytes of the definitions of one session, with what each costs beside its schema.
pub const MAX_DEFINITION_BYTES: usize = 128 << 10;
/// Bytes of all definitions of a realm: one answer may have to hold them.
pub const MAX_REALM_DEFINITION_BYTES: usize = 4 << 20;

/// Topics of a realm that keep an event. Every one costs memory until the realm ends.
pub const MAX_RETAINED_TOPICS: usize = 4_096;
/// Bytes of all kept events of a realm: last values are small, and those of a desktop are some hundred.
pub const MAX_RETAINED_BYTES: usize = 8 << 20;
/// Topics that keep an event of one principal, so that no device can use up what all of them share.
pub const MAX_RETAINED_TOPICS_EACH: usize = MAX_RETAINED_TOPICS / 4;
/// Bytes of all kept events of one principal.
pub const MAX_RETAINED_BYTES_EACH: usize = MAX_RETAINED_BYTES / 4;
/// Events of one topic that are kept for some principals or roles alone, beside the one for all: enough for one each of
/// a few, and a subscriber looks through all of them.
pub const MAX_RETAINED_LIMITED: usize = 8;
/// Events of one subscription in its history: who asks looks through all of them.
pub const MAX_HISTORY_EVENTS: usize = 100_000;
/// Bytes of memory of one history: some of the longest events that a router usually takes, or very many short ones.
pub const MAX_HISTORY_BYTES: usize = 16 << 20;
/// Bytes of arguments in one answer from a history, if it is more than one event: as many as a message from a peer may
/// have. Who wants more asks again from where the answer ended.
pub const MAX_HISTORY_ANSWER: usize = MAX_MESSAGE;

/// Bytes of the name of a client's queue: a random one has half of them.
pub const MAX_QUEUE_NAME: usize = 64;
/// Queues of one principal that are remembered; of more the one is forgotten that was not used for the longest time.
pub const MAX_QUEUES_EACH: usize = 64;
/// Queues of a realm that are remembered: some hundred kilobytes.
pub const MAX_QUEUES: usize = 4_096;
/// Bytes of a journal that are not worth being written anew, however many of them are forgotten.
pub const MIN_JOURNAL: usize = 1 << 20;
/// Events of other routers that a realm remembers, so that it takes each once: more than three queues on disk hold, which
/// is what may come late on one way after it came on another. Some megabytes, where there are links.
pub const MAX_ORIGINS: usize = 32_768;
/// Topics whose retained events were forgotten, of which a realm knows when: another router may tell again what it has of them.
pub const MAX_FORGOTTEN: usize = 1_024;
/// Bytes of the name of such a topic; a longer one is not known: all of them together are a quarter of a megabyte.
pub const MAX_FORGOTTEN_URI: usize = 256;
/// Routers that an event or a call may pass: what comes further has lost its way, or somebody has made it so long.
pub const MAX_VIA: usize = 16;
/// Testaments of one session: a program says with each that one thing of it is gone.
pub const MAX_TESTAMENTS: usize = 64;
/// Bytes of all testaments of a session: they are held as long as it lasts.
pub const MAX_TESTAMENT_BYTES: usize = 64 << 10;

/// How long a publication waits until its subscribers say that they have it: longer than a phone sleeps between two
/// packets, shorter than a person waits.
pub const DELIVERY_PATIENCE: Duration = Duration::from_secs(10);
/// Publications of one session that wait at a time for their delivery.
pub const MAX_AWAITED_DELIVERIES: usize = 128;
/// Events that one session may leave unconfirmed; of those beyond it is not known whether they arrive.
pub const MAX_UNCONFIRMED_EVENTS: usize = 1_024;

/// Messages that an end of a resumable session may have sent without knowing that they arrived; it waits with more, and
/// keeps as many for the case that it must send them again. Four round trips of what is acknowledged at a time.
pub const UNACKNOWLEDGED_MESSAGES: usize = 1_024;
/// Bytes of those, with what each costs beside its arguments. One message may be longer.
pub const UNACKNOWLEDGED_BYTES: usize = 2 << 20;
/// Messages after which the other end of a resumable session is told that they arrived: a small part of what it may send
/// until then, so that it never waits on a connection that is not slower than its messages.
pub const ACKNOWLEDGED_MESSAGES: u64 = 128;
/// Bytes of arguments after which it is told.
pub const ACKNOWLEDGED_BYTES: usize = 256 << 10;
/// How long it may take until it is told of the last message: what is kept for nothing is memory of both ends.
pub const ACKNOWLEDGED_WITHIN: Duration = Duration::from_secs(2);

/// Under this key WELCOME says how many bytes the router takes as one message. Of the transports RawSocket alone has a way to
/// say so, and a message that is longer ends its session.
pub const LONGEST_MESSAGE: &str = "_message_bytes";

/// What a WELCOME with these details says of that.
#[must_use]
pub fn longest_message(details: &Dict) -> Option<usize> {
    let bytes = details.get(LONGEST_MESSAGE).and_then(Value::as_u64)?;
    usize::try_from(bytes).ok()
}

/// What a decoder accepts. Two of these exist per router: before and after a peer has joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes of one message; links check it before they allocate.
    pub message_bytes: usize,
    /// Nesting of arrays and maps. More than 256 is taken for 256.
    pub depth: usize,
    /// Values in one message.
    pub values: usize,
}

impl Bounds {
    /// The defaults for a peer that has joined.
    pub const JOINED: Self = Self {
        message_bytes: MAX_MESSAGE,
        depth: MAX_DEPTH,
        values: MAX_VALUES,
    };
    /// The defaults for a peer that has not yet joined.
    pub const JOINING: Self = Self {
        message_bytes: MAX_MESSAGE_BEFORE_JOIN,
        depth: MAX_DEPTH_BEFORE_JOIN,
        values: MAX_VALUES_BEFORE_JOIN,
    };
}

/// What one session may hold in a realm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Registrations at a time.
    pub registrations: usize,
    /// Subscriptions at a time.
    pub subscriptions: usize,
    /// Calls that wait for their result.
    pub pending_calls: usize,
}

impl Default for Quota {
    fn default() -> Self {
        Self {
            registrations: MAX_REGISTRATIONS,
            subscriptions: MAX_SUBSCRIPTIONS,
            pending_calls: MAX_PENDING_CALLS,
        }
    }
}

/// What a realm keeps for those who subscribe later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Topics with a kept event.
    pub topics: usize,
    /// Bytes of all kept events, with what each costs beside its arguments.
    pub bytes: usize,
    /// Topics whose event one principal published.
    pub topics_each: usize,
    /// Bytes of those.
    pub bytes_each: usize,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            topics: MAX_RETAINED_TOPICS,
            bytes: MAX_RETAINED_BYTES,
            topics_each: MAX_RETAINED_TOPICS_EACH,
            bytes_each: MAX_RETAINED_BYTES_EACH,
        }
    }
}
