//! What JavaScript holds: a model on a device.

use std::rc::Rc;

use js_sys::{Array, Function, Promise, Uint8ClampedArray};
use onelaunch_core::Generated;
use onelaunch_core::pipeline::Prepared;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::any_backend::{AnyBackend, AnyPipeline};
use crate::call::call;
use crate::failure::Failure;
use crate::host::{Host, HostFiles};
use crate::js::{self, number, object};
use crate::picture::recipe_value;
use crate::plan::model_value;
use crate::request::{Asked, Options};
use crate::signal::Signal;

/// A model on a device.
#[wasm_bindgen]
pub struct Engine {
    pipeline: Rc<AnyPipeline>,
    why: String,
}

#[wasm_bindgen]
impl Engine {
    /// Loads a model: plans it, refuses it if the plan does not fit, then reads its weights.
    #[wasm_bindgen(unchecked_return_type = "Promise<Engine>")]
    #[must_use]
    pub fn load(host: Host, options: JsValue, events: Function, signal: &Signal) -> Promise {
        let signal = signal.clone();
        call(async move {
            let work = async {
                let options = Options::read(&options)?;
                let files = HostFiles::new(host);
                let chosen = AnyBackend::open(&options).await?;
                let pipeline = AnyPipeline::load(chosen.backend, &files, &options, &events).await?;
                files.done();
                Ok(Self { pipeline: Rc::new(pipeline), why: chosen.why })
            };
            signal.or(work).await
        })
    }

    /// What a model would take, out of its configs and headers.
    #[wasm_bindgen(unchecked_return_type = "Promise<object>")]
    #[must_use]
    pub fn plan(host: Host, options: JsValue) -> Promise {
        call(async move {
            let options = Options::read(&options)?;
            let files = HostFiles::new(host);
            let chosen = AnyBackend::open(&options).await?;
            let mut prepared = Prepared::new(&files).await?;
            let plan = chosen.backend.plan(&mut prepared, &options)?;
            let value = plan.value(prepared.model(), &files)?;
            js::set(&value, "backend", &chosen.backend.name().into());
            js::set(&value, "why", &chosen.why.into());
            js::set(&value, "adapter", &chosen.backend.caps().name.as_str().into());
            chosen.backend.close();
            Ok(value)
        })
    }

    /// Makes pictures; one call at a time.
    #[wasm_bindgen(unchecked_return_type = "Promise<object>")]
    #[must_use]
    pub fn generate(&self, request: JsValue, events: Function, signal: &Signal) -> Promise {
        let (pipeline, signal) = (self.pipeline.clone(), signal.clone());
        call(async move {
            let asked = Asked::read(&request)?;
            let made = pipeline.generate(&asked, &events, &signal).await?;
            made_value(&pipeline, made)
        })
    }

    /// `webgpu` or `cpu`.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn backend(&self) -> String {
        self.pipeline.name().into()
    }

    /// Why it runs there.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn why(&self) -> String {
        self.why.clone()
    }

    /// What the device can do.
    ///
    /// # Errors
    /// None that a caller could cause.
    #[wasm_bindgen(getter)]
    pub fn caps(&self) -> Result<JsValue, JsValue> {
        Ok(js::plain(self.pipeline.caps())?)
    }

    /// The model's name, classes and defaults.
    ///
    /// # Errors
    /// `BadModel` where its defaults cannot be made.
    #[wasm_bindgen(getter)]
    pub fn model(&self) -> Result<JsValue, JsValue> {
        Ok(model_value(self.pipeline.model(), self.pipeline.precision())?)
    }

    /// What the planner chose for a request: kernels of all parts, and dispatches of a first picture.
    ///
    /// # Errors
    /// `BadRequest` for what the model cannot make.
    pub fn kernels(&self, request: &JsValue) -> Result<JsValue, JsValue> {
        let asked = Asked::read(request)?;
        Ok(js::plain(&self.pipeline.listing(&asked.request)?)?)
    }

    /// Loses the device, as drivers do: for tests.
    ///
    /// # Errors
    /// On the CPU.
    #[wasm_bindgen(js_name = destroyDevice)]
    pub fn destroy_device(&self) -> Result<(), JsValue> {
        Ok(self.pipeline.destroy()?)
    }
}

fn made_value(pipeline: &AnyPipeline, made: Generated) -> Result<JsValue, Failure> {
    let count = |n: usize| number(n as u64);
    let timings = made.timings;
    let images: Array = made.images.iter().map(|rgba| Uint8ClampedArray::from(&rgba[..])).collect();
    let recipes: Result<Array, Failure> = made.recipes.iter().map(recipe_value).collect();
    let timings = object([
        ("compile", timings.compile.into()),
        ("image", timings.image.into()),
        ("chunks", number(timings.chunks)),
        ("submits", number(timings.submits)),
        ("dispatches", number(timings.dispatches)),
        ("readbacks", number(timings.readbacks)),
        ("launches", number(timings.launches)),
    ]);
    Ok(object([
        ("width", count(made.width)),
        ("height", count(made.height)),
        ("images", images.into()),
        ("recipes", recipes?.into()),
        ("timings", timings),
        ("backend", pipeline.name().into()),
        ("adapter", pipeline.caps().name.as_str().into()),
    ]))
}
