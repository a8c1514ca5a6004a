//! wiremock, httpmock and mockito behind one small interface: loopback servers, asked by the
//! same pooled hyper-util client on a current-thread tokio runtime.

use http::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::fixtures;
use crate::real_client::RealClient;

/// A client of servers on loopback sockets.
#[derive(Debug)]
pub struct Loopback(RealClient<HttpConnector>);

/// A server with one mock, alive until dropped.
pub struct Served {
    uri: Uri,
    _server: Server,
}

impl std::fmt::Debug for Served {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Served")
            .field("uri", &self.uri)
            .finish_non_exhaustive()
    }
}

enum Server {
    Httpmock {
        _server: httpmock::MockServer,
    },
    Mockito {
        _server: mockito::ServerGuard,
        _mock: Box<mockito::Mock>,
    },
    Wiremock {
        _server: MockServer,
    },
}

/// Which peer, and how its server is obtained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// `MockServer::start_async()`, from httpmock's pool.
    Httpmock,
    /// `Server::new_async()`, from mockito's pool.
    Mockito,
    /// `MockServer::start()`, from wiremock's pool.
    WiremockPooled,
    /// `MockServer::builder().start()`, a server of its own.
    WiremockUnpooled,
}

impl Peer {
    /// The name in the table.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Httpmock => "httpmock",
            Self::Mockito => "mockito",
            Self::WiremockPooled => "wiremock (pooled)",
            Self::WiremockUnpooled => "wiremock (own server)",
        }
    }

    async fn serve(self) -> Served {
        match self {
            Self::Httpmock => serve_httpmock().await,
            Self::Mockito => serve_mockito().await,
            Self::WiremockPooled => serve_wiremock(MockServer::start().await).await,
            Self::WiremockUnpooled => serve_wiremock(MockServer::builder().start().await).await,
        }
    }
}

impl Default for Loopback {
    fn default() -> Self {
        Self::new()
    }
}

impl Loopback {
    /// A fresh runtime and a client with an empty connection pool.
    #[must_use]
    pub fn new() -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self(RealClient::new(connector))
    }

    /// Starts a peer with one mock of [`fixtures::PATH`].
    #[must_use]
    pub fn serve(&self, peer: Peer) -> Served {
        self.0.bounded(peer.serve())
    }

    /// `count` requests one after the other, bodies collected.
    pub fn ask(&self, served: &Served, count: usize) {
        self.0.ask(&served.uri, count);
    }

    /// `count` times: start the peer, register a mock, ask once, drop everything.
    pub fn cycle(&self, peer: Peer, count: usize) {
        self.0.bounded(async {
            for _ in 0..count {
                let served = peer.serve().await;
                self.0.round_trip(&served.uri).await;
            }
        });
    }
}

impl Served {
    fn new(base: &str, server: Server) -> Self {
        let uri = format!("{base}{}", fixtures::PATH)
            .parse()
            .expect("a valid URI");
        Self {
            uri,
            _server: server,
        }
    }
}

async fn serve_wiremock(server: MockServer) -> Served {
    let template = ResponseTemplate::new(200).set_body_raw(fixtures::REPLY, "application/json");
    Mock::given(method("POST"))
        .and(path(fixtures::PATH))
        .respond_with(template)
        .mount(&server)
        .await;
    Served::new(&server.uri(), Server::Wiremock { _server: server })
}

async fn serve_httpmock() -> Served {
    let server = httpmock::MockServer::start_async().await;
    server
        .mock_async(|when, then| {
            when.method("POST").path(fixtures::PATH);
            then.status(200)
                .header("content-type", "application/json")
                .body(fixtures::REPLY);
        })
        .await;
    Served::new(&server.base_url(), Server::Httpmock { _server: server })
}

async fn serve_mockito() -> Served {
    let mut server = mockito::Server::new_async().await;
    let mock = server
        .mock("POST", fixtures::PATH)
        .with_header("content-type", "application/json")
        .with_body(fixtures::REPLY)
        .create_async()
        .await;
    Served::new(
        &server.url(),
        Server::Mockito {
            _server: server,
            _mock: Box::new(mock),
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_peer_answers() {
        let loopback = Loopback::new();
        for peer in [
            Peer::Httpmock,
            Peer::Mockito,
            Peer::WiremockPooled,
            Peer::WiremockUnpooled,
        ] {
            loopback.ask(&loopback.serve(peer), 2);
            loopback.cycle(peer, 2);
        }
    }
}
