//! What can go wrong, as JavaScript sees it: an `Error` whose `name` is one of a closed list, with a message that says what to do.

use js_sys::Error;
use onelaunch_core::backend::CompileError;
use onelaunch_core::files::FileError;
use onelaunch_core::models::ModelError;
use onelaunch_core::weights::{SourceError, WeightError};
use onelaunch_core::{DeviceError, GenerateError, LoadError};
use onelaunch_wgpu::OpenError;
use wasm_bindgen::JsValue;

use crate::js;

/// The kinds that callers tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    NoWebGpu,
    OutOfMemory,
    DeviceLost,
    BadModel,
    BadRequest,
    Unsupported,
    Aborted,
    Download,
    Internal,
    TooLarge,
}

/// A failure on its way out.
#[derive(Debug)]
pub struct Failure {
    pub kind: Kind,
    pub message: String,
    fields: Vec<(&'static str, JsValue)>,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::NoWebGpu => "NoWebGpu",
            Self::OutOfMemory => "OutOfMemory",
            Self::DeviceLost => "DeviceLost",
            Self::BadModel => "BadModel",
            Self::BadRequest => "BadRequest",
            Self::Unsupported => "Unsupported",
            Self::Aborted => "Aborted",
            Self::Download => "Download",
            Self::Internal => "Internal",
            Self::TooLarge => "TooLarge",
        }
    }
}

impl Failure {
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), fields: Vec::new() }
    }
    /// With a number that callers may show.
    pub fn with(mut self, name: &'static str, value: impl Into<JsValue>) -> Self {
        self.fields.push((name, value.into()));
        self
    }
    pub fn aborted() -> Self {
        Self::new(Kind::Aborted, "stopped by the caller")
    }
}

impl From<Failure> for JsValue {
    fn from(failure: Failure) -> Self {
        let error = Error::new(&failure.message);
        error.set_name(failure.kind.name());
        for (name, value) in &failure.fields {
            js::set(&error, name, value);
        }
        error.into()
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        let reason = match error {
            OpenError::Insecure => "insecure",
            OpenError::Missing => "missing",
            // A device that was refused helps as little as none.
            _ => "adapter",
        };
        Self::new(Kind::NoWebGpu, error.to_string()).with("reason", reason)
    }
}

impl From<DeviceError> for Failure {
    fn from(error: DeviceError) -> Self {
        let kind = match &error {
            DeviceError::Cancelled => return Self::aborted(),
            DeviceError::DeviceLost(_) => Kind::DeviceLost,
            DeviceError::OutOfMemory { needed, free } => {
                let failure =
                    Self::new(Kind::OutOfMemory, error.to_string()).with("needed", js::number(*needed));
                return match free {
                    Some(free) => failure.with("free", js::number(*free)),
                    None => failure,
                };
            }
            _ => Kind::Internal,
        };
        Self::new(kind, error.to_string())
    }
}

impl From<CompileError> for Failure {
    fn from(error: CompileError) -> Self {
        match error {
            CompileError::Device(error) => error.into(),
            CompileError::Unsupported(error) => Self::new(Kind::Unsupported, error.to_string()),
            error => Self::new(Kind::Internal, error.to_string()),
        }
    }
}

impl From<LoadError> for Failure {
    fn from(error: LoadError) -> Self {
        let kind = match error {
            LoadError::Device(error) => return error.into(),
            LoadError::Precision(device) => {
                return Self::new(
                    Kind::Unsupported,
                    format!("{device} has no 16-bit floats: use precision f32"),
                );
            }
            LoadError::File(FileError::Read { .. } | FileError::Source(SourceError::Read { .. }))
            | LoadError::Weights(WeightError::Source(SourceError::Read { .. })) => Kind::Download,
            LoadError::Model(ModelError::UnknownClass { .. }) => Kind::Unsupported,
            _ => Kind::BadModel,
        };
        Self::new(kind, error.to_string())
    }
}

impl From<GenerateError> for Failure {
    fn from(error: GenerateError) -> Self {
        let kind = match error {
            // What was asked for, not what the device did.
            GenerateError::Device(DeviceError::Usage(_)) => Kind::BadRequest,
            GenerateError::Device(error) => return error.into(),
            GenerateError::Compile(error) => return error.into(),
            GenerateError::Cancelled => return Self::aborted(),
            GenerateError::Request(_) | GenerateError::Tokenizer(_) => Kind::BadRequest,
            GenerateError::NotFinite(at) => {
                let message = format!(
                    "picture {at} came out with NaN or infinity: try another sampler, or precision f32"
                );
                return Self::new(Kind::Unsupported, message);
            }
            _ => Kind::Internal,
        };
        Self::new(kind, error.to_string())
    }
}
