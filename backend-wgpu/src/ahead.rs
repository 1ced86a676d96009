//! Kernels compiled beside the queue, in browsers. wgpu only creates pipelines at once, and then whatever is queued behind them waits for
//! the driver's compiler. `createComputePipelineAsync` makes them all at the same time and delays nothing; browsers share pipelines
//! of equal content, so those that wgpu creates afterwards are there at once, as long as these are kept.
//!
//! Measured with 17 kernels in Chromium on SwiftShader: while they compile, a round trip of the queue takes 0.7 ms (median) instead of 22 ms,
//! and 0.2 to 0.4 s at worst instead of 0.5 to 1.0 s. On the two cores that compiler and page share there, all of them together are not
//! ready sooner; what wgpu then makes of them takes 16 to 54 ms.

use js_sys::{Array, JsString, Object, Promise, Reflect};
use onelaunch_core::DeviceError;
use onelaunch_core::backend::CompileError;
use onelaunch_core::maybe::Listener;
use onelaunch_shaders::{Access, Shader};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use crate::backend::WgpuBackend;
use crate::buffers::Scope;
use crate::compile::KernelKey;

#[wasm_bindgen]
extern "C" {
    /// The part of `GPUDevice` that is needed here: wgpu keeps its descriptors to itself.
    type Device;
    #[wasm_bindgen(method, catch, js_name = createShaderModule)]
    fn shader_module(this: &Device, descriptor: &Object) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method, catch, js_name = createBindGroupLayout)]
    fn bind_group_layout(this: &Device, descriptor: &Object) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method, catch, js_name = createPipelineLayout)]
    fn pipeline_layout(this: &Device, descriptor: &Object) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method, catch, js_name = createComputePipelineAsync)]
    fn compute_pipeline(this: &Device, descriptor: &Object) -> Result<Promise, JsValue>;
}

/// Pipelines that the browser has ready while this is kept.
pub(crate) struct Ahead(#[expect(dead_code, reason = "kept, not read")] Vec<JsValue>);

/// Compiles kernels, all at once; `progress` hears of each.
pub(crate) async fn compile(
    backend: &WgpuBackend,
    keys: &[KernelKey],
    progress: Listener<'_, (usize, usize)>,
) -> Result<Ahead, CompileError> {
    let failed = |key: &KernelKey, why: JsValue| CompileError::Kernel {
        kernel: key.shader.name.into(),
        reason: Reflect::get(&why, &"message".into()).ok().and_then(|m| m.as_string()).unwrap_or_default(),
    };
    let device = backend.device.as_webgpu();
    let device = device.ok_or_else(|| DeviceError::Other("this is no device of a browser".into()))?;
    let device: &Device = device.unchecked_ref();
    let (begun, scope) = {
        // A promise tells the same and more.
        let scope = backend.device.push_error_scope(wgpu::ErrorFilter::Validation);
        let begin = |key| begin(device, key).map(|promise| (key, promise)).map_err(|why| failed(key, why));
        (keys.iter().map(begin).collect::<Result<Vec<_>, _>>(), Box::pin(scope.pop()) as Scope)
    };
    let mut ready = Vec::new();
    for (key, promise) in begun? {
        progress((ready.len(), keys.len()));
        let pipeline = JsFuture::from(promise).await;
        ready.push(pipeline.map_err(|why| {
            backend.health.check().err().map_or_else(|| failed(key, why), CompileError::from)
        })?);
    }
    progress((keys.len(), keys.len()));
    if let Some(error) = scope.await {
        return Err(DeviceError::Other(error.to_string()).into());
    }
    Ok(Ahead(ready))
}

/// Asks for one pipeline. What is described is what [`crate::compile`] describes to wgpu, to the letter: else it is another pipeline.
fn begin(device: &Device, key: &KernelKey) -> Result<Promise, JsValue> {
    let Shader { bindings, .. } = key.shader;
    let entries = Array::new();
    for binding in *bindings {
        let kind = match binding.access {
            Access::Uniform => "uniform",
            Access::Read => "read-only-storage",
            Access::ReadWrite => "storage",
        };
        let buffer = object(&[("type", kind.into()), ("hasDynamicOffset", false.into())])?;
        let entry = [
            ("binding", binding.binding.into()),
            ("visibility", wgpu::ShaderStages::COMPUTE.bits().into()),
            ("buffer", buffer.into()),
        ];
        entries.push(&object(&entry)?.into());
    }
    let group = device.bind_group_layout(&object(&[("entries", entries.into())])?)?;
    let groups = Array::of1(&group);
    let layout = device.pipeline_layout(&object(&[("bindGroupLayouts", groups.into())])?)?;
    let module = device.shader_module(&object(&[("code", JsString::from(key.shader.source()).into())])?)?;
    let constants: Vec<_> = key.constants.iter().map(|&(name, value)| (name, value.into())).collect();
    let stage =
        [("module", module), ("entryPoint", "main".into()), ("constants", object(&constants)?.into())];
    device.compute_pipeline(&object(&[("layout", layout), ("compute", object(&stage)?.into())])?)
}

fn object(members: &[(&str, JsValue)]) -> Result<Object, JsValue> {
    let object = Object::new();
    for (name, value) in members {
        Reflect::set(&object, &JsValue::from_str(name), value)?;
    }
    Ok(object)
}
