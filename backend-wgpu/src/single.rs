//! One op on its own: what conformance tests compare with the reference. It uses the same launches, pipelines and buffers as a session.

use onelaunch_core::Caps;
use onelaunch_core::DeviceError;
use onelaunch_core::backend::{CompileError, Operand, Unsupported};
use onelaunch_core::ops::{Epilogue, Linear, Op};
use onelaunch_core::shape::DType;
use onelaunch_core::weights::Encoding;

use crate::backend::WgpuBackend;
use crate::buffers::Buffer;
use crate::compile::{Kernel, KernelKey, kernel};
use crate::ops::{Bind, Site, launch};
use crate::wait::read;

/// Dispatches `op` over operands given as device bytes (weights in the backend's layout) and returns the bytes of the output, whose
/// first content is `output_bytes`. `caps` may differ from the device's, to test another device's kernels.
///
/// # Errors
/// Where there is no kernel for it, or the device fails.
pub async fn dispatch(
    backend: &WgpuBackend,
    caps: &Caps,
    op: &Op,
    inputs: &[(Operand, Vec<u8>)],
    output: (&Operand, &[u8]),
) -> Result<Vec<u8>, CompileError> {
    repeated(backend, caps, op, inputs, output, 1).await
}

/// As [`dispatch`], `times` times over in one submit: what kernels are timed with. Only for ops that do not read what they write.
///
/// # Errors
/// As [`dispatch`].
pub async fn repeated(
    backend: &WgpuBackend,
    caps: &Caps,
    op: &Op,
    inputs: &[(Operand, Vec<u8>)],
    output: (&Operand, &[u8]),
    times: usize,
) -> Result<Vec<u8>, CompileError> {
    let ready = Ready::new(backend, caps, op, inputs, output, 1).await?;
    ready.submit(times, ready.grid, true);
    let data = read(&backend.device, &ready.staging, ready.staging.size()).await;
    let mut data = data.map_err(|why| backend.failure(why))?;
    backend.health.check()?;
    data.truncate(output.1.len());
    Ok(data)
}

/// A bare loop: set pipeline, set bind group, dispatch. The op is a small product, since most nodes are; its grid is empty, so the device
/// has nothing to do.
pub struct BareLoop<'a>(Ready<'a>);

impl<'a> BareLoop<'a> {
    /// Prepares it with `groups` bind groups. (They are memory that the host must touch: with a single one, a dispatch costs a third.)
    ///
    /// # Errors
    /// Where the device fails.
    pub async fn new(backend: &'a WgpuBackend, groups: usize) -> Result<Self, CompileError> {
        let op = Linear { bias: false, epilogue: Epilogue::default() }.into();
        let operand = |encoding| Operand { shape: [1, 8, 8].into(), dtype: DType::F32, encoding };
        let weight = Operand { shape: [8, 8].into(), ..operand(Some(Encoding::F32)) };
        let inputs = [(operand(None), vec![0; 256]), (weight, vec![0; 256])];
        let output = (&operand(None), &[0; 256][..]);
        Ok(Self(Ready::new(backend, &backend.caps, &op, &inputs, output, groups).await?))
    }

    /// Encodes and submits it, `dispatches` long.
    pub fn submit(&self, dispatches: usize) {
        self.0.submit(dispatches, [0, 0], false);
    }
}

/// An op with its buffers bound.
struct Ready<'a> {
    backend: &'a WgpuBackend,
    kernel: Kernel,
    /// All alike.
    groups: Vec<wgpu::BindGroup>,
    grid: [u32; 2],
    out: Buffer,
    staging: Buffer,
}

impl<'a> Ready<'a> {
    async fn new(
        backend: &'a WgpuBackend,
        caps: &Caps,
        op: &Op,
        inputs: &[(Operand, Vec<u8>)],
        output: (&Operand, &[u8]),
        groups: usize,
    ) -> Result<Self, CompileError> {
        use wgpu::BufferUsages as U;
        let operands: Vec<Operand> = inputs.iter().map(|(operand, _)| operand.clone()).collect();
        let site = Site { caps, inputs: &operands, output: output.0, bases: &vec![0; inputs.len()] };
        let launch = launch(op, &site).map_err(|reason| Unsupported {
            backend: "wgpu",
            op: op.name(),
            node: "test".into(),
            reason,
        })?;
        let kernel = kernel(backend, &KernelKey::of(&launch)).await?;
        let storage = U::STORAGE | U::COPY_DST | U::COPY_SRC;
        let mut wanted: Vec<_> =
            inputs.iter().map(|(_, bytes)| ("operand".into(), bytes.len() as u64, storage)).collect();
        wanted.push(("output".into(), output.1.len() as u64, storage));
        wanted.push(("dummy".into(), 256, storage));
        wanted.push(("params".into(), 256, U::UNIFORM | U::COPY_DST));
        wanted.push(("staging".into(), output.1.len() as u64, U::MAP_READ | U::COPY_DST));
        let mut made = backend.memory.create(&wanted).await?;
        let rest = made.split_off(inputs.len());
        let Ok([out, dummy, params, staging]) = <[Buffer; 4]>::try_from(rest) else {
            return Err(DeviceError::Other("a buffer is missing".into()).into());
        };
        for (buffer, (_, bytes)) in made.iter().zip(inputs) {
            backend.queue.write_buffer(buffer, 0, &padded(bytes));
        }
        backend.queue.write_buffer(&out, 0, &padded(output.1));
        backend.queue.write_buffer(&params, 0, bytemuck::cast_slice(&launch.params));
        let bound = launch.binds.iter().map(|bind| match bind {
            Bind::Input(at) => &made[*at],
            Bind::Output => &out,
            Bind::Dummy => &dummy,
        });
        let entries: Vec<_> = std::iter::once(&params)
            .chain(bound)
            .enumerate()
            .map(|(at, buffer)| wgpu::BindGroupEntry {
                binding: at as u32,
                resource: buffer.as_entire_binding(),
            })
            .collect();
        let descriptor = wgpu::BindGroupDescriptor { label: None, layout: &kernel.layout, entries: &entries };
        let groups = (0..groups).map(|_| backend.device.create_bind_group(&descriptor)).collect();
        let grid = launch.grid;
        Ok(Self { backend, kernel, groups, grid, out, staging })
    }

    /// Encodes and submits; with `copy` the output can be read afterwards.
    fn submit(&self, times: usize, grid: [u32; 2], copy: bool) {
        let mut encoder =
            self.backend.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
            for at in 0..times {
                pass.set_pipeline(&self.kernel.pipeline);
                pass.set_bind_group(0, &self.groups[at % self.groups.len()], &[]);
                pass.dispatch_workgroups(grid[0], grid[1], 1);
            }
        }
        if copy {
            encoder.copy_buffer_to_buffer(&self.out, 0, &self.staging, 0, self.out.size());
        }
        self.backend.queue.submit([encoder.finish()]);
    }
}

/// Queue writes are in whole words.
fn padded(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}
