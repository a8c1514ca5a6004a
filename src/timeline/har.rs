//! A timeline as an HTTP archive.

use std::time::Duration;

use http::StatusCode;

use super::retries::Retry;
use super::value::{Body, End, Entry, Limit, MessageKind, Outcome, Said, Timeline};
use super::words;
use crate::har::{
    Cache, Content, Creator, Har, Log, Pair, PostData, Request, Response, Timings, WebSocketMessage,
};
use crate::model::date;
use crate::model::message::Side;
use crate::model::urlencoded;

impl Timeline {
    /// The timeline as an HTTP archive (HAR 1.2), which browsers' developer tools and many others
    /// read: JSON, indented.
    ///
    /// Dates count from the transport's [`epoch`](Self::epoch). The wait for a limit on concurrency is
    /// `blocked`, the wait for the head is `wait`, the body is `receive`. What the format has no field
    /// for (the rule, the cause of an end, retries) is in the `comment` of an entry. Bodies are there
    /// when the timeline was [taken with them](crate::MockTransport::timeline_with_bodies).
    ///
    /// ```
    /// use mockwire::{Reply, sync::MockTransport};
    ///
    /// let transport = MockTransport::new();
    /// transport.get("/").reply(Reply::text("hello"));
    /// let request = http::Request::get("https://api.test/").body(()).unwrap();
    /// transport.block_on(async { transport.call(request).await?.into_body().text().await })?;
    ///
    /// let har: serde_json::Value = serde_json::from_str(&transport.timeline().to_har()).unwrap();
    /// assert_eq!(har["log"]["version"], "1.2");
    /// assert_eq!(har["log"]["entries"][0]["startedDateTime"], "2025-01-01T00:00:00.000Z");
    /// assert_eq!(har["log"]["entries"][0]["response"]["content"]["size"], 5);
    /// # Ok::<(), mockwire::Error>(())
    /// ```
    #[must_use]
    pub fn to_har(&self) -> String {
        serde_json::to_string_pretty(&self.har()).unwrap_or_default()
    }

    pub(crate) fn har(&self) -> Har {
        let retries = self.retries();
        let entries = self.entries.iter().map(|entry| {
            let at = retries.binary_search_by_key(&entry.sequence, |retry| retry.sequence);
            self.archived(entry, at.ok().and_then(|at| retries.get(at)))
        });
        Har {
            log: Log {
                version: "1.2".to_owned(),
                creator: Creator::this(),
                entries: entries.collect(),
                comment: self.told(),
            },
        }
    }

    fn archived(&self, entry: &Entry, retry: Option<&Retry>) -> crate::har::Entry {
        let timings = self.timings(entry);
        let time = timings.blocked.max(0.0) + timings.send + timings.wait + timings.receive;
        let is_socket = entry.is_socket();
        crate::har::Entry {
            started_date_time: date::rfc3339(self.epoch.saturating_add(entry.received)),
            time,
            request: request(entry),
            response: response(entry),
            cache: Cache {},
            timings,
            comment: comment(entry, retry),
            resource_type: is_socket.then(|| "websocket".to_owned()),
            web_socket_messages: is_socket.then(|| {
                let messages = entry.messages.iter();
                messages.map(|said| self.message(said)).collect()
            }),
            extension: None,
        }
    }

    fn timings(&self, entry: &Entry) -> Timings {
        let end = entry.ended_by(self.now);
        let admitted = entry.acquired().unwrap_or(end);
        let head = entry.head.as_ref().map_or(end, |head| head.at);
        let between = |from: Duration, to: Duration| millis(to.saturating_sub(from));
        Timings {
            blocked: match entry.queued {
                Some(_) => between(entry.received, admitted),
                None => -1.0,
            },
            wait: between(admitted, head),
            receive: between(head, end),
            ..Timings::default()
        }
    }

    fn message(&self, said: &Said) -> WebSocketMessage {
        let (Body::Text(data) | Body::Base64(data)) =
            said.body.clone().unwrap_or(Body::Text(String::new()));
        WebSocketMessage {
            direction: match said.from {
                Side::Client => "send",
                Side::Server => "receive",
            }
            .to_owned(),
            time: self.epoch.saturating_add(said.at).as_secs_f64(),
            opcode: match said.kind {
                MessageKind::Text => 1,
                MessageKind::Binary => 2,
                MessageKind::Close => 8,
                MessageKind::Ping => 9,
                MessageKind::Pong => 10,
            },
            data,
        }
    }

