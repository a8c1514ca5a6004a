//! Who connections belong to, and how they are used: JavaScript carries what passes over them, and
//! says so. Times are milliseconds of the transport's time.

use std::time::Duration;

use js_sys::Reflect;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use wasm_bindgen::prelude::{JsValue, wasm_bindgen};

use super::Engine;
use super::convert::{context_id, context_number, rule_id};
use crate::core::connection_rate::ConnectionRate;
use crate::core::contexts::{Context, Contexts, Passed};
use crate::edge::js_values::{duration, milliseconds, thrown, to_json};
use crate::error::{Error, ErrorKind, Part, Result};
use crate::model::connection::{ConnectionContext, ConnectionInfo, Traffic};
use crate::model::connection_builder::ConnectionBuilder;

/// Who a connection belongs to, as JavaScript says it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Identity {
    id: Option<String>,
    user: Option<String>,
    thread: Option<String>,
    run: Option<String>,
    connected_at: Option<f64>,
    warn_after: Option<f64>,
    #[serde(default)]
    state: Value,
}

/// What is known of a connection, as JavaScript sees it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thread: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    connected_at: f64,
    last_activity: f64,
    active: bool,
    state: &'a Value,
    traffic: ShownTraffic,
    #[serde(skip_serializing_if = "Option::is_none")]
    age_warning: Option<ShownWarning>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ShownTraffic {
    messages_sent: u64,
    messages_received: u64,
    bytes_sent: u64,
    bytes_received: u64,
}

#[derive(Serialize)]
struct ShownWarning {
    age: f64,
    limit: f64,
}

#[wasm_bindgen]
impl Engine {
    /// Checks how fast connections may be made.
    #[wasm_bindgen(js_name = checkRate)]
    pub fn check_rate(&self, connections: u32, per: f64) -> Result<(), JsValue> {
        rate(connections, per).map(drop).map_err(thrown)
    }

    /// The context of a connection that a rule is asked for now; its number. Who it belongs to is
    /// JSON, if anybody says; `connections` is 0 where the rule does not limit how fast they are made.
    /// Throws `{code, message, retryAfter?}`.
    #[wasm_bindgen(js_name = openContext)]
    pub fn open_context(
        &self,
        rule: f64,
        connections: u32,
        per: f64,
        identity: Option<String>,
        now: f64,
    ) -> Result<f64, JsValue> {
        let opened = identity.as_deref().map(builder).transpose();
        let opened = opened.and_then(|identity| {
            let rate = match connections {
                0 => None,
                _ => Some(rate(connections, per)?),
            };
            self.contexts(|contexts| contexts.open(rule_id(rule), rate, identity, duration(now)))
        });
        opened.map(context_number).map_err(refused)
    }

    /// The connection is open.
    #[wasm_bindgen(js_name = beginContext)]
    pub fn begin_context(&self, context: f64, now: f64) {
        self.contexts(|contexts| contexts.begin(context_id(context), duration(now)));
    }

    /// Something was said: a message of so many bytes, or what is no message, with -1.
    #[wasm_bindgen(js_name = notePassed)]
    pub fn note_passed(&self, context: f64, of_client: bool, bytes: f64, now: f64) {
        let traffic = (bytes >= 0.0).then(|| {
            let bytes = bytes as usize;
            if of_client {
                Traffic::of_received(bytes)
            } else {
                Traffic::of_sent(bytes)
            }
        });
        let mut passed = Passed::default();
        passed.note(traffic, duration(now));
        self.contexts(|contexts| contexts.note(context_id(context), &passed));
    }

    /// Whatever the test wants to know of the connection, as JSON.
    #[wasm_bindgen(js_name = setContextState)]
    pub fn set_context_state(&self, context: f64, state: &str) {
        let state = serde_json::from_str(state).unwrap_or_default();
        let before = self.contexts(|contexts| {
            let context = contexts.get_mut(context_id(context))?;
            Some(std::mem::replace(&mut context.usage.state, state))
        });
        drop(before);
    }

