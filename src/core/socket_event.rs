//! What the machine of a WebSocket connection tells whoever drives it.

use super::timeline::Tick;
use crate::error::{Error, ErrorKind};
use crate::fault::Fault;
use crate::model::message::Message;

/// How a connection ended, where there was no closing handshake.
#[derive(Clone, Debug)]
pub(crate) enum Ending {
    /// One end has gone.
    Aborted,
    /// An end that runs the user's code has failed.
    Failed(Error),
    /// The test scripted it.
    Fault(Fault),
}

/// What an end gets.
#[derive(Debug)]
pub(crate) enum Event {
    Message(Message),
    /// Nothing more: `None` after a closing handshake.
    Over(Option<Ending>),
}

/// What there is for an end.
#[derive(Debug)]
pub(crate) enum Next<T> {
    Ready(T),
    /// Ask again at this time, or when something has changed.
    At(Tick),
    /// Ask again when something has changed.
    Idle,
}

/// What has changed for whom.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Changes {
    /// There is something to take: for the client, for the server.
    pub(crate) readable: [bool; 2],
    /// There is room, or sending fails: for the client, for the server.
    pub(crate) writable: [bool; 2],
}

/// An expectation of a script that was not met.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Unmet {
    pub(crate) expected: String,
    pub(crate) actual: String,
}

impl Ending {
    pub(crate) fn error(&self) -> Error {
        match self {
            Self::Aborted => Error::new(ErrorKind::SocketAborted),
            Self::Failed(error) => error.clone(),
            Self::Fault(fault) => (*fault).into(),
        }
    }
}
