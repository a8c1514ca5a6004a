//! The server behind the bytes: the handshake, then frames one way and messages the other.

use std::future::Future;
use std::io::{self, Write};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_core::Stream;
use futures_sink::Sink;
use http::header::{CONTENT_LENGTH, HOST, HeaderValue, TRANSFER_ENCODING};
use http::{Response, StatusCode, Uri};
use tungstenite::error::{Error as WireError, ProtocolError};
use tungstenite::handshake::machine::TryParse;
use tungstenite::handshake::server::{Request, create_response, write_response};
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::protocol::{Role, WebSocketContext};

use super::pipe::Pipe;
use crate::engine::Engine;
use crate::error::{Error, ErrorKind};
use crate::flow::connect::Connect;
use crate::flow::handshake::refusal;
use crate::flow::socket::Socket;
use crate::mode::Mode;
use crate::model::captured::ResponseHead;
use crate::model::message::{CloseFrame, Message};

pub(super) struct Server<M: Mode> {
    engine: M::Ptr<Engine<M>>,
    scheme: &'static str,
    state: State<M>,
}

enum State<M: Mode> {
    /// The request is not whole yet.
    Asked,
    Connecting(Box<Connecting<M>>),
    Open(Box<Open<M>>),
    Over,
}

/// The rules are asked.
struct Connecting<M: Mode> {
    connect: Connect<M>,
    /// What is sent once they have accepted.
    response: Response<()>,
}

/// A connection that is open: frames on one side, the client's end on the other.
struct Open<M: Mode> {
    frames: WebSocketContext,
    socket: Socket<M>,
    /// What has come, and waits for room.
    held: Option<Message>,
}

/// What a look at the connection has come to.
enum Step {
    Progress,
    Nothing,
    /// The connection is over.
    Over,
}

impl<M: Mode> Server<M> {
    pub(super) fn new(engine: M::Ptr<Engine<M>>, scheme: &'static str) -> Self {
        Self {
            engine,
            scheme,
            state: State::Asked,
        }
    }

    pub(super) fn set_scheme(&mut self, scheme: &'static str) {
        self.scheme = scheme;
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self.state, State::Over)
    }

    /// Goes on until there is nothing more to do for now. An error is the end.
    pub(super) fn run(&mut self, pipe: &mut Pipe, cx: &mut Context<'_>) -> io::Result<()> {
        loop {
            let step = match &mut self.state {
                State::Asked => self.read_request(pipe),
                State::Connecting(connecting) => match Pin::new(&mut connecting.connect).poll(cx) {
                    Poll::Pending => Ok(Step::Nothing),
                    Poll::Ready(connected) => self.respond(connected, pipe),
                },
                State::Open(open) => open.step(pipe, cx),
                State::Over => Ok(Step::Nothing),
            };
            match step {
                Ok(Step::Progress) => {}
                Ok(Step::Nothing) => return Ok(()),
                Ok(Step::Over) => self.state = State::Over,
                Err(error) => {
                    self.state = State::Over;
                    return Err(error);
                }
            }
        }
    }

    fn read_request(&mut self, pipe: &mut Pipe) -> io::Result<Step> {
        match Request::try_parse(pipe.incoming()) {
            Ok(None) if pipe.is_full() => {
                let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
                refuse(pipe, Response::new(()), status, &Bytes::new())
            }
            Ok(None) if pipe.has_ended() => Ok(Step::Over),
            Ok(None) => Ok(Step::Nothing),
            Ok(Some((length, request))) => {
                pipe.skip_incoming(length);
                self.ask(request, pipe)
            }
            Err(error) => bad_request(pipe, &error.to_string()),
        }
    }

    /// Asks the rules.
    fn ask(&mut self, mut request: Request, pipe: &mut Pipe) -> io::Result<Step> {
        let response = match create_response(&request) {
            Ok(response) => response,
            Err(error) => return bad_request(pipe, &error.to_string()),
        };
        let Some(url) = self.url(&request) else {
            return bad_request(pipe, "the request has no host");
        };
        *request.uri_mut() = url;
        let connect = Connect::new(self.engine.clone(), request).with_own_answers();
        self.state = State::Connecting(Box::new(Connecting { connect, response }));
        Ok(Step::Progress)
    }

    /// The whole URL: a request has its path and its host.
    fn url(&self, request: &Request) -> Option<Uri> {
        let host = request.headers().get(HOST)?.to_str().ok()?;
        let path = request.uri().path_and_query()?.as_str();
        format!("{}://{host}{path}", self.scheme).parse().ok()
    }

    fn respond(
        &mut self,
        connected: Result<Socket<M>, Error>,
        pipe: &mut Pipe,
    ) -> io::Result<Step> {
        let error = match (connected, std::mem::replace(&mut self.state, State::Over)) {
            (Ok(socket), State::Connecting(connecting)) => {
                let mut response = connecting.response;
                let headers = response.headers_mut();
                for (name, value) in &socket.response().headers {
                    headers.insert(name, value.clone());
                }
                write_response(&mut *pipe, &response).map_err(io::Error::other)?;
                self.state = State::Open(Box::new(Open {
                    frames: WebSocketContext::new(Role::Server, None),
                    socket,
                    held: None,
                }));
                return Ok(Step::Progress);
            }
            (Ok(_), _) => return Ok(Step::Over),
            (Err(error), _) => error,
        };
        let (response, body) = match (error.kind(), refusal(&error)) {
            (ErrorKind::HandshakeRefused { response, body }, _) => {
                (ResponseHead::clone(response), body.clone())
            }
            (_, Some(response)) => (response, Bytes::new()),
            (_, None) => return Err(error.into()),
        };
        let mut refused = Response::new(());
        *refused.headers_mut() = response.headers;
        refuse(pipe, refused, response.status, &body)
    }
}

