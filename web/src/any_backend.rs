//! The only file of the crate that matches over backends.

use std::cell::OnceCell;

use js_sys::Function;
use onelaunch_core::model::Model;
use onelaunch_core::pipeline::{Prepared, Watch};
use onelaunch_core::{Backend, Caps, CpuBackend, Event, Generated, Pipeline, Request, Viewer};
use onelaunch_wgpu::{Select, WgpuBackend, WgpuSession};

use crate::call::both;
use crate::event::tell;
use crate::failure::{Failure, Kind};
use crate::host::HostFiles;
use crate::listing::Listing;
use crate::plan::Plan;
use crate::request::{Asked, Options, Wanted};
use crate::show::{Easel, Show};
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
    Gpu(Pipeline<WgpuBackend>, OnceCell<Easel>),
}

/// The same expression for whichever variant it is.
macro_rules! on {
    ($any:ident, $of:expr, $inner:ident => $do:expr) => {
        match $of {
            $any::Cpu($inner) => $do,
            $any::Gpu($inner, ..) => $do,
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
                let backend = gpu(true).await?;
                let why = if backend.caps().is_cpu {
                    "WebGPU was asked for, and only a software adapter is there"
                } else {
                    "WebGPU was asked for"
                };
                Ok(Chosen { backend: Self::Gpu(backend), why: why.into() })
            }
            Wanted::Auto => match gpu(false).await {
                Ok(backend) => Ok(Chosen { backend: Self::Gpu(backend), why: "it is a hardware GPU".into() }),
                Err(failure) => cpu(failure.message),
            },
        }
    }

    /// Gives the device back at once, not when the browser finds time for it.
    pub fn close(self) {
        match self {
            Self::Cpu(_) => {}
            Self::Gpu(backend) => backend.destroy(),
        }
    }

    pub const fn name(&self) -> &'static str {
        match self {
            Self::Cpu(_) => "cpu",
            Self::Gpu(..) => "webgpu",
        }
    }

    pub fn caps(&self) -> &Caps {
        on!(Self, self, backend => backend.caps())
    }

    /// What a model would take here.
    pub fn plan(&self, prepared: &mut Prepared, options: &Options) -> Result<Plan, Failure> {
        let on_cpu = matches!(self, Self::Cpu(_));
        on!(Self, self, backend => Plan::new(backend, prepared, options.precision, options.max_bytes, on_cpu))
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
        let mut prepared = Prepared::new(files).await?;
        let plan = backend.plan(&mut prepared, options)?;
        plan.check()?;
        let watch = |event: Event| tell(events, event);
        match backend {
            AnyBackend::Cpu(backend) => {
                drop(plan);
                Ok(Self::Cpu(prepared.load(backend, options.precision, &watch).await?))
            }
            AnyBackend::Gpu(backend) => {
                let (loading, compiling) = (backend.clone(), backend);
                let load = async { Ok(prepared.load(loading, options.precision, &watch).await?) };
                let progress = |(done, of)| watch(Event::Kernels(done, of));
                let compile = async { Ok(compiling.warm(&plan.inspection.planned, &progress).await?) };
                let (pipeline, ()) = both(load, compile).await?;
                Ok(Self::Gpu(pipeline, OnceCell::new()))
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
        let watch: Option<Watch<'_>> = if asked.watched || asked.previews { Some(&watch) } else { None };
        let (request, cancel) = (&asked.request, signal.cancel());
        let made = match self {
            Self::Cpu(pipeline) => {
                // The pixels are here anyway.
                let request = Request { previews: asked.previews, ..request.clone() };
                pipeline.generate(&request, cancel, watch).await?
            }
            Self::Gpu(pipeline, easel) if asked.previews || asked.bitmaps => {
                if easel.get().is_none() {
                    // One call at a time, so nobody set it in between.
                    let _ = easel.set(Easel::new(pipeline.backend()).await?);
                }
                let show = easel.get().map(|easel| Show {
                    easel,
                    events,
                    previews: asked.previews,
                    bitmaps: asked.bitmaps,
                });
                let viewer = show.as_ref().map(|show| show as &dyn Viewer<WgpuSession>);
                pipeline.generate_shown(request, cancel, watch, viewer).await?
            }
            Self::Gpu(pipeline, _) => pipeline.generate(request, cancel, watch).await?,
        };
        Ok(made)
    }

    pub const fn name(&self) -> &'static str {
        match self {
            Self::Cpu(_) => "cpu",
            Self::Gpu(..) => "webgpu",
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
            Self::Gpu(pipeline, _) => {
                pipeline.backend().destroy();
                Ok(())
            }
        }
    }
}

/// Opens WebGPU: hardware, or the fallback adapter too.
async fn gpu(software: bool) -> Result<WgpuBackend, Failure> {
    Ok(WgpuBackend::open_device(&Select { software, ..Select::default() }).await?)
}
