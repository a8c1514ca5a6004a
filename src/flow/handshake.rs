//! What a WebSocket handshake says (RFC 6455 §4): the request, and the responses to it.

use http::header::{CONNECTION, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER, UPGRADE};
use http::uri::{PathAndQuery, Scheme};
use http::{Method, StatusCode, Uri};

use crate::error::{Error, ErrorKind, Part, Result};
use crate::model::captured::ResponseHead;
use crate::model::request::Request;

const KEY: HeaderName = HeaderName::from_static("sec-websocket-key");
const PROTOCOL: HeaderName = HeaderName::from_static("sec-websocket-protocol");
const VERSION: HeaderName = HeaderName::from_static("sec-websocket-version");

/// The key of a client that gives none (RFC 6455 §4.1): nobody is to be convinced by it here, and
/// without randomness every run is the same.
const ANY_KEY: &str = "bW9ja3dpcmUtd2Vic29jaw==";

/// The request as it arrives: with all that a handshake asks for (RFC 6455 §4.1).
pub(super) fn handshake(request: http::Request<()>) -> Result<Request> {
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
pub(super) fn accepted(protocol: Option<&str>, request: &Request) -> Result<ResponseHead> {
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

/// The response that an error of the handshake stands for, where it does: 429 to connections that
/// are made too fast (RFC 6585 §4), with the whole seconds until there may be another.
pub(crate) fn refusal(error: &Error) -> Option<ResponseHead> {
    let ErrorKind::ConnectionRateExceeded { retry_after, .. } = error.kind() else {
        return None;
    };
    let seconds = retry_after.as_secs() + u64::from(retry_after.subsec_nanos() > 0);
    let mut headers = HeaderMap::new();
    headers.insert(RETRY_AFTER, seconds.into());
    Some(ResponseHead {
        status: StatusCode::TOO_MANY_REQUESTS,
        headers,
    })
}
