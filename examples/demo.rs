//! The main job, to be looked at: two real client stacks talk to the mock, and the test reads what
//! they sent. `cargo xtask demo` runs it; colours appear in a terminal, unless NO_COLOR is set.

use std::error::Error;
use std::future::{Ready, ready};
use std::io::IsTerminal;
use std::sync::LazyLock;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use http_body_util::Full;
use mockwire::futures::Body;
use mockwire::{Captured, Outcome, Reply, Threaded, sync::MockTransport};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Middleware, Next};
use serde_json::{Value, json};
use tower::{Service, ServiceBuilder, ServiceExt};

const MESSAGES: &str = "https://api.anthropic.com/v1/messages";
const COMPLETIONS: &str = "https://api.openai.com/v1/chat/completions";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let transport = MockTransport::new();
    write_rules(&transport);
    with_reqwest(&transport).await?;
    with_tower(&transport).await?;
    show_captured(&transport);
    show_unmatched(&transport).await;
    Ok(())
}

/// What the mock answers: to each client a message, the same one as a stream, and once a 429.
fn write_rules(transport: &MockTransport) {
    let message = |text: &str| json!({"type": "message", "role": "assistant", "content": [{"type": "text", "text": text}]});
    transport
        .post(MESSAGES)
        .json_at("/stream", true)
        .reply(events([
            r#"{"type": "content_block_delta", "delta": {"type": "text_delta", "text": "Hello"}}"#,
            r#"{"type": "content_block_delta", "delta": {"type": "text_delta", "text": " there"}}"#,
            r#"{"type": "message_stop"}"#,
        ]));
    transport
        .post(MESSAGES)
        .json_at("/model", "claude-busy")
        .reply_after_failures(1, too_many_requests(), message("Hello, at last"));
    transport
        .post(MESSAGES)
        .json_at("/model", "claude-test")
        .reply(message("Hello there"));

    let completion =
        |text: &str| json!({"choices": [{"message": {"role": "assistant", "content": text}}]});
    transport
        .post(COMPLETIONS)
        .json_at("/stream", true)
        .reply(events([
            r#"{"choices": [{"delta": {"content": "Hello"}}]}"#,
            r#"{"choices": [{"delta": {"content": " there"}}]}"#,
            "[DONE]",
        ]));
    transport
        .post(COMPLETIONS)
        .json_at("/model", "gpt-busy")
        .reply_after_failures(1, too_many_requests(), completion("Hello, at last"));
    transport
        .post(COMPLETIONS)
        .json_at("/model", "gpt-test")
        .reply(completion("Hello there"));
}

fn events<const N: usize>(data: [&str; N]) -> Reply {
    Reply::stream(data.map(|data| format!("data: {data}\n\n")))
        .header("content-type", "text/event-stream")
}

fn too_many_requests() -> Reply {
    Reply::json(json!({"type": "error", "error": {"type": "rate_limit_error"}}))
        .with_status(429)
        .header("retry-after", "2")
}

fn ask(model: &str, stream: bool) -> Value {
    json!({"model": model, "stream": stream, "messages": [{"role": "user", "content": "Say hello"}]})
}

/// How long a response asks to wait before the next attempt.
fn retry_after(status: http::StatusCode, headers: &http::HeaderMap) -> Option<Duration> {
    let seconds = headers.get("retry-after")?.to_str().ok()?.parse().ok()?;
    (status == 429).then_some(Duration::from_secs(seconds))
}

// reqwest: the mock is the last middleware of an ordinary client, behind the client's own retries.

struct Retry(MockTransport);

#[async_trait::async_trait]
impl Middleware for Retry {
    async fn handle(
        &self,
        request: reqwest::Request,
        extensions: &mut http::Extensions,
        next: Next<'_>,
    ) -> reqwest_middleware::Result<reqwest::Response> {
        let again = request.try_clone().expect("a body in memory");
        let response = next.clone().run(request, extensions).await?;
        match retry_after(response.status(), response.headers()) {
            None => Ok(response),
            Some(wait) => {
                self.0.advance(wait); // a real client sleeps; the mock's time costs nothing
                next.run(again, extensions).await
            }
        }
    }
}

async fn with_reqwest(transport: &MockTransport) -> Result<(), Box<dyn Error>> {
    title(
        "reqwest",
        "a message, a streamed one, and a 429 that is retried",
    );
    let client: ClientWithMiddleware = ClientBuilder::new(reqwest::Client::new())
        .with(Retry(transport.clone()))
        .with(transport.clone())
        .build();
    let post = async |body: Value| {
        let request = client.post(MESSAGES).header("x-api-key", "sk-secret");
        request.json(&body).send().await
    };

    let message: Value = post(ask("claude-test", false)).await?.json().await?;
    said(&message["content"][0]["text"]);
    let mut chunks = post(ask("claude-test", true)).await?.bytes_stream();
    let mut pieces = Vec::new();
    while let Some(chunk) = chunks.next().await.transpose()? {
        pieces.extend(event(&chunk).map(|event| event["delta"]["text"].clone()));
    }
    said_in_pieces(&pieces);
    let message: Value = post(ask("claude-busy", false)).await?.json().await?;
    said(&message["content"][0]["text"]);
    Ok(())
}

