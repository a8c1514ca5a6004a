//! The WebSocket handshake: from a request to the client's end of a connection.

use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::BytesMut;
use futures_core::Stream;
use http::HeaderMap;

use super::accept::SocketHandler;
use super::body::Body;
use super::decide::{Decided, Decision};
use super::end::End;
use super::handshake::{accepted, handshake, refusal};
use super::identify;
use super::respond::Respond;
use super::socket::{Running, ServerSocket, Socket};
use crate::core::ExchangeId;
use crate::core::exchange::Claimed;
use crate::core::rules::{Accept, Server};
use crate::core::sockets::{Asked, Known};
use crate::core::transcript::Limits;
use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::matcher::panic_message;
use crate::mode::Mode;
use crate::model::captured::{Outcome, ResponseHead};
use crate::model::message::Side;
use crate::model::request::Request;
use crate::wake::wake_all;

/// The future that [`MockTransport::connect`](crate::MockTransport::connect) returns: the client's
/// end of a connection. Dropping it cancels the handshake.
#[must_use = "futures do nothing unless polled: without it the connection is never asked for"]
pub struct Connect<M: Mode> {
    engine: M::Ptr<Engine<M>>,
    state: State<M>,
    client_answers: bool,
}

enum State<M: Mode> {
    Start(Result<Request>),
    /// The rules are asked; the handshake may have to be admitted first.
    Deciding(Respond<M>),
    /// The rule replies instead of accepting.
    Responding(Respond<M>),
    /// What it replies is read.
    Refused {
        response: Box<ResponseHead>,
        body: Body<M>,
        taken: BytesMut,
    },
    Opening(Box<Opening<M>>),
    Over,
}

/// A connection that is not open yet.
struct Opening<M: Mode> {
    end: End<M>,
    claimed: Claimed<M>,
    request: Request,
    response: ResponseHead,
}

impl<M: Mode> Connect<M> {
    pub(crate) fn new(engine: M::Ptr<Engine<M>>, request: http::Request<()>) -> Self {
        Self {
            engine,
            state: State::Start(handshake(request)),
            client_answers: false,
        }
    }

