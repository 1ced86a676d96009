//! A backend chosen at run time. This is the only file of the crate that matches over backends; everything else is generic
//! or asks here.

use std::str::FromStr;

use onelaunch_core::backend::{Backend, CompileError};
use onelaunch_core::compile::ProgramKey;
use onelaunch_core::files::ModelFiles;
use onelaunch_core::model::Model;
use onelaunch_core::pipeline::{Inspection, Prepared, Watch};
use onelaunch_core::{
    Cancel, Caps, CpuBackend, DeviceError, GenerateError, Generated, LoadError, Pipeline, Precision, Request,
};
use onelaunch_wgpu::{Select, WgpuBackend};

/// Which backend a caller wants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum BackendName {
    /// A hardware GPU where there is one, else the CPU reference. Never a software adapter.
    #[default]
    Auto,
    /// wgpu: Vulkan, Metal or DX12.
    Wgpu,
    /// The CPU reference.
    Cpu,
}

/// A device, ready to load a model.
pub enum AnyBackend {
    /// The CPU reference.
    Cpu(CpuBackend),
    /// Vulkan, Metal or DX12.
    Wgpu(WgpuBackend),
}

/// A model on a device that was chosen at run time.
pub enum AnyPipeline {
    /// On the CPU reference.
    Cpu(Pipeline<CpuBackend>),
    /// On Vulkan, Metal or DX12.
    Wgpu(Pipeline<WgpuBackend>),
}

/// A device with the reason why it was taken.
pub struct Chosen {
    /// The device.
    pub backend: AnyBackend,
    /// Why this one, for people.
    pub why: String,
}

/// A device that could be named.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Adapter {
    /// Its backend.
    pub backend: BackendName,
    /// Its name, which `open` takes whole or in part.
    pub name: String,
    /// Whether it is a program that plays a GPU; such a one is only used when named.
    pub software: bool,
    /// What it can do, one fact per line.
    pub facts: Vec<String>,
}

/// Why there is no device.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackendError {
    /// No backend of that name.
    #[error("unknown backend `{0}`; known: auto, wgpu, cpu")]
    Unknown(String),
    /// No adapter has that name.
    #[error("no adapter of backend {backend} is called `{wanted}`; there are: {known}")]
    NoAdapter {
        /// The backend asked for.
        backend: &'static str,
        /// The name given.
        wanted: String,
        /// Names that would do.
        known: String,
    },
    /// wgpu was asked for, and there is nothing it could use.
    #[error("wgpu finds no adapter: install a driver for Vulkan, Metal or DX12, or use --backend cpu")]
    NoGpu,
    /// The adapter gives no device.
    #[error(
        "the adapter {name} cannot be opened ({error}): choose another with --adapter, or use --backend cpu"
    )]
    Open {
        /// Its name.
        name: String,
        /// What the driver said.
        error: DeviceError,
    },
}

/// Something that is done with a pipeline whatever its backend is. (A closure cannot be generic.)
pub trait VisitPipeline {
    /// What it makes.
    type Output;
    /// Does it.
    fn visit<B: Backend>(self, pipeline: &Pipeline<B>) -> Self::Output;
}

/// The same expression for whichever variant it is.
macro_rules! on {
    ($any:ident, $of:expr, $inner:ident => $do:expr) => {
        match $of {
            $any::Cpu($inner) => $do,
            $any::Wgpu($inner) => $do,
        }
    };
}

impl FromStr for BackendName {
    type Err = BackendError;

    fn from_str(name: &str) -> Result<Self, BackendError> {
        match name {
            "auto" => Ok(Self::Auto),
            "wgpu" => Ok(Self::Wgpu),
            "cpu" => Ok(Self::Cpu),
            _ => Err(BackendError::Unknown(name.to_owned())),
        }
    }
}

impl BackendName {
    /// As it is written.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Wgpu => "wgpu",
            Self::Cpu => "cpu",
        }
    }
}

/// Every device of this machine: hardware first, then programs that play a GPU, then the CPU reference, which is always there.
/// Each is opened to learn what it can do.
pub async fn adapters() -> Vec<Adapter> {
    let mut all = Vec::new();
    for (name, software) in gpus().await {
        let facts = match wgpu(&name).await {
            Ok(backend) => facts(backend.caps()),
            Err(error) => vec![error.to_string()],
        };
        all.push(Adapter { backend: BackendName::Wgpu, name, software, facts });
    }
    all.push(cpu_adapter());
    all
}

impl AnyBackend {
    /// Takes a device. `adapter` is part of a name that [`adapters`] lists, in any case. A software adapter is only taken when it is
    /// named, or when wgpu is and has nothing else.
    ///
    /// # Errors
    /// [`BackendError`] when there is none of that kind or name, or it cannot be opened.
    pub async fn open(name: BackendName, adapter: Option<&str>) -> Result<Chosen, BackendError> {
        let gpus = if name == BackendName::Cpu { Vec::new() } else { gpus().await };
        if let Some(wanted) = adapter {
            let fits = |name: &str| name.to_lowercase().contains(&wanted.to_lowercase());
            if let Some((found, _)) = gpus.iter().find(|(name, _)| fits(name)) {
                return Ok(Chosen {
                    backend: Self::Wgpu(wgpu(found).await?),
                    why: "its adapter was named".into(),
                });
            }
            let reference = Caps::reference().name;
            if name != BackendName::Wgpu && fits(&reference) {
                return Ok(cpu("it was named"));
            }
            let mut known: Vec<_> = gpus.into_iter().map(|(name, _)| name).collect();
            known.extend((name != BackendName::Wgpu).then_some(reference));
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            return Err(BackendError::NoAdapter { backend: name.name(), wanted: wanted.to_owned(), known });
        }
        let best = gpus.first().map(|(name, software)| (name.as_str(), *software));
        match (name, best) {
            (BackendName::Cpu, _) => Ok(cpu("it was asked for")),
            (BackendName::Wgpu, None) => Err(BackendError::NoGpu),
            (BackendName::Wgpu, Some((name, software))) => {
                let why = if software {
                    "wgpu was asked for, and only a software adapter is there"
                } else {
                    "wgpu was asked for"
                };
                Ok(Chosen { backend: Self::Wgpu(wgpu(name).await?), why: why.into() })
            }
            (BackendName::Auto, Some((name, false))) => {
                Ok(Chosen { backend: Self::Wgpu(wgpu(name).await?), why: "it is a hardware GPU".into() })
            }
            (BackendName::Auto, Some((name, true))) => Ok(cpu(&format!(
                "no hardware GPU was found, and {name}, which is software, was not asked for"
            ))),
            (BackendName::Auto, None) => Ok(cpu("no GPU was found")),
        }
    }

