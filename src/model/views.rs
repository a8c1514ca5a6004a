//! Typed views of a body: parsed once per type, then shared.

use std::any::{Any, TypeId};
use std::fmt;
use std::sync::{Arc, OnceLock};

/// A list that only grows, one entry per type. Never stale, as the body it views never changes.
#[derive(Default)]
pub(crate) struct Views(OnceLock<Box<View>>);

struct View {
    key: TypeId,
    value: Arc<dyn Any + Send + Sync>,
    next: Views,
}

impl Views {
    /// The view of type `T`, made by `parse` the first time. A failure to parse is not kept.
    pub(crate) fn get_or_parse<T, E>(
        &self,
        parse: impl FnOnce() -> Result<T, E>,
    ) -> Result<Arc<T>, E>
    where
        T: Any + Send + Sync,
    {
        let mut list = self;
        while let Some(view) = list.0.get() {
            if view.key == TypeId::of::<T>() {
                return Ok(downcast(&view.value));
            }
            list = &view.next;
        }
        let value: Arc<T> = Arc::new(parse()?);
        let mut entry = Box::new(View {
            key: TypeId::of::<T>(),
            value: value.clone(),
            next: Self::default(),
        });
        // Another thread may have appended meanwhile: walk on to the end that is then there.
        while let Err(rejected) = list.0.set(entry) {
            entry = rejected;
            match list.0.get() {
                Some(view) if view.key == TypeId::of::<T>() => return Ok(downcast(&view.value)),
                Some(view) => list = &view.next,
                None => break,
            }
        }
        Ok(value)
    }
}

fn downcast<T: Any + Send + Sync>(value: &Arc<dyn Any + Send + Sync>) -> Arc<T> {
    value
        .clone()
        .downcast()
        .unwrap_or_else(|_| unreachable!("the key of a view is the type of its value"))
}

impl fmt::Debug for Views {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Views")
    }
}
