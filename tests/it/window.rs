//! The owner's side of pairing.

use client::{Args, Dict, Session, SigningKey, Subscription, Value};
use pairing::exchange::Secret;

use crate::support::{Desk, public, soon};

/// A window that is open, and the questions that come.
pub(crate) struct Window {
    pub(crate) owner: Session,
    asked: Subscription,
    pub(crate) code: String,
    pub(crate) link: Option<String>,
}

impl Window {
    pub(crate) async fn open(desk: &Desk, args: Args) -> Self {
        Self::of(desk.owner().await, args).await
    }

    /// A window of the legacy form.
    pub(crate) async fn legacy(desk: &Desk, args: Args) -> Self {
        Self::open(desk, args.with("legacy", true)).await
    }

    /// A window of this owner.
    pub(crate) async fn of(owner: Session, args: Args) -> Self {
        let asked = owner.subscribe("org.deskconn.pairing.on_asked").await.unwrap();
        let opened = owner
            .call("org.deskconn.pairing.open", args)
            .await
            .unwrap()
            .into_value();
        let opened = opened.as_dict().unwrap();
        let text = |key: &str| opened[key].as_str().map(str::to_owned);
        Self {
            owner,
            asked,
            code: text("code").unwrap(),
            link: text("link"),
        }
    }

    pub(crate) fn number(&self) -> u64 {
        self.code.replace('-', "").parse().unwrap()
    }

    pub(crate) fn secret(&self) -> Secret {
        Secret::Code(self.code.parse().unwrap())
    }

    /// The next question.
    pub(crate) async fn question(&mut self) -> Dict {
        let question = soon("the question", self.asked.next()).await.unwrap().args.into_value();
        question.as_dict().unwrap().clone()
    }

    /// Answers the next question, and gives it with what the answer came to.
    pub(crate) async fn answer(&mut self, allow: bool) -> (Dict, Result<Value, client::Error>) {
        let question = self.question().await;
        let arguments = [question["request"].clone(), allow.into()];
        let answered = self.owner.call("org.deskconn.pairing.answer", arguments).await;
        (question, answered.map(Args::into_value))
    }

    /// Brings the code by a call of `pair`, as a plain WAMP library does, and allows it; gives the question.
    pub(crate) async fn let_in(&mut self, stranger: &Session, key: &SigningKey) -> Dict {
        let call = stranger.call("org.deskconn.pair", [self.code.as_str().into(), public(key).into()]);
        let (paired, (question, _)) = soon("pairing", async { tokio::join!(call, self.answer(true)) }).await;
        assert_eq!(paired.unwrap().into_value(), Value::Bool(true));
        question
    }
}
