//! One WebSocket connection: two ends, what is on its way between them, and how it ends.
//!
//! A plain state machine for whoever drives it: it is given what an end does and the time, and
//! tells what the other end gets and when to ask again. It calls nothing and wakes nobody.

use super::player::Player;
use super::socket_end::{End, Inbox};
use super::timeline::Tick;
use super::transcript::{Limits, Transcript};
use crate::error::{Error, ErrorKind, Result};
use crate::fault::Fault;
use crate::model::message::{Message, Side};
use crate::model::socket_script::SharedScript;

/// A connection.
pub(crate) struct Machine {
    opening: Opening,
    client: End,
    server: End,
    /// `None` when the server's end is driven from outside.
    pub(super) player: Option<Player>,
    ending: Option<Ending>,
    /// Whether the client answers pings and close frames itself.
    client_answers: bool,
    pub(crate) transcript: Transcript,
    changes: Changes,
    /// To be dropped outside the borrow.
    litter: Vec<Message>,
    unmet: Option<Unmet>,
    blocked: u64,
}

/// When a connection opens.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Opening {
    At(Tick),
    Never,
    Open,
}

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

impl Machine {
    /// A connection that was asked for now.
    pub(crate) fn new(now: Tick, script: Option<SharedScript>, limits: Limits) -> Self {
        let opening = match &script {
            Some(script) if script.never_open => Opening::Never,
            Some(script) => Opening::At(now.saturating_add(script.open_after)),
            None => Opening::At(now),
        };
        Self {
            opening,
            client: End::default(),
            server: End::default(),
            player: script.map(Player::new),
            ending: None,
            client_answers: false,
            transcript: Transcript::new(limits),
            changes: Changes::default(),
            litter: Vec::new(),
            unmet: None,
            blocked: 0,
        }
    }

    /// The client answers pings and close frames itself, as one behind real frames does.
    pub(crate) fn let_client_answer(&mut self) {
        self.client_answers = true;
    }

