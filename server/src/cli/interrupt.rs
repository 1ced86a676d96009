//! Ctrl-C: the first cancels the picture that is being made, a second one, or one while nothing can be cancelled, ends the process.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use onelaunch::Cancel;

use super::failure::Failure;

/// What Ctrl-C does now.
pub(crate) struct Interrupt {
    /// Set by the first Ctrl-C.
    pub cancel: Cancel,
    cancellable: Arc<AtomicBool>,
}

impl Interrupt {
    /// Listens from now on.
    pub(crate) fn listen() -> Result<Self, Failure> {
        let interrupt = Self { cancel: Cancel::new(), cancellable: Arc::default() };
        let (cancel, cancellable) = (interrupt.cancel.clone(), interrupt.cancellable.clone());
        ctrlc::set_handler(move || {
            if cancel.is_cancelled() || !cancellable.load(Ordering::SeqCst) {
                std::process::exit(130);
            }
            cancel.cancel();
        })
        .map_err(|e| Failure::Other(format!("Ctrl-C cannot be listened to: {e}")))?;
        Ok(interrupt)
    }

    /// From here on somebody looks at `cancel` often. Before, loading can simply be ended: it leaves nothing behind.
    pub(crate) fn cancellable(&self) {
        self.cancellable.store(true, Ordering::SeqCst);
    }

    /// Fails once cancelled.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        if self.cancel.is_cancelled() { Err(Failure::Cancelled) } else { Ok(()) }
    }
}
