//! Who the WebSocket connections of a transport belong to, and how they are used.

use slotmap::{SecondaryMap, SlotMap};

use super::connection_ids::ConnectionIds;
use super::connection_rate::ConnectionRate;
use super::timeline::Tick;
use super::{ContextId, Core, RuleId, SocketId};
use crate::error::Result;
use crate::mode::Mode;
use crate::model::connection::{AgeWarning, ConnectionInfo, Owner, Traffic};
use crate::model::connection_builder::ConnectionBuilder;
use crate::model::usage::Usage;

/// The contexts of all connections that somebody has.
#[derive(Default)]
pub(crate) struct Contexts {
    open: SlotMap<ContextId, Context>,
    ids: ConnectionIds<ContextId>,
    /// How fast connections are made, where that is limited.
    rates: SecondaryMap<RuleId, ConnectionRate>,
}

pub(crate) struct Context {
    /// `None` when nobody has said.
    owner: Option<Owner>,
    pub(crate) usage: Usage,
    /// Whether it was said when it was made.
    dated: bool,
}

/// What has passed over a connection since somebody last asked.
#[derive(Debug, Default)]
pub(crate) struct Passed {
    pub(crate) traffic: Traffic,
    /// When the last of it did.
    pub(crate) last: Option<Tick>,
    /// Whether the connection is closed.
    pub(crate) closed: bool,
}

impl<M: Mode> Core<M> {
    /// What is known of a connection that somebody has.
    pub(crate) fn socket_context(&mut self, id: SocketId) -> Result<&mut Context> {
        let gone = self.gone("connection");
        let sockets = self.sockets.as_deref_mut().ok_or_else(|| gone.clone())?;
        let context = sockets.live.get(id).and_then(|it| it.context);
        context
            .and_then(|context| sockets.contexts.get_mut(context))
            .ok_or(gone)
    }
}

impl Contexts {
    /// The context of a connection that is asked for now. What is refused counts for nothing.
    pub(crate) fn open(
        &mut self,
        rule: RuleId,
        rate: Option<ConnectionRate>,
        identity: Option<ConnectionBuilder>,
        now: Tick,
    ) -> Result<ContextId> {
        let mut number = self.ids.numbered();
        let context = match identity {
            Some(builder) => {
                let dated = builder.is_dated();
                let builder = builder.with_defaults(|| self.ids.next(&mut number), now);
                let (owner, usage) = builder.build()?.into_parts();
                Context {
                    owner: Some(owner),
                    usage,
                    dated,
                }
            }
            None => Context {
                owner: None,
                usage: Usage::new(self.ids.next(&mut number), now),
                dated: false,
            },
        };
        let id = &*context.usage.connection_id;
        let holder = self.ids.find(id).and_then(|holder| self.open.get(holder));
        // One that is over may be held still, by whoever reads what it was.
        if holder.is_some_and(|holder| holder.usage.active) {
            self.ids.ensure_free(id)?;
        }
        if let (Some(rate), Some(admitted)) = (rate, self.rates.entry(rule)) {
            admitted.or_insert(rate).admit(now)?;
        }
        let id = id.into();
        let key = self.open.insert(context);
        self.ids.take(id, key, number);
        Ok(key)
    }

    /// The connection is open from now on.
    pub(crate) fn begin(&mut self, id: ContextId, now: Tick) {
        let Some(Context { usage, dated, .. }) = self.open.get_mut(id) else {
            return;
        };
        if !*dated {
            usage.connected_at = now;
        }
        usage.last_activity = usage.last_activity.max(now);
    }

    pub(crate) fn note(&mut self, id: ContextId, passed: &Passed) {
        let Some(context) = self.open.get_mut(id) else {
            return;
        };
        if let Some(last) = passed.last {
            context.usage.add(&passed.traffic, last);
        }
        context.usage.active &= !passed.closed;
    }

    pub(crate) fn get_mut(&mut self, id: ContextId) -> Option<&mut Context> {
        self.open.get_mut(id)
    }

    /// Nobody has the connection any more.
    pub(crate) fn close(&mut self, id: ContextId) -> Option<Context> {
        let mut context = self.open.remove(id)?;
        self.ids.release(&context.usage.connection_id, id);
        context.usage.active = false;
        Some(context)
    }

    /// Forgets all contexts, and gives them back. The keys of old ones never name new ones.
    pub(super) fn restart(&mut self) -> Self {
        let mut old = Self::default();
        for (_, context) in self.open.drain() {
            old.open.insert(context);
        }
        old.ids = std::mem::take(&mut self.ids);
        old.rates = std::mem::take(&mut self.rates);
        old
    }

    pub(crate) fn forget_rule(&mut self, rule: RuleId) {
        self.rates.remove(rule);
    }
}

impl Context {
    pub(crate) fn info(&self) -> ConnectionInfo {
        ConnectionInfo::of(self.owner.as_ref(), &self.usage)
    }

    pub(crate) fn age_warning(&self, now: Tick) -> Option<AgeWarning> {
        self.usage.age_warning(now)
    }
}

impl Passed {
    pub(crate) fn is_nothing(&self) -> bool {
        self.last.is_none() && !self.closed
    }

    /// Something has passed at this time.
    pub(crate) fn note(&mut self, traffic: Option<Traffic>, at: Tick) {
        if let Some(traffic) = traffic {
            self.traffic.add(&traffic);
        }
        self.last = self.last.max(Some(at));
    }
}
