//! Text to what a client sees.

use std::time::Duration;

use super::scan::{Purpose, Scanner};
use crate::error::Result;

/// An event as a client sees it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Message {
    /// The type of the event: `message` where the server named none.
    pub event: String,
    /// The payload, its lines separated by line feeds.
    pub data: String,
    /// The last id that the server has sent, with this event or before it; empty where there is none.
    pub last_event_id: String,
}

/// A client's side of a stream: WHATWG HTML §9.2.6, to the letter.
///
/// Push what arrives, in pieces of any size; then take the [`Message`]s. `None` says that there is
/// no further one yet. Comments, unknown fields and what is incomplete at the end are not seen; bytes
/// that are no UTF-8 are replaced (U+FFFD). An error is told once, after the messages before it, and
/// what follows is not looked at.
///
/// ```
/// use mockwire::sse::Reader;
///
/// let mut reader = Reader::new();
/// reader.push("retry: 500\nid: 7\n\ndata: a\ndata: b\n\ndata: never");
/// let message = reader.next().unwrap()?;
/// assert_eq!((&*message.data, &*message.last_event_id), ("a\nb", "7"));
/// assert!(reader.next().is_none());
/// assert_eq!(reader.reconnection_time().unwrap().as_millis(), 500);
/// # Ok::<(), mockwire::Error>(())
/// ```
#[derive(Debug)]
pub struct Reader {
    scanner: Scanner,
    last_event_id: String,
}

impl Reader {
    /// A reader at the start of a stream.
    #[must_use]
    pub fn new() -> Self {
        Self {
            scanner: Scanner::new(Purpose::Read),
            last_event_id: String::new(),
        }
    }

    /// How many bytes an event may have, its line endings included (a line feed after a carriage
    /// return is not counted); 16 MiB unless said otherwise. It bounds what the reader keeps besides
    /// the messages that were not taken.
    #[must_use]
    pub fn max_event_bytes(mut self, bytes: usize) -> Self {
        self.scanner.set_max_bytes(bytes);
        self
    }

    /// Takes the next piece of the stream.
    pub fn push(&mut self, bytes: impl AsRef<[u8]>) {
        self.scanner.push(bytes.as_ref());
    }

    /// The id that a client would send in `last-event-id` if it had to come back now. It counts from
    /// the end of its block on, once the messages before it are taken.
    #[must_use]
    pub fn last_event_id(&self) -> &str {
        &self.last_event_id
    }

    /// How long the server wants a client to wait before it comes back, if it has said so. It counts
    /// from its line on.
    #[must_use]
    pub fn reconnection_time(&self) -> Option<Duration> {
        self.scanner.retry()
    }
}

impl Default for Reader {
    fn default() -> Self {
        Self::new()
    }
}

impl Iterator for Reader {
    type Item = Result<Message>;

    /// The next message; `None` when there is none yet.
    ///
    /// # Errors
    ///
    /// [`EventTooLarge`](crate::ErrorKind::EventTooLarge), once.
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let event = match self.scanner.next()? {
                Ok(scanned) => scanned.event,
                Err(error) => return Some(Err(error)),
            };
            if let Some(id) = event.id {
                self.last_event_id = id;
            }
            let Some(data) = event.data else {
                continue;
            };
            let named = event.event.filter(|name| !name.is_empty());
            return Some(Ok(Message {
                event: named.unwrap_or_else(|| "message".to_owned()),
                data,
                last_event_id: self.last_event_id.clone(),
            }));
        }
    }
}
