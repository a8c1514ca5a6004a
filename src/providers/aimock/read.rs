//! From the text of a file to fixtures. What is not understood is gathered on the way.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::{Answer, Split};
use super::ask::Ask;
use super::report::{NO_EMBEDDINGS, Report};
use super::response::answer;
use super::timing::{Timing, profile, recorded};
use super::{Fixture, Fixtures, UnsupportedFixtures};

pub(super) fn fixtures(text: &str) -> Result<Fixtures, UnsupportedFixtures> {
    let mut report = Report::default();
    let list = entries(text, &mut report);
    let sequences = sequences(&list);
    let mut fixtures = Vec::new();
    for (value, number) in list.iter().zip(1..) {
        report.fixture = number;
        let before = report.unsupported.len();
        let read = fixture(value, &mut report);
        if let Some(reason) = sequences.broken.get(&number) {
            report.note("match.sequenceIndex", reason);
        }
        if report.unsupported.len() == before {
            fixtures.push((sequences.place(number), read));
        }
    }
    // Those of a sequence stand in the places that they have together, in their order.
    fixtures.sort_by_key(|(place, _)| *place);
    let supported = Fixtures {
        list: fixtures.into_iter().map(|(_, fixture)| fixture).collect(),
    };
    match report.unsupported {
        unsupported if unsupported.is_empty() => Ok(supported),
        unsupported => Err(UnsupportedFixtures {
            supported,
            unsupported,
        }),
    }
}

fn entries(text: &str, report: &mut Report) -> Vec<Value> {
    let file = match serde_json::from_str(text) {
        Ok(Value::Object(file)) => file,
        Ok(_) => {
            report.note("", "it is to be an object with a list `fixtures`");
            return Vec::new();
        }
        Err(error) => {
            report.note("", &format!("it is no JSON: {error}"));
            return Vec::new();
        }
    };
    let mut list = None;
    for (name, value) in file {
        match (name.as_str(), value) {
            ("fixtures", Value::Array(fixtures)) => list = Some(fixtures),
            ("fixtures", _) => report.note("fixtures", "it is to be a list"),
            ("$schema" | "metadata", _) => {}
            (name, _) => report.note(name, "there are only fixtures for models here"),
        }
    }
    if list.is_none() && report.unsupported.is_empty() {
        report.note("fixtures", "it is not there");
    }
    list.unwrap_or_default()
}

/// Which fixtures answer one after the other.
struct Sequences {
    /// Where a fixture stands, by its number.
    places: BTreeMap<usize, usize>,
    /// What is wrong with it, by its number.
    broken: BTreeMap<usize, String>,
}

impl Sequences {
    fn place(&self, number: usize) -> usize {
        self.places.get(&number).copied().unwrap_or(number)
    }
}

fn sequences(list: &[Value]) -> Sequences {
    let mut groups: BTreeMap<String, Vec<(u64, usize)>> = BTreeMap::new();
    for (fixture, number) in list.iter().zip(1..) {
        let asks = fixture.get("match").and_then(Value::as_object);
        let index = asks.and_then(|asks| asks.get("sequenceIndex")?.as_u64());
        if let (Some(asks), Some(index)) = (asks, index) {
            let mut rest = asks.clone();
            rest.remove("sequenceIndex");
            let key = Value::Object(rest).to_string();
            groups.entry(key).or_default().push((index, number));
        }
    }
    let (mut places, mut broken) = (BTreeMap::new(), BTreeMap::new());
    for mut group in groups.into_values() {
        let numbers: Vec<usize> = group.iter().map(|(_, number)| *number).collect();
        group.sort_unstable();
        for ((expected, (index, number)), place) in (0..).zip(group).zip(numbers) {
            places.insert(number, place);
            if index != expected {
                let reason = format!("in the fixtures of this match, {expected} is to come here");
                broken.insert(number, reason);
            }
        }
    }
    Sequences { places, broken }
}

fn fixture(value: &Value, report: &mut Report) -> Fixture {
    let mut fixture = Fixture {
        asks: Vec::new(),
        context: None,
        is_sequenced: false,
        answer: Answer::new(),
    };
    let Some(members) = report.expect("", "an object", value.as_object()) else {
        return fixture;
    };
    let mut timing = Timing::default();
    for (name, value) in members {
        match name.as_str() {
            "match" => conditions(value, &mut fixture, report),
            "response" => {
                fixture.answer = answer(value, report);
            }
            "chunkSize" => {
                let size = value.as_u64().and_then(|it| usize::try_from(it).ok());
                let size = report.expect(name, "a number from 1", size.filter(|it| *it > 0));
                timing.split = size.map(Split::Characters);
            }
            "latency" => timing.latency = report.millis(name, value),
            "streamingProfile" => profile(value, &mut timing, report),
            "recordedTimings" => recorded(value, &mut timing, report),
            "replaySpeed" => {
                let speed = value.as_f64().filter(|it| *it > 0.0);
                timing.speed = report.expect(name, "a number above 0", speed);
            }
            "metadata" => {}
            "chaos" => report.note(name, "say it of the rule, with `When::chaos`"),
            "truncateAfterChunks" | "disconnectAfterMs" => {
                report.note(name, "say where a stream ends with `Answer::script`");
            }
            _ => report.unknown(name),
        }
    }
    for name in ["match", "response"] {
        if !members.contains_key(name) {
            report.note(name, "it is not there");
        }
    }
    fixture.answer = timing.of(fixture.answer);
    fixture
}

fn conditions(value: &Value, fixture: &mut Fixture, report: &mut Report) {
    let Some(members) = report.expect("match", "an object", value.as_object()) else {
        return;
    };
    for (name, value) in members {
        let member = format!("match.{name}");
        let ask = match name.as_str() {
            "userMessage" => Ask::UserMessage(report.text(&member, value)),
            "systemMessage" => {
                let one = std::slice::from_ref(value);
                let parts = value.as_array().map_or(one, Vec::as_slice);
                let parts = parts.iter().map(|it| report.text(&member, it));
                fixture.asks.extend(parts.map(Ask::SystemMessage));
                continue;
            }
            "toolCallId" => Ask::ToolCallId(report.text(&member, value)),
            "toolResultContains" => Ask::ToolResultContains(report.text(&member, value)),
            "toolName" => Ask::ToolName(report.text(&member, value)),
            "model" => Ask::Model(report.text(&member, value)),
            "responseFormat" => Ask::ResponseFormat(report.text(&member, value)),
            "turnIndex" => Ask::TurnIndex(report.count(&member, value)),
            "hasToolResult" => {
                let has = report.expect(&member, "true or false", value.as_bool());
                Ask::HasToolResult(has.unwrap_or_default())
            }
            "sequenceIndex" => {
                report.count(&member, value);
                fixture.is_sequenced = true;
                continue;
            }
            "context" => {
                fixture.context = Some(report.text(&member, value));
                continue;
            }
            "endpoint" if value == "chat" => continue,
            "endpoint" => {
                report.note(&member, "there is only `chat` here");
                continue;
            }
            "inputText" => {
                report.note(&member, NO_EMBEDDINGS);
                continue;
            }
            "predicate" => {
                report.note(
                    &member,
                    "a function is no JSON: say it of a rule of your own",
                );
                continue;
            }
            _ => {
                report.unknown(&member);
                continue;
            }
        };
        fixture.asks.push(ask);
    }
}
