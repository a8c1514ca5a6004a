//! Sixty generated scripts, played: the same frames at the same times on every machine, in both
//! modes, natively and in WebAssembly. `transcripts.txt` says what they were.

use std::fmt::Write as _;
use std::time::Duration;

use futures::StreamExt;
use mockwire::{Chunking, Ending, Fault, Rate, Reply, Script};

use super::support::{get, send};
use super::{MockTransport, test};

const SCRIPTS: u64 = 60;
/// Of endless scripts, this many frames are read.
const FRAMES: usize = 40;
const EXPECTED: &str = include_str!("transcripts.txt");

/// Numbers that depend on nothing (xorshift64*), to make scripts from.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % sides
    }

    fn micros(&mut self) -> Duration {
        Duration::from_micros(self.roll(50_000))
    }
}

fn generated(number: u64) -> Script {
    let mut dice = Dice(number.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let mut script = Script::new();
    let words = [
        "data: ",
        "é€😀",
        "{\"a\":1}\n\n",
        "x",
        "event: ping\n",
        "\u{1F469}\u{200D}\u{1F680}",
    ];
    for _ in 0..=dice.roll(6) {
        let word = words[dice.roll(words.len() as u64) as usize];
        script = script.frame(word);
        if dice.roll(3) == 0 {
            script = script.wait(dice.micros());
        }
    }
    if dice.roll(2) == 0 {
        script = script.first_byte(dice.micros());
    }
    if dice.roll(2) == 0 {
        script = script.gap(dice.micros());
    }
    script = match dice.roll(4) {
        0 => script.rate(Rate::BytesPerSecond(1 + dice.roll(900))),
        1 => script.rate(Rate::TokensPerSecond(1 + dice.roll(90))),
        2 => script.rate(Rate::FramesPerSecond(1 + dice.roll(90))),
        _ => script,
    };
    script = match dice.roll(6) {
        0 => script.chunking(Chunking::Bytes(1 + dice.roll(7) as usize)),
        1 => script.chunking(Chunking::Characters(1 + dice.roll(5) as usize)),
        2 => script.chunking(Chunking::Lines),
        3 => script.chunking(Chunking::Sizes(vec![1, 2, 1 + dice.roll(9) as usize])),
        4 => script.chunking(Chunking::Random {
            min: 1,
            max: 1 + dice.roll(9) as usize,
        }),
        _ => script,
    };
    if dice.roll(2) == 0 {
        script = script.jitter(dice.roll(100) as f64 / 100.0);
    }
    script = match dice.roll(4) {
        0 => script.repeat(dice.roll(4)),
        1 => script.repeat_forever(),
        _ => script,
    };
    if dice.roll(2) == 0 {
        script = script.terminal("data: [DONE]\n\n");
    }
    if dice.roll(4) == 0 {
        script = script.without_terminal();
    }
    if dice.roll(3) == 0 {
        script = script.cut_at(dice.roll(80));
    }
    match dice.roll(4) {
        0 => script.reset(),
        1 => script.ending(Ending::Fault(Fault::Timeout)),
        _ => script,
    }
}

/// What a client sees of a script: nanoseconds, and bytes in hexadecimal.
fn transcript(number: u64) -> String {
    let script = generated(number);
    // By way of JSON, as it comes from JavaScript.
    let json = serde_json::to_string(&script).unwrap();
    let script = serde_json::from_str::<Script>(&json).unwrap();
    let transport = MockTransport::builder().seed(number * 31).build();
    transport.get("/").reply(Reply::script(script));
    let mut body = send(&transport, get("/")).unwrap().into_body();
    let mut text = format!("script {number} {json}\n");
    for _ in 0..FRAMES {
        let next = transport.block_on(body.next());
        let at = transport.now().as_nanos();
        let line = match &next {
            Some(Ok(bytes)) => format!("{at} {bytes:02x}"),
            Some(Err(error)) => format!("{at} {}", error.code()),
            None => format!("{at} end"),
        };
        writeln!(text, "  {line}").unwrap();
        if !matches!(next, Some(Ok(_))) {
            break;
        }
    }
    text
}

#[test]
fn scripts_play_alike_everywhere() {
    let played: String = (0..SCRIPTS).map(transcript).collect();
    #[cfg(not(target_arch = "wasm32"))]
    if std::env::var_os("UPDATE_TRANSCRIPTS").is_some() {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/behaviour/transcripts.txt"
        );
        std::fs::write(path, &played).unwrap();
    }
    for (played, expected) in played.lines().zip(EXPECTED.lines()) {
        assert_eq!(played, expected);
    }
    assert_eq!(played.len(), EXPECTED.len());
}

#[test]
fn another_seed_is_noticed() {
    // The control: the comparison above would see a generator that draws other numbers.
    let draws = (0..SCRIPTS).map(generated).find(|script| {
        let json = serde_json::to_string(script).unwrap();
        json.contains("jitter") && json.contains("gap")
    });
    let played = |seed| {
        let transport = MockTransport::builder().seed(seed).build();
        transport
            .get("/")
            .reply(Reply::script(draws.clone().unwrap()));
        let mut body = send(&transport, get("/")).unwrap().into_body();
        for _ in 0..3 {
            let _ = transport.block_on(body.next());
        }
        transport.now()
    };
    assert_ne!(played(1), played(2));
    assert_eq!(played(1), played(1));
}
