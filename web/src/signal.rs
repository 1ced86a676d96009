//! How JavaScript stops a call: a flag that core's pipeline looks at, and that wakes who waits for something else.

use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Poll, Waker};

use onelaunch_core::Cancel;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::failure::Failure;

/// Stops calls that it was given to.
#[wasm_bindgen]
#[derive(Clone, Debug, Default)]
pub struct Signal {
    cancel: Cancel,
    waiting: Rc<RefCell<Vec<Waker>>>,
}

#[wasm_bindgen]
impl Signal {
    /// A fresh one.
    #[wasm_bindgen(constructor)]
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
    /// Asks to stop.
    pub fn abort(&self) {
        self.cancel.cancel();
        for waker in self.waiting.borrow_mut().drain(..) {
            waker.wake();
        }
    }
    /// Whether it was asked to.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn aborted(&self) -> bool {
        self.cancel.is_cancelled()
    }
}

impl Signal {
    /// What core's pipeline looks at.
    pub fn cancel(&self) -> &Cancel {
        &self.cancel
    }

    /// The future's result, unless the signal comes first: then the future is dropped where it waits.
    pub async fn or<T>(&self, future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        let mut future = pin!(future);
        poll_fn(|context| {
            if self.aborted() {
                return Poll::Ready(Err(Failure::aborted()));
            }
            let result = future.as_mut().poll(context);
            if result.is_pending() {
                let mut waiting = self.waiting.borrow_mut();
                waiting.retain(|waker| !waker.will_wake(context.waker()));
                waiting.push(context.waker().clone());
            }
            result
        })
        .await
    }
}