    /// Opens the connection when it is time.
    pub(crate) fn open(&mut self, now: Tick) -> Next<()> {
        match self.opening {
            Opening::At(due) if due > now => Next::At(due),
            Opening::At(due) => {
                self.opening = Opening::Open;
                if let Some(player) = &mut self.player {
                    player.start(due);
                }
                self.play(now);
                Next::Ready(())
            }
            Opening::Never => Next::Idle,
            Opening::Open => Next::Ready(()),
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        self.opening == Opening::Open
    }

    /// Whether an end may send: whether there is room at the other end.
    pub(crate) fn may_send(&mut self, side: Side, now: Tick) -> Next<Result<()>> {
        self.play(now);
        if let Err(error) = self.ensure_sendable(side) {
            return Next::Ready(Err(error));
        }
        let room = self.end(side.other()).inbox.has_room();
        let end = self.end_mut(side);
        let newly_blocked = !room && !end.blocked;
        end.blocked = !room;
        self.blocked += u64::from(newly_blocked);
        if room {
            Next::Ready(Ok(()))
        } else {
            self.next_step()
        }
    }

    /// An end sends a message, whether there is room or not.
    pub(crate) fn send(&mut self, side: Side, message: Message, now: Tick) -> Result<()> {
        self.play(now);
        if let Err(error) = self.ensure_sendable(side) {
            self.discard(message);
            return Err(error);
        }
        self.say(side, now, message);
        self.play(now);
        Ok(())
    }

    /// What there is for an end.
    pub(crate) fn next(&mut self, side: Side, now: Tick) -> Next<Event> {
        self.play(now);
        if let Some((_, message)) = self.end_mut(side).inbox.pop() {
            self.changes.writable[side.other() as usize] = true;
            let end = self.end_mut(side);
            end.delivered += message.payload().len() as u64;
            if let Message::Close(frame) = &message {
                end.got_close = true;
                let answers_itself = side == Side::Client && self.client_answers;
                if !self.end(side).sent_close && !answers_itself {
                    self.say(side, now, Message::Close(frame.clone()));
                }
            }
            if let Some(player) = &mut self.player {
                player.unblock(now);
            }
            self.play(now);
            return Next::Ready(Event::Message(message));
        }
        let end = self.end(side);
        if end.got_close && end.sent_close {
            return Next::Ready(Event::Over(None));
        }
        match &self.ending {
            Some(ending) => Next::Ready(Event::Over(Some(ending.clone()))),
            None => self.next_step(),
        }
    }

    /// When the script goes on by itself.
    fn next_step<T>(&self) -> Next<T> {
        let due = self.player.as_ref().and_then(Player::due);
        due.map_or(Next::Idle, Next::At)
    }

    /// An end has gone.
    pub(crate) fn leave(&mut self, side: Side, now: Tick) {
        self.play(now);
        let end = self.end_mut(side);
        end.left = true;
        let closed = end.sent_close;
        let unread = std::mem::take(&mut end.inbox);
        self.litter
            .extend(unread.queue.into_iter().map(|(_, it)| it));
        if !closed && side == Side::Client {
            self.expect_no_more("the client has gone");
        }
        if !closed {
            self.finish(Ending::Aborted);
        }
        self.changes.writable[side.other() as usize] = true;
    }

    /// The connection ends without a closing handshake, unless it has ended before. A handler that
    /// fails has dropped its end already: that it failed is what counts.
    pub(crate) fn finish(&mut self, ending: Ending) {
        match (&self.ending, &ending) {
            (None, _) | (Some(Ending::Aborted), Ending::Failed(_)) => self.ending = Some(ending),
            _ => {}
        }
        if let Some(player) = &mut self.player {
            player.stop();
        }
        self.changes = Changes {
            readable: [true; 2],
            writable: [true; 2],
        };
    }

    /// Whether nobody has this connection any more.
    pub(crate) fn is_left(&self) -> bool {
        self.client.left && (self.server.left || self.player.is_some())
    }

    /// Whether an end has closed, and so may go.
    pub(crate) fn has_closed(&self, side: Side) -> bool {
        self.end(side).sent_close
    }

    /// Whether a close frame was sent, or the connection has ended otherwise.
    pub(crate) fn is_closing(&self) -> bool {
        self.client.sent_close || self.server.sent_close || self.ending.is_some()
    }

    /// How many bytes of payload the client has taken.
    pub(crate) fn delivered(&self) -> u64 {
        self.client.delivered
    }

    /// How often an end had to wait for room.
    pub(crate) fn blocked(&self) -> u64 {
        self.blocked
    }

    pub(crate) fn take_changes(&mut self) -> Changes {
        std::mem::take(&mut self.changes)
    }

    pub(crate) fn take_litter(&mut self) -> Vec<Message> {
        std::mem::take(&mut self.litter)
    }

    pub(crate) fn take_unmet(&mut self) -> Option<Unmet> {
        self.unmet.take()
    }

    /// What a script that goes on still expects.
    pub(crate) fn expected(&self) -> Option<Unmet> {
        let player = self.player.as_ref().filter(|_| self.is_open())?;
        let expected = player.expected()?.to_string();
        let actual = "nothing came".to_owned();
        Some(Unmet { expected, actual })
    }

    /// Notes that no message will come any more, where one is expected.
    pub(crate) fn expect_no_more(&mut self, actual: &str) {
        let expected = self.player.as_ref().and_then(Player::expected);
        let expected = expected.map(ToString::to_string);
        if let Some(expected) = expected {
            let actual = actual.to_owned();
            self.unmet.get_or_insert(Unmet { expected, actual });
        }
    }

    pub(super) fn note_unmet(&mut self, unmet: Unmet) {
        self.unmet.get_or_insert(unmet);
    }

    /// An end says something that it may say; a ping is answered.
    pub(super) fn say(&mut self, side: Side, at: Tick, message: Message) {
        let forgotten = self.transcript.note(side, at, &message);
        self.litter.extend(forgotten);
        let to = side.other();
        self.changes.readable[to as usize] = true;
        if message.is_close() {
            self.end_mut(side).sent_close = true;
            self.changes.writable[side as usize] = true;
        }
        let pong = match &message {
            Message::Ping(payload) if !self.answers_itself(to) => {
                Some(Message::Pong(payload.clone()))
            }
            _ => None,
        };
        let end = self.end_mut(to);
        if end.left {
            self.discard(message);
        } else {
            end.inbox.push(at, message);
        }
        let other = self.end(to);
        match pong {
            Some(pong) if !other.sent_close && !other.left => self.say(to, at, pong),
            _ => {}
        }
    }

    /// Keeps what may run the user's code when it is dropped.
    pub(super) fn discard(&mut self, message: Message) {
        if !matches!(message, Message::Text(_) | Message::Close(_)) {
            self.litter.push(message);
        }
    }

    fn answers_itself(&self, side: Side) -> bool {
        side == Side::Client && self.client_answers
    }

    fn ensure_sendable(&self, side: Side) -> Result<()> {
        match &self.ending {
            _ if self.end(side).sent_close => Err(Error::new(ErrorKind::SocketClosed)),
            None => Ok(()),
            Some(ending) => Err(ending.error()),
        }
    }

    pub(super) fn client_has_room(&self) -> bool {
        self.client.inbox.has_room()
    }

    pub(super) fn server_inbox(&mut self) -> &mut Inbox {
        &mut self.server.inbox
    }

    pub(super) fn nothing_for_server(&self) -> bool {
        self.server.inbox.first().is_none()
    }

    pub(super) fn server_has_sent_close(&self) -> bool {
        self.server.sent_close
    }

    /// The server has read the client's close frame.
    pub(super) fn server_gets_close(&mut self) {
        self.server.got_close = true;
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ending.is_some()
    }

    /// There is room at the server's end.
    pub(super) fn server_makes_room(&mut self) {
        self.changes.writable[Side::Client as usize] = true;
    }

    fn end(&self, side: Side) -> &End {
        match side {
            Side::Client => &self.client,
            Side::Server => &self.server,
        }
    }

    fn end_mut(&mut self, side: Side) -> &mut End {
        match side {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server,
        }
    }
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