    /// What is known of a connection, as JSON; empty when nobody has it any more.
    #[wasm_bindgen(js_name = contextInfo)]
    pub fn context_info(&self, context: f64, now: f64) -> String {
        self.contexts(|contexts| {
            let context = contexts.get_mut(context_id(context));
            context.map(|context| shown(context, now))
        })
        .unwrap_or_default()
    }

    /// As `contextInfo`, once more: nobody has the connection any more.
    #[wasm_bindgen(js_name = closeContext)]
    pub fn close_context(&self, context: f64, now: f64) -> String {
        let closed = self.contexts(|contexts| contexts.close(context_id(context)));
        closed
            .map(|context| shown(&context, now))
            .unwrap_or_default()
    }
}

impl Engine {
    fn contexts<T>(&self, f: impl FnOnce(&mut Contexts) -> T) -> T {
        let engine = &self.transport.engine;
        engine.with(|core| f(&mut core.sockets.get_or_insert_default().contexts))
    }
}

fn rate(connections: u32, per: f64) -> Result<ConnectionRate> {
    ConnectionRate::new(connections as usize, duration(per))
}

fn builder(identity: &str) -> Result<ConnectionBuilder> {
    let identity: Identity = serde_json::from_str(identity)
        .map_err(|error| Error::invalid(Part::Connection, identity, error.to_string()))?;
    let mut builder = ConnectionContext::builder().state(identity.state);
    let give = |builder, given: Option<String>, set: fn(ConnectionBuilder, String) -> _| match given
    {
        Some(given) => set(builder, given),
        None => builder,
    };
    builder = give(builder, identity.id, ConnectionBuilder::connection_id);
    builder = give(builder, identity.user, ConnectionBuilder::user);
    builder = give(builder, identity.thread, ConnectionBuilder::thread);
    builder = give(builder, identity.run, ConnectionBuilder::run);
    if let Some(time) = time("connectedAt", identity.connected_at)? {
        builder = builder.connected_at(time);
    }
    if let Some(age) = time("warnAfter", identity.warn_after)? {
        builder = builder.warn_after(age);
    }
    Ok(builder)
}

fn time(name: &str, milliseconds: Option<f64>) -> Result<Option<Duration>> {
    match milliseconds {
        Some(time) if !(time >= 0.0 && time.is_finite()) => {
            let reason = "a time is a number of milliseconds, from 0";
            Err(Error::invalid(
                Part::Connection,
                format!("{name} {time}"),
                reason,
            ))
        }
        time => Ok(time.map(duration)),
    }
}

/// What is thrown: in JavaScript nobody has a builder, and a rate says when to try again.
fn refused(error: Error) -> JsValue {
    let thrown = match error.kind() {
        ErrorKind::MissingField { field, .. } => {
            let message = format!("the connection has no {field}: say whose it is in full");
            let thrown = js_sys::Error::new(&message);
            let _ = Reflect::set(&thrown, &"code".into(), &error.code().into());
            return thrown.into();
        }
        _ => thrown(error.clone()),
    };
    if let ErrorKind::ConnectionRateExceeded { retry_after, .. } = error.kind() {
        let retry_after = milliseconds(*retry_after).into();
        let _ = Reflect::set(&thrown, &"retryAfter".into(), &retry_after);
    }
    thrown
}

fn shown(context: &Context, now: f64) -> String {
    let info = context.info();
    let ConnectionInfo {
        user, thread, run, ..
    } = &info;
    let warning = context.age_warning(duration(now));
    to_json(&Shown {
        id: &info.connection_id,
        user: user.as_deref(),
        thread: thread.as_deref(),
        run: run.as_deref(),
        key: info.isolation_key().map(|key| key.to_string()),
        connected_at: milliseconds(info.connected_at),
        last_activity: milliseconds(info.last_activity),
        active: info.active,
        state: &info.state,
        traffic: ShownTraffic {
            messages_sent: info.traffic.messages_sent,
            messages_received: info.traffic.messages_received,
            bytes_sent: info.traffic.bytes_sent,
            bytes_received: info.traffic.bytes_received,
        },
        age_warning: warning.map(|warning| ShownWarning {
            age: milliseconds(warning.age),
            limit: milliseconds(warning.limit),
        }),
    })
}
