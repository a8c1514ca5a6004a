//! An answer as a provider writes it, with what depends on the exchange left open: ids and dates.

use bytes::Bytes;

use super::draws::Draws;
use super::text::{Prepared, Text, fill};
use super::wire::Wire;
use crate::{Exchange, Reply, Script};

/// A response that is written but for its ids and dates: made of the request and of what the model says,
/// and so the same for all exchanges in which these are the same.
#[derive(Clone, Debug, PartialEq)]
pub struct Pattern {
    status: u16,
    fields: Vec<(&'static str, Prepared)>,
    body: Body,
    draws: Draws,
}

#[derive(Clone, Debug, PartialEq)]
enum Body {
    Stream {
        /// None where the frames come at once.
        script: Option<Box<Script>>,
        frames: Vec<Prepared>,
        /// The protocol's own last words.
        terminal: Option<Prepared>,
    },
    Whole(Prepared),
}

impl Pattern {
    /// A response that is one JSON value.
    pub(super) fn json(draws: Draws, body: &Wire) -> Self {
        let body = Body::Whole(body.text().prepared());
        Self::new(draws, body).field("content-type", "application/json")
    }

    /// A response whose body comes in these frames, played as the script says.
    pub(super) fn stream(
        draws: Draws,
        script: &Script,
        frames: Vec<Text>,
        terminal: Option<Text>,
    ) -> Self {
        let body = Body::Stream {
            script: (*script != Script::default()).then(|| Box::new(script.clone())),
            frames: frames.into_iter().map(Text::prepared).collect(),
            terminal: terminal.map(Text::prepared),
        };
        Self::new(draws, body)
    }

    fn new(draws: Draws, body: Body) -> Self {
        Self {
            status: 200,
            fields: Vec::new(),
            body,
            draws,
        }
    }

    /// How much memory its texts take, about.
    pub(super) fn bytes(&self) -> usize {
        match &self.body {
            Body::Stream {
                frames, terminal, ..
            } => frames.iter().chain(terminal).map(Prepared::bytes).sum(),
            Body::Whole(text) => text.bytes(),
        }
    }

    pub(super) fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// Adds a header field.
    pub(super) fn field(self, name: &'static str, value: &str) -> Self {
        self.with_field(name, Text::of(value))
    }

    /// Adds a header field whose value is drawn.
    pub(super) fn field_drawn(self, name: &'static str, value: &Wire) -> Self {
        let mut text = Text::new();
        match value {
            Wire::Drawn(number) => text.drawn(*number),
            other => return self.with_field(name, other.text()),
        }
        self.with_field(name, text)
    }

    fn with_field(mut self, name: &'static str, value: Text) -> Self {
        self.fields.push((name, value.prepared()));
        self
    }

    /// The reply of this exchange.
    pub(super) fn fill(&self, exchange: &Exchange) -> Reply {
        let date = exchange.date().as_secs();
        let drawn = self.draws.draw(exchange.random(), date);
        let reply = match &self.body {
            Body::Stream {
                script,
                frames,
                terminal,
            } => {
                let mut all: Vec<_> = fill(frames.iter().chain(terminal), &drawn).collect();
                let terminal = terminal.as_ref().and_then(|_| all.pop());
                stream(script.as_deref(), all, terminal)
            }
            Body::Whole(text) => Reply::bytes(text.fill(&drawn)),
        };
        let fields = self.fields.iter();
        fields.fold(reply.with_status(self.status), |reply, (name, value)| {
            let value = value.fill(&drawn);
            reply.header(name, &String::from_utf8_lossy(&value))
        })
    }
}

fn stream(script: Option<&Script>, frames: Vec<Bytes>, terminal: Option<Bytes>) -> Reply {
    let Some(script) = script else {
        return Reply::stream(frames.into_iter().chain(terminal));
    };
    let script = script.clone().frames(frames);
    Reply::script(match terminal {
        Some(terminal) => script.terminal(terminal),
        None => script,
    })
}

/// A server-sent event with this payload, perhaps with a name.
pub(super) fn event(name: Option<&str>, data: Text, line_ending: &str) -> Text {
    let name = name.map(|name| format!("event: {name}{line_ending}"));
    let before = format!("{}data: ", name.unwrap_or_default());
    data.between(&before, &line_ending.repeat(2))
}