impl<M: Mode> Open<M> {
    fn step(&mut self, pipe: &mut Pipe, cx: &mut Context<'_>) -> io::Result<Step> {
        let heard = self.hear(pipe, cx);
        if let Step::Over = heard {
            return Ok(heard);
        }
        match (heard, self.say(pipe, cx)?) {
            (Step::Nothing, said) => Ok(said),
            (_, Step::Over) => Ok(Step::Over),
            _ => Ok(Step::Progress),
        }
    }

    /// Passes on what the client has sent.
    fn hear(&mut self, pipe: &mut Pipe, cx: &mut Context<'_>) -> Step {
        if self.held.is_some() {
            return self.pass_on(cx);
        }
        match self.frames.read(pipe) {
            Ok(message) => {
                self.held = of_wire(message);
                // At once, so that the answer to a ping takes the place of that which the frames
                // have ready.
                self.pass_on(cx);
                Step::Progress
            }
            Err(WireError::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => Step::Nothing,
            Err(WireError::ConnectionClosed | WireError::AlreadyClosed | WireError::Io(_)) => {
                Step::Over
            }
            Err(WireError::Protocol(ProtocolError::ResetWithoutClosingHandshake)) => Step::Over,
            Err(error) => {
                self.refuse(pipe, &error);
                Step::Over
            }
        }
    }

    /// Gives the server what has come, when there is room for it.
    fn pass_on(&mut self, cx: &mut Context<'_>) -> Step {
        let Poll::Ready(ready) = Pin::new(&mut self.socket).poll_ready(cx) else {
            return Step::Nothing;
        };
        if let (Ok(()), Some(message)) = (ready, self.held.take()) {
            // That the connection has ended is what the other direction tells.
            let _ = Pin::new(&mut self.socket).start_send(message);
            let _ = Pin::new(&mut self.socket).poll_flush(cx);
        }
        Step::Progress
    }

    /// Passes on what the server says.
    fn say(&mut self, pipe: &mut Pipe, cx: &mut Context<'_>) -> io::Result<Step> {
        let mut step = Step::Nothing;
        while pipe.has_room() {
            match Pin::new(&mut self.socket).poll_next(cx) {
                Poll::Pending => break,
                Poll::Ready(Some(Ok(message))) => {
                    // Nothing follows the client's close frame but the answer to it, which is on
                    // its way.
                    let _ = self.frames.write(pipe, to_wire(message));
                    let _ = self.frames.flush(pipe);
                    step = Step::Progress;
                }
                Poll::Ready(None) => return Ok(Step::Over),
                Poll::Ready(Some(Err(error))) => match error.kind() {
                    ErrorKind::SocketAborted => return Ok(Step::Over),
                    _ => return Err(error.into()),
                },
            }
        }
        Ok(step)
    }

    /// Fails the connection, as what the client has sent is not WebSocket (RFC 6455 §7.1.7).
    fn refuse(&mut self, pipe: &mut Pipe, error: &WireError) {
        let code = match error {
            WireError::Utf8(_) => CloseCode::Invalid,
            WireError::Capacity(_) => CloseCode::Size,
            _ => CloseCode::Protocol,
        };
        let frame = CloseFrame::fitting(code.into(), error.to_string());
        let _ = self.frames.close(pipe, Some(close_to_wire(frame.clone())));
        self.socket.violate(frame);
    }
}

fn bad_request(pipe: &mut Pipe, reason: &str) -> io::Result<Step> {
    let reason = Bytes::copy_from_slice(reason.as_bytes());
    refuse(pipe, Response::new(()), StatusCode::BAD_REQUEST, &reason)
}

/// Answers with a response, after which there is nothing.
fn refuse(
    pipe: &mut Pipe,
    mut response: Response<()>,
    status: StatusCode,
    body: &Bytes,
) -> io::Result<Step> {
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.remove(TRANSFER_ENCODING);
    headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    write_response(&mut *pipe, &response).map_err(io::Error::other)?;
    pipe.write_all(body)?;
    Ok(Step::Over)
}

fn of_wire(message: tungstenite::Message) -> Option<Message> {
    Some(match message {
        tungstenite::Message::Text(text) => Message::Text(text.as_str().to_owned()),
        tungstenite::Message::Binary(bytes) => Message::Binary(bytes),
        tungstenite::Message::Ping(bytes) => Message::Ping(bytes),
        tungstenite::Message::Pong(bytes) => Message::Pong(bytes),
        tungstenite::Message::Close(frame) => Message::Close(frame.map(|frame| CloseFrame {
            code: frame.code.into(),
            reason: frame.reason.as_str().to_owned(),
        })),
        // Only ever written.
        tungstenite::Message::Frame(_) => return None,
    })
}

fn to_wire(message: Message) -> tungstenite::Message {
    match message {
        Message::Text(text) => tungstenite::Message::text(text),
        Message::Binary(bytes) => tungstenite::Message::Binary(bytes),
        Message::Ping(bytes) => tungstenite::Message::Ping(bytes),
        Message::Pong(bytes) => tungstenite::Message::Pong(bytes),
        Message::Close(frame) => tungstenite::Message::Close(frame.map(close_to_wire)),
    }
}

fn close_to_wire(frame: CloseFrame) -> tungstenite::protocol::CloseFrame {
    tungstenite::protocol::CloseFrame {
        code: frame.code.into(),
        reason: frame.reason.into(),
    }
}
