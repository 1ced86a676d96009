//! Bounds that exist natively and not on wasm32, where values of JavaScript are neither `Send` nor `Sync`.
//! An `async fn` in a public trait would lose `Send`, and with it every async server: traits here return [`MaybeFuture`].

use std::pin::Pin;

/// A boxed future, `Send` except on wasm32.
#[cfg(not(target_arch = "wasm32"))]
pub type MaybeFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
/// A boxed future, `Send` except on wasm32.
#[cfg(target_arch = "wasm32")]
pub type MaybeFuture<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// Someone who hears of progress: `Send + Sync` except on wasm32.
#[cfg(not(target_arch = "wasm32"))]
pub type Listener<'a, T> = &'a (dyn Fn(T) + Send + Sync);
/// Someone who hears of progress: `Send + Sync` except on wasm32.
#[cfg(target_arch = "wasm32")]
pub type Listener<'a, T> = &'a dyn Fn(T);

/// `Send + Sync` natively, nothing on wasm32. Implemented for every type that qualifies.
#[cfg(not(target_arch = "wasm32"))]
pub trait WasmNotSendSync: Send + Sync {}
#[cfg(not(target_arch = "wasm32"))]
impl<T: Send + Sync + ?Sized> WasmNotSendSync for T {}

/// `Send + Sync` natively, nothing on wasm32. Implemented for every type that qualifies.
#[cfg(target_arch = "wasm32")]
pub trait WasmNotSendSync {}
#[cfg(target_arch = "wasm32")]
impl<T: ?Sized> WasmNotSendSync for T {}
