//! What has happened on a transport, as a value.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::message::Side;
use crate::model::millis;

/// What has happened on a transport, and when: from
/// [`MockTransport::timeline`](crate::MockTransport::timeline).
///
/// A plain value: compare it, keep it, write it as JSON. All times are the transport's own, counted
/// from its creation; in JSON they are milliseconds. Secrets are redacted in it.
///
/// ```
/// use std::time::Duration;
/// use mockwire::{Reply, sync::MockTransport};
///
/// let transport = MockTransport::new();
/// transport.get("/late").reply(Reply::text("late").delay(Duration::from_millis(250)));
/// let request = http::Request::get("https://api.test/late").body(())?;
/// transport.block_on(async { transport.call(request).await?.into_body().text().await })?;
///
/// let timeline = transport.timeline();
/// let entry = &timeline.entries[0];
/// assert_eq!(entry.received, Duration::ZERO);
/// assert_eq!(entry.head.as_ref().unwrap().at, Duration::from_millis(250));
/// assert_eq!(entry.bytes, 4);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Timeline {
    /// Which date the transport's time begins at: how long after 1970-01-01, in UTC.
    #[serde(with = "millis")]
    pub epoch: Duration,
    /// When the timeline was told: what has not ended by then goes on.
    #[serde(with = "millis")]
    pub now: Duration,
    /// One for each request, in the order of their arrival.
    pub entries: Vec<Entry>,
    /// When hosts were down, in the order of their beginning.
    pub outages: Vec<Outage>,
    /// How many entries had to go because the journal was full.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub dropped_entries: u64,
    /// How many outages had to go: of those that are over, the last 1,024 are kept.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub dropped_outages: u64,
}

/// The life of one exchange: from its request to its end.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Entry {
    /// The number of the request on its transport, from 1.
    pub sequence: u64,
    /// What was asked.
    pub request: Requested,
    /// When it arrived.
    #[serde(with = "millis")]
    pub received: Duration,
    /// Where it had to wait for a limit on concurrency; `None` when it was admitted at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queued: Option<Queued>,
    /// Which rule was found, and when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matched: Option<Matched>,
    /// Which rate limit has refused it, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// When the client got the head of the response; of a WebSocket, when it opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<Head>,
    /// What the client has taken of the body. The frames of a stream with times of its own are told
    /// one by one; those of any other body at its end, when the last one was taken.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub frames: Vec<Frame>,
    /// How many frames more there were than are kept
    /// ([`max_frames`](crate::Builder::max_frames)); known at the end of the body.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub dropped_frames: u64,
    /// How many bytes of the body the client has taken.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub bytes: u64,
    /// The body, as far as the journal has it; only where it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Body>,
    /// What both ends have said on the WebSocket connection that the request has opened.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<Said>,
    /// How many messages had to go because there were more than are kept.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub dropped_messages: u64,
    /// How it ended; `None` when it goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<End>,
}

/// What a request asks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Requested {
    /// The method.
    pub method: String,
    /// The URL.
    pub url: String,
    /// The header fields.
    pub headers: Vec<(String, String)>,
    /// How many bytes the body has.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub bytes: u64,
    /// Tells bodies apart; `None` without one. The FNV-1a hash of 32 bits of what the journal keeps
    /// of it, in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// The body, as far as the journal has it; only where it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Body>,
}

/// A wait for a limit on concurrency. It begins when the request arrives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Queued {
    /// Which limit was reached.
    pub limit: Limit,
    /// When it was admitted; `None` when it was not, or not yet.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "millis::option"
    )]
    pub acquired: Option<Duration>,
}

/// A limit on concurrency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Limit {
    /// On a key: a host, or whatever the transport tells apart.
    Key(String),
    /// On the whole transport.
    Total,
}

/// A rule that answers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Matched {
    /// When it was found.
    #[serde(with = "millis")]
    pub at: Duration,
    /// What it asks for, in words; empty when the rule is gone.
    pub rule: String,
    /// Where it was registered; empty when the rule is gone.
    pub site: String,
}

/// The head of a response.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Head {
    /// When the client got it.
    #[serde(with = "millis")]
    pub at: Duration,
    /// The status.
    pub status: u16,
    /// The header fields.
    pub headers: Vec<(String, String)>,
}

/// A piece of a body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Frame {
    /// When the client took it.
    #[serde(with = "millis")]
    pub at: Duration,
    /// How many bytes it has.
    pub bytes: u64,
}

/// A body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Body {
    /// Bytes that are not UTF-8, in base64 (RFC 4648 §4).
    Base64(String),
    /// Text.
    Text(String),
}

/// A message on a WebSocket connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Said {
    /// When it was sent.
    #[serde(with = "millis")]
    pub at: Duration,
    /// Who sent it.
    pub from: Side,
    /// What it is.
    pub kind: MessageKind,
    /// How many bytes its payload has.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub bytes: u64,
    /// The payload, as far as the journal has it; only where it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Body>,
}

