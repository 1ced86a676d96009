//! Whole models under test: the goldens that other people's libraries made of them, and ways to run ours, in part and whole.

pub mod evaluate;
pub mod golden;
pub mod probe;
pub mod replay;
pub mod runner;
pub mod synthetic;

use std::path::PathBuf;

use onelaunch_core::DeviceError;
use onelaunch_core::image::Image;
use onelaunch_wgpu::{Select, WgpuBackend};
use pollster::block_on;

use crate::skip::skipped;

/// Limits that a device is opened with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limits {
    /// All that the adapter has.
    Adapter,
    /// What WebGPU promises everywhere.
    WebGpu,
}

/// The adapter that tests use (`ONELAUNCH_TEST_ADAPTER`, else lavapipe) with the limits that they use (all, or WebGPU's where
/// `ONELAUNCH_TEST_LIMITS` is `webgpu`), or `None` with a line that says why; a panic where skips are failures.
///
/// # Panics
/// Without an adapter, if `ONELAUNCH_SKIPS` is `fail`.
#[must_use]
pub fn wgpu() -> Option<WgpuBackend> {
    let webgpu = std::env::var("ONELAUNCH_TEST_LIMITS").is_ok_and(|v| v == "webgpu");
    wgpu_with(if webgpu { Limits::WebGpu } else { Limits::Adapter })
}

/// As [`wgpu()`], with limits of one's own.
///
/// # Panics
/// Without an adapter, if `ONELAUNCH_SKIPS` is `fail`.
#[must_use]
pub fn wgpu_with(limits: Limits) -> Option<WgpuBackend> {
    let name = std::env::var("ONELAUNCH_TEST_ADAPTER").unwrap_or_else(|_| "llvmpipe".into());
    let opened = match limits {
        Limits::Adapter => block_on(WgpuBackend::new(&Select { name: Some(name), ..Select::default() })),
        Limits::WebGpu => block_on(least(&name)),
    };
    match opened {
        Ok(backend) => Some(backend),
        Err(why) => {
            skipped("wgpu", &why.to_string());
            None
        }
    }
}

/// A device with no more than every WebGPU device has, 16-bit floats aside: no subgroups either.
async fn least(name: &str) -> Result<WgpuBackend, DeviceError> {
    let instance = ::wgpu::Instance::new(::wgpu::InstanceDescriptor::new_without_display_handle());
    let all = instance.enumerate_adapters(::wgpu::Backends::PRIMARY).await;
    let fits = |a: &::wgpu::Adapter| a.get_info().name.to_lowercase().contains(&name.to_lowercase());
    let missing = || DeviceError::Usage(format!("no adapter is called `{name}`"));
    let adapter = all.into_iter().find(fits).ok_or_else(missing)?;
    let descriptor = ::wgpu::DeviceDescriptor {
        required_features: adapter.features() & ::wgpu::Features::SHADER_F16,
        required_limits: ::wgpu::Limits::default(),
        ..Default::default()
    };
    let opened = adapter.request_device(&descriptor).await;
    let (device, queue) = opened.map_err(|why| DeviceError::Other(why.to_string()))?;
    Ok(WgpuBackend::from_device(&adapter.get_info(), device, queue, None))
}

/// All that the dispatch list of a picture depends on: which rows of its schedule are guided.
#[must_use]
pub fn bare_image(guided: Vec<bool>) -> Image {
    Image {
        prompts: Vec::new(),
        prompt_rows: if guided.contains(&true) { 2 } else { 1 },
        timesteps: Vec::new(),
        rows: Vec::new(),
        guided,
        latents: Vec::new(),
        noise: Vec::new(),
        generation: 0,
    }
}

/// A file of the source tree.
#[must_use]
pub fn in_tree(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}
