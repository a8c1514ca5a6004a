//! The client of hyper-util, pooled, on a current-thread tokio runtime: whatever it connects to.

use std::time::Duration;

use bytes::Bytes;
use http::Uri;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::Connect;
use hyper_util::rt::TokioExecutor;
use tokio::runtime::{Builder, Runtime};

use crate::fixtures;

/// No slice may take longer.
const PATIENCE: Duration = Duration::from_secs(60);

/// A client and the runtime it lives on.
#[derive(Debug)]
pub struct RealClient<C> {
    runtime: Runtime,
    client: Client<C, Full<Bytes>>,
}

impl<C: Connect + Clone + Send + Sync + 'static> RealClient<C> {
    /// A fresh runtime and a client with an empty connection pool.
    ///
    /// # Panics
    ///
    /// If the runtime cannot start.
    #[must_use]
    pub fn new(connector: C) -> Self {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Self { runtime, client }
    }

    /// `count` requests one after the other, bodies collected.
    pub fn ask(&self, uri: &Uri, count: usize) {
        self.bounded(async {
            for _ in 0..count {
                self.round_trip(uri).await;
            }
        });
    }

    /// Sends a request and collects the whole reply.
    ///
    /// # Panics
    ///
    /// If the reply is not the one that everyone gives.
    pub async fn round_trip(&self, uri: &Uri) {
        let request = fixtures::request(uri).map(Full::new);
        let response = self.client.request(request).await.expect("a reply");
        assert!(response.status().is_success(), "the mock did not match");
        let body = response
            .into_body()
            .collect()
            .await
            .expect("a whole body")
            .to_bytes();
        assert_eq!(body.len(), fixtures::REPLY.len());
    }

    /// Runs `work` on the client's runtime.
    ///
    /// # Panics
    ///
    /// If it takes too long.
    pub fn bounded<T>(&self, work: impl Future<Output = T>) -> T {
        let bounded = async { tokio::time::timeout(PATIENCE, work).await };
        self.runtime
            .block_on(bounded)
            .expect("the peer answers in time")
    }
}
