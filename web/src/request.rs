//! From plain objects to what core takes: the options of a load and the wish of a picture.

use std::str::FromStr;
use std::sync::Arc;

use js_sys::{Function, Promise};
use onelaunch_core::maybe::MaybeFuture;
use onelaunch_core::reference::Yield;
use onelaunch_core::schedule::SamplerName;
use onelaunch_core::{Pace, Precision, Request};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

use crate::failure::{Failure, Kind};
use crate::js::Fields;

/// Which backend a caller wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// A hardware GPU where there is one, else the CPU.
    Auto,
    /// WebGPU, software adapters too.
    WebGpu,
    /// The CPU.
    Cpu,
}

impl FromStr for Wanted {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "auto" => Ok(Self::Auto),
            "webgpu" => Ok(Self::WebGpu),
            "cpu" => Ok(Self::Cpu),
            _ => Err(format!("unknown backend `{name}`; known: auto, webgpu, cpu")),
        }
    }
}

/// Options of a load or plan.
#[derive(Debug)]
pub struct Options {
    pub wanted: Wanted,
    pub precision: Precision,
    /// Plans of more are refused.
    pub max_bytes: Option<u64>,
    /// One turn of the event loop.
    turn: Option<Function>,
}

impl Options {
    pub fn read(options: &JsValue) -> Result<Self, Failure> {
        let fields = Fields(options);
        let precision = match fields.text("precision")?.as_deref() {
            None | Some("f32") => Precision::F32,
            Some("f16") => Precision::F16,
            Some(other) => {
                return Err(Failure::new(
                    Kind::BadRequest,
                    format!("unknown precision `{other}`; known: f32, f16"),
                ));
            }
        };
        Ok(Self {
            wanted: fields.named("backend")?.unwrap_or(Wanted::Auto),
            precision,
            max_bytes: fields.whole("maxBytes")?,
            turn: fields.function("turn")?,
        })
    }

    /// What the CPU awaits between slices.
    pub fn yielder(&self) -> Result<Yield, Failure> {
        let missing = || {
            Failure::new(
                Kind::BadRequest,
                "the CPU needs `turn`, a function whose promise takes one turn of the event loop",
            )
        };
        let turn = self.turn.clone().ok_or_else(missing)?;
        // The type is shared with targets that have threads.
        #[expect(clippy::arc_with_non_send_sync, reason = "core's type for it, where there are threads too")]
        let yielder: Yield = Arc::new(move || -> MaybeFuture<'static, ()> {
            let turn = turn.clone();
            Box::pin(async move {
                let promise = turn.call0(&JsValue::UNDEFINED).ok().and_then(|p| p.dyn_into::<Promise>().ok());
                // A turn that fails is over too.
                if let Some(promise) = promise {
                    let _ = JsFuture::from(promise).await;
                }
            })
        });
        Ok(yielder)
    }
}

/// A wish, and how it is shown while it is made.
#[derive(Debug)]
pub struct Asked {
    pub request: Request,
    /// Somebody waits for steps or previews.
    pub watched: bool,
    /// Previews are drawn.
    pub previews: bool,
    /// Finished pictures are drawn.
    pub bitmaps: bool,
}

impl Asked {
    pub fn read(request: &JsValue) -> Result<Self, Failure> {
        let fields = Fields(request);
        let needed = |name: &str| Failure::new(Kind::BadRequest, format!("`{name}` is needed"));
        let sampler: Option<SamplerName> = fields.named("sampler")?;
        let previews = fields.flag("previews")?;
        let request = Request {
            prompt: fields.text("prompt")?.ok_or_else(|| needed("prompt"))?,
            negative: fields.text("negative")?.unwrap_or_default(),
            steps: fields.count("steps")?,
            guidance: fields.float("guidance")?,
            guidance_interval: fields.pair("guidanceInterval")?,
            sampler: sampler.map(|name| name.sampler),
            eta: fields.float("eta")?,
            sigmas: fields.named("sigmas")?.or(sampler.and_then(|name| name.sigmas)),
            spacing: fields.named("spacing")?,
            seed: fields.seed("seed")?.ok_or_else(|| needed("seed"))?,
            noise: fields.named("noise")?.unwrap_or_default(),
            count: fields.count("count")?,
            width: fields.count("width")?,
            height: fields.count("height")?,
            previews: false,
            pace: if fields.flag("whole")? { Pace::Whole } else { Pace::Measured },
        };
        Ok(Self { request, watched: fields.flag("watched")?, previews, bitmaps: fields.flag("bitmaps")? })
    }
}
