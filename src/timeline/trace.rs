//! A timeline in the Trace Event Format, for Perfetto and `chrome://tracing`.
//!
//! <https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU>

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};

use super::value::{Entry, Limit, Timeline};
use super::words;
use crate::model::message::Side;

/// The process of the counters; those of the hosts come after it.
const COUNTERS: u64 = 1;
const FIRST_HOST: u64 = 2;

/// The thread of the outages of a host.
const OUTAGES: u64 = 0;

/// A whole trace.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Trace {
    trace_events: Vec<Event>,
    display_time_unit: &'static str,
    other_data: Value,
}

/// An event. Times are microseconds.
#[derive(Serialize)]
struct Event {
    name: String,
    cat: &'static str,
    ph: Phase,
    ts: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    dur: Option<f64>,
    pid: u64,
    tid: u64,
    /// Of an instant: its scope. Of the end of an arrow: what it points to.
    #[serde(skip_serializing_if = "Option::is_none")]
    s: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bp: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<u64>,
    #[serde(skip_serializing_if = "Value::is_null")]
    args: Value,
}

#[derive(Clone, Copy, Serialize)]
enum Phase {
    #[serde(rename = "X")]
    Complete,
    #[serde(rename = "C")]
    Counter,
    #[serde(rename = "f")]
    FlowEnd,
    #[serde(rename = "s")]
    FlowStart,
    #[serde(rename = "i")]
    Instant,
    #[serde(rename = "M")]
    Metadata,
}

/// Where an event is shown: a host is a process, and its lanes are threads.
#[derive(Clone, Copy)]
struct Track {
    pid: u64,
    tid: u64,
}

impl Timeline {
    /// The timeline as JSON in the Trace Event Format, which <https://ui.perfetto.dev> and
    /// `chrome://tracing` show.
    ///
    /// Each host is a process; exchanges that go on side by side have threads of their own there. An
    /// exchange is a slice with its phases inside (queued, waiting, receiving), frames and messages are
    /// instants, retries are joined by arrows, and outages have a thread of their own. A counter shows
    /// how many exchanges go on, and how many are queued.
    ///
    /// ```
    /// use mockwire::{Reply, sync::MockTransport};
    ///
    /// let transport = MockTransport::new();
    /// transport.get("/").reply(Reply::text("hello"));
    /// let request = http::Request::get("https://api.test/").body(()).unwrap();
    /// transport.block_on(async { transport.call(request).await?.into_body().text().await })?;
    ///
    /// let trace = transport.timeline().to_chrome_trace();
    /// let trace: serde_json::Value = serde_json::from_str(&trace).unwrap();
    /// let events = trace["traceEvents"].as_array().unwrap();
    /// assert!(events.iter().any(|event| event["name"] == "GET /" && event["ph"] == "X"));
    /// # Ok::<(), mockwire::Error>(())
    /// ```
    #[must_use]
    pub fn to_chrome_trace(&self) -> String {
        let trace = Trace {
            trace_events: self.events(),
            display_time_unit: "ms",
            other_data: json!({
                "droppedEntries": self.dropped_entries,
                "producer": concat!("mockwire ", env!("CARGO_PKG_VERSION")),
            }),
        };
        serde_json::to_string(&trace).unwrap_or_default()
    }

    fn events(&self) -> Vec<Event> {
        let hosts = self.hosts();
        let tracks = self.tracks(&hosts);
        let mut events = Vec::new();
        for (host, pid) in &hosts {
            events.push(named("process_name", *pid, 0, host));
        }
        let lanes: BTreeSet<_> = tracks.iter().map(|it| (it.pid, it.tid)).collect();
        for (pid, tid) in lanes {
            events.push(named("thread_name", pid, tid, &format!("lane {tid}")));
        }
        for (entry, track) in self.entries.iter().zip(&tracks) {
            self.tell(entry, *track, &mut events);
        }
        self.tell_retries(&tracks, &mut events);
        self.tell_outages(&hosts, &mut events);
        self.count(&mut events);
        events
    }

