//! `compile`: the launch of every node, one pipeline per kernel, and all parameters in one block of bytes.

use std::collections::BTreeMap;

use onelaunch_core::Caps;
use onelaunch_core::backend::{CompileError, Planned, Unsupported};
use onelaunch_core::graph::{Node, ValueId};
use onelaunch_core::maybe::Listener;
use onelaunch_shaders::{Access, Shader};

use crate::backend::WgpuBackend;
use crate::buffers::Scope;
use crate::caps::ALIGNMENT;
use crate::ops::{Bind, Launch, Site, launch, word};

/// Pipelines and launches of a program; owns no buffer.
#[derive(Debug)]
pub struct WgpuExecutable {
    pub(crate) planned: Planned,
    /// By part and node.
    pub(crate) launches: Vec<Vec<Prepared>>,
    /// Pipelines of the program.
    pub(crate) kernels: Vec<Kernel>,
    /// Parameters of all launches, each at a multiple of the alignment; equal ones are stored once.
    pub(crate) params: Vec<u8>,
}

/// A launch with everything but buffers.
#[derive(Clone, Debug)]
pub(crate) struct Prepared {
    /// Position in the executable's kernels.
    pub kernel: usize,
    /// Offset of the parameters, bytes.
    pub params: u64,
    /// Storage bindings in order.
    pub binds: Vec<Bound>,
    /// Workgroups.
    pub grid: [u32; 2],
}

/// What a binding sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bound {
    /// A range of the memory of a value that owns its memory; no length means all behind the offset.
    Value {
        /// The owner.
        owner: ValueId,
        /// Bytes, a multiple of the alignment.
        offset: u64,
        /// Bytes.
        bytes: Option<u64>,
    },
    /// The small buffer.
    Dummy,
}

/// What tells pipelines apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KernelKey {
    pub(crate) shader: &'static Shader,
    pub(crate) constants: Vec<(&'static str, u32)>,
}

