//! From what a transport has noted to the timeline that is given out.

use std::time::Duration;

use http::HeaderMap;

use super::value::{
    Body, Cause, End, Entry, Frame, Head, Limit, Matched, MessageKind, Outage, Outcome, Queued,
    Requested, Said, Timeline,
};
use crate::core::endpoints;
use crate::core::rules::Rule;
use crate::core::trace::Times;
use crate::engine::Engine;
use crate::error::{Error, ErrorKind};
use crate::mode::Mode;
use crate::model::captured::{self, Captured};
use crate::model::message::{Message, SocketMessage};
use crate::model::{base64, redact};
use crate::transport::MockTransport;

impl<M: Mode> MockTransport<M> {
    /// What has happened so far, and when: every exchange that the journal keeps, from its arrival
    /// to its end, and when hosts were down. See [`timeline`](crate::timeline).
    #[must_use]
    pub fn timeline(&self) -> Timeline {
        self.engine.timeline(false)
    }

    /// The same with the bodies of requests and responses, as far as the journal has them. Unlike
    /// header fields, they are not searched for secrets.
    #[must_use]
    pub fn timeline_with_bodies(&self) -> Timeline {
        self.engine.timeline(true)
    }
}

/// What is noted of an exchange. It is put into words outside the borrow.
struct Noted<M: Mode> {
    captured: Captured,
    times: Times,
    rule: Option<M::Ptr<Rule<M>>>,
}

impl<M: Mode> Engine<M> {
    fn timeline(&self, with_bodies: bool) -> Timeline {
        self.follow_clock();
        let cap = if with_bodies {
            self.settings.body_bytes
        } else {
            0
        };
        let (noted, (outages, dropped_outages), now, dropped_entries) = self.with(|core| {
            let now = core.timeline.now();
            let entries = core.journal.since(0);
            let noted = entries.map(|(number, entry)| Noted::<M> {
                captured: core.snapshot(number, entry, cap),
                times: entry.times(core.rule_of(entry).map(|rule| &**rule)),
                rule: core.rule_of(entry).cloned(),
            });
            let noted: Vec<_> = noted.collect();
            (noted, core.endpoints.told(now), now, core.journal.dropped())
        });
        let entries = noted.into_iter().map(|noted| {
            let captured = self.shown(noted.captured);
            entry(captured, noted.times, noted.rule.as_deref(), with_bodies)
        });
        let mut timeline = Timeline {
            epoch: self.settings.epoch,
            now,
            entries: entries.collect(),
            outages: outages.into_iter().map(outage).collect(),
            dropped_entries,
            dropped_outages,
        };
        timeline.find_answers();
        timeline
    }
}

fn entry<M: Mode>(
    captured: Captured,
    times: Times,
    rule: Option<&Rule<M>>,
    with_bodies: bool,
) -> Entry {
    let request = &captured.request;
    let kept = |bytes: &[u8]| body(bytes).filter(|_| with_bodies);
    let frames: Vec<_> = times
        .frames
        .iter()
        .map(|frame| Frame {
            at: frame.at,
            bytes: frame.bytes,
        })
        .collect();
    let taken = frames.iter().map(|frame| frame.bytes).sum();
    let cause = cause(&captured, &times);
    Entry {
        sequence: captured.sequence,
        received: captured.at,
        queued: times.queued.map(|queued| Queued {
            limit: queued.key.map_or(Limit::Total, Limit::Key),
            acquired: queued.acquired,
        }),
        matched: times.matched.map(|at| Matched {
            at,
            rule: rule
                .map(|rule| rule.matcher.to_string())
                .unwrap_or_default(),
            site: rule.map(|rule| rule.site.to_string()).unwrap_or_default(),
        }),
        refused: times.refused,
        head: times.head.zip(captured.response).map(|(at, head)| Head {
            at,
            status: head.status.as_u16(),
            headers: fields(&head.headers),
        }),
        frames,
        dropped_frames: times.dropped_frames,
        // While a body is on its way, only its frames tell.
        bytes: captured.delivered.max(taken),
        body: kept(&captured.response_body),
        messages: {
            let messages = captured.messages.iter();
            messages.map(|it| said(it, with_bodies)).collect()
        },
        dropped_messages: captured.dropped_messages,
        end: times.end.and_then(|at| end(&captured.outcome, at, cause)),
        request: Requested {
            method: request.method().to_string(),
            url: redact::printable_url(request.url()),
            headers: fields(request.headers()),
            bytes: request.body_len() as u64,
            digest: (!request.body().is_empty()).then(|| digest(request.body())),
            body: kept(request.body()),
        },
    }
}