    /// Leaves it to the client to answer pings and close frames.
    #[cfg_attr(
        not(all(feature = "tungstenite", not(target_arch = "wasm32"))),
        allow(dead_code)
    )]
    pub(crate) fn with_own_answers(mut self) -> Self {
        self.client_answers = true;
        self
    }

    fn poll_decided(&mut self, cx: &mut Context<'_>) -> Poll<Result<Socket<M>>> {
        let State::Deciding(respond) = &mut self.state else {
            unreachable!("only called in this state");
        };
        let mut ready = None;
        let decided = respond.decide(&mut ready, cx);
        if let Decided::Waiting = decided {
            return Poll::Pending;
        }
        let State::Deciding(mut respond) = self.take_state() else {
            unreachable!("the state was just matched");
        };
        let decided = match decided {
            Decided::Undone(exchange, Decision::Rated { rated, request }) => {
                Decided::Undone(exchange, respond.unrated(*rated, request))
            }
            decided => decided,
        };
        let accepts = |claimed: &Claimed<M>| claimed.rule.action.accept().is_some();
        match decided {
            Decided::Undone(
                exchange,
                Decision::Answer {
                    claimed,
                    request: Some(request),
                },
            ) if accepts(&claimed) => {
                let fields = respond.fields.take();
                match self.accept(exchange, claimed, request, fields) {
                    Ok(opening) => {
                        self.state = State::Opening(Box::new(opening));
                        self.poll_opening(cx)
                    }
                    Err(error) => {
                        if let Some(response) = refusal(&error).map(Box::new) {
                            self.engine.with(|core| core.begin(exchange, response));
                        }
                        let _ = respond.finish(exchange, Outcome::Failed(error.clone()));
                        Poll::Ready(Err(error))
                    }
                }
            }
            decided => match respond.proceed(decided, ready, cx) {
                Poll::Ready(responded) => self.refused(responded, cx),
                Poll::Pending => {
                    self.state = State::Responding(respond);
                    Poll::Pending
                }
            },
        }
    }

    fn accept(
        &self,
        exchange: ExchangeId,
        claimed: Claimed<M>,
        request: Request,
        fields: Option<Box<HeaderMap>>,
    ) -> Result<Opening<M>> {
        let Some(accept) = claimed.rule.action.accept() else {
            unreachable!("only called for such a rule");
        };
        let Accept {
            protocol, server, ..
        } = accept;
        let mut response = accepted(protocol.as_deref(), &request)?;
        // How rate limits stand.
        response
            .headers
            .extend(fields.into_iter().flat_map(|it| *it));
        let identity = accept.identify.as_ref();
        let identity = identity.map(|identify| identify::ask(&**identify, &request));
        let identity = identity.transpose();
        let identity = identity.map_err(|error| error.in_rule(&claimed.rule.site.to_string()))?;
        let settings = &self.engine.settings;
        let asked = Asked {
            rule: claimed.id,
            site: claimed.rule.site.clone(),
            exchange,
            script: match server {
                Server::Script(script) => Some(script.clone()),
                Server::Handler(_) | Server::Test => None,
            },
            protocol: protocol.clone(),
            head: response.clone(),
            limits: Limits {
                messages: settings.requests,
                bytes: settings.body_bytes,
            },
            client_answers: self.client_answers,
            known: Some(Known {
                identity,
                rate: accept.rate.clone(),
            }),
        };
        let id = self.engine.with(|core| core.ask_for_socket(asked))?;
        Ok(Opening {
            end: End::new(self.engine.clone(), id, Side::Client),
            claimed,
            request,
            response,
        })
    }

    fn poll_opening(&mut self, cx: &mut Context<'_>) -> Poll<Result<Socket<M>>> {
        let State::Opening(opening) = &mut self.state else {
            unreachable!("only called in this state");
        };
        let Poll::Ready(opened) = opening.end.poll_open(cx) else {
            return Poll::Pending;
        };
        let State::Opening(opening) = self.take_state() else {
            unreachable!("the state was just matched");
        };
        Poll::Ready(opened.and_then(|()| self.open(*opening)))
    }

    /// Gives the server's end to whom it belongs.
    fn open(&self, opening: Opening<M>) -> Result<Socket<M>> {
        let Opening {
            end,
            claimed,
            request,
            response,
        } = opening;
        let Some(Accept {
            protocol, server, ..
        }) = claimed.rule.action.accept()
        else {
            unreachable!("only made of such a rule");
        };
        let handler = match server {
            Server::Script(_) => None,
            Server::Handler(handler) => {
                let server_end = End::new(self.engine.clone(), end.id, Side::Server);
                let socket = ServerSocket::new(server_end, request, protocol.clone());
                let task = catch_unwind(AssertUnwindSafe(|| handler.accept(socket)));
                let site = claimed.rule.site.clone();
                match task {
                    Ok(task) => Some(Running::new(task, site)),
                    Err(panic) => {
                        let error = Error::new(ErrorKind::HandlerPanicked {
                            rule: site.to_string(),
                            message: panic_message(&*panic),
                        });
                        end.fail(error.clone());
                        return Err(error);
                    }
                }
            }
            Server::Test => {
                let mut request = Some(request);
                let waiting = self
                    .engine
                    .with(|core| core.hand_over(end.id, &mut request))?;
                wake_all(waiting);
                None
            }
        };
        Ok(Socket::new(end, handler, response))
    }

    fn refused(
        &mut self,
        responded: Result<http::Response<Body<M>>>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Socket<M>>> {
        let response = match responded {
            Ok(response) => response,
            Err(error) => {
                self.state = State::Over;
                return Poll::Ready(Err(error));
            }
        };
        let (parts, body) = response.into_parts();
        self.state = State::Refused {
            response: Box::new(ResponseHead {
                status: parts.status,
                headers: parts.headers,
            }),
            body,
            taken: BytesMut::new(),
        };
        self.poll_refused(cx)
    }

    fn poll_refused(&mut self, cx: &mut Context<'_>) -> Poll<Result<Socket<M>>> {
        let cap = self.engine.settings.body_bytes;
        let State::Refused { body, taken, .. } = &mut self.state else {
            unreachable!("only called in this state");
        };
        let failed = loop {
            match Pin::new(&mut *body).poll_next(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Some(Ok(bytes))) => {
                    let room = cap.saturating_sub(taken.len()).min(bytes.len());
                    taken.extend_from_slice(&bytes[..room]);
                }
                Poll::Ready(Some(Err(error))) => break Some(error),
                Poll::Ready(None) => break None,
            }
        };
        let State::Refused {
            response, taken, ..
        } = self.take_state()
        else {
            unreachable!("the state was just matched");
        };
        let body = taken.freeze();
        let refused = || Error::new(ErrorKind::HandshakeRefused { response, body });
        Poll::Ready(Err(failed.unwrap_or_else(refused)))
    }

    fn take_state(&mut self) -> State<M> {
        std::mem::replace(&mut self.state, State::Over)
    }
}

impl<M: Mode> Future for Connect<M> {
    type Output = Result<Socket<M>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.state {
            State::Opening(_) => self.poll_opening(cx),
            State::Refused { .. } => self.poll_refused(cx),
            State::Responding(respond) => match Pin::new(respond).poll(cx) {
                Poll::Pending => Poll::Pending,
                Poll::Ready(responded) => self.refused(responded, cx),
            },
            State::Deciding(_) => self.poll_decided(cx),
            State::Start(_) => match self.take_state() {
                State::Start(Ok(request)) => {
                    let respond = Respond::new(self.engine.clone(), request);
                    self.state = State::Deciding(respond);
                    self.poll_decided(cx)
                }
                State::Start(Err(error)) => Poll::Ready(Err(error)),
                _ => unreachable!("the state was just matched"),
            },
            State::Over => panic!("a `Connect` was polled after it had completed"),
        }
    }
}

impl<M: Mode> Unpin for Connect<M> {}

impl<M: Mode> fmt::Debug for Connect<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::Start(_) => "not polled yet",
            State::Deciding(_) => "waiting to be admitted",
            State::Responding(_) | State::Refused { .. } => "waiting for a reply",
            State::Opening(_) => "waiting for the connection to open",
            State::Over => "over",
        };
        f.debug_tuple("Connect").field(&state).finish()
    }
}
