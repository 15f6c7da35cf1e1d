//! The legacy form at the desk: devices that bring their code by a call of `pair`, or with a login.

use std::sync::Arc;

use ed25519_dalek::VerifyingKey;
use pairing::legacy::{Claim, PROOF_TIME, Refusal, Step};
use pairing::question::Request;
use pairing::{Code, Device, Kind};
use rand::rngs::SysRng;
use router::Peer;
use time::OffsetDateTime;
use tokio::sync::oneshot;
use wamp::acceptor::Asked;
use wamp::error::{AUTHENTICATION_DENIED, CLOSE_NORMAL};
use wamp::id::SessionId;
use wamp::message::{Abort, Goodbye};
use wamp::value::Value;

use super::{AnswerError, Desk, Inner, PAIRING_SESSIONS, Told, noted};
use crate::access::extra_text;

impl Desk {
    /// Whether a stranger from there may come to the desk now.
    #[must_use]
    pub fn admits(&self, peer: &Peer) -> bool {
        let now = self.now();
        let inner = self.inner();
        let terms = inner.windows.terms(now).filter(|terms| terms.legacy);
        terms.is_some_and(|terms| peer.is_private() || peer.is_on_this_machine() || terms.insecure_network)
    }

    /// Whether there is room for one stranger more.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.inner().strangers.len() < PAIRING_SESSIONS
    }

    /// Looks at the code in a login. The key must then be proved, and [`Desk::finish_login`] asks the owner.
    ///
    /// # Errors
    /// The ABORT for a device whose code is not taken.
    pub fn claim_login(&self, asked: &Asked, key: &VerifyingKey, peer: &Peer) -> Result<(), Abort> {
        let claim = Claim {
            otp: asked.authextra.get("otp").and_then(code_of),
            key: key.to_bytes(),
            session_key: Some(key.to_bytes()),
            name: extra_text(asked, "name").map(str::to_owned),
            kind: Kind::default(),
            address: peer.host(),
            is_private: peer.is_private() || peer.is_on_this_machine(),
        };
        let mut inner = self.inner();
        let request = self.claim(&mut inner, claim).map_err(refused)?;
        inner.logins.insert(key.to_bytes(), request);
        Ok(())
    }

    fn claim(&self, inner: &mut Inner, claim: Claim) -> Result<Request, Refusal> {
        let address = claim.address.clone();
        let claimed = inner.legacy.claim(&mut inner.windows, claim, self.now());
        if let Err(refusal) = &claimed {
            self.not_paired(address.as_deref(), *refusal);
        }
        self.settle(inner);
        claimed
    }

    /// Asks the owner about a device that has proved its key.
    ///
    /// # Errors
    /// The ABORT for a device that is not let in.
    pub async fn finish_login(&self, key: &VerifyingKey) -> Result<(), Abort> {
        let request = self.inner().logins.remove(key.as_bytes());
        let request = request.ok_or_else(|| refused(Refusal::Unproved))?;
        self.ask(request).await.map_err(refused)
    }

    /// Serves a call of `pair(otp, pubkey)`.
    ///
    /// # Errors
    /// Why the device is refused.
    pub async fn pair(&self, claim: Claim) -> Result<(), Refusal> {
        let request = self.claim(&mut self.inner(), claim)?;
        self.ask(request).await
    }

    /// Asks the owner and waits for the answer. A device that does not wait is withdrawn.
    async fn ask(&self, request: Request) -> Result<(), Refusal> {
        let (answered, answer) = oneshot::channel();
        {
            let mut inner = self.inner();
            let Inner { windows, legacy, .. } = &mut *inner;
            match legacy.ask(windows, request, self.now()) {
                Step::Ask(question) => {
                    let address = question.address.clone().unwrap_or_default();
                    inner.addresses.insert(request, address);
                    self.tell(Told::Asked(question));
                }
                Step::Refused(_, refusal) => {
                    self.settle(&mut inner);
                    return Err(refusal);
                }
                Step::Granted(..) => return Ok(()),
            }
            inner.waiting.insert(request, answered);
            self.settle(&mut inner);
        }
        let waiting = Waiting { desk: self, request };
        let answer = answer.await.unwrap_or(Err(Refusal::Cancelled));
        drop(waiting);
        answer
    }

    /// Tells whoever waits for it how its request ended, and writes down a refusal.
    pub(super) fn finish(&self, inner: &mut Inner, request: Request, answer: Result<(), Refusal>) {
        if let Err(refusal) = answer {
            self.not_paired(inner.addresses.get(&request).map(String::as_str), refusal);
        }
        inner.finish(request, answer);
    }

    /// Gives a stranger's session the time to prove its key, or to be approved; then it ends.
    pub fn watch_stranger(self: &Arc<Self>, session: SessionId) {
        self.inner().strangers.insert(session);
        let desk = Arc::clone(self);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(PROOF_TIME).await;
                let inner = desk.inner();
                if !inner.strangers.contains(&session) {
                    return;
                }
                // While the owner is asked the clock stands still.
                if inner.waiting.is_empty() {
                    break;
                }
            }
            let goodbye = Goodbye::new(CLOSE_NORMAL, "the time for pairing is over");
            if let Some(realm) = desk.realm.get() {
                realm.end_sessions(&goodbye, |origin| origin.session == session);
            }
        });
    }

    /// A session ended.
    pub fn stranger_left(&self, session: SessionId) {
        self.inner().strangers.remove(&session);
    }

    /// Takes the owner's answer to a device of this form.
    pub(super) fn answer_legacy(
        &self,
        inner: &mut Inner,
        request: Request,
        allow: bool,
        role: Option<&str>,
    ) -> Result<Option<Device>, AnswerError> {
        let Inner { windows, legacy, .. } = &mut *inner;
        match legacy.answer(windows, request, allow, role, self.now())? {
            Step::Granted(request, new) => {
                let now = OffsetDateTime::now_utc();
                let stored = self.store.change_trust(|trust| trust.add(*new, now, &mut SysRng));
                let answer = match &stored {
                    Ok(device) => {
                        self.audit.note(noted::granted(device));
                        inner.paired = Some(Box::new(device.clone()));
                        Ok(())
                    }
                    Err(_) => Err(Refusal::Cancelled),
                };
                self.finish(inner, request, answer);
                self.tell(Told::Devices);
                Ok(Some(stored?))
            }
            Step::Refused(request, refusal) => {
                self.finish(inner, request, Err(refusal));
                Ok(None)
            }
            Step::Ask(_) => Ok(None),
        }
    }
}

/// A device that waits for the owner; when it goes, its request goes with it.
struct Waiting<'a> {
    desk: &'a Desk,
    request: Request,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut inner = self.desk.inner();
        inner.waiting.remove(&self.request);
        inner.addresses.remove(&self.request);
        let Inner { windows, legacy, .. } = &mut *inner;
        legacy.withdraw(windows, self.request);
        self.desk.settle(&mut inner);
    }
}

/// The code that a client sent, as an integer or as text.
#[must_use]
pub fn code_of(value: &Value) -> Option<Code> {
    match value.as_str() {
        Some(text) => text.parse().ok(),
        None => Code::from_number(value.as_u64()?).ok(),
    }
}

fn refused(refusal: Refusal) -> Abort {
    Abort::new(AUTHENTICATION_DENIED, refusal.told())
}
