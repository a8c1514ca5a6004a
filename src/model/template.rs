//! Replies that repeat parts of the request: `{"id": "{{param.id}}"}`.

use std::borrow::Cow;
use std::fmt;

use serde_json::Value;

use super::request::Request;
use crate::error::{Error, Part, Result};

/// A text with placeholders in double braces, compiled.
///
/// `{{method}}`, `{{url}}`, `{{path}}`, `{{body}}`, `{{param.NAME}}`, `{{query.NAME}}`,
/// `{{header.NAME}}`, `{{cookie.NAME}}`, `{{form.NAME}}`, `{{json POINTER}}`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Template(Vec<Piece>);

#[derive(Clone, Debug, PartialEq)]
enum Piece {
    Text(String),
    Value(Placeholder),
}

#[derive(Clone, Debug, PartialEq)]
enum Placeholder {
    Body,
    Cookie(String),
    Form(String),
    Header(String),
    Json(String),
    Method,
    Param(String),
    Path,
    Query(String),
    Url,
}

/// How values are written into the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Escaping {
    /// As they are.
    Plain,
    /// As the inside of a JSON string; `{{json ..}}` as JSON.
    Json,
}

impl Template {
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let (name, after) = after
                .split_once("}}")
                .ok_or_else(|| invalid(text, "a `{{` has no closing `}}`"))?;
            if !before.is_empty() {
                pieces.push(Piece::Text(before.to_owned()));
            }
            pieces.push(Piece::Value(Placeholder::parse(name.trim()).ok_or_else(|| {
                invalid(
                    text,
                    format!(
                        "unknown placeholder `{{{{{name}}}}}`: known are method, url, path, body, \
                         param.NAME, query.NAME, header.NAME, cookie.NAME, form.NAME and json POINTER"
                    ),
                )
            })?));
            rest = after;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        Ok(Self(pieces))
    }

    /// The text for one request.
    pub(crate) fn render(&self, request: &Request, escaping: Escaping) -> Result<String> {
        let mut text = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(literal) => text.push_str(literal),
                Piece::Value(placeholder) => text.push_str(&placeholder.value(request, escaping)?),
            }
        }
        Ok(text)
    }
}

impl Placeholder {
    fn parse(name: &str) -> Option<Self> {
        if let Some(pointer) = name.strip_prefix("json") {
            let pointer = pointer.trim();
            let valid = pointer.is_empty() || pointer.starts_with('/');
            return valid.then(|| Self::Json(pointer.to_owned()));
        }
        let whole = match name {
            "body" => Some(Self::Body),
            "method" => Some(Self::Method),
            "path" => Some(Self::Path),
            "url" => Some(Self::Url),
            _ => None,
        };
        whole.or_else(|| {
            let (kind, name) = name.split_once('.')?;
            let name = name.to_owned();
            match kind {
                "cookie" => Some(Self::Cookie(name)),
                "form" => Some(Self::Form(name)),
                "header" => Some(Self::Header(name)),
                "param" => Some(Self::Param(name)),
                "query" => Some(Self::Query(name)),
                _ => None,
            }
        })
    }

    fn value(&self, request: &Request, escaping: Escaping) -> Result<String> {
        let (value, what): (Option<Cow<'_, str>>, String) = match self {
            Self::Body => (Some(request.text()?.into()), "body".into()),
            Self::Cookie(name) => (
                request.cookie(name).map(Into::into),
                format!("cookie {name}"),
            ),
            Self::Form(name) => {
                let mut pairs = request.form_pairs();
                let value = pairs.find_map(|(key, value)| (key == *name).then_some(value));
                (value, format!("form field {name}"))
            }
            Self::Header(name) => (
                request.header(name).map(Into::into),
                format!("header {name}"),
            ),
            Self::Json(pointer) => return self.json_value(request, pointer, escaping),
            Self::Method => (Some(request.method().as_str().into()), "method".into()),
            Self::Param(name) => (
                request.param(name).map(Into::into),
                format!("path parameter {name}"),
            ),
            Self::Path => (Some(request.path().into()), "path".into()),
            Self::Query(name) => (request.query(name), format!("query parameter {name}")),
            Self::Url => (Some(request.url().to_string().into()), "url".into()),
        };
        let value = value.ok_or_else(|| missing(self, request, &what))?;
        Ok(match escaping {
            Escaping::Plain => value.into_owned(),
            Escaping::Json => inside_json_string(&value),
        })
    }

    fn json_value(&self, request: &Request, pointer: &str, escaping: Escaping) -> Result<String> {
        let body = request.json_value()?;
        let value = body
            .pointer(pointer)
            .ok_or_else(|| missing(self, request, &format!("JSON value at {pointer:?}")))?;
        Ok(match (value, escaping) {
            (Value::String(text), Escaping::Plain) => text.clone(),
            (value, _) => value.to_string(),
        })
    }
}

impl fmt::Display for Placeholder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Body => f.write_str("{{body}}"),
            Self::Cookie(name) => write!(f, "{{{{cookie.{name}}}}}"),
            Self::Form(name) => write!(f, "{{{{form.{name}}}}}"),
            Self::Header(name) => write!(f, "{{{{header.{name}}}}}"),
            Self::Json(pointer) => write!(f, "{{{{json {pointer}}}}}"),
            Self::Method => f.write_str("{{method}}"),
            Self::Param(name) => write!(f, "{{{{param.{name}}}}}"),
            Self::Path => f.write_str("{{path}}"),
            Self::Query(name) => write!(f, "{{{{query.{name}}}}}"),
            Self::Url => f.write_str("{{url}}"),
        }
    }
}

fn inside_json_string(text: &str) -> String {
    let quoted = Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

fn missing(placeholder: &Placeholder, request: &Request, what: &str) -> Error {
    invalid(&placeholder.to_string(), format!("{request} has no {what}"))
}

fn invalid(text: &str, reason: impl Into<String>) -> Error {
    Error::invalid(Part::Template, text, reason)
}
