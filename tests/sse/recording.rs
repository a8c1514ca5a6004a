//! What a recording keeps: everything.

use mockwire::sse::{Block, Event, Parsed, Parser, encode, parse};
use proptest::prelude::*;

use super::support::{ENDINGS, config, cuts, events, read, stream, with_line_feeds};

fn parse_pieces(pieces: &[&[u8]]) -> (Vec<Block>, Vec<u8>) {
    let mut parser = Parser::new();
    let mut blocks = Vec::new();
    for piece in pieces {
        parser.push(piece);
        blocks.extend(parser.by_ref().map(Result::unwrap));
    }
    let Parsed {
        blocks: last, rest, ..
    } = parser.finish().unwrap();
    blocks.extend(last);
    (blocks, rest.into())
}

fn joined(blocks: &[Block], rest: &[u8]) -> Vec<u8> {
    let texts = blocks.iter().flat_map(|block| block.text.to_vec());
    texts.chain(rest.to_vec()).collect()
}

/// The event as it comes back: each line of a comment is one, data has line feeds.
fn as_recorded(event: &Event) -> Event {
    let comments = event.comments.iter();
    Event {
        data: event.data.as_deref().map(with_line_feeds),
        comments: comments
            .flat_map(|comment| {
                with_line_feeds(comment)
                    .split('\n')
                    .map(str::to_owned)
                    .collect::<Vec<_>>()
            })
            .collect(),
        ..event.clone()
    }
}

#[test]
fn blocks_without_data_are_kept() {
    let recorded = parse(": ping\n\nretry: 10\n\nid: 1\n\nevent: x\n\n\ndata: a\n\n");
    let events: Vec<_> = recorded.events().cloned().collect();
    let expected = [
        Event::new().comment("ping"),
        Event::new().retry(std::time::Duration::from_millis(10)),
        Event::new().id("1"),
        Event::new().named("x"),
        Event::new(),
        Event::data("a"),
    ];
    assert_eq!(events, expected);
    assert_eq!(recorded.rest, "");
}

#[test]
fn what_has_no_meaning_is_kept_as_text() {
    let text = "\u{feff}x-trace: 7\rdata:a\r\nid: 1\0\r\n\r\ndata: b\n";
    let recorded = parse(text);
    assert_eq!(recorded.blocks.len(), 1);
    assert_eq!(recorded.blocks[0].event, Event::data("a"));
    assert_eq!(recorded.rest, "data: b\n");
    assert_eq!(joined(&recorded.blocks, &recorded.rest), text.as_bytes());
}

#[test]
fn a_block_has_the_whole_of_its_line_ending() {
    let text = b"data: a\r\n\r\ndata: b\r\rdata: c\r\r";
    for pieces in cuts(text) {
        let (blocks, rest) = parse_pieces(&pieces);
        let texts: Vec<_> = blocks.iter().map(|block| &block.text[..]).collect();
        let expected = [&b"data: a\r\n\r\n"[..], b"data: b\r\r", b"data: c\r\r"];
        assert_eq!(texts, expected, "cut as {pieces:?}");
        assert_eq!(rest, b"");
    }
}

#[test]
fn a_recording_may_be_of_any_size() {
    let recorded = parse(format!("data: {}\n\n", "x".repeat(20 << 20)));
    assert_eq!(recorded.blocks[0].text.len(), (20 << 20) + 8);
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn nothing_is_dropped_however_it_is_cut(bytes in stream()) {
        let whole = parse(&bytes);
        prop_assert_eq!(joined(&whole.blocks, &whole.rest), &bytes[..]);
        for pieces in cuts(&bytes) {
            let (blocks, rest) = parse_pieces(&pieces);
            prop_assert_eq!(&blocks, &whole.blocks, "cut as {:?}", pieces);
            prop_assert_eq!(&rest, &whole.rest);
        }
    }

    #[test]
    fn a_replayed_recording_is_read_as_the_original(bytes in stream()) {
        let recorded = parse(&bytes);
        let complete = &bytes[..bytes.len() - recorded.rest.len()];
        for ending in ENDINGS {
            let replayed = encode(recorded.events(), ending).unwrap();
            prop_assert_eq!(read(&[&replayed]), read(&[complete]));
        }
    }

    #[test]
    fn events_are_recorded_as_they_were_written(events in events()) {
        let expected: Vec<_> = events.iter().map(as_recorded).collect();
        for ending in ENDINGS {
            let text = encode(&events, ending).unwrap();
            for pieces in cuts(&text) {
                let (blocks, rest) = parse_pieces(&pieces);
                let recorded: Vec<_> = blocks.into_iter().map(|block| block.event).collect();
                prop_assert_eq!(&recorded, &expected, "cut as {:?}", pieces);
                prop_assert_eq!(rest, b"");
            }
        }
    }
}