    /// The hosts with their processes, in the order of their names.
    fn hosts(&self) -> BTreeMap<String, u64> {
        let of_outages = self.outages.iter().map(|outage| outage.host.clone());
        let hosts: BTreeSet<_> = self.entries.iter().map(host_of).chain(of_outages).collect();
        hosts.into_iter().zip(FIRST_HOST..).collect()
    }

    /// Where each entry is shown: in the first lane of its host in which nothing goes on.
    fn tracks(&self, hosts: &BTreeMap<String, u64>) -> Vec<Track> {
        let mut free_from: HashMap<u64, Vec<Duration>> = HashMap::new();
        let tracks = self.entries.iter().map(|entry| {
            let pid = hosts.get(&host_of(entry)).copied().unwrap_or_default();
            let lanes = free_from.entry(pid).or_default();
            let free = lanes.iter().position(|from| *from <= entry.received);
            let lane = free.unwrap_or(lanes.len());
            lanes.resize(lanes.len().max(lane + 1), Duration::ZERO);
            // A slice without a length would fall into the one that begins at its end.
            let end = entry.ended_by(self.now);
            lanes[lane] = end.max(entry.received + Duration::from_nanos(1));
            let tid = lane as u64 + 1;
            Track { pid, tid }
        });
        tracks.collect()
    }

    /// An exchange with its phases, its frames and its end.
    fn tell(&self, entry: &Entry, track: Track, events: &mut Vec<Event>) {
        let end = entry.ended_by(self.now);
        let whole = track.slice(name_of(entry), "exchange", entry.received, end);
        events.push(whole.with(json!({
            "sequence": entry.sequence,
            "url": entry.request.url,
            "status": entry.head.as_ref().map(|head| head.status),
            "rule": entry.matched.as_ref().map(|rule| &rule.rule),
            "site": entry.matched.as_ref().map(|rule| &rule.site),
            "bytes": entry.bytes,
            "end": entry.end,
        })));
        let admitted = entry.acquired().unwrap_or(end);
        if let Some(queued) = &entry.queued {
            let limit = match &queued.limit {
                Limit::Key(key) => key.as_str(),
                Limit::Total => "the whole transport",
            };
            let slice = track.slice("queued".to_owned(), "phase", entry.received, admitted);
            events.push(slice.with(json!({ "limit": limit })));
        }
        let head = entry.head.as_ref().map(|head| head.at);
        let waited = head.unwrap_or(end);
        if waited > admitted {
            events.push(track.slice("waiting".to_owned(), "phase", admitted, waited));
        }
        if let Some(head) = head.filter(|head| end > *head) {
            let name = if entry.is_socket() {
                "open"
            } else {
                "receiving"
            };
            events.push(track.slice(name.to_owned(), "phase", head, end));
        }
        for frame in &entry.frames {
            let instant = track.instant("frame".to_owned(), "frame", frame.at);
            events.push(instant.with(json!({ "bytes": frame.bytes })));
        }
        for said in &entry.messages {
            let name = match said.from {
                Side::Client => "client: message",
                Side::Server => "server: message",
            };
            let instant = track.instant(name.to_owned(), "message", said.at);
            events.push(instant.with(json!({ "kind": said.kind, "bytes": said.bytes })));
        }
        if let Some(words) = entry.end.as_ref().and_then(words::end) {
            events.push(track.instant(words, "end", end));
        }
    }

    fn tell_retries(&self, tracks: &[Track], events: &mut Vec<Event>) {
        let found = |sequence: u64| {
            let entries = &self.entries;
            let at = entries.binary_search_by_key(&sequence, |entry| entry.sequence);
            let at = at.ok()?;
            Some((entries.get(at)?, tracks.get(at)?))
        };
        for retry in self.retries() {
            let (Some((before, from)), Some((entry, to))) =
                (found(retry.of), found(retry.sequence))
            else {
                continue;
            };
            for (phase, track, at) in [
                (Phase::FlowStart, from, before.received),
                (Phase::FlowEnd, to, entry.received),
            ] {
                events.push(Event {
                    id: Some(retry.sequence),
                    bp: matches!(phase, Phase::FlowEnd).then_some("e"),
                    ..track.event(phase, "retry".to_owned(), "retry", at)
                });
            }
        }
    }

