//! Calls that return promises. A panic ends the module without unwinding and would leave them pending for ever, so it rejects them first.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use js_sys::{Function, Promise};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen_futures::spawn_local;

use crate::failure::{Failure, Kind};

thread_local! {
    static PENDING: RefCell<BTreeMap<u64, Function>> = const { RefCell::new(BTreeMap::new()) };
    static NEXT: Cell<u64> = const { Cell::new(0) };
}

#[wasm_bindgen(start)]
fn start() {
    std::panic::set_hook(Box::new(|info| {
        let message =
            format!("this is a bug of onelaunch: {info}; load the model again, and please report it");
        // Who holds the map while panicking can only be this module itself, whose borrows end before any await.
        let pending = PENDING.with(|map| map.try_borrow_mut().map(|mut map| std::mem::take(&mut *map)));
        for reject in pending.unwrap_or_default().into_values() {
            let error = JsValue::from(Failure::new(Kind::Internal, message.clone()));
            // A rejecting function cannot throw.
            let _ = reject.call1(&JsValue::UNDEFINED, &error);
        }
    }));
}

/// The future's result as a promise.
pub fn call<T: Into<JsValue>>(future: impl Future<Output = Result<T, Failure>> + 'static) -> Promise {
    let mut future = Some(future);
    Promise::new(&mut |resolve, reject| {
        let Some(future) = future.take() else { return };
        let id = NEXT.replace(NEXT.get() + 1);
        PENDING.with_borrow_mut(|map| map.insert(id, reject.clone()));
        spawn_local(async move {
            let result = future.await;
            PENDING.with_borrow_mut(|map| map.remove(&id));
            // Neither of the two throws.
            let _ = match result {
                Ok(value) => resolve.call1(&JsValue::UNDEFINED, &value.into()),
                Err(failure) => reject.call1(&JsValue::UNDEFINED, &failure.into()),
            };
        });
    })
}

/// Both futures side by side; the first failure ends both.
pub async fn both<A, B>(
    a: impl Future<Output = Result<A, Failure>>,
    b: impl Future<Output = Result<B, Failure>>,
) -> Result<(A, B), Failure> {
    let (mut a, mut b) = (pin!(a), pin!(b));
    let (mut of_a, mut of_b) = (None, None);
    poll_fn(|context| {
        if of_a.is_none()
            && let Poll::Ready(result) = a.as_mut().poll(context)
        {
            match result {
                Ok(value) => of_a = Some(value),
                Err(failure) => return Poll::Ready(Err(failure)),
            }
        }
        if of_b.is_none()
            && let Poll::Ready(result) = b.as_mut().poll(context)
        {
            match result {
                Ok(value) => of_b = Some(value),
                Err(failure) => return Poll::Ready(Err(failure)),
            }
        }
        match (of_a.take(), of_b.take()) {
            (Some(a), Some(b)) => Poll::Ready(Ok((a, b))),
            (a, b) => {
                (of_a, of_b) = (a, b);
                Poll::Pending
            }
        }
    })
    .await
}
