//! What two parsers that are not ours make of what we write.

use std::convert::Infallible;

use eventsource_stream::EventStream;
use futures::executor::block_on;
use futures::stream::{self, StreamExt};
use mockwire::sse::{Event, LineEnding, encode};
use proptest::prelude::*;
use sse_stream::{Sse, SseByteStream};

use super::support::{ENDINGS, config, cuts, events, with_line_feeds};

fn chunks(pieces: &[&[u8]]) -> impl futures::Stream<Item = Result<Vec<u8>, Infallible>> + Unpin {
    let chunks: Vec<_> = pieces.iter().map(|piece| Ok(piece.to_vec())).collect();
    stream::iter(chunks)
}

/// `eventsource-stream`, which gives what a client sees. Where it is not WHATWG's client (0.2.3):
///
/// * A carriage return is looked at only when something follows it. The last event of a stream whose
///   lines end with one is not seen when the stream ends: here, one more character follows.
/// * A byte order mark makes it panic: it takes one byte off where the mark has three. Not tested.
/// * Bytes that are no UTF-8 stop it, instead of being replaced. Not tested: we write text.
/// * The `retry` of a block without data is dropped, and `retry: +1` is taken for a number.
fn eventsource_stream(pieces: &[&[u8]]) -> Vec<eventsource_stream::Event> {
    let stream = EventStream::new(chunks(pieces));
    block_on(stream.map(Result::unwrap).collect())
}

fn expected_of_eventsource_stream(events: &[Event]) -> Vec<eventsource_stream::Event> {
    let mut last_id = String::new();
    let mut expected = Vec::new();
    for event in events {
        if let Some(id) = &event.id {
            last_id.clone_from(id);
        }
        if let Some(data) = &event.data {
            let named = event.event.clone().filter(|name| !name.is_empty());
            expected.push(eventsource_stream::Event {
                event: named.unwrap_or_else(|| "message".to_owned()),
                data: with_line_feeds(data),
                id: last_id.clone(),
                retry: event.retry,
            });
        }
    }
    expected
}

/// `sse-stream`, which gives blocks rather than what a client sees (0.3.0): no default type, no id of
/// an earlier block, and blocks without data too, though not those with comments alone. Bytes that
/// are no UTF-8 are an error, instead of being replaced. Not tested: we write text.
fn sse_stream(pieces: &[&[u8]]) -> Vec<Sse> {
    let stream = SseByteStream::new(chunks(pieces).map(|chunk| chunk.map(bytes::Bytes::from)));
    block_on(stream.map(Result::unwrap).collect())
}

fn expected_of_sse_stream(events: &[Event]) -> Vec<Sse> {
    let blocks = events.iter().map(|event| Sse {
        event: event.event.clone(),
        data: event.data.as_deref().map(with_line_feeds),
        id: event.id.clone(),
        retry: event
            .retry
            .map(|retry| u64::try_from(retry.as_millis()).unwrap()),
    });
    blocks.filter(|block| *block != Sse::default()).collect()
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn eventsource_stream_reads_what_we_write(events in events()) {
        let expected = expected_of_eventsource_stream(&events);
        for ending in ENDINGS {
            let mut text = encode(&events, ending).unwrap().to_vec();
            if ending == LineEnding::Cr {
                text.push(b':');
            }
            for pieces in cuts(&text) {
                prop_assert_eq!(&eventsource_stream(&pieces), &expected, "cut as {:?}", pieces);
            }
        }
    }

    #[test]
    fn sse_stream_reads_what_we_write(events in events()) {
        let expected = expected_of_sse_stream(&events);
        for ending in ENDINGS {
            let text = encode(&events, ending).unwrap();
            for pieces in cuts(&text) {
                prop_assert_eq!(&sse_stream(&pieces), &expected, "cut as {:?}", pieces);
            }
        }
    }
}
