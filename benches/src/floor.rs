//! The floor: the mock one would write by hand on tower, as bare as it can honestly be.
//!
//! A hash map from path to reply, the request moved into a locked vector, the reply prebuilt
//! and cloned. No errors, no counts, no explanations.

use std::collections::HashMap;
use std::future::{Ready, ready};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use tower_service::Service;

use crate::fixtures;
use crate::subject::Transport;

/// A hand-made mock; cloning shares it.
#[derive(Clone, Debug, Default)]
pub struct HandMade {
    routes: Arc<HashMap<String, Reply>>,
    recorded: Arc<Mutex<Vec<Request<Bytes>>>>,
}

#[derive(Clone, Debug)]
struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl HandMade {
    /// A mock of `others` unused routes and [`fixtures::PATH`].
    #[must_use]
    pub fn new(others: usize) -> Self {
        let paths = (0..others)
            .map(fixtures::other_path)
            .chain([fixtures::PATH.to_owned()]);
        let routes = paths.map(|path| (path, Reply::json())).collect();
        Self {
            routes: Arc::new(routes),
            recorded: Arc::default(),
        }
    }
}

impl Reply {
    fn json() -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        Self {
            status: StatusCode::OK,
            headers,
            body: Bytes::from_static(fixtures::REPLY),
        }
    }

    fn into_response(self) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::new(self.body));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }
}

impl Service<Request<Bytes>> for HandMade {
    type Response = Response<Full<Bytes>>;
    type Error = StatusCode;
    type Future = Ready<Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        let Some(reply) = self.routes.get(request.uri().path()) else {
            return ready(Err(StatusCode::NOT_FOUND));
        };
        let response = reply.clone().into_response();
        self.recorded
            .lock()
            .expect("no one panics while recording")
            .push(request);
        ready(Ok(response))
    }
}

impl Transport for HandMade {
    async fn round_trip(&self, request: Request<Bytes>) -> Bytes {
        let response = self.clone().call(request).await.expect("a known route");
        response
            .into_body()
            .collect()
            .await
            .expect("a body that cannot fail")
            .to_bytes()
    }

    fn recorded(&self) -> usize {
        self.recorded
            .lock()
            .expect("no one panics while recording")
            .len()
    }
}
