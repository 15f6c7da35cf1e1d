//! Ticket-based authentication: a word that both sides know goes over the connection as it is (WAMP specification,
//! "Ticket-based Authentication"). Whoever listens has it then, so it is for links that are private.

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// The longest ticket, in bytes: tokens that others sign have some kilobytes.
pub const MAX_TICKET: usize = 8 << 10;

/// The ticket of somebody who may come in; it is not shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Ticket([u8; 32]);

impl std::fmt::Debug for Ticket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ticket")
    }
}

impl Ticket {
    /// From the word itself, of which only the hash is kept.
    #[must_use]
    pub fn new(word: &str) -> Self {
        Self(Sha256::digest(word.as_bytes()).into())
    }

    /// Whether somebody gave this ticket. How long it takes says nothing of where a wrong one differs.
    #[must_use]
    pub fn is(&self, word: &str) -> bool {
        word.len() <= MAX_TICKET && bool::from(self.0.ct_eq(&Self::new(word).0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_ticket_opens() {
        let ticket = Ticket::new("secret!!!");
        assert!(ticket.is("secret!!!"));
        for wrong in ["", "secret!!", "secret!!!!", "Secret!!!"] {
            assert!(!ticket.is(wrong), "{wrong}");
        }
    }

    #[test]
    fn a_ticket_is_taken_up_to_its_longest_and_never_beyond() {
        let longest = "x".repeat(MAX_TICKET);
        assert!(Ticket::new(&longest).is(&longest));
        let longer = "x".repeat(MAX_TICKET + 1);
        assert!(!Ticket::new(&longer).is(&longer));
    }

    #[test]
    fn a_log_shows_no_ticket() {
        assert_eq!(format!("{:?}", Ticket::new("secret")), "Ticket");
    }
}