    fn tell_outages(&self, hosts: &BTreeMap<String, u64>, events: &mut Vec<Event>) {
        for outage in &self.outages {
            let pid = hosts.get(&outage.host).copied().unwrap_or_default();
            let track = Track { pid, tid: OUTAGES };
            events.push(named("thread_name", pid, OUTAGES, "outages"));
            let until = outage.until.unwrap_or(self.now);
            let name = if outage.killed { "killed" } else { "down" };
            let slice = track.slice(name.to_owned(), "outage", outage.from, until);
            events.push(slice.with(json!({ "code": outage.code })));
            if let Some(answered) = outage.answered {
                events.push(track.instant("answers again".to_owned(), "outage", answered));
            }
        }
    }

    /// How many exchanges go on, and how many are queued, whenever that changes.
    fn count(&self, events: &mut Vec<Event>) {
        let mut changes: BTreeMap<Duration, (i64, i64)> = BTreeMap::new();
        let mut change = |at: Duration, going_on: i64, queued: i64| {
            let change = changes.entry(at).or_default();
            change.0 += going_on;
            change.1 += queued;
        };
        for entry in &self.entries {
            let acquired = entry.acquired();
            match (acquired, &entry.end) {
                (Some(acquired), _) if entry.queued.is_some() => {
                    change(entry.received, 0, 1);
                    change(acquired, 1, -1);
                }
                (Some(acquired), _) => change(acquired, 1, 0),
                (None, _) => change(entry.received, 0, 1),
            }
            if let Some(end) = &entry.end {
                let was_queued = i64::from(acquired.is_none());
                change(end.at, was_queued - 1, -was_queued);
            }
        }
        let (mut going_on, mut queued) = (0, 0);
        let track = Track {
            pid: COUNTERS,
            tid: 0,
        };
        events.push(named("process_name", COUNTERS, 0, "mockwire"));
        for (at, change) in changes {
            going_on += change.0;
            queued += change.1;
            let event = track.event(Phase::Counter, "exchanges".to_owned(), "count", at);
            events.push(event.with(json!({ "going on": going_on, "queued": queued })));
        }
    }
}

impl Track {
    fn event(self, ph: Phase, name: String, cat: &'static str, at: Duration) -> Event {
        let Self { pid, tid } = self;
        Event {
            name,
            cat,
            ph,
            ts: micros(at),
            dur: None,
            pid,
            tid,
            s: None,
            bp: None,
            id: None,
            args: Value::Null,
        }
    }

    fn slice(self, name: String, cat: &'static str, from: Duration, to: Duration) -> Event {
        Event {
            dur: Some(micros(to.saturating_sub(from))),
            ..self.event(Phase::Complete, name, cat, from)
        }
    }

    fn instant(self, name: String, cat: &'static str, at: Duration) -> Event {
        Event {
            s: Some("t"),
            ..self.event(Phase::Instant, name, cat, at)
        }
    }
}

impl Event {
    fn with(self, args: Value) -> Self {
        Self { args, ..self }
    }
}

/// The name of a process or a thread.
fn named(what: &str, pid: u64, tid: u64, name: &str) -> Event {
    let track = Track { pid, tid };
    let event = track.event(
        Phase::Metadata,
        what.to_owned(),
        "__metadata",
        Duration::ZERO,
    );
    event.with(json!({ "name": name }))
}

fn host_of(entry: &Entry) -> String {
    entry.host().unwrap_or("(no host)").to_ascii_lowercase()
}

/// `POST /v1/messages`
fn name_of(entry: &Entry) -> String {
    format!("{} {}", entry.request.method, entry.path())
}

fn micros(duration: Duration) -> f64 {
    duration.as_nanos() as f64 / 1e3
}