fn fields(headers: &HeaderMap) -> Vec<(String, String)> {
    let fields = redact::printable(headers);
    fields
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

fn body(bytes: &[u8]) -> Option<Body> {
    if bytes.is_empty() {
        return None;
    }
    Some(match std::str::from_utf8(bytes) {
        Ok(text) => Body::Text(text.to_owned()),
        Err(_) => Body::Base64(base64::encode(bytes)),
    })
}

/// FNV-1a, 32 bits.
fn digest(bytes: &[u8]) -> String {
    let hash = bytes.iter().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
    });
    format!("{hash:08x}")
}

fn said(message: &SocketMessage, with_body: bool) -> Said {
    Said {
        at: message.at,
        from: message.from,
        kind: match message.message {
            Message::Binary(_) => MessageKind::Binary,
            Message::Close(_) => MessageKind::Close,
            Message::Ping(_) => MessageKind::Ping,
            Message::Pong(_) => MessageKind::Pong,
            Message::Text(_) => MessageKind::Text,
        },
        bytes: message.bytes as u64,
        body: body(message.message.payload()).filter(|_| with_body),
    }
}

fn end(outcome: &captured::Outcome, at: Duration, cause: Option<Cause>) -> Option<End> {
    let (outcome, error) = match outcome {
        captured::Outcome::Cancelled => (Outcome::Cancelled, None),
        captured::Outcome::Done => (Outcome::Done, None),
        captured::Outcome::Failed(error) => (Outcome::Failed, Some(error)),
        captured::Outcome::Pending => return None,
        captured::Outcome::Unmatched => (Outcome::Unmatched, None),
    };
    Some(End {
        at,
        outcome,
        cause,
        code: error.map(|error| error.code().to_owned()),
        message: error.filter(|error| !error.is_fault()).map(in_words),
    })
}

fn in_words(error: &Error) -> String {
    let mut words = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        words = format!("{words}: {cause}");
        source = cause.source();
    }
    words
}

/// What made an exchange end early.
fn cause(captured: &Captured, times: &Times) -> Option<Cause> {
    let error = match &captured.outcome {
        captured::Outcome::Cancelled => return Some(Cause::Client),
        captured::Outcome::Failed(error) => error,
        _ => return None,
    };
    Some(match error.kind() {
        _ if times.killed => Cause::Killed,
        // No rule was asked.
        ErrorKind::Fault(_) if captured.rule.is_none() => Cause::Outage,
        ErrorKind::Fault(_) | ErrorKind::SocketAborted => Cause::Fault,
        ErrorKind::HandlerFailed { .. }
        | ErrorKind::HandlerPanicked { .. }
        | ErrorKind::HeldDropped => Cause::Handler,
        ErrorKind::QueueFull { .. } => Cause::QueueFull,
        _ => Cause::Transport,
    })
}

fn outage(outage: endpoints::Outage) -> Outage {
    Outage {
        host: outage.host,
        from: outage.from,
        until: outage.until,
        killed: outage.killed,
        code: outage.fault.code().to_owned(),
        answered: None,
    }
}

impl Timeline {
    /// Finds out when clients first got answers again of the hosts that were down.
    fn find_answers(&mut self) {
        for outage in &mut self.outages {
            let Some(until) = outage.until else {
                continue;
            };
            let answers = self.entries.iter().filter_map(|entry| {
                let at = entry.head.as_ref()?.at;
                (at >= until && entry.is_at(&outage.host)).then_some(at)
            });
            outage.answered = answers.min();
        }
    }
}
