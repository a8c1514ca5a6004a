//! Recording and replaying: which entry answers a request, and what is kept of an exchange. JavaScript
//! makes the requests, passes bodies through, and writes the file.

use std::cell::{Cell, RefCell};
use std::future::Pending;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, Uri, Version, header};
use js_sys::{Array, Reflect, Uint8Array};
use serde::Serialize;
use slotmap::SlotMap;
use wasm_bindgen::prelude::{JsValue, wasm_bindgen};

use super::fields::{fields, text_fields};
use crate::cassette::recorder::{Asked, Recorder, Track};
use crate::cassette::{Cassette, Options, Problem, RecordedEnd};
use crate::edge::js_values::{duration, key, milliseconds, number, thrown, to_json};
use crate::error::{Error, Part, Result};
use crate::mode::Local;
use crate::model::reply::{Reply, ReplyBody};
use crate::model::request::Request;
use crate::timer::Timer;

slotmap::new_key_type! { struct TrackId; }

/// A cassette in use. What is being recorded is known by numbers from 1.
#[wasm_bindgen]
pub struct RecorderMachine {
    recorder: Recorder<Local>,
    clock: Clock,
    tracks: RefCell<SlotMap<TrackId, Track<Local>>>,
}

/// The time that JavaScript tells with each call.
#[derive(Clone, Default)]
struct Clock(Rc<Cell<Duration>>);

impl Timer for Clock {
    type Sleep = Pending<()>;

    fn now(&self) -> Duration {
        self.0.get()
    }

    fn sleep(&self, _: Duration) -> Self::Sleep {
        std::future::pending()
    }
}

#[wasm_bindgen]
impl RecorderMachine {
    /// The cassette of a file, if there is one, used as these options say (JSON). The path is what it is
    /// called in messages. Throws `{code, message}`.
    #[wasm_bindgen(constructor)]
    pub fn new(
        file: Option<Vec<u8>>,
        path: Option<String>,
        options: &str,
    ) -> Result<Self, JsValue> {
        Self::open(file.as_deref(), path, options).map_err(thrown)
    }

    fn open(file: Option<&[u8]>, path: Option<String>, options: &str) -> Result<Self> {
        let options = read_options(options)?;
        let cassette = match (file, &path) {
            (Some(file), _) => Cassette::read(file),
            (None, Some(_)) if !options.may_be_new() => Err(Problem::Missing.into()),
            (None, _) => Ok(Cassette::new()),
        };
        let cassette = cassette.map_err(|error| error.of_cassette(path.as_deref()))?;
        let clock = Clock::default();
        let recorder = Recorder::of_file(cassette, &options, path.map(PathBuf::from))?;
        Ok(Self {
            recorder: recorder.timer(clock.clone()),
            clock,
            tracks: RefCell::default(),
        })
    }

    /// Whether requests may go to the real transport.
    pub fn records(&self) -> bool {
        self.recorder.mode().records()
    }

    /// What becomes of a request: the number of its recording, or its reply, `[status, fields, delay,
    /// kind, content]`. Header fields are names and values in turns. The content is by its kind `bytes`,
    /// or a `script` as JSON. Throws `{code, message, diagnosis}`; the diagnosis is JSON.
    pub fn ask(
        &self,
        method: &str,
        url: &str,
        headers: Vec<String>,
        body: Vec<u8>,
        sequence: f64,
        now: f64,
    ) -> Result<JsValue, JsValue> {
        self.clock.0.set(duration(now));
        let request = request(method, url, &headers, body).map_err(thrown)?;
        let reply = if self.recorder.mode().records() {
            match self.recorder.ask(&request) {
                Asked::Replay(reply) => Ok(reply),
                Asked::Record(track) => {
                    let track = self.tracks.borrow_mut().insert(track);
                    return Ok(number(track).into());
                }
            }
        } else {
            self.recorder.replay(&request, sequence as u64)
        };
        let reply = reply.and_then(Reply::validate).map_err(with_diagnosis)?;
        Ok(written(&reply))
    }

    /// The head of a response is there. Its body is without the coding that it had on the wire.
    pub fn head(&self, track: f64, status: u16, headers: Vec<String>, now: f64) {
        let (Ok(status), Ok(mut headers)) = (StatusCode::from_u16(status), fields(&headers)) else {
            return;
        };
        if headers.remove(header::CONTENT_ENCODING).is_some() {
            headers.remove(header::CONTENT_LENGTH);
        }
        self.on(track, now, |track| track.head(status, &headers));
    }

    /// A piece of the body is there.
    pub fn data(&self, track: f64, bytes: Vec<u8>, now: f64) {
        let bytes = Bytes::from(bytes);
        self.on(track, now, |track| track.data(&bytes));
    }

    /// The exchange is over: as it should, or by its client, or by a failure.
    pub fn end(&self, track: f64, end: &str) {
        let track = self.tracks.borrow_mut().remove(key(track));
        if let Some(mut track) = track {
            let end = match end {
                "cut" if !track.is_whole() => RecordedEnd::Cut,
                "failed" => RecordedEnd::Failed,
                _ => RecordedEnd::Clean,
            };
            track.end(end);
        }
    }

