//! Rules for a part of a test.

use std::fmt;
use std::panic::Location;

use crate::core::{Aftermath, ScopeId};
use crate::matcher::{Matcher, conditions};
use crate::mode::Mode;
use crate::transport::MockTransport;
use crate::verify::{self, Report};
use crate::when::When;

/// A scope: rules that are verified and removed when it is dropped.
///
/// Rules of a scope come before those of the transport when they are registered with a higher
/// [`priority`](When::priority); otherwise the order of registration counts, as always.
///
/// ```
/// use mockwire::{Reply, sync::MockTransport};
///
/// let transport = MockTransport::new();
/// {
///     let scope = transport.scope();
///     scope.get("/once").once().reply(Reply::status(204));
///     let request = http::Request::get("https://api.test/once").body(()).unwrap();
///     transport.block_on(transport.call(request))?;
/// } // verified here: it would panic if the rule had not answered once
/// # Ok::<(), mockwire::Error>(())
/// ```
#[must_use = "dropping the scope removes its rules"]
pub struct Scope<M: Mode> {
    transport: MockTransport<M>,
    id: Option<ScopeId>,
}

impl<M: Mode> Scope<M> {
    pub(crate) fn new(transport: MockTransport<M>, id: ScopeId) -> Self {
        let id = Some(id);
        Self { transport, id }
    }

    /// Begins a rule of this scope.
    #[track_caller]
    pub fn on(&self, matcher: impl Into<Matcher<M>>) -> When<M> {
        self.transport
            .when(matcher.into(), self.id, Location::caller())
    }

    /// Begins a rule of this scope for `GET` and a target.
    #[track_caller]
    pub fn get(&self, target: &str) -> When<M> {
        self.transport
            .when(conditions::get(target), self.id, Location::caller())
    }

    /// Begins a rule of this scope for `POST` and a target.
    #[track_caller]
    pub fn post(&self, target: &str) -> When<M> {
        self.transport
            .when(conditions::post(target), self.id, Location::caller())
    }

    /// Begins a rule of this scope for `PUT` and a target.
    #[track_caller]
    pub fn put(&self, target: &str) -> When<M> {
        self.transport
            .when(conditions::put(target), self.id, Location::caller())
    }

    /// Begins a rule of this scope for `PATCH` and a target.
    #[track_caller]
    pub fn patch(&self, target: &str) -> When<M> {
        self.transport
            .when(conditions::patch(target), self.id, Location::caller())
    }

    /// Begins a rule of this scope for `DELETE` and a target.
    #[track_caller]
    pub fn delete(&self, target: &str) -> When<M> {
        self.transport
            .when(conditions::delete(target), self.id, Location::caller())
    }

    /// Begins a rule of this scope for WebSocket connections to a target.
    #[track_caller]
    pub fn websocket(&self, target: &str) -> When<M> {
        self.transport
            .when(conditions::websocket(target), self.id, Location::caller())
    }

    /// Ends the scope: verifies its rules and removes them.
    ///
    /// # Errors
    ///
    /// The [`Report`] when a rule has not answered as often as it must.
    pub fn close(mut self) -> Result<(), Report> {
        self.end()
    }

    fn end(&mut self) -> Result<(), Report> {
        let Some(id) = self.id.take() else {
            return Ok(());
        };
        let engine = &self.transport.engine;
        let rules: Vec<_> = engine.with(|core| {
            let rules = core.rules.iter();
            let of_scope = rules.filter(|(_, it)| it.rule.scope() == Some(id));
            of_scope.map(|(rule, _)| rule).collect()
        });
        let verdict = verify::verify(engine, Some(&rules));
        let removed: Vec<Aftermath<M>> = engine.with(|core| {
            core.scopes.remove(id);
            let removed = rules.iter().map(|rule| core.remove_rule(*rule));
            removed.filter_map(Result::ok).collect()
        });
        removed.into_iter().for_each(Aftermath::settle);
        verdict
    }
}

impl<M: Mode> Drop for Scope<M> {
    /// # Panics
    ///
    /// If a rule of the scope has not answered as often as it must, unless the thread is panicking
    /// already.
    fn drop(&mut self) {
        match self.end() {
            Err(report) if !std::thread::panicking() => panic!("{report}"),
            _ => {}
        }
    }
}

impl<M: Mode> fmt::Debug for Scope<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Scope").field(&self.id).finish()
    }
}
