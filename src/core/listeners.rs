//! The server ends of WebSocket connections that the test takes by hand.

use std::task::Waker;

use super::sockets::Sockets;
use super::{Core, RuleId, SocketId};
use crate::error::Result;
use crate::mode::Mode;
use crate::model::request::Request;

impl<M: Mode> Core<M> {
    /// Leaves a server end for the test to take; returns who waits for one.
    pub(crate) fn hand_over(
        &mut self,
        id: SocketId,
        request: &mut Option<Request>,
    ) -> Result<Vec<Waker>> {
        let sockets = self.sockets.as_deref_mut();
        let Some(connection) = sockets.and_then(|it| it.live.get_mut(id)) else {
            return Err(self.gone("connection"));
        };
        std::mem::swap(&mut connection.request, request);
        let rule = connection.rule;
        if self.rules.get(rule).is_none() {
            return Err(self.gone("rule"));
        }
        let waiting = self.sockets.get_or_insert_default().waiting.entry(rule);
        let Some(listener) = waiting else {
            return Err(self.gone("rule"));
        };
        let listener = listener.or_default();
        listener.waiting.push_back(id);
        Ok(std::mem::take(&mut listener.wakers))
    }

    /// The oldest server end that nobody has taken; takes the waker when there is none.
    pub(crate) fn next_socket(
        &mut self,
        rule: RuleId,
        waker: &mut Option<Waker>,
    ) -> Result<Option<(SocketId, Request)>> {
        if self.rules.get(rule).is_none() {
            return Err(self.gone("rule"));
        }
        let Sockets { live, waiting, .. } = &mut **self.sockets.get_or_insert_default();
        let Some(listener) = waiting.entry(rule) else {
            return Ok(None);
        };
        let listener = listener.or_default();
        while let Some(id) = listener.waiting.pop_front() {
            let request = live.get_mut(id).and_then(|it| it.request.take());
            if let Some(request) = request {
                return Ok(Some((id, request)));
            }
        }
        let known = |waker: &Waker| listener.wakers.iter().any(|it| it.will_wake(waker));
        if !waker.as_ref().is_some_and(known) {
            listener.wakers.extend(waker.take());
        }
        Ok(None)
    }

    /// What is left of a rule's connections when it is removed: the server ends that nobody has
    /// taken, and who waits for one.
    pub(crate) fn forget_listener(&mut self, rule: RuleId) -> (Vec<SocketId>, Vec<Waker>) {
        let Some(sockets) = &mut self.sockets else {
            return Default::default();
        };
        sockets.unmet.retain(|unmet| unmet.rule != rule);
        let listener = sockets.waiting.remove(rule).unwrap_or_default();
        (listener.waiting.into(), listener.wakers)
    }
}
