//! Who talks to whom, whose turn is next, and what was answered. JavaScript has what the messages say,
//! and those who wait.

use std::cell::RefCell;
use std::task::Waker;
use std::time::Duration;

use js_sys::Reflect;
use serde::Serialize;
use serde_json::Value;
use wasm_bindgen::prelude::{JsValue, wasm_bindgen};

use super::bells::Bells;
use crate::core::sessions::{SessionId, SessionsCore};
use crate::edge::js_values::{duration, key, milliseconds, number, thrown, to_json};
use crate::error::{Error, ErrorKind};
use crate::mode::Local;
use crate::model::session::{Answer, Burst, Message, SessionKey, SessionOptions};
use crate::state::State;
use crate::wake::wake_all;

/// Sessions, their messages and their turns, all known by numbers from 1.
#[wasm_bindgen]
pub struct SessionsMachine {
    core: RefCell<SessionsCore<Local>>,
    /// The messages that were answered.
    answered: Bells,
    /// The turns that are over.
    over: Bells,
}

/// An answer, as JavaScript sees it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answered {
    output: Vec<String>,
    is_partial: bool,
}

/// Why there is none.
#[derive(Serialize)]
struct Unanswered {
    code: &'static str,
    message: String,
}

#[wasm_bindgen]
impl SessionsMachine {
    /// No sessions yet. There may be any number of them, or a turn may have any number of messages,
    /// where none is given.
    #[wasm_bindgen(constructor)]
    pub fn new(limit: Option<usize>, batch: Option<usize>, preempts: bool, window: f64) -> Self {
        let burst = if preempts {
            Burst::Preempt
        } else {
            Burst::Queue
        };
        let options = SessionOptions::new()
            .limit(limit.unwrap_or(usize::MAX))
            .batch(batch.unwrap_or(usize::MAX))
            .burst(burst)
            .duplicate_window(duration(window));
        Self {
            core: RefCell::new(SessionsCore::new(options)),
            answered: Bells::default(),
            over: Bells::default(),
        }
    }

    /// Keeps a place for a session. Throws `{code, message}`.
    pub fn reserve(&self) -> Result<(), JsValue> {
        self.core.borrow_mut().reserve().map_err(thrown)
    }

    /// Frees a place that was kept.
    pub fn unreserve(&self) {
        self.core.borrow_mut().unreserve();
    }

    /// Creates a session on a place that was kept, which is free again when that fails; its number.
    /// Throws `{code, message}`.
    pub fn create(
        &self,
        client: &str,
        project: &str,
        user: &str,
        thread: &str,
        now: f64,
    ) -> Result<f64, JsValue> {
        let key = session_key(client, project, user, thread);
        let mut core = self.core.borrow_mut();
        let created = core.create(key, State::new(), duration(now));
        created.map(number).map_err(thrown)
    }

    /// The number of the session of this key; 0 when there is none.
    pub fn find(&self, client: &str, project: &str, user: &str, thread: &str) -> f64 {
        let key = session_key(client, project, user, thread);
        self.core.borrow().find(&key).map_or(0.0, number)
    }

    /// Notes that a session is used.
    pub fn touch(&self, session: f64, now: f64) {
        let mut core = self.core.borrow_mut();
        // One that is gone was used in vain.
        let _ = core.touch(session_id(session), duration(now));
    }

    /// The sessions in the order of their creation.
    pub fn list(&self) -> Vec<f64> {
        let ids = self.core.borrow().ids();
        ids.into_iter().map(number).collect()
    }

    /// How many more there may be.
    pub fn available(&self) -> f64 {
        self.core.borrow().available() as f64
    }

    /// When it was created, when it was last used, how many messages wait, how many are being
    /// answered; nothing when the session is gone.
    pub fn info(&self, session: f64) -> Vec<f64> {
        let info = self.core.borrow_mut().info(session_id(session));
        info.map_or_else(
            |_| Vec::new(),
            |info| {
                let times = [info.created_at, info.last_active].map(milliseconds);
                let counts = [info.waiting, info.running].map(|count| count as f64);
                [times, counts].concat()
            },
        )
    }

    /// The key of a session as one text, which no other key has; empty when it is gone.
    #[wasm_bindgen(js_name = keyText)]
    pub fn key_text(&self, session: f64) -> String {
        let info = self.core.borrow_mut().info(session_id(session));
        info.map(|info| info.key.to_string()).unwrap_or_default()
    }

    /// How many messages were sent to a session.
    #[wasm_bindgen(js_name = requestCount)]
    pub fn request_count(&self, session: f64) -> f64 {
        let state = self.core.borrow_mut().state(session_id(session));
        state.map_or(0.0, |state| state.request_count() as f64)
    }

    /// Forgets that.
    #[wasm_bindgen(js_name = clearState)]
    pub fn clear_state(&self, session: f64) {
        if let Ok(state) = self.core.borrow_mut().state(session_id(session)) {
            state.clear();
        }
    }

    /// Removes a session. Whether there was one.
    pub fn remove(&self, session: f64) -> bool {
        let removed = self.core.borrow_mut().remove(session_id(session));
        let Ok((_, _, wake)) = removed else {
            return false;
        };
        ring(wake);
        true
    }