    /// What is not in the archive.
    fn told(&self) -> Option<String> {
        let outages = self.outages.iter().map(words::outage);
        let dropped = (self.dropped_entries > 0)
            .then(|| format!("{} earlier exchanges are not kept", self.dropped_entries));
        joined(outages.chain(dropped))
    }
}

fn request(entry: &Entry) -> Request {
    let asked = &entry.request;
    let query = asked.url.split_once('?').map_or("", |(_, query)| query);
    let query = query.split('#').next().unwrap_or_default();
    let query_string = urlencoded::pairs(query).map(|(name, value)| Pair::new(&name, &value));
    Request {
        method: asked.method.clone(),
        url: asked.url.clone(),
        http_version: "HTTP/1.1".to_owned(),
        // Their fields are secrets.
        cookies: Vec::new(),
        headers: pairs(&asked.headers),
        query_string: query_string.collect(),
        post_data: asked.body.as_ref().map(|body| {
            let (text, encoding) = content(body);
            PostData {
                mime_type: mime_type(entry.request_header("content-type")),
                text,
                encoding,
            }
        }),
        headers_size: -1,
        body_size: size(asked.bytes),
    }
}

fn response(entry: &Entry) -> Response {
    let status = entry.head.as_ref().map_or(0, |head| head.status);
    let reason = StatusCode::from_u16(status).ok();
    let reason = reason.and_then(|status| status.canonical_reason());
    let (text, encoding) = entry.body.as_ref().map(content).unzip();
    let headers = entry.head.as_ref().map(|head| pairs(&head.headers));
    Response {
        status,
        status_text: reason.unwrap_or_default().to_owned(),
        http_version: "HTTP/1.1".to_owned(),
        cookies: Vec::new(),
        headers: headers.unwrap_or_default(),
        content: Content {
            size: size(entry.bytes),
            mime_type: mime_type(entry.response_header("content-type")),
            text,
            encoding: encoding.flatten(),
        },
        redirect_url: entry
            .response_header("location")
            .unwrap_or_default()
            .to_owned(),
        headers_size: -1,
        body_size: size(entry.bytes),
        error: entry.end.as_ref().and_then(error),
    }
}

fn error(end: &End) -> Option<String> {
    match (end.outcome, &end.code) {
        (Outcome::Done, _) => None,
        (_, Some(code)) => Some(code.clone()),
        (Outcome::Unmatched, None) => Some("MOCKWIRE_UNMATCHED".to_owned()),
        (_, None) => Some("ABORTED".to_owned()),
    }
}

/// What the format has no field for.
fn comment(entry: &Entry, retry: Option<&Retry>) -> Option<String> {
    let rule = entry.matched.as_ref().filter(|rule| !rule.rule.is_empty());
    let parts = [
        Some(format!("request #{}", entry.sequence)),
        retry.map(|retry| format!("attempt {}, after #{}", retry.attempt, retry.of)),
        entry.queued.as_ref().map(|queued| match &queued.limit {
            Limit::Key(key) => format!("queued by the limit of {key}"),
            Limit::Total => "queued by the limit of the transport".to_owned(),
        }),
        rule.map(|rule| format!("rule {} at {}", rule.rule, rule.site)),
        entry
            .refused
            .as_ref()
            .map(|limit| format!("refused by the rate limit {limit}")),
        match &entry.end {
            None => Some("goes on".to_owned()),
            Some(end) => words::end(end),
        },
        entry.end.as_ref().and_then(|end| end.message.clone()),
        (entry.dropped_frames > 0).then(|| format!("{} frames not kept", entry.dropped_frames)),
        (entry.dropped_messages > 0)
            .then(|| format!("{} messages not kept", entry.dropped_messages)),
    ];
    joined(parts.into_iter().flatten())
}

fn joined(parts: impl Iterator<Item = String>) -> Option<String> {
    let parts: Vec<_> = parts.collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}

fn pairs(fields: &[(String, String)]) -> Vec<Pair> {
    fields
        .iter()
        .map(|(name, value)| Pair::new(name, value))
        .collect()
}

fn content(body: &Body) -> (String, Option<String>) {
    match body {
        Body::Text(text) => (text.clone(), None),
        Body::Base64(text) => (text.clone(), Some("base64".to_owned())),
    }
}

fn mime_type(field: Option<&str>) -> String {
    field.unwrap_or("application/octet-stream").to_owned()
}

fn size(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

fn millis(duration: Duration) -> f64 {
    duration.as_nanos() as f64 / 1e6
}
