//! Connections whose server end plays a script: JavaScript has the client's end.

use std::sync::Arc;

use http::StatusCode;
use http::header::{CONNECTION, HeaderMap, HeaderName, HeaderValue, UPGRADE};
use js_sys::{Array, Uint8Array};
use wasm_bindgen::prelude::{JsValue, wasm_bindgen};

use super::Engine;
use super::convert::{rule_id, socket_id, socket_number};
use crate::core::after::After;
use crate::core::socket::{Ending, Event, Next};
use crate::core::sockets::Asked;
use crate::core::transcript::Limits;
use crate::core::{Core, SocketId};
use crate::edge::js_values::thrown;
use crate::error::{Error, ErrorKind, Part, Result};
use crate::mode::Local;
use crate::model::captured::ResponseHead;
use crate::model::message::{CloseFrame, Message, Side};
use crate::model::socket_script::SocketScript;

const PROTOCOL: HeaderName = HeaderName::from_static("sec-websocket-protocol");

/// What `openSocket` answers when the connection is open.
const OPEN: f64 = -1.0;

#[wasm_bindgen]
impl Engine {
    /// Checks a script, given as JSON; the subprotocol that it chooses.
    #[wasm_bindgen(js_name = checkScript)]
    pub fn check_script(&self, script: &str) -> Result<Option<String>, JsValue> {
        let script = parse(script).map_err(thrown)?;
        Ok(script.protocol)
    }

    /// A connection for a request that a rule has claimed, whose server end plays a script, given
    /// as JSON; its number.
    #[wasm_bindgen(js_name = askForSocket)]
    pub fn ask_for_socket(
        &self,
        sequence: f64,
        rule: f64,
        script: &str,
        protocol: &str,
    ) -> Result<f64, JsValue> {
        let script = parse(script).map_err(thrown)?;
        let head = head(protocol).map_err(thrown)?;
        let rule = rule_id(rule);
        let asked = self.transport.engine.with(|core| {
            let exchange = core.journal.exchange(sequence as u64);
            let site = core.rules.get(rule).map(|it| it.rule.site.clone());
            let (Some(exchange), Some(site)) = (exchange, site) else {
                return Err(Error::new(ErrorKind::StaleHandle { what: "exchange" }));
            };
            core.ask_for_socket(Asked {
                rule,
                site,
                exchange,
                script: Some(Arc::new(script)),
                protocol: (!protocol.is_empty()).then(|| protocol.to_owned()),
                head,
                // JavaScript keeps what was said.
                limits: Limits {
                    messages: 0,
                    bytes: 0,
                },
                client_answers: false,
                known: None,
            })
        });
        asked.map(socket_number).map_err(thrown)
    }

    /// Opens a connection when it is time: when that is, in ms, `Infinity` for never; -1 when it is
    /// open.
    #[wasm_bindgen(js_name = openSocket)]
    pub fn open_socket(&self, socket: f64) -> Result<f64, JsValue> {
        let next = self.in_core(socket, |core, id| core.open_socket(id, &mut None))?;
        Ok(due(&next).unwrap_or(OPEN))
    }

    /// What there is for the client: `["text", text]`, `["binary", bytes]`, `["ping", bytes]`,
    /// `["pong", bytes]`, `["close", code, reason]` without a code where there is none, `["over"]`
    /// after a closing handshake, `["aborted"]`, `["fault", code]`; `["wait", ms]` to ask again at
    /// that time, which is `Infinity` when nothing is due.
    #[wasm_bindgen(js_name = socketNext)]
    pub fn socket_next(&self, socket: f64) -> Result<Array, JsValue> {
        let next = self.in_core(socket, |core, id| {
            core.socket_next(id, Side::Client, &mut None)
        })?;
        let (name, value, more) = match next {
            Next::Ready(event) => shown(event),
            Next::At(_) | Next::Idle => ("wait", due(&next).into(), None),
        };
        let array = Array::of2(&name.into(), &value);
        if let Some(more) = more {
            array.push(&more);
        }
        Ok(array)
    }