impl KernelKey {
    pub(crate) fn of(launch: &Launch) -> Self {
        Self { shader: launch.shader, constants: launch.constants.clone() }
    }
    fn order(&self) -> (&str, &[(&'static str, u32)]) {
        (self.shader.name, &self.constants)
    }
}

impl Ord for KernelKey {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.order().cmp(&other.order())
    }
}

impl PartialOrd for KernelKey {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// A pipeline with the layout of its bind group.
#[derive(Clone, Debug)]
pub(crate) struct Kernel {
    pub pipeline: wgpu::ComputePipeline,
    pub layout: wgpu::BindGroupLayout,
}

impl WgpuExecutable {
    /// Number of distinct pipelines.
    pub fn pipelines(&self) -> usize {
        self.kernels.len()
    }
}

/// All launches of a program, with the kernels and the parameters they share: pure, so that memory is known before anything is made.
#[derive(Default)]
pub(crate) struct Launches {
    rows: Vec<Vec<Prepared>>,
    kernels: Vec<KernelKey>,
    pub params: Vec<u8>,
}

/// Prepares every node.
pub(crate) fn launches(caps: &Caps, planned: &Planned) -> Result<Launches, Unsupported> {
    let mut all = Launches::default();
    let mut places: BTreeMap<Vec<u32>, u64> = BTreeMap::new();
    for part in &planned.program.parts {
        let mut row = Vec::new();
        for node in &part.nodes {
            let (made, binds) = prepare(caps, planned, node).map_err(|reason| Unsupported {
                backend: "wgpu",
                op: node.op.name(),
                node: node.label.clone(),
                reason,
            })?;
            let (kernels, key) = (&mut all.kernels, KernelKey::of(&made));
            let kernel = kernels.iter().position(|k| *k == key).unwrap_or_else(|| {
                kernels.push(key);
                kernels.len() - 1
            });
            let params = &mut all.params;
            let at = *places.entry(made.params).or_insert_with_key(|words| {
                let at = params.len() as u64;
                params.extend_from_slice(bytemuck::cast_slice(words));
                params.resize(params.len().next_multiple_of(ALIGNMENT as usize), 0);
                at
            });
            row.push(Prepared { kernel, params: at, binds, grid: made.grid });
        }
        all.rows.push(row);
    }
    Ok(all)
}

/// Compiles.
pub(crate) async fn compile(
    backend: &WgpuBackend,
    planned: Planned,
    progress: Listener<'_, (usize, usize)>,
) -> Result<WgpuExecutable, CompileError> {
    backend.health.check()?;
    let Launches { rows, kernels: keys, params } = launches(&backend.caps, &planned)?;
    let kernels = ready(backend, &keys, progress).await?;
    Ok(WgpuExecutable { planned, launches: rows, kernels, params })
}

/// Makes the pipelines of a program without the program.
pub(crate) async fn warm(
    backend: &WgpuBackend,
    planned: &Planned,
    progress: Listener<'_, (usize, usize)>,
) -> Result<(), CompileError> {
    backend.health.check()?;
    let keys = launches(&backend.caps, planned)?.kernels;
    ready(backend, &keys, progress).await.map(drop)
}

/// The pipelines of kernels.
async fn ready(
    backend: &WgpuBackend,
    keys: &[KernelKey],
    progress: Listener<'_, (usize, usize)>,
) -> Result<Vec<Kernel>, CompileError> {
    let known = |key: &KernelKey| backend.known().contains_key(key);
    #[cfg(target_arch = "wasm32")]
    let _kept = {
        let new: Vec<_> = keys.iter().filter(|key| !known(key)).cloned().collect();
        crate::ahead::compile(backend, &new, progress).await?
    };
    let mut kernels = Vec::new();
    let mut made = 0;
    let of = keys.iter().filter(|key| !known(key)).count();
    for key in keys {
        // In a browser they were told of when they were made.
        let new = !known(key) && !cfg!(target_arch = "wasm32");
        if new {
            progress((made, of));
            made += 1;
        }
        kernels.push(kernel(backend, key).await?);
    }
    if !cfg!(target_arch = "wasm32") {
        progress((of, of));
    }
    Ok(kernels)
}

/// The launch of a node and what its bindings see.
fn prepare(caps: &Caps, planned: &Planned, node: &Node) -> Result<(Launch, Vec<Bound>), String> {
    let program = &planned.program;
    let (inputs, output) = planned.operands(node);
    let mut bases = Vec::new();
    let mut ranges = Vec::new();
    for &value in &node.inputs {
        let (owner, first) = program.base(value);
        let size = program.dtype(value).bytes() as u64;
        let at = first as u64 * size;
        let offset = at / ALIGNMENT * ALIGNMENT;
        bases.push(word(((at - offset) / size) as usize)?);
        // A view sees its own range; an owner all of its memory, since padding and step noise are more than the shape says.
        let bytes = (value != owner)
            .then(|| (at - offset + program.shape(value).len() as u64 * size).next_multiple_of(16));
        ranges.push(Bound::Value { owner, offset, bytes });
    }
    let (owner, first) = program.base(node.output);
    if first != 0 {
        return Err("it writes into the middle of a value".into());
    }
    let made = launch(&node.op, &Site { caps, inputs: &inputs, output: &output, bases: &bases })?;
    let binds = made.binds.iter().map(|bind| match bind {
        Bind::Input(at) => ranges[*at],
        Bind::Output => Bound::Value { owner, offset: 0, bytes: None },
        Bind::Dummy => Bound::Dummy,
    });
    let binds = binds.collect();
    Ok((made, binds))
}

/// The pipeline of a kernel, made at most once per device.
pub(crate) async fn kernel(backend: &WgpuBackend, key: &KernelKey) -> Result<Kernel, CompileError> {
    if let Some(kernel) = backend.known().get(key) {
        return Ok(kernel.clone());
    }
    let device = &backend.device;
    let (made, failed) = {
        // Drivers that fail to compile say so as internal errors.
        let internal = device.push_error_scope(wgpu::ErrorFilter::Internal);
        let scope = device.push_error_scope(wgpu::ErrorFilter::Validation);
        let made = create(device, key);
        (made, [Box::pin(scope.pop()) as Scope, Box::pin(internal.pop())])
    };
    let [invalid, internal] = failed;
    if let Some(error) = invalid.await.or(internal.await) {
        return Err(CompileError::Kernel { kernel: key.shader.name.into(), reason: error.to_string() });
    }
    backend.known().insert(key.clone(), made.clone());
    Ok(made)
}

fn create(device: &wgpu::Device, key: &KernelKey) -> Kernel {
    let shader = key.shader;
    let constants: Vec<(&str, f64)> =
        key.constants.iter().map(|&(name, value)| (name, f64::from(value))).collect();
    let entry = |b: &onelaunch_shaders::Binding| wgpu::BindGroupLayoutEntry {
        binding: b.binding,
        visibility: wgpu::ShaderStages::COMPUTE,
        ty: wgpu::BindingType::Buffer {
            ty: match b.access {
                Access::Uniform => wgpu::BufferBindingType::Uniform,
                Access::Read => wgpu::BufferBindingType::Storage { read_only: true },
                Access::ReadWrite => wgpu::BufferBindingType::Storage { read_only: false },
            },
            has_dynamic_offset: false,
            min_binding_size: None,
        },
        count: None,
    };
    let entries: Vec<_> = shader.bindings.iter().map(entry).collect();
    let label = Some(shader.name);
    let (layout, pipeline_layout) = layouts(device, label, &entries);
    let source = wgpu::ShaderSource::Wgsl(shader.source().into());
    let module = device.create_shader_module(wgpu::ShaderModuleDescriptor { label, source });
    let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
        label,
        layout: Some(&pipeline_layout),
        module: &module,
        entry_point: Some("main"),
        // Everything the kernels read is inside its buffer by construction, but a wrong number should not become a wild read.
        compilation_options: wgpu::PipelineCompilationOptions {
            constants: &constants,
            zero_initialize_workgroup_memory: false,
        },
        cache: None,
    });
    Kernel { pipeline, layout }
}

/// Layouts of the one bind group of a pipeline.
pub(crate) fn layouts(
    device: &wgpu::Device,
    label: Option<&str>,
    entries: &[wgpu::BindGroupLayoutEntry],
) -> (wgpu::BindGroupLayout, wgpu::PipelineLayout) {
    let group = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label, entries });
    let pipeline = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
        label,
        bind_group_layouts: &[Some(&group)],
        immediate_size: 0,
    });
    (group, pipeline)
}