// tower: the mock is the innermost service of a stack, under a retry layer.

#[derive(Clone)]
struct Policy(MockTransport);

type Request = http::Request<Full<Bytes>>;
type Response = http::Response<Body<Threaded>>;

impl tower::retry::Policy<Request, Response, mockwire::Error> for Policy {
    type Future = Ready<()>;

    fn retry(
        &mut self,
        _: &mut Request,
        result: &mut Result<Response, mockwire::Error>,
    ) -> Option<Ready<()>> {
        let response = result.as_ref().ok()?;
        self.0
            .advance(retry_after(response.status(), response.headers())?);
        Some(ready(()))
    }

    fn clone_request(&mut self, request: &Request) -> Option<Request> {
        Some(request.clone())
    }
}

async fn with_tower(transport: &MockTransport) -> Result<(), Box<dyn Error>> {
    title("tower", "the same through a stack with a retry layer");
    let mut client = ServiceBuilder::new()
        .map_request(|body: Value| {
            http::Request::post(COMPLETIONS)
                .header("authorization", "Bearer sk-secret")
                .body(Full::from(body.to_string()))
                .expect("a well-formed request")
        })
        .retry(Policy(transport.clone()))
        .service(transport.clone());
    let mut post = async |body: Value| client.ready().await?.call(body).await;

    let completion: Value = post(ask("gpt-test", false))
        .await?
        .into_body()
        .json()
        .await?;
    said(&completion["choices"][0]["message"]["content"]);
    let mut body = post(ask("gpt-test", true)).await?.into_body();
    let mut pieces = Vec::new();
    while let Some(chunk) = body.next().await.transpose()? {
        pieces.extend(event(&chunk).map(|event| event["choices"][0]["delta"]["content"].clone()));
    }
    said_in_pieces(&pieces);
    let completion: Value = post(ask("gpt-busy", false))
        .await?
        .into_body()
        .json()
        .await?;
    said(&completion["choices"][0]["message"]["content"]);
    Ok(())
}

/// The JSON of a chunk that is one whole event.
fn event(chunk: &Bytes) -> Option<Value> {
    let data = std::str::from_utf8(chunk).ok()?.trim();
    serde_json::from_str(data.strip_prefix("data: ")?).ok()
}

// What the test sees.

fn show_captured(transport: &MockTransport) {
    title("captured", "what was sent, and what became of it");
    for captured in transport.requests() {
        let Captured {
            sequence,
            at,
            request,
            outcome,
            response,
            delivered,
            ..
        } = captured;
        let url = request.url();
        let (host, path) = (url.host().unwrap_or_default(), url.path());
        let word = format!("{:<9}", outcome.as_str());
        let word = match outcome {
            Outcome::Done => green(&word),
            Outcome::Cancelled => yellow(&word),
            _ => red(&word),
        };
        let status = response.map_or(0, |head| head.status.as_u16());
        let asked = request.json_value().unwrap_or_default();
        let model = asked["model"].as_str().unwrap_or_default();
        println!(
            "  {} {} {host}{path}",
            dim(&format!("#{sequence}")),
            bold(request.method().as_str())
        );
        println!(
            "     {} {word} {}  {} {model:<11}  {} {:<5}  {} {} s",
            cyan(&status.to_string()),
            dim(&format!("{delivered:>3} bytes taken")),
            dim("model"),
            dim("stream"),
            asked["stream"].to_string(),
            dim("at"),
            at.as_secs(),
        );
    }
    transport.verify();
    println!("\n  {} verified: every request was expected", green("✓"));
}

async fn show_unmatched(transport: &MockTransport) {
    title("unmatched", "a request that no rule is for, and why");
    let request = http::Request::post(COMPLETIONS)
        .header("authorization", "Bearer sk-secret")
        .body(ask("gpt-typo", false));
    let call = transport.call(request.expect("a well-formed request"));
    let error = call.await.expect_err("no rule is for this model");
    for line in error.to_string().lines() {
        let line = line.replace('✓', &green("✓")).replace('✗', &red("✗"));
        println!("{}", format!("  {line}").trim_end());
    }
}

fn title(name: &str, what: &str) {
    println!("\n{}  {}\n", bold(name), dim(what));
}

fn said(text: &Value) {
    println!("  {} {}", dim("it said"), text.as_str().unwrap_or_default());
}

fn said_in_pieces(pieces: &[Value]) {
    let pieces: Vec<_> = pieces
        .iter()
        .filter(|piece| piece.is_string())
        .map(Value::to_string)
        .collect();
    println!("  {} {}", dim("it said"), pieces.join(&dim(" + ")));
}

static COLOURS: LazyLock<bool> = LazyLock::new(|| {
    std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|it| it.is_empty())
});

fn paint(code: u8, text: &str) -> String {
    if *COLOURS {
        format!("\x1b[{code}m{text}\x1b[0m")
    } else {
        text.to_owned()
    }
}

fn bold(text: &str) -> String {
    paint(1, text)
}

fn dim(text: &str) -> String {
    paint(2, text)
}

fn red(text: &str) -> String {
    paint(31, text)
}

fn green(text: &str) -> String {
    paint(32, text)
}

fn yellow(text: &str) -> String {
    paint(33, text)
}

fn cyan(text: &str) -> String {
    paint(36, text)
}
