//! What a client says of itself before it is let in, for the log: who it was that was refused. What it proves with is no part of it.

use wamp::acceptor::{Asked, Proof};
use wamp::auth::Method;

/// Characters of each: a line of the log is for people, and the words are a stranger's.
const MOST: usize = 64;

/// Where a client wants in, and as whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Claim {
    pub(super) realm: String,
    pub(super) authid: Option<String>,
    /// The method that it was asked to prove itself by, or those that it offered as long as there is none.
    pub(super) method: String,
}

impl Claim {
    pub(super) fn of(asked: &Asked) -> Self {
        Self {
            realm: clean(asked.realm.as_str()),
            authid: asked.authid.as_deref().map(clean),
            method: clean(&asked.methods.join(", ")),
        }
    }

    /// The client is asked for this.
    pub(super) fn is_asked_for(&mut self, proof: &Proof) {
        if let Some(method) = method(proof) {
            method.name().clone_into(&mut self.method);
        }
    }
}

/// By which method a proof is given; none where nothing more is to be given.
fn method(proof: &Proof) -> Option<Method> {
    match proof {
        Proof::None => None,
        Proof::Cryptosign(_) => Some(Method::Cryptosign),
        Proof::Ticket(_) | Proof::TicketTold => Some(Method::Ticket),
        Proof::Cra(_) => Some(Method::Cra),
        Proof::Scram(_) => Some(Method::Scram),
        Proof::Vouched(vouched) => method(&vouched.proof),
    }
}

fn clean(text: &str) -> String {
    let clean = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().take(MOST).map(clean).collect()
}

#[cfg(test)]
mod tests {
    use wamp::auth::ticket::Ticket;

    use super::*;

    #[test]
    fn a_claim_is_one_short_line_whatever_a_stranger_says() {
        assert_eq!(clean("joe\nERROR all is lost\u{7}"), "joe ERROR all is lost ");
        assert_eq!(clean(&"ä".repeat(MOST)), "ä".repeat(MOST));
        assert_eq!(clean(&"ä".repeat(MOST + 1)), "ä".repeat(MOST));
    }

    #[test]
    fn the_method_is_the_one_that_was_asked_for_once_there_is_one() {
        let offered = Claim {
            realm: "home".to_owned(),
            authid: None,
            method: "ticket, wampcra".to_owned(),
        };
        let method = |proof| {
            let mut claim = offered.clone();
            claim.is_asked_for(&proof);
            claim.method
        };
        assert_eq!(method(Proof::None), "ticket, wampcra");
        assert_eq!(method(Proof::Ticket(Ticket::new("secret"))), "ticket");
        assert_eq!(method(Proof::Cryptosign(None)), "cryptosign");
    }
}
