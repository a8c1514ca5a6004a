//! The target that was asked for last, and the only rule that it is for.

use http::Method;
use http::uri::Scheme;

use super::RuleId;
use super::rules::{Registered, Rules};
use crate::mode::Mode;
use crate::model::request::Request;

/// Clients ask for the same target again and again: then neither the index nor the rule's matcher
/// need be asked, where the target alone decides.
#[derive(Default)]
pub(crate) struct Latest {
    method: Method,
    scheme: Option<Scheme>,
    authority: String,
    path: String,
    /// Forgotten when the rules change.
    rule: Option<RuleId>,
}

impl Latest {
    #[inline]
    pub(crate) fn get<'a, M: Mode>(
        &self,
        request: &Request,
        rules: &'a Rules<M>,
    ) -> Option<(RuleId, &'a Registered<M>)> {
        let rule = self.rule?;
        let url = request.url();
        let authority = url.authority()?;
        let is_same = self.path == request.path()
            && self.authority == authority.as_str()
            && self.method == *request.method()
            && self.scheme.as_ref() == url.scheme();
        is_same.then_some((rule, rules.get(rule)?))
    }

    /// The texts keep their memory, so that another target costs no more than their copies.
    pub(crate) fn remember(&mut self, request: &Request, rule: RuleId) {
        let Some(authority) = request.url().authority() else {
            return;
        };
        self.method.clone_from(request.method());
        self.scheme = request.url().scheme().cloned();
        self.authority.clear();
        self.authority.push_str(authority.as_str());
        self.path.clear();
        self.path.push_str(request.path());
        self.rule = Some(rule);
    }

    pub(crate) fn forget(&mut self) {
        self.rule = None;
    }
}
