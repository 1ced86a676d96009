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
    /// Part of the adapter's name as `NAME (API)`, case ignored. Without one, hardware: discrete before integrated.
    pub name: Option<String>,
    /// Where no name is given and there is no hardware, take a software adapter: in a browser, the fallback adapter.
    pub software: bool,
    /// Bytes that buffers may take in all.
    pub budget: Option<u64>,
}

/// Why there is no device.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Browsers have WebGPU for secure pages only.
    #[error("browsers offer WebGPU to secure pages only: open this page over https, or from localhost")]
    Insecure,
    /// The browser has no WebGPU at all.
    #[error("this browser has no WebGPU: use a current Chrome, Edge, Firefox or Safari, or the CPU")]
    Missing,
    /// There is none of what was sought among the adapters.
    #[error("there is no {sought} among {found:?}: {advice}")]
    NoAdapter {
        /// What was sought.
        sought: String,
        /// Names of all adapters.
        found: Vec<String>,
        /// What to do.
        advice: &'static str,
    },
    /// The adapter gave no device.
    #[error(transparent)]
    Device(#[from] DeviceError),
}

impl From<OpenError> for DeviceError {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Device(error) => error,
            other => Self::Usage(other.to_string()),
        }
    }
}

/// What to do where no adapter fits.
#[cfg(not(target_arch = "wasm32"))]
const ADVICE: &str = "name one of these, or use the CPU reference";
/// What to do where no adapter fits.
#[cfg(target_arch = "wasm32")]
const ADVICE: &str =
    "switch graphics acceleration on in the browser's settings and update the driver, or use the CPU";

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
pub async fn open(select: &Select) -> Result<(wgpu::AdapterInfo, wgpu::Device, wgpu::Queue), OpenError> {
    #[cfg(target_arch = "wasm32")]
    browser::offered()?;
    let all = raw_adapters(&instance()).await;
    let names: Vec<String> = all.iter().map(|a| called(&a.get_info())).collect();
    let adapter = all
        .into_iter()
        .filter(|a| wanted(&a.get_info(), select))
        .min_by_key(|a| rank(a.get_info().device_type));
    let adapter = adapter.ok_or_else(|| {
        let kind = if select.software { "GPU" } else { "hardware GPU" };
        let named = |name| format!("adapter named like `{name}`");
        let sought = select.name.as_ref().map_or_else(|| kind.into(), named);
        OpenError::NoAdapter { sought, found: names, advice: ADVICE }
    })?;
    let descriptor = wgpu::DeviceDescriptor {
        label: Some("onelaunch"),
        required_features: adapter.features() & WANTED,
        required_limits: adapter.limits(),
        ..Default::default()
    };
    let (device, queue) =
        adapter.request_device(&descriptor).await.map_err(|why| DeviceError::Other(why.to_string()))?;
    #[cfg(target_arch = "wasm32")]
    let info = wgpu::AdapterInfo { name: browser::name(&device), ..adapter.get_info() };
    #[cfg(not(target_arch = "wasm32"))]
    let info = adapter.get_info();
    Ok((info, device, queue))
}

/// For messages: browsers do not name adapters before they give a device.
fn called(info: &wgpu::AdapterInfo) -> String {
    match (info.name.is_empty(), info.device_type) {
        (false, _) => info.name.clone(),
        (true, wgpu::DeviceType::Cpu) => "a software adapter".into(),
        (true, _) => "an adapter without a name".into(),
    }
}

/// Name and API: one card may be there through two.
fn full_name(info: &wgpu::AdapterInfo) -> String {
    format!("{} ({:?})", info.name, info.backend)
}

fn wanted(info: &wgpu::AdapterInfo, select: &Select) -> bool {
    match &select.name {
        Some(name) => full_name(info).to_lowercase().contains(&name.to_lowercase()),
        None => select.software || info.device_type != wgpu::DeviceType::Cpu,
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

pub(crate) fn instance() -> wgpu::Instance {
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

/// What wgpu does not tell of a browser.
#[cfg(target_arch = "wasm32")]
mod browser {
    use js_sys::Reflect;
    use wasm_bindgen::JsValue;

    use super::OpenError;

    fn member(object: &JsValue, name: &str) -> JsValue {
        // What is no object has no members.
        Reflect::get(object, &name.into()).unwrap_or(JsValue::UNDEFINED)
    }

    /// Whether there is WebGPU, or why not.
    pub fn offered() -> Result<(), OpenError> {
        let global: JsValue = js_sys::global().into();
        let gpu = member(&member(&global, "navigator"), "gpu");
        match (gpu.is_truthy(), member(&global, "isSecureContext").as_bool()) {
            (true, _) => Ok(()),
            (false, Some(false)) => Err(OpenError::Insecure),
            (false, _) => Err(OpenError::Missing),
        }
    }

    /// What the browser tells of a GPU, which may be little.
    pub fn name(device: &wgpu::Device) -> String {
        let info = device.as_webgpu().map_or(JsValue::UNDEFINED, |d| member(d.as_ref(), "adapterInfo"));
        let told = ["vendor", "architecture", "device", "description"].map(|m| member(&info, m).as_string());
        let told: Vec<String> = told.into_iter().flatten().filter(|text| !text.is_empty()).collect();
        if told.is_empty() { "GPU".into() } else { told.join(" ") }
    }
}
