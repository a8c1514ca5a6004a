//! What goes over the wire for answers of all kinds, given as JSON: the same natively, in WebAssembly and in
//! JavaScript. `providers.json` says what it is.

use mockwire::providers::anthropic::Messages;
use mockwire::providers::gemini::GenerateContent;
use mockwire::providers::openai::{ChatCompletions, Responses};
use mockwire::providers::{Answer, ModelApi};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::support::post;
use super::{MockTransport, test};

const CASES: &str = include_str!("providers.json");

/// What is asked, what the model says, and the response.
#[derive(Serialize, Deserialize)]
struct Case {
    api: String,
    url: String,
    request: Value,
    answer: Value,
    #[serde(default)]
    response: Response,
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Response {
    status: u16,
    /// In the order of their names.
    headers: Vec<(String, String)>,
    body: String,
    /// When it was all there, in milliseconds.
    at: u64,
}

fn answer(case: &Case) -> Response {
    let transport = MockTransport::builder().seed(7).build();
    let answer: Answer = serde_json::from_value(case.answer.clone()).unwrap();
    let reply = match case.api.as_str() {
        "Messages" => Messages::reply(answer),
        "ChatCompletions" => ChatCompletions::reply(answer),
        "Responses" => Responses::reply(answer),
        _ => GenerateContent::reply(answer),
    };
    transport.otherwise().reply(reply);
    let asked = transport.call(post(&case.url, case.request.clone()));
    transport.block_on(async {
        let response = asked.await.unwrap();
        let told = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
            (name.to_string(), value.to_str().unwrap().to_owned())
        };
        let mut headers: Vec<_> = response.headers().iter().map(told).collect();
        headers.sort();
        let status = response.status().as_u16();
        let body = response.into_body().bytes().await.unwrap();
        Response {
            status,
            headers,
            // What was cut within a character is told as browsers tell it.
            body: String::from_utf8_lossy(&body).into_owned(),
            at: u64::try_from(transport.now().as_millis()).unwrap(),
        }
    })
}

#[test]
fn answers_are_the_same_in_every_world() {
    let mut cases: Vec<Case> = serde_json::from_str(CASES).unwrap();
    #[cfg(not(target_arch = "wasm32"))]
    if std::env::var_os("UPDATE_TRANSCRIPTS").is_some() {
        for case in &mut cases {
            case.response = answer(case);
        }
        let text = serde_json::to_string_pretty(&cases).unwrap() + "\n";
        let file = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/behaviour/providers.json"
        );
        std::fs::write(file, text).unwrap();
        return;
    }
    for case in &mut cases {
        assert_eq!(answer(case), case.response, "{} {}", case.api, case.answer);
    }
}
