//! Why the command did not do what it was asked, as exit codes tell it.

use onelaunch::core::backend::{CompileError, DeviceError};
use onelaunch::core::pipeline::RequestError;
use onelaunch::{BackendError, FolderError, GenerateError, LoadError};

/// A failed command.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// What was asked cannot be done; nothing was written.
    #[error("{0}")]
    BadInput(String),
    /// Ctrl-C.
    #[error("cancelled")]
    Cancelled,
    /// It went wrong on the way.
    #[error("{0}")]
    Other(String),
}

impl Failure {
    /// The exit code.
    pub(crate) const fn code(&self) -> u8 {
        match self {
            Self::BadInput(_) => 2,
            // 128 and the number of SIGINT, as shells count.
            Self::Cancelled => 130,
            Self::Other(_) => 1,
        }
    }
}

impl From<LoadError> for Failure {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Device(error) => error.into(),
            error => Self::BadInput(error.to_string()),
        }
    }
}

impl From<DeviceError> for Failure {
    fn from(error: DeviceError) -> Self {
        match error {
            DeviceError::Cancelled => Self::Cancelled,
            error => Self::Other(error.to_string()),
        }
    }
}

impl From<GenerateError> for Failure {
    fn from(error: GenerateError) -> Self {
        match error {
            GenerateError::Cancelled => Self::Cancelled,
            GenerateError::Request(error) => error.into(),
            GenerateError::Device(error) => error.into(),
            error => Self::Other(error.to_string()),
        }
    }
}

impl From<CompileError> for Failure {
    fn from(error: CompileError) -> Self {
        Self::Other(error.to_string())
    }
}

macro_rules! bad_input {
    ($($error:ty),*) => {$(
        impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::BadInput(error.to_string())
            }
        }
    )*};
}
bad_input!(RequestError, FolderError);

impl From<BackendError> for Failure {
    fn from(error: BackendError) -> Self {
        match error {
            // What was asked was possible.
            BackendError::Open { .. } => Self::Other(error.to_string()),
            error => Self::BadInput(error.to_string()),
        }
    }
}
