//! Adapters and devices: which there are, which is taken, and what is asked of it.

use onelaunch_core::DeviceError;

/// A device that could be opened.
#[derive(Clone, Debug)]
pub struct Adapter {
    /// Its name, as the driver gives it.
    pub name: String,
    /// The API it is reached through: Vulkan, Metal, Dx12 or BrowserWebGpu.
    pub api: String,
    /// It runs on the CPU: only taken when it is named.
    pub software: bool,
}

/// Which device to open.
#[derive(Clone, Debug, Default)]
pub struct Select {
    /// Part of the adapter's name as `NAME (API)`, case ignored. Without one, hardware only: discrete before integrated.
    pub name: Option<String>,
    /// Bytes that buffers may take in all.
    pub budget: Option<u64>,
}

/// Features that kernels use where they are. (Browsers want a directive for subgroups that naga does not know yet.)
#[cfg(not(target_arch = "wasm32"))]
const WANTED: wgpu::Features = wgpu::Features::SHADER_F16.union(wgpu::Features::SUBGROUP);
/// Features that kernels use where they are. (Browsers want a directive for subgroups that naga does not know yet.)
#[cfg(target_arch = "wasm32")]
const WANTED: wgpu::Features = wgpu::Features::SHADER_F16;

/// All adapters, the best first.
pub async fn adapters() -> Vec<Adapter> {
    let describe = |a: &wgpu::Adapter| {
        let info = a.get_info();
        let software = info.device_type == wgpu::DeviceType::Cpu;
        Adapter { name: info.name, api: format!("{:?}", info.backend), software }
    };
    let mut all = raw_adapters(&instance()).await;
    all.sort_by_key(|a| rank(a.get_info().device_type));
    all.iter().map(describe).collect()
}

/// Opens a device with all limits of its adapter, and 16-bit floats and subgroups if it has them.
pub async fn open(select: &Select) -> Result<(wgpu::AdapterInfo, wgpu::Device, wgpu::Queue), DeviceError> {
    let all = raw_adapters(&instance()).await;
    let names: Vec<String> = all.iter().map(|a| a.get_info().name).collect();
    let adapter = all
        .into_iter()
        .filter(|a| wanted(&a.get_info(), select))
        .min_by_key(|a| rank(a.get_info().device_type));
    let adapter = adapter.ok_or_else(|| {
        let sought = select
            .name
            .as_deref()
            .map_or("a hardware GPU".into(), |n| format!("an adapter named like `{n}`"));
        DeviceError::Usage(format!(
            "there is no {sought} among {names:?}: name one of these, or use the CPU reference"
        ))
    })?;
    let descriptor = wgpu::DeviceDescriptor {
        label: Some("onelaunch"),
        required_features: adapter.features() & WANTED,
        required_limits: adapter.limits(),
        ..Default::default()
    };
    let (device, queue) =
        adapter.request_device(&descriptor).await.map_err(|why| DeviceError::Other(why.to_string()))?;
    Ok((adapter.get_info(), device, queue))
}

/// Name and API: one card may be there through two.
fn full_name(info: &wgpu::AdapterInfo) -> String {
    format!("{} ({:?})", info.name, info.backend)
}

fn wanted(info: &wgpu::AdapterInfo, select: &Select) -> bool {
    match &select.name {
        Some(name) => full_name(info).to_lowercase().contains(&name.to_lowercase()),
        None => info.device_type != wgpu::DeviceType::Cpu,
    }
}

fn rank(kind: wgpu::DeviceType) -> u32 {
    match kind {
        wgpu::DeviceType::DiscreteGpu => 0,
        wgpu::DeviceType::IntegratedGpu => 1,
        wgpu::DeviceType::VirtualGpu => 2,
        wgpu::DeviceType::Other => 3,
        wgpu::DeviceType::Cpu => 4,
    }
}

fn instance() -> wgpu::Instance {
    wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle())
}

#[cfg(not(target_arch = "wasm32"))]
async fn raw_adapters(instance: &wgpu::Instance) -> Vec<wgpu::Adapter> {
    // OpenGL has no storage buffers worth the name on most drivers, and is not built in.
    instance.enumerate_adapters(wgpu::Backends::PRIMARY).await
}

/// A browser has no list, only a choice.
#[cfg(target_arch = "wasm32")]
async fn raw_adapters(instance: &wgpu::Instance) -> Vec<wgpu::Adapter> {
    let options = wgpu::RequestAdapterOptions {
        power_preference: wgpu::PowerPreference::HighPerformance,
        ..Default::default()
    };
    instance.request_adapter(&options).await.into_iter().collect()
}
