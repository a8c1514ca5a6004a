//! What the server's end of a WebSocket connection does, as a value.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::message::{CloseFrame, Message};
use super::message_pattern::MessagePattern;
use super::socket_json::{fault, millis};
use crate::error::{Error, Part, Result, TOKEN};
use crate::fault::Fault;

/// What the server's end of a WebSocket connection does: steps, one after the other.
///
/// A message of the client that nothing waits for is captured and left at that. After the last
/// step the connection stays open until the client closes it.
///
/// ```
/// use futures::{SinkExt, StreamExt};
/// use mockwire::{Message, SocketScript, sync::MockTransport};
///
/// let transport = MockTransport::new();
/// transport
///     .websocket("wss://api.test/chat")
///     .accept(SocketScript::new().expect("hi").send("hello").close(1000, "bye"));
///
/// let request = http::Request::get("wss://api.test/chat").body(())?;
/// transport.block_on(async {
///     let mut socket = transport.connect(request).await?;
///     socket.send("hi".into()).await?;
///     assert_eq!(socket.next().await.unwrap()?, Message::text("hello"));
///     assert_eq!(socket.next().await.unwrap()?, Message::close(1000, "bye"));
///     assert!(socket.next().await.is_none());
///     Ok::<_, mockwire::Error>(())
/// })?;
/// transport.verify();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// As JSON, with times in milliseconds:
///
/// ```
/// # use mockwire::SocketScript;
/// let script: SocketScript = serde_json::from_str(
///     r#"{"protocol": "v1", "openAfter": 50, "steps": [
///         {"expect": {"text": "hi"}}, {"delay": 100}, {"send": "hello"}, {"echo": 2},
///         {"send": {"base64": "AAE="}}, {"close": {"code": 1000, "reason": "bye"}}]}"#,
/// )?;
/// # assert_eq!(serde_json::from_value::<SocketScript>(serde_json::to_value(&script)?)?, script);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct SocketScript {
    pub(crate) steps: Vec<Step>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) protocol: Option<String>,
    #[serde(with = "millis", skip_serializing_if = "Duration::is_zero")]
    pub(crate) open_after: Duration,
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) never_open: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) fault_after: Option<FaultAfter>,
}

/// A script as connections share it.
pub(crate) type SharedScript = Arc<SocketScript>;

/// One thing that the server does.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Step {
    Abort,
    Close(Option<CloseFrame>),
    Delay(Duration),
    /// So many messages; `None` for all that come.
    Echo(Option<u64>),
    Expect(MessagePattern),
    Fault(Fault),
    Ping(Bytes),
    Send(Message),
}

/// A failure once the server has sent so many messages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FaultAfter {
    pub(crate) messages: u64,
    #[serde(with = "fault")]
    pub(crate) fault: Fault,
}

impl SocketScript {
    /// A script without steps: it opens at once, and takes what the client sends.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Opens the connection this long after the client has asked, in the transport's time.
    #[must_use]
    pub fn open_after(mut self, delay: Duration) -> Self {
        self.open_after = delay;
        self
    }

    /// Never opens the connection: the client waits, until it gives up.
    #[must_use]
    pub fn never_open(mut self) -> Self {
        self.never_open = true;
        self
    }

    /// Chooses this subprotocol (RFC 6455 §1.9). A client that has not offered it fails with
    /// [`ProtocolMismatch`](crate::ErrorKind::ProtocolMismatch).
    #[must_use]
    pub fn protocol(mut self, protocol: impl Into<String>) -> Self {
        self.protocol = Some(protocol.into());
        self
    }

    /// Waits for the client's next text or binary message, which must match. Any other closes the
    /// connection with code 1008, and [`verify`](crate::MockTransport::verify) fails; so it does
    /// when none comes.
    #[must_use]
    pub fn expect(self, pattern: impl Into<MessagePattern>) -> Self {
        self.then(Step::Expect(pattern.into()))
    }

    /// Sends a message. Waits while the client's queue is full.
    #[must_use]
    pub fn send(self, message: impl Into<Message>) -> Self {
        let step = match message.into() {
            Message::Close(frame) => Step::Close(frame),
            Message::Ping(bytes) => Step::Ping(bytes),
            message => Step::Send(message),
        };
        self.then(step)
    }

    /// Waits, in the transport's time.
    #[must_use]
    pub fn delay(self, delay: Duration) -> Self {
        self.then(Step::Delay(delay))
    }

    /// Sends back each text or binary message, until the client closes.
    #[must_use]
    pub fn echo(self) -> Self {
        self.then(Step::Echo(None))
    }

    /// Sends back so many text or binary messages.
    #[must_use]
    pub fn echo_times(self, messages: u64) -> Self {
        self.then(Step::Echo(Some(messages)))
    }

    /// Sends a ping, with at most 125 bytes. The client's end answers it.
    #[must_use]
    pub fn ping(self, payload: impl Into<Bytes>) -> Self {
        self.then(Step::Ping(payload.into()))
    }

    /// Begins the closing handshake. What comes after is not played.
    #[must_use]
    pub fn close(self, code: u16, reason: impl Into<String>) -> Self {
        let reason = reason.into();
        self.then(Step::Close(Some(CloseFrame { code, reason })))
    }

    /// Ends the connection without a closing handshake: the client sees 1006.
    #[must_use]
    pub fn abort(self) -> Self {
        self.then(Step::Abort)
    }

    /// Fails the connection.
    #[must_use]
    pub fn fault(self, fault: Fault) -> Self {
        self.then(Step::Fault(fault))
    }

