//! Pairing by key exchange at the desk: carries the frames of `/pair` between a connection and the machine.

use std::sync::Arc;

use pairing::Device;
pub(super) use pairing::exchange::Desktop as Machine;
use pairing::exchange::{Channel, MAX_FRAME_BYTES, Own, SUBPROTOCOL, Step, Verdict, Why};
use pairing::question::Request;
use pairing::window::Closed;
use rand::rngs::SysRng;
use router::{Frames, Peer, Response};
use time::OffsetDateTime;
use tokio::sync::{mpsc, oneshot};

use super::{AnswerError, Desk, Inner, Told, noted};

/// What became of a device that the owner allowed or refused.
type Outcome = Result<Option<Device>, AnswerError>;

/// The connection whose exchange is under way.
#[derive(Debug)]
pub(super) struct Running {
    request: Request,
    /// What the owner or the clock wants done, at most twice: an answer, and an end.
    steps: mpsc::UnboundedSender<Step>,
    /// Where the owner waits for the end of what was allowed.
    owner: Option<oneshot::Sender<Outcome>>,
}

impl Desk {
    /// Whether a device could pair over `/pair` now. While none could, there is no such place.
    #[must_use]
    pub fn takes_exchanges(&self) -> bool {
        let inner = self.inner();
        inner.windows.terms(self.now()).is_some_and(|terms| !terms.legacy) || inner.running.is_some()
    }

    /// Answers a request to `/pair`.
    #[must_use]
    pub fn welcome(self: &Arc<Self>, request: router::Request, peer: &Peer) -> Response {
        let channel = Channel {
            is_tls: matches!(peer.channel, router::Channel::Tls { .. }),
            exporter: match peer.channel {
                router::Channel::Tls { exporter_pair, .. } => Some(exporter_pair),
                router::Channel::Plain | router::Channel::Noise { .. } => None,
            },
            address: peer.host(),
        };
        let (response, frames) = match router::accept_frames(request, SUBPROTOCOL, MAX_FRAME_BYTES) {
            Ok(accepted) => accepted,
            Err(response) => return *response,
        };
        let desk = Arc::clone(self);
        tokio::spawn(async move {
            match frames.await {
                Ok(frames) => desk.serve_exchange(frames, channel).await,
                Err(error) => tracing::debug!(%error, "a device left before it could pair"),
            }
        });
        response
    }

    /// Carries frames until the exchange is over.
    async fn serve_exchange(&self, mut frames: Frames, channel: Channel) {
        let address = channel.address.clone();
        let (request, hello, mut steps) = match self.begin_exchange(channel) {
            Ok(begun) => begun,
            Err(why) => return self.end(frames, &why, address.as_deref()).await,
        };
        let leaving = Leaving { desk: self, request };
        let mut step = Step::Send(hello);
        loop {
            step = match step {
                Step::Send(frame) => {
                    if frames.send(&frame).await.is_err() {
                        return;
                    }
                    tokio::select! {
                        // What the owner or the clock decided comes before what the device says to it.
                        biased;
                        step = steps.recv() => step.unwrap_or(Step::End(Why::Over)),
                        frame = frames.next() => match frame {
                            Ok(Some(frame)) => self.take_frame(request, &frame),
                            Ok(None) => return,
                            Err(error) => {
                                tracing::debug!(%error, "a device broke off its pairing");
                                return;
                            }
                        },
                    }
                }
                Step::Ask(question, frame) => {
                    // The owner is asked when the device has what it waits for, which changes nothing for either.
                    self.tell(Told::Asked(question));
                    Step::Send(frame)
                }
                Step::Store(device) => match self.store_device(request, *device) {
                    Ok(()) => return frames.close().await,
                    Err(why) => Step::End(why),
                },
                Step::End(why) => {
                    drop(leaving);
                    return self.end(frames, &why, address.as_deref()).await;
                }
            };
        }
    }

    fn begin_exchange(&self, channel: Channel) -> Result<(Request, Vec<u8>, mpsc::UnboundedReceiver<Step>), Why> {
        let mut inner = self.inner();
        let Inner { windows, exchange, .. } = &mut *inner;
        let (request, hello) = exchange.begin(windows, channel, self.now(), &mut SysRng)?;
        let (steps, due) = mpsc::unbounded_channel();
        inner.running = Some(Running {
            request,
            steps,
            owner: None,
        });
        self.settle(&mut inner);
        Ok((request, hello, due))
    }

