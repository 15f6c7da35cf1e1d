//! The arguments of a call of the router's own procedures: each by its place or by its name, of the type it must have.

use super::Procedure;
use crate::error;
use crate::id::{RegistrationId, SessionId, SubscriptionId};
use crate::message::Match;
use crate::realm::Refusal;
use crate::uri::Uri;
use crate::value::{Dict, Value};

/// A call of a procedure of the router.
#[derive(Debug)]
pub(super) struct Asked<'a> {
    params: &'static [&'static str],
    pub(super) caller: SessionId,
    args: &'a [Value],
    kwargs: &'a Dict,
}

const fn wrong(why: &'static str) -> Refusal {
    Refusal(error::INVALID_ARGUMENT, why)
}

/// The name of a parameter, and whether it may be left out.
fn parse(param: &'static str) -> (&'static str, bool) {
    param.strip_suffix('?').map_or((param, false), |name| (name, true))
}

impl<'a> Asked<'a> {
    /// Checks that the arguments are as many as the procedure takes, and have its names.
    pub(super) fn new(
        procedure: &'static Procedure,
        caller: SessionId,
        args: &'a [Value],
        kwargs: &'a Dict,
    ) -> Result<Self, Refusal> {
        let params = procedure.params;
        if args.len() > params.len() {
            return Err(wrong("there are more arguments than it takes"));
        }
        let place = |name: &str| params.iter().position(|param| parse(param).0 == name);
        for name in kwargs.keys() {
            let place = place(name).ok_or(wrong("an argument has a name that it does not know"))?;
            if place < args.len() {
                return Err(wrong("an argument is there twice, by its place and by its name"));
            }
        }
        let asked = Self {
            params,
            caller,
            args,
            kwargs,
        };
        let mut needed = params
            .iter()
            .map(|param| parse(param))
            .filter(|(_, optional)| !optional);
        match needed.all(|(name, _)| asked.given(name).is_some()) {
            true => Ok(asked),
            false => Err(wrong("an argument is missing")),
        }
    }

    /// An argument as it is given, null too.
    pub(super) fn given(&self, name: &str) -> Option<&'a Value> {
        let place = self.params.iter().position(|param| parse(param).0 == name)?;
        self.args.get(place).or_else(|| self.kwargs.get(name))
    }

    /// An argument that may be left out; null counts as left out.
    pub(super) fn optional(&self, name: &str) -> Option<&'a Value> {
        self.given(name).filter(|value| **value != Value::Null)
    }

    /// An id. One that no id can be is that of nothing, so it is refused like one that is not there.
    fn id<T>(
        &self,
        name: &str,
        make: fn(u64) -> Option<T>,
        unknown: Refusal,
        what: &'static str,
    ) -> Result<T, Refusal> {
        let number = self.given(name).and_then(Value::as_u64).ok_or(wrong(what))?;
        make(number).ok_or(unknown)
    }

    /// The session of the argument `name`, which need not be there.
    pub(super) fn session(&self, name: &str) -> Result<SessionId, Refusal> {
        let what = "a session is given by its id, an integer";
        self.id(name, SessionId::new, Refusal::NO_SUCH_SESSION, what)
    }

    /// The registration of the argument `registration`, which need not be there.
    pub(super) fn registration(&self) -> Result<RegistrationId, Refusal> {
        let what = "a registration is given by its id, an integer";
        self.id("registration", RegistrationId::new, Refusal::NO_SUCH_REGISTRATION, what)
    }

    /// The subscription of the argument `subscription`, which need not be there.
    pub(super) fn subscription(&self) -> Result<SubscriptionId, Refusal> {
        let what = "a subscription is given by its id, an integer";
        self.id("subscription", SubscriptionId::new, Refusal::NO_SUCH_SUBSCRIPTION, what)
    }

    /// A text that must be there.
    pub(super) fn text(&self, name: &str, what: &'static str) -> Result<&'a str, Refusal> {
        self.given(name).and_then(Value::as_str).ok_or(wrong(what))
    }

    /// A text that may be left out.
    pub(super) fn optional_text(&self, name: &str, what: &'static str) -> Result<Option<&'a str>, Refusal> {
        let text = |value: &'a Value| value.as_str().ok_or(wrong(what));
        self.optional(name).map(text).transpose()
    }

    /// A procedure or topic.
    pub(super) fn uri(&self, name: &str) -> Result<Uri, Refusal> {
        self.text(name, "a URI is given as text").map(Uri::from)
    }

    /// A dictionary that must be there.
    pub(super) fn dict(&self, name: &str, what: &'static str) -> Result<&'a Dict, Refusal> {
        self.given(name).and_then(Value::as_dict).ok_or(wrong(what))
    }

    /// The match policy of `options`: those of REGISTER and SUBSCRIBE, of which nothing else counts here.
    pub(super) fn policy(&self) -> Result<Match, Refusal> {
        let Some(options) = self.optional("options") else {
            return Ok(Match::Exact);
        };
        let options = options.as_dict().ok_or(wrong("options are a dictionary"))?;
        let Some(policy) = options.get("match").filter(|it| **it != Value::Null) else {
            return Ok(Match::Exact);
        };
        let policy = policy.as_str().and_then(|name| Match::from_name(name.as_bytes()));
        policy.ok_or(wrong("match is exact, prefix or wildcard"))
    }

    /// A list of texts; one text alone counts as a list of it.
    pub(super) fn texts(&self, name: &str, what: &'static str) -> Result<Option<Vec<&'a str>>, Refusal> {
        let Some(value) = self.optional(name) else {
            return Ok(None);
        };
        let alone = || value.as_str().map(|text| vec![text]);
        let texts = value.as_list().map(|list| list.iter().map(Value::as_str).collect());
        let texts: Option<Vec<_>> = texts.unwrap_or_else(alone);
        texts.map(Some).ok_or(wrong(what))
    }
}

#[cfg(test)]
mod tests;
