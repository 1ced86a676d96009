//! What goes wrong on a device outside of any call: loss and uncaptured errors are kept here until the next call returns them.

use std::sync::{Arc, Mutex, PoisonError};

use onelaunch_core::DeviceError;

/// The first failure of a device, if there was one.
#[derive(Clone, Debug, Default)]
pub struct Health(Arc<Mutex<Option<Failure>>>);

#[derive(Clone, Debug)]
enum Failure {
    Lost(String),
    Memory,
    Other(String),
}

impl Health {
    /// Starts listening to a device. Without a handler wgpu panics.
    pub fn watch(device: &wgpu::Device) -> Self {
        let health = Self::default();
        let lost = health.clone();
        device.set_device_lost_callback(move |reason, message| {
            lost.set(Failure::Lost(format!("{reason:?}: {message}")));
        });
        let errors = health.clone();
        device.on_uncaptured_error(Arc::new(move |error| errors.set(Failure::of(&error))));
        health
    }

    /// The failure as an error. A lost device stays lost; other failures are told once.
    pub fn check(&self) -> Result<(), DeviceError> {
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match slot.clone() {
            None => Ok(()),
            Some(Failure::Lost(why)) => Err(DeviceError::DeviceLost(why)),
            Some(failure) => {
                *slot = None;
                Err(failure.error(0))
            }
        }
    }

    fn set(&self, failure: Failure) {
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A loss is the cause of whatever else is reported.
        if slot.is_none() || matches!(failure, Failure::Lost(_)) {
            *slot = Some(failure);
        }
    }
}

impl Failure {
    fn of(error: &wgpu::Error) -> Self {
        match error {
            wgpu::Error::OutOfMemory { .. } => Self::Memory,
            other => Self::Other(other.to_string()),
        }
    }
    fn error(self, needed: u64) -> DeviceError {
        match self {
            Self::Lost(why) => DeviceError::DeviceLost(why),
            Self::Memory => DeviceError::OutOfMemory { needed, free: None },
            Self::Other(why) => DeviceError::Other(why),
        }
    }
}

/// A wgpu error from an error scope, `needed` bytes being allocated in it.
pub fn scoped(error: &wgpu::Error, needed: u64) -> DeviceError {
    Failure::of(error).error(needed)
}