    fn take_frame(&self, request: Request, frame: &[u8]) -> Step {
        let mut inner = self.inner();
        let Inner { windows, exchange, .. } = &mut *inner;
        let step = self.store.with_trust(|trust| {
            let own = Own {
                identity: self.store.identity(),
                trust,
            };
            exchange.receive(windows, request, frame, own, self.now(), &mut SysRng)
        });
        // The window closes for everybody to hear when the device is stored, not before.
        if !matches!(step, Step::Store(_)) {
            self.settle(&mut inner);
        }
        step
    }

    /// Stores a device that has confirmed, and lets the owner know.
    fn store_device(&self, request: Request, device: Device) -> Result<(), Why> {
        let stored = self.store.change_trust(|trust| trust.insert(device));
        if let Ok(device) = &stored {
            self.audit.note(noted::granted(device));
            tracing::info!(device = %device.id, name = %device.name, "paired");
        }
        let mut inner = self.inner();
        match &stored {
            Ok(device) => inner.paired = Some(Box::new(device.clone())),
            // It has confirmed, and is not paired all the same.
            Err(error) => {
                tracing::error!("a device that was let in could not be stored: {error}");
                inner.windows.take_closed();
                self.tell(Told::Closed(Closed::Withdrawn, None));
            }
        }
        self.settle(&mut inner);
        self.tell(Told::Devices);
        let is_stored = stored.is_ok();
        inner.tell_owner(request, stored.map(Some).map_err(AnswerError::from));
        if is_stored { Ok(()) } else { Err(Why::Denied) }
    }

    /// Takes the owner's answer to a device of this form, and gives where its end will be told.
    pub(super) fn answer_exchange(
        &self,
        inner: &mut Inner,
        request: Request,
        allow: bool,
        role: Option<&str>,
    ) -> Result<oneshot::Receiver<Outcome>, AnswerError> {
        let place = self.place();
        let Inner { windows, exchange, .. } = &mut *inner;
        let step = self.store.with_trust(|trust| {
            let verdict = match (&place, allow) {
                (Ok(place), true) => Verdict::Allow {
                    role,
                    trust,
                    place,
                    at: OffsetDateTime::now_utc(),
                },
                _ => Verdict::Deny,
            };
            exchange.answer(windows, request, verdict, self.now(), &mut SysRng)
        })?;
        let (owner, outcome) = oneshot::channel();
        let Some(running) = inner.running.as_mut().filter(|running| running.request == request) else {
            return Err(AnswerError::Gone);
        };
        if allow {
            running.owner = Some(owner);
        } else {
            drop(owner.send(Ok(None)));
        }
        // Who has left meanwhile abandons the exchange itself.
        let _ = running.steps.send(step);
        Ok(outcome)
    }

    /// Tells the device why its exchange is over, and closes the connection.
    async fn end(&self, mut frames: Frames, why: &Why, address: Option<&str>) {
        self.exchange_failed(address, why);
        let _ = frames.send(&why.frame()).await;
        frames.close().await;
    }
}

impl Inner {
    /// The clock or the owner ended an exchange.
    pub(super) fn end_exchange(&mut self, request: Request, why: Why) {
        if let Some(running) = self.running.as_ref().filter(|running| running.request == request) {
            let _ = running.steps.send(Step::End(why));
        }
    }

    fn tell_owner(&mut self, request: Request, outcome: Outcome) {
        let running = self.running.as_mut().filter(|running| running.request == request);
        if let Some(owner) = running.and_then(|running| running.owner.take()) {
            let _ = owner.send(outcome);
        }
    }
}

/// An exchange's connection; when it goes, the exchange goes with it, and an owner that waits learns it.
struct Leaving<'a> {
    desk: &'a Desk,
    request: Request,
}

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        let mut inner = self.desk.inner();
        let Inner { windows, exchange, .. } = &mut *inner;
        exchange.abandon(windows, self.request, self.desk.now());
        inner.running.take_if(|running| running.request == self.request);
        self.desk.settle(&mut inner);
    }
}