    /// The client sends text.
    #[wasm_bindgen(js_name = sendText)]
    pub fn send_text(&self, socket: f64, text: String) -> Result<(), JsValue> {
        self.send(socket, Message::Text(text))
    }

    /// The client sends bytes.
    #[wasm_bindgen(js_name = sendBytes)]
    pub fn send_bytes(&self, socket: f64, bytes: Vec<u8>) -> Result<(), JsValue> {
        self.send(socket, Message::Binary(bytes.into()))
    }

    /// The client closes.
    #[wasm_bindgen(js_name = sendClose)]
    pub fn send_close(
        &self,
        socket: f64,
        code: Option<u16>,
        reason: String,
    ) -> Result<(), JsValue> {
        let frame = code.map(|code| CloseFrame { code, reason });
        self.send(socket, Message::Close(frame))
    }

    /// The client has gone.
    #[wasm_bindgen(js_name = leaveSocket)]
    pub fn leave_socket(&self, socket: f64) {
        let id = socket_id(socket);
        let engine = &self.transport.engine;
        let after = engine.with(|core| core.leave_socket(id, Side::Client));
        after.settle();
    }
}

impl Engine {
    fn send(&self, socket: f64, message: Message) -> Result<(), JsValue> {
        let (sent, after, refused) = self
            .transport
            .engine
            .with(|core| core.socket_send(socket_id(socket), Side::Client, message));
        after.settle();
        drop(refused);
        sent.map_err(thrown)
    }

    fn in_core<T>(
        &self,
        socket: f64,
        f: impl FnOnce(&mut Core<Local>, SocketId) -> Result<(T, After)>,
    ) -> Result<T, JsValue> {
        let engine = &self.transport.engine;
        let (result, after) = engine
            .with(|core| f(core, socket_id(socket)))
            .map_err(thrown)?;
        after.settle();
        Ok(result)
    }
}

fn parse(script: &str) -> Result<SocketScript> {
    let script: SocketScript = serde_json::from_str(script)
        .map_err(|error| Error::invalid(Part::Option, script, error.to_string()))?;
    script.validate()
}

fn head(protocol: &str) -> Result<ResponseHead> {
    let mut headers = HeaderMap::new();
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    if !protocol.is_empty() {
        let value = HeaderValue::from_str(protocol)
            .map_err(|error| Error::invalid(Part::HeaderValue, protocol, error.to_string()))?;
        headers.insert(PROTOCOL, value);
    }
    let status = StatusCode::SWITCHING_PROTOCOLS;
    Ok(ResponseHead { status, headers })
}

/// When to ask again, in ms; `None` when there is no need to.
fn due<T>(next: &Next<T>) -> Option<f64> {
    match next {
        Next::At(due) => Some(due.as_secs_f64() * 1e3),
        Next::Idle => Some(f64::INFINITY),
        Next::Ready(_) => None,
    }
}

fn shown(event: Event) -> (&'static str, JsValue, Option<JsValue>) {
    let bytes = |bytes: &[u8]| Uint8Array::from(bytes).into();
    match event {
        Event::Message(Message::Text(text)) => ("text", text.into(), None),
        Event::Message(Message::Binary(data)) => ("binary", bytes(&data), None),
        Event::Message(Message::Ping(data)) => ("ping", bytes(&data), None),
        Event::Message(Message::Pong(data)) => ("pong", bytes(&data), None),
        Event::Message(Message::Close(None)) => ("close", JsValue::UNDEFINED, None),
        Event::Message(Message::Close(Some(frame))) => {
            ("close", frame.code.into(), Some(frame.reason.into()))
        }
        Event::Over(None) => ("over", JsValue::UNDEFINED, None),
        Event::Over(Some(Ending::Fault(fault))) => ("fault", fault.code().into(), None),
        Event::Over(Some(Ending::Aborted | Ending::Failed(_))) => {
            ("aborted", JsValue::UNDEFINED, None)
        }
    }
}
