//! Forty generated chaoses, met by sixteen requests each: for one seed the same faults, natively, in
//! WebAssembly and in JavaScript. `chaos.txt` says what they were.

use std::fmt::Write as _;
use std::time::Duration;

use futures::StreamExt;
use mockwire::{Chaos, Damage, Fault, Reply, Script};

use super::support::get;
use super::{MockTransport, test};

const CHAOSES: u64 = 40;
const REQUESTS: usize = 16;
const PATHS: [&str; 5] = ["/text", "/frames", "/script", "/empty", "/failing"];
const EXPECTED: &str = include_str!("chaos.txt");

/// Numbers that depend on nothing (xorshift64*), to make chaoses from.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % sides
    }
}

fn damage(dice: &mut Dice) -> Damage {
    let millis = |dice: &mut Dice| Duration::from_micros(dice.roll(90_000));
    let faults = [
        Fault::ConnectionClosed,
        Fault::ConnectionRefused,
        Fault::ConnectionReset,
        Fault::ConnectTimeout,
        Fault::DnsFailure,
        Fault::Timeout,
        Fault::TlsFailure,
    ];
    match dice.roll(10) {
        0 => Damage::DuplicateFrame(dice.roll(3) as usize),
        1 => Damage::Fault(faults[dice.roll(7) as usize]),
        2 => Damage::Late(millis(dice)),
        3 => Damage::Malformed,
        4 => Damage::NoAnswer,
        5 => Damage::ResetAt(dice.roll(9)),
        6 => Damage::SlowDrip {
            bytes: 1 + dice.roll(5) as usize,
            gap: millis(dice),
        },
        7 => Damage::Status(500 + dice.roll(5) as u16),
        8 => Damage::TruncateAt(dice.roll(9)),
        _ => Damage::WrongLength(1 + dice.roll(20)),
    }
}

fn generated(number: u64) -> Chaos {
    let mut dice = Dice(number.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let chances = 1 + dice.roll(4);
    let mut chaos = Chaos::new();
    for _ in 0..chances {
        let share = (1 + dice.roll(100)) as f64 / (100 * chances) as f64;
        chaos = chaos.with(share, damage(&mut dice));
    }
    chaos
}

fn transport(seed: u64, chaos: Chaos) -> MockTransport {
    let transport = MockTransport::builder().seed(seed).chaos(chaos).build();
    let script = Script::new()
        .frames(["data: a\n\n", "data: b\n\n"])
        .gap(Duration::from_millis(10))
        .jitter(0.5);
    transport.get("/text").reply(Reply::text("Grüße"));
    transport
        .get("/frames")
        .reply(Reply::stream(["he", "llo", "!"]));
    transport.get("/script").reply(Reply::script(script));
    transport.get("/empty").reply(Reply::status(204));
    transport
        .get("/failing")
        .reply(Reply::fault(Fault::ConnectionReset).delay(Duration::from_millis(5)));
    transport
}

/// What a client sees: when, in nanoseconds, and bytes in hexadecimal.
fn seen(transport: &MockTransport, path: &str) -> String {
    let mut text = format!("  {path}");
    let answer = transport.try_block_on(transport.call(get(path)));
    let at = || transport.now().as_nanos();
    let response = match answer {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => return format!("{text} {} {}\n", at(), error.code()),
        Err(_) => return format!("{text} {} never\n", at()),
    };
    write!(text, " {} {}", at(), response.status().as_u16()).unwrap();
    if let Some(length) = response.headers().get("content-length") {
        write!(text, " of {}", length.to_str().unwrap()).unwrap();
    }
    let mut body = response.into_body();
    loop {
        let next = transport.block_on(body.next());
        let what = match &next {
            Some(Ok(bytes)) => format!("{bytes:02x}"),
            Some(Err(error)) => error.code().to_owned(),
            None => "end".to_owned(),
        };
        write!(text, ", {} {what}", at()).unwrap();
        if !matches!(next, Some(Ok(_))) {
            return text + "\n";
        }
    }
}

fn transcript(number: u64) -> String {
    let chaos = generated(number);
    // By way of JSON, as it is written in JavaScript.
    let json = serde_json::to_string(&chaos).unwrap();
    let chaos = serde_json::from_str::<Chaos>(&json).unwrap();
    let seed = number * 31;
    let transport = transport(seed, chaos);
    let mut text = format!("chaos {number} seed {seed} {json}\n");
    for path in PATHS.iter().cycle().take(REQUESTS) {
        text.push_str(&seen(&transport, path));
    }
    text
}

#[test]
fn one_seed_gives_the_same_faults_everywhere() {
    let met: String = (0..CHAOSES).map(transcript).collect();
    #[cfg(not(target_arch = "wasm32"))]
    if std::env::var_os("UPDATE_TRANSCRIPTS").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/behaviour/chaos.txt");
        std::fs::write(path, &met).unwrap();
    }
    for (met, expected) in met.lines().zip(EXPECTED.lines()) {
        assert_eq!(met, expected);
    }
    assert_eq!(met.len(), EXPECTED.len());
}

#[test]
fn another_seed_gives_other_faults() {
    // The control: the comparison above would see a chance that draws otherwise.
    let met = |seed| {
        let transport = transport(seed, generated(3));
        let seen = |path: &&str| seen(&transport, path);
        PATHS
            .iter()
            .cycle()
            .take(REQUESTS)
            .map(seen)
            .collect::<String>()
    };
    assert_eq!(met(1), met(1));
    assert_ne!(met(1), met(2));
}