/// What a message is (RFC 6455 §5.5, §5.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum MessageKind {
    /// Bytes.
    Binary,
    /// A close frame.
    Close,
    /// A ping.
    Ping,
    /// A pong.
    Pong,
    /// Text.
    Text,
}

/// How an exchange ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct End {
    /// When.
    #[serde(with = "millis")]
    pub at: Duration,
    /// How.
    pub outcome: Outcome,
    /// What made it end early.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// The name of the failure: [`Error::code`](crate::Error::code).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The failure in words, where the code does not say it all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// How an exchange went: [`Outcome`](crate::Outcome) without the error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Outcome {
    /// The client dropped the response before its end.
    Cancelled,
    /// The client has taken the response to its end.
    Done,
    /// The client got an error.
    Failed,
    /// No rule matched.
    Unmatched,
}

/// What makes an exchange end early.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Cause {
    /// The client gave up.
    Client,
    /// The test scripted a failure.
    Fault,
    /// A handler or a predicate failed, or a held request was dropped.
    Handler,
    /// The host was killed while the exchange was going on.
    Killed,
    /// The host was down when the request came, or when it was admitted.
    Outage,
    /// The transport itself: the message says why.
    Transport,
    /// The waiting line was full.
    QueueFull,
}

/// A time in which a host was down.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Outage {
    /// The host, in lower case.
    pub host: String,
    /// When it went down.
    #[serde(with = "millis")]
    pub from: Duration,
    /// When it was back; `None` when it is down still.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "millis::option"
    )]
    pub until: Option<Duration>,
    /// Whether it was killed, with what was going on there.
    #[serde(default, skip_serializing_if = "is_false")]
    pub killed: bool,
    /// What requests meet meanwhile: [`Fault::code`](crate::Fault::code).
    pub code: String,
    /// When a client first got an answer of the host again.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "millis::option"
    )]
    pub answered: Option<Duration>,
}

impl Entry {
    /// When it was admitted; `None` while it waits, or when it never was.
    #[must_use]
    pub fn acquired(&self) -> Option<Duration> {
        match &self.queued {
            Some(queued) => queued.acquired,
            None => Some(self.received),
        }
    }

    /// When it ended, or when the timeline was told if it goes on.
    #[must_use]
    pub fn ended_by(&self, now: Duration) -> Duration {
        self.end.as_ref().map_or(now, |end| end.at)
    }

    /// The value of a request header field, by its name in lower case.
    #[must_use]
    pub fn request_header(&self, name: &str) -> Option<&str> {
        value_of(&self.request.headers, name)
    }

    /// The value of a response header field, by its name in lower case.
    #[must_use]
    pub fn response_header(&self, name: &str) -> Option<&str> {
        value_of(&self.head.as_ref()?.headers, name)
    }

    /// The host that was asked: of the URL, or of the `host` header field when the URL has none.
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        let authority = match self.request.url.split_once("://") {
            Some((_, rest)) => rest.split(['/', '?', '#']).next().unwrap_or_default(),
            None => self.request_header("host")?,
        };
        let (_, host) = authority.rsplit_once('@').unwrap_or(("", authority));
        let port = host.rfind(':').filter(|at| !host[*at..].contains(']'));
        Some(&host[..port.unwrap_or(host.len())])
    }

    /// The path of the URL, with its query.
    #[must_use]
    pub fn path(&self) -> &str {
        let url = &self.request.url;
        let Some((_, rest)) = url.split_once("://") else {
            return url;
        };
        rest.find(['/', '?', '#']).map_or("/", |at| &rest[at..])
    }

    /// Whether it has asked this host.
    pub(super) fn is_at(&self, host: &str) -> bool {
        self.host().is_some_and(|it| it.eq_ignore_ascii_case(host))
    }

    /// Whether it has opened, or asked for, a WebSocket connection.
    #[must_use]
    pub fn is_socket(&self) -> bool {
        let upgrade = self.request_header("upgrade");
        upgrade.is_some_and(|value| value.eq_ignore_ascii_case("websocket"))
    }
}

impl Outage {
    /// How long the host was down; `None` when it is down still.
    #[must_use]
    pub fn duration(&self) -> Option<Duration> {
        Some(self.until?.saturating_sub(self.from))
    }

    /// How long it took until a client got an answer of the host again.
    #[must_use]
    pub fn recovery(&self) -> Option<Duration> {
        Some(self.answered?.saturating_sub(self.from))
    }
}

impl Timeline {
    /// The entry of the request with this number.
    #[must_use]
    pub fn entry(&self, sequence: u64) -> Option<&Entry> {
        let at = self
            .entries
            .binary_search_by_key(&sequence, |entry| entry.sequence);
        self.entries.get(at.ok()?)
    }

    /// The timeline as JSON, indented. In JavaScript it is the same.
    #[must_use]
    pub fn to_json(&self) -> String {
        // No map with other keys than text, and no number that JSON does not have.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}

fn value_of<'a>(fields: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let mut fields = fields.iter();
    fields.find_map(|(key, value)| (key == name).then_some(value.as_str()))
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

fn is_false(flag: &bool) -> bool {
    !flag
}
