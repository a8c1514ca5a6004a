//! Functions of JavaScript, which the engine knows by number: they are asked about requests.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::{Array, Function};
use wasm_bindgen::{JsCast, JsValue};

use super::failed;
use crate::diagnosis::Check;
use crate::error::Result;
use crate::matcher::Predicate;
use crate::mode::{Local, Mode};
use crate::model::priority::Priority;
use crate::model::request::Request;

thread_local! {
    /// Called with the number of a predicate and a sequence number; answers or throws.
    static TEST: RefCell<Option<Function>> = const { RefCell::new(None) };
    /// Called with the number of a function that reads something off the request that is being
    /// decided; answers or throws.
    static READ: RefCell<Option<Function>> = const { RefCell::new(None) };
    /// Called with the number of a predicate, about the request that is being decided; answers with what
    /// it asks, in parts, or with nothing.
    static EXPLAIN: RefCell<Option<Function>> = const { RefCell::new(None) };
}

/// Says whom to ask.
pub(super) fn listen(test: Function, read: Function, explain: Function) {
    TEST.set(Some(test));
    READ.set(Some(read));
    EXPLAIN.set(Some(explain));
}

/// A predicate that JavaScript knows by its number. An exception is a failure of the handler.
pub(super) struct JsPredicate(pub(super) u32);

impl Predicate for JsPredicate {
    fn test(&self, _: &Request, sequence: u64) -> Result<bool> {
        let (id, sequence) = (JsValue::from(self.0), JsValue::from(sequence as f64));
        let test = TEST.with_borrow(Clone::clone);
        match test.map(|test| test.call2(&JsValue::UNDEFINED, &id, &sequence)) {
            Some(Ok(answer)) => Ok(answer.is_truthy()),
            Some(Err(_)) => Err(failed("a predicate threw")),
            None => Err(failed("nobody knows the predicate")),
        }
    }

    fn explain(&self, _: &Request) -> Option<Vec<Check>> {
        let explain = EXPLAIN.with_borrow(Clone::clone)?;
        let told = explain.call1(&JsValue::UNDEFINED, &JsValue::from(self.0));
        let told = told.ok()?.dyn_into::<Array>().ok()?;
        let texts: Vec<_> = told.iter().filter_map(|it| it.as_string()).collect();
        Some(texts.chunks_exact(4).map(check).collect())
    }
}

/// What is asked, what is expected, what was found, and a text where it passed.
fn check(texts: &[String]) -> Check {
    let [matcher, expected, actual, passed] = std::array::from_fn(|place| texts[place].clone());
    Check {
        matcher,
        expected,
        actual,
        passed: !passed.is_empty(),
        weight: 2,
    }
}

/// A function that reads a text: a key.
pub(super) fn text(id: u32) -> <Local as Mode>::Reading<String> {
    Rc::new(move |_| read(id).map(|answer| answer.as_string().unwrap_or_default()))
}

/// A function that reads a number: how many tokens.
pub(super) fn count(id: u32) -> <Local as Mode>::Reading<u64> {
    Rc::new(move |_| read(id).map(|answer| answer.as_f64().unwrap_or_default() as u64))
}

/// A function that reads a priority, as its place among them.
pub(super) fn priority(id: u32) -> <Local as Mode>::Reading<Priority> {
    Rc::new(move |_| {
        let place = read(id)?.as_f64().map(|place| place as usize);
        let priority = place.and_then(|place| Priority::ALL.get(place));
        Ok(priority.copied().unwrap_or_default())
    })
}

fn read(id: u32) -> Result<JsValue> {
    let read = READ.with_borrow(Clone::clone);
    match read.map(|read| read.call1(&JsValue::UNDEFINED, &JsValue::from(id))) {
        Some(Ok(answer)) => Ok(answer),
        Some(Err(_)) => Err(failed("a function of the limits threw")),
        None => Err(failed("nobody knows the function")),
    }
}