    /// What the device can do.
    #[must_use]
    pub fn caps(&self) -> &Caps {
        on!(Self, self, backend => backend.caps())
    }

    /// Plans a model on it, allocating nothing there: see [`Prepared::inspect`].
    ///
    /// # Errors
    /// As [`Prepared::inspect`].
    pub fn inspect(
        &self,
        prepared: &mut Prepared,
        key: ProgramKey,
        draws: usize,
    ) -> Result<Inspection, CompileError> {
        on!(Self, self, backend => prepared.inspect(backend, key, draws))
    }
}

impl AnyPipeline {
    /// Loads a model onto a device: see [`Pipeline::load`].
    ///
    /// # Errors
    /// As [`Pipeline::load`].
    pub async fn load(
        backend: AnyBackend,
        files: &dyn ModelFiles,
        precision: Precision,
        watch: Watch<'_>,
    ) -> Result<Self, LoadError> {
        match backend {
            AnyBackend::Cpu(backend) => {
                Ok(Self::Cpu(Pipeline::load(backend, files, precision, watch).await?))
            }
            AnyBackend::Wgpu(backend) => {
                Ok(Self::Wgpu(Pipeline::load(backend, files, precision, watch).await?))
            }
        }
    }

    /// Makes pictures: see [`Pipeline::generate`].
    ///
    /// # Errors
    /// As [`Pipeline::generate`].
    pub async fn generate(
        &self,
        request: &Request,
        cancel: &Cancel,
        watch: Option<Watch<'_>>,
    ) -> Result<Generated, GenerateError> {
        on!(Self, self, pipeline => pipeline.generate(request, cancel, watch).await)
    }

    /// What the device can do.
    #[must_use]
    pub fn caps(&self) -> &Caps {
        on!(Self, self, pipeline => pipeline.backend().caps())
    }

    /// The model.
    #[must_use]
    pub const fn model(&self) -> &Model {
        on!(Self, self, pipeline => pipeline.model())
    }

    /// The wgpu device, if it runs on one.
    #[must_use]
    pub const fn wgpu(&self) -> Option<&WgpuBackend> {
        match self {
            Self::Cpu(_) => None,
            Self::Wgpu(pipeline) => Some(pipeline.backend()),
        }
    }

    /// Does something that is written once for all backends.
    pub fn visit<V: VisitPipeline>(&self, visitor: V) -> V::Output {
        on!(Self, self, pipeline => visitor.visit(pipeline))
    }
}

/// wgpu's adapters by `NAME (API)`, the best first, with whether they are software.
async fn gpus() -> Vec<(String, bool)> {
    let all = onelaunch_wgpu::adapters().await;
    all.into_iter().map(|a| (format!("{} ({})", a.name, a.api), a.software)).collect()
}

async fn wgpu(name: &str) -> Result<WgpuBackend, BackendError> {
    let select = Select { name: Some(name.to_owned()), ..Select::default() };
    WgpuBackend::new(&select).await.map_err(|error| BackendError::Open { name: name.to_owned(), error })
}

fn facts(caps: &Caps) -> Vec<String> {
    vec![
        format!(
            "16-bit floats: {}",
            if caps.f16 { "yes" } else { "no; activations are f32, weights stay packed" }
        ),
        format!(
            "largest buffer {} MiB, largest binding {} MiB",
            caps.max_buffer >> 20,
            caps.max_binding >> 20
        ),
        format!(
            "workgroups of {} threads with {} KiB of memory, {} storage buffers",
            caps.workgroup_threads,
            caps.workgroup_bytes >> 10,
            caps.storage_buffers
        ),
    ]
}

fn cpu(why: &str) -> Chosen {
    Chosen { backend: AnyBackend::Cpu(CpuBackend::new(None)), why: why.to_owned() }
}

fn cpu_adapter() -> Adapter {
    let facts = vec![
        format!("{} threads", rayon::current_num_threads()),
        format!("vector units: {}", vector_units()),
        "f32 activations; weights are widened to f32".to_owned(),
    ];
    Adapter { backend: BackendName::Cpu, name: Caps::reference().name, software: true, facts }
}

/// The widest vector instructions that matrix products find at run time.
fn vector_units() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    {
        if std::arch::is_x86_feature_detected!("avx512f") {
            return "AVX-512";
        }
        if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
            return "AVX2 and FMA";
        }
        "SSE2"
    }
    #[cfg(target_arch = "aarch64")]
    {
        "NEON"
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    {
        "none known"
    }
}
