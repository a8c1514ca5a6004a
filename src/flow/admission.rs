//! The first step of a call where there are limits: to be admitted.

use std::task::{Context, Poll, Waker};

use super::decide::decide_admitted;
use super::respond::{Respond, Response, State};
use crate::core::ExchangeId;
use crate::core::exchange::Waits;
use crate::core::gate::Entered;
use crate::error::{Error, ErrorKind, Result};
use crate::mode::Mode;
use crate::model::request::Request;

impl<M: Mode> Respond<M> {
    /// A request arrives, and is admitted or waits.
    pub(super) fn enter(
        &mut self,
        mut request: Request,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Response<M>>> {
        let engine = self.engine();
        engine.follow_clock();
        let settings = &engine.settings;
        if !settings.redact.is_empty() {
            request.mark_secrets(&settings.redact);
        }
        let place = settings.limits.as_ref().map(|it| it.place(&request));
        let (place, failed) = match place.transpose() {
            Ok(place) => (place, None),
            Err(error) => (None, Some(error)),
        };
        let kept = engine.kept_instead(&request);
        let kept = kept.as_ref().unwrap_or(&request);
        let entered = engine.with(|core| core.enter(kept, place.as_ref()));
        let (arrived, entered) = match entered {
            Ok(entered) => entered,
            Err(error) => return Poll::Ready(Err(error)),
        };
        drop(arrived.evicted);
        arrived.wake.into_iter().for_each(Waker::wake);
        let (exchange, sequence) = (arrived.exchange, arrived.sequence);
        if let Some(error) = failed {
            return Poll::Ready(Err(self.fail(exchange, error)));
        }
        match entered {
            Entered::Admitted => self.go_on(exchange, sequence, request, cx),
            Entered::Waiting => {
                self.state = State::Queued {
                    exchange,
                    sequence,
                    request,
                };
                self.poll_queued(cx)
            }
            Entered::Full(waiting) => {
                let error = Error::new(ErrorKind::QueueFull { waiting });
                Poll::Ready(Err(self.fail(exchange, error)))
            }
        }
    }

    pub(super) fn poll_queued(&mut self, cx: &mut Context<'_>) -> Poll<Result<Response<M>>> {
        let State::Queued { exchange, .. } = self.state else {
            unreachable!("only called in this state");
        };
        // Park first: an admission that comes in between then wakes.
        let parked = self.park(exchange, Waits::Permit, cx);
        if parked.is_ready() {
            return parked;
        }
        if !self.engine().with(|core| core.is_admitted(exchange)) {
            return Poll::Pending;
        }
        let State::Queued {
            sequence, request, ..
        } = self.take_state()
        else {
            unreachable!("the state was just matched");
        };
        self.go_on(exchange, sequence, request, cx)
    }

    /// Lets the rules answer a request that has been admitted.
    fn go_on(
        &mut self,
        exchange: ExchangeId,
        sequence: u64,
        request: Request,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Response<M>>> {
        match decide_admitted(self.engine(), exchange, sequence, &request) {
            Ok(decided) => self.carry_out(decided, cx),
            Err(error) => Poll::Ready(Err(error)),
        }
    }
}