    /// The sessions without unfinished messages that nobody has used for so long.
    pub fn inactive(&self, since: f64, now: f64) -> Vec<f64> {
        let core = self.core.borrow();
        let inactive = core.inactive(duration(since), duration(now));
        inactive.into_iter().map(number).collect()
    }

    /// Takes a message in, given as JSON; its number. Objects are known again whatever the order of their
    /// keys. Throws `{code, message, ago?}`.
    pub fn send(
        &self,
        session: f64,
        json: &str,
        is_object: bool,
        id: Option<String>,
        now: f64,
    ) -> Result<f64, JsValue> {
        let mut message = if is_object {
            Message::from(serde_json::from_str::<Value>(json).unwrap_or_default())
        } else {
            Message::new(json)
        };
        if let Some(id) = id {
            message = message.with_id(&id);
        }
        let mut core = self.core.borrow_mut();
        let sent = core.send(session_id(session), message, duration(now));
        let (number, wake) = sent.map_err(refused)?;
        // It is answered later: somebody has to take a turn first.
        let _ = core.take_answer(number, &mut Some(self.answered.waker(number)));
        drop(core);
        ring(wake);
        Ok(number as f64)
    }

    /// Begins the turn whose message was sent first: the numbers of its session, of the turn, of the
    /// attempt, and of its messages. Nothing when there is none.
    pub fn begin(&self) -> Vec<f64> {
        let mut core = self.core.borrow_mut();
        let Some(begun) = core.begin(&mut None) else {
            return Vec::new();
        };
        let (session, run) = (begun.session, begun.run);
        core.watch(session, run, &mut Some(self.over.waker(run)));
        let mut numbers = vec![number(session), run as f64, begun.attempt.into()];
        if let Ok(work) = core.work(session, run) {
            numbers.extend(work.messages.iter().map(|it| it.number as f64));
        }
        numbers
    }

    /// Adds a piece to the output of a turn. Whether it goes on.
    pub fn push(&self, session: f64, run: f64, piece: &str) -> bool {
        let mut core = self.core.borrow_mut();
        let work = core.work(session_id(session), run as u64);
        work.map(|work| work.output.push(piece.to_owned())).is_ok()
    }

    /// The output of a turn so far, as JSON; empty when it is over.
    pub fn output(&self, session: f64, run: f64) -> String {
        let mut core = self.core.borrow_mut();
        let work = core.work(session_id(session), run as u64);
        work.map(|work| to_json(&work.output)).unwrap_or_default()
    }

    /// A turn is over, with its output or with a failure. Whether it was going on.
    pub fn finish(&self, session: f64, run: f64, has_failed: bool, now: f64) -> bool {
        let failure = has_failed.then(|| {
            let rule = String::new();
            Error::new(ErrorKind::HandlerFailed { rule })
        });
        let mut core = self.core.borrow_mut();
        let over = core.finish(session_id(session), run as u64, failure, duration(now));
        drop(core);
        over.map(ring).is_ok()
    }

    /// A turn was given up: it will be taken again.
    pub fn interrupt(&self, session: f64, run: f64) {
        let mut core = self.core.borrow_mut();
        let wake = core.interrupt(session_id(session), run as u64);
        drop(core);
        ring(wake);
    }

    /// Interrupts all turns, and begins none.
    pub fn kill(&self) {
        let wake = self.core.borrow_mut().kill();
        ring(wake);
    }

    /// Lets turns begin again.
    pub fn restart(&self) {
        let wake = self.core.borrow_mut().restart();
        ring(wake);
    }

    /// The number of a message that was answered, each once; 0 when there is none.
    pub fn answered(&self) -> f64 {
        self.answered.next().unwrap_or_default() as f64
    }

    /// The answer to a message, once, as JSON: `{output, isPartial}` or `{code, message}`; empty when there
    /// is none.
    pub fn answer(&self, number: f64) -> String {
        let mut core = self.core.borrow_mut();
        let answer = core.take_answer(number as u64, &mut None);
        let _: Option<Waker> = core.forget(number as u64);
        match answer {
            None => String::new(),
            Some(Ok(Answer { output, is_partial })) => to_json(&Answered { output, is_partial }),
            Some(Err(error)) => to_json(&Unanswered {
                code: error.code(),
                message: error.to_string(),
            }),
        }
    }

    /// The number of a turn that is over, each once; 0 when there is none.
    pub fn over(&self) -> f64 {
        self.over.next().unwrap_or_default() as f64
    }
}

fn session_id(session: f64) -> SessionId {
    key(session)
}

fn session_key(client: &str, project: &str, user: &str, thread: &str) -> SessionKey {
    let key = SessionKey::new().client(client).project(project);
    key.user(user).thread(thread)
}

fn ring(wake: Vec<Waker>) {
    wake_all(wake);
}

/// What is thrown: of a duplicate, also how many milliseconds ago the first one was sent.
fn refused(error: Error) -> JsValue {
    let ago = match error.kind() {
        ErrorKind::DuplicateMessage { ago, .. } => Some(*ago),
        _ => None,
    };
    let thrown = thrown(error);
    if let Some(ago) = ago.map(|ago: Duration| milliseconds(ago).into()) {
        // A fresh error object takes any property.
        let _ = Reflect::set(&thrown, &"ago".into(), &ago);
    }
    thrown
}
