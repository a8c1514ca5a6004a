//! Real servers on loopback sockets, each with something wrong with it: what clients report of them is
//! what they have to report of the mock.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What is wrong with a server.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Peer {
    /// Nobody listens.
    Absent,
    /// It says this, and closes the connection.
    Closes(&'static str),
    /// It says this, and resets the connection.
    Resets(&'static str),
    /// It says this, and nothing more.
    Stalls(&'static str),
}

impl Peer {
    /// Where it is: a URL.
    pub(crate) async fn url(self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address: SocketAddr = listener.local_addr().unwrap();
        match self {
            Self::Absent => drop(listener),
            _ => drop(tokio::spawn(self.serve(listener))),
        }
        format!("http://{address}/")
    }

    async fn serve(self, listener: TcpListener) {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(self.answer(stream));
        }
    }

    async fn answer(self, mut stream: TcpStream) {
        let (Self::Closes(said) | Self::Resets(said) | Self::Stalls(said)) = self else {
            return;
        };
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            request.push(stream.read_u8().await.unwrap());
        }
        stream.write_all(said.as_bytes()).await.unwrap();
        match self {
            Self::Resets(_) => stream.set_zero_linger().unwrap(),
            Self::Stalls(_) => std::future::pending().await,
            Self::Absent | Self::Closes(_) => {}
        }
    }
}
