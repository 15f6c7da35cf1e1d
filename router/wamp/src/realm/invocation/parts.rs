//! Calls whose arguments come in several parts (WAMP specification, "Progressive Call Invocations").

use super::super::{Realm, send};
use super::credit;
use crate::error::Violation;
use crate::id::{RegistrationId, RequestId, SessionId};
use crate::message::{Call, Invocation, InvocationDetails, Message};
use crate::outgoing::Delivery;
use crate::payload::Payload;

/// What a callee is told with every part: what the first one said counts for all.
#[derive(Debug)]
pub(super) struct Input {
    registration: RegistrationId,
    details: InvocationDetails,
}

impl Input {
    pub(super) const fn new(registration: RegistrationId, details: InvocationDetails) -> Self {
        Self { registration, details }
    }
}

impl Realm {
    /// Takes a CALL with the number of one that is open: its next part, or a mistake.
    pub(in crate::realm) fn go_on_calling(
        &mut self,
        caller: SessionId,
        call: Call,
        out: &mut Vec<Delivery>,
    ) -> Result<(), Violation> {
        let Call {
            request,
            options,
            payload,
            ..
        } = call;
        let at_work = self.at_work(caller, request);
        let mut is_taken = options
            .flow
            .as_deref()
            .is_some_and(|flow| self.grant_parked(caller, request, *flow));
        for (callee, invocation) in at_work {
            if let Some(flow) = &options.flow {
                is_taken |= self.grant_results(callee, invocation, flow.credit, out);
                continue;
            }
            is_taken |= self.forward_part(callee, invocation, options.progress, payload.clone(), out);
        }
        if is_taken {
            Ok(())
        } else {
            Err(Violation::new(format!("CALL: request {request} is still open")))
        }
    }

    /// Hands a part to the callee, if more was to come.
    fn forward_part(
        &mut self,
        callee: SessionId,
        request: RequestId,
        progress: bool,
        payload: Payload,
        out: &mut Vec<Delivery>,
    ) -> bool {
        let member = self.members.get_mut(callee);
        let Some(pending) = member.and_then(|member| member.invocations.get_mut(request)) else {
            return false;
        };
        let Some(special) = &mut pending.special else {
            return false;
        };
        let Some(input) = &special.input else { return false };
        if special.credit.as_mut().is_some_and(|credit| !credit.spend_part()) {
            self.overrun(callee, request, credit::TOO_MANY_PARTS, out);
            return true;
        }
        let invocation = Invocation {
            request,
            registration: input.registration,
            details: InvocationDetails {
                progress,
                credit: 0,
                await_credit: false,
                ..input.details.clone()
            },
            payload,
        };
        if !progress {
            special.input = None;
        }
        pending.begin();
        send(out, callee, Message::Invocation(invocation));
        true
    }
}
