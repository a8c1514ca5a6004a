//! Matchers in words: `POST https://api.test/v1, header x-plan "pro"`.

use std::fmt;

use super::exact::ExactTarget;
use super::explain::{LONGEST, cut};
use super::pattern::{JsonTest, Pattern};
use super::{Matcher, Node};
use crate::mode::Mode;

impl fmt::Display for JsonTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Contains(part) => write!(f, "containing {part:?}"),
            Self::Equals(value) => write!(f, "{value}"),
            Self::Includes(value) => write!(f, "including {value}"),
            Self::Missing => f.write_str("(missing)"),
            Self::Present => f.write_str("(present)"),
        }
    }
}

impl<M: Mode> fmt::Display for Matcher<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // `POST https://api.test/v1` reads better than its parts.
        let exact = self.exact_target().map(ExactTarget::patterns);
        let exact = exact.unwrap_or_default();
        let patterns = || exact.iter().chain(self.required_patterns());
        let part = |pick: fn(&Pattern) -> Option<String>| patterns().find_map(pick);
        let method = part(|pattern| match pattern {
            Pattern::Method(method) => Some(method.to_string()),
            _ => None,
        });
        let scheme = part(|pattern| match pattern {
            Pattern::Scheme(scheme) => Some(format!("{scheme}://")),
            _ => None,
        });
        let host = part(|pattern| match pattern {
            Pattern::Host(host) => Some(host.text.clone()),
            _ => None,
        });
        let port = part(|pattern| match pattern {
            Pattern::Port(port) => Some(format!(":{port}")),
            _ => None,
        });
        let path = part(|pattern| match pattern {
            Pattern::Path(path) => Some(path.to_string()),
            _ => None,
        });
        let anywhere = if host.is_some() || port.is_some() {
            "/**"
        } else {
            "*"
        };
        let text = |part: Option<String>| part.unwrap_or_default();
        write!(f, "{} ", method.as_deref().unwrap_or("ANY"))?;
        write!(f, "{}{}{}", text(scheme), text(host), text(port))?;
        f.write_str(path.as_deref().unwrap_or(anywhere))?;
        let said = |node: &Node<M>| match node {
            Node::Pattern(pattern) => pattern.is_about_target(),
            Node::Target(_) => true,
            _ => false,
        };
        for node in self.required().iter().filter(|node| !said(node)) {
            write!(f, ", {node}")?;
        }
        Ok(())
    }
}

impl<M: Mode> fmt::Display for Node<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let joined = |nodes: &[Self], word: &str| {
            let nodes: Vec<_> = nodes.iter().map(ToString::to_string).collect();
            nodes.join(word)
        };
        match self {
            Self::All(nodes) if nodes.is_empty() => f.write_str("anything"),
            Self::All(nodes) => f.write_str(&joined(nodes, " and ")),
            Self::Any(nodes) => write!(f, "({})", joined(nodes, " or ")),
            Self::Invalid(error) => write!(f, "{error}"),
            Self::Not(node) => write!(f, "not {node}"),
            Self::Pattern(pattern) => {
                let (matcher, expected) = pattern.describe();
                write!(f, "{matcher} {}", cut(&expected, LONGEST))
            }
            Self::Predicate { label, .. } => write!(f, "predicate {label}"),
            Self::Reading(reading) => reading.fmt(f),
            Self::State(state) => {
                let expected = cut(&state.test.to_string(), LONGEST);
                write!(f, "state {} {expected}", state.key)
            }
            Self::Target(target) => f.write_str(target.as_str().trim_start()),
        }
    }
}
