//! The WebSocket handshake: from a request to the client's end of a connection.

use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use bytes::BytesMut;
use futures_core::Stream;
use http::header::{CONNECTION, HeaderMap, HeaderName, HeaderValue, UPGRADE};
use http::uri::{PathAndQuery, Scheme};
use http::{Method, StatusCode, Uri};

use super::accept::SocketHandler;
use super::body::Body;
use super::decide::{Decided, Decision};
use super::end::End;
use super::respond::Respond;
use super::socket::{Running, ServerSocket, Socket};
use crate::core::ExchangeId;
use crate::core::exchange::Claimed;
use crate::core::rules::{Accept, Action, Server};
use crate::core::sockets::Asked;
use crate::core::transcript::Limits;
use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Part, Result};
use crate::matcher::panic_message;
use crate::mode::Mode;
use crate::model::captured::ResponseHead;
use crate::model::message::Side;
use crate::model::request::Request;

const KEY: HeaderName = HeaderName::from_static("sec-websocket-key");
const PROTOCOL: HeaderName = HeaderName::from_static("sec-websocket-protocol");
const VERSION: HeaderName = HeaderName::from_static("sec-websocket-version");

/// The key of a client that gives none (RFC 6455 §4.1): nobody is to be convinced by it here, and
/// without randomness every run is the same.
const ANY_KEY: &str = "bW9ja3dpcmUtd2Vic29jaw==";

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
        let decided = match respond.poll_decided(cx) {
            Poll::Ready(decided) => decided,
            Poll::Pending => return Poll::Pending,
        };
        let State::Deciding(mut respond) = self.take_state() else {
            unreachable!("the state was just matched");
        };
        let decided = match decided {
            Ok(Decided::Undone(exchange, Decision::Rated { rated, request })) => {
                Decided::Undone(exchange, respond.unrated(*rated, request))
            }
            Ok(decided) => decided,
            Err(error) => return Poll::Ready(Err(error)),
        };
        let accepts = |claimed: &Claimed<M>| matches!(claimed.rule.action, Action::Socket(_));
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
                    Err(error) => Poll::Ready(Err(respond.fail(exchange, error))),
                }
            }
            decided => match respond.proceed(decided, cx) {
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
        let Action::Socket(Accept { protocol, server }) = &claimed.rule.action else {
            unreachable!("only called for such a rule");
        };
        let mut response = accepted(protocol.as_deref(), &request)?;
        // How rate limits stand.
        response
            .headers
            .extend(fields.into_iter().flat_map(|it| *it));
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
        let Action::Socket(Accept { protocol, server }) = &claimed.rule.action else {
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
                waiting.into_iter().for_each(Waker::wake);
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

/// The request as it arrives: with all that a handshake asks for (RFC 6455 §4.1).
fn handshake(request: http::Request<()>) -> Result<Request> {
    let (mut parts, ()) = request.into_parts();
    if parts.method != Method::GET {
        let reason = "a WebSocket handshake is a GET";
        return Err(Error::invalid(Part::Method, parts.method.as_str(), reason));
    }
    parts.uri = socket_url(parts.uri)?;
    let headers = &mut parts.headers;
    for (name, value) in [
        (UPGRADE, "websocket"),
        (CONNECTION, "Upgrade"),
        (VERSION, "13"),
        (KEY, ANY_KEY),
    ] {
        let entry = headers.entry(name);
        entry.or_insert(HeaderValue::from_static(value));
    }
    // Its case means nothing.
    if let Some(upgrade) = headers.get_mut(UPGRADE) {
        if upgrade.as_bytes().eq_ignore_ascii_case(b"websocket") {
            *upgrade = HeaderValue::from_static("websocket");
        }
    }
    Ok(Request::from_http(http::Request::from_parts(parts, ())))
}

/// The URL with the scheme of a WebSocket (RFC 6455 §3); `http` and `https` stand for the same.
fn socket_url(url: Uri) -> Result<Uri> {
    let scheme = match url.scheme_str() {
        None | Some("ws" | "wss") => return Ok(url),
        Some("http") => "ws",
        Some("https") => "wss",
        Some(_) => {
            let reason = "a WebSocket has a `ws:` or `wss:` URL";
            return Err(Error::invalid(Part::Url, url.to_string(), reason));
        }
    };
    let shown = url.to_string();
    let mut parts = url.into_parts();
    parts.scheme = Scheme::try_from(scheme).ok();
    let root = PathAndQuery::from_static("/");
    parts.path_and_query.get_or_insert(root);
    Uri::from_parts(parts).map_err(|error| Error::invalid(Part::Url, shown, error.to_string()))
}

/// The response that opens the connection, with the subprotocol that the rule chose.
fn accepted(protocol: Option<&str>, request: &Request) -> Result<ResponseHead> {
    let mut headers = HeaderMap::new();
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    if let Some(chosen) = protocol {
        let offered = offered(request.headers());
        let value = HeaderValue::from_str(chosen).ok();
        let value = value.filter(|_| offered.iter().any(|it| it == chosen));
        let chosen = chosen.to_owned();
        let mismatch = || Error::new(ErrorKind::ProtocolMismatch { offered, chosen });
        headers.insert(PROTOCOL, value.ok_or_else(mismatch)?);
    }
    Ok(ResponseHead {
        status: StatusCode::SWITCHING_PROTOCOLS,
        headers,
    })
}

/// The subprotocols that a client offers.
fn offered(headers: &HeaderMap) -> Vec<String> {
    let fields = headers.get_all(PROTOCOL).iter();
    let names = fields
        .filter_map(|field| field.to_str().ok())
        .flat_map(|field| field.split(','));
    names.map(|name| name.trim().to_owned()).collect()
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
