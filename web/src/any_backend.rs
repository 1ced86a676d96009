//! The only file of the crate that matches over backends.

use js_sys::Function;
use onelaunch_core::backend::DeviceError;
use onelaunch_core::model::Model;
use onelaunch_core::{Backend, Caps, CpuBackend, Event, Generated, Pipeline, Request};
use onelaunch_wgpu::{Select, WgpuBackend};
use wasm_bindgen::JsValue;

use crate::call::both;
use crate::event::tell;
use crate::failure::{Failure, Kind};
use crate::host::HostFiles;
use crate::js;
use crate::listing::Listing;
use crate::plan::Plan;
use crate::request::{Asked, Options, Wanted};
use crate::signal::Signal;

/// A device, ready to load a model.
pub enum AnyBackend {
    Cpu(CpuBackend),
    Gpu(WgpuBackend),
}

/// A device with the reason why it was taken.
pub struct Chosen {
    pub backend: AnyBackend,
    pub why: String,
}

/// A model on a device.
pub enum AnyPipeline {
    Cpu(Pipeline<CpuBackend>),
    Gpu(Pipeline<WgpuBackend>),
}

/// The same expression for whichever variant it is.
macro_rules! on {
    ($any:ident, $of:expr, $inner:ident => $do:expr) => {
        match $of {
            $any::Cpu($inner) => $do,
            $any::Gpu($inner) => $do,
        }
    };
}

impl AnyBackend {
    /// Takes a device. A software adapter is only taken where WebGPU is named: wasm is faster.
    pub async fn open(options: &Options) -> Result<Chosen, Failure> {
        let cpu =
            |why: String| Ok(Chosen { backend: Self::Cpu(CpuBackend::new(Some(options.yielder()?))), why });
        match options.wanted {
            Wanted::Cpu => cpu("it was asked for".into()),
            Wanted::WebGpu => {
                let backend = gpu(Some(String::new())).await?;
                let why = if backend.caps().is_cpu {
                    "WebGPU was asked for, and only a software adapter is there"
                } else {
                    "WebGPU was asked for"
                };
                Ok(Chosen { backend: Self::Gpu(backend), why: why.into() })
            }
            Wanted::Auto => match gpu(None).await {
                Ok(backend) => Ok(Chosen { backend: Self::Gpu(backend), why: "it is a hardware GPU".into() }),
                Err(failure) => cpu(failure.message),
            },
        }
    }

    pub const fn name(&self) -> &'static str {
        match self {
            Self::Cpu(_) => "cpu",
            Self::Gpu(_) => "webgpu",
        }
    }

    pub fn caps(&self) -> &Caps {
        on!(Self, self, backend => backend.caps())
    }

    /// What a model would take here.
    pub async fn plan(&self, files: &HostFiles, options: &Options) -> Result<Plan, Failure> {
        let on_cpu = matches!(self, Self::Cpu(_));
        on!(Self, self, backend => Plan::new(backend, files, options.precision, options.max_bytes, on_cpu).await)
    }
}

impl AnyPipeline {
    /// Plans, refuses what does not fit, then loads; on a GPU kernels are compiled while weights come.
    pub async fn load(
        backend: AnyBackend,
        files: &HostFiles,
        options: &Options,
        events: &Function,
    ) -> Result<Self, Failure> {
        let plan = backend.plan(files, options).await?;
        plan.check()?;
        let watch = |event: Event| tell(events, event);
        match backend {
            AnyBackend::Cpu(backend) => {
                drop(plan);
                Ok(Self::Cpu(Pipeline::load(backend, files, options.precision, &watch).await?))
            }
            AnyBackend::Gpu(backend) => {
                let (loading, compiling) = (backend.clone(), backend);
                let load = async { Ok(Pipeline::load(loading, files, options.precision, &watch).await?) };
                let progress = |(done, of)| watch(Event::Kernels(done, of));
                // The executable is made again by the first picture, out of kernels that are there then.
                let compile = async { Ok(compiling.compile(plan.inspection.planned, &progress).await?) };
                let (pipeline, _) = both(load, compile).await?;
                Ok(Self::Gpu(pipeline))
            }
        }
    }

    /// Makes pictures.
    pub async fn generate(
        &self,
        asked: &Asked,
        events: &Function,
        signal: &Signal,
    ) -> Result<Generated, Failure> {
        let watch = |event: Event| tell(events, event);
        let watched = asked.watched || asked.previews;
        let request = Request { previews: asked.previews, ..asked.request.clone() };
        let made = on!(Self, self, pipeline => {
            pipeline.generate(&request, signal.cancel(), if watched { Some(&watch) } else { None }).await
        });
        Ok(made?)
    }

    pub const fn name(&self) -> &'static str {
        match self {
            Self::Cpu(_) => "cpu",
            Self::Gpu(_) => "webgpu",
        }
    }

    pub fn caps(&self) -> &Caps {
        on!(Self, self, pipeline => pipeline.backend().caps())
    }

    pub const fn model(&self) -> &Model {
        on!(Self, self, pipeline => pipeline.model())
    }

    pub const fn precision(&self) -> onelaunch_core::Precision {
        on!(Self, self, pipeline => pipeline.precision())
    }

    /// What the planner chose.
    pub fn listing(&self, request: &Request) -> Result<Listing, Failure> {
        on!(Self, self, pipeline => Listing::new(pipeline, request))
    }

    /// Loses the device, as drivers do.
    pub fn destroy(&self) -> Result<(), Failure> {
        match self {
            Self::Cpu(_) => Err(Failure::new(Kind::BadRequest, "the CPU has no device to destroy")),
            Self::Gpu(pipeline) => {
                pipeline.backend().device().0.destroy();
                Ok(())
            }
        }
    }
}

/// Opens WebGPU: hardware, or any adapter of a name.
async fn gpu(name: Option<String>) -> Result<WgpuBackend, Failure> {
    let global = JsValue::from(js_sys::global());
    let refused =
        |reason: &str, message: &str| Err(Failure::new(Kind::NoWebGpu, message).with("reason", reason));
    let secure = js::get(&global, "isSecureContext").and_then(|is| is.as_bool());
    if secure == Some(false) {
        return refused("insecure", "WebGPU is only there on pages that come over https or from localhost");
    }
    if js::get(&global, "navigator").and_then(|navigator| js::get(&navigator, "gpu")).is_none() {
        return refused("missing", "this browser has no WebGPU, or it is switched off");
    }
    let software = name.is_some();
    match WgpuBackend::new(&Select { name, ..Select::default() }).await {
        Ok(backend) => Ok(backend),
        Err(DeviceError::Usage(_)) if software => {
            refused("adapter", "WebGPU found no adapter: the GPU or its driver is not supported, or blocked")
        }
        Err(DeviceError::Usage(_)) => refused("adapter", "WebGPU found no hardware GPU"),
        Err(error) => refused("adapter", &format!("the adapter gives no device: {error}")),
    }
}