    fn on(&self, track: f64, now: f64, note: impl FnOnce(&mut Track<Local>)) {
        self.clock.0.set(duration(now));
        if let Some(track) = self.tracks.borrow_mut().get_mut(key(track)) {
            note(track);
        }
    }

    /// The text of the cassette as it would be saved now, where this is what the file has by now. Throws
    /// `{code, message}`.
    pub fn text(&self, others: Option<Vec<u8>>, path: Option<String>) -> Result<String, JsValue> {
        let cassette = match others {
            None => Ok(self.recorder.cassette()),
            Some(others) => {
                Cassette::read(&others).map(|others| self.recorder.cassette_with(others))
            }
        };
        let cassette = cassette.map_err(|error| thrown(error.of_cassette(path.as_deref())))?;
        Ok(cassette.to_json())
    }

    /// The numbers of the entries that have not answered, from 1.
    pub fn unused(&self) -> Vec<u32> {
        let unused = self.recorder.unused().into_iter();
        unused.filter_map(|it| u32::try_from(it).ok()).collect()
    }

    /// What to say when there are such entries.
    #[wasm_bindgen(js_name = unusedReport)]
    pub fn unused_report(&self) -> Option<String> {
        self.recorder.unused_report()
    }

    /// How many exchanges are being recorded.
    #[wasm_bindgen(js_name = goingOn)]
    pub fn going_on(&self) -> usize {
        self.recorder.going_on()
    }

    /// How many exchanges were not recorded.
    pub fn dropped(&self) -> f64 {
        self.recorder.dropped() as f64
    }

    /// A cassette made of an HTTP archive, as JSON: the text of its file, and what is not in it. Throws
    /// `{code, message}`.
    #[wasm_bindgen(js_name = fromHar)]
    pub fn from_har(har: &str, options: &str) -> Result<String, JsValue> {
        let options = read_options(options).map_err(thrown)?;
        let import = Cassette::from_har(har, &options).map_err(thrown)?;
        let skipped = import.skipped.into_iter().map(|it| Skipped {
            number: it.number,
            request: it.request,
            reason: it.reason,
        });
        Ok(to_json(&Imported {
            cassette: import.cassette.to_json(),
            skipped: skipped.collect(),
        }))
    }

    /// The HTTP archive that a cassette's text is. Throws `{code, message}`.
    #[wasm_bindgen(js_name = toHar)]
    pub fn to_har(cassette: &str) -> Result<String, JsValue> {
        let cassette = Cassette::parse(cassette).map_err(thrown)?;
        Ok(cassette.to_har())
    }
}

/// What was made of an archive, as JavaScript sees it.
#[derive(Serialize)]
struct Imported {
    cassette: String,
    skipped: Vec<Skipped>,
}

#[derive(Serialize)]
struct Skipped {
    number: usize,
    request: String,
    reason: String,
}

/// Their values are not told: there may be secrets among them.
fn read_options(json: &str) -> Result<Options> {
    serde_json::from_str(json).map_err(|error| {
        let place = format!(" at line {} column {}", error.line(), error.column());
        let reason = error.to_string().replace(&place, "");
        Error::invalid(Part::Option, "of a cassette", reason)
    })
}

fn request(method: &str, url: &str, headers: &[String], body: Vec<u8>) -> Result<Request> {
    let method = Method::from_bytes(method.as_bytes())
        .map_err(|error| Error::invalid(Part::Method, method, error.to_string()))?;
    let url: Uri = url
        .parse()
        .map_err(|error| Error::invalid(Part::Url, url, format!("{error}")))?;
    let headers: HeaderMap = fields(headers)?;
    Ok(Request::new(
        method,
        url,
        Version::HTTP_11,
        headers,
        body.into(),
    ))
}

fn written(reply: &Reply) -> JsValue {
    let (kind, content): (_, JsValue) = match &reply.body {
        ReplyBody::Full(bytes) => ("bytes", Uint8Array::from(&**bytes).into()),
        ReplyBody::Frames(frames) => {
            let script = crate::Script::new().frames(frames.iter().cloned());
            ("script", to_json(&script).into())
        }
        ReplyBody::Script(script) => ("script", to_json(&**script).into()),
        // Nothing else is on a cassette.
        _ => ("bytes", Uint8Array::new_with_length(0).into()),
    };
    let headers: Array = text_fields(&reply.headers).map(JsValue::from).collect();
    let delay = milliseconds(reply.head_delay());
    let status = reply.status.as_u16().into();
    Array::of5(&status, &headers, &delay.into(), &kind.into(), &content).into()
}

/// An error to be thrown, with what it says as data.
fn with_diagnosis(error: Error) -> JsValue {
    let diagnosis = error.diagnosis().map(to_json);
    let thrown = thrown(error);
    if let Some(diagnosis) = diagnosis {
        let _ = Reflect::set(&thrown, &"diagnosis".into(), &diagnosis.into());
    }
    thrown
}
