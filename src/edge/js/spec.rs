//! What JavaScript sends as JSON: options, rules and conditions.

use std::rc::Rc;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::functions::JsPredicate;
use super::limits;
use crate::core::RuleId;
use crate::core::rules::{Action, Site};
use crate::error::{Error, Part, Result};
use crate::matcher::conditions as condition;
use crate::matcher::pattern::{JsonTest, Pattern};
use crate::matcher::text::Test;
use crate::matcher::{Matcher, Node};
use crate::mode::Local;
use crate::model::damage::Chaos;
use crate::model::reply::Reply;
use crate::model::sequence::SequenceEnd;
use crate::model::times::Times;
use crate::options::Builder;
use crate::transport::MockTransport;
use crate::when::When;

type JsMatcher = Matcher<Local>;

#[derive(Deserialize)]
pub(super) struct Options {
    #[serde(default)]
    journal: JournalOptions,
    #[serde(default)]
    redact: Vec<String>,
    seed: Option<f64>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct JournalOptions {
    requests: Option<usize>,
    body_bytes: Option<usize>,
}

#[derive(Deserialize)]
pub(super) struct RuleSpec {
    priority: i32,
    min: u64,
    max: Option<u64>,
    #[serde(default)]
    otherwise: bool,
    scenario: Option<StepSpec>,
    pub(super) site: String,
    when: Condition,
    replies: Vec<ReplySpec>,
    end: Option<SequenceEnd>,
}

#[derive(Deserialize)]
struct StepSpec {
    name: String,
    when: Option<String>,
    then: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReplySpec {
    status: u16,
    external: u32,
    template: Option<String>,
    /// Of a template: decides how values are escaped.
    content_type: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Condition {
    All(Vec<Self>),
    Any(Vec<Self>),
    BasicAuth {
        user: String,
        password: String,
    },
    Bearer(String),
    Body(TestSpec),
    /// One character for each byte.
    BodyBytes(String),
    Cookie {
        name: String,
        test: TestSpec,
    },
    Form {
        name: String,
        test: TestSpec,
    },
    Header {
        name: String,
        test: TestSpec,
    },
    Host(String),
    Json {
        pointer: String,
        test: JsonSpec,
    },
    Method(String),
    Not(Box<Self>),
    Nth {
        from: u64,
        to: Option<u64>,
    },
    Path(String),
    Port(u16),
    Predicate {
        id: u32,
        label: String,
    },
    Query {
        name: String,
        test: TestSpec,
    },
    Scheme(String),
    State {
        key: String,
        test: JsonSpec,
    },
    Url(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum TestSpec {
    Contains(String),
    Equals(String),
    Missing,
    Present,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum JsonSpec {
    Equals(Value),
    Includes(Value),
    Missing,
    Present,
}

impl Options {
    pub(super) fn parse(json: &str) -> Result<Self> {
        parse(json)
    }

    pub(super) fn builder(self) -> Builder<Local> {
        let mut builder = MockTransport::builder();
        if let Some(requests) = self.journal.requests {
            builder = builder.max_requests(requests);
        }
        if let Some(bytes) = self.journal.body_bytes {
            builder = builder.max_body_bytes(bytes);
        }
        if let Some(seed) = self.seed {
            builder = builder.seed(seed as u64);
        }
        for name in &self.redact {
            builder = builder.redact(name);
        }
        builder
    }
}

impl RuleSpec {
    pub(super) fn parse(json: &str) -> Result<Self> {
        parse(json)
    }

    pub(super) fn register(
        self,
        transport: &MockTransport<Local>,
        site: Arc<str>,
        rates: &[f64],
        chaos: Option<Chaos>,
    ) -> Result<RuleId> {
        let site = Site::Text(site.into());
        let matcher = self.when.matcher(transport)?;
        let (min, max) = (self.min, self.max);
        let mut when = When::new(transport.clone(), matcher, None, site)
            .priority(if self.otherwise {
                i32::MIN
            } else {
                self.priority
            })
            .times(Times { min, max });
        if let Some(step) = self.scenario {
            when = when.in_scenario(&step.name);
            if let Some(state) = step.when {
                when = when.when_state(&state);
            }
            if let Some(state) = step.then {
                when = when.then_state(&state);
            }
        }
        for limit in limits::rate_limits(rates) {
            when = when.rate_limit(limit);
        }
        if let Some(chaos) = chaos {
            when = when.chaos(chaos);
        }
        let replies: Result<Vec<Reply>> = self.replies.into_iter().map(ReplySpec::reply).collect();
        let mut replies = replies?;
        let action = match (self.end, replies.len()) {
            (None, 1) => Action::Reply(replies.remove(0)),
            (end, _) => Action::Sequence {
                replies: replies.into(),
                end: end.unwrap_or_default(),
            },
        };
        when.register(action).map(|rule| rule.id())
    }
}

impl ReplySpec {
    fn reply(self) -> Result<Reply> {
        let mut reply = match &self.template {
            Some(text) => Reply::template(text),
            None => Reply::empty(),
        };
        if let Some(content_type) = &self.content_type {
            reply = reply.header("content-type", content_type);
        }
        // A reply that JavaScript makes itself may have any status that it can construct.
        let reply = reply.with_status(self.status).validate()?;
        Ok(reply.external(self.external))
    }
}

/// A condition given as JSON.
pub(super) fn condition(json: &str, transport: &MockTransport<Local>) -> Result<JsMatcher> {
    parse::<Condition>(json)?.matcher(transport)
}

impl Condition {
    fn matcher(self, transport: &MockTransport<Local>) -> Result<JsMatcher> {
        let all = |conditions: Vec<Self>| -> Result<Vec<JsMatcher>> {
            let conditions = conditions.into_iter();
            conditions.map(|it| it.matcher(transport)).collect()
        };
        let matcher: JsMatcher = match self {
            Self::All(conditions) => condition::all_of(all(conditions)?),
            Self::Any(conditions) => condition::any_of(all(conditions)?),
            Self::BasicAuth { user, password } => condition::basic_auth(&user, &password),
            Self::Bearer(token) => condition::bearer(&token),
            Self::Body(test) => condition::body_test(test.into()),
            Self::BodyBytes(text) => condition::body_bytes(bytes(&text)),
            Self::Cookie { name, test } => condition::cookie_test(&name, test.into()),
            Self::Form { name, test } => condition::form_test(&name, test.into()),
            Self::Header { name, test } => condition::header_test(&name, test.into()),
            Self::Host(host) => condition::host(&host),
            Self::Json { pointer, test } => condition::json_test(&pointer, test.into()),
            Self::Method(method) => condition::method_is(&method),
            Self::Not(condition) => !condition.matcher(transport)?,
            Self::Nth { from, to } => Pattern::Nth { from, to }.into(),
            Self::Path(target) | Self::Url(target) => condition::url(&target),
            Self::Port(port) => condition::port(port),
            Self::Predicate { id, label } => {
                let test = Rc::new(JsPredicate(id));
                let label = label.into();
                Matcher(Node::Predicate { label, test })
            }
            Self::Query { name, test } => condition::query_test(&name, test.into()),
            Self::Scheme(scheme) => condition::scheme(&scheme),
            Self::State { key, test } => {
                condition::state_test(&transport.state(), &key, test.into())
            }
        };
        match matcher.mistake() {
            Some(error) => Err(error),
            None => Ok(matcher),
        }
    }
}

impl From<TestSpec> for Test {
    fn from(spec: TestSpec) -> Self {
        match spec {
            TestSpec::Contains(part) => Self::Contains(part),
            TestSpec::Equals(expected) => Self::Equals(expected),
            TestSpec::Missing => Self::Missing,
            TestSpec::Present => Self::Present,
        }
    }
}

impl From<JsonSpec> for JsonTest {
    fn from(spec: JsonSpec) -> Self {
        match spec {
            JsonSpec::Equals(value) => Self::Equals(value),
            JsonSpec::Includes(value) => Self::Includes(value),
            JsonSpec::Missing => Self::Missing,
            JsonSpec::Present => Self::Present,
        }
    }
}

fn bytes(text: &str) -> Vec<u8> {
    text.chars()
        .map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?'))
        .collect()
}

pub(super) fn parse<T: DeserializeOwned>(json: &str) -> Result<T> {
    serde_json::from_str(json)
        .map_err(|error| Error::invalid(Part::Option, json, error.to_string()))
}