    /// Fails the connection once the server has sent this many text or binary messages, wherever
    /// in the script that is.
    #[must_use]
    pub fn fault_after(mut self, messages: u64, fault: Fault) -> Self {
        self.fault_after = Some(FaultAfter { messages, fault });
        self
    }

    fn then(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// The first pattern that is expected from a step on, of those that are played.
    pub(crate) fn expected_from(&self, step: usize) -> Option<&MessagePattern> {
        let ends = |step: &&Step| matches!(step, Step::Abort | Step::Close(_) | Step::Fault(_));
        let played = self.steps.iter().skip(step).take_while(|step| !ends(step));
        played.into_iter().find_map(|step| match step {
            Step::Expect(pattern) => Some(pattern),
            _ => None,
        })
    }

    /// The script, unless a mistake was made in writing it.
    ///
    /// # Errors
    ///
    /// [`Part::Message`] for a close code, a reason or a ping that may not be sent,
    /// [`Part::HeaderValue`] for a subprotocol that is not a token.
    pub fn validate(self) -> Result<Self> {
        match self.mistake() {
            Some(error) => Err(error),
            None => Ok(self),
        }
    }

    pub(crate) fn mistake(&self) -> Option<Error> {
        let of_step = |step: &Step| match step {
            Step::Close(frame) => frame.as_ref().and_then(CloseFrame::mistake),
            Step::Ping(bytes) => Message::Ping(bytes.clone()).mistake(),
            Step::Send(message) => message.mistake(),
            _ => None,
        };
        let protocol = self.protocol.as_deref().filter(|it| !is_token(it));
        let of_protocol = || {
            let protocol = protocol?;
            Some(Error::invalid(Part::HeaderValue, protocol, TOKEN))
        };
        self.steps.iter().find_map(of_step).or_else(of_protocol)
    }
}

/// Whether a subprotocol is made of what a token is made of (RFC 9110 §5.6.2).
pub(crate) fn is_token(text: &str) -> bool {
    let allowed = |c: u8| c.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&c);
    !text.is_empty() && text.bytes().all(allowed)
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "as serde wants it")]
fn is_false(value: &bool) -> bool {
    !value
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_form_in_json() {
        let script = SocketScript::new()
            .protocol("v1")
            .open_after(Duration::from_millis(50))
            .expect("hi")
            .expect(MessagePattern::any())
            .expect(Bytes::from_static(b"\0\x01"))
            .expect(json!({"a": 1}))
            .send("hello")
            .send(vec![0, 1])
            .delay(Duration::from_micros(1500))
            .ping("p")
            .ping(vec![0xff])
            .send(Message::Pong("q".into()))
            .echo_times(2)
            .fault_after(7, Fault::ConnectionReset)
            .close(1000, "bye")
            .send(Message::Close(None))
            .abort()
            .fault(Fault::Timeout)
            .echo();
        let form = json!({
            "protocol": "v1",
            "openAfter": 50,
            "faultAfter": {"messages": 7, "fault": "connectionReset"},
            "steps": [
                {"expect": {"text": "hi"}},
                {"expect": "any"},
                {"expect": {"base64": "AAE="}},
                {"expect": {"json": {"a": 1}}},
                {"send": "hello"},
                {"send": {"base64": "AAE="}},
                {"delay": 1.5},
                {"ping": "p"},
                {"ping": {"base64": "/w=="}},
                {"pong": "q"},
                {"echo": 2},
                {"close": {"code": 1000, "reason": "bye"}},
                {"close": null},
                "abort",
                {"fault": "timeout"},
                "echo",
            ],
        });
        assert_eq!(serde_json::to_value(&script).unwrap(), form);
        assert_eq!(
            serde_json::from_value::<SocketScript>(form).unwrap(),
            script
        );
        let never = SocketScript::new().never_open();
        let form = json!({"steps": [], "neverOpen": true});
        assert_eq!(serde_json::to_value(&never).unwrap(), form);
        let short = json!({"steps": [{"close": {}}, {"send": {"json": [1]}}]});
        let expected = SocketScript::new().close(1000, "").send("[1]");
        assert_eq!(
            serde_json::from_value::<SocketScript>(short).unwrap(),
            expected
        );
    }

    #[test]
    fn a_form_that_is_wrong_says_what() {
        for (form, said) in [
            (json!({"steps": [{"sned": "x"}]}), "unknown variant `sned`"),
            (json!({"step": []}), "unknown field `step`"),
            (json!({"steps": [{"send": 1}]}), "a text, {\"base64\""),
            (
                json!({"steps": [{"send": {"base64": "?"}}]}),
                "a text, {\"base64\"",
            ),
            (json!({"steps": [{"fault": "x"}]}), "unknown fault \"x\""),
            (json!({"steps": [{"delay": -1}]}), "-1 is not a duration"),
        ] {
            let error = serde_json::from_value::<SocketScript>(form).unwrap_err();
            assert!(error.to_string().contains(said), "{error}");
        }
    }

    #[test]
    fn what_may_not_be_sent_is_a_mistake() {
        for script in [
            SocketScript::new().close(1005, ""),
            SocketScript::new().close(1000, "r".repeat(124)),
            SocketScript::new().ping(vec![0; 126]),
            SocketScript::new().protocol("a b"),
            SocketScript::new().protocol(""),
        ] {
            assert!(script.clone().validate().is_err(), "{script:?}");
        }
    }
}
